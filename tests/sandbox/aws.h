/*
 * aws: POST /: which service, who signed, which fault strikes; then the service, then the journal.
 */
#ifndef SANDBOX_AWS_H
#define SANDBOX_AWS_H

#include "http.h"

struct sandbox;

struct reply aws_handle(struct sandbox *, const struct request *);

#endif
