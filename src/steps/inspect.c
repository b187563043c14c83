#include "steps/inspect.h"

#include "steps/look.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void look_clear(struct look *look)
{
	secret_labels_clear(&look->labels);
	stored_clear(&look->current);
	stored_clear(&look->previous);
	stored_clear(&look->pending);
	plan_clear(&look->plan);
	for (size_t i = 0; i < PLAN_PROXIES_MAX; i++)
		stored_clear(&look->copies[i]);
}

void look_add_failure(struct look *look, const char *kind, const char *name, const char *user,
		      struct status status)
{
	inspection_add(look->result, kind, name, user, FINDING_BAD, inspection_state(status), "%s",
		       status.detail);
}

/* "2 h 5 min", for people. */
static void format_age(int64_t since, char ret[32])
{
	int64_t minutes = ((int64_t)time(NULL) - since) / 60;

	if (since == 0)
		snprintf(ret, 32, "of unknown age");
	else if (minutes < 60)
		snprintf(ret, 32, "%lld min old", (long long)(minutes > 0 ? minutes : 0));
	else if (minutes < 48 * 60)
		snprintf(ret, 32, "%lld h %lld min old", (long long)(minutes / 60),
			 (long long)(minutes % 60));
	else
		snprintf(ret, 32, "%lld days old", (long long)(minutes / 60 / 24));
}

static bool look_at_version(struct look *look, enum stage stage, const char *name,
			    const char *version, struct stored *ret)
{
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	const struct rotation *rotation = look->rotation;
	struct secret_reading reading = {.status = OK};
	struct status read = rotation->store->ops->get(rotation->store, rotation->secret_id, stage,
						       NULL, true, &found);
	char age[32];

	if (read.code == STATUS_OK) {
		reading.version = found;
		read = rotation_parse(rotation->secret_id, &reading, ret);
	}
	if (read.code != STATUS_OK) {
		look_add_failure(look, "version", name, NULL, read);
		return false;
	}
	format_age(found.created, age);
	inspection_add(look->result, "version", name, ret->credential.username, FINDING_GOOD, name,
		       "%s, %s", version, age);
	return true;
}

/* Without an admin the pending version may be the only place that has the user's password. */
#define HOW_TO_CLEAR                                                                              \
	"to give it up, when its steps have ended (at most the function's timeout; keep the "     \
	"pending password, the user may have it already): aws "                                   \
	"secretsmanager update-secret-version-stage --secret-id '%s' --version-stage AWSPENDING " \
	"--remove-from-version-id %s"

/* One server that never answers must not use up the time of all the others. */
#define LOGIN_WAIT_MS 5000

struct status look_log_in(struct look *look, const struct login *login, const char *user,
			  const struct secret *password, struct database **ret)
{
	return rotation_login(look->rotation, login, user, password,
			      deadline_within(look->rotation->deadline, LOGIN_WAIT_MS), ret);
}

/* A pending label on a version of its own: a rotation under way, or one that got stuck. */
static void look_at_pending(struct look *look)
{
	const struct rotation *rotation = look->rotation;
	const char *pending = look->labels.pending;
	AUTO(secret_version_clear) struct secret_version found = SECRET_VERSION_INIT;
	struct secret_reading reading = {.status = OK};
	struct status read;

	if (pending[0] == '\0' || strcmp(pending, look->labels.current) == 0)
		return;
	read = rotation->store->ops->get(rotation->store, rotation->secret_id, STAGE_PENDING, NULL,
					 true, &found);
	if (read.code == STATUS_NOT_FOUND) {
		inspection_add(
			look->result, "version", "pending", NULL, FINDING_WARNING, "empty",
			"%s has no value: a rotation was started and its createSecret has not "
			"succeeded; rotate again to retry; " HOW_TO_CLEAR,
			pending, rotation->secret_id, pending);
		return;
	}
	reading.version = found;
	if (read.code == STATUS_OK)
		read = rotation_parse(rotation->secret_id, &reading, &look->pending);
	if (read.code != STATUS_OK) {
		look_add_failure(look, "version", "pending", NULL, read);
		return;
	}
	inspection_add(
		look->result, "version", "pending", look->pending.credential.username,
		FINDING_WARNING, "pending",
		"%s: a rotation is under way, or stuck; rotate again to finish it; " HOW_TO_CLEAR,
		pending, rotation->secret_id, pending);
}

static bool look_at_versions(struct look *look)
{
	const struct rotation *rotation = look->rotation;
	struct status described = rotation->store->ops->describe(
		rotation->store, rotation->secret_id, &look->labels);
	bool sound;

	if (described.code != STATUS_OK) {
		look_add_failure(look, "secret", rotation->secret_id, NULL, described);
		return false;
	}
	if (look->labels.function != NULL && look->labels.rotation_enabled)
		inspection_add(look->result, "secret", rotation->secret_id, NULL, FINDING_GOOD,
			       "scheduled", "%s, by %s",
			       look->labels.schedule != NULL ? look->labels.schedule
							     : "no schedule",
			       look->labels.function);
	else
		inspection_add(look->result, "secret", rotation->secret_id, NULL, FINDING_WARNING,
			       "unscheduled",
			       "no rotation is configured: it rotates only by `tandem rotate`");
	if (look->labels.current[0] == '\0') {
		inspection_add(look->result, "version", "current", NULL, FINDING_BAD, "missing",
			       "the secret has no current value to rotate from: put one");
		return false;
	}
	sound = look_at_version(look, STAGE_CURRENT, "current", look->labels.current,
				&look->current);
	if (look->labels.previous[0] != '\0')
		look_at_version(look, STAGE_PREVIOUS, "previous", look->labels.previous,
				&look->previous);
	look_at_pending(look);
	return sound;
}

static bool holds(const struct stored *stored, const char *user, const struct secret *password)
{
	return stored->credential.username != NULL &&
	       strcmp(stored->credential.username, user) == 0 &&
	       secret_equal(&stored->credential.password, password);
}

static void look_at_copy(struct look *look, const char *id, const struct stored *copy)
{
	const char *user = copy->credential.username;
	const struct secret *password = &copy->credential.password;

	if (strcmp(user, look->plan.active_user) == 0 && !holds(&look->current, user, password))
		inspection_add(
			look->result, "copy", id, user, FINDING_BAD, "stale",
			"it does not hold the current password of '%s', so the proxy refuses the "
			"application: put the current password there",
			user);
	else if (holds(&look->pending, user, password))
		inspection_add(look->result, "copy", id, user, FINDING_GOOD, "in sync",
			       "holds the pending password");
	else if (look->previous.credential.username != NULL &&
		 strcmp(look->previous.credential.username, user) == 0 &&
		 !holds(&look->previous, user, password))
		inspection_add(look->result, "copy", id, user, FINDING_WARNING, "stale",
			       "it does not hold the previous password of '%s'", user);
	else
		inspection_add(look->result, "copy", id, user, FINDING_GOOD, "in sync", "%s", "");
}

static void look_at_copies(struct look *look)
{
	const struct rotation *rotation = look->rotation;
	const struct plan *plan = &look->plan;
	struct secret_reading readings[PLAN_PROXIES_MAX] = {0};
	const char *usernames[PLAN_PROXIES_MAX];
	struct status read;
	size_t ignored, sound = 0;

	if (plan->proxy_secret_count == 0)
		return;
	read = rotation->store->ops->get_current(rotation->store,
						 (const char *const *)plan->proxy_secret_ids,
						 plan->proxy_secret_count, readings);
	for (size_t i = 0; i < plan->proxy_secret_count; i++) {
		const char *id = plan->proxy_secret_ids[i];
		struct status parsed = read.code != STATUS_OK
					       ? read
					       : rotation_parse(id, &readings[i], &look->copies[i]);

		if (parsed.code != STATUS_OK) {
			look_add_failure(look, "copy", id, NULL, parsed);
			continue;
		}
		usernames[sound++] = look->copies[i].credential.username;
		look_at_copy(look, id, &look->copies[i]);
	}
	secret_readings_clear(readings, plan->proxy_secret_count);
	if (sound == plan->proxy_secret_count) {
		read = plan_match_proxy_secrets(plan, usernames, plan->inactive_user, &ignored);
		if (read.code != STATUS_OK)
			look_add_failure(look, "copy", "proxy_secret_ids", NULL, read);
	}
}

/* As in setSecret: who says for which database a proxy secret's password is. */
static const struct credential *twin_of(const struct look *look, const struct credential *copy)
{
	if (look->plan.driver->never_proves &&
	    holds(&look->previous, copy->username, &copy->password))
		return &look->previous.credential;
	return copy;
}

/* What a user should be able to log in with now, as far as anything says; NULL when nothing does. */
static const struct credential *known_credential(const struct look *look, const char *user)
{
	if (strcmp(user, look->plan.active_user) == 0)
		return &look->current.credential;
	for (size_t i = 0; i < look->plan.proxy_secret_count; i++)
		if (look->copies[i].credential.username != NULL &&
		    strcmp(look->copies[i].credential.username, user) == 0)
			return twin_of(look, &look->copies[i].credential);
	if (look->previous.credential.username != NULL &&
	    strcmp(look->previous.credential.username, user) == 0)
		return &look->previous.credential;
	return NULL;
}

static void add_unknown_password(struct look *look, const char *place, const char *user)
{
	if (look->plan.admin_secret_id != NULL)
		inspection_add(look->result, "login", place, user, FINDING_WARNING, "unknown", "%s",
			       "no password is written down for this user; the admin will set one");
	else
		inspection_add(look->result, "login", place, user, FINDING_BAD, "unknown", "%s",
			       "no password is written down for this user, and without an admin "
			       "secret nobody can set one: add \"masterarn\"");
}

/* At the database, what is kept elsewhere is for this database only. */
struct status look_log_in_kept(struct look *look, const struct credential *kept, const char *where,
			       struct database **ret)
{
	bool unproven;

	return rotation_login_kept(look->rotation, &look->plan, kept, where,
				   deadline_within(look->rotation->deadline, LOGIN_WAIT_MS), ret,
				   &unproven);
}

/* The last password; where it is refused, the pending one, which a rotation under way has set. */
static struct status try_passwords(struct look *look, const struct login *login,
				   const struct credential *last, struct database **ret)
{
	const struct credential *pending = &look->pending.credential;
	bool own = last == &look->current.credential || last == pending;
	const char *where = look->plan.proxy_secret_count > 0 ? "its proxy secret"
							      : "the previous version";
	struct status tried = own ? look_log_in(look, login, last->username, &last->password, ret)
				  : look_log_in_kept(look, last, where, ret);

	if (tried.code != STATUS_DENIED || pending->username == NULL ||
	    strcmp(pending->username, last->username) != 0 ||
	    secret_equal(&last->password, &pending->password))
		return tried;
	return look_log_in(look, login, pending->username, &pending->password, ret);
}

/*
 * Which proxies there are says the secret alone, and so who may write it. No password that is kept
 * elsewhere is sent to them: not here, and in a rotation not before it is the pending one.
 */
static const struct credential *for_proxies(const struct look *look, const char *user)
{
	const struct credential *pending = &look->pending.credential;

	if (strcmp(user, look->plan.active_user) == 0)
		return &look->current.credential;
	if (pending->username != NULL && strcmp(pending->username, user) == 0)
		return pending;
	return NULL;
}

static void look_at_grants(struct look *look, const char *place, const char *user,
			   struct database *db)
{
	bool unseen;
	struct status compared = rotation_compare(
		look->rotation, &look->plan, db, user, &look->current.credential,
		deadline_within(look->rotation->deadline, LOGIN_WAIT_MS), &unseen);

	if (compared.code != STATUS_OK)
		look_add_failure(look, "grants", place, user, compared);
	else
		inspection_add(look->result, "grants", place, user, FINDING_GOOD, "complete",
			       "may do what '%s' may", look->plan.active_user);
}

static void add_working(struct look *look, const char *kind, const char *place, const char *user,
			const struct login *login)
{
	inspection_add(look->result, kind, place, user, login->tls ? FINDING_GOOD : FINDING_WARNING,
		       "works", "%s", login->tls ? "" : "not encrypted: \"ssl\" is false");
}

static void look_at_proxy_login(struct look *look, const struct login *login, const char *user)
{
	const struct credential *known = for_proxies(look, user);
	AUTO(database_close) struct database *db = NULL;
	struct status tried;
	char place[192];

	snprintf(place, sizeof(place), "%s:%u", login->host, login->port);
	if (known == NULL) {
		inspection_add(look->result, "proxy login", place, user, FINDING_GOOD, "not tried",
			       "%s", "only what the secret itself holds is sent to a proxy");
		return;
	}
	tried = try_passwords(look, login, known, &db);
	if (tried.code != STATUS_OK)
		look_add_failure(look, "proxy login", place, user, tried);
	else
		add_working(look, "proxy login", place, user, login);
}

static void look_at_login(struct look *look, const struct login *login, const char *user)
{
	const struct credential *known = known_credential(look, user);
	bool active = strcmp(user, look->plan.active_user) == 0, mendable;
	AUTO(database_close) struct database *db = NULL;
	struct status tried;
	char place[192];

	snprintf(place, sizeof(place), "%s:%u", login->host, login->port);
	if (known == NULL) {
		add_unknown_password(look, place, user);
		return;
	}
	tried = try_passwords(look, login, known, &db);
	if (tried.code != STATUS_OK) {
		/* The inactive user's may be missing where an admin will make it. */
		mendable = !active && tried.code == STATUS_DENIED &&
			   look->plan.admin_secret_id != NULL;
		inspection_add(look->result, "login", place, user,
			       mendable ? FINDING_WARNING : FINDING_BAD, inspection_state(tried),
			       "%s", tried.detail);
		return;
	}
	add_working(look, "login", place, user, login);
	if (active)
		look->active_works = true;
	else if (look->thorough)
		look_at_grants(look, place, user, db);
}

static void look_at_logins(struct look *look)
{
	for (size_t i = 0; i < look->plan.login_count; i++)
		for (size_t j = 0; j < look->plan.user_count; j++)
			if (look->plan.logins[i].kind == LOGIN_PROXY)
				look_at_proxy_login(look, &look->plan.logins[i],
						    look->plan.users[j]);
			else
				look_at_login(look, &look->plan.logins[i], look->plan.users[j]);
}

static void look_at_users(struct look *look)
{
	const struct plan *plan = &look->plan;

	if (plan_has_one_user(plan)) {
		inspection_add(
			look->result, "user", plan->active_user, plan->active_user, FINDING_WARNING,
			"alone", "%s",
			plan->driver->keeps_former
				? "its password changes under the application, unless it may "
				  "keep the former one (MySQL: APPLICATION_PASSWORD_ADMIN, or an "
				  "admin secret)"
				: "its password changes under the application; two users that "
				  "take turns (\"rotation_usernames\") have no such moment");
		return;
	}
	for (size_t i = 0; i < plan->user_count; i++)
		inspection_add(look->result, "user", plan->users[i], plan->users[i], FINDING_GOOD,
			       plan->users[i] == plan->active_user     ? "active"
			       : plan->users[i] == plan->inactive_user ? "next"
								       : "waiting",
			       "%s", "");
}

static void look(const struct rotation *rotation, bool thorough, struct inspection *ret)
{
	AUTO(look_clear)
	struct look look = {.rotation = rotation, .thorough = thorough, .result = ret};
	struct status planned;

	if (!look_at_versions(&look))
		return;
	planned = plan_make(&look.current.credential, rotation->config, rotation->drivers,
			    &look.plan);
	if (planned.code != STATUS_OK) {
		look_add_failure(&look, "plan", rotation->secret_id, NULL, planned);
		return;
	}
	look_at_users(&look);
	look_at_copies(&look);
	look_at_logins(&look);
	if (!thorough)
		return;
	look_at_access(&look);
	inspection_add(ret, "password", "policy", look.plan.inactive_user, FINDING_GOOD, "possible",
		       "%zu characters that %s accepts", look.plan.password_policy.length,
		       look.plan.driver->engines[0]);
}

void inspect_status(const struct rotation *rotation, struct inspection *ret)
{
	look(rotation, false, ret);
}

void inspect_check(const struct rotation *rotation, struct inspection *ret)
{
	look(rotation, true, ret);
}
