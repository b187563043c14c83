/*
 * postgres: core/database.h for PostgreSQL 11 and later, over libpq; also through RDS Proxy and
 * PgBouncer, where a session can only be opened.
 *
 * The peer's certificate is always verified (sslmode=verify-full, TLS 1.2 at least) unless the
 * login says tls = false. Nothing but the login decides how a session is made: open() removes every
 * PG* variable from the environment (some of them no connection keyword can overrule) and points
 * the files that libpq would take from the home directory at nothing.
 *
 * No wait is longer than the deadline: connecting and every statement are driven by poll(), and the
 * name is looked up in a thread of its own.
 *
 * The server's words are never repeated: they may quote SQL and come in any language. SQLSTATE
 * decides, and its five characters are in the message.
 */
#ifndef CLIENTS_SQL_POSTGRES_H
#define CLIENTS_SQL_POSTGRES_H

#include "core/database.h"

extern const struct database_driver postgres_driver;

#endif
