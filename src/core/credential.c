#include "core/credential.h"

#include "core/buffer.h"
#include "core/json.h"

#include <string.h>

/* "username" or "password": a string that is not empty; anything else is told apart for its owner.
 */
static struct status require_string(const cJSON *fields, const char *key, const char *whose,
				    const char **ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields, key);
	const char *text = cJSON_GetStringValue(item);

	if (item == NULL)
		return failure(STATUS_INVALID, "%s has no \"%s\": add it as a string", whose, key);
	if (text == NULL)
		return failure(STATUS_INVALID, "\"%s\" in %s is not a string: write it as \"…\"",
			       key, whose);
	if (*text == '\0')
		return failure(STATUS_INVALID, "\"%s\" in %s is empty", key, whose);
	*ret = text;
	return OK;
}

struct status credential_parse(const struct secret *value, const char *whose,
			       struct credential *ret)
{
	AUTO(credential_clear) struct credential made = CREDENTIAL_INIT;
	const char *password = NULL;

	TRY(secret_copy(value, &made.text));
	TRY_WHILE(json_parse(secret_reveal(value), secret_length(value), &made.fields),
		  "reading %s", whose);
	if (!cJSON_IsObject(made.fields))
		return failure(
			STATUS_INVALID,
			"%s is not a JSON object: {\"username\": …, \"password\": …} is expected",
			whose);
	TRY(require_string(made.fields, "username", whose, &made.username));
	TRY(require_string(made.fields, "password", whose, &password));
	TRY(secret_make(password, strlen(password), &made.password));
	credential_clear(ret);
	*ret = made;
	made = CREDENTIAL_INIT;
	return OK;
}

struct status credential_change(const struct credential *credential, const char *username,
				const struct secret *password, struct credential *ret)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(SECRET_MAX);
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	struct json_edit edits[] = {
		{.key = "username", .value = username},
		{.key = "password", .value = secret_reveal(password)},
	};

	TRY_WHILE(json_replace(secret_reveal(&credential->text), secret_length(&credential->text),
			       edits, sizeof(edits) / sizeof(edits[0]), &text),
		  "writing the new value of the secret");
	TRY(secret_make(buffer_string(&text), text.length, &value));
	return credential_parse(&value, "the new value of the secret", ret);
}

struct status credential_set_place(struct credential *credential, const char *host, uint16_t port)
{
	cJSON_DeleteItemFromObjectCaseSensitive(credential->fields, "host");
	cJSON_DeleteItemFromObjectCaseSensitive(credential->fields, "port");
	if (cJSON_AddStringToObject(credential->fields, "host", host) == NULL ||
	    cJSON_AddNumberToObject(credential->fields, "port", port) == NULL)
		return OUT_OF_MEMORY;
	return OK;
}

void credential_clear(struct credential *credential)
{
	secret_clear(&credential->text);
	secret_clear(&credential->password);
	json_clear(&credential->fields);
	*credential = CREDENTIAL_INIT;
}
