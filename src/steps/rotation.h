/*
 * rotation: what more than one step does with a rotation: reading versions, checking that the
 * pending one belongs to the current one, opening logins.
 */
#ifndef STEPS_ROTATION_H
#define STEPS_ROTATION_H

#include "core/credential.h"
#include "core/plan.h"
#include "steps/steps.h"

/* A version and what it holds. */
struct stored {
	char version[VERSION_ID_MAX + 1];
	struct credential credential;
};

#define STORED_INIT ((struct stored){0})

void stored_clear(struct stored *);

/* The credential at STAGE_CURRENT or STAGE_PREVIOUS of a secret. NOT_FOUND: there is none. */
struct status rotation_get(const struct rotation *, const char *secret_id, enum stage,
			   struct stored *ret);

/*
 * The version of this rotation's token at STAGE_PENDING of a secret. NOT_FOUND: there is none;
 * where a miss is not normal, only after waiting for it.
 */
struct status rotation_get_pending(const struct rotation *, const char *secret_id,
				   bool miss_is_normal, struct stored *ret);

/*
 * The pending version of this rotation. `*finished` and OK without one: it is current already, so
 * nothing is left to do. CONFLICT: the token is neither pending nor current.
 */
struct status rotation_pending(const struct rotation *, struct stored *ret, bool *finished);

/* Parses what get_current() answered for `secret_id`; its own failure is the result's. */
struct status rotation_parse(const char *secret_id, const struct secret_reading *,
			     struct stored *ret);

/*
 * Is `pending` what createSecret makes of `current`: the inactive user (or the only one), and all
 * else the same byte for byte? CONFLICT: no; someone changed one of them meanwhile, and promoting
 * would undo that.
 */
struct status rotation_check_pending(const struct rotation *, const struct plan *,
				     const struct credential *current,
				     const struct credential *pending);

/*
 * The last look at the labels, between a change and its commit. Since the versions were read this
 * process may have been stopped for long, this rotation given up, and a later one finished: then
 * its user is the active one now. The change holds up whoever wants to make one after it, and they
 * look after that. `current`: the version that was current. `*finished`, and OK: the same step was
 * faster at the same time, and finishSecret as well; nothing is to be committed. CONFLICT: the
 * labels moved otherwise.
 */
struct status rotation_last_look(const struct rotation *, const char *current, const char *user,
				 bool *finished);

/* The proxy secret that keeps one user's credential. */
struct proxy_copy {
	const char *secret_id; /* inside the plan; NULL when the plan has no proxy secrets */
	struct stored stored;  /* its current version */
};

#define PROXY_COPY_INIT ((struct proxy_copy){0})

void proxy_copy_clear(struct proxy_copy *);

/* Reads and checks the proxy secrets (already read into `readings`) and returns the user's. */
struct status proxy_copy_find(const struct plan *, const struct secret_reading *readings,
			      const char *user, struct proxy_copy *ret);

/* Is it done already: does the proxy secret say what the pending version says? */
bool proxy_copy_holds(const struct proxy_copy *, const struct credential *pending);

/*
 * Opens a session at a login as this user, until `deadline` at the latest. The text names the place
 * and the user.
 */
struct status rotation_login(const struct rotation *, const struct login *, const char *user,
			     const struct secret *password, struct deadline, struct database **ret);

/*
 * Opens a session where the plan's passwords are changed, with a credential that `where`, another
 * secret or version, keeps. INVALID: it is kept for another database, see plan_check_place(). Where
 * it does not say for which, the server must prove that it knows the password; `*unproven`, INVALID
 * too: it did not.
 */
struct status rotation_login_kept(const struct rotation *, const struct plan *,
				  const struct credential *kept, const char *where, struct deadline,
				  struct database **ret, bool *unproven);

/*
 * May the user of this session do what the active one may? Where the engine shows rights to their
 * owner only, opens a session of the active user too. INVALID: no, and what is missing. DENIED, and
 * `*unseen`: the active user is refused, so there is nothing to compare with.
 */
struct status rotation_compare(const struct rotation *, const struct plan *, struct database *,
			       const char *user, const struct credential *active, struct deadline,
			       bool *unseen);

/* For the report: who it is about, as soon as that is known; what happened, once it has; and what
 * its operator should know besides. */
void report_user(const struct rotation *, const char *user);
void report_outcome(const struct rotation *, const char *outcome);
[[gnu::format(printf, 2, 3)]] void report_note(const struct rotation *, const char *format, ...);

#endif
