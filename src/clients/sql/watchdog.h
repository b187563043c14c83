/*
 * watchdog: ends what a library waits for when the deadline has passed.
 *
 * MySQL's client library knows timeouts for single reads only, and a server that sends a byte at a
 * time keeps every one of them. So a thread of its own waits for the deadline and shuts the socket
 * down: the library's wait ends with an error, whichever it was. It works for a socket that the library
 * is only about to open too, and needs nothing but the calls that every such library has.
 */
#ifndef CLIENTS_SQL_WATCHDOG_H
#define CLIENTS_SQL_WATCHDOG_H

#include "core/clock.h"
#include "core/status.h"

#include <stdbool.h>

struct watchdog;

/* Starts it, at rest. UNAVAILABLE: no memory, or no thread. */
struct status watchdog_open(struct watchdog **ret);

/*
 * Watches until watchdog_rest(): at the deadline it shuts `socket` down, or, with -1, every TCP
 * socket that was opened in this process since this call. One call at a time.
 */
void watchdog_watch(struct watchdog *, int socket, struct deadline);

/* Back at rest. True: it had to bite, so what failed meanwhile failed for want of time. */
bool watchdog_rest(struct watchdog *);

/* Ends the thread and frees. For AUTO(). */
void watchdog_close(struct watchdog **);

#endif
