/*
 * operations: every operation of Secrets Manager that the sandbox knows, and what they share.
 *
 * secrets_manager.c checks what is the same for all (types, permission, SecretId, token), so an
 * operation begins with a secret that exists. An operation checks everything before it changes
 * anything: a refused call leaves no trace.
 */
#ifndef SANDBOX_OPERATIONS_H
#define SANDBOX_OPERATIONS_H

#include "http.h"
#include "keys.h"
#include "vault.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct sandbox;

struct call {
	const cJSON *input;
	struct secret *secret; /* what SecretId names; NULL where the operation has none */
	const char *token;     /* ClientRequestToken, or NULL */
	const char *principal; /* ARN of the caller */
};

typedef struct reply operation(struct sandbox *, const struct call *);

/* secret_lifecycle.c */
operation create_secret, delete_secret, restore_secret, describe_secret, list_secrets;
/* secret_values.c */
operation get_secret_value, batch_get_secret_value, list_secret_version_ids;
/* secret_changes.c */
operation put_secret_value, update_secret, update_secret_version_stage;
/* rotate_secret.c */
operation rotate_secret, cancel_rotate_secret;

/* A check that has nothing to say returns FINE; TRY leaves with what it says otherwise. */
#define FINE ((struct reply){0})
#define TRY(check)                                 \
	do {                                       \
		struct reply try_reply_ = (check); \
		if (try_reply_.status != 0)        \
			return try_reply_;         \
	} while (0)

#define SECRET_NOT_FOUND \
	aws_error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
#define MARKED_FOR_DELETION                                                                    \
	aws_error("InvalidRequestException", "You can't perform this operation on the secret " \
					     "because it was marked for deletion.")

/* The string of a member, or NULL. Types were checked before. */
const char *input_text(const cJSON *input, const char *key);
bool input_flag(const cJSON *input, const char *key, bool fallback);

/* AccessDeniedException as IAM words it, FINE when the caller may. `resource` may be NULL. */
struct reply check_permission(const struct sandbox *, const char *action, const char *principal,
			      const char *resource);

/*
 * SecretString or SecretBinary: at most one of them, at most VALUE_MAX bytes, base64 for a binary
 * one. `value` is NULL when neither is there.
 */
struct reply read_value(const cJSON *input, const char **value, bool *binary);

/* Gives the token's version its value and AWSCURRENT. For a new secret and for UpdateSecret. */
struct reply store_current(struct sandbox *, const struct call *, const char *value, bool binary);

/* {"ARN":…,"Name":…}: what nearly every answer begins with. */
cJSON *identify(const struct secret *);

/* Milliseconds as AWS sends dates: seconds with a fraction. Nothing is added for 0. */
void add_date(cJSON *, const char *key, int64_t unix_milliseconds);

#endif
