/*
 * look: one look at everything, for the files behind inspect.h.
 */
#ifndef STEPS_LOOK_H
#define STEPS_LOOK_H

#include "steps/inspect.h"
#include "steps/rotation.h"

/* What one look at everything has read. */
struct look {
	const struct rotation *rotation;
	bool thorough;	   /* check, not status */
	bool active_works; /* the active user logged in at the database */
	struct inspection *result;
	struct secret_labels labels;
	struct stored current, previous, pending;
	struct plan plan;
	struct stored copies[PLAN_PROXIES_MAX];
};

/* What went wrong, as a finding. */
void look_add_failure(struct look *, const char *kind, const char *name, const char *user,
		      struct status);

/* As rotation_login() and rotation_login_kept(), but each has only a part of the time. */
struct status look_log_in(struct look *, const struct login *, const char *user,
			  const struct secret *password, struct database **ret);
struct status look_log_in_kept(struct look *, const struct credential *kept, const char *where,
			       struct database **ret);

/* check's part: the admin, and who may write the secrets. After the logins were looked at. */
void look_at_access(struct look *);

#endif
