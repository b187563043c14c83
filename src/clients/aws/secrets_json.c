#include "clients/aws/secrets_json.h"

#include "core/json.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DATE_END 253402300800.0 /* the year 10000 */
#define ARN_SUFFIX_LENGTH 7	/* what AWS appends to the name in an ARN: "-AbCdEf" */

const char *secrets_stage_name(enum stage stage)
{
	static const char *const names[] = {[STAGE_CURRENT] = "AWSCURRENT",
					    [STAGE_PENDING] = "AWSPENDING",
					    [STAGE_PREVIOUS] = "AWSPREVIOUS"};

	return names[stage];
}

static struct status add_key(struct buffer *object, const char *key)
{
	return buffer_printf(object, "%c\"%s\":", object->length == 0 ? '{' : ',', key);
}

struct status secrets_add_string(struct buffer *object, const char *key, const char *value)
{
	TRY(add_key(object, key));
	return json_quote(value, object);
}

struct status secrets_add_list(struct buffer *object, const char *key, const char *const *values,
			       size_t count)
{
	TRY(add_key(object, key));
	TRY(buffer_append(object, "[", 1));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			TRY(buffer_append(object, ",", 1));
		TRY(json_quote(values[i], object));
	}
	return buffer_append(object, "]", 1);
}

struct status secrets_add_true(struct buffer *object, const char *key)
{
	TRY(add_key(object, key));
	return buffer_append_string(object, "true");
}

struct status secrets_end(struct buffer *object)
{
	return buffer_append(object, "}", 1);
}

static int64_t read_date(const cJSON *answer, const char *key)
{
	const cJSON *date = cJSON_GetObjectItemCaseSensitive(answer, key);
	double seconds = cJSON_IsNumber(date) ? date->valuedouble : 0;

	/* "1e999" is JSON: beyond what an integer holds, C leaves it open what becomes of it. */
	return seconds > 0 && seconds < DATE_END ? (int64_t)seconds : 0;
}

static struct status copy_id(const char *version, const char *id, char ret[VERSION_ID_MAX + 1])
{
	if (strlen(version) > VERSION_ID_MAX)
		return failure(STATUS_INVALID, "'%s' has a version id of more than %d characters",
			       id, VERSION_ID_MAX);
	memcpy(ret, version, strlen(version) + 1);
	return OK;
}

/* {"<version>":["AWSCURRENT","AWSPENDING"],…} */
static struct status read_stages(const cJSON *stages, const char *id, struct secret_labels *ret)
{
	const cJSON *version, *label;

	cJSON_ArrayForEach(version, stages)
	{
		cJSON_ArrayForEach(label, version)
		{
			const char *name = cJSON_GetStringValue(label);

			if (name == NULL)
				continue;
			if (strcmp(name, "AWSCURRENT") == 0)
				TRY(copy_id(version->string, id, ret->current));
			else if (strcmp(name, "AWSPENDING") == 0)
				TRY(copy_id(version->string, id, ret->pending));
			else if (strcmp(name, "AWSPREVIOUS") == 0)
				TRY(copy_id(version->string, id, ret->previous));
		}
	}
	return OK;
}

static struct status copy_text(const char *text, char **ret)
{
	if (text == NULL)
		return OK;
	*ret = memory_copy_string(text);
	return *ret != NULL ? OK : OUT_OF_MEMORY;
}

static struct status read_schedule(const cJSON *rules, char **ret)
{
	const char *expression = json_string(rules, "ScheduleExpression");
	const cJSON *days = cJSON_GetObjectItemCaseSensitive(rules, "AutomaticallyAfterDays");
	char text[32];

	if (expression != NULL || !cJSON_IsNumber(days))
		return copy_text(expression, ret);
	snprintf(text, sizeof(text), "every %d days", days->valueint);
	return copy_text(text, ret);
}

/*
 * RDS tags the secrets that it manages. A key that begins with "aws:" can be set by AWS's services
 * alone, so this is not what somebody wrote who may write the secret.
 */
static struct status read_owner(const cJSON *tags, char **ret)
{
	static const char *const keys[] = {"aws:rds:primaryDBInstanceArn",
					   "aws:rds:primaryDBClusterArn"};
	const cJSON *tag;

	cJSON_ArrayForEach(tag, tags)
	{
		const char *key = json_string(tag, "Key");

		for (size_t i = 0; key != NULL && i < sizeof(keys) / sizeof(keys[0]); i++)
			if (*ret == NULL && strcasecmp(key, keys[i]) == 0)
				TRY(copy_text(json_string(tag, "Value"), ret));
	}
	return OK;
}

struct status secrets_read_labels(const cJSON *answer, const char *id, struct secret_labels *ret)
{
	AUTO(secret_labels_clear) struct secret_labels made = SECRET_LABELS_INIT;
	const cJSON *deleted = cJSON_GetObjectItemCaseSensitive(answer, "DeletedDate");

	if (deleted != NULL && !cJSON_IsNull(deleted))
		return failure(
			STATUS_INVALID,
			"secret '%s' is marked for deletion: restore it, or take it out of the "
			"configuration",
			id);
	made.rotation_enabled = cJSON_IsTrue(
		cJSON_GetObjectItemCaseSensitive(answer, "RotationEnabled"));
	TRY(copy_text(json_string(answer, "RotationLambdaARN"), &made.function));
	TRY(read_schedule(cJSON_GetObjectItemCaseSensitive(answer, "RotationRules"),
			  &made.schedule));
	TRY(read_owner(cJSON_GetObjectItemCaseSensitive(answer, "Tags"), &made.owner));
	made.last_rotated = read_date(answer, "LastRotatedDate");
	made.next_rotation = read_date(answer, "NextRotationDate");
	TRY(read_stages(cJSON_GetObjectItemCaseSensitive(answer, "VersionIdsToStages"), id, &made));
	secret_labels_clear(ret);
	*ret = made;
	made = SECRET_LABELS_INIT;
	return OK;
}

struct status secrets_read_version(const cJSON *answer, const char *id, struct secret_version *ret)
{
	AUTO(secret_version_clear) struct secret_version made = SECRET_VERSION_INIT;
	const char *value = json_string(answer, "SecretString");
	const char *version = json_string(answer, "VersionId");

	if (value == NULL)
		return failure(STATUS_INVALID, "the value of secret '%s' is %s, not text", id,
			       json_string(answer, "SecretBinary") != NULL ? "binary" : "missing");
	if (version != NULL)
		TRY(copy_id(version, id, made.id));
	made.created = read_date(answer, "CreatedDate");
	TRY_WHILE(secret_make(value, strlen(value), &made.value), "reading secret '%s'", id);
	secret_version_clear(ret);
	*ret = made;
	made = SECRET_VERSION_INIT;
	return OK;
}

bool secrets_has_stage(const cJSON *answer, const char *stage)
{
	const cJSON *label;

	cJSON_ArrayForEach(label,
			   cJSON_GetObjectItemCaseSensitive(
				   answer, "VersionStages")) if (cJSON_IsString(label) &&
								 strcmp(label->valuestring,
									stage) == 0) return true;
	return false;
}

static double created(const cJSON *version)
{
	const cJSON *date = cJSON_GetObjectItemCaseSensitive(version, "CreatedDate");

	return cJSON_IsNumber(date) ? date->valuedouble : 0;
}

/* By insertion: the answer is in no promised order, and few are kept. */
size_t secrets_read_newest(const cJSON *answer, size_t most, const char **ret)
{
	const cJSON *version, *newest[VERSIONS_LOOKED_AT];
	size_t count = 0;

	cJSON_ArrayForEach(version, cJSON_GetObjectItemCaseSensitive(answer, "Versions"))
	{
		size_t at = count;

		while (at > 0 && created(newest[at - 1]) < created(version))
			at--;
		if (json_string(version, "VersionId") == NULL || at == most)
			continue;
		if (count < most)
			count++;
		for (size_t i = count - 1; i > at; i--)
			newest[i] = newest[i - 1];
		newest[at] = version;
	}
	for (size_t i = 0; i < count; i++)
		ret[i] = json_string(newest[i], "VersionId");
	return count;
}

bool secrets_id_means(const char *id, const char *name, const char *arn)
{
	size_t length = strlen(id);

	if (name != NULL && strcmp(id, name) == 0)
		return true;
	if (arn == NULL || strncmp(id, arn, length) != 0)
		return false;
	return arn[length] == '\0' ||
	       (arn[length] == '-' && strlen(arn + length) == ARN_SUFFIX_LENGTH);
}
