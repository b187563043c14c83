/*
 * createSecret: prepare. The next user of the ring gets a new password that every login accepts; it
 * is put under the pending label of the application secret and of the user's proxy secret. Nothing
 * that anybody reads changes. A value that is already there is kept: the database may have it.
 */
#include "steps/rotation.h"
#include "steps/single_user.h"

#include <string.h>

/* Is there a rotation to prepare? `*finished`: it is done already. */
static struct status check_labels(const struct rotation *rotation,
				  const struct secret_labels *labels, bool *finished)
{
	*finished = strcmp(labels->current, rotation->token) == 0;
	if (*finished)
		return OK;
	if (labels->current[0] == '\0')
		return failure(STATUS_NOT_FOUND,
			       "the secret has no current value to rotate from: put one");
	if (strcmp(labels->pending, rotation->token) == 0)
		return OK;
	/* Its password may be in the database already: taking its label would lose it. */
	if (labels->pending[0] != '\0' && strcmp(labels->pending, labels->current) != 0)
		return failure(STATUS_CONFLICT,
			       "another rotation, version '%s', is under way or stuck: let it end, "
			       "or start it again; see `tandem status`",
			       labels->pending);
	if (labels->rotation_enabled)
		return failure(STATUS_CONFLICT,
			       "version '%s' is not pending: the rotation was aborted, or another "
			       "one took its place; start it again",
			       rotation->token);
	if (!rotation->started_here)
		return failure(STATUS_INVALID,
			       "rotation is not enabled for the secret: turn it on, or use "
			       "`tandem rotate`, which needs no schedule");
	return OK;
}

static struct status find_copy(const struct rotation *rotation, const struct plan *plan,
			       const struct credential *current, struct proxy_copy *ret)
{
	struct secret_reading readings[PLAN_PROXIES_MAX] = {0};
	struct status found;

	if (plan->proxy_secret_count == 0)
		return OK;
	found = rotation->store->ops->get_current(rotation->store,
						  (const char *const *)plan->proxy_secret_ids,
						  plan->proxy_secret_count, readings);
	found = status_while(found, "reading the proxy secrets");
	/* The same text, this very list included, is the same secret under another id. */
	for (size_t i = 0; i < plan->proxy_secret_count && found.code == STATUS_OK; i++)
		if (secret_equal(&readings[i].version.value, &current->text))
			found = failure(
				STATUS_INVALID,
				"\"proxy_secret_ids\" holds '%s', which is the secret under "
				"rotation itself, or its exact copy: make one for each user "
				"instead, with \"username\", \"password\", \"host\", \"port\"",
				plan->proxy_secret_ids[i]);
	if (found.code == STATUS_OK)
		found = proxy_copy_find(plan, readings, plan->inactive_user, ret);
	secret_readings_clear(readings, plan->proxy_secret_count);
	return found;
}

static struct status keep_pending(const struct rotation *rotation, const struct plan *plan,
				  const struct credential *current, const struct stored *pending)
{
	TRY(rotation_check_pending(rotation, plan, current, &pending->credential));
	report_outcome(rotation, "kept the password prepared before");
	return OK;
}

/*
 * The pending credential: the one that is there, else a new one, put there first of all. Of two
 * rotations that found no other under way, the label lets one go on.
 */
static struct status prepare_pending(const struct rotation *rotation, const struct plan *plan,
				     const struct secret_labels *labels,
				     const struct credential *current, struct stored *ret,
				     bool *kept)
{
	AUTO(secret_clear) struct secret password = SECRET_INIT;
	struct status status = rotation_get_pending(rotation, rotation->secret_id, true, ret);

	*kept = status.code == STATUS_OK;
	if (*kept)
		return keep_pending(rotation, plan, current, ret);
	if (status.code != STATUS_NOT_FOUND)
		return status_while(status, "reading the pending version");

	TRY_WHILE(password_generate(&plan->password_policy, rotation->random, &password),
		  "making a new password for '%s'", plan->inactive_user);
	TRY(credential_change(current, plan->inactive_user, &password, &ret->credential));
	status = rotation->store->ops->stage(rotation->store, rotation->secret_id, rotation->token,
					     &ret->credential.text, labels);
	if (status.code == STATUS_CONFLICT) {
		/* The same step at the same time, or a late read: what was first counts. */
		struct status found = rotation_get_pending(rotation, rotation->secret_id, false,
							   ret);

		if (found.code == STATUS_NOT_FOUND)
			return failure(STATUS_CONFLICT,
				       "another rotation began at the same time and goes on, or "
				       "this version is an old one: start again: %s",
				       status.detail);
		TRY_WHILE(found, "reading the pending version that somebody else put");
		return keep_pending(rotation, plan, current, ret);
	}
	TRY_WHILE(status, "putting the pending version");
	report_outcome(rotation, "prepared a new password");
	return OK;
}

/*
 * The token has a version in the proxy secret. Is it the credential we wanted to put there? Then it
 * was put by an earlier try, before somebody edited another key of the secret; that edit took the
 * pending label away, and it gets it back.
 */
static struct status check_copy(const struct rotation *rotation, const struct proxy_copy *copy,
				const struct credential *pending)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	AUTO(credential_clear) struct credential staged = CREDENTIAL_INIT;
	const struct secret_store_ops *store = rotation->store->ops;
	struct status found;

	found = store->get_version(rotation->store, copy->secret_id, rotation->token, &version);
	if (found.code == STATUS_NOT_FOUND) /* it is there: reads are late */
		return failure(STATUS_UNAVAILABLE,
			       "it has a value under version '%s' that cannot be read yet: try "
			       "again",
			       rotation->token);
	TRY(found);
	TRY(credential_parse(&version.value, "its pending version", &staged));
	if (strcmp(staged.username, pending->username) != 0 ||
	    !secret_equal(&staged.password, &pending->password))
		return failure(STATUS_CONFLICT,
			       "it has another password under version '%s': rotate again",
			       rotation->token);
	TRY(store->describe(rotation->store, copy->secret_id, &labels));
	return store->stage(rotation->store, copy->secret_id, rotation->token, &staged.text,
			    &labels);
}

/* The same password, pending, beside what the proxy secret holds already. */
static struct status prepare_copy(const struct rotation *rotation, const struct proxy_copy *copy,
				  const struct credential *pending)
{
	AUTO(credential_clear) struct credential changed = CREDENTIAL_INIT;
	struct status status;

	if (copy->secret_id == NULL || proxy_copy_holds(copy, pending))
		return OK;
	TRY(credential_change(&copy->stored.credential, pending->username, &pending->password,
			      &changed));
	status = rotation->store->ops->stage(rotation->store, copy->secret_id, rotation->token,
					     &changed.text, NULL);
	if (status.code == STATUS_CONFLICT)
		status = check_copy(rotation, copy, pending);
	return status_while(status, "putting the pending version of the proxy secret '%s'",
			    copy->secret_id);
}

struct status create_secret(const struct rotation *rotation)
{
	AUTO(stored_clear) struct stored current = STORED_INIT, pending = STORED_INIT;
	AUTO(proxy_copy_clear) struct proxy_copy copy = PROXY_COPY_INIT;
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool finished = false, kept = false, forward;

	TRY_WHILE(rotation->store->ops->describe(rotation->store, rotation->secret_id, &labels),
		  "reading the labels");
	TRY(check_labels(rotation, &labels, &finished));
	if (finished) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	TRY_WHILE(rotation_get(rotation, rotation->secret_id, STAGE_CURRENT, &current),
		  "reading the current version");
	/* Or since the labels were read, by the same rotation at the same time. */
	if (strcmp(current.version, rotation->token) == 0) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	TRY(plan_make(&current.credential, rotation->config, rotation->drivers, &plan));
	report_user(rotation, plan.inactive_user);
	TRY(find_copy(rotation, &plan, &current.credential, &copy));
	TRY(prepare_pending(rotation, &plan, &labels, &current.credential, &pending, &kept));
	/* An earlier try may have got so far as to change the password, and no further. */
	if (plan_has_one_user(&plan) && kept)
		TRY(single_user_settle(&(struct single_user){.rotation = rotation,
							     .plan = &plan,
							     .current = &current,
							     .pending = &pending.credential},
				       &forward));
	return prepare_copy(rotation, &copy, &pending.credential);
}
