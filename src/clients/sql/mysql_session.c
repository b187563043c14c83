#include "clients/sql/mysql_session.h"

#include "clients/sql/addresses.h"
#include "clients/sql/mysql_early.h"
#include "clients/sql/mysql_error.h"
#include "core/memory.h"
#include "core/utf8.h"

#include <errmsg.h>
#include <stdio.h>
#include <string.h>

/* To connect, shake hands and log in; an Aurora that has to wake up takes longest. */
#define LOGIN_WAIT_MS 15000

/* Longest silence of a session that has a user locked: one look at the store, tried again. */
#define LOCK_IDLE_S 20LL

/* For one address of several to answer at all. */
#define ADDRESS_WAIT_S 3

/* For the goodbye, which nobody waits for. */
#define CLOSE_WAIT_MS 500

/* All that a session here reads in one piece is a row with a user's grant. */
#define PACKET_MAX (1024UL * 1024)

/*
 * Each proves knowledge of the password without showing it, or shows it to the server inside TLS
 * only. A server asks a user that it does not know by any of its plugins, lest one could tell: so
 * all are let in.
 */
#define PLUGINS "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519"

static struct status check_dbname(const char *dbname)
{
	if (strlen(dbname) > MYSQL_DBNAME_MAX)
		return failure(STATUS_INVALID, "the database name '%.64s...' is too long", dbname);
	return OK;
}

struct status mysql_check_name(const struct mysql *session, const char *what, const char *name)
{
	if (name == NULL || name[0] == '\0')
		return failure(STATUS_INVALID, "the %s is empty", what);
	if (utf8_count(name) > session->driver->username_max || strlen(name) > MYSQL_USER_MAX)
		return failure(STATUS_INVALID,
			       "the %s '%s' has %zu characters; %s takes at most %zu", what, name,
			       utf8_count(name), session->driver->engines[0],
			       session->driver->username_max);
	return OK;
}

static void describe(struct mysql *session, const struct login *login, const char *user)
{
	session->driver = login->driver;
	session->kind = login->kind;
	session->tls = login->tls;
	place_describe(login, session->place);
	snprintf(session->user, sizeof(session->user), "%.*s", MYSQL_USER_MAX, user);
	if (login->dbname != NULL)
		snprintf(session->dbname, sizeof(session->dbname), "%.*s", MYSQL_DBNAME_MAX,
			 login->dbname);
}

#ifdef MARIADB_PACKAGE_VERSION
#define mysql_get_option mysql_get_optionv
#define MYSQL_OPT_TLS_VERSION MARIADB_OPT_TLS_VERSION
#endif

/*
 * The library copies it, and does not say so when it had no memory: any CA of the system would do
 * then.
 */
static struct status set_text(MYSQL *handle, enum mysql_option option, const char *text)
{
	const char *kept = NULL;

	mysql_options(handle, option, text);
	if (mysql_get_option(handle, option, &kept) != 0 || kept == NULL)
		return OUT_OF_MEMORY;
	return OK;
}

static struct status set_trust(MYSQL *handle, const char *ca_file)
{
	TRY(set_text(handle, MYSQL_OPT_SSL_CA, ca_file));
	return set_text(handle, MYSQL_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
}

#ifdef MARIADB_PACKAGE_VERSION

static void require_tls(MYSQL *handle)
{
	const my_bool on = 1;

	mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
}

/* Best effort without memory: then a server with the right certificate might ask by any plugin. */
static void allow_plugins(MYSQL *handle)
{
	mysql_options(handle, MARIADB_OPT_RESTRICTED_AUTH, PLUGINS);
}

static void forbid_tls(MYSQL *handle)
{
	const my_bool off = 0;

	mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &off);
}

int mysql_socket(const struct mysql *session)
{
	return (int)mysql_get_socket(session->handle);
}

#else /* libmysqlclient */

int mysql_socket(const struct mysql *session)
{
	return (int)session->handle->net.fd;
}

static void require_tls(MYSQL *handle)
{
	const unsigned mode = SSL_MODE_VERIFY_IDENTITY;

	mysql_options(handle, MYSQL_OPT_SSL_MODE, &mode);
}

/* It sends a password in clear text only where it is told that it may. */
static void allow_plugins(MYSQL *handle)
{
	(void)handle;
}

static void forbid_tls(MYSQL *handle)
{
	const unsigned mode = SSL_MODE_DISABLED;
	const bool ask = true; /* else caching_sha2_password finds no way without TLS */

	mysql_options(handle, MYSQL_OPT_SSL_MODE, &mode);
	mysql_options(handle, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &ask);
}

#endif

static struct status set_options(const struct mysql *session, size_t address_count)
{
	const unsigned tcp = MYSQL_PROTOCOL_TCP, none = 0;
	const unsigned long most = PACKET_MAX;
	int64_t seconds = deadline_left(session->deadline) / 1000 + 1;
	unsigned connecting;

	if (address_count > 1 && seconds > ADDRESS_WAIT_S)
		seconds = ADDRESS_WAIT_S;
	connecting = (unsigned)seconds;
	mysql_options(session->handle, MYSQL_OPT_CONNECT_TIMEOUT, &connecting);
	mysql_options(session->handle, MYSQL_OPT_PROTOCOL, &tcp);
	mysql_options(session->handle, MYSQL_OPT_LOCAL_INFILE, &none);
	mysql_options(session->handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &most);
	TRY(set_text(session->handle, MYSQL_SET_CHARSET_NAME, "utf8mb4"));
	allow_plugins(session->handle);
	if (!session->tls) {
		forbid_tls(session->handle);
		return OK;
	}
	require_tls(session->handle);
	return set_trust(session->handle, session->ca_file);
}

static struct status log_in(struct mysql *session, const struct login *login,
			    const struct secret *password)
{
	MYSQL *made;
	bool late;

	watchdog_watch(session->watchdog, -1, session->deadline);
	made = mysql_real_connect(session->handle, login->host, session->user,
				  secret_reveal(password),
				  session->dbname[0] != '\0' ? session->dbname : NULL, login->port,
				  NULL, 0);
	late = watchdog_rest(session->watchdog);
	if (made == NULL)
		return late ? mysql_late_error(session) : mysql_login_error(session);
	session->version = mysql_get_server_version(session->handle);
	session->is_mariadb = strstr(mysql_get_server_info(session->handle), "MariaDB") != NULL;
	return OK;
}

/* The library looks the name up itself, without a deadline: it does so after an answer came in time. */
static struct status find_host(const struct mysql *session, const struct login *login,
			       size_t *count)
{
	struct addresses addresses;

	TRY_WHILE(addresses_find(login->host, session->deadline, &addresses), "looking for %s",
		  session->place);
	*count = addresses.count;
	return OK;
}

static struct status prepare(struct mysql *session, const struct login *login,
			     const struct secret *password)
{
	size_t address_count = 0;

	TRY(mysql_check_name(session, "user name", session->user));
	TRY(secret_copy(password, &session->password));
	if (session->tls)
		TRY(place_find_ca(login, session->place, &session->ca_file));
	TRY(find_host(session, login, &address_count));
	TRY(watchdog_open(&session->watchdog));
	/* Plugins' folders, a port, a socket, whether certificates count. */
	place_forget_variables("MYSQL");
	place_forget_variables("MARIADB");
	place_forget_variables("LIBMYSQL");
	session->handle = mysql_init(NULL);
	if (session->handle == NULL)
		return OUT_OF_MEMORY;
	TRY(set_options(session, address_count));
	return mysql_early_watch();
}

struct status mysql_connect(const struct login *login, const char *user,
			    const struct secret *password, struct deadline deadline,
			    struct mysql **ret)
{
	AUTO(mysql_session_close) struct mysql *session = NULL;

	TRY(place_check_host(login->host));
	TRY(check_dbname(login->dbname != NULL ? login->dbname : ""));
	TRY(place_check_password(user, password));
	session = memory_alloc_zero(1, sizeof(*session));
	if (session == NULL)
		return OUT_OF_MEMORY;
	/* A silent address must leave time to say so, and to try again. */
	session->deadline = deadline_within(deadline, LOGIN_WAIT_MS);
	describe(session, login, user);
	if (strlen(user) > MYSQL_USER_MAX)
		return failure(STATUS_INVALID, "the user name '%.64s...' is too long", user);
	TRY(prepare(session, login, password));
	TRY(log_in(session, login, password));
	session->deadline = deadline;
	*ret = session;
	session = NULL;
	return OK;
}

void mysql_session_close(struct mysql **session)
{
	struct mysql *closing = *session;

	if (closing == NULL)
		return;
	if (closing->handle != NULL) {
		watchdog_watch(closing->watchdog, mysql_socket(closing),
			       deadline_in(&clock_system, CLOSE_WAIT_MS));
		mysql_close(closing->handle);
		(void)watchdog_rest(closing->watchdog);
	}
	watchdog_close(&closing->watchdog);
	mysql_script_clear(&closing->script);
	secret_clear(&closing->password);
	memory_free(closing);
	*session = NULL;
}

bool mysql_since(const struct mysql *session, unsigned long version)
{
	return !session->is_mariadb && session->version >= version;
}

unsigned mysql_failed(const struct mysql *session)
{
	unsigned error = mysql_errno(session->handle);

	return error != 0 ? error : CR_OUT_OF_MEMORY;
}

struct status mysql_run(struct mysql *session, const char *sql, unsigned *error)
{
	bool late;

	/* Late is never: a process that was stopped meanwhile must not change what others changed. */
	if (deadline_left(session->deadline) == 0)
		return failure(STATUS_UNAVAILABLE, "no time is left to ask %s", session->place);
	watchdog_watch(session->watchdog, mysql_socket(session), session->deadline);
	*error = mysql_real_query(session->handle, sql, strlen(sql)) == 0 ? 0
									  : mysql_failed(session);
	/* Rows that nobody asked for would be taken for the next answer. */
	if (*error == 0 && mysql_field_count(session->handle) != 0)
		*error = CR_COMMANDS_OUT_OF_SYNC;
	late = watchdog_rest(session->watchdog);
	if (late)
		return mysql_late_error(session);
	if (mysql_is_library(*error))
		return mysql_broken_error(session);
	return OK;
}

/* Whole seconds, and less than we have: the server does nothing once we are gone. */
static long long seconds_left(const struct mysql *session)
{
	long long left = (long long)deadline_left(session->deadline) * 9 / 10 / 1000;

	return left > 0 ? left : 1;
}

static struct status set_variables(struct mysql *session, const char *sql)
{
	unsigned error = 0;

	TRY(mysql_run(session, sql, &error));
	if (error != 0)
		return mysql_statement_error(session, error, "preparing the session");
	return OK;
}

struct status mysql_limit_waits(struct mysql *session)
{
	long long left = seconds_left(session);
	long long idle = left < LOCK_IDLE_S ? left : LOCK_IDLE_S;
	char sql[256];

	/* MariaDB's lock_wait_timeout is not for all the locks that a change waits for. */
	snprintf(sql, sizeof(sql),
		 "SET SESSION wait_timeout = %lld, SESSION lock_wait_timeout = %lld", idle, left);
	if (session->is_mariadb)
		snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql),
			 ", SESSION max_statement_time = %lld", left);
	return set_variables(session, sql);
}

struct status mysql_manage(struct mysql *session)
{
	char sql[256];

	if (session->kind == LOGIN_PROXY)
		return failure(STATUS_INTERNAL, "users are not managed through a proxy");
	if (session->managed)
		return OK;
	/* Without NO_AUTO_CREATE_USER MariaDB's GRANT makes up users that are not there. */
	snprintf(sql, sizeof(sql),
		 "SET SESSION sql_mode = '%s', SESSION sql_quote_show_create = 1%s",
		 session->is_mariadb ? "NO_AUTO_CREATE_USER" : "",
		 mysql_since(session, 80017) ? ", SESSION print_identified_with_as_hex = 1" : "");
	TRY(set_variables(session, sql));
	TRY(mysql_limit_waits(session));
	session->managed = true;
	return OK;
}

struct status mysql_append_literal(struct mysql *session, struct buffer *statement,
				   const char *text)
{
	size_t length = strlen(text);
	struct status status;
	char *quoted = memory_alloc(2 * length + 3);

	if (quoted == NULL)
		return OUT_OF_MEMORY;
	quoted[0] = '\'';
	length = mysql_real_escape_string(session->handle, quoted + 1, text, length);
	quoted[length + 1] = '\'';
	quoted[length + 2] = '\0';
	status = buffer_append_string(statement, quoted);
	memory_free(quoted);
	return status;
}

struct status mysql_append_account(struct mysql *session, struct buffer *statement,
				   const char *user, const char *host)
{
	TRY(mysql_append_literal(session, statement, user));
	TRY(buffer_append_string(statement, "@"));
	return mysql_append_literal(session, statement, host);
}
