/*
 * secrets_json: what Secrets Manager's requests and answers look like.
 *
 * Pure. Source: AWS Secrets Manager API Reference; dates are Unix seconds with a fraction.
 */
#ifndef CLIENTS_AWS_SECRETS_JSON_H
#define CLIENTS_AWS_SECRETS_JSON_H

#include "core/buffer.h"
#include "core/secret_store.h"
#include "core/status.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/* "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS". */
const char *secrets_stage_name(enum stage);

/* Appends a member to an object under construction, which begins as an empty buffer. */
struct status secrets_add_string(struct buffer *object, const char *key, const char *value);
struct status secrets_add_list(struct buffer *object, const char *key, const char *const *values,
			       size_t count);
struct status secrets_add_true(struct buffer *object, const char *key);
struct status secrets_end(struct buffer *object);

/* DescribeSecret's answer. INVALID: marked for deletion, or not what the reference says. */
struct status secrets_read_labels(const cJSON *answer, const char *id, struct secret_labels *ret);

/* A value, alone or in a batch. INVALID: it is binary, has no text, or is longer than SECRET_MAX.
 */
struct status secrets_read_version(const cJSON *answer, const char *id, struct secret_version *ret);

/* Does the answer say that its version has this label? */
bool secrets_has_stage(const cJSON *answer, const char *stage);

/* ListSecretVersionIds' answer, or a part of it: the newest `most` ids, newest first; how many. */
size_t secrets_read_newest(const cJSON *answer, size_t most, const char **ret);

/* Is the secret of this name and ARN the one that `id`, a name, an ARN or its beginning, means? */
bool secrets_id_means(const char *id, const char *name, const char *arn);

#endif
