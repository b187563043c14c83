/*
 * world: a secret store, a database, its proxies and their directory in memory, behind the real ports.
 *
 * It counts every port call and can fail the n-th one: before doing it, after (the answer is lost),
 * or by never answering, so that the clock runs until the call's deadline. A call that begins after
 * its deadline is refused, as by every client. After each call that changed something it looks whether
 * the promises of the README hold at that instant (watch.c).
 * Nothing here talks to a server; the same promises are asked of the real clients in tests/integration.
 */
#ifndef TESTS_FAKES_WORLD_H
#define TESTS_FAKES_WORLD_H

#include "core/plan.h"
#include "steps/steps.h"

#include <stdbool.h>
#include <stddef.h>

#define WORLD_SECRETS 8
#define WORLD_VERSIONS 8
#define WORLD_USERS 8
#define WORLD_LOGINS 4 /* the database, its writer and two proxy endpoints */
#define WORLD_HOSTS 4  /* that the directory knows */

#define APPLICATION_SECRET "app/database"
#define ADMIN_SECRET "app/admin"
#define DATABASE "db.example"	   /* what the application secret names */
#define WRITER "writer.example"	   /* behind it, where that is a reader */
#define OWNER "owner-of-the-admin" /* the tag of a managed admin secret */
#define PROXY_SECRET_BASE "proxy/app"
#define PROXY_SECRET_CLONE "proxy/app-clone"
#define PROXY_SECRET_THIRD "proxy/app-third"

struct fake_version {
	char id[VERSION_ID_MAX + 1];
	char *value; /* NULL: an empty version, as RotateSecret makes it */
	int64_t created;
	bool labels[3];
};

struct fake_secret {
	const char *id; /* NULL = free */
	bool rotation_enabled;
	const char *function; /* who rotates it, NULL = nobody */
	const char *owner;    /* whose database it is for, NULL = nobody says */
	bool describe_denied;
	bool deleted; /* marked for deletion: nothing but a restore is possible */
	struct fake_version versions[WORLD_VERSIONS];
};

struct fake_user {
	char name[64]; /* "" = free */
	char password[160];
	char former[160]; /* accepted besides, "" = none: of the engine with two passwords */
	bool weak;	  /* lacks a grant the others have */
	int changes;	  /* how often its password was set */
	int wrong_tries;  /* logins refused at the database: accounts lock */
	char proven[WORLD_LOGINS][80]; /* "host:port" of each login since its password was set */
	const void *locked_by;	       /* the session that is about to change it */
};

/* What the directory knows. */
struct fake_host {
	const char *host, *writer; /* NULL: a free place */
	const char *owner;	   /* the database whose address `host` is, or NULL */
	const char *engine;
};

enum world_failure {
	FAIL_BEFORE,	   /* not done */
	FAIL_AFTER,	   /* done, but the answer is lost */
	FAIL_SILENT,	   /* not done, and no answer until the call's deadline */
	FAIL_SILENT_AFTER, /* done, and the same */
};

/* One port call: what it is about, and until when its caller waits for the answer. */
struct world_call {
	const char *name;	  /* of the port's function */
	const char *place, *user; /* a secret's id or a host; user "" where there is none */
	struct deadline deadline;
};

struct world {
	struct fake_secret secrets[WORLD_SECRETS];
	struct fake_user users[WORLD_USERS];
	struct fake_user nobody; /* whose lock is taken while the user is still missing */
	bool has_admin, has_proxies, has_one_user;
	int refused; /* port calls in a row at which AWSCURRENT was refused: of one user only */
	int refused_most;
	int proxy_lag;	/* logins a proxy refuses after a secret moved, before it notices */
	int proxy_seen; /* of those, how many have been */
	bool is_reader; /* DATABASE is read only: what happens at WRITER happens there a little later */
	bool name_tells;	     /* and its name says so */
	int reader_lag, reader_seen; /* as of the proxy, after a password changed */
	struct fake_host hosts[WORLD_HOSTS];
	int lookups;  /* how often the directory was asked */
	int64_t time; /* what the fake clock says; sleeping moves it */

	int calls;   /* port calls so far */
	int looked;  /* the last of them that asked for the application secret's labels; 0 = none */
	int fail_at; /* the call that fails, counted from 1; 0 = none */
	enum world_failure failure;
	enum status_code answer; /* what it answers; STATUS_OK means UNAVAILABLE */
	/* Of the call that failed. Its message names the place, as every client does, and nothing
	 * else: what was being done, and to whom, is the caller's to say. */
	char failed_call[32], failed_place[80], failed_user[64];
	int late_calls;		  /* begun when the rotation's deadline had passed */
	int fills, fill_fails_at; /* of the random source, in the same way */
	int *memory_paused; /* counted up while the servers' side works: their memory is not ours */
	int intrude_at;	    /* before this call somebody else does something; 0 = nobody */
	void (*intrude)(struct world *);
	struct status rival;	    /* for an intruder: how a step of its own ended */
	bool may_not_change_itself; /* no user may set its own password, but the admin */
	bool may_not_create;	    /* the admin lacks the permission to create users */
	bool keeps_nothing;	    /* nobody may have two passwords, though the engine has them */
	bool proves_nothing;	    /* the database does not show that it knows a password */
	int leaks; /* how often a user's working password was sent to another host */
	int store_calls, writes, logins; /* writes: how often a version was put or promoted */
	int effects; /* how often anything really changed, in a store or the database */
	int effects_watched;
	bool set_begun;	  /* setSecret of this rotation changed a password: AWSPREVIOUS may end */
	char breach[256]; /* the first promise that was broken, "" = none */
	int trespasses;	  /* how often a user was changed whose turn it is not */

	struct config config;
	struct report report;
	struct rotation rotation;
	struct deadline store_limit; /* what limit() said; clock NULL: nothing */
	char token[VERSION_ID_MAX + 1];
	struct proven proven;		   /* for world_warm() */
	char claimant[VERSION_ID_MAX + 1]; /* the last version put to claim the pending label */
};

enum world_shape {
	WORLD_PLAIN = 0,
	WORLD_ADMIN = 1,
	WORLD_PROXIES_TOO = 2,
	WORLD_CLONE_MISSING = 4,  /* with WORLD_ADMIN */
	WORLD_RING_OF_THREE = 8,  /* with one of the first two */
	WORLD_OTHER_KEYS = 16,	  /* rds-proxy-password-rotation's shape of a secret */
	WORLD_TWO_ENDPOINTS = 32, /* with WORLD_PROXIES_TOO */
	/* An engine with two passwords for a user, which shows rights to their owner only and cannot
	 * prove that it knows a password: MySQL's. */
	WORLD_TWO_PASSWORDS = 64,
	WORLD_ONE_USER = 128, /* without proxies; nobody else in the ring */
	WORLD_MANAGED = 256,  /* with WORLD_ADMIN: its secret holds no more than the credential */
	WORLD_READER = 512,   /* the application secret names one of the database's readers */
};

/* A sound world: 'app' is active, 'app-clone' has the password that is written down for it. */
void world_make(struct world *, unsigned shape);
void world_clear(struct world *);

/* As RotateSecret does: a new token, its empty pending version. The report and counts begin anew.
 */
void world_begin_rotation(struct world *, const char *token);
void world_reset_counts(struct world *);
/* Is this the process in which testSecret has just succeeded? */
void world_warm(struct world *, bool warm);

struct fake_secret *world_secret(struct world *, const char *id);
struct fake_user *world_user(struct world *, const char *name);
/* The version of a secret at a stage, NULL when no version has the label. */
struct fake_version *world_version(struct world *, const char *id, enum stage);
/* A copy of the value under a stage with another text; makes the version when missing. */
void world_put(struct world *, const char *id, const char *version, enum stage, const char *value);
/* The same without a label. */
void world_put_unlabelled(struct world *, const char *id, const char *version, const char *value);

/*
 * The current credential, of `active`, logs in at the database and is what its proxy secret holds;
 * so does the previous one when `previous_works`; no account was locked, and no user changed but the
 * one whose turn it was. Fails the running test.
 */
void world_assert_invariants(struct world *, const char *active, bool previous_works);

/* For the fakes: around all that they do. For AUTO() on a `struct world *`. */
struct world *world_enter(struct world *);
void world_leave(struct world **);

/* For the fakes: before and after a call does anything. Fails when it is the call's turn. */
struct status world_begin_call(struct world *, const struct world_call *);
struct status world_end_call(struct world *, const struct world_call *);

/* What watch.c looks at. At any moment; before a current label moves; when a password is set. */
void watch_moment(struct world *);
void watch_promotion(struct world *, const char *id, const struct fake_version *next);
void watch_change(struct world *, const char *user);
void watch_drop(struct world *, const char *user);

/* The user logged in there: that its password works at this place is proven. */
void world_prove(struct world *, const char *user, const struct login *);

/* All that is left, without passwords: two ends are the same when these texts are. */
void world_describe(struct world *, char *ret, size_t size);

struct secret_store *fake_store(struct world *);
struct directory *fake_directory(struct world *);
extern const struct database_driver *const fake_drivers[];
/* The world the fake driver opens logins in: a driver has no state of its own. */
extern struct world *fake_driver_world;

#endif
