#include "clients/aws/secrets_manager.h"

#include "clients/aws/secrets_json.h"
#include "clients/random.h"
#include "core/json.h"
#include "core/memory.h"

#include <string.h>

#define BODY_LIMIT (8 * SECRET_MAX) /* a value of control characters grows sixfold in JSON */
#define MISS_TRIES 4
#define MISS_WAIT_MS 200
#define BATCH_MAX 20

struct secrets_manager {
	struct secret_store store; /* first */
	struct aws *aws;
	struct secrets_manager_options options;
};

/* One request about one secret: its body, then its answer and what was refused. */
struct exchange {
	struct buffer body;
	struct http_response response;
	struct aws_error error;
	cJSON *answer;
};

#define EXCHANGE_INIT ((struct exchange){.body = BUFFER_INIT(BODY_LIMIT)})

static void exchange_clear(struct exchange *exchange)
{
	buffer_clear(&exchange->body);
	http_response_clear(&exchange->response);
	json_clear(&exchange->answer);
}

static struct secrets_manager *manager_of(struct secret_store *store)
{
	return (struct secrets_manager *)store; /* the store is its first member */
}

/* A name says nothing about its region: it is looked for where the application secret is. */
static const char *region_source(const struct secrets_manager *manager, const char *id)
{
	const char *application = manager->options.application_secret_id;

	return strncmp(id, "arn:", strlen("arn:")) == 0 || application == NULL ? id : application;
}

/* Ends the body, sends it and parses the answer. `find_done` with its context, or NULL: repeatable.
 */
static struct status ask(struct secrets_manager *manager, const char *operation, const char *id,
			 struct exchange *exchange,
			 struct status (*find_done)(void *context, bool *done), void *context)
{
	struct aws_secrets_call call = {.operation = operation,
					.id = id,
					.region_of = region_source(manager, id),
					.deadline = manager->options.deadline,
					.repeatable = find_done == NULL,
					.find_done = find_done,
					.context = context};

	TRY(secrets_end(&exchange->body));
	call.body = exchange->body.data;
	call.body_length = exchange->body.length;
	TRY(aws_call_secrets_manager(manager->aws, &call, &exchange->error, &exchange->response));
	if (exchange->response.body.length == 0)
		return OK; /* found done: nothing to read */
	TRY_WHILE(json_parse(exchange->response.body.data, exchange->response.body.length,
			     &exchange->answer),
		  "reading the answer to %s on '%s'", operation, id);
	return OK;
}

static bool is_type(const struct exchange *exchange, const char *type)
{
	return strcmp(exchange->error.type, type) == 0;
}

static bool says(const struct exchange *exchange, const char *words)
{
	return strstr(exchange->error.message, words) != NULL;
}

static struct status describe(struct secret_store *store, const char *id, struct secret_labels *ret)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(ask(manager_of(store), "DescribeSecret", id, &exchange, NULL, NULL));
	return secrets_read_labels(exchange.answer, id, ret);
}

/* GetSecretValue says in three ways that there is no such value, and in two that there is no
 * secret. */
static struct status explain_miss(const struct exchange *exchange, const char *id,
				  const char *stage, struct status status)
{
	if (is_type(exchange, "InvalidRequestException") && says(exchange, "not associated"))
		return failure(STATUS_NOT_FOUND,
			       "secret '%s' has no %s value under this version id", id, stage);
	if (is_type(exchange, "InvalidRequestException") && says(exchange, "delet"))
		return failure(STATUS_INVALID, "secret '%s' is marked for deletion: restore it",
			       id);
	if (status.code == STATUS_NOT_FOUND && says(exchange, "staging label"))
		return failure(STATUS_NOT_FOUND, "secret '%s' has no %s value", id, stage);
	return status;
}

/* One read. `stage` or `version`, but not both, may be NULL. */
static struct status read_once(struct secrets_manager *manager, const char *id, const char *stage,
			       const char *version, struct secret_version *ret)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	struct status status;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	if (version != NULL)
		TRY(secrets_add_string(&exchange.body, "VersionId", version));
	if (stage != NULL)
		TRY(secrets_add_string(&exchange.body, "VersionStage", stage));
	status = ask(manager, "GetSecretValue", id, &exchange, NULL, NULL);
	if (status.code != STATUS_OK)
		return explain_miss(&exchange, id, stage != NULL ? stage : "", status);
	return secrets_read_version(exchange.answer, id, ret);
}

/* Secrets Manager answers reads late: a value just put may be missed for a moment. */
static struct status get(struct secret_store *store, const char *id, enum stage stage,
			 const char *token, bool miss_is_normal, struct secret_version *ret)
{
	struct secrets_manager *manager = manager_of(store);
	struct deadline deadline = manager->options.deadline;
	int64_t wait = MISS_WAIT_MS;

	for (int i = 0;; i++, wait *= 2) {
		struct status status = read_once(manager, id, secrets_stage_name(stage), token,
						 ret);

		if (status.code != STATUS_NOT_FOUND || stage != STAGE_PENDING || miss_is_normal ||
		    i == MISS_TRIES || wait >= deadline_left(deadline))
			return status;
		deadline_sleep(deadline, wait);
	}
}

static struct status find(struct secret_store *store, const char *id,
			  bool (*wanted)(const struct secret_version *, void *context),
			  void *context, struct secret_version *ret)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	struct secrets_manager *manager = manager_of(store);
	const char *newest[VERSIONS_LOOKED_AT];
	size_t count;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_true(&exchange.body, "IncludeDeprecated"));
	TRY(ask(manager, "ListSecretVersionIds", id, &exchange, NULL, NULL));
	count = secrets_read_newest(exchange.answer, VERSIONS_LOOKED_AT, newest);
	for (size_t i = 0; i < count; i++) {
		AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
		struct status read = read_once(manager, id, NULL, newest[i], &found);

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

	if (aws_region_of(manager->aws, region_source(manager, ids[0]), first).code != STATUS_OK)
		return false;
	for (size_t i = 1; i < count; i++)
		if (aws_region_of(manager->aws, region_source(manager, ids[i]), other).code !=
			    STATUS_OK ||
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
static bool never_again(const struct exchange *exchange)
{
	return exchange->error.class == AWS_ERROR_DENIED ||
	       strncmp(exchange->error.type, "Unknown", strlen("Unknown")) == 0 ||
	       strncmp(exchange->error.type, "HTTP status", strlen("HTTP status")) == 0;
}

static struct status read_batch(struct secrets_manager *manager, const char *const *ids,
				size_t count, struct secret_reading *ret, bool *done)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	struct status status;

	if (count < 2 || aws_batch_refused(manager->aws) || !same_region(manager, ids, count))
		return OK;
	TRY(secrets_add_list(&exchange.body, "SecretIdList", ids, count));
	status = ask(manager, "BatchGetSecretValue", ids[0], &exchange, NULL, NULL);
	if (status.code == STATUS_OK)
		take_batch(exchange.answer, ids, count, ret, done);
	else if (exchange.error.type[0] == '\0' || status.code == STATUS_UNAVAILABLE)
		return status;
	else if (never_again(&exchange))
		aws_refuse_batch(manager->aws);
	return OK;
}

static struct status get_current(struct secret_store *store, const char *const *ids, size_t count,
				 struct secret_reading *ret)
{
	struct secrets_manager *manager = manager_of(store);
	bool done[BATCH_MAX] = {false};

	if (count > BATCH_MAX)
		return failure(STATUS_INTERNAL, "%zu secrets asked for at once", count);
	TRY(read_batch(manager, ids, count, ret, done));
	for (size_t i = 0; i < count; i++) {
		if (done[i])
			continue;
		ret[i].status = get(store, ids[i], STAGE_CURRENT, NULL, false, &ret[i].version);
		if (ret[i].status.code == STATUS_UNAVAILABLE)
			return ret[i].status;
	}
	return OK;
}

/* What stage() is about: for the moment after a lost answer. */
struct staging {
	struct secrets_manager *manager;
	const char *id, *token;
	const struct secret *value;
};

static struct status compare_staged(const struct staging *staging, const struct secret *found)
{
	if (secret_equal(found, staging->value))
		return OK;
	return failure(STATUS_CONFLICT, "secret '%s' already has another value under this token",
		       staging->id);
}

static struct status find_staged(void *context, bool *done)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	const struct staging *staging = context;
	struct status status = read_once(staging->manager, staging->id, "AWSPENDING",
					 staging->token, &found);

	*done = status.code == STATUS_OK;
	if (status.code == STATUS_NOT_FOUND)
		return OK;
	TRY_WHILE(status, "looking whether a value whose answer was lost is there");
	return compare_staged(staging, &found.value);
}

/* AWS's text about a request may repeat what was in it. */
static struct status without_token(const struct secrets_manager *manager, struct status status)
{
	const struct secret *token = manager->options.rotation_token;

	if (token == NULL || secret_empty(token) ||
	    strstr(status.detail, secret_reveal(token)) == NULL)
		return status;
	return failure(status.code,
		       "Secrets Manager refused the value and repeats the rotation token, "
		       "so its words are not shown");
}

static struct status stage(struct secret_store *store, const char *id, const char *token,
			   const struct secret *value)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	struct secrets_manager *manager = manager_of(store);
	const struct secrets_manager_options *options = &manager->options;
	struct staging staging = {manager, id, token, value};
	const char *pending = "AWSPENDING";
	struct status status;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken", token));
	TRY(secrets_add_string(&exchange.body, "SecretString", secret_reveal(value)));
	TRY(secrets_add_list(&exchange.body, "VersionStages", &pending, 1));
	if (options->rotation_token != NULL && !secret_empty(options->rotation_token) &&
	    options->application_secret_id != NULL &&
	    strcmp(id, options->application_secret_id) == 0)
		TRY(secrets_add_string(&exchange.body, "RotationToken",
				       secret_reveal(options->rotation_token)));
	status = ask(manager, "PutSecretValue", id, &exchange, find_staged, &staging);
	if (exchange.error.type[0] != '\0' && exchange.error.class == AWS_ERROR_EXISTS) {
		TRY(read_once(manager, id, NULL, token, &found));
		return compare_staged(&staging, &found.value);
	}
	return without_token(manager, status);
}

/* What promote() is about. */
struct promotion {
	struct secret_store *store;
	const char *id, *token, *from;
};

static struct status find_promoted(void *context, bool *done)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const struct promotion *promotion = context;

	TRY_WHILE(describe(promotion->store, promotion->id, &labels),
		  "looking where AWSCURRENT of '%s' is", promotion->id);
	*done = strcmp(labels.current, promotion->token) == 0;
	if (*done || strcmp(labels.current, promotion->from) == 0)
		return OK;
	return failure(
		STATUS_CONFLICT,
		"AWSCURRENT of secret '%s' is on version '%s', neither on the one it was read "
		"from nor on the new one: somebody else moved it",
		promotion->id, labels.current);
}

static struct status promote(struct secret_store *store, const char *id, const char *token,
			     const char *from)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	struct promotion promotion = {store, id, token, from};
	struct status status;
	bool done = false;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "VersionStage", "AWSCURRENT"));
	TRY(secrets_add_string(&exchange.body, "MoveToVersionId", token));
	TRY(secrets_add_string(&exchange.body, "RemoveFromVersionId", from));
	status = ask(manager_of(store), "UpdateSecretVersionStage", id, &exchange, find_promoted,
		     &promotion);
	if (exchange.error.type[0] == '\0' ||
	    (status.code != STATUS_INVALID && status.code != STATUS_NOT_FOUND))
		return status;
	/* Refused: it may have been done before. Where `from` was right, `token` was wrong. */
	TRY(find_promoted(&promotion, &done));
	return done ? OK : failure(STATUS_NOT_FOUND, "%s", status.detail);
}

struct rotation_start {
	struct secret_store *store;
	const char *id, *token;
};

static struct status find_rotating(void *context, bool *done)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const struct rotation_start *start = context;

	TRY(describe(start->store, start->id, &labels));
	*done = strcmp(labels.pending, start->token) == 0 ||
		strcmp(labels.current, start->token) == 0;
	return OK;
}

static struct status rotate(struct secret_store *store, const char *id, const char *token)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	struct rotation_start start = {store, id, token};
	struct status status;
	bool done = false;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken", token));
	TRY(secrets_add_true(&exchange.body, "RotateImmediately"));
	status = ask(manager_of(store), "RotateSecret", id, &exchange, find_rotating, &start);
	if (is_type(&exchange, "InvalidRequestException") && says(&exchange, "revious rotation")) {
		/* It may be our own, whose first answer was an error although it had begun. */
		TRY(find_rotating(&start, &done));
		if (done)
			return OK;
		return failure(
			STATUS_CONFLICT,
			"the last rotation of secret '%s' is not finished; Secrets Manager tries "
			"it again by itself. If it cannot end, mend what its log names and rotate "
			"again, or give it up: aws secretsmanager update-secret-version-stage "
			"--secret-id '%s' --version-stage AWSPENDING --remove-from-version-id "
			"VERSION (the one 'tandem status' shows as pending)",
			id, id);
	}
	return status;
}

/* A refusal for any other reason than permission means that there was permission. */
static struct status permitted(const struct exchange *exchange, struct status status)
{
	bool answered = exchange->error.type[0] != '\0';

	if (answered && status.code != STATUS_DENIED && status.code != STATUS_UNAVAILABLE)
		return OK;
	return status;
}

/*
 * Offers another value for a version that has one, under the label it has: ResourceExists if we may
 * write. AWSPREVIOUS first, and never a version that is pending: not every stand-in for AWS refuses
 * to overwrite that.
 */
static struct status check_put(struct secrets_manager *manager, const char *id,
			       const struct secret_labels *labels)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	bool previous = labels->previous[0] != '\0' &&
			strcmp(labels->previous, labels->pending) != 0;
	bool current = labels->current[0] != '\0' && strcmp(labels->current, labels->pending) != 0;
	const char *label = previous ? "AWSPREVIOUS" : "AWSCURRENT";

	if (!previous && !current)
		return OK; /* nothing to ask with; a rotation will tell */
	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken",
			       previous ? labels->previous : labels->current));
	TRY(secrets_add_string(&exchange.body, "SecretString", "{}"));
	TRY(secrets_add_list(&exchange.body, "VersionStages", &label, 1));
	return permitted(&exchange, ask(manager, "PutSecretValue", id, &exchange, NULL, NULL));
}

/* Moves a label between two versions that do not exist. */
static struct status check_move(struct secrets_manager *manager, const char *id)
{
	AUTO(exchange_clear) struct exchange exchange = EXCHANGE_INIT;
	char to[UUID_SIZE], from[UUID_SIZE];

	TRY(random_uuid(to));
	TRY(random_uuid(from));
	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "VersionStage", "AWSCURRENT"));
	TRY(secrets_add_string(&exchange.body, "MoveToVersionId", to));
	TRY(secrets_add_string(&exchange.body, "RemoveFromVersionId", from));
	return permitted(&exchange,
			 ask(manager, "UpdateSecretVersionStage", id, &exchange, NULL, NULL));
}

static struct status check_write(struct secret_store *store, const char *id,
				 const struct secret_labels *labels)
{
	TRY(check_put(manager_of(store), id, labels));
	return check_move(manager_of(store), id);
}

static void close_store(struct secret_store **store)
{
	memory_free(*store);
	*store = NULL;
}

struct status secrets_manager_open(struct aws *aws, const struct secrets_manager_options *options,
				   struct secret_store **ret)
{
	static const struct secret_store_ops ops = {.describe = describe,
						    .get = get,
						    .find = find,
						    .get_current = get_current,
						    .stage = stage,
						    .promote = promote,
						    .rotate = rotate,
						    .check_write = check_write,
						    .close = close_store};
	struct secrets_manager *made;

	if (options->application_secret_id != NULL)
		TRY(aws_check_endpoint(aws, options->application_secret_id));
	made = memory_alloc_zero(1, sizeof(*made));
	if (made == NULL)
		return OUT_OF_MEMORY;
	made->store.ops = &ops;
	made->aws = aws;
	made->options = *options;
	*ret = &made->store;
	return OK;
}
