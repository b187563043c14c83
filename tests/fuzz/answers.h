/*
 * answers: what the other side says, read from an input in the place of a network.
 *
 * A target that wraps http_exchange() (ld's --wrap) sends every request of the product to the next
 * answer of the script. Above it all is real: signing, trying again, reading. An
 * answer is a line with its status, lines "Name: value", an empty line and a line with the body. A
 * status of 0 is a connection that cannot be made, 1 one that is lost; so is the end of the script.
 */
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include "core/clock.h"
#include "fuzz.h"

void answers_begin(struct input script);

/* How many requests were sent since then. */
unsigned answers_asked(void);

/* A minute on a clock that moves by being slept on, so that no wait is waited for. */
struct deadline answers_deadline(void);

#endif
