/*
 * database: the port to a place that must accept a credential.
 *
 * A login is such a place: the database itself, or a proxy endpoint in front of it. A driver knows
 * one engine. An open database is one session of one user; the calls below run in it. Passwords are
 * never sent in clear text inside a statement where the engine has a verifier form, are never part
 * of a message, and never travel over a connection whose peer was not verified unless the login's
 * owner wrote `"ssl": false`.
 *
 * Every call may return UNAVAILABLE (not reachable, too slow, out of connections: retry) and
 * INTERNAL. What else it may return stands with it. DENIED and UNAVAILABLE are never mixed: a wrong
 * password decides what a step does next.
 */
#ifndef CORE_DATABASE_H
#define CORE_DATABASE_H

#include "core/clock.h"
#include "core/password.h"
#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct database;
struct database_driver;

enum login_kind {
	LOGIN_DATABASE, /* the database itself: its users can be changed here */
	LOGIN_PROXY,	/* a proxy endpoint: it picks up a new password some time after its secret
			   moved */
};

struct login {
	enum login_kind kind;
	const struct database_driver *driver;
	char *host;
	uint16_t port;
	char *dbname;
	bool tls;	     /* false: plaintext, because the secret's owner wrote so */
	const char *ca_file; /* PEM; NULL = the system store. Not owned. */
	/*
	 * NULL, or: only to a server that proves that it knows the password already, and without
	 * telling it; for a password that was not kept for it. Set to true when open() fails because
	 * it did not. Not owned.
	 */
	bool *unproven;
};

struct database_ops {
	/*
	 * Begins a change of `user`: what set_password() and put_user_like() do from now on is
	 * seen by nobody before commit(), and taken back by close(). Waits its turn behind whoever
	 * has begun one, until the deadline; whoever has made the change, and not committed it,
	 * holds up everybody else who wants to make one, however they came here. So a last look at
	 * the store fits in between: a process that was stopped after it never comes after others.
	 * The turn ends with close(), not with the commit.
	 * A session that stands still for 20 seconds, or until its deadline, loses all this.
	 * UNAVAILABLE: somebody else had it all the time.
	 */
	struct status (*lock_user)(struct database *, const char *user);

	/*
	 * Makes the change that lock_user() began. UNAVAILABLE: it was lost, or the answer was. An
	 * engine that cannot take a change back makes all of it only now, so whatever set_password()
	 * and put_user_like() may return can come from here too.
	 */
	struct status (*commit)(struct database *);

	/*
	 * Sets the password of `user`, which is the session's own user or one it may administer.
	 * DENIED: no permission (the text says which). NOT_FOUND: no such user. INVALID: the engine
	 * refuses this password.
	 */
	struct status (*set_password)(struct database *, const char *user,
				      const struct secret *password);

	/*
	 * Sets the password of `user`. If there is none, creates it first, able to do what `model`
	 * can do, and where the engine has owners so that what it creates belongs to `model`; one
	 * that is there follows `model` in what it may do where the driver's header says so. All or
	 * nothing, but on an engine that cannot take a change back, where the same call again does
	 * the rest. DENIED: no permission (the text says which). NOT_FOUND: no `model`. `*created`
	 * is told in any case.
	 */
	struct status (*put_user_like)(struct database *, const char *user, const char *model,
				       const struct secret *password, bool *created);

	/*
	 * May `user` do everything that `model` may, in the connected database? `of_model` is a
	 * session of the model where the driver's sees_itself_only says that it needs one, else
	 * NULL. INVALID: no; the text names what is missing. NOT_FOUND: one of them does not exist.
	 */
	struct status (*compare_users)(struct database *, const char *user,
				       struct database *of_model, const char *model);

	/*
	 * Lets `user` log in with `password` besides `present`, which works and goes on working.
	 * NULL, or DENIED at once or at the commit: the engine, or who is logged in, may not do so,
	 * and nothing is changed. NOT_FOUND, INVALID as set_password(). CONFLICT: not everywhere is
	 * `present` the user's password.
	 */
	struct status (*add_password)(struct database *, const char *user,
				      const struct secret *present, const struct secret *password);

	/*
	 * Ends the password that set_password() kept for `user` beside its new one; OK when there is
	 * none. NULL where the engine has one password a user. DENIED: no permission.
	 */
	struct status (*drop_former)(struct database *, const char *user);

	void (*close)(struct database **);
};

/* The first member of every implementation. */
struct database {
	const struct database_ops *ops;
};

struct database_driver {
	const char *const *
		engines; /* the values of "engine" that mean it, NULL-terminated; [0] is its name */
	uint16_t default_port;
	const char *default_dbname; /* where a secret names none */
	size_t username_max;
	bool counts_characters; /* username_max is in characters of UTF-8; else in bytes */
	bool sees_itself_only;	/* compare_users() needs a session of each user */
	/* set_password() keeps the former password where it may, for drop_former() to end. */
	bool keeps_former;
	/* No server of this engine can prove that it knows a password without being told it. */
	bool never_proves;
	struct password_rules password_rules;

	/*
	 * Opens a session as `user` at `login` and proves that it can read. DENIED: wrong password
	 * or user, or the user may not log in. INVALID: TLS could not be verified or is not
	 * offered, no such database, or the server cannot prove what it has to. UNAVAILABLE: not
	 * reached before the deadline. The deadline also bounds every later call on the session.
	 */
	struct status (*open)(const struct login *, const char *user, const struct secret *password,
			      struct deadline, struct database **ret);
};

/* For AUTO(). */
void database_close(struct database **);

/* The driver for a value of "engine" in a NULL-terminated table, NULL when there is none. */
const struct database_driver *database_driver_find(const struct database_driver *const *drivers,
						   const char *engine);

#endif
