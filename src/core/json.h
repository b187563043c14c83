/*
 * json: reading strictly, and changing a text without touching the rest of it.
 *
 * Reading is cJSON's; this adds what a secret needs: the whole text or nothing, no key twice, no
 * NUL hidden in a string. Changing never goes through a tree: a tree turns 2^53 + 1 into 2^53 and
 * reorders what its owner wrote. json_replace() copies the text and exchanges only the values
 * named. Source: RFC 8259.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/buffer.h"
#include "core/status.h"

#include <cjson/cJSON.h>
#include <stddef.h>

/*
 * Parses one JSON text of `length` bytes. INVALID: not UTF-8 or not JSON (says at which byte, never
 * what stands there), something after it, a key twice in one object, a \u0000 in a string, nested
 * too deeply.
 */
struct status json_parse(const char *text, size_t length, cJSON **ret);

/* For AUTO(). cJSON_Delete with the address of the variable. */
void json_clear(cJSON **);

/* The string under `key`, NULL when the key is missing or is not a string. Owned by the tree. */
const char *json_string(const cJSON *object, const char *key);

struct json_edit {
	const char *key;   /* a member of the top-level object */
	const char *value; /* the string to put there */
};

/*
 * Appends `text`, a JSON object, to `ret` with the edits made: a member whose string already equals
 * the edit stays byte for byte, a member that is missing is added at the end. INVALID: as
 * json_parse, not an object, a value that is not UTF-8.
 */
struct status json_replace(const char *text, size_t length, const struct json_edit *edits,
			   size_t count, struct buffer *ret);

/* Appends `text` as a JSON string with its quotes; a byte that is no UTF-8 becomes a '?'. */
struct status json_quote(const char *text, struct buffer *ret);

#endif
