/*
 * directory: the port to whoever runs databases and knows where they are (RDS).
 *
 * A secret that such an operator manages holds a user name and a password only; its owner, a database
 * of theirs, stands in a tag that nobody else can set (struct secret_labels). And a host may be a
 * reader: a replica, or an address that leads to replicas, where nothing can be changed; the directory
 * knows its writer. What it says counts: a password goes where it points, so a place is never made up
 * of what a caller passed in.
 *
 * A directory is opened for one invocation, without a call. Every call may return UNAVAILABLE (not
 * reachable, throttled, too slow), DENIED (names the missing permission) and INTERNAL.
 */
#ifndef CORE_DIRECTORY_H
#define CORE_DIRECTORY_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_MAX 253 /* RFC 1035's longest name */
#define ENGINE_MAX 63

/* Where a database takes changes. */
struct place {
	char host[HOST_MAX + 1];
	uint16_t port;
	char engine[ENGINE_MAX + 1]; /* "aurora-postgresql": a value of a secret's "engine" */
};

#define PLACE_INIT ((struct place){0})

struct directory;

struct directory_ops {
	/*
	 * Where the database is that struct secret_labels calls an owner. NOT_FOUND: there is none
	 * any more. INVALID: the owner is no database, or has no address yet.
	 */
	struct status (*find)(struct directory *, const char *owner, struct place *ret);

	/*
	 * Where that which is read at `host` is written: a replica's source, a cluster's own address
	 * for its members' and its readers'; for any other database its own address. NOT_FOUND: the
	 * directory has nothing at this host.
	 */
	struct status (*find_writer)(struct directory *, const char *host, struct place *ret);

	/* Does the name alone say that it is a reader's? Asks nobody. */
	bool (*names_reader)(const char *host);

	void (*close)(struct directory **);
};

/* The first member of every implementation. */
struct directory {
	const struct directory_ops *ops;
};

/* For AUTO(). */
void directory_close(struct directory **);

#endif
