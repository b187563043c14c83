/*
 * single_user: what is different where one user is all there is, so that its password changes under
 * the application that is using it.
 *
 * Where a user may have two passwords at once, setSecret adds the new one, and nobody notices.
 * Everywhere else the change waits for finishSecret, which makes it and moves the label at once:
 * the shortest time in which what the application knows is refused. What goes wrong in that time is
 * taken back, by finishSecret itself or, if that died, by whichever step comes next.
 */
#ifndef STEPS_SINGLE_USER_H
#define STEPS_SINGLE_USER_H

#include "steps/rotation.h"

/* One user's rotation, as far as a step has read it. Owns nothing. */
struct single_user {
	const struct rotation *rotation;
	struct plan *plan;
	const struct stored *current;
	const struct credential *pending;
};

/*
 * Makes sure that the current password logs in. Where only the pending one does, an earlier
 * finishSecret came no further than the change: the current one is put back. `*forward`: it cannot
 * be, since the engine takes no password twice; the pending one it stays, and the label is to
 * follow. CONFLICT: the labels moved. DENIED: neither of them logs in.
 */
struct status single_user_settle(const struct single_user *, bool *forward);

/* setSecret: adds the pending password where that is possible, else settles. */
struct status single_user_set(const struct single_user *);

/*
 * testSecret: settles, and logs in with the pending password where it may be set by now.
 * `*deferred`: it is not, and waits for finishSecret.
 */
struct status single_user_test(const struct single_user *, bool *deferred);

/*
 * finishSecret: with the user locked, sets the pending password unless it is set, logs in with it,
 * promotes the version; takes the change back if it did not come to that. `from`: the current
 * version.
 */
struct status single_user_finish(const struct rotation *, const char *from, bool deferred);

#endif
