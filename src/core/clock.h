/*
 * clock: what time it is, and how long we may still take.
 *
 * Every wait in the program ends at a deadline. A step reads the clock through `struct clock`, so
 * a test can make a minute pass in no time; clients use clock_system.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

struct timespec; /* <time.h> has a function clock() */

struct clock {
	int64_t (*now)(void); /* milliseconds that only grow; the origin means nothing */
	void (*sleep)(int64_t milliseconds); /* at least so long; 0 or less returns at once */
};

/* CLOCK_BOOTTIME, which goes on while a machine sleeps, and nanosleep. */
extern const struct clock clock_system;

/* Milliseconds since 1970-01-01 UTC: for dates on the wire, never for waiting. */
int64_t clock_unix_ms(void);

/* So long from now on CLOCK_MONOTONIC: for pthread_cond_clockwait(). */
struct timespec clock_monotonic_in(int64_t milliseconds);

struct deadline {
	const struct clock *clock;
	int64_t at; /* on clock->now()'s scale */
};

struct deadline deadline_in(const struct clock *, int64_t milliseconds);

/* Milliseconds left, 0 when it has passed; never negative. */
int64_t deadline_left(struct deadline);

/* The earlier of the deadline itself and `milliseconds` from now: for one try among several. */
struct deadline deadline_within(struct deadline, int64_t milliseconds);

/* So much earlier: to leave time for what has to follow. */
struct deadline deadline_earlier(struct deadline, int64_t milliseconds);

/* Sleeps so long, but not past the deadline. */
void deadline_sleep(struct deadline, int64_t milliseconds);

#endif
