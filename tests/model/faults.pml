/*
 * Where the model can be made to fail, so that it is seen that it can: seeded faults (FAULT_…) and the
 * borders of the promise (OUTSIDE_…). Conditions are here; a fault that adds or drops a call is an
 * #ifdef in steps.pml. Without any of them this is the protocol as src/steps has it.
 */

/* createSecret and setSecret take the active user for the next one. */
#ifdef FAULT_ALTER_ACTIVE
#define NEXT_USER(version) user_of[version]
#else
#define NEXT_USER(version) OTHER(user_of[version])
#endif

/* createSecret makes a new password although there is one, in a store that replaces values. */
#ifdef FAULT_REGENERATE
#define KEEP_PENDING false
#else
#define KEEP_PENDING true
#endif

/* createSecret drops what somebody edited: the version it makes never belongs to the current one. */
#ifdef FAULT_DROP_EDIT
#define AS_EDITED(version) false
#else
#define AS_EDITED(version) edited[version]
#endif

/* createSecret, started by hand, does not care that another rotation is under way. */
#ifdef FAULT_TAKE_PENDING
#define MAY_CLAIM true
#else
#define MAY_CLAIM !UNFINISHED
#endif

/*
 * Started by hand, createSecret puts its value under a label of its own, then moves the pending one by
 * compare-and-set. A value that is there already gets it only while it still has that other label.
 */
#if defined(BY_HAND) && !defined(FAULT_PLAIN_CLAIM)
#define CLAIM
#define PUT_UNDER_LABEL claimant = token
#ifdef FAULT_CLAIM_OLD
#define MAY_CLAIM_OLD true
#else
#define MAY_CLAIM_OLD (claimant == token)
#endif
#else
#define PUT_UNDER_LABEL pending = token
#endif

/* The change does not wait for the lock. */
#ifdef FAULT_NO_LOCK
#define LOCK_FREE true
#else
#define LOCK_FREE !LOCK
#endif

/* finishSecret does not look whether its version is still pending. */
#ifdef FAULT_FINISH_UNASKED
#define MAY_PROMOTE true
#else
#define MAY_PROMOTE (pending == token)
#endif

/* finishSecret moves AWSCURRENT from wherever it is. */
#ifdef FAULT_FINISH_BLINDLY
#define STILL(version) true
#else
#define STILL(version) (current == (version))
#endif

/* finishSecret takes for proven what testSecret has never seen. */
#ifdef FAULT_UNTESTED
#define PROVEN true
#define PROVES_AGAIN false
#define BEFORE_FINISH TEST
#else
#define BEFORE_FINISH FINISH
#ifdef FAULT_PROVEN_BEFORE_EDIT /* …, or for proven what testSecret saw beside another AWSCURRENT */
#define PROVEN (proven_from[token] != NONE)
#else
#define PROVEN (proven_from[token] == seen)
#endif
#define PROVES_AGAIN true
#endif

/*
 * The assumption: when a rotation was given up, the next begins after createSecret and finishSecret of
 * that one have ended, at the latest after the function's timeout. Its setSecret and testSecret may
 * go on as long as they like. No step of the product looks for this. On a schedule it binds who begins,
 * schedule(). By hand anybody may begin at any time, and it binds the operator: the label is taken off
 * after finishSecret of its rotation has ended; a put, which takes it off too, comes while no
 * createSecret of another rotation runs, since that would see the label on nobody twice.
 */
#ifdef OUTSIDE_LATE_FINISH
#define LATE_FINISH(worker) false
#else
#define LATE_FINISH(worker) doing[worker] == FINISH
#endif
#ifdef OUTSIDE_LATE_CREATE
#define LATE_CREATE(worker) false
#else
#define LATE_CREATE(worker) doing[worker] == CREATE
#endif
#define ENDED(worker, next_token) \
	(running[worker] == NONE || running[worker] == next_token || \
	 was_current[running[worker]] || !(LATE_CREATE(worker) || LATE_FINISH(worker)))
#define WAITED_OUT(next_token) \
	(ENDED(0, next_token) && ENDED(1, next_token) && ENDED(WORKERS - 1, next_token))
#define MAY_GIVE_UP true
#define MAY_PUT true
#ifdef BY_HAND
#ifndef OUTSIDE_LATE_FINISH
#undef MAY_GIVE_UP
#define IN_FINISH(worker) (running[worker] == pending && doing[worker] == FINISH)
#define MAY_GIVE_UP (!IN_FINISH(0) && !IN_FINISH(1) && !IN_FINISH(WORKERS - 1))
#endif
#ifndef OUTSIDE_LATE_CREATE
#undef MAY_PUT
#define FOLLOWS(worker) \
	(running[worker] != NONE && running[worker] != pending && doing[worker] == CREATE)
#define MAY_PUT (!FOLLOWS(0) && !FOLLOWS(1) && !FOLLOWS(WORKERS - 1))
#endif
#endif

/* Not promised: a password set by hand between its proof and finishSecret's end. */
#ifdef OUTSIDE_PASSWORD
#define NOTHING_PROVEN true
#else
#define FINISHING(worker) (doing[worker] == FINISH && !was_current[running[worker]])
#define NOTHING_PROVEN \
	(!(UNFINISHED && at_database[pending]) && !FINISHING(0) && !FINISHING(1) && \
	 !FINISHING(WORKERS - 1))
#endif

/* GetSecretValue answers with the AWSCURRENT of before; DescribeSecret is never late. */
#ifdef LATE_READS
#define READ_CURRENT if :: base = current :: previous != NONE -> base = previous fi
#else
#define READ_CURRENT base = current
#endif
