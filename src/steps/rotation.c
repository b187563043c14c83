#include "steps/rotation.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LATE_READS 2
#define LATE_READ_WAIT_MS 200

void stored_clear(struct stored *stored)
{
	credential_clear(&stored->credential);
	*stored = STORED_INIT;
}

void proxy_copy_clear(struct proxy_copy *copy)
{
	stored_clear(&copy->stored);
	*copy = PROXY_COPY_INIT;
}

static struct status parse_version(const char *secret_id, const struct secret_version *version,
				   struct stored *ret)
{
	AUTO(stored_clear) struct stored stored = STORED_INIT;
	char whose[160];

	snprintf(whose, sizeof(whose), "the secret '%s'", secret_id);
	TRY(credential_parse(&version->value, whose, &stored.credential));
	memcpy(stored.version, version->id, sizeof(stored.version));
	stored_clear(ret);
	*ret = stored;
	stored = STORED_INIT;
	return OK;
}

static struct status get(const struct rotation *rotation, const char *secret_id, enum stage stage,
			 const char *token, bool miss_is_normal, struct stored *ret)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	TRY(rotation->store->ops->get(rotation->store, secret_id, stage, token, miss_is_normal,
				      &version));
	return parse_version(secret_id, &version, ret);
}

struct status rotation_get(const struct rotation *rotation, const char *secret_id, enum stage stage,
			   struct stored *ret)
{
	return get(rotation, secret_id, stage, NULL, true, ret);
}

struct status rotation_get_pending(const struct rotation *rotation, const char *secret_id,
				   bool miss_is_normal, struct stored *ret)
{
	return get(rotation, secret_id, STAGE_PENDING, rotation->token, miss_is_normal, ret);
}

struct status rotation_pending(const struct rotation *rotation, struct stored *ret, bool *finished)
{
	AUTO(stored_clear) struct stored current = STORED_INIT;
	struct status found = rotation_get_pending(rotation, rotation->secret_id, true, ret);

	*finished = false;
	if (found.code != STATUS_NOT_FOUND)
		return found;
	/* Not there: finished long ago, not visible yet, or taken away. The label of current tells.
	 */
	TRY(rotation_get(rotation, rotation->secret_id, STAGE_CURRENT, &current));
	*finished = strcmp(current.version, rotation->token) == 0;
	if (*finished)
		return OK;
	found = rotation_get_pending(rotation, rotation->secret_id, false, ret);
	if (found.code == STATUS_NOT_FOUND)
		return failure(
			STATUS_CONFLICT,
			"version '%s' is neither pending nor current: the rotation was aborted, or "
			"another one took its place; start it again",
			rotation->token);
	return found;
}

struct status rotation_parse(const char *secret_id, const struct secret_reading *reading,
			     struct stored *ret)
{
	TRY(reading->status);
	return parse_version(secret_id, &reading->version, ret);
}

struct status rotation_check_pending(const struct rotation *rotation, const struct plan *plan,
				     const struct credential *current,
				     const struct credential *pending)
{
	AUTO(credential_clear) struct credential expected = CREDENTIAL_INIT;

	if (strcmp(pending->username, plan->active_user) == 0 && !plan_has_one_user(plan))
		return failure(
			STATUS_CONFLICT,
			"the pending version '%s' names the active user '%s', who must not be "
			"changed: take its pending label away and rotate again",
			rotation->token, plan->active_user);
	if (strcmp(pending->username, plan->inactive_user) != 0)
		return failure(
			STATUS_CONFLICT,
			"the pending version '%s' names '%.128s', but it is the turn of '%s': take "
			"its pending label away and rotate again",
			rotation->token, pending->username, plan->inactive_user);
	TRY(credential_change(current, pending->username, &pending->password, &expected));
	if (!secret_equal(&expected.text, &pending->text))
		return failure(
			STATUS_CONFLICT,
			"the pending version '%s' differs from the current one in more than user "
			"name and password, so one of them was edited meanwhile: take its pending "
			"label away and rotate again",
			rotation->token);
	return OK;
}

/* Reads are late at times: a label that is not where it was put a moment ago is looked for again. */
static struct status read_labels(const struct rotation *rotation, const char *current,
				 struct secret_labels *ret)
{
	for (int i = 0;; i++) {
		secret_labels_clear(ret);
		TRY(rotation->store->ops->describe(rotation->store, rotation->secret_id, ret));
		if (i == LATE_READS || strcmp(ret->pending, rotation->token) == 0 ||
		    strcmp(ret->current, current) != 0)
			return OK;
		deadline_sleep(rotation->deadline, LATE_READ_WAIT_MS);
	}
}

struct status rotation_last_look(const struct rotation *rotation, const char *current,
				 const char *user, bool *finished)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	TRY_WHILE(read_labels(rotation, current, &labels), "reading the labels");
	*finished = strcmp(labels.current, rotation->token) == 0;
	if (!*finished &&
	    (strcmp(labels.current, current) != 0 || strcmp(labels.pending, rotation->token) != 0))
		return failure(
			STATUS_CONFLICT,
			"the labels moved while this step ran, so '%s' was not changed: the "
			"rotation was given up, another one took its place, or the secret was "
			"edited; see `tandem status`, then rotate again",
			user);
	return OK;
}

struct status proxy_copy_find(const struct plan *plan, const struct secret_reading *readings,
			      const char *user, struct proxy_copy *ret)
{
	struct stored stored[PLAN_PROXIES_MAX] = {0};
	const char *usernames[PLAN_PROXIES_MAX];
	struct status found = OK;
	size_t mine = 0;

	if (plan->proxy_secret_count == 0)
		return OK;
	for (size_t i = 0; i < plan->proxy_secret_count && found.code == STATUS_OK; i++) {
		found = rotation_parse(plan->proxy_secret_ids[i], &readings[i], &stored[i]);
		usernames[i] = stored[i].credential.username;
	}
	if (found.code == STATUS_OK)
		found = plan_match_proxy_secrets(plan, usernames, user, &mine);
	if (found.code == STATUS_OK) {
		proxy_copy_clear(ret);
		ret->secret_id = plan->proxy_secret_ids[mine];
		ret->stored = stored[mine];
		stored[mine] = STORED_INIT;
	}
	for (size_t i = 0; i < plan->proxy_secret_count; i++)
		stored_clear(&stored[i]);
	return status_while(found, "reading the proxy secrets");
}

bool proxy_copy_holds(const struct proxy_copy *copy, const struct credential *pending)
{
	return strcmp(copy->stored.credential.username, pending->username) == 0 &&
	       secret_equal(&copy->stored.credential.password, &pending->password);
}

struct status rotation_login(const struct rotation *rotation, const struct login *login,
			     const char *user, const struct secret *password,
			     struct deadline deadline, struct database **ret)
{
	if (!login->tls)
		report_note(
			rotation,
			"\"ssl\" is false: the connection to %s:%u is not encrypted, and whoever "
			"is in between may read along, the password too if the server asks for it",
			login->host, login->port);
	return login->driver->open(login, user, password, deadline, ret);
}

struct status rotation_login_kept(const struct rotation *rotation, const struct plan *plan,
				  const struct credential *kept, const char *where,
				  struct deadline deadline, struct database **ret, bool *unproven)
{
	struct login login = *plan_writer(plan);
	struct status status;
	bool told = false;

	*unproven = false;
	TRY(plan_check_place(plan, kept, where, &told));
	login.unproven = told ? NULL : unproven;
	status = rotation_login(rotation, &login, kept->username, &kept->password, deadline, ret);
	if (!*unproven)
		return status;
	return failure(
		STATUS_INVALID,
		"%s; %s does not say for which \"host\" and \"port\" it is, so it is sent to "
		"no other: add them while no rotation is under way, or name an admin secret",
		status.detail, where);
}

struct status rotation_compare(const struct rotation *rotation, const struct plan *plan,
			       struct database *db, const char *user,
			       const struct credential *active, struct deadline deadline,
			       bool *unseen)
{
	AUTO(database_close) struct database *of_active = NULL;
	struct status seen = OK;

	if (plan->driver->sees_itself_only)
		seen = rotation_login(rotation, &plan->logins[0], active->username,
				      &active->password, deadline, &of_active);
	*unseen = seen.code == STATUS_DENIED;
	TRY_WHILE(seen, "logging in as '%s' to see what it may do", active->username);
	return status_while(db->ops->compare_users(db, user, of_active, active->username),
			    "comparing '%s' with '%s'", user, active->username);
}

void report_user(const struct rotation *rotation, const char *user)
{
	snprintf(rotation->report->user, sizeof(rotation->report->user), "%s", user);
	utf8_one_line(rotation->report->user); /* a terminal may be told it */
}

void report_outcome(const struct rotation *rotation, const char *outcome)
{
	rotation->report->outcome = outcome;
}

void report_note(const struct rotation *rotation, const char *format, ...)
{
	struct report *report = rotation->report;
	char note[sizeof(report->notes[0])];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(note, sizeof(note), format, arguments);
	va_end(arguments);
	utf8_one_line(note);
	for (size_t i = 0; i < report->note_count; i++)
		if (strcmp(report->notes[i], note) == 0)
			return;
	if (report->note_count < REPORT_NOTES_MAX)
		memcpy(report->notes[report->note_count++], note, sizeof(note));
}
