/*
 * fields: the values of a secret's keys, read strictly.
 *
 * Two public shapes of secret differ in key names only: a key may have a second name, and whichever
 * of the two is there is meant. null counts as missing. INVALID names the key and what is expected.
 */
#ifndef CORE_FIELDS_H
#define CORE_FIELDS_H

#include "core/credential.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that is not empty; `fallback` when missing. Inside the credential, or the fallback itself.
 */
struct status field_text(const struct credential *, const char *key, const char *other_key,
			 const char *fallback, const char **ret);

/* A port, 1 to 65535, as AWS writes it, 5432, or as people do, "5432"; `fallback` when missing. */
struct status field_port(const struct credential *, const char *key, const char *other_key,
			 long fallback, uint16_t *ret);

/*
 * A list of different texts, none empty, at most `most`; appended to `ret` as copies for the caller
 * to free (string_clear), also after a failure. Missing: nothing is appended.
 */
struct status field_list(const struct credential *, const char *key, size_t most, char **ret,
			 size_t *ret_count);

/* "ssl": missing, true or "true" = verified TLS; false = plaintext, because its owner wrote so. */
struct status field_ssl(const struct credential *, bool *ret);

#endif
