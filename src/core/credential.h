/*
 * credential: one JSON value of a secret, read strictly and written back losslessly.
 *
 * It is a user name, a password and, beside them, whatever its owner put there. The text is kept
 * byte for byte; credential_change() exchanges the two values and leaves everything else, unknown
 * keys, big integers, order and white space included.
 */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "core/secret.h"
#include "core/status.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct credential {
	struct secret text;   /* the value as the store holds it */
	cJSON *fields;	      /* the same, parsed */
	const char *username; /* inside `fields` */
	struct secret password;
};

#define CREDENTIAL_INIT ((struct credential){0})

/*
 * Reads a secret's value. `whose` names it in messages ("the application secret", an ARN).
 * INVALID: not JSON, not an object, "username" or "password" missing, empty or not a string, a key
 * twice. The text says which key and what is expected, never what stands there.
 */
struct status credential_parse(const struct secret *value, const char *whose,
			       struct credential *ret);

/* The same text with another user name and password. INVALID: it would pass SECRET_MAX. */
struct status credential_change(const struct credential *, const char *username,
				const struct secret *password, struct credential *ret);

/*
 * Puts "host" and "port" into its fields, in the place of what is there; the text stays as it is. For
 * a value that leaves it to its owner to say where it is for.
 */
struct status credential_set_place(struct credential *, const char *host, uint16_t port);

/* Wipes and frees. For AUTO(). */
void credential_clear(struct credential *);

#endif
