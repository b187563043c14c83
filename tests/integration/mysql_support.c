#include "mysql_support.h"

#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static MYSQL *connection;

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		fail_msg("%s is not set: run this under tests/stack/with_stack.py --mariadb", name);
	return value;
}

/* The variables may be taken out of the environment: that is what some tests are about. */
static MYSQL *connect_as(const char *user, const char *password, const char *dbname)
{
	const unsigned tcp = MYSQL_PROTOCOL_TCP;
	const my_bool on = 1;
	MYSQL *session = mysql_init(NULL);

	assert_non_null(session);
	mysql_options(session, MYSQL_OPT_PROTOCOL, &tcp);
	mysql_options(session, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
	mysql_options(session, MYSQL_OPT_SSL_CA, variable("STACK_MYSQL_CA"));
	mysql_options(session, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (mysql_real_connect(session, variable("STACK_MYSQL_HOST"), user, password, dbname,
			       (unsigned)strtoul(variable("STACK_MYSQL_PORT"), NULL, 10), NULL,
			       0) == NULL) {
		mysql_close(session);
		return NULL;
	}
	return session;
}

bool is_mariadb(void)
{
	return strcmp(variable("STACK_MYSQL_FLAVOR"), "mariadb") == 0;
}

void only_on_mysql(const char *why)
{
	if (is_mariadb())
		skip_because("MySQL only: %s", why);
}

void only_on_mariadb(const char *why)
{
	if (!is_mariadb())
		skip_because("MariaDB only: %s", why);
}

const char *named(const char *what)
{
	static char names[32][96];
	static size_t next;
	char *name = names[next++ % 32];

	snprintf(name, sizeof(names[0]), "t%d_%s", (int)getpid(), what);
	return name;
}

const char *filled_in(const char *text)
{
	static char texts[8][4096];
	static size_t next;
	char *ret = texts[next++ % 8];
	size_t length = 0;

	for (; *text != '\0'; text++) {
		char what[32] = {0};

		if (text[0] != '@' || text[1] == '\0' || strchr("'`@ ", text[1]) != NULL) {
			ret[length++] = *text;
			continue;
		}
		text++;
		if (*text == '(') {
			size_t size = strcspn(text + 1, ")");

			snprintf(what, sizeof(what), "%.*s", (int)size, text + 1);
			text += size + 1;
		} else {
			what[0] = *text;
		}
		length += (size_t)snprintf(ret + length, sizeof(texts[0]) - length, "%s",
					   named(what));
	}
	ret[length] = '\0';
	return ret;
}

static MYSQL_RES *run(const char *sql)
{
	if (mysql_real_query(connection, sql, strlen(sql)) != 0)
		fail_msg("preparing: %s: %s", mysql_error(connection), sql);
	return mysql_store_result(connection);
}

void admin(const char *text)
{
	mysql_free_result(run(filled_in(text)));
}

void admin_printf(const char *format, ...)
{
	va_list arguments;
	char *sql = NULL;

	va_start(arguments, format);
	assert_true(vasprintf(&sql, format, arguments) >= 0);
	va_end(arguments);
	admin(sql);
	free(sql);
}

unsigned admin_try(const char *text)
{
	const char *sql = filled_in(text);
	unsigned error = mysql_real_query(connection, sql, strlen(sql)) == 0
				 ? 0
				 : mysql_errno(connection);

	if (error == 0)
		mysql_free_result(mysql_store_result(connection));
	return error;
}

char *answer(const char *text)
{
	MYSQL_RES *result = run(filled_in(text));
	char *lines = calloc(1, 1);
	MYSQL_ROW row;

	assert_non_null(result);
	while ((row = mysql_fetch_row(result)) != NULL) {
		char *longer = NULL;

		assert_true(asprintf(&longer, "%s%s%s", lines, lines[0] != '\0' ? "\n" : "",
				     row[0] != NULL ? row[0] : "NULL") >= 0);
		free(lines);
		lines = longer;
	}
	mysql_free_result(result);
	return lines;
}

const char *make_user(const char *what, const char *options)
{
	const char *user = named(what);

	admin_printf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s' %s", user, OLD, options);
	return user;
}

bool run_as(const char *user, const char *password, const char *text)
{
	const char *sql = filled_in(text);
	MYSQL *session = connect_as(user, password, NULL);
	bool done;

	if (session == NULL)
		return false;
	done = mysql_real_query(session, sql, strlen(sql)) == 0;
	if (done)
		mysql_free_result(mysql_store_result(session));
	mysql_close(session);
	return done;
}

bool lets_in(const char *user, const char *password)
{
	return run_as(user, password, "SELECT 1");
}

int set_up(void **state)
{
	(void)state;
	connection = connect_as(variable("STACK_MYSQL_ADMIN_USER"),
				variable("STACK_MYSQL_ADMIN_PASSWORD"),
				variable("STACK_MYSQL_DBNAME"));
	if (connection == NULL) {
		print_error("the administrator is not let in\n");
		return -1;
	}
	admin("CREATE DATABASE IF NOT EXISTS @(db)");
	return 0;
}

/* Runs what a query answers with, a statement a row. */
static void run_each(const char *query)
{
	char *statements = answer(query), *rest = statements, *statement;

	while ((statement = strsep(&rest, "\n")) != NULL)
		if (statement[0] != '\0')
			mysql_free_result(run(statement));
	free(statements);
}

int tear_down(void **state)
{
	(void)state;
	/* A role of MariaDB has no host. */
	if (is_mariadb())
		run_each("SELECT CONCAT('DROP ROLE `', REPLACE(User, '`', '``'), '`') FROM "
			 "mysql.user"
			 " WHERE User LIKE '@(%)' AND is_role = 'Y'");
	run_each("SELECT CONCAT('DROP USER ', QUOTE(User), '@', QUOTE(Host)) FROM mysql.user"
		 " WHERE User LIKE '@(%)'");
	run_each("SELECT CONCAT('DROP DATABASE `', REPLACE(schema_name, '`', '``'), '`')"
		 " FROM information_schema.schemata WHERE schema_name LIKE '@(%)'");
	mysql_close(connection);
	connection = NULL;
	return 0;
}

struct login stack_login(void)
{
	/* The port of the driver never changes the strings; struct login owns them elsewhere. */
	static char host[256], dbname[64];

	snprintf(host, sizeof(host), "%s", variable("STACK_MYSQL_HOST"));
	snprintf(dbname, sizeof(dbname), "%s", named("db"));
	return (struct login){
		.kind = LOGIN_DATABASE,
		.driver = is_mariadb() ? &mariadb_driver : &mysql_driver,
		.host = host,
		.port = (uint16_t)strtoul(variable("STACK_MYSQL_PORT"), NULL, 10),
		.dbname = NULL,
		.tls = true,
		.ca_file = variable("STACK_MYSQL_CA"),
	};
}

struct status login_at(const struct login *login, const char *user, const char *password,
		       int64_t milliseconds, struct database **ret)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	TRY(secret_make(password, strlen(password), &secret));
	return login->driver->open(login, user, &secret, deadline_in(&slow_clock, milliseconds),
				   ret);
}

struct status login_as(const char *user, const char *password, struct database **ret)
{
	struct login login = stack_login();

	return login_at(&login, user, password, 10000, ret);
}

struct database *admin_session(void)
{
	struct database *database = NULL;

	assert_ok(login_as(variable("STACK_MYSQL_ADMIN_USER"),
			   variable("STACK_MYSQL_ADMIN_PASSWORD"), &database));
	return database;
}

struct status set_password(struct database *database, const char *user, const char *password)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	TRY(secret_make(password, strlen(password), &secret));
	return database->ops->set_password(database, user, &secret);
}

struct status put_like(struct database *database, const char *user, const char *model,
		       const char *password, bool *created)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	TRY(secret_make(password, strlen(password), &secret));
	return database->ops->put_user_like(database, user, model, &secret, created);
}

struct status compare(const char *user, const char *password, const char *model,
		      const char *model_password)
{
	AUTO(database_close) struct database *one = NULL, *other = NULL;

	TRY(login_as(user, password, &one));
	TRY(login_as(model, model_password, &other));
	return one->ops->compare_users(one, user, other, model);
}

void kill_sessions_of(const char *user)
{
	char query[256];

	snprintf(query, sizeof(query),
		 "SELECT CONCAT('KILL ', ID) FROM information_schema.processlist WHERE USER = '%s'",
		 user);
	run_each(query);
}

bool log_contains(const char *text)
{
	FILE *log = fopen(variable("STACK_MYSQL_LOG"), "r");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	assert_non_null(log);
	while (!found && getline(&line, &size, log) >= 0)
		found = strstr(line, text) != NULL;
	free(line);
	fclose(log);
	return found;
}
