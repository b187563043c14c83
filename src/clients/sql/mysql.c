/*
 * The drivers: one session is opened, proven to read, and offers the operations of its siblings.
 *
 * Proxies get the login and one SELECT, nothing that would pin a connection behind them.
 */
#include "clients/sql/mysql.h"

#include "clients/sql/mysql_error.h"
#include "clients/sql/mysql_operations.h"
#include "clients/sql/mysql_select.h"

static void close_database(struct database **database)
{
	struct mysql *session = (struct mysql *)*database;

	mysql_session_close(&session);
	*database = NULL;
}

static const struct database_ops operations = {
	.lock_user = mysql_lock_user,
	.commit = mysql_commit_change,
	.set_password = mysql_set_password,
	.put_user_like = mysql_put_user_like,
	.compare_users = mysql_compare_users,
	.add_password = mysql_add_password,
	.drop_former = mysql_drop_former,
	.close = close_database,
};

/* Behind a proxy the login itself proves little: it connects to the database only now. */
static struct status prove_reading(struct mysql *session)
{
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;
	const struct mysql_question question = {
		.doing = "a first read", .sql = "SELECT 1", .columns = 1};
	unsigned error = 0;

	TRY(mysql_select(session, &question, &error, &rows));
	/* The proxy took the password, so this is about the proxy's own login, and mends itself. */
	if (error != 0 && session->kind == LOGIN_PROXY)
		return failure(STATUS_UNAVAILABLE,
			       "%s let '%s' in, but could not reach the database for it (error %u)",
			       session->place, session->user, error);
	if (error != 0)
		return mysql_statement_error(session, error, question.doing);
	return OK;
}

/*
 * Over TLS the password itself may be what the server is told; without, what it is told can be tried
 * against guesses. So none of these servers can show that it knows it first.
 */
static struct status refuse_to_tell(const struct login *login)
{
	*login->unproven = true;
	return failure(
		STATUS_INVALID,
		"a server of this engine cannot prove that it knows a password without being "
		"told it");
}

static struct status open_database(const struct login *login, const char *user,
				   const struct secret *password, struct deadline deadline,
				   struct database **ret)
{
	AUTO(mysql_session_close) struct mysql *session = NULL;

	if (login->unproven != NULL)
		return refuse_to_tell(login);
	TRY(mysql_connect(login, user, password, deadline, &session));
	TRY(prove_reading(session));
	session->database.ops = &operations;
	session->ca_file = NULL; /* the login's, which may go away */
	*ret = &session->database;
	session = NULL;
	return OK;
}

/* RDS asks for 8 characters of a master user; caching_sha2_password takes 255 bytes. */
#define DRIVER(names, characters, two_passwords)                                                 \
	{                                                                                        \
		.engines = names, .default_port = 3306, .default_dbname = "",                    \
		.username_max = characters, .counts_characters = true, .sees_itself_only = true, \
		.keeps_former = two_passwords, .never_proves = true,                             \
		.password_rules = {.min_length = 8, .max_length = 128}, .open = open_database,   \
	}

static const char *const mysql_engines[] = {"mysql", "aurora-mysql", NULL};
static const char *const mariadb_engines[] = {"mariadb", NULL};

const struct database_driver mysql_driver = DRIVER(mysql_engines, 32, true);
const struct database_driver mariadb_driver = DRIVER(mariadb_engines, 80, false);
