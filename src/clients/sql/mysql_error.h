/*
 * mysql_error: what went wrong, by its number, in words of ours.
 *
 * Internal to clients/sql/mysql*. A server's own text is never repeated: it quotes SQL, and so
 * passwords. Sources: MySQL 9.7 Error Reference, MariaDB Error Code Reference, RDS Proxy's list of
 * errors; for MySQL's client library (2000 to 2999) and MariaDB's own (5000 to 5999) errmsg.h.
 */
#ifndef CLIENTS_SQL_MYSQL_ERROR_H
#define CLIENTS_SQL_MYSQL_ERROR_H

#include "clients/sql/mysql_session.h"

/* Why connecting failed. Never OK. */
struct status mysql_login_error(const struct mysql *);

/* UNAVAILABLE: no answer before the deadline; the connection broke, or what came is no answer. */
struct status mysql_late_error(const struct mysql *);
struct status mysql_broken_error(const struct mysql *);

/*
 * The code for a refused statement that needs no words of its own: UNAVAILABLE for what heals, DENIED
 * for a missing permission, INVALID for an expired password, INTERNAL for the rest. `doing` completes
 * "… while <doing>".
 */
struct status mysql_statement_error(const struct mysql *, unsigned error, const char *doing);

/* Is it the client library's own, about the connection, and no answer of the server? */
bool mysql_is_library(unsigned error);

/* Is it the server's word that the session lacks a permission? */
bool mysql_is_denied(unsigned error);

#endif
