#include "core/json.h"

#include "core/memory.h"
#include "core/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The scanners below read a text that json_parse() has accepted, so they need no error paths. */

static bool is_space(char c)
{
	return (unsigned char)c <= ' ';
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && is_space(*at))
		at++;
	return at;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			if (depth == 0)
				return at;
			depth--;
			at++;
		} else if (depth == 0 && (*at == ',' || is_space(*at))) {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return end;
}

/* cJSON ends a string at \u0000: what stands behind it would silently be lost. */
static bool has_escaped_nul(const char *text, size_t length)
{
	for (size_t i = 0; i + 5 < length; i++) {
		if (text[i] != '\\')
			continue;
		if (memcmp(text + i, "\\u0000", 6) == 0)
			return true;
		i++;
	}
	return false;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct status refuse_twins(const cJSON *object)
{
	size_t count = (size_t)cJSON_GetArraySize(object), i = 0;
	const char **keys;
	const cJSON *item;

	if (count < 2)
		return OK;
	keys = memory_alloc(count * sizeof(*keys));
	if (keys == NULL)
		return OUT_OF_MEMORY;
	cJSON_ArrayForEach(item, object) keys[i++] = item->string;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 1; i < count && strcmp(keys[i - 1], keys[i]) != 0; i++)
		;
	if (i < count) {
		/* A key is a name its owner chose, not a secret; still, keep the message short. */
		struct status twice = failure(STATUS_INVALID,
					      "the key \"%.64s\" stands there twice", keys[i]);
		memory_free(keys);
		return twice;
	}
	memory_free(keys);
	return OK;
}

static struct status refuse_twins_everywhere(const cJSON *item)
{
	const cJSON *child;

	if (cJSON_IsObject(item))
		TRY(refuse_twins(item));
	cJSON_ArrayForEach(child, item) TRY(refuse_twins_everywhere(child));
	return OK;
}

struct status json_parse(const char *text, size_t length, cJSON **ret)
{
	AUTO(json_clear) cJSON *tree = NULL;
	const char *end = text;
	unsigned long failures = memory_failures();
	size_t good = utf8_length(text, length);

	if (good < length)
		return failure(STATUS_INVALID, "not UTF-8: it goes wrong at byte %zu of %zu",
			       good + 1, length);
	if (memchr(text, '\0', length) != NULL || has_escaped_nul(text, length))
		return failure(STATUS_INVALID, "a NUL character in the JSON text");
	tree = cJSON_ParseWithLengthOpts(text, length, &end, false);
	/* NULL either way; "fix the secret" would be the wrong advice. */
	if (tree == NULL && memory_failures() != failures)
		return OUT_OF_MEMORY;
	if (tree == NULL)
		return failure(STATUS_INVALID, "not JSON: it goes wrong at byte %td of %zu",
			       end - text + 1, length);
	end = skip_space(end, text + length);
	if (end != text + length)
		return failure(STATUS_INVALID,
			       "something stands behind the JSON text, at byte %td of %zu",
			       end - text + 1, length);
	TRY(refuse_twins_everywhere(tree));
	*ret = tree;
	tree = NULL;
	return OK;
}

void json_clear(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}

const char *json_string(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

struct status json_quote(const char *text, struct buffer *ret)
{
	AUTO(json_clear) cJSON *string = cJSON_CreateString(text);
	AUTO(string_clear) char *printed = NULL;

	if (string == NULL)
		return OUT_OF_MEMORY;
	utf8_mend(string->valuestring);
	printed = cJSON_PrintUnformatted(string);
	if (printed == NULL)
		return OUT_OF_MEMORY;
	return buffer_append_string(ret, printed);
}

static const struct json_edit *edit_of(const cJSON *member, const struct json_edit *edits,
				       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(member->string, edits[i].key) == 0)
			return &edits[i];
	return NULL;
}

static bool says(const cJSON *member, const char *text)
{
	return cJSON_IsString(member) && strcmp(member->valuestring, text) == 0;
}

static struct status append_member(const struct json_edit *edit, bool first, struct buffer *ret)
{
	TRY(buffer_append_string(ret, first ? "" : ", "));
	TRY(json_quote(edit->key, ret));
	TRY(buffer_append_string(ret, ": "));
	return json_quote(edit->value, ret);
}

struct status json_replace(const char *text, size_t length, const struct json_edit *edits,
			   size_t count, struct buffer *ret)
{
	AUTO(json_clear) cJSON *tree = NULL;
	const char *end = text + length, *copied = text, *at;
	const cJSON *member;
	bool empty;

	TRY(json_parse(text, length, &tree));
	if (!cJSON_IsObject(tree))
		return failure(STATUS_INVALID, "a JSON object is wanted here");
	for (size_t i = 0; i < count; i++)
		if (utf8_length(edits[i].value, strlen(edits[i].value)) < strlen(edits[i].value))
			return failure(STATUS_INVALID, "the new \"%s\" is not UTF-8", edits[i].key);
	empty = tree->child == NULL;

	/* The tree says what stands there, decoded, and the text where: both in the same order. */
	at = memchr(text, '{', length);
	at = skip_space(at + 1, end);
	cJSON_ArrayForEach(member, tree)
	{
		const struct json_edit *edit = edit_of(member, edits, count);
		const char *value, *behind;

		at = skip_space(skip_string(at, end), end); /* the colon */
		value = skip_space(at + 1, end);
		behind = skip_value(value, end);
		if (edit != NULL && !says(member, edit->value)) {
			TRY(buffer_append(ret, copied, (size_t)(value - copied)));
			TRY(json_quote(edit->value, ret));
			copied = behind;
		}
		at = skip_space(behind, end);
		if (at < end && *at == ',')
			at = skip_space(at + 1, end);
	}
	TRY(buffer_append(ret, copied, (size_t)(at - copied)));
	for (size_t i = 0; i < count; i++) {
		if (cJSON_GetObjectItemCaseSensitive(tree, edits[i].key) != NULL)
			continue;
		TRY(append_member(&edits[i], empty, ret));
		empty = false;
	}
	return buffer_append(ret, at, (size_t)(end - at));
}
