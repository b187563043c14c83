/*
 * plan: what one rotation is going to do, worked out before it does anything.
 *
 * Made from the application secret and the configuration alone, without a call to anywhere: who
 * takes turns, whose turn is next, where the credential is kept besides (copies), which places must
 * accept it (logins), which password they all take. Every odd secret is refused here, before
 * anything changes.
 *
 * Two public shapes of secret are read (AWS's "engine host port dbname …" and
 * rds-proxy-password-rotation's "database_host database_port database_name …"); see README.md.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/config.h"
#include "core/credential.h"
#include "core/database.h"
#include "core/directory.h"
#include "core/password.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

#define PLAN_USERS_MAX 8
#define PLAN_PROXIES_MAX 8 /* proxy secrets, and proxy endpoints */

struct plan {
	const struct database_driver *driver;
	char *users[PLAN_USERS_MAX]; /* the ring, in turn order; at least one */
	size_t user_count;
	const char *active_user; /* inside `users`: who AWSCURRENT names */
	/* inside `users`: the only one a rotation may touch; of one user, that one */
	const char *inactive_user;
	char *admin_secret_id;			  /* or NULL: users change their own passwords */
	char *proxy_secret_ids[PLAN_PROXIES_MAX]; /* one per user of the ring, or none */
	size_t proxy_secret_count;
	struct login
		logins[1 + PLAN_PROXIES_MAX]; /* [0] is the database, then the proxy endpoints */
	size_t login_count;
	bool host_is_set_here; /* [0]'s host is the configuration's: the secret names none */
	struct login
		writer; /* where passwords are changed, if [0] only reads; host NULL = at [0] */
	struct password_policy
		password_policy; /* the operator's, narrowed by every engine's rules */
};

#define PLAN_INIT ((struct plan){0})

/*
 * INVALID, with what is wrong and how to mend it: proxies with one user only, a user twice,
 * AWSCURRENT's user outside the ring, a user name longer than the engine takes, engine or host
 * missing or unknown, a port that is none, a list that is no list of strings, no possible password.
 */
struct status plan_make(const struct credential *current, const struct config *,
			const struct database_driver *const *drivers, struct plan *ret);

/* One user, whose password changes under the application: no two take turns. */
bool plan_has_one_user(const struct plan *);

/* Frees. For AUTO(). */
void plan_clear(struct plan *);

/*
 * Which of the proxy secrets' user names (in the order of proxy_secret_ids) is whose: `ret` is the
 * index for `user`. INVALID: a user of the ring has none, two name one user, one names a stranger.
 */
struct status plan_match_proxy_secrets(const struct plan *, const char *const *usernames,
				       const char *user, size_t *ret);

/* INVALID: the engine of this place is unknown, or not the secret's. */
struct status plan_check_engine(const struct plan *, const struct place *,
				const struct database_driver *const *drivers);

/* Passwords are changed there, not at logins[0]: that is one of its readers. */
struct status plan_set_writer(struct plan *, const struct place *);

/* Where passwords are changed: logins[0], or the writer behind it. */
const struct login *plan_writer(const struct plan *);

/*
 * Is `kept`, the value of another secret or version (`where`, for the text), for the database of
 * this plan? Who may write the application secret may write any host into it: a password that is
 * kept elsewhere must not be offered to a database that it was not kept for. `*told`: it names that
 * very host and port, or its writer's; false: it names none. INVALID: it names another, or expects TLS
 * where the secret under rotation wants none.
 */
struct status plan_check_place(const struct plan *, const struct credential *kept,
			       const char *where, bool *told);

/*
 * The same for the admin's, who must not be one of those that take turns, and whose secret must
 * name the host.
 */
struct status plan_check_admin(const struct plan *, const struct credential *admin);

#endif
