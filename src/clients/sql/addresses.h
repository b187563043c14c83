/*
 * addresses: where a host name leads, for a client that tries one address after the other.
 *
 * A proxy endpoint has an address in each zone; one zone that is cut off must not hide the others.
 */
#ifndef CLIENTS_SQL_ADDRESSES_H
#define CLIENTS_SQL_ADDRESSES_H

#include "core/clock.h"
#include "core/status.h"

#include <stddef.h>

#define ADDRESSES_MAX 4

struct addresses {
	size_t count;			 /* at least 1 when found */
	char numeric[ADDRESSES_MAX][64]; /* "192.0.2.1", "2001:db8::1", "fe80::1%eth0" */
};

/*
 * The addresses of a name, in the resolver's order; a numeric one is its own. UNAVAILABLE: it
 * cannot be resolved, or not before the deadline. Each name server gets one try, all together half
 * of the time.
 */
struct status addresses_find(const char *host, struct deadline, struct addresses *ret);

#endif
