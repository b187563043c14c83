/*
 * call: one call of an AWS API, signed afresh for each try.
 *
 * What is mended here, once each: refused credentials, by fetching new ones; a refused signature
 * where our clock is off, by the Date of the answer. What is tried again, and how: http_call().
 */
#ifndef CLIENTS_AWS_CALL_H
#define CLIENTS_AWS_CALL_H

#include "clients/aws/endpoint.h"
#include "clients/aws/error.h"
#include "clients/http/http.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What signs, and whose it is. */
struct aws_keys {
	char *access_key_id;
	struct secret secret_access_key;
	struct secret session_token; /* empty: long-term keys */
	int64_t expires;	     /* Unix time in seconds, 0 = never */
	char source[192];	     /* for people: "the environment", "the role 'arn…'" */
};

#define AWS_KEYS_INIT ((struct aws_keys){0})

/* Wipes and frees. For AUTO(). */
void aws_keys_clear(struct aws_keys *);

struct aws_call {
	const struct config *config;
	const struct endpoint *endpoint;
	const char *action;   /* as IAM writes it: "secretsmanager:GetSecretValue" */
	const char *resource; /* for messages */
	const char *content_type;
	const char *target; /* X-Amz-Target, or NULL */
	const char *body;
	size_t body_length;
	struct deadline deadline;

	/*
	 * Who signs. `refused`: the keys given before were refused; give new ones. NULL: unsigned.
	 * What it returns stays valid until it is called again.
	 */
	struct status (*keys)(void *keys_context, bool refused, const struct aws_keys **ret);
	void *keys_context;

	/* As in struct http_policy: was it done, though its answer was lost? */
	struct status (*find_done)(void *find_done_context, bool *done);
	void *find_done_context;
	bool repeatable; /* as in struct http_request */

	int64_t *clock_skew; /* seconds that AWS's clock is ahead of ours; corrected when refused */
	unsigned *count;     /* requests sent, for metrics */
};

/*
 * Sends it. OK: `ret` is a success, or empty where find_done() found it done. A refusal comes as
 * aws_error_code() says, with `error` for who wants to know the type; any other failure leaves
 * `error->type` empty and is http_call()'s or keys()'.
 */
struct status aws_call_send(struct http *, const struct aws_call *, struct aws_error *error,
			    struct http_response *ret);

#endif
