#include "clients/aws/secrets_write.h"

#include "clients/aws/secrets_exchange.h"
#include "clients/aws/secrets_read.h"
#include "clients/random.h"

#include <string.h>

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
	struct status status = secrets_read_once(staging->manager, staging->id, "AWSPENDING",
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

struct status secrets_stage(struct secret_store *store, const char *id, const char *token,
			    const struct secret *value)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	struct secrets_manager *manager = secrets_manager_of(store);
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
	status = secrets_ask(manager, "PutSecretValue", id, &exchange, find_staged, &staging);
	if (exchange.error.type[0] != '\0' && exchange.error.class == AWS_ERROR_EXISTS) {
		TRY(secrets_read_once(manager, id, NULL, token, &found));
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

	TRY_WHILE(secrets_describe(promotion->store, promotion->id, &labels),
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

struct status secrets_promote(struct secret_store *store, const char *id, const char *token,
			      const char *from)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct promotion promotion = {store, id, token, from};
	struct status status;
	bool done = false;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "VersionStage", "AWSCURRENT"));
	TRY(secrets_add_string(&exchange.body, "MoveToVersionId", token));
	TRY(secrets_add_string(&exchange.body, "RemoveFromVersionId", from));
	status = secrets_ask(secrets_manager_of(store), "UpdateSecretVersionStage", id, &exchange,
			     find_promoted, &promotion);
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

	TRY(secrets_describe(start->store, start->id, &labels));
	*done = strcmp(labels.pending, start->token) == 0 ||
		strcmp(labels.current, start->token) == 0;
	return OK;
}

struct status secrets_rotate(struct secret_store *store, const char *id, const char *token)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct rotation_start start = {store, id, token};
	struct status status;
	bool done = false;

	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken", token));
	TRY(secrets_add_true(&exchange.body, "RotateImmediately"));
	status = secrets_ask(secrets_manager_of(store), "RotateSecret", id, &exchange,
			     find_rotating, &start);
	if (secrets_is_type(&exchange, "InvalidRequestException") &&
	    secrets_says(&exchange, "revious rotation")) {
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
static struct status permitted(const struct secrets_exchange *exchange, struct status status)
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
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	bool previous = labels->previous[0] != '\0' &&
			strcmp(labels->previous, labels->pending) != 0;
	bool current = labels->current[0] != '\0' && strcmp(labels->current, labels->pending) != 0;
	const char *label = previous ? "AWSPREVIOUS" : "AWSCURRENT";

	if (!previous && !current)
		return OK; /* nothing to secrets_ask with; a rotation will tell */
	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken",
			       previous ? labels->previous : labels->current));
	TRY(secrets_add_string(&exchange.body, "SecretString", "{}"));
	TRY(secrets_add_list(&exchange.body, "VersionStages", &label, 1));
	return permitted(&exchange,
			 secrets_ask(manager, "PutSecretValue", id, &exchange, NULL, NULL));
}

/* Moves a label between two versions that do not exist. */
static struct status check_move(struct secrets_manager *manager, const char *id)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	char to[UUID_SIZE], from[UUID_SIZE];

	TRY(random_uuid(to));
	TRY(random_uuid(from));
	TRY(secrets_add_string(&exchange.body, "SecretId", id));
	TRY(secrets_add_string(&exchange.body, "VersionStage", "AWSCURRENT"));
	TRY(secrets_add_string(&exchange.body, "MoveToVersionId", to));
	TRY(secrets_add_string(&exchange.body, "RemoveFromVersionId", from));
	return permitted(&exchange, secrets_ask(manager, "UpdateSecretVersionStage", id, &exchange,
						NULL, NULL));
}

struct status secrets_check_write(struct secret_store *store, const char *id,
				  const struct secret_labels *labels)
{
	TRY(check_put(secrets_manager_of(store), id, labels));
	return check_move(secrets_manager_of(store), id);
}
