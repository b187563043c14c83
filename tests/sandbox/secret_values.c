/* Reading: one value, many values, the list of versions. */
#include "operations.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>

#define BATCH_MAX 20

static struct reply no_value_at(const char *label)
{
	return aws_error("ResourceNotFoundException",
			 "Secrets Manager can't find the specified secret value for staging label: "
			 "%s",
			 label);
}

static struct reply no_version(const char *id)
{
	return aws_error("ResourceNotFoundException",
			 "Secrets Manager can't find the specified secret value for VersionId: %s",
			 id);
}

/* Reads are eventually consistent; a test says how many may still miss a fresh pending value. */
static bool misses(struct sandbox *sandbox, const struct secret *secret,
		   const struct version *version)
{
	if (sandbox->settings.read_misses == 0 || version->value == NULL ||
	    !version_has(secret, version, "AWSPENDING") ||
	    version_has(secret, version, "AWSCURRENT"))
		return false;
	sandbox->settings.read_misses--;
	return true;
}

static struct reply find_version(struct sandbox *sandbox, const struct secret *secret,
				 const char *id, const char *label, struct version **ret)
{
	struct version *version;

	if (id == NULL && label == NULL)
		label = "AWSCURRENT";
	version = id != NULL ? secret_version(secret, id) : secret_labelled(secret, label);
	if (version == NULL)
		return id != NULL ? no_version(id) : no_value_at(label);
	if (id != NULL && label != NULL && !version_has(secret, version, label))
		return aws_error("InvalidRequestException",
				 "You provided a VersionStage that is not associated to the "
				 "provided VersionId.");
	if (version->value == NULL || misses(sandbox, secret, version))
		return label != NULL ? no_value_at(label) : no_version(id);
	*ret = version;
	return FINE;
}

static cJSON *show_value(struct sandbox *sandbox, struct secret *secret, struct version *version)
{
	cJSON *shown = identify(secret);
	cJSON *labels = version_labels(secret, version);

	cJSON_AddStringToObject(shown, "VersionId", version->id);
	cJSON_AddStringToObject(shown, version->binary ? "SecretBinary" : "SecretString",
				version->value);
	if (labels != NULL)
		cJSON_AddItemToObject(shown, "VersionStages", labels);
	add_date(shown, "CreatedDate", version->created_ms);
	secret->accessed_ms = version->accessed_ms = sandbox_now(sandbox);
	return shown;
}

struct reply get_secret_value(struct sandbox *sandbox, const struct call *call)
{
	struct version *version = NULL;

	TRY(find_version(sandbox, call->secret, input_text(call->input, "VersionId"),
			 input_text(call->input, "VersionStage"), &version));
	return reply_json(200, show_value(sandbox, call->secret, version));
}

/* AWSCURRENT of one secret of a batch, or why not. */
static struct reply read_one(struct sandbox *sandbox, const struct call *call, const char *id,
			     cJSON **ret)
{
	struct secret *secret = vault_find(&sandbox->vault, id);
	struct version *version = NULL;

	TRY(check_permission(sandbox, "GetSecretValue", call->principal,
			     secret != NULL ? secret->arn : id));
	if (secret == NULL)
		return SECRET_NOT_FOUND;
	if (secret->deleted_ms != 0)
		return MARKED_FOR_DELETION;
	TRY(find_version(sandbox, secret, NULL, NULL, &version));
	*ret = show_value(sandbox, secret, version);
	return FINE;
}

static cJSON *show_batch_error(const char *id, const struct reply *problem)
{
	cJSON *shown = must(cJSON_CreateObject());
	cJSON *body = cJSON_Parse(problem->body);
	const char *message = input_text(body, "Message");

	cJSON_AddStringToObject(shown, "SecretId", id);
	cJSON_AddStringToObject(shown, "ErrorCode", problem->error);
	cJSON_AddStringToObject(shown, "Message",
				message != NULL ? message : input_text(body, "message"));
	cJSON_Delete(body);
	return shown;
}

static void read_into(struct sandbox *sandbox, const struct call *call, const char *id,
		      cJSON *values, cJSON *errors)
{
	cJSON *shown = NULL;
	struct reply problem = read_one(sandbox, call, id, &shown);

	if (problem.status == 0)
		cJSON_AddItemToArray(values, shown);
	else
		cJSON_AddItemToArray(errors, show_batch_error(id, &problem));
	reply_clear(&problem);
}

/* Is the secret's name one that a filter {"Key":"name","Values":["prefix",…]} lets through? */
static bool passes(const struct secret *secret, const cJSON *filters)
{
	const cJSON *filter;

	cJSON_ArrayForEach(filter, filters)
	{
		const cJSON *value;
		bool any = false;

		cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(filter, "Values"))
		{
			const char *prefix = cJSON_GetStringValue(value);

			any |= prefix != NULL && strncmp(secret->name, prefix, strlen(prefix)) == 0;
		}
		if (!any)
			return false;
	}
	return true;
}

static struct reply check_batch(const struct sandbox *sandbox, const struct call *call,
				const cJSON *ids, const cJSON *filters)
{
	const cJSON *filter;
	const cJSON *id;

	if ((ids != NULL) == (filters != NULL))
		return aws_error("InvalidParameterException",
				 "Either 'SecretIdList' or 'Filters' must be provided, but not "
				 "both.");
	if (ids != NULL && cJSON_HasObjectItem(call->input, "MaxResults"))
		return aws_error("InvalidParameterException",
				 "'Filters' not specified. 'Filters' must also be specified when "
				 "'MaxResults' is provided.");
	if (cJSON_GetArraySize(ids) > BATCH_MAX)
		return aws_error("ValidationException",
				 "1 validation error detected: Value at 'secretIdList' failed to "
				 "satisfy constraint: Member must have length less than or equal "
				 "to %d",
				 BATCH_MAX);
	cJSON_ArrayForEach(id, ids)
	{
		if (!cJSON_IsString(id))
			return aws_error("SerializationException",
					 "SecretIdList has an element of the wrong type");
	}
	if (filters != NULL)
		TRY(check_permission(sandbox, "ListSecrets", call->principal, NULL));
	cJSON_ArrayForEach(filter, filters)
	{
		const char *key = input_text(filter, "Key");

		if (key == NULL || strcmp(key, "name") != 0)
			return aws_error("ValidationException",
					 "The sandbox knows only the filter 'name'");
	}
	return FINE;
}

struct reply batch_get_secret_value(struct sandbox *sandbox, const struct call *call)
{
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(call->input, "SecretIdList");
	const cJSON *filters = cJSON_GetObjectItemCaseSensitive(call->input, "Filters");
	const cJSON *id;
	cJSON *answer;
	cJSON *values;
	cJSON *errors;

	TRY(check_batch(sandbox, call, ids, filters));
	answer = must(cJSON_CreateObject());
	values = must(cJSON_AddArrayToObject(answer, "SecretValues"));
	errors = must(cJSON_AddArrayToObject(answer, "Errors"));
	cJSON_ArrayForEach(id, ids)
	{
		read_into(sandbox, call, id->valuestring, values, errors);
	}
	for (size_t i = 0; filters != NULL && i < sandbox->vault.count; i++)
		if (sandbox->vault.secrets[i]->deleted_ms == 0 &&
		    passes(sandbox->vault.secrets[i], filters))
			read_into(sandbox, call, sandbox->vault.secrets[i]->name, values, errors);
	return reply_json(200, answer);
}

static cJSON *show_version(const struct version *version, cJSON *labels)
{
	cJSON *shown = must(cJSON_CreateObject());
	cJSON *keys = must(cJSON_AddArrayToObject(shown, "KmsKeyIds"));

	cJSON_AddItemToArray(keys, cJSON_CreateString("DefaultEncryptionKey"));
	cJSON_AddStringToObject(shown, "VersionId", version->id);
	if (labels != NULL)
		cJSON_AddItemToObject(shown, "VersionStages", labels);
	add_date(shown, "CreatedDate", version->created_ms);
	add_date(shown, "LastAccessedDate", version->accessed_ms);
	return shown;
}

struct reply list_secret_version_ids(struct sandbox *, const struct call *call)
{
	bool deprecated_too = input_flag(call->input, "IncludeDeprecated", false);
	cJSON *answer = identify(call->secret);
	cJSON *list = must(cJSON_AddArrayToObject(answer, "Versions"));

	for (size_t i = 0; i < call->secret->version_count; i++) {
		const struct version *version = call->secret->versions[i];
		cJSON *labels = version_labels(call->secret, version);

		if (labels != NULL || deprecated_too)
			cJSON_AddItemToArray(list, show_version(version, labels));
	}
	return reply_json(200, answer);
}
