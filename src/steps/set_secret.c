/*
 * setSecret: change. The inactive user's password becomes the pending one, and right after it the
 * user's proxy secret is promoted. The active user, whom the application is using, is never
 * touched.
 */
#include "steps/placement.h"
#include "steps/rotation.h"
#include "steps/single_user.h"

#include <stdio.h>
#include <string.h>

#define WHERE_MAX 160 /* what names a secret or version in a text */

/* Everything that one setSecret reads. */
struct situation {
	struct stored pending, current, admin, previous;
	struct plan plan;
	struct proxy_copy copy;
	struct status no_last; /* why the previous version is of no use; OK: it may be */
};

#define SITUATION_INIT ((struct situation){0})

static void situation_clear(struct situation *situation)
{
	stored_clear(&situation->pending);
	stored_clear(&situation->current);
	stored_clear(&situation->admin);
	stored_clear(&situation->previous);
	plan_clear(&situation->plan);
	proxy_copy_clear(&situation->copy);
}

#define READINGS_MAX (2 + PLAN_PROXIES_MAX)

/* The answers in the order asked: the application secret, the admin's if there is one, the
 * proxies'. */
static struct status interpret(const struct rotation *rotation, const struct plan *draft,
			       const struct secret_reading *readings, struct situation *ret)
{
	size_t next = 1;

	TRY_WHILE(rotation_parse(rotation->secret_id, &readings[0], &ret->current),
		  "reading the current version");
	/* Already current: the plan of a finished rotation is nobody's business. */
	if (strcmp(ret->current.version, rotation->token) == 0)
		return OK;
	TRY(plan_make(&ret->current.credential, rotation->config, rotation->drivers, &ret->plan));
	report_user(rotation, ret->plan.inactive_user);
	TRY(rotation_check_pending(rotation, &ret->plan, &ret->current.credential,
				   &ret->pending.credential));
	if (draft->admin_secret_id != NULL)
		TRY_WHILE(rotation_parse(draft->admin_secret_id, &readings[next++], &ret->admin),
			  "reading the admin secret");
	return proxy_copy_find(&ret->plan, &readings[next], ret->plan.inactive_user, &ret->copy);
}

/*
 * Everything is read in one call. Whom to ask for stands in the pending version, which is a copy of
 * the current one; interpret() then checks that it still is, before any answer is used.
 */
static struct status read_situation(const struct rotation *rotation, struct situation *ret)
{
	AUTO(plan_clear) struct plan draft = PLAN_INIT;
	struct secret_reading readings[READINGS_MAX] = {0};
	const char *ids[READINGS_MAX];
	size_t count = 0;
	struct status read;

	TRY(plan_make(&ret->pending.credential, rotation->config, rotation->drivers, &draft));
	ids[count++] = rotation->secret_id;
	if (draft.admin_secret_id != NULL)
		ids[count++] = draft.admin_secret_id;
	for (size_t i = 0; i < draft.proxy_secret_count; i++)
		ids[count++] = draft.proxy_secret_ids[i];
	read = status_while(rotation->store->ops->get_current(rotation->store, ids, count,
							      readings),
			    "reading the current versions");
	if (read.code == STATUS_OK)
		read = interpret(rotation, &draft, readings, ret);
	secret_readings_clear(readings, count);
	return read;
}

static struct status look_and_commit(const struct rotation *rotation, const struct situation *now,
				     struct database *db, const char *outcome)
{
	bool finished;

	TRY(rotation_last_look(rotation, now->current.version, now->pending.credential.username,
			       &finished));
	if (finished) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	TRY_WHILE(db->ops->commit(db), "committing the change of '%s'",
		  now->pending.credential.username);
	report_outcome(rotation, outcome);
	return OK;
}

static struct status lock(const struct situation *now, struct database *db)
{
	const char *user = now->pending.credential.username;

	return status_while(db->ops->lock_user(db, user), "locking '%s' before the change", user);
}

static struct status login_at_database(const struct rotation *rotation, const struct situation *now,
				       const char *user, const struct secret *password,
				       struct database **ret)
{
	return rotation_login(rotation, plan_writer(&now->plan), user, password, rotation->deadline,
			      ret);
}

static struct status change_as_admin(const struct rotation *rotation, const struct situation *now)
{
	const struct plan *plan = &now->plan;
	const struct credential *pending = &now->pending.credential;
	const struct credential *admin = &now->admin.credential;
	AUTO(database_close) struct database *db = NULL;
	bool created = false, unproven;
	char where[WHERE_MAX];

	TRY(plan_check_admin(plan, admin));
	snprintf(where, sizeof(where), "the admin secret '%s'", plan->admin_secret_id);
	/* A host that does not know the active credential is not our database: tell it no more. */
	TRY_WHILE(
		login_at_database(rotation, now, plan->active_user,
				  &now->current.credential.password, &db),
		"proving that the active credential works there, as '%s', before the admin logs in",
		plan->active_user);
	database_close(&db);
	TRY_WHILE(rotation_login_kept(rotation, plan, admin, where, rotation->deadline, &db,
				      &unproven),
		  "logging in as the admin '%s'", admin->username);
	TRY(lock(now, db));
	TRY_WHILE(db->ops->put_user_like(db, pending->username, plan->active_user,
					 &pending->password, &created),
		  "setting the password of '%s' as the admin", pending->username);
	return look_and_commit(rotation, now, db,
			       created ? "created the user" : "set the password as the admin");
}

/*
 * A proxy secret need not say for which database it is, if the database can prove that it knows the
 * password. Of some engines none can: then the previous version may say it, if it holds the very same
 * credential, which it does from the end of its user's turn on. Inside `now`.
 */
static struct status find_twin(const struct rotation *rotation, struct situation *now,
			       const struct credential **kept)
{
	struct stored *previous = &now->previous;
	struct status found;
	bool told;

	if (!now->plan.driver->never_proves ||
	    plan_check_place(&now->plan, *kept, "", &told).code != STATUS_OK || told)
		return OK;
	found = rotation_get(rotation, rotation->secret_id, STAGE_PREVIOUS, previous);
	if (found.code == STATUS_NOT_FOUND || found.code == STATUS_INVALID)
		return OK;
	TRY_WHILE(found, "reading the previous version");
	if (strcmp(previous->credential.username, (*kept)->username) == 0 &&
	    secret_equal(&previous->credential.password, &(*kept)->password) &&
	    plan_check_place(&now->plan, &previous->credential, "", &told).code == STATUS_OK)
		*kept = &previous->credential;
	return OK;
}

/*
 * What the inactive user has been logging in with since its last turn, and where that is kept. NULL
 * when nobody wrote it down, at least not for this database: then only the pending password can be
 * right. Inside `now`.
 */
static struct status find_last(const struct rotation *rotation, struct situation *now,
			       const struct credential **ret, char where[WHERE_MAX])
{
	struct stored *previous = &now->previous;
	struct status found;
	bool told;

	*ret = NULL;
	if (now->copy.secret_id != NULL) {
		snprintf(where, WHERE_MAX, "the proxy secret '%s'", now->copy.secret_id);
		*ret = &now->copy.stored.credential;
		return find_twin(rotation, now, ret);
	}
	snprintf(where, WHERE_MAX, "the previous version");
	found = rotation_get(rotation, rotation->secret_id, STAGE_PREVIOUS, previous);
	if (found.code == STATUS_NOT_FOUND)
		return OK;
	if (found.code == STATUS_OK)
		found = plan_check_place(&now->plan, &previous->credential, where, &told);
	if (found.code == STATUS_INVALID) {
		/* Somebody put something by hand and took it back, or moved the database. */
		now->no_last = found;
		return OK;
	}
	TRY_WHILE(found, "reading the previous version");
	if (strcmp(previous->credential.username, now->plan.inactive_user) == 0)
		*ret = &previous->credential;
	return OK;
}

/* Two rotations may have been given up since the right one was put. */
#define OLDER_TRIES 3

/* Which version could still know the user's password: what is looked for, and what was tried. */
struct search {
	const struct situation *now;
	const struct credential *last; /* or NULL */
	struct credential older[OLDER_TRIES];
	size_t count;
	struct status unread; /* why a version could not be looked into; OK: each could */
};

static void search_clear(struct search *search)
{
	for (size_t i = 0; i < OLDER_TRIES; i++)
		credential_clear(&search->older[i]);
}

static bool was_tried(const struct search *search, const struct credential *credential)
{
	for (size_t i = 0; i < search->count; i++)
		if (secret_equal(&credential->password, &search->older[i].password))
			return true;
	return (search->last != NULL &&
		secret_equal(&credential->password, &search->last->password)) ||
	       secret_equal(&credential->password, &search->now->pending.credential.password);
}

static bool knows_another_password(const struct secret_version *version, void *context)
{
	struct search *search = context;
	const struct plan *plan = &search->now->plan;
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	struct status parsed = credential_parse(&version->value, "an older version", &credential);
	bool told;

	/* What is no credential is passed over; what memory was short for may be the one. */
	if (parsed.code != STATUS_OK && parsed.code != STATUS_INVALID)
		search->unread = parsed;
	return parsed.code == STATUS_OK && strcmp(credential.username, plan->inactive_user) == 0 &&
	       plan_check_place(plan, &credential, "", &told).code == STATUS_OK &&
	       !was_tried(search, &credential);
}

/*
 * A rotation that was given up after its setSecret, or an edit of the secret by hand, leaves the
 * user's password in a version without a label. NOT_FOUND: there is none, or we may not look.
 */
static struct status find_older(const struct rotation *rotation, struct search *search)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	struct status found = rotation->store->ops->find(rotation->store, rotation->secret_id,
							 knows_another_password, search, &version);

	TRY(search->unread);
	if (found.code == STATUS_DENIED)
		return failure(STATUS_NOT_FOUND, "%s", found.detail);
	TRY(found);
	return credential_parse(&version.value, "an older version", &search->older[search->count]);
}

/* With the database's own reason: it may be another than a wrong password. */
static struct status explain_refusal(const struct rotation *rotation, const struct situation *now,
				     bool last_known, struct status refused)
{
	const char *user = now->pending.credential.username;

	if (!last_known)
		return failure(
			STATUS_DENIED,
			"the pending password of '%s' is refused, and its last one is not "
			"known%s%s: set it to the one in version '%s', or name an admin secret as "
			"\"masterarn\". The database said: %s",
			user, now->no_last.code != STATUS_OK ? ": " : "", now->no_last.detail,
			rotation->token, refused.detail);
	return failure(STATUS_DENIED,
		       "'%s' can log in neither with its last password (%s) nor with the pending "
		       "one: set it to one of them, or name an admin secret as \"masterarn\". The "
		       "database said: %s",
		       user,
		       now->copy.secret_id != NULL ? "from its proxy secret"
						   : "from the previous version",
		       refused.detail);
}

/* Logs in as it was kept and changes it. `*refused` is the reason when it is not this one, else OK. */
static struct status change_from(const struct rotation *rotation, const struct situation *now,
				 const struct credential *kept, const char *where,
				 const char *outcome, struct status *refused)
{
	const struct credential *pending = &now->pending.credential;
	AUTO(database_close) struct database *db = NULL;
	bool unproven;

	*refused = rotation_login_kept(rotation, &now->plan, kept, where, rotation->deadline, &db,
				       &unproven);
	/* Not for a proxy secret: what accepts the pending password next may be no database of ours,
	 * and then the proxy would be given a password that its own does not have. */
	if (refused->code == STATUS_DENIED || (unproven && now->copy.secret_id == NULL))
		return OK;
	TRY_WHILE(*refused, "logging in as '%s' to change its password", pending->username);
	TRY(lock(now, db));
	TRY_WHILE(db->ops->set_password(db, pending->username, &pending->password),
		  "changing the password of '%s'", pending->username);
	return look_and_commit(rotation, now, db, outcome);
}

/* An earlier try of this step may have got so far. */
static struct status find_changed(const struct rotation *rotation, const struct situation *now,
				  struct status *refused)
{
	const struct credential *pending = &now->pending.credential;
	AUTO(database_close) struct database *db = NULL;

	*refused = login_at_database(rotation, now, pending->username, &pending->password, &db);
	if (refused->code == STATUS_DENIED)
		return OK;
	TRY_WHILE(*refused, "logging in as '%s' with the pending password", pending->username);
	report_outcome(rotation, "password was changed before");
	return OK;
}

/* The newest first, each once. `*refused` is the last reason when it is none of them, else OK. */
static struct status change_from_older(const struct rotation *rotation, const struct situation *now,
				       const struct credential *last, struct status *refused)
{
	AUTO(search_clear) struct search search = {.now = now, .last = last};

	while (refused->code != STATUS_OK && search.count < OLDER_TRIES) {
		struct status found = find_older(rotation, &search);

		if (found.code == STATUS_NOT_FOUND)
			break;
		TRY_WHILE(found, "looking for the last password of '%s' in older versions",
			  now->plan.inactive_user);
		TRY(change_from(rotation, now, &search.older[search.count], "an older version",
				"changed the password, found in an older version", refused));
		search.count++;
	}
	return OK;
}

/*
 * The last password, the pending one, some that only older versions know: at most one try with
 * each, since accounts lock.
 */
static struct status change_as_user(const struct rotation *rotation, struct situation *now)
{
	const struct credential *last = NULL;
	struct status first = OK, refused = OK;
	char where[WHERE_MAX];

	TRY(find_last(rotation, now, &last, where));
	if (last != NULL && !secret_equal(&last->password, &now->pending.credential.password)) {
		TRY(change_from(rotation, now, last, where, "changed the password", &first));
		if (first.code == STATUS_OK)
			return OK;
	}
	TRY(find_changed(rotation, now, &refused));
	if (refused.code == STATUS_OK)
		return OK;
	/* Of two reasons the first says more: the last password was right until somebody interfered. */
	if (first.code == STATUS_OK)
		first = refused;
	TRY(change_from_older(rotation, now, last, &refused));
	return refused.code == STATUS_OK ? OK : explain_refusal(rotation, now, last != NULL, first);
}

/* The proxy learns the password the moment the database has it. */
static struct status promote_copy(const struct rotation *rotation, const struct proxy_copy *copy,
				  const struct credential *pending)
{
	if (copy->secret_id == NULL || proxy_copy_holds(copy, pending))
		return OK;
	return status_while(rotation->store->ops->promote(rotation->store, copy->secret_id,
							  rotation->token, copy->stored.version),
			    "promoting the proxy secret '%s' (if it has no such version, "
			    "createSecret puts it: rotate again)",
			    copy->secret_id);
}

struct status set_secret(const struct rotation *rotation)
{
	AUTO(situation_clear) struct situation now = SITUATION_INIT;
	bool finished;

	TRY_WHILE(rotation_pending(rotation, &now.pending, &finished),
		  "reading the pending version");
	if (!finished) {
		TRY(read_situation(rotation, &now));
		finished = strcmp(now.current.version, rotation->token) == 0;
	}
	if (finished) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	TRY(placement_find(rotation, &now.plan,
			   now.plan.admin_secret_id != NULL ? &now.admin.credential : NULL));
	if (plan_has_one_user(&now.plan))
		return single_user_set(&(struct single_user){
			.rotation = rotation,
			.plan = &now.plan,
			.current = &now.current,
			.pending = &now.pending.credential,
		});
	if (now.plan.admin_secret_id != NULL)
		TRY(change_as_admin(rotation, &now));
	else
		TRY(change_as_user(rotation, &now));
	return promote_copy(rotation, &now.copy, &now.pending.credential);
}
