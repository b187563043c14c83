/*
 * testSecret: prove. The pending credential logs in at every login, and its user may do what the
 * active user may. A proxy is given time to notice that its secret moved, a reader to follow its
 * writer. Changes nothing: Secrets Manager also calls it alone, with the current credential as the
 * pending one, to try a new function.
 */
#include "steps/placement.h"
#include "steps/rotation.h"
#include "steps/single_user.h"

#include <string.h>

#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 500

/*
 * A proxy refuses a password that it has not read yet exactly as it refuses a wrong one, and so does a
 * replica: try again. `what` and `hint` are for the text.
 */
static struct status log_in_late(const struct rotation *rotation, const struct login *login,
				 const struct credential *pending, const char *what,
				 const char *hint, struct database **ret)
{
	struct deadline patience = deadline_within(rotation->deadline,
						   rotation->config->proxy_wait * 1000);
	int64_t begun = patience.clock->now(), wait = FIRST_WAIT_MS;

	for (;;) {
		struct status tried = rotation_login(rotation, login, pending->username,
						     &pending->password, patience, ret);

		if (tried.code != STATUS_DENIED && tried.code != STATUS_UNAVAILABLE)
			return status_while(tried, "logging in at the %s as '%s'", what,
					    pending->username);
		if (deadline_left(patience) <= wait)
			return status_while(tried,
					    "the %s %s:%u did not accept the new password of "
					    "'%s' within %lld s (%s)",
					    what, login->host, login->port, pending->username,
					    (long long)((patience.clock->now() - begun) / 1000),
					    hint);
		deadline_sleep(patience, wait);
		wait = wait * 2 < LONGEST_WAIT_MS ? wait * 2 : LONGEST_WAIT_MS;
	}
}

static struct status prove_proxy(const struct rotation *rotation, const struct login *login,
				 const struct credential *pending)
{
	AUTO(database_close) struct database *db = NULL;

	return log_in_late(rotation, login, pending, "proxy", "is its secret attached to it?", &db);
}

/* Most secrets are for no reader: that is found out only where the password is refused. */
static struct status log_in_at_database(const struct rotation *rotation, struct plan *plan,
					const struct credential *pending, struct database **ret)
{
	const struct login *login = &plan->logins[0];
	struct status tried = rotation_login(rotation, login, pending->username, &pending->password,
					     rotation->deadline, ret);
	AUTO(stored_clear) struct stored admin = STORED_INIT;
	struct status found;

	tried = status_while(tried, "logging in at the database as '%s' with the pending password",
			     pending->username);
	if (tried.code != STATUS_DENIED)
		return tried;
	found = placement_read(rotation, plan, &admin);
	if (found.code != STATUS_OK)
		return failure(found.code == STATUS_UNAVAILABLE ? found.code : tried.code,
			       "%s; whether that is a reader, which is only late, could not be "
			       "found out: %s",
			       tried.detail, found.detail);
	if (plan_writer(plan) == login)
		return tried;
	return log_in_late(rotation, login, pending, "reader", "does it lag behind its writer?",
			   ret);
}

static struct status prove_database(const struct rotation *rotation, struct plan *plan,
				    const struct credential *pending,
				    const struct credential *current)
{
	AUTO(database_close) struct database *db = NULL;
	struct status compared;
	bool unseen;

	TRY(log_in_at_database(rotation, plan, pending, &db));
	if (strcmp(pending->username, plan->active_user) == 0)
		return OK;
	compared = rotation_compare(rotation, plan, db, pending->username, current,
				    rotation->deadline, &unseen);
	if (!unseen)
		return compared;
	/* The application is refused already: the new version is what mends that. */
	report_note(rotation, "'%s' was not compared with the active user: %s", pending->username,
		    compared.detail);
	return OK;
}

/*
 * Called alone, the pending version is the current one under a second name; otherwise it must be
 * what createSecret made.
 */
static struct status check_versions(const struct rotation *rotation, const struct plan *plan,
				    const struct credential *current,
				    const struct credential *pending)
{
	if (secret_equal(&current->text, &pending->text))
		return OK;
	return rotation_check_pending(rotation, plan, current, pending);
}

static struct status prove_everywhere(const struct rotation *rotation, struct plan *plan,
				      const struct credential *pending,
				      const struct credential *current)
{
	for (size_t i = 0; i < plan->login_count; i++)
		if (plan->logins[i].kind == LOGIN_PROXY)
			TRY(prove_proxy(rotation, &plan->logins[i], pending));
		else
			TRY(prove_database(rotation, plan, pending, current));
	report_outcome(rotation, "logged in everywhere");
	return OK;
}

struct status test_secret(const struct rotation *rotation)
{
	AUTO(stored_clear) struct stored pending = STORED_INIT, current = STORED_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool finished = false;

	TRY_WHILE(rotation_pending(rotation, &pending, &finished), "reading the pending version");
	if (!finished) {
		TRY_WHILE(rotation_get(rotation, rotation->secret_id, STAGE_CURRENT, &current),
			  "reading the current version");
		finished = strcmp(current.version, rotation->token) == 0;
	}
	if (finished) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	TRY(plan_make(&current.credential, rotation->config, rotation->drivers, &plan));
	TRY(check_versions(rotation, &plan, &current.credential, &pending.credential));
	report_user(rotation, pending.credential.username);
	rotation->report->proven.one_user = plan_has_one_user(&plan) &&
					    !secret_equal(&current.credential.text,
							  &pending.credential.text);
	if (rotation->report->proven.one_user)
		TRY(single_user_test(&(struct single_user){.rotation = rotation,
							   .plan = &plan,
							   .current = &current,
							   .pending = &pending.credential},
				     &rotation->report->proven.deferred));
	else
		TRY(prove_everywhere(rotation, &plan, &pending.credential, &current.credential));
	memcpy(rotation->report->proven.from, current.version, sizeof(current.version));
	rotation->report->proven.keeps_former = plan.driver->keeps_former &&
						!plan_has_one_user(&plan);
	return OK;
}
