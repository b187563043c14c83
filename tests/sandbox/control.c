#include "control.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>

#define JSON "application/json"

static struct reply show(cJSON *value)
{
	struct reply reply = reply_json(200, value);

	reply.content_type = JSON;
	return reply;
}

static struct reply refuse(unsigned status, const char *problem)
{
	return reply_text(status, JSON, "{\"problem\":\"%s\"}\n", problem);
}

static struct reply journal(struct sandbox *sandbox, const struct request *request)
{
	if (strcmp(request->method, "DELETE") == 0)
		journal_empty(&sandbox->journal);
	else if (strcmp(request->method, "GET") != 0)
		return refuse(405, "GET or DELETE");
	return show(journal_show(&sandbox->journal));
}

static struct reply faults(struct sandbox *sandbox, const struct request *request)
{
	const char *problem = NULL;
	cJSON *list;

	if (strcmp(request->method, "DELETE") == 0) {
		faults_clear(&sandbox->faults);
	} else if (strcmp(request->method, "PUT") == 0) {
		list = cJSON_ParseWithLength(request->body, request->length);
		problem = faults_replace(&sandbox->faults, list);
		cJSON_Delete(list);
	} else if (strcmp(request->method, "GET") != 0) {
		return refuse(405, "GET, PUT or DELETE");
	}
	return problem != NULL ? refuse(400, problem) : show(faults_show(&sandbox->faults));
}

static struct reply databases(struct sandbox *sandbox, const struct request *request)
{
	const char *problem = NULL;
	cJSON *lists;

	if (strcmp(request->method, "PUT") == 0) {
		lists = cJSON_ParseWithLength(request->body, request->length);
		problem = databases_replace(&sandbox->databases, lists);
		cJSON_Delete(lists);
	} else if (strcmp(request->method, "GET") != 0) {
		return refuse(405, "GET or PUT");
	}
	return problem != NULL ? refuse(400, problem) : show(databases_show(&sandbox->databases));
}

/* {"secret": name, "tags": [{"Key", "Value"}]}: all of its tags, those of the system too. */
static struct reply tags(struct sandbox *sandbox, const struct request *request)
{
	cJSON *input = cJSON_ParseWithLength(request->body, request->length);
	cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(input, "tags");
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(input, "secret"));
	struct secret *secret = id != NULL ? vault_find(&sandbox->vault, id) : NULL;
	bool good = strcmp(request->method, "PUT") == 0 && secret != NULL && cJSON_IsArray(list);

	cJSON_Delete(input);
	if (!good) {
		cJSON_Delete(list);
		return refuse(400, "PUT the name of a secret and a list of tags");
	}
	cJSON_DeleteItemFromObjectCaseSensitive(secret->details, "Tags");
	cJSON_AddItemToObject(secret->details, "Tags", list);
	return show(must(cJSON_Duplicate(secret->details, true)));
}

/* Where each setting is; the deny list is read by hand. */
struct place {
	const char *name;
	int64_t *number;
	int64_t minimum;
	bool *flag;
};

#define PLACES 8

static void list_places(struct settings *settings, struct place out[PLACES])
{
	const struct place places[PLACES] = {
		{"read_misses", &settings->read_misses, 0, NULL},
		{"clock_offset_s", &settings->clock_offset_s, -1000000000, NULL},
		{"credential_lifetime_s", &settings->credential_lifetime_s, 1, NULL},
		{"rotation_attempts", &settings->rotation_attempts, 1, NULL},
		{"retry_delay_ms", &settings->retry_delay_ms, 0, NULL},
		{"rds_page_size", &settings->rds_page_size, 1, NULL},
		{"require_rotation_token", NULL, 0, &settings->require_rotation_token},
		{"send_rotation_token", NULL, 0, &settings->send_rotation_token},
	};

	memcpy(out, places, sizeof(places));
}

static bool set_deny(struct settings *settings, const cJSON *list)
{
	const cJSON *item;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > DENY_MAX)
		return false;
	settings->deny_count = 0;
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || strchr(item->valuestring, ':') == NULL)
			return false;
		format_text(settings->deny[settings->deny_count++], sizeof(settings->deny[0]), "%s",
			    item->valuestring);
	}
	return true;
}

static bool set_one(struct settings *settings, const cJSON *item)
{
	struct place places[PLACES];

	if (strcmp(item->string, "deny") == 0)
		return set_deny(settings, item);
	list_places(settings, places);
	for (size_t i = 0; i < PLACES; i++) {
		if (strcmp(places[i].name, item->string) != 0)
			continue;
		if (places[i].flag != NULL && cJSON_IsBool(item))
			*places[i].flag = cJSON_IsTrue(item);
		else if (places[i].number != NULL && cJSON_IsNumber(item) &&
			 item->valuedouble >= (double)places[i].minimum)
			*places[i].number = (int64_t)item->valuedouble;
		else
			return false;
		return true;
	}
	return false;
}

/* All of the object or none of it. */
static bool set_all(struct sandbox *sandbox, const cJSON *object)
{
	struct settings changed = sandbox->settings;
	const cJSON *item;

	if (!cJSON_IsObject(object))
		return false;
	cJSON_ArrayForEach(item, object)
	{
		if (!set_one(&changed, item))
			return false;
	}
	sandbox->settings = changed;
	sandbox_changed(sandbox);
	return true;
}

static cJSON *show_settings(struct settings *settings)
{
	cJSON *shown = must(cJSON_CreateObject());
	struct place places[PLACES];
	cJSON *deny;

	list_places(settings, places);
	for (size_t i = 0; i < PLACES; i++) {
		if (places[i].flag != NULL)
			cJSON_AddBoolToObject(shown, places[i].name, *places[i].flag);
		else
			cJSON_AddNumberToObject(shown, places[i].name, (double)*places[i].number);
	}
	deny = must(cJSON_AddArrayToObject(shown, "deny"));
	for (size_t i = 0; i < settings->deny_count; i++)
		cJSON_AddItemToArray(deny, cJSON_CreateString(settings->deny[i]));
	return shown;
}

static struct reply settings(struct sandbox *sandbox, const struct request *request)
{
	bool good = true;
	cJSON *object;

	if (strcmp(request->method, "PUT") == 0) {
		object = cJSON_ParseWithLength(request->body, request->length);
		good = set_all(sandbox, object);
		cJSON_Delete(object);
	} else if (strcmp(request->method, "GET") != 0) {
		return refuse(405, "GET or PUT");
	}
	return good ? show(show_settings(&sandbox->settings))
		    : refuse(400, "an unknown setting, or a value of the wrong type or range");
}

static struct reply rotations(struct sandbox *sandbox, const struct request *request)
{
	if (strcmp(request->method, "GET") != 0)
		return refuse(405, "GET");
	return show(rotations_show(&sandbox->rotations));
}

static struct reply invoke(struct sandbox *sandbox, const struct request *request)
{
	static const char *const outcomes[] = {
		[OUTCOME_NONE] = "none",
		[OUTCOME_RESPONSE] = "response",
		[OUTCOME_ERROR] = "error",
		[OUTCOME_TIMEOUT] = "timeout",
	};
	struct invocation done;
	char function[128];
	cJSON *shown;

	if (strcmp(request->method, "POST") != 0)
		return refuse(405, "POST");
	format_text(function, sizeof(function), "arn:aws:lambda:%s:%s:function:tandem",
		    sandbox->options.region, sandbox->options.account);
	lambda_invoke(sandbox, function, request->body, request->length, &done);
	shown = must(cJSON_CreateObject());
	cJSON_AddStringToObject(shown, "outcome", outcomes[done.outcome]);
	if (done.outcome == OUTCOME_ERROR)
		cJSON_AddStringToObject(shown, "error_type", done.error_type);
	else
		cJSON_AddNullToObject(shown, "error_type");
	cJSON_AddStringToObject(shown, "body", done.body);
	invocation_clear(&done);
	return show(shown);
}

static struct reply function(struct sandbox *sandbox, const struct request *request)
{
	if (strcmp(request->method, "GET") != 0)
		return refuse(405, "GET");
	return show(lambda_show(&sandbox->lambda));
}

struct reply control_handle(struct sandbox *sandbox, const struct request *request)
{
	static const struct {
		const char *path;
		struct reply (*handle)(struct sandbox *, const struct request *);
	} paths[] = {
		{"/sandbox/journal", journal},	 {"/sandbox/faults", faults},
		{"/sandbox/settings", settings}, {"/sandbox/rotations", rotations},
		{"/sandbox/invoke", invoke},	 {"/sandbox/function", function},
		{"/sandbox/rds", databases},	 {"/sandbox/tags", tags},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strcmp(paths[i].path, request->path) == 0)
			return paths[i].handle(sandbox, request);
	return refuse(404, "no such path");
}
