/*
 * postgres_session: one libpq connection that never waits past its deadline.
 *
 * Internal to clients/sql/postgres*: the session, and how statements run in it.
 */
#ifndef CLIENTS_SQL_POSTGRES_SESSION_H
#define CLIENTS_SQL_POSTGRES_SESSION_H

#include "clients/sql/place.h"
#include "core/buffer.h"
#include "core/database.h"

#include <libpq-fe.h>

/* NAMEDATALEN - 1: the server cuts longer names without a word. */
#define POSTGRES_NAME_MAX 63

struct postgres {
	struct database database;
	PGconn *connection;
	struct deadline deadline;
	enum login_kind kind;
	bool tls;
	bool *unproven;	       /* as in struct login, for open() only */
	bool locked;	       /* a transaction is open that holds the lock on a user */
	const char *ca_file;   /* the one in use; not owned, for open() only */
	char place[PLACE_MAX]; /* "the database at host:port", for messages */
	char user[POSTGRES_NAME_MAX + 1];
	char dbname[POSTGRES_NAME_MAX + 1];
};

/* The errors are those of database_driver.open. The session has not been used yet. */
struct status postgres_connect(const struct login *, const char *user,
			       const struct secret *password, struct deadline,
			       struct postgres **ret);

/* Closes and frees; says goodbye without waiting. For AUTO(). */
void postgres_close(struct postgres **);

/*
 * Makes the session fit for managing users: as the user who logged in, whatever role its settings
 * chose; writable; timeouts on the server that end before the deadline does; a search_path on which
 * nobody else can put anything. Nothing to do where a lock is held: it was done before. INTERNAL: a
 * session through a proxy.
 */
struct status postgres_manage(struct postgres *);

/*
 * Runs `sql` and waits for its end. With parameters it is one statement; without, it may be
 * several, which the server then treats as one transaction. Returns OK also when the server
 * refused: postgres_sqlstate() tells, and postgres_statement_error() makes it a failure.
 * UNAVAILABLE: no answer before the deadline, the connection broke, or the answer is COPY, which
 * nothing here asks for; the session is of no more use.
 */
struct status postgres_run(struct postgres *, const char *sql, int parameter_count,
			   const char *const *parameters, PGresult **ret);

/* "" when the server did what it was told. */
const char *postgres_sqlstate(const PGresult *);

/* INVALID: not a name that PostgreSQL keeps as it is (empty, or longer than POSTGRES_NAME_MAX). */
struct status postgres_check_name(const char *what, const char *name);

/* Appends `name` as a quoted identifier, `text` as a quoted literal. */
struct status postgres_append_identifier(struct postgres *, struct buffer *, const char *name);
struct status postgres_append_literal(struct postgres *, struct buffer *, const char *text);

/* PQclear with the address of the variable. For AUTO(). */
void postgres_result_clear(PGresult **);

#endif
