/*
 * createSecret: prepare. The next user of the ring gets a new password that every login accepts; it
 * is put under the pending label of the application secret and of the user's proxy secret. Nothing
 * that anybody reads changes. A value that is already there is kept: the database may have it.
 */
#include "steps/rotation.h"

#include <string.h>

/* Is there a rotation to prepare? `*finished`: it is done already. */
static struct status check_labels(const struct rotation *rotation, bool *finished)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	TRY_WHILE(rotation->store->ops->describe(rotation->store, rotation->secret_id, &labels),
		  "reading the labels");
	*finished = strcmp(labels.current, rotation->token) == 0;
	if (*finished)
		return OK;
	if (labels.current[0] == '\0')
		return failure(STATUS_NOT_FOUND,
			       "the secret has no current value to rotate from: put one");
	if (rotation->started_here)
		return OK;
	if (!labels.rotation_enabled)
		return failure(STATUS_INVALID,
			       "rotation is not enabled for the secret: turn it on, or use "
			       "`tandem rotate`, which needs no schedule");
	if (strcmp(labels.pending, rotation->token) != 0)
		return failure(STATUS_CONFLICT,
			       "version '%s' is not pending: the rotation was aborted, or another "
			       "one took "
			       "its place; start it again",
			       rotation->token);
	return OK;
}

static struct status find_copy(const struct rotation *rotation, const struct plan *plan,
			       struct proxy_copy *ret)
{
	struct secret_reading readings[PLAN_PROXIES_MAX] = {0};
	struct status found;

	if (plan->proxy_secret_count == 0)
		return OK;
	found = rotation->store->ops->get_current(rotation->store,
						  (const char *const *)plan->proxy_secret_ids,
						  plan->proxy_secret_count, readings);
	if (found.code == STATUS_OK)
		found = proxy_copy_find(plan, readings, plan->inactive_user, ret);
	secret_readings_clear(readings, plan->proxy_secret_count);
	return found;
}

/* The pending credential: the one that is there, else a new one, put there first of all. */
static struct status prepare_pending(const struct rotation *rotation, const struct plan *plan,
				     const struct credential *current, struct stored *ret)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	AUTO(secret_clear) struct secret password = SECRET_INIT;
	struct secret_reading reading = {.status = OK};
	struct status found = rotation->store->ops->get(rotation->store, rotation->secret_id,
							STAGE_PENDING, rotation->token, true,
							&version);

	if (found.code == STATUS_OK) {
		reading.version = version;
		TRY(rotation_parse(rotation->secret_id, &reading, ret));
		report_outcome(rotation, "kept the password prepared before", plan->inactive_user);
		return rotation_check_pending(rotation, plan, current, &ret->credential);
	}
	if (found.code != STATUS_NOT_FOUND)
		return status_while(found, "reading the pending version");

	TRY(password_generate(&plan->password_policy, rotation->random, &password));
	TRY(credential_change(current, plan->inactive_user, &password, &ret->credential));
	TRY_WHILE(rotation->store->ops->stage(rotation->store, rotation->secret_id, rotation->token,
					      &ret->credential.text),
		  "putting the pending version");
	report_outcome(rotation, "prepared a new password", plan->inactive_user);
	return OK;
}

/* The same password, pending, beside what the proxy secret holds already. */
static struct status prepare_copy(const struct rotation *rotation, const struct proxy_copy *copy,
				  const struct credential *pending)
{
	AUTO(credential_clear) struct credential changed = CREDENTIAL_INIT;

	if (copy->secret_id == NULL || strcmp(copy->stored.version, rotation->token) == 0)
		return OK;
	TRY(credential_change(&copy->stored.credential, pending->username, &pending->password,
			      &changed));
	TRY_WHILE(rotation->store->ops->stage(rotation->store, copy->secret_id, rotation->token,
					      &changed.text),
		  "putting the pending version of the proxy secret '%s'", copy->secret_id);
	return OK;
}

struct status create_secret(const struct rotation *rotation)
{
	AUTO(stored_clear) struct stored current = STORED_INIT, pending = STORED_INIT;
	AUTO(proxy_copy_clear) struct proxy_copy copy = PROXY_COPY_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool finished = false;

	TRY(check_labels(rotation, &finished));
	if (finished) {
		report_outcome(rotation, "already finished", NULL);
		return OK;
	}
	TRY_WHILE(rotation_get(rotation, rotation->secret_id, STAGE_CURRENT, &current),
		  "reading the current version");
	TRY(plan_make(&current.credential, rotation->config, rotation->drivers, &plan));
	TRY(find_copy(rotation, &plan, &copy));
	TRY(prepare_pending(rotation, &plan, &current.credential, &pending));
	return prepare_copy(rotation, &copy, &pending.credential);
}
