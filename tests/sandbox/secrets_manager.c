#include "secrets_manager.h"

#include "operations.h"
#include "sandbox.h"
#include "text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_ID_MAX 2048

struct entry {
	const char *action;
	operation *run;
	bool on_secret; /* needs SecretId */
	bool also_deleted;
	bool token; /* needs ClientRequestToken */
};

static const struct entry entries[] = {
	{.action = "BatchGetSecretValue", .run = batch_get_secret_value},
	{.action = "CancelRotateSecret", .run = cancel_rotate_secret, .on_secret = true},
	{.action = "CreateSecret", .run = create_secret, .token = true},
	{.action = "DeleteSecret", .run = delete_secret},
	{.action = "DescribeSecret",
	 .run = describe_secret,
	 .on_secret = true,
	 .also_deleted = true},
	{.action = "GetSecretValue", .run = get_secret_value, .on_secret = true},
	{.action = "ListSecretVersionIds",
	 .run = list_secret_version_ids,
	 .on_secret = true,
	 .also_deleted = true},
	{.action = "ListSecrets", .run = list_secrets},
	{.action = "PutSecretValue", .run = put_secret_value, .on_secret = true, .token = true},
	{.action = "RestoreSecret", .run = restore_secret, .on_secret = true, .also_deleted = true},
	{.action = "RotateSecret", .run = rotate_secret, .on_secret = true, .token = true},
	{.action = "UpdateSecret", .run = update_secret, .on_secret = true, .token = true},
	{.action = "UpdateSecretVersionStage",
	 .run = update_secret_version_stage,
	 .on_secret = true},
};

/* The members whose type matters here; others are ignored, as the real service does. */
static const struct {
	const char *name;
	int type;
} members[] = {
	{"ClientRequestToken", cJSON_String},
	{"Description", cJSON_String},
	{"Filters", cJSON_Array},
	{"ForceDeleteWithoutRecovery", cJSON_True},
	{"IncludeDeprecated", cJSON_True},
	{"IncludePlannedDeletion", cJSON_True},
	{"KmsKeyId", cJSON_String},
	{"MaxResults", cJSON_Number},
	{"MoveToVersionId", cJSON_String},
	{"Name", cJSON_String},
	{"NextToken", cJSON_String},
	{"RecoveryWindowInDays", cJSON_Number},
	{"RemoveFromVersionId", cJSON_String},
	{"RotateImmediately", cJSON_True},
	{"RotationLambdaARN", cJSON_String},
	{"RotationRules", cJSON_Object},
	{"RotationToken", cJSON_String},
	{"SecretBinary", cJSON_String},
	{"SecretId", cJSON_String},
	{"SecretIdList", cJSON_Array},
	{"SecretString", cJSON_String},
	{"Tags", cJSON_Array},
	{"VersionId", cJSON_String},
	{"VersionStage", cJSON_String},
	{"VersionStages", cJSON_Array},
};

const char *input_text(const cJSON *input, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(input, key));
}

bool input_flag(const cJSON *input, const char *key, bool fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(input, key);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

cJSON *identify(const struct secret *secret)
{
	cJSON *shown = must(cJSON_CreateObject());

	cJSON_AddStringToObject(shown, "ARN", secret->arn);
	cJSON_AddStringToObject(shown, "Name", secret->name);
	return shown;
}

void add_date(cJSON *object, const char *key, int64_t unix_milliseconds)
{
	if (unix_milliseconds != 0)
		cJSON_AddNumberToObject(object, key, (double)unix_milliseconds / 1000.0);
}

struct reply check_permission(const struct sandbox *sandbox, const char *action,
			      const char *principal, const char *resource)
{
	if (!sandbox_denies(sandbox, "secretsmanager", action))
		return FINE;
	return aws_error("AccessDeniedException",
			 "User: %s is not authorized to perform: secretsmanager:%s%s%s because no "
			 "identity-based policy allows the secretsmanager:%s action",
			 principal, action, resource != NULL ? " on resource: " : "",
			 resource != NULL ? resource : "", action);
}

/* How many bytes a base64 text stands for; -1 when it is none. */
static int decoded_length(const char *base64)
{
	size_t length = strlen(base64);
	unsigned char *bytes = allocate(length + 1);
	int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length);

	free(bytes);
	if (decoded < 0)
		return -1;
	for (size_t i = length; i > 0 && base64[i - 1] == '='; i--)
		decoded--;
	return decoded;
}

struct reply read_value(const cJSON *input, const char **value, bool *binary)
{
	const char *text = input_text(input, "SecretString");
	const char *base64 = input_text(input, "SecretBinary");
	int length = base64 != NULL ? decoded_length(base64) : 0;

	if (text != NULL && base64 != NULL)
		return aws_error("InvalidParameterException",
				 "You can't specify both a binary secret value and a string secret "
				 "value in the same secret.");
	if (length < 0)
		return aws_error("SerializationException", "SecretBinary is not base64");
	if (length > VALUE_MAX || (text != NULL && strlen(text) > VALUE_MAX))
		return aws_error("ValidationException",
				 "1 validation error detected: Value at '%s' failed to satisfy "
				 "constraint: Member must have length less than or equal to %d",
				 text != NULL ? "secretString" : "secretBinary", VALUE_MAX);
	*value = text != NULL ? text : base64;
	*binary = base64 != NULL;
	return FINE;
}

static bool type_matches(const cJSON *item, int type)
{
	if (cJSON_IsNull(item))
		return true;
	if (type == cJSON_True)
		return cJSON_IsBool(item);
	return (item->type & 0xff) == type;
}

static struct reply check_types(const cJSON *input)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, input)
	{
		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			if (strcmp(member->string, members[i].name) == 0 &&
			    !type_matches(member, members[i].type))
				return aws_error("SerializationException", "%s has the wrong type",
						 member->string);
	}
	return FINE;
}

static struct reply check_token(const char *token)
{
	size_t length;

	if (token == NULL)
		return aws_error("InvalidParameterException",
				 "You must provide a ClientRequestToken value. We recommend a "
				 "UUID-type value.");
	length = strlen(token);
	if (length < TOKEN_MIN || length > TOKEN_MAX)
		return aws_error("InvalidParameterException",
				 "ClientRequestToken must be 32-64 characters long.");
	return FINE;
}

static struct reply check_secret(const struct entry *entry, const struct secret *secret)
{
	if (secret == NULL)
		return SECRET_NOT_FOUND;
	if (secret->deleted_ms != 0 && !entry->also_deleted)
		return MARKED_FOR_DELETION;
	return FINE;
}

static struct reply run(struct sandbox *sandbox, const struct entry *entry, struct call *call)
{
	const char *id = input_text(call->input, "SecretId");

	TRY(check_types(call->input));
	if (id != NULL)
		call->secret = vault_find(&sandbox->vault, id);
	TRY(check_permission(sandbox, entry->action, call->principal,
			     call->secret != NULL ? call->secret->arn : id));
	if (entry->on_secret && (id == NULL || *id == '\0' || strlen(id) > SECRET_ID_MAX))
		return aws_error("ValidationException",
				 "1 validation error detected: Value at 'secretId' failed to "
				 "satisfy constraint: Member must have length between 1 and %d",
				 SECRET_ID_MAX);
	if (entry->token)
		TRY(check_token(call->token));
	if (entry->on_secret)
		TRY(check_secret(entry, call->secret));
	return entry->run(sandbox, call);
}

struct reply secrets_manager_run(struct sandbox *sandbox, const char *action, const cJSON *input,
				 const char *principal)
{
	struct call call = {
		.input = input,
		.token = input_text(input, "ClientRequestToken"),
		.principal = principal,
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(entries[i].action, action) == 0)
			return run(sandbox, &entries[i], &call);
	return aws_error("UnknownOperationException", "The sandbox does not know %s", action);
}

void secrets_manager_note(const struct sandbox *sandbox, const cJSON *input,
			  struct journal_entry *entry)
{
	static const char *const tokens[] = {"ClientRequestToken", "VersionId", "MoveToVersionId"};
	const char *id = input_text(input, "SecretId");
	const struct secret *secret;

	if (id == NULL)
		id = input_text(input, "Name");
	if (id == NULL)
		id = "";
	secret = vault_find(&sandbox->vault, id);
	format_text(entry->secret, sizeof(entry->secret), "%s", secret != NULL ? secret->name : id);
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		const char *token = input_text(input, tokens[i]);

		if (token != NULL && entry->token[0] == '\0')
			format_text(entry->token, sizeof(entry->token), "%s", token);
	}
	entry->rotation_token = input_text(input, "RotationToken") != NULL;
}
