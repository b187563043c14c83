/*
 * credentials_context: what the sources of keys share, so that none of them has to know the chain.
 */
#ifndef CLIENTS_AWS_CREDENTIALS_CONTEXT_H
#define CLIENTS_AWS_CREDENTIALS_CONTEXT_H

#include "clients/aws/call.h"
#include "clients/aws/profile.h"

/* What every source may need; nothing is owned. */
struct credentials_context {
	const struct config *config;
	const struct profile
		*profile; /* the one the environment asks for; maybe empty, never NULL */
	struct http *http;
	struct deadline deadline;
	const char *region; /* STS's, where the configuration names none */
	int64_t *clock_skew;
	unsigned *count;
};

/* "2026-11-21T22:06:19Z" as Unix time in seconds. INVALID: it is not of that form. */
struct status credentials_read_date(const char *text, int64_t *ret);

#endif
