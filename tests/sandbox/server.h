/*
 * server: the sockets, on libmicrohttpd, one thread a connection, on 127.0.0.1 only.
 */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H

#include "sandbox.h"

#include <stdint.h>

struct server;

/* Listens. NULL when that is not possible; the reason went to stderr. */
struct server *server_open(struct sandbox *);

uint16_t server_port(const struct server *);

/* Ends every connection. The sandbox must be stopping, or who waits would wait on. */
void server_close(struct server **);

#endif
