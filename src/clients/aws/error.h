/*
 * error: what AWS's refusal means for the caller.
 *
 * Decided by the type's name, never by the HTTP status where a type is known: the same type comes
 * with different statuses. Reads the JSON, query (XML) and gateway forms.
 * Source: the Secrets Manager API Reference, "Common Errors"; AWS SDKs' retry behaviour.
 */
#ifndef CLIENTS_AWS_ERROR_H
#define CLIENTS_AWS_ERROR_H

#include "clients/http/http.h"
#include "core/status.h"

enum aws_error_class {
	AWS_ERROR_INVALID, /* the request is wrong */
	AWS_ERROR_NOT_FOUND,
	AWS_ERROR_EXISTS,      /* the token has another value */
	AWS_ERROR_DENIED,      /* a permission is missing */
	AWS_ERROR_CREDENTIALS, /* expired or unknown: fresh ones may work */
	AWS_ERROR_SIGNATURE,   /* refused: a wrong clock or a wrong secret key */
	AWS_ERROR_THROTTLED,
	AWS_ERROR_RETRY, /* their side */
};

struct aws_error {
	char type[96]; /* "ResourceNotFoundException"; "" when there was no answer with one */
	enum aws_error_class class;
	char message[384];   /* AWS's text; "" where it may repeat what must not be seen */
	char request_id[64]; /* for AWS's support; may be "" */
};

#define AWS_ERROR_INIT ((struct aws_error){0})

/* Reads an answer that is no success. Text that repeats what we sent is left out. */
void aws_error_read(const struct http_response *, struct aws_error *ret);

/*
 * A failure for people: `action` ("secretsmanager:GetSecretValue") on `resource` as `who` in
 * `region`, AWS's words, what to do. A denial names the permission to add, KMS's too where that is
 * what is missing.
 */
struct status aws_error_status(const struct aws_error *, const char *action, const char *resource,
			       const char *who, const char *region);

/* The code that aws_error_status() gives. */
enum status_code aws_error_code(const struct aws_error *);

#endif
