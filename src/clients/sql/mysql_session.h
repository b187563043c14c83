/*
 * mysql_session: one connection of MySQL's client library that never waits past its deadline.
 *
 * Internal to clients/sql/mysql*: the session, and how statements run in it. The library is MariaDB's
 * Connector/C or MySQL's own libmysqlclient: what differs between the two is in mysql_session.c.
 */
#ifndef CLIENTS_SQL_MYSQL_SESSION_H
#define CLIENTS_SQL_MYSQL_SESSION_H

#include "clients/sql/mysql_script.h"
#include "clients/sql/place.h"
#include "clients/sql/watchdog.h"
#include "core/buffer.h"
#include "core/database.h"

#include <mysql.h>

/* MariaDB's 80 characters of up to 4 bytes. */
#define MYSQL_USER_MAX 320
#define MYSQL_DBNAME_MAX 256

struct mysql {
	struct database database;
	const struct database_driver *driver;
	MYSQL *handle;
	struct watchdog *watchdog;
	struct deadline deadline;
	enum login_kind kind;
	bool tls;
	bool is_mariadb;	/* what the server is, whatever the secret calls it */
	unsigned long version;	/* 80035 is 8.0.35 */
	bool managed;		/* mysql_manage() has been here */
	bool locked;		/* what is to be changed waits in `script` for the commit */
	bool spoilt;		/* a part of that failed, so the rest is not done either */
	const char *ca_file;	/* the one in use; not owned, for open() only */
	struct secret password; /* what the session was opened with: a change of it must name it */
	struct mysql_script script;
	char place[PLACE_MAX]; /* "the database at host:port", for messages */
	char user[MYSQL_USER_MAX + 1];
	char dbname[MYSQL_DBNAME_MAX + 1];
};

/* The errors are those of database_driver.open. The session has not been used yet. */
struct status mysql_connect(const struct login *, const char *user, const struct secret *password,
			    struct deadline, struct mysql **ret);

/* Its socket, -1 while there is none. */
int mysql_socket(const struct mysql *);

/* Closes and frees. For AUTO(). */
void mysql_session_close(struct mysql **);

/*
 * Makes the session fit for managing users: names and texts are read and written in one way, whatever
 * the server's sql_mode; timeouts on the server that end before the deadline does, and soon where the
 * session stands still. Once. INTERNAL: a session through a proxy.
 */
struct status mysql_manage(struct mysql *);

/*
 * Lets every later statement of the session end on the server before the deadline does. For when time
 * has passed since mysql_manage().
 */
struct status mysql_limit_waits(struct mysql *);

/* The server's version is at least this one of MySQL's, and it is not MariaDB. */
bool mysql_since(const struct mysql *, unsigned long version);

/* The number of what just failed, never 0: for want of memory Connector/C fails without one. */
unsigned mysql_failed(const struct mysql *);

/*
 * Runs one statement that answers with no rows. Returns OK also when the server refused: `*error` is
 * its number then, else 0. UNAVAILABLE: no answer before the deadline, or the connection broke; the
 * session is of no more use.
 */
struct status mysql_run(struct mysql *, const char *sql, unsigned *error);

/* INVALID: not a name that this engine keeps as it is: empty, or too long. */
struct status mysql_check_name(const struct mysql *, const char *what, const char *name);

/* Appends `text` as a quoted literal; 'user'@'host'. */
struct status mysql_append_literal(struct mysql *, struct buffer *, const char *text);
struct status mysql_append_account(struct mysql *, struct buffer *, const char *user,
				   const char *host);

#endif
