/* Writing: a value under a token, a label from one version to another. */
#include "operations.h"

#include "sandbox.h"
#include "text.h"

#include <string.h>

#define ROTATION_TOKEN_MIN 36
#define ROTATION_TOKEN_MAX 256

/* The labels of one PutSecretValue. */
struct wanted {
	const char *labels[LABELS_MAX];
	size_t count;
};

static bool wants(const struct wanted *wanted, const char *label)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (strcmp(wanted->labels[i], label) == 0)
			return true;
	return false;
}

static struct reply too_many_labels(void)
{
	return aws_error("LimitExceededException",
			 "A secret can't have more than %d staging labels.", LABELS_MAX);
}

static struct reply read_labels(const cJSON *input, struct wanted *ret)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(input, "VersionStages");
	const cJSON *item;

	*ret = (struct wanted){.labels = {"AWSCURRENT"}, .count = 1};
	if (!cJSON_IsArray(list))
		return FINE;
	if (cJSON_GetArraySize(list) == 0 || cJSON_GetArraySize(list) > LABELS_MAX)
		return aws_error("ValidationException",
				 "1 validation error detected: Value at 'versionStages' failed to "
				 "satisfy constraint: Member must have length between 1 and %d",
				 LABELS_MAX);
	ret->count = 0;
	cJSON_ArrayForEach(item, list)
	{
		const char *label = cJSON_GetStringValue(item);

		if (label == NULL || *label == '\0' || strlen(label) > LABEL_NAME_MAX)
			return aws_error("ValidationException",
					 "1 validation error detected: a member of 'versionStages' "
					 "must have length between 1 and %d",
					 LABEL_NAME_MAX);
		ret->labels[ret->count++] = label;
	}
	return FINE;
}

/* Is there room for these labels? AWSPREVIOUS may come as one more. */
static struct reply check_room(const struct secret *secret, const struct wanted *wanted)
{
	size_t count = secret->label_count;
	bool moves_current = wants(wanted, "AWSCURRENT") && secret_labelled(secret, "AWSCURRENT");

	for (size_t i = 0; i < wanted->count; i++)
		count += secret_labelled(secret, wanted->labels[i]) == NULL;
	count += moves_current && secret_labelled(secret, "AWSPREVIOUS") == NULL;
	return count > LABELS_MAX ? too_many_labels() : FINE;
}

/* A RotationToken must be that of the rotation now running on this very secret. */
static struct reply check_rotation_token(const struct sandbox *sandbox, const struct secret *secret,
					 const char *given)
{
	const struct rotation *rotation = rotations_running(&sandbox->rotations, secret->arn);

	if (given == NULL && sandbox->settings.require_rotation_token && rotation != NULL)
		return aws_error("InvalidRequestException",
				 "The secret is under rotation: PutSecretValue needs the "
				 "RotationToken of that rotation.");
	if (given == NULL)
		return FINE;
	if (strlen(given) < ROTATION_TOKEN_MIN || strlen(given) > ROTATION_TOKEN_MAX)
		return aws_error("ValidationException",
				 "1 validation error detected: Value at 'rotationToken' failed to "
				 "satisfy constraint: Member must have length between %d and %d",
				 ROTATION_TOKEN_MIN, ROTATION_TOKEN_MAX);
	if (rotation == NULL || strcmp(rotation->rotation_token, given) != 0)
		return aws_error("InvalidParameterException",
				 "The RotationToken is not that of a running rotation of this "
				 "secret.");
	return FINE;
}

/* A new version by anybody but the running rotation ends that rotation. */
static void abandon_other(struct sandbox *sandbox, const struct secret *secret, const char *token)
{
	const struct rotation *rotation = rotations_running(&sandbox->rotations, secret->arn);

	if (rotation != NULL && strcmp(rotation->token, token) != 0)
		rotation_abandon(sandbox, secret->arn, "another version was put");
}

static void put_labels(struct secret *secret, struct version *version, const struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		secret_attach(secret, version, wanted->labels[i]);
	/* Recorded: a value put straight to AWSCURRENT takes AWSPENDING off the version before. */
	if (wants(wanted, "AWSCURRENT") && !wants(wanted, "AWSPENDING") &&
	    secret_labelled(secret, "AWSPENDING") != version)
		secret_detach(secret, "AWSPENDING");
}

static struct reply store(struct sandbox *sandbox, const struct call *call, const char *value,
			  bool binary, const struct wanted *wanted)
{
	struct secret *secret = call->secret;
	struct version *version = secret_version(secret, call->token);

	if (version != NULL && version->value != NULL) {
		if (version->binary == binary && strcmp(version->value, value) == 0)
			return FINE;
		return aws_error("ResourceExistsException",
				 "You can't use ClientRequestToken %s because that value is "
				 "already in use for a version of secret %s.",
				 call->token, secret->arn);
	}
	TRY(check_room(secret, wanted));
	if (version == NULL)
		version = secret_add_version(secret, call->token, sandbox_now(sandbox));
	if (version == NULL)
		return aws_error("LimitExceededException",
				 "A secret can't have more than %d versions.", VERSIONS_MAX);
	abandon_other(sandbox, secret, call->token);
	version_set_value(version, value, binary);
	secret->changed_ms = sandbox_now(sandbox);
	put_labels(secret, version, wanted);
	return FINE;
}

struct reply store_current(struct sandbox *sandbox, const struct call *call, const char *value,
			   bool binary)
{
	struct wanted wanted = {.labels = {"AWSCURRENT"}, .count = 1};

	return store(sandbox, call, value, binary, &wanted);
}

struct reply put_secret_value(struct sandbox *sandbox, const struct call *call)
{
	struct secret *secret = call->secret;
	struct wanted wanted;
	const char *value;
	bool binary;
	cJSON *answer;
	cJSON *labels;

	TRY(read_value(call->input, &value, &binary));
	TRY(read_labels(call->input, &wanted));
	TRY(check_rotation_token(sandbox, secret, input_text(call->input, "RotationToken")));
	if (value == NULL)
		return aws_error("InvalidRequestException",
				 "You must provide either SecretString or SecretBinary.");
	if (secret->version_count == 0 && !wants(&wanted, "AWSCURRENT") &&
	    wanted.count < LABELS_MAX)
		wanted.labels[wanted.count++] = "AWSCURRENT";
	TRY(store(sandbox, call, value, binary, &wanted));

	answer = identify(secret);
	cJSON_AddStringToObject(answer, "VersionId", call->token);
	labels = version_labels(secret, secret_version(secret, call->token));
	if (labels != NULL)
		cJSON_AddItemToObject(answer, "VersionStages", labels);
	return reply_json(200, answer);
}

struct reply update_secret(struct sandbox *sandbox, const struct call *call)
{
	static const char *const kept[] = {"Description", "KmsKeyId"};
	struct secret *secret = call->secret;
	const char *value;
	bool binary;
	cJSON *answer;

	TRY(read_value(call->input, &value, &binary));
	if (value != NULL)
		TRY(store_current(sandbox, call, value, binary));
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const char *text = input_text(call->input, kept[i]);

		if (text == NULL)
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(secret->details, kept[i]);
		cJSON_AddStringToObject(secret->details, kept[i], text);
		secret->changed_ms = sandbox_now(sandbox);
	}
	answer = identify(secret);
	if (value != NULL)
		cJSON_AddStringToObject(answer, "VersionId", call->token);
	return reply_json(200, answer);
}

/* The label must be taken from where it is, by name; AWSCURRENT must be somewhere. */
static struct reply check_removal(const struct version *holder, const char *label, const char *from,
				  const char *to)
{
	if (holder != NULL && to != NULL && strcmp(holder->id, to) == 0 && from == NULL)
		return FINE;
	if (holder != NULL && from == NULL)
		return aws_error("InvalidParameterException",
				 "The parameter RemoveFromVersionId can't be empty. Staging label "
				 "%s is currently attached to version %s, so you must explicitly "
				 "reference that version in RemoveFromVersionId.",
				 label, holder->id);
	if (from != NULL && (holder == NULL || strcmp(holder->id, from) != 0))
		return aws_error("InvalidParameterException",
				 "Staging label %s is not attached to version %s.", label, from);
	if (to == NULL && strcmp(label, "AWSCURRENT") == 0)
		return aws_error("InvalidParameterException",
				 "You can only move staging label AWSCURRENT to a different secret "
				 "version. It can't be completely removed.");
	return FINE;
}

static struct reply check_target(const struct secret *secret, const char *label, const char *to)
{
	const struct version *target = secret_version(secret, to);
	struct wanted wanted = {.labels = {label}, .count = 1};

	if (target == NULL)
		return aws_error("ResourceNotFoundException",
				 "Secrets Manager can't find the specified secret value for "
				 "VersionId: %s",
				 to);
	if (target->value == NULL && strcmp(label, "AWSCURRENT") == 0)
		return aws_error("InvalidRequestException",
				 "You can't move AWSCURRENT to a version without a value.");
	return check_room(secret, &wanted);
}

struct reply update_secret_version_stage(struct sandbox *sandbox, const struct call *call)
{
	const char *label = input_text(call->input, "VersionStage");
	const char *from = input_text(call->input, "RemoveFromVersionId");
	const char *to = input_text(call->input, "MoveToVersionId");
	struct secret *secret = call->secret;

	if (label == NULL || *label == '\0' || strlen(label) > LABEL_NAME_MAX)
		return aws_error("ValidationException",
				 "1 validation error detected: Value at 'versionStage' failed to "
				 "satisfy constraint: Member must have length between 1 and %d",
				 LABEL_NAME_MAX);
	if (from == NULL && to == NULL)
		return aws_error("InvalidParameterException",
				 "You must provide MoveToVersionId, RemoveFromVersionId or both.");
	if (to != NULL)
		TRY(check_target(secret, label, to));
	TRY(check_removal(secret_labelled(secret, label), label, from, to));
	if (to != NULL)
		secret_attach(secret, secret_version(secret, to), label);
	else
		secret_detach(secret, label);
	secret->changed_ms = sandbox_now(sandbox);
	return reply_json(200, identify(secret));
}
