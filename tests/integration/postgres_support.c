#include "postgres_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static PGconn *connection;
static PGresult *last_answer;

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL)
		fail_msg("%s is not set: run this under tests/stack/with_stack.py --postgres",
			 name);
	return value;
}

static PGconn *connect_as(const char *user, const char *password)
{
	const char *const keywords[] = {"host",	       "port",	  "dbname",	"user", "password",
					"sslrootcert", "sslmode", "gssencmode", NULL};
	const char *const values[] = {variable("STACK_PG_HOST"),
				      variable("STACK_PG_PORT"),
				      variable("STACK_PG_DBNAME"),
				      user,
				      password,
				      variable("STACK_CA"),
				      "verify-full",
				      "disable", /* Kerberos keeps what it has once looked for */
				      NULL};

	return PQconnectdbParams(keywords, values, 0);
}

static void ignore_notice(void *context, const char *text)
{
	(void)context;
	(void)text;
}

const char *named(const char *what)
{
	static char names[16][64];
	static size_t next;
	char *name = names[next++ % 16];

	snprintf(name, sizeof(names[0]), "t%d_%s", (int)getpid(), what);
	return name;
}

[[gnu::format(printf, 1, 0)]] static PGresult *run(const char *format, va_list arguments)
{
	char *sql = NULL;
	PGresult *result;

	assert_true(vasprintf(&sql, format, arguments) >= 0);
	result = PQexec(connection, sql);
	free(sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("preparing: %s", PQerrorMessage(connection));
	return result;
}

void admin(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	PQclear(run(format, arguments));
	va_end(arguments);
}

const char *answer(const char *format, ...)
{
	va_list arguments;

	PQclear(last_answer);
	va_start(arguments, format);
	last_answer = run(format, arguments);
	va_end(arguments);
	return PQntuples(last_answer) > 0 ? PQgetvalue(last_answer, 0, 0) : "";
}

bool run_as(const char *user, const char *password, const char *sql)
{
	PGconn *session = connect_as(user, password);
	PGresult *result;
	bool done;

	PQsetNoticeProcessor(session, ignore_notice, NULL);
	result = PQexec(session, sql);
	done = PQresultStatus(result) == PGRES_COMMAND_OK ||
	       PQresultStatus(result) == PGRES_TUPLES_OK;
	PQclear(result);
	PQfinish(session);
	return done;
}

int server_version(void)
{
	return PQserverVersion(connection);
}

int set_up(void **state)
{
	(void)state;
	connection = connect_as(variable("STACK_PG_ADMIN_USER"),
				variable("STACK_PG_ADMIN_PASSWORD"));
	if (PQstatus(connection) != CONNECTION_OK) {
		print_error("%s", PQerrorMessage(connection));
		return -1;
	}
	PQsetNoticeProcessor(connection, ignore_notice, NULL);
	admin("CREATE SCHEMA %s", named("s"));
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	admin("ROLLBACK");
	admin("DO $$ DECLARE r name; BEGIN"
	      " FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 't%d\\_%%' LOOP"
	      "  EXECUTE format('DROP OWNED BY %%I CASCADE', r); END LOOP;"
	      " FOR r IN SELECT rolname FROM pg_roles WHERE rolname LIKE 't%d\\_%%' LOOP"
	      "  EXECUTE format('DROP ROLE %%I', r); END LOOP; END $$",
	      (int)getpid(), (int)getpid());
	admin("DROP SCHEMA IF EXISTS %s CASCADE", named("s"));
	PQclear(last_answer);
	last_answer = NULL;
	PQfinish(connection);
	connection = NULL;
	return 0;
}

struct login stack_login(void)
{
	/* The port of the driver never changes the strings; struct login owns them elsewhere. */
	static char host[256], dbname[64];

	snprintf(host, sizeof(host), "%s", variable("STACK_PG_HOST"));
	snprintf(dbname, sizeof(dbname), "%s", variable("STACK_PG_DBNAME"));
	return (struct login){
		.kind = LOGIN_DATABASE,
		.driver = &postgres_driver,
		.host = host,
		.port = (uint16_t)strtoul(variable("STACK_PG_PORT"), NULL, 10),
		.dbname = dbname,
		.tls = true,
		.ca_file = variable("STACK_CA"),
	};
}

struct status login_at(const struct login *login, const char *user, const char *password,
		       int64_t milliseconds, struct database **ret)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	TRY(secret_make(password, strlen(password), &secret));
	return postgres_driver.open(login, user, &secret, deadline_in(&slow_clock, milliseconds),
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

	assert_ok(login_as(variable("STACK_PG_ADMIN_USER"), variable("STACK_PG_ADMIN_PASSWORD"),
			   &database));
	return database;
}

bool user_exists(const char *user)
{
	const char *const parameters[] = {user};
	PGresult *result = PQexecParams(connection, "SELECT FROM pg_roles WHERE rolname = $1", 1,
					NULL, parameters, NULL, NULL, 0);
	int rows = PQntuples(result);

	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	PQclear(result);
	return rows > 0;
}

struct status set_password(struct database *database, const char *user, const char *password)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;

	TRY(secret_make(password, strlen(password), &secret));
	return database->ops->set_password(database, user, &secret);
}

struct status create_like(struct database *database, const char *user, const char *model,
			  const char *password)
{
	AUTO(secret_clear) struct secret secret = SECRET_INIT;
	bool created;

	TRY(secret_make(password, strlen(password), &secret));
	return database->ops->put_user_like(database, user, model, &secret, &created);
}

bool log_contains(const char *text)
{
	FILE *log = fopen(variable("STACK_PG_LOG"), "r");
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
