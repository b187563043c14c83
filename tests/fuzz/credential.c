/*
 * A secret's value, read and written back with another user and password. Whoever wrote the secret
 * wrote the bytes; everything but the two values must come back as it was, byte for byte, in the
 * view of cJSON, which shares nothing with the scanner of core/json.c.
 *
 * Input: the new user name, the new password, then the value.
 */
#include "fuzz.h"

#include "core/buffer.h"
#include "core/credential.h"

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ')
		at++;
	return at;
}

/* Behind the value that begins at `at`. */
static const char *skip_value(const char *at, const char *end)
{
	const char *behind = NULL;
	cJSON *item = cJSON_ParseWithLengthOpts(at, (size_t)(end - at), &behind, false);

	REQUIRE(item != NULL);
	cJSON_Delete(item);
	return behind;
}

/* Appends the text without the values of "username" and "password". */
static struct status append_rest(const struct secret *value, struct buffer *ret)
{
	const char *at = secret_reveal(value), *end = at + secret_length(value), *copied = at;

	at = skip_space(strchr(at, '{') + 1, end);
	while (at < end && *at == '"') {
		cJSON *key = cJSON_ParseWithLengthOpts(at, (size_t)(end - at), &at, false);
		bool changed;

		REQUIRE(cJSON_IsString(key));
		changed = strcmp(key->valuestring, "username") == 0 ||
			  strcmp(key->valuestring, "password") == 0;
		cJSON_Delete(key);
		at = skip_space(at, end);
		REQUIRE(*at == ':');
		at = skip_space(at + 1, end);
		if (changed)
			TRY(buffer_append(ret, copied, (size_t)(at - copied)));
		at = skip_value(at, end);
		if (changed)
			copied = at;
		at = skip_space(at, end);
		if (at < end && *at == ',')
			at = skip_space(at + 1, end);
	}
	return buffer_append(ret, copied, (size_t)(end - copied));
}

static void require_changed(const struct credential *before, const struct credential *after,
			    const char *username, const struct secret *password)
{
	AUTO(buffer_clear) struct buffer kept = BUFFER_INIT(SECRET_MAX);
	AUTO(buffer_clear) struct buffer found = BUFFER_INIT(SECRET_MAX);

	REQUIRE(strcmp(after->username, username) == 0);
	REQUIRE(secret_equal(&after->password, password));
	REQUIRE(append_rest(&before->text, &kept).code == STATUS_OK);
	REQUIRE(append_rest(&after->text, &found).code == STATUS_OK);
	REQUIRE(kept.length == found.length);
	REQUIRE(memcmp(kept.data, found.data, kept.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(credential_clear) struct credential before = CREDENTIAL_INIT, after = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT, password = SECRET_INIT;
	AUTO(string_clear) char *user = NULL, *word = NULL, *text = NULL;
	struct input input = INPUT(data, size);
	struct status status;
	size_t length;

	user = take_line(&input);
	word = take_line(&input);
	text = take_rest(&input, &length);
	if (secret_make(text, length, &value).code != STATUS_OK ||
	    secret_make(word, strlen(word), &password).code != STATUS_OK)
		return 0;
	status = credential_parse(&value, "the secret", &before);
	require_sound(status);
	if (status.code != STATUS_OK) {
		REQUIRE(status.code == STATUS_INVALID);
		return 0;
	}
	REQUIRE(secret_equal(&before.text, &value));
	status = credential_change(&before, user, &password, &after);
	require_sound(status);
	if (status.code == STATUS_OK)
		require_changed(&before, &after, user, &password);
	else
		REQUIRE(status.code == STATUS_INVALID);
	/* Nothing but these makes a change impossible. */
	if (*user != '\0' && *word != '\0' && is_utf8(user, strlen(user)) &&
	    is_utf8(word, strlen(word)) && length + 6 * (strlen(user) + strlen(word)) < SECRET_MAX)
		REQUIRE(status.code == STATUS_OK);
	return 0;
}
