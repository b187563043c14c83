/*
 * control: what a test asks of the sandbox itself, under /sandbox/. Never signed. The table of
 * paths is in the README.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "http.h"

struct sandbox;

struct reply control_handle(struct sandbox *, const struct request *);

#endif
