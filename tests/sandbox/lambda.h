/*
 * lambda: the Runtime API and the function behind it.
 *
 * An invocation waits in a queue until a runtime polls, belongs to that runtime until it answers,
 * and is over when it answered, died or took too long. Several runtimes may poll at a time, each
 * has one invocation. A runtime that polls again without having answered has failed its
 * invocation; so has one whose connection is gone when the next runtime polls. Hence several
 * runtimes at a time must keep their connection between /next and the answer, as libcurl does.
 * Source: "Using the Lambda runtime API for custom runtimes", Lambda Developer Guide.
 */
#ifndef SANDBOX_LAMBDA_H
#define SANDBOX_LAMBDA_H

#include "http.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNTIME_PREFIX "/2018-06-01/runtime/"
#define INIT_ERRORS_MAX 32

enum outcome { OUTCOME_NONE, OUTCOME_RESPONSE, OUTCOME_ERROR, OUTCOME_TIMEOUT };

struct invocation {
	char id[37];
	const char *function; /* ARN. Not owned. */
	const char *payload;  /* Not owned. */
	size_t length;
	bool running;	     /* a runtime has it */
	int64_t ends_at;     /* monotonic: when the waiting ends */
	uint64_t connection; /* over which it was handed out */
	bool connection_closed;
	enum outcome outcome;
	char error_type[64];
	char *body; /* the answer, owned */
	struct invocation *next;
};

struct lambda {
	struct invocation *first; /* in the order in which they came */
	uint64_t polls;
	uint64_t invocations; /* handed out so far */
	unsigned waiting;     /* runtimes that poll at this moment */
	cJSON *init_errors;
};

struct sandbox;

/*
 * Invokes the function and waits for its answer, at most the Lambda timeout for a runtime to come
 * and again that long for its answer. Gives the lock away meanwhile. `ret` is for
 * invocation_clear().
 */
void lambda_invoke(struct sandbox *, const char *function, const char *payload, size_t length,
		   struct invocation *ret);
void invocation_clear(struct invocation *);

/* Takes back an invocation that no runtime has yet: it ends as a timeout. */
void lambda_withdraw(struct sandbox *, struct invocation *);

/* Everything under RUNTIME_PREFIX. */
struct reply lambda_handle(struct sandbox *, const struct request *);

/* The server says: this connection is closed. */
void lambda_connection_closed(struct sandbox *, uint64_t connection);

/* GET /sandbox/function */
cJSON *lambda_show(const struct lambda *);
void lambda_clear(struct lambda *);

#endif
