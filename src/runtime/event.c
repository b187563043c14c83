#include "runtime/event.h"

#include "core/json.h"
#include "core/memory.h"

#include <string.h>

#define ROTATION_TOKEN_MAX 1024

static bool has(const cJSON *event, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(event, key);

	return item != NULL && !cJSON_IsNull(item);
}

static struct status require_text(const cJSON *event, const char *key, size_t least, size_t most,
				  const char **ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(event, key);
	const char *text = cJSON_GetStringValue(item);
	size_t length;

	if (item == NULL)
		return failure(STATUS_INVALID, "the event has no \"%s\"", key);
	if (text == NULL)
		return failure(STATUS_INVALID, "\"%s\" in the event is not a string", key);
	length = strlen(text);
	if (length < least || length > most)
		return failure(STATUS_INVALID,
			       "\"%s\" in the event has %zu characters: %zu to %zu are expected",
			       key, length, least, most);
	*ret = text;
	return OK;
}

static struct status read_secret_id(const cJSON *tree, struct event *event)
{
	const char *secret_id = NULL;

	TRY(require_text(tree, "SecretId", 1, SECRET_ID_MAX, &secret_id));
	event->secret_id = memory_copy_string(secret_id);
	return event->secret_id != NULL ? OK : OUT_OF_MEMORY;
}

static struct status read_step(const cJSON *tree, struct event *event)
{
	const char *step = NULL, *token = NULL, *rotation_token = NULL;

	event->kind = EVENT_STEP;
	TRY(require_text(tree, "Step", 1, 64, &step));
	if (!step_from_name(step, &event->step))
		return failure(
			STATUS_INVALID,
			"\"Step\" in the event is unknown: createSecret, setSecret, testSecret "
			"and finishSecret are the steps");
	TRY(read_secret_id(tree, event));
	TRY(require_text(tree, "ClientRequestToken", 32, VERSION_ID_MAX, &token));
	memcpy(event->token, token, strlen(token) + 1);
	/* Optional, and nobody's to judge: Secrets Manager checks what it made. */
	if (!has(tree, "RotationToken"))
		return OK;
	TRY(require_text(tree, "RotationToken", 0, ROTATION_TOKEN_MAX, &rotation_token));
	return secret_make(rotation_token, strlen(rotation_token), &event->rotation_token);
}

static struct status read_command(const cJSON *tree, struct event *event)
{
	const char *command = NULL;

	TRY(require_text(tree, "Command", 1, 64, &command));
	if (strcmp(command, "check") != 0 && strcmp(command, "status") != 0)
		return failure(STATUS_INVALID,
			       "\"Command\" in the event is unknown: check and status "
			       "are the commands");
	event->kind = strcmp(command, "check") == 0 ? EVENT_CHECK : EVENT_STATUS;
	return read_secret_id(tree, event);
}

struct status event_parse(const char *payload, size_t length, struct event *ret)
{
	AUTO(event_clear) struct event event = EVENT_INIT;
	AUTO(json_clear) cJSON *tree = NULL;

	TRY_WHILE(json_parse(payload, length, &tree), "reading the event");
	if (!cJSON_IsObject(tree))
		return failure(STATUS_INVALID, "the event is not a JSON object");
	event.kind = EVENT_TICK;
	if (has(tree, "Step"))
		TRY(read_step(tree, &event));
	else if (has(tree, "Command"))
		TRY(read_command(tree, &event));
	else if (has(tree, "SecretId") || has(tree, "ClientRequestToken") ||
		 has(tree, "RotationToken"))
		return failure(STATUS_INVALID, "the event has no \"Step\"");
	event_clear(ret);
	*ret = event;
	event = EVENT_INIT;
	return OK;
}

void event_clear(struct event *event)
{
	string_clear(&event->secret_id);
	secret_clear(&event->rotation_token);
	*event = EVENT_INIT;
}
