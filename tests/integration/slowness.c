#include "slowness.h"

#include "test.h"

#include <stdlib.h>

static long slowness(void)
{
	const char *times = getenv("STACK_SLOWNESS");

	return times != NULL ? strtol(times, NULL, 10) : 1;
}

static int64_t slow_now(void)
{
	return clock_system.now() / slowness();
}

const struct clock slow_clock = {.now = slow_now};

bool is_slow(void)
{
	return slowness() > 1;
}

void skip_where_time_cannot_be_measured(void)
{
	if (is_slow())
		skip_because("it measures time, and STACK_SLOWNESS is set");
}
