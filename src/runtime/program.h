/*
 * program: what main.c wires together, and all that the runtimes see of the world.
 *
 * runtime/ turns bytes into a request and a result into bytes. It runs steps against whatever store
 * and drivers it is given, and it alone writes the log.
 */
#ifndef RUNTIME_PROGRAM_H
#define RUNTIME_PROGRAM_H

#include "core/clock.h"
#include "core/config.h"
#include "core/database.h"
#include "core/directory.h"
#include "core/log.h"
#include "core/password.h"
#include "core/secret_store.h"
#include "core/status.h"

#include <stddef.h>

/* What a store is opened for. */
struct store_request {
	const char *secret_id;		     /* the application secret */
	const struct secret *rotation_token; /* empty when the event had none */
	struct deadline deadline;
};

struct program {
	const struct config *config;
	const struct log *log;
	const struct database_driver *const *drivers;
	const struct random *random;
	void *context; /* for the three functions below */

	/* Opens the store that a secret lives in; no call is made yet. INVALID: no region, …. */
	struct status (*open_store)(void *context, const struct store_request *,
				    struct secret_store **ret);

	/* The directory beside it; no call is made yet. */
	struct status (*open_directory)(void *context, const struct store_request *,
					struct directory **ret);

	/* Who we are to that store, in words ("role … from the environment"). DENIED, UNAVAILABLE.
	 */
	struct status (*describe_caller)(void *context, const struct store_request *, char *ret,
					 size_t size);

	/* A new token for a version: a random UUID. UNAVAILABLE. */
	struct status (*make_token)(char ret[VERSION_ID_MAX + 1]);
};

#endif
