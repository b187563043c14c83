/*
 * postgres_error: what went wrong, by SQLSTATE and by how far libpq had come, in words of ours.
 *
 * Internal to clients/sql/postgres*. Sources: PostgreSQL documentation, appendix A (error codes);
 * RDS Proxy and PgBouncer 1.18, measured, for the texts that stand in postgres_error.c.
 */
#ifndef CLIENTS_SQL_POSTGRES_ERROR_H
#define CLIENTS_SQL_POSTGRES_ERROR_H

#include "clients/sql/postgres_session.h"

/*
 * Why connecting failed; `stage` is PQstatus() before the call that failed. Never OK. The
 * connection's verbosity must be PQERRORS_VERBOSE: libpq 15 shows a SQLSTATE of this phase in no
 * other way, and it makes the decision independent of the server's language.
 */
struct status postgres_login_error(const struct postgres *, ConnStatusType stage);

/*
 * The code for a refused statement that needs no words of its own: UNAVAILABLE for what heals,
 * DENIED for a missing permission, INTERNAL for the rest. `doing` completes "… while <doing>".
 */
struct status postgres_statement_error(const struct postgres *, const char *sqlstate,
				       const char *doing);

#endif
