/*
 * mysql_select: a question whose rows are read.
 *
 * Internal to clients/sql/mysql*. Rows are read one by one and up to a limit, since the library
 * would keep whatever comes until it ends; behind mysql_select() each row has the columns that were
 * asked for.
 */
#ifndef CLIENTS_SQL_MYSQL_SELECT_H
#define CLIENTS_SQL_MYSQL_SELECT_H

#include "clients/sql/mysql_session.h"

struct mysql_rows {
	size_t count; /* rows */
	size_t columns;
	char **values; /* row after row; NULL for SQL's NULL */
	size_t used, room, bytes;
};

#define MYSQL_ROWS_INIT ((struct mysql_rows){0})

/* One statement, and what its rows must look like. */
struct mysql_question {
	const char *doing; /* for messages: "looking up a user" */
	const char *sql;
	size_t columns;
};

/*
 * Asks it and waits for the end of the answer. UNAVAILABLE as from mysql_run(), and where the answer
 * has other columns, or more than a few megabytes: that is no MySQL. What the server refuses is
 * mysql_statement_error()'s, or, where `error` is not NULL, its number and OK, without rows.
 */
struct status mysql_select(struct mysql *, const struct mysql_question *, unsigned *error,
			   struct mysql_rows *ret);

/* NULL for SQL's NULL. */
const char *mysql_value(const struct mysql_rows *, size_t row, size_t column);

/* Wipes and frees: hashes are among the values. For AUTO(). */
void mysql_rows_clear(struct mysql_rows *);

#endif
