/*
 * sigv4: AWS's Signature Version 4, as a pure function.
 *
 * A request, a key and a date go in, the value of the Authorization header comes out. No clock, no
 * environment, no state. Every header handed in is signed, so the caller hands in exactly those
 * that must not change on the way, "Host" among them.
 * Source: AWS IAM User Guide, "Create a signed AWS API request".
 */
#ifndef CLIENTS_AWS_SIGV4_H
#define CLIENTS_AWS_SIGV4_H

#include "clients/http/http.h"
#include "core/buffer.h"
#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* "20261121T220619Z" and its NUL: the form of X-Amz-Date. */
#define SIGV4_DATE_SIZE 17

struct sigv4_scope {
	const char *access_key_id;
	const struct secret *secret_access_key;
	const char *date; /* the value of X-Amz-Date */
	const char *region;
	const char *service;
};

/* The request as it will be sent; nothing is owned. */
struct sigv4_request {
	const char *method;
	const char *path;  /* from the first '/', encoded, without dot segments; "" counts as "/" */
	const char *query; /* after the '?', encoded; or NULL */
	const struct http_header *headers;
	size_t header_count; /* at most 32 */
	const void *body;
	size_t body_length;
	bool path_is_canonical; /* S3: the path is encoded once, not twice */
};

/*
 * Appends the value of the Authorization header. INVALID: the access key or the region does not
 * fit. The secret key and what is derived from it are wiped.
 */
struct status sigv4_sign(const struct sigv4_scope *, const struct sigv4_request *,
			 struct buffer *ret);

/* The canonical request alone, and the list of signed headers: for tests and for diagnosis. */
struct status sigv4_canonical_request(const struct sigv4_request *, struct buffer *ret,
				      struct buffer *ret_signed_headers);

/* Formats a Unix time for X-Amz-Date. */
void sigv4_date(time_t, char ret[SIGV4_DATE_SIZE]);

/* Appends text percent-encoded as SigV4 and STS's query protocol want it: RFC 3986, upper case. */
struct status sigv4_encode(const char *text, size_t length, struct buffer *ret);

#endif
