/*
 * testSecret: prove. The pending credential logs in at every login, and its user may do what the
 * active user may. A proxy is given time to notice that its secret moved. Changes nothing: Secrets
 * Manager also calls it alone, with the current credential as the pending one, to try a new
 * function.
 */
#include "steps/rotation.h"
#include "steps/single_user.h"

#include <string.h>

#define FIRST_WAIT_MS 100
#define LONGEST_WAIT_MS 500

static struct status prove_database(const struct rotation *rotation, const struct plan *plan,
				    const struct credential *pending,
				    const struct credential *current)
{
	AUTO(database_close) struct database *db = NULL;

	TRY_WHILE(rotation_login(rotation, &plan->logins[0], pending->username, &pending->password,
				 rotation->deadline, &db),
		  "logging in at the database as '%s' with the pending password",
		  pending->username);
	if (strcmp(pending->username, plan->active_user) == 0)
		return OK;
	return rotation_compare(rotation, plan, db, pending->username, current, rotation->deadline);
}

/* A proxy refuses a password it has not read yet exactly as it refuses a wrong one: try again. */
static struct status prove_proxy(const struct rotation *rotation, const struct login *login,
				 const struct credential *pending)
{
	struct deadline patience = deadline_within(rotation->deadline,
						   rotation->config->proxy_wait * 1000);
	int64_t begun = patience.clock->now(), wait = FIRST_WAIT_MS;

	for (;;) {
		AUTO(database_close) struct database *db = NULL;
		struct status tried = rotation_login(rotation, login, pending->username,
						     &pending->password, patience, &db);

		if (tried.code != STATUS_DENIED && tried.code != STATUS_UNAVAILABLE)
			return status_while(tried, "logging in at the proxy as '%s'",
					    pending->username);
		if (deadline_left(patience) <= wait)
			return status_while(tried,
					    "the proxy %s:%u did not accept the new password of "
					    "'%s' within %lld s (is its secret attached to it?)",
					    login->host, login->port, pending->username,
					    (long long)((patience.clock->now() - begun) / 1000));
		deadline_sleep(patience, wait);
		wait = wait * 2 < LONGEST_WAIT_MS ? wait * 2 : LONGEST_WAIT_MS;
	}
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

static struct status prove_everywhere(const struct rotation *rotation, const struct plan *plan,
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
	if (plan_has_one_user(&plan) &&
	    !secret_equal(&current.credential.text, &pending.credential.text))
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
