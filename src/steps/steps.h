/*
 * steps: the four steps of a rotation, and what each may rely on.
 *
 * Every copy and every login is handled the same way: prepare everywhere, change, prove, promote,
 * primary last. A step knows ports only: a secret store and databases; what AWS or PostgreSQL call
 * things stays in clients/. Its state is in the store alone: the value under STAGE_PENDING is the
 * journal, so any step may be killed at any point and run again.
 *
 * Source of the steps' order and meaning: the AWS page "Lambda rotation functions".
 */
#ifndef STEPS_STEPS_H
#define STEPS_STEPS_H

#include "core/clock.h"
#include "core/config.h"
#include "core/database.h"
#include "core/directory.h"
#include "core/password.h"
#include "core/secret_store.h"
#include "core/status.h"

#include <stdbool.h>

enum step { STEP_CREATE, STEP_SET, STEP_TEST, STEP_FINISH, STEP_COUNT };

/* "createSecret", … as Secrets Manager writes them. */
const char *step_name(enum step);
bool step_from_name(const char *name, enum step *ret);

/* What testSecret has found out, for finishSecret of the same token in the same process. */
struct proven {
	/* The current version that the new one was proven against; "" = nothing is proven. */
	char from[VERSION_ID_MAX + 1];
	bool keeps_former; /* the user that was active until now may have two passwords */
	bool one_user;	   /* that is all there is: see steps/single_user.h */
	bool deferred;	   /* of a single user: the new password is to be set by finishSecret */
};

#define REPORT_NOTES_MAX 8

/*
 * What a step has to tell besides its status: for the log line. Never a credential. Only runtime/
 * writes it anywhere.
 */
struct report {
	const char *
		outcome; /* what happened: "changed the password", "already done", …; static text */
	char user[256]; /* the user it was about, "" = none */
	size_t note_count;
	char notes[REPORT_NOTES_MAX][256]; /* what its operator should know although it went well */
	struct proven proven;		   /* by testSecret: as in struct rotation */
};

/* One rotation, as one invocation sees it. Owns nothing. */
struct rotation {
	const struct config *config;
	const struct database_driver *const *drivers; /* NULL-terminated */
	struct secret_store *store;
	struct directory
		*directory; /* asked only where the secrets do not say where they are for */
	const struct random *random;
	struct deadline deadline;
	const char *secret_id;	     /* the application secret */
	const char *token;	     /* names the new version */
	bool started_here;	     /* on a command line: the secret need not have a schedule */
	const struct proven *proven; /* NULL: testSecret of this token was not here */
	struct report *report;	     /* filled also when the step fails */
};

/*
 * To be run in this order. finish_secret() promotes only what is proven: what is not known to be it
 * proves first, whoever called it. Each returns OK also when its work was done before. INVALID: the
 * secret or the configuration is wrong. CONFLICT: the labels do not allow it: another rotation, an
 * operator. DENIED, UNAVAILABLE, NOT_FOUND, INTERNAL: from the store or a login, with its place in
 * the text.
 */
struct status create_secret(const struct rotation *);
struct status set_secret(const struct rotation *);
struct status test_secret(const struct rotation *);
struct status finish_secret(const struct rotation *);

/* The same by name of the step; the failure's text begins with it. */
struct status step_run(enum step, const struct rotation *);

#endif
