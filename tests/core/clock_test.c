/* Deadlines on a clock that a test moves; the real one where only it can be meant. */
#include "test.h"

#include "core/clock.h"

#include <signal.h>
#include <sys/time.h>

static int64_t now, slept;

static int64_t read_now(void)
{
	return now;
}

static void note_sleep(int64_t milliseconds)
{
	slept = milliseconds;
}

static const struct clock clock = {.now = read_now, .sleep = note_sleep};

static void deadline_is_never_overdrawn(void **state)
{
	struct deadline deadline;

	(void)state;
	now = 1000;
	deadline = deadline_in(&clock, 500);
	assert_int_equal(deadline_left(deadline), 500);
	assert_int_equal(deadline_left(deadline_within(deadline, 200)), 200);
	assert_int_equal(deadline_left(deadline_within(deadline, 800)), 500);
	deadline_sleep(deadline, 200);
	assert_int_equal(slept, 200);
	deadline_sleep(deadline, 800);
	assert_int_equal(slept, 500);
	now = 1501;
	assert_int_equal(deadline_left(deadline), 0);
	deadline_sleep(deadline, 200);
	assert_int_equal(slept, 0);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

/* A signal in between does not make it shorter. */
static void sleep_lasts_as_long_as_asked(void **state)
{
	const struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
	const struct itimerval never = {0};
	struct sigaction action = {.sa_handler = count_alarm}, before;
	int64_t begun = clock_system.now();

	(void)state;
	clock_system.sleep(0);
	clock_system.sleep(-1000);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	clock_system.sleep(60);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_true(alarms > 0);
	assert_true(clock_system.now() - begun >= 59);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deadline_is_never_overdrawn),
		cmocka_unit_test(sleep_lasts_as_long_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
