#include "steps/single_user.h"

#include "steps/placement.h"

#include <string.h>

/* To make the change, prove it and move the label: not begun with less. */
#define WINDOW_MIN_MS 5000

/* To take all that back if need be, after the time for it has passed. */
#define MEND_MS 4000

static struct status log_in(const struct single_user *user, const struct secret *password,
			    struct database **ret)
{
	return rotation_login(user->rotation, &user->plan->logins[0], user->plan->active_user,
			      password, user->rotation->deadline, ret);
}

/* As the admin, if there is one. The user's own session has shown that this host is its database. */
static struct status become_admin(const struct single_user *user, struct database **db)
{
	const struct rotation *rotation = user->rotation;
	struct plan *plan = user->plan;
	AUTO(stored_clear) struct stored admin = STORED_INIT;
	bool unproven;

	if (plan->admin_secret_id == NULL)
		return OK;
	database_close(db);
	TRY(placement_read(rotation, plan, &admin));
	TRY(plan_check_admin(plan, &admin.credential));
	return status_while(rotation_login_kept(rotation, plan, &admin.credential,
						"the admin secret", rotation->deadline, db,
						&unproven),
			    "logging in as the admin '%s'", admin.credential.username);
}

/* How far a change has come. */
enum progress {
	NOT_BEGUN, /* nothing is changed */
	FINISHED,  /* nothing is to be changed any more: the version is current */
	BEGUN,	   /* it may be made, also when it failed */
};

static struct status lock(const struct single_user *user, struct database *db)
{
	const char *name = user->plan->active_user;

	return status_while(db->ops->lock_user(db, name), "locking '%s' before the change", name);
}

/* `db`: has the lock. `*progress` stays as it is until a change begins. */
static struct status set_password(const struct single_user *user, struct database *db,
				  const struct secret *password, enum progress *progress)
{
	const char *name = user->plan->active_user;
	bool finished;

	TRY_WHILE(db->ops->set_password(db, name, password), "changing the password of '%s'", name);
	TRY(rotation_last_look(user->rotation, user->current->version, name, &finished));
	*progress = finished ? FINISHED : BEGUN;
	if (finished)
		return OK;
	return status_while(db->ops->commit(db), "committing the change of '%s'", name);
}

/* `db`: logged in with the password that works, which is not the current one. */
static struct status put_back(const struct single_user *user, struct database **db, bool *forward)
{
	enum progress progress = NOT_BEGUN;
	struct status status;

	TRY(become_admin(user, db));
	TRY(lock(user, *db));
	status = set_password(user, *db, &user->current->credential.password, &progress);
	*forward = progress == FINISHED || status.code == STATUS_INVALID;
	if (status.code == STATUS_INVALID)
		report_note(
			user->rotation,
			"the current password of '%s' cannot be put back, so the new one has to "
			"become current: %s",
			user->plan->active_user, status.detail);
	if (*forward)
		return OK;
	TRY_WHILE(status, "putting back the current password");
	report_note(user->rotation,
		    "an earlier try had changed the password of '%s' and could not move the label; "
		    "the current password was put back",
		    user->plan->active_user);
	return OK;
}

/* What an operator, or a label that moved late, left behind: the version before still works. */
static struct status settle_from_previous(const struct single_user *user, struct status refused,
					  struct database **db, bool *forward)
{
	const char *name = user->plan->active_user;
	AUTO(stored_clear) struct stored previous = STORED_INIT;
	struct status found = rotation_get(user->rotation, user->rotation->secret_id,
					   STAGE_PREVIOUS, &previous);
	bool unproven;

	if (found.code == STATUS_OK && strcmp(previous.credential.username, name) == 0)
		found = rotation_login_kept(user->rotation, user->plan, &previous.credential,
					    "the previous version", user->rotation->deadline, db,
					    &unproven);
	if (*db != NULL)
		return put_back(user, db, forward);
	if (found.code == STATUS_UNAVAILABLE)
		return status_while(found, "trying the previous password of '%s'", name);
	return failure(STATUS_DENIED,
		       "'%s' can log in neither with its current password nor with the pending or "
		       "the previous one: set it to the current one. The database said: %s",
		       name, refused.detail);
}

/*
 * As single_user_settle(), and a session for `ret`: of the user, with the current password. If
 * `*forward`, the one that could not put it back: it has the lock, so until it is closed nobody
 * else can either.
 */
static struct status settle(const struct single_user *user, bool *forward, struct database **ret)
{
	const char *name = user->plan->active_user;
	const struct secret *current = &user->current->credential.password;
	AUTO(database_close) struct database *db = NULL;
	struct status refused = log_in(user, current, ret), tried;

	*forward = false;
	if (refused.code != STATUS_DENIED)
		return status_while(refused, "logging in as '%s' with the current password", name);
	tried = log_in(user, &user->pending->password, &db);
	if (tried.code == STATUS_OK)
		TRY(put_back(user, &db, forward));
	else if (tried.code == STATUS_DENIED)
		TRY(settle_from_previous(user, refused, &db, forward));
	else
		return status_while(tried, "logging in as '%s' with the pending password", name);
	if (*forward) {
		*ret = db;
		db = NULL;
		return OK;
	}
	return status_while(log_in(user, current, ret), "logging in as '%s' once more", name);
}

struct status single_user_settle(const struct single_user *user, bool *forward)
{
	AUTO(database_close) struct database *db = NULL;

	return settle(user, forward, &db);
}

/* `*refused`: two passwords at a time are not for this login, and nothing is changed; else untouched. */
static struct status add_password(const struct single_user *user, struct database *db,
				  struct status *refused)
{
	const char *name = user->plan->active_user;
	struct status added;
	bool finished;

	TRY(lock(user, db));
	added = db->ops->add_password(db, name, &user->current->credential.password,
				      &user->pending->password);
	if (added.code == STATUS_OK) {
		TRY(rotation_last_look(user->rotation, user->current->version, name, &finished));
		added = finished ? OK : db->ops->commit(db);
	}
	if (added.code == STATUS_DENIED) {
		*refused = added;
		return OK;
	}
	return status_while(added, "adding a password to '%s'", name);
}

struct status single_user_set(const struct single_user *user)
{
	AUTO(database_close) struct database *db = NULL;
	struct status refused = OK;
	bool forward;

	TRY(settle(user, &forward, &db));
	if (forward) {
		report_outcome(user->rotation, "password was changed before");
		return OK;
	}
	/* Also where it is finishSecret that needs the admin: rather now than then. */
	TRY(become_admin(user, &db));
	report_outcome(user->rotation, "left to finishSecret");
	if (!user->plan->driver->keeps_former)
		return OK;
	TRY(add_password(user, db, &refused));
	if (refused.code == STATUS_OK)
		report_outcome(user->rotation, "added the password");
	else
		report_note(
			user->rotation,
			"the application will be refused for a moment when the password of '%s' "
			"changes: %s",
			user->plan->active_user, refused.detail);
	return OK;
}

/* Where there is one password it waits for finishSecret, and trying it would be a wrong password. */
static struct status find_set(const struct single_user *user, bool *is_set)
{
	AUTO(database_close) struct database *db = NULL;
	struct status tried;

	*is_set = false;
	if (!user->plan->driver->keeps_former)
		return OK;
	tried = log_in(user, &user->pending->password, &db);
	*is_set = tried.code == STATUS_OK;
	return tried.code == STATUS_DENIED
		       ? OK
		       : status_while(tried, "logging in as '%s' with the pending password",
				      user->plan->active_user);
}

struct status single_user_test(const struct single_user *user, bool *deferred)
{
	bool forward, is_set = true;

	TRY(single_user_settle(user, &forward));
	if (!forward)
		TRY(find_set(user, &is_set));
	*deferred = !is_set;
	report_outcome(user->rotation, is_set ? "logged in"
					      : "logged in with the current password; finishSecret "
						"will change it");
	return OK;
}

/* Everything that finishSecret needs for its own change. */
struct reading {
	struct stored current, pending;
	struct plan plan;
};

static void reading_clear(struct reading *reading)
{
	stored_clear(&reading->current);
	stored_clear(&reading->pending);
	plan_clear(&reading->plan);
}

static struct status read_again(const struct rotation *rotation, const char *from,
				struct reading *ret)
{
	bool finished; /* then the current version is not `from` any more */

	TRY_WHILE(rotation_pending(rotation, &ret->pending, &finished),
		  "reading the pending version");
	TRY_WHILE(rotation_get(rotation, rotation->secret_id, STAGE_CURRENT, &ret->current),
		  "reading the current version");
	if (strcmp(ret->current.version, from) != 0)
		return failure(STATUS_UNAVAILABLE,
			       "the current version is read late, or has just changed: try again");
	TRY(plan_make(&ret->current.credential, rotation->config, rotation->drivers, &ret->plan));
	report_user(rotation, ret->plan.active_user);
	return rotation_check_pending(rotation, &ret->plan, &ret->current.credential,
				      &ret->pending.credential);
}

static struct status promote(const struct single_user *user)
{
	const struct rotation *rotation = user->rotation;
	struct secret_store *store = rotation->store;

	return status_while(store->ops->promote(store, rotation->secret_id, rotation->token,
						user->current->version),
			    "promoting the new version");
}

static struct status prove_and_promote(const struct single_user *user)
{
	AUTO(database_close) struct database *db = NULL;

	TRY_WHILE(log_in(user, &user->pending->password, &db),
		  "logging in as '%s' with the new password", user->plan->active_user);
	return promote(user);
}

/*
 * Changes it, unless the new one works already, and moves the label at once. The lock is held until
 * it has moved: a step that finds only the pending password working waits for it, and sees then
 * that it is the current one. What logged in before the lock may have been put back since.
 */
static struct status change_and_promote(const struct single_user *user, bool deferred,
					enum progress *progress)
{
	const char *name = user->plan->active_user;
	AUTO(database_close) struct database *db = NULL;
	bool forward, is_set = false;

	*progress = NOT_BEGUN;
	TRY(settle(user, &forward, &db));
	if (forward)
		return prove_and_promote(user);
	TRY(become_admin(user, &db));
	if (deadline_left(user->rotation->deadline) < WINDOW_MIN_MS)
		return failure(STATUS_UNAVAILABLE,
			       "too little time is left to change the password of '%s' and to take "
			       "that back if need be: give the function more, or try again",
			       name);
	TRY(lock(user, db));
	if (!deferred)
		TRY(find_set(user, &is_set));
	if (is_set)
		return promote(user);
	TRY(set_password(user, db, &user->pending->password, progress));
	return *progress == FINISHED ? OK : prove_and_promote(user);
}

/*
 * The change may have been made, and the label did not follow, or did without our hearing of it. In
 * that case all is well; in the other the current password has to work again.
 */
static struct status mend(const struct single_user *user, struct status failed)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
	const struct rotation *rotation = user->rotation;
	struct status mended = rotation->store->ops->describe(rotation->store, rotation->secret_id,
							      &labels);
	bool forward;

	if (mended.code == STATUS_OK && strcmp(labels.current, rotation->token) == 0)
		return OK;
	if (mended.code == STATUS_OK)
		mended = single_user_settle(user, &forward);
	if (mended.code != STATUS_OK || forward)
		report_note(rotation,
			    "the database may have the new password of '%s' while the old one is "
			    "still current: run any step again at once",
			    user->plan->active_user);
	return failed;
}

struct status single_user_finish(const struct rotation *rotation, const char *from, bool deferred)
{
	AUTO(reading_clear) struct reading now = {0};
	struct rotation hasty = *rotation;
	struct single_user user = {.rotation = &hasty,
				   .plan = &now.plan,
				   .current = &now.current,
				   .pending = &now.pending.credential};
	static const char *const outcomes[] = {
		[NOT_BEGUN] = "promoted the new version",
		[FINISHED] = "already finished",
		[BEGUN] = "changed and promoted",
	};
	enum progress progress;
	struct status status;

	hasty.deadline = deadline_earlier(rotation->deadline, MEND_MS);
	TRY(read_again(rotation, from, &now));
	rotation->store->ops->limit(rotation->store, hasty.deadline);
	status = change_and_promote(&user, deferred, &progress);
	rotation->store->ops->limit(rotation->store, rotation->deadline);
	user.rotation = rotation;
	if (status.code != STATUS_OK && progress == BEGUN)
		status = mend(&user, status);
	if (status.code == STATUS_OK)
		report_outcome(rotation, outcomes[progress]);
	return status;
}
