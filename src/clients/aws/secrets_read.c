#include "clients/aws/secrets_read.h"

#include "clients/aws/secrets_exchange.h"

#include <string.h>

#define MISS_TRIES 4
#define MISS_WAIT_MS 200
#define BATCH_MAX 20

struct status secrets_describe(struct secret_store *store, const char *id,
			       struct secret_labels *ret)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_ask(secrets_manager_of(store), "DescribeSecret", id, &exchange, NULL, NULL));
	return secrets_read_labels(exchange.answer, id, ret);
}

/* GetSecretValue secrets_says in three ways that there is no such value, and in two that there is no
 * secret. */
static struct status explain_miss(const struct secrets_exchange *exchange, const char *id,
				  const char *stage, struct status status)
{
	if (secrets_is_type(exchange, "InvalidRequestException") &&
	    secrets_says(exchange, "not associated"))
		return failure(STATUS_NOT_FOUND,
			       "secret '%s' has no %s value under this version id", id, stage);
	if (secrets_is_type(exchange, "InvalidRequestException") && secrets_says(exchange, "delet"))
		return failure(STATUS_INVALID, "secret '%s' is marked for deletion: restore it",
			       id);
	if (status.code == STATUS_NOT_FOUND && secrets_says(exchange, "staging label"))
		return failure(STATUS_NOT_FOUND, "secret '%s' has no %s value", id, stage);
	return status;
}

struct status secrets_read_once(struct secrets_manager *manager, const char *id, const char *stage,
				const char *version, struct secret_version *ret)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct status status;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	if (version != NULL)
		TRY(secrets_add_string(&exchange.body, "VersionId", version));
	if (stage != NULL)
		TRY(secrets_add_string(&exchange.body, "VersionStage", stage));
	status = secrets_ask(manager, "GetSecretValue", id, &exchange, NULL, NULL);
	if (status.code != STATUS_OK)
		return explain_miss(&exchange, id, stage != NULL ? stage : "such", status);
	return secrets_read_version(exchange.answer, id, ret);
}

/* Secrets Manager answers reads late: a value just put may be missed for a moment. */
struct status secrets_get(struct secret_store *store, const char *id, enum stage stage,
			  const char *token, bool miss_is_normal, struct secret_version *ret)
{
	struct secrets_manager *manager = secrets_manager_of(store);
	struct deadline deadline = manager->options.deadline;
	int64_t wait = MISS_WAIT_MS;

	for (int i = 0;; i++, wait *= 2) {
		struct status status = secrets_read_once(manager, id, secrets_stage_name(stage),
							 token, ret);

		if (status.code != STATUS_NOT_FOUND || token == NULL || miss_is_normal ||
		    i == MISS_TRIES || wait >= deadline_left(deadline))
			return status;
		deadline_sleep(deadline, wait);
	}
}

struct status secrets_get_version(struct secret_store *store, const char *id, const char *token,
				  struct secret_version *ret)
{
	return secrets_read_once(secrets_manager_of(store), id, NULL, token, ret);
}

struct status secrets_find(struct secret_store *store, const char *id,
			   bool (*wanted)(const struct secret_version *, void *context),
			   void *context, struct secret_version *ret)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct secrets_manager *manager = secrets_manager_of(store);
	const char *newest[VERSIONS_LOOKED_AT];
	size_t count;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_true(&exchange.body, "IncludeDeprecated"));
	TRY(secrets_ask(manager, "ListSecretVersionIds", id, &exchange, NULL, NULL));
	count = secrets_read_newest(exchange.answer, VERSIONS_LOOKED_AT, newest);
	for (size_t i = 0; i < count; i++) {
		AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
		struct status read = secrets_read_once(manager, id, NULL, newest[i], &found);

		if (read.code == STATUS_UNAVAILABLE || read.code == STATUS_DENIED)
			return read;
		if (read.code != STATUS_OK || !wanted(&found, context))
			continue;
		secret_version_clear(ret);
		*ret = found;
		found = SECRET_VERSION_INIT;
		return OK;
	}
	return failure(STATUS_NOT_FOUND, "secret '%s' has no such version", id);
}

static bool same_region(struct secrets_manager *manager, const char *const *ids, size_t count)
{
	char first[AWS_REGION_MAX + 1], other[AWS_REGION_MAX + 1];

	if (aws_region_of(manager->aws, secrets_region_source(manager, ids[0]), first).code !=
	    STATUS_OK)
		return false;
	for (size_t i = 1; i < count; i++)
		if (aws_region_of(manager->aws, secrets_region_source(manager, ids[i]), other)
				    .code != STATUS_OK ||
		    strcmp(first, other) != 0)
			return false;
	return true;
}

/*
 * Fills in what the batch gave. What it did not give, and why, is left to a single read: that has
 * the better message, and the batch's own errors are one more way to say the same. So is a value
 * that is not labelled AWSCURRENT: a batch cannot be asked for a label, and moto answers with
 * whatever version came last.
 */
static void take_batch(const cJSON *answer, const char *const *ids, size_t count,
		       struct secret_reading *ret, bool *done)
{
	const cJSON *value;

	cJSON_ArrayForEach(value, cJSON_GetObjectItemCaseSensitive(answer, "SecretValues"))
	{
		for (size_t i = 0; i < count && secrets_has_stage(value, "AWSCURRENT"); i++) {
			if (done[i] || !secrets_id_means(ids[i], json_string(value, "Name"),
							 json_string(value, "ARN")))
				continue;
			ret[i].status = secrets_read_version(value, ids[i], &ret[i].version);
			done[i] = true;
		}
	}
}

/* Not permitted, or not known to this endpoint: it will not be the next time either. */
static bool never_again(const struct secrets_exchange *exchange)
{
	return exchange->error.class == AWS_ERROR_DENIED ||
	       strncmp(exchange->error.type, "Unknown", strlen("Unknown")) == 0 ||
	       strncmp(exchange->error.type, "HTTP status", strlen("HTTP status")) == 0;
}

static struct status read_batch(struct secrets_manager *manager, const char *const *ids,
				size_t count, struct secret_reading *ret, bool *done)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct status status;

	if (count < 2 || aws_batch_refused(manager->aws) || !same_region(manager, ids, count))
		return OK;
	TRY(secrets_add_list(&exchange.body, "SecretIdList", ids, count));
	status = secrets_ask(manager, "BatchGetSecretValue", ids[0], &exchange, NULL, NULL);
	if (status.code == STATUS_OK)
		take_batch(exchange.answer, ids, count, ret, done);
	else if (exchange.error.type[0] == '\0' || status.code == STATUS_UNAVAILABLE)
		return status;
	else if (never_again(&exchange))
		aws_refuse_batch(manager->aws);
	return OK;
}

struct status secrets_get_current(struct secret_store *store, const char *const *ids, size_t count,
				  struct secret_reading *ret)
{
	struct secrets_manager *manager = secrets_manager_of(store);
	bool done[BATCH_MAX] = {false};

	if (count > BATCH_MAX)
		return failure(STATUS_INTERNAL, "%zu secrets asked for at once", count);
	TRY(read_batch(manager, ids, count, ret, done));
	for (size_t i = 0; i < count; i++) {
		if (done[i])
			continue;
		ret[i].status = secrets_get(store, ids[i], STAGE_CURRENT, NULL, false,
					    &ret[i].version);
		if (ret[i].status.code == STATUS_UNAVAILABLE)
			return ret[i].status;
	}
	return OK;
}
