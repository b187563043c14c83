/*
 * The driver: one session is opened, proven to read, and offers the operations of its siblings.
 *
 * Proxies get the login and one SELECT, nothing that would pin a connection behind them.
 */
#include "clients/sql/postgres.h"

#include "clients/sql/postgres_error.h"
#include "clients/sql/postgres_operations.h"
#include "clients/sql/postgres_session.h"

static void close_database(struct database **database)
{
	struct postgres *session = (struct postgres *)*database;

	postgres_close(&session);
	*database = NULL;
}

static const struct database_ops operations = {
	.lock_user = postgres_lock_user,
	.commit = postgres_commit,
	.set_password = postgres_set_password,
	.put_user_like = postgres_put_user_like,
	.compare_users = postgres_compare_users,
	.close = close_database,
};

/* Behind a proxy the login itself proves little: some connect to the database only now. */
static struct status prove_reading(struct postgres *session)
{
	AUTO(postgres_result_clear) PGresult *result = NULL;

	TRY(postgres_run(session, "SELECT 1", 0, NULL, &result));
	if (postgres_sqlstate(result)[0] == '\0')
		return OK;
	/* The proxy took the password, so this is about the proxy's own login, and mends itself. */
	if (session->kind == LOGIN_PROXY)
		return failure(
			STATUS_UNAVAILABLE,
			"%s let '%s' in, but could not reach the database for it (SQLSTATE %s)",
			session->place, session->user, postgres_sqlstate(result));
	return postgres_statement_error(session, postgres_sqlstate(result), "a first read");
}

static struct status open_database(const struct login *login, const char *user,
				   const struct secret *password, struct deadline deadline,
				   struct database **ret)
{
	AUTO(postgres_close) struct postgres *session = NULL;

	TRY(postgres_connect(login, user, password, deadline, &session));
	TRY(prove_reading(session));
	session->database.ops = &operations;
	session->ca_file = NULL; /* the login's, which may go away */
	session->unproven = NULL;
	*ret = &session->database;
	session = NULL;
	return OK;
}

static const char *const engines[] = {"postgres", "postgresql", "aurora-postgresql", NULL};

const struct database_driver postgres_driver = {
	.engines = engines,
	.default_port = 5432,
	.default_dbname = "postgres",
	.username_max = POSTGRES_NAME_MAX,
	/* PostgreSQL sets no rules; RDS asks for 8 to 128 characters. */
	.password_rules = {.min_length = 8, .max_length = 128},
	.open = open_database,
};
