/*
 * sigv4_verify: is this request signed as AWS Signature Version 4 says, by somebody we know?
 *
 * Written from the specification alone and from the raw request; shares nothing with the signer
 * under test. Stricter than AWS in one respect: every x-amz-* header that was sent must be signed.
 * Source: "Create a signed AWS API request", IAM User Guide.
 */
#ifndef SANDBOX_SIGV4_VERIFY_H
#define SANDBOX_SIGV4_VERIFY_H

#include "http.h"
#include "keys.h"

#include <stdbool.h>
#include <stddef.h>

struct sandbox;

struct signature_check {
	const struct key *key; /* who signed; NULL: refused, see below */
	char type[48];	       /* the error type as AWS's JSON services name it */
	char message[512];
};

/* Checks a request to `service`. The scope must name this service and the sandbox's region. */
struct signature_check sigv4_verify(const struct sandbox *, const struct request *,
				    const char *service);

/* The service named in the Authorization header's scope; false when there is none. */
bool sigv4_scope_service(const struct request *, char *out, size_t size);

#endif
