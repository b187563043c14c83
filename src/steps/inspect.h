/*
 * inspect: what a rotation would find, looked at without changing anything.
 *
 * `status` is how things are: versions, copies, logins. `check` is everything a rotation will need,
 * tried: the same and permissions, the admin, grants, the password policy. Both give findings,
 * which runtime/ prints as a table or as JSON. A login is tried at most once with each user's
 * password.
 */
#ifndef STEPS_INSPECT_H
#define STEPS_INSPECT_H

#include "core/status.h"
#include "steps/steps.h"

#include <stdbool.h>
#include <stddef.h>

enum severity { FINDING_GOOD, FINDING_WARNING, FINDING_BAD };

struct finding {
	const char *kind; /* "secret", "version", "copy", "login", "permission", …; static text */
	char name[192];	  /* which one: a stage, a secret's id, host:port */
	char user[128];	  /* whose, "" = nobody's */
	enum severity severity;
	const char *state; /* one or two words: "in sync", "stale", "unreachable"; static text */
	char detail[640];  /* what it means and what to do, "" = nothing to add */
};

/*
 * More than the largest plan gives: 72 logins, 8 users, their grants and copies, 9 secrets'
 * versions.
 */
#define FINDINGS_MAX 160

struct inspection {
	size_t count;
	struct finding findings[FINDINGS_MAX];
};

/*
 * Appends one finding: static `kind` and `state`, the rest copied. Past FINDINGS_MAX the last one
 * says that more was found, which is bad whatever it was.
 */
[[gnu::format(printf, 7, 8)]] void inspection_add(struct inspection *, const char *kind,
						  const char *name, const char *user, enum severity,
						  const char *state, const char *detail, ...);

/* One or two words for how something ended; static text. A failure's sentence goes beside them. */
const char *inspection_state(struct status);

/* Append to `ret`. Failures are findings, so neither can fail; `rotation->token` is not used. */
void inspect_status(const struct rotation *, struct inspection *ret);
void inspect_check(const struct rotation *, struct inspection *ret);

/* The worst of all findings. */
enum severity inspection_severity(const struct inspection *);

#endif
