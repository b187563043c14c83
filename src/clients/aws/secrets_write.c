#include "clients/aws/secrets_write.h"

#include "clients/aws/secrets_exchange.h"
#include "clients/aws/secrets_read.h"
#include "clients/random.h"

#include <string.h>

/*
 * PutSecretValue takes AWSPENDING away from whoever has it; only UpdateSecretVersionStage compares
 * before it moves. So a value that has to win the label is put under this one first.
 */
#define CLAIMANT "TANDEMCLAIMANT"

/* A value under a token: for the moment after a lost answer. */
struct staging {
	struct secrets_manager *manager;
	const char *id, *token, *label;
	const struct secret *value;
	bool claim; /* the label is CLAIMANT */
	bool there; /* a value, this or another, was there already, and under that label */
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
	struct status status = secrets_read_once(staging->manager, staging->id, staging->label,
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

static struct status put(struct staging *staging)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	const struct secrets_manager_options *options = &staging->manager->options;
	struct status status;

	TRY(secrets_add_string(&exchange.body, "SecretId", staging->id));
	TRY(secrets_add_string(&exchange.body, "ClientRequestToken", staging->token));
	TRY(secrets_add_string(&exchange.body, "SecretString", secret_reveal(staging->value)));
	TRY(secrets_add_list(&exchange.body, "VersionStages", &staging->label, 1));
	if (options->rotation_token != NULL && !secret_empty(options->rotation_token) &&
	    options->application_secret_id != NULL &&
	    strcmp(staging->id, options->application_secret_id) == 0)
		TRY(secrets_add_string(&exchange.body, "RotationToken",
				       secret_reveal(options->rotation_token)));
	status = secrets_ask(staging->manager, "PutSecretValue", staging->id, &exchange,
			     find_staged, staging);
	if (exchange.error.type[0] == '\0' || exchange.error.class != AWS_ERROR_EXISTS)
		return without_token(staging->manager, status);
	status = secrets_read_once(staging->manager, staging->id,
				   staging->claim ? staging->label : NULL, staging->token, &found);
	/* Another has that label: this value is old, and its turn is over. Or the read is late. */
	if (status.code == STATUS_NOT_FOUND)
		return failure(STATUS_CONFLICT, "secret '%s' has %s under this token", staging->id,
			       staging->claim ? "an old version"
					      : "a value already, which cannot be read yet,");
	TRY(status);
	staging->there = true;
	return compare_staged(staging, &found.value);
}

/* A label on its way from one version to another. */
struct move {
	struct secret_store *store;
	const char *id, *label, *token;
	const char *from; /* the version it was seen on, "" = it was on none */
	bool pending;	  /* AWSPENDING, else AWSCURRENT */
};

static struct status find_moved(void *context, bool *done)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const struct move *move = context;
	const char *holder;

	TRY_WHILE(secrets_describe(move->store, move->id, &labels), "looking where %s of '%s' is",
		  move->label, move->id);
	holder = move->pending ? labels.pending : labels.current;
	*done = strcmp(holder, move->token) == 0;
	if (*done || strcmp(holder, move->from) == 0)
		return OK;
	return failure(STATUS_CONFLICT,
		       "%s of secret '%s' is on version '%s', neither on the one it was read from "
		       "nor on the new one: somebody else moved it",
		       move->label, move->id, holder);
}

static struct status move_label(struct move *move)
{
	AUTO(secrets_exchange_clear) struct secrets_exchange exchange = SECRETS_EXCHANGE_INIT;
	struct status status;
	bool done = false;

	TRY(secrets_add_string(&exchange.body, "SecretId", move->id));
	TRY(secrets_add_string(&exchange.body, "VersionStage", move->label));
	TRY(secrets_add_string(&exchange.body, "MoveToVersionId", move->token));
	if (move->from[0] != '\0')
		TRY(secrets_add_string(&exchange.body, "RemoveFromVersionId", move->from));
	status = secrets_ask(secrets_manager_of(move->store), "UpdateSecretVersionStage", move->id,
			     &exchange, find_moved, move);
	if (!secrets_refused(&exchange) ||
	    (status.code != STATUS_INVALID && status.code != STATUS_NOT_FOUND))
		return status;
	/* Refused: it may have been done before. Where `from` was right, `token` was wrong. */
	TRY(find_moved(move, &done));
	return done ? OK : failure(STATUS_NOT_FOUND, "%s", status.detail);
}

struct status secrets_stage(struct secret_store *store, const char *id, const char *token,
			    const struct secret *value, const struct secret_labels *seen)
{
	bool claim = seen != NULL && strcmp(seen->pending, token) != 0;
	struct staging staging = {.manager = secrets_manager_of(store),
				  .id = id,
				  .token = token,
				  .label = claim ? CLAIMANT : secrets_stage_name(STAGE_PENDING),
				  .claim = claim,
				  .value = value};
	struct move move = {
		.store = store, .id = id, .label = staging.label, .token = token, .pending = true};

	struct status status = put(&staging);

	if (!claim || (status.code != STATUS_OK && !staging.there))
		return status;
	move.label = secrets_stage_name(STAGE_PENDING);
	move.from = seen->pending;
	TRY(move_label(&move));
	return status;
}

struct status secrets_promote(struct secret_store *store, const char *id, const char *token,
			      const char *from)
{
	struct move move = {.store = store,
			    .id = id,
			    .label = secrets_stage_name(STAGE_CURRENT),
			    .token = token,
			    .from = from};

	return move_label(&move);
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
