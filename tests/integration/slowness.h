/*
 * slowness: STACK_SLOWNESS says how many times slower than usual everything is, under valgrind say: so
 * much slower goes the clock of the deadlines, a test that measures time is skipped, and of a long table
 * it is enough to try some.
 */
#ifndef TESTS_SLOWNESS_H
#define TESTS_SLOWNESS_H

#include "core/clock.h"

#include <stdbool.h>

/* For deadlines; it has no sleep(). */
extern const struct clock slow_clock;

bool is_slow(void);

/* Skips the test, and says why. */
void skip_where_time_cannot_be_measured(void);

#endif
