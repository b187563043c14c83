/* Secrets as a whole: made, shown, listed, marked for deletion, taken back. */
#include "operations.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>
#include <strings.h>

#define DAY_MS (24LL * 60 * 60 * 1000)

static struct reply check_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-/_+=.@!";
	size_t length = name != NULL ? strlen(name) : 0;

	if (length == 0 || length > SECRET_NAME_MAX || name[strspn(name, allowed)] != '\0')
		return aws_error("ValidationException",
				 "Invalid name. Must be a valid name containing alphanumeric "
				 "characters, or any of the following: -/_+=.@!");
	return FINE;
}

static struct reply created(const struct secret *secret, const char *token, bool has_value)
{
	cJSON *answer = identify(secret);

	if (has_value)
		cJSON_AddStringToObject(answer, "VersionId", token);
	return reply_json(200, answer);
}

/* The same CreateSecret again is once; any other use of a taken name is refused. */
static struct reply create_again(const struct secret *secret, const char *token, const char *value,
				 bool binary)
{
	const struct version *version = secret_version(secret, token);

	if (secret->deleted_ms != 0)
		return aws_error("InvalidRequestException",
				 "You can't create this secret because a secret with this name is "
				 "already scheduled for deletion.");
	if (version != NULL && version->value != NULL && value != NULL &&
	    version->binary == binary && strcmp(version->value, value) == 0)
		return created(secret, token, true);
	return aws_error("ResourceExistsException",
			 "The operation failed because the secret %s already exists.",
			 secret->name);
}

static void keep_details(struct secret *secret, const cJSON *input)
{
	static const char *const kept[] = {"Description", "KmsKeyId", "Tags"};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(input, kept[i]);

		if (item != NULL)
			cJSON_AddItemToObject(secret->details, kept[i],
					      must(cJSON_Duplicate(item, true)));
	}
}

/* Keys of the system's own are not for requesters; PUT /sandbox/tags is the system here. */
static struct reply check_tags(const cJSON *tags)
{
	const cJSON *tag;

	cJSON_ArrayForEach(tag, tags)
	{
		const char *key = input_text(tag, "Key");

		if (key == NULL || strncasecmp(key, "aws:", strlen("aws:")) == 0)
			return aws_error("InvalidParameterException",
					 "Tag keys can't begin with aws: and can't be empty.");
	}
	return FINE;
}

struct reply create_secret(struct sandbox *sandbox, const struct call *call)
{
	const char *name = input_text(call->input, "Name");
	const struct secret *known;
	struct call on_new = *call;
	const char *value;
	bool binary;

	TRY(check_name(name));
	TRY(check_tags(cJSON_GetObjectItemCaseSensitive(call->input, "Tags")));
	TRY(read_value(call->input, &value, &binary));
	known = vault_find(&sandbox->vault, name);
	if (known != NULL)
		return create_again(known, call->token, value, binary);
	if (sandbox->vault.count == SECRETS_MAX)
		return aws_error("LimitExceededException", "The sandbox holds %d secrets.",
				 SECRETS_MAX);
	on_new.secret = vault_add(&sandbox->vault, name, sandbox->options.region,
				  sandbox->options.account, sandbox_now(sandbox));
	keep_details(on_new.secret, call->input);
	if (value != NULL)
		TRY(store_current(sandbox, &on_new, value, binary));
	return created(on_new.secret, call->token, value != NULL);
}

/* Forced deletion of what does not exist succeeds, so says the API reference. */
static struct reply delete_nothing(const struct sandbox *sandbox, const char *id, bool force)
{
	cJSON *answer;

	if (id == NULL || !force)
		return SECRET_NOT_FOUND;
	answer = must(cJSON_CreateObject());
	cJSON_AddStringToObject(answer, "ARN", id);
	cJSON_AddStringToObject(answer, "Name", id);
	add_date(answer, "DeletionDate", sandbox_now(sandbox));
	return reply_json(200, answer);
}

struct reply delete_secret(struct sandbox *sandbox, const struct call *call)
{
	const cJSON *window = cJSON_GetObjectItemCaseSensitive(call->input, "RecoveryWindowInDays");
	bool force = input_flag(call->input, "ForceDeleteWithoutRecovery", false);
	double days = cJSON_IsNumber(window) ? window->valuedouble : 30;
	struct secret *secret = call->secret;
	cJSON *answer;

	if (force && cJSON_IsNumber(window))
		return aws_error("InvalidParameterException",
				 "You can't use ForceDeleteWithoutRecovery in conjunction with "
				 "RecoveryWindowInDays.");
	if (days < 7 || days > 30)
		return aws_error("InvalidParameterException",
				 "The RecoveryWindowInDays value must be between 7 and 30 days "
				 "(inclusive).");
	if (secret == NULL)
		return delete_nothing(sandbox, input_text(call->input, "SecretId"), force);
	if (secret->deleted_ms != 0 && !force)
		return MARKED_FOR_DELETION;
	rotation_abandon(sandbox, secret->arn, "the secret was deleted");
	secret->deleted_ms = sandbox_now(sandbox);
	secret->delete_at_ms = secret->deleted_ms + (force ? 0 : (int64_t)days * DAY_MS);
	answer = identify(secret);
	add_date(answer, "DeletionDate", secret->delete_at_ms);
	if (force)
		vault_remove(&sandbox->vault, secret);
	return reply_json(200, answer);
}

struct reply restore_secret(struct sandbox *, const struct call *call)
{
	call->secret->deleted_ms = 0;
	call->secret->delete_at_ms = 0;
	return reply_json(200, identify(call->secret));
}

/* The next rotation by AutomaticallyAfterDays; a schedule expression is not worked out. */
static int64_t next_rotation(const struct secret *secret)
{
	const cJSON *days = cJSON_GetObjectItemCaseSensitive(secret->rules,
							     "AutomaticallyAfterDays");
	int64_t from = secret->rotated_ms != 0 ? secret->rotated_ms : secret->changed_ms;

	if (!secret->rotates || !cJSON_IsNumber(days))
		return 0;
	return from + (int64_t)days->valuedouble * DAY_MS;
}

static void add_labels(const struct secret *secret, cJSON *shown, const char *key)
{
	cJSON *map = NULL;

	for (size_t i = 0; i < secret->version_count; i++) {
		cJSON *labels = version_labels(secret, secret->versions[i]);

		if (labels == NULL)
			continue;
		if (map == NULL)
			map = must(cJSON_AddObjectToObject(shown, key));
		cJSON_AddItemToObject(map, secret->versions[i]->id, labels);
	}
}

/* What DescribeSecret and ListSecrets both show. What is not set is not there, not null. */
static cJSON *summary(const struct secret *secret)
{
	cJSON *shown = identify(secret);
	const cJSON *detail;

	cJSON_ArrayForEach(detail, secret->details)
	{
		cJSON_AddItemToObject(shown, detail->string, must(cJSON_Duplicate(detail, true)));
	}
	add_date(shown, "CreatedDate", secret->created_ms);
	add_date(shown, "LastChangedDate", secret->changed_ms);
	add_date(shown, "LastAccessedDate", secret->accessed_ms);
	add_date(shown, "LastRotatedDate", secret->rotated_ms);
	add_date(shown, "NextRotationDate", next_rotation(secret));
	add_date(shown, "DeletedDate", secret->deleted_ms);
	if (secret->function == NULL)
		return shown;
	cJSON_AddBoolToObject(shown, "RotationEnabled", secret->rotates);
	cJSON_AddStringToObject(shown, "RotationLambdaARN", secret->function);
	if (secret->rules != NULL)
		cJSON_AddItemToObject(shown, "RotationRules",
				      must(cJSON_Duplicate(secret->rules, true)));
	return shown;
}

struct reply describe_secret(struct sandbox *, const struct call *call)
{
	cJSON *answer = summary(call->secret);

	add_labels(call->secret, answer, "VersionIdsToStages");
	return reply_json(200, answer);
}

struct reply list_secrets(struct sandbox *sandbox, const struct call *call)
{
	bool deleted_too = input_flag(call->input, "IncludePlannedDeletion", false);
	cJSON *answer = must(cJSON_CreateObject());
	cJSON *list = must(cJSON_AddArrayToObject(answer, "SecretList"));

	for (size_t i = 0; i < sandbox->vault.count; i++) {
		const struct secret *secret = sandbox->vault.secrets[i];
		cJSON *shown;

		if (secret->deleted_ms != 0 && !deleted_too)
			continue;
		shown = summary(secret);
		add_labels(secret, shown, "SecretVersionsToStages");
		cJSON_AddItemToArray(list, shown);
	}
	return reply_json(200, answer);
}
