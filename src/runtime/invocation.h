/*
 * invocation: one request run to its end, and logged.
 *
 * Both runtimes, Lambda and the command line, do their work through these.
 */
#ifndef RUNTIME_INVOCATION_H
#define RUNTIME_INVOCATION_H

#include "core/buffer.h"
#include "runtime/event.h"
#include "runtime/program.h"
#include "steps/inspect.h"

/* Around a request: who asked, and until when. */
struct invocation {
	const struct program *program;
	const char *request_id; /* Lambda's, for the log; NULL on the command line */
	struct deadline deadline;
	bool started_here; /* as in struct rotation */
};

/* Runs a step and logs it; `report`, if not NULL, gets what it told. Fails as step_run(). */
struct status invocation_step(const struct invocation *, const struct event *,
			      struct report *report);

/*
 * Starts the rotation of every secret in AWS_SECRET_ID. One that is still unfinished is a warning:
 * Secrets Manager tries it again. INVALID: AWS_SECRET_ID is not set. Otherwise the first failure,
 * after every secret had its turn.
 */
struct status invocation_tick(const struct invocation *);

/* Looks at a secret. Fails only when no store can be opened. */
struct status invocation_inspect(const struct invocation *, const char *secret_id, bool thorough,
				 struct inspection *ret);

#endif
