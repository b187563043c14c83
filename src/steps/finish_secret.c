/*
 * finishSecret: promote, last of all. By now the new credential has logged in everywhere; moving
 * the current label is what makes the application use it. The store moves the previous label along.
 *
 * Secrets Manager calls it after testSecret only. Others who may invoke the function could call it
 * alone, and then the application would be handed a password that nobody has set: so what this
 * process has not seen proven it proves now. In a warm function that costs nothing.
 */
#include "steps/placement.h"
#include "steps/rotation.h"
#include "steps/single_user.h"

#include <string.h>

static struct status drop_as_user(const struct rotation *rotation, const struct plan *plan,
				  const struct credential *previous)
{
	AUTO(database_close) struct database *db = NULL;

	TRY(rotation_login(rotation, plan_writer(plan), previous->username, &previous->password,
			   rotation->deadline, &db));
	return db->ops->drop_former(db, previous->username);
}

static struct status drop_as_admin(const struct rotation *rotation, const struct plan *plan,
				   const struct credential *admin,
				   const struct credential *previous)
{
	AUTO(database_close) struct database *db = NULL;
	bool unproven;

	TRY(plan_check_admin(plan, admin));
	TRY(rotation_login_kept(rotation, plan, admin, "the admin secret", rotation->deadline, &db,
				&unproven));
	return db->ops->drop_former(db, previous->username);
}

/*
 * The user itself first: it shows that this host is its database, before the admin's password goes
 * there. Where the application's host only reads, it is its writer's turn then.
 */
static struct status drop_former(const struct rotation *rotation, const char *version)
{
	AUTO(stored_clear) struct stored previous = STORED_INIT, admin = STORED_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	struct status dropped;

	TRY(rotation_get(rotation, rotation->secret_id, STAGE_PREVIOUS, &previous));
	if (strcmp(previous.version, version) != 0)
		return failure(STATUS_UNAVAILABLE, "its version cannot be read yet");
	TRY(plan_make(&previous.credential, rotation->config, rotation->drivers, &plan));
	dropped = drop_as_user(rotation, &plan, &previous.credential);
	if (dropped.code == STATUS_OK || deadline_left(rotation->deadline) == 0)
		return dropped;
	TRY(placement_read(rotation, &plan, &admin));
	if (plan.writer.host != NULL)
		dropped = drop_as_user(rotation, &plan, &previous.credential);
	if (dropped.code != STATUS_DENIED)
		return dropped;
	/* Who may not end one could not keep one. */
	if (plan.admin_secret_id == NULL)
		return OK;
	return drop_as_admin(rotation, &plan, &admin.credential, &previous.credential);
}

/*
 * The user whose turn has just ended may still have, beside its password, the one before: kept by its
 * own setSecret for applications a whole rotation late, who have had that rotation. Best effort: the
 * rotation is over, and its next turn replaces that password anyway.
 */
static void end_former(const struct rotation *rotation, const char *version)
{
	struct status dropped = drop_former(rotation, version);

	if (dropped.code != STATUS_OK)
		report_note(rotation,
			    "the password from before its last turn still works for the user that "
			    "was active until now, until its next turn replaces it: %s",
			    dropped.detail);
}

struct status finish_secret(const struct rotation *rotation)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const struct proven *proven = rotation->proven;

	TRY_WHILE(rotation->store->ops->describe(rotation->store, rotation->secret_id, &labels),
		  "reading the labels");
	if (strcmp(labels.current, rotation->token) == 0) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	if (strcmp(labels.pending, rotation->token) != 0)
		return failure(
			STATUS_CONFLICT,
			"version '%s' is neither pending nor current: the rotation was aborted, or "
			"another one took its place; start it again",
			rotation->token);
	/* Proven against another version than the current one is not proven: somebody edited it. */
	if (proven == NULL || strcmp(proven->from, labels.current) != 0) {
		TRY_WHILE(test_secret(rotation), "proving the new version first");
		proven = &rotation->report->proven;
	}
	if (proven->one_user)
		return single_user_finish(rotation, labels.current, proven->deferred);
	TRY_WHILE(rotation->store->ops->promote(rotation->store, rotation->secret_id,
						rotation->token, labels.current),
		  "promoting the new version");
	report_outcome(rotation, "promoted the new version");
	if (proven->keeps_former)
		end_former(rotation, labels.current);
	return OK;
}
