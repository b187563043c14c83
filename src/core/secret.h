/*
 * secret: bytes that must not be seen: a password, a session token, a whole secret value.
 *
 * Not a `char *`, so that `printf("%s", s)` does not compile. secret_reveal() is the only way out
 * and belongs in the innermost call; ci/lint.sh keeps the list of files that may call it. The
 * bytes are wiped when the secret is cleared or overwritten, and never logged.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

struct secret {
	char *bytes_;	/* NUL-terminated; NULL when empty. Use secret_reveal(). */
	size_t length_; /* without the NUL */
};

#define SECRET_INIT ((struct secret){0})

/* The largest value that any of our stores takes: Secrets Manager's limit for SecretString. */
#define SECRET_MAX 65536

/* Copies `length` bytes. INVALID: longer than SECRET_MAX. UNAVAILABLE: out of memory. */
struct status secret_make(const char *bytes, size_t length, struct secret *ret);
struct status secret_copy(const struct secret *, struct secret *ret);

/* The bytes, NUL-terminated, valid until the secret is cleared; "" when empty. Never NULL. */
const char *secret_reveal(const struct secret *);
size_t secret_length(const struct secret *);
bool secret_empty(const struct secret *);

/* Same length and same bytes; the time taken depends on the length alone. */
bool secret_equal(const struct secret *, const struct secret *);

/* Wipes and frees. For AUTO(). */
void secret_clear(struct secret *);

#endif
