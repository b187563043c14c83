/*
 * postgres_select: a question whose rows are read.
 *
 * Internal to clients/sql/postgres*. libpq gives whatever rows the server sent, and NULL for a
 * column that they lack; behind postgres_select() each row has the columns that were asked for.
 */
#ifndef CLIENTS_SQL_POSTGRES_SELECT_H
#define CLIENTS_SQL_POSTGRES_SELECT_H

#include "clients/sql/postgres_session.h"

/* One statement, and what its rows must look like. */
struct question {
	const char *doing; /* for messages: "looking up a user" */
	const char *sql;
	int columns;
	int parameter_count;
	const char *const *parameters;
};

/*
 * Asks it and waits for the end of the answer. The caller clears `ret` with
 * postgres_result_clear(). The errors are those of postgres_run() and postgres_statement_error();
 * UNAVAILABLE also where the answer has no rows, or rows of other columns: that is no PostgreSQL.
 */
struct status postgres_select(struct postgres *, const struct question *, PGresult **ret);

#endif
