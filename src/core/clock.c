#include "core/clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Goes on while the machine is suspended: what was late then is late afterwards. */
static int64_t monotonic_now(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

static void monotonic_sleep(int64_t milliseconds)
{
	struct timespec left;

	if (milliseconds <= 0)
		return;
	left.tv_sec = (time_t)(milliseconds / 1000);
	left.tv_nsec = (long)(milliseconds % 1000) * 1000000;
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

const struct clock clock_system = {.now = monotonic_now, .sleep = monotonic_sleep};

int64_t clock_unix_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

struct timespec clock_monotonic_in(int64_t milliseconds)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += (time_t)(milliseconds / 1000);
	time.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

struct deadline deadline_in(const struct clock *clock, int64_t milliseconds)
{
	return (struct deadline){.clock = clock, .at = clock->now() + milliseconds};
}

int64_t deadline_left(struct deadline deadline)
{
	int64_t left = deadline.at - deadline.clock->now();

	return left > 0 ? left : 0;
}

struct deadline deadline_within(struct deadline deadline, int64_t milliseconds)
{
	struct deadline sooner = deadline_in(deadline.clock, milliseconds);

	return sooner.at < deadline.at ? sooner : deadline;
}

struct deadline deadline_earlier(struct deadline deadline, int64_t milliseconds)
{
	deadline.at -= milliseconds;
	return deadline;
}

void deadline_sleep(struct deadline deadline, int64_t milliseconds)
{
	int64_t left = deadline_left(deadline);

	deadline.clock->sleep(milliseconds < left ? milliseconds : left);
}
