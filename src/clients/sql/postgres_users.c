/*
 * Users: setting a password, and making a user that can do what another can.
 *
 * A password travels as a SCRAM verifier computed here (RFC 5803), so a server that logs every
 * statement does not learn it. A new user is a member of its model and starts every session as the
 * model (`ALTER ROLE … SET role`): what it creates belongs to the model, and survives the next
 * turn.
 */
#include "clients/sql/postgres_operations.h"

#include "clients/sql/postgres_error.h"
#include "clients/sql/postgres_select.h"
#include "clients/sql/postgres_settings.h"

#include <string.h>

/* Names, a verifier and a role's settings are a few kilobytes. */
#define STATEMENT_MAX (256 * 1024)

static struct status append_verifier(struct postgres *session, struct buffer *statement,
				     const char *user, const struct secret *password)
{
	struct status status;
	char *verifier;

	if (secret_empty(password) || strlen(secret_reveal(password)) != secret_length(password))
		return failure(STATUS_INVALID,
			       "the new password of '%s' is empty or contains a NUL", user);
	verifier = PQencryptPasswordConn(session->connection, secret_reveal(password), user,
					 "scram-sha-256");
	if (verifier == NULL)
		return OUT_OF_MEMORY;
	status = postgres_append_literal(session, statement, verifier);
	explicit_bzero(verifier, strlen(verifier));
	PQfreemem(verifier);
	return status;
}

static struct status password_error(const struct postgres *session, const char *sqlstate,
				    const char *user)
{
	if (strcmp(sqlstate, "42501") == 0)
		return failure(
			STATUS_DENIED,
			"'%s' may not set the password of '%s' at %s (SQLSTATE %s): its own "
			"needs no permission, another's needs CREATEROLE, from PostgreSQL 16 also "
			"ADMIN OPTION on that role; on RDS with rds.restrict_password_commands "
			"'%s' must be a member of rds_password",
			session->user, user, session->place, sqlstate, session->user);
	if (strcmp(sqlstate, "42704") == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s (SQLSTATE %s)", user,
			       session->place, sqlstate);
	/* What the check hooks of passwordcheck and its kind raise. */
	if (strcmp(sqlstate, "22023") == 0 || strncmp(sqlstate, "28", 2) == 0)
		return failure(
			STATUS_INVALID,
			"%s refuses the new password of '%s' (SQLSTATE %s): a password check "
			"is installed there; adapt PASSWORD_LENGTH and the EXCLUDE_ variables",
			session->place, user, sqlstate);
	return postgres_statement_error(session, sqlstate, "setting a password");
}

/* The session is fit for managing already. */
static struct status alter_password(struct postgres *session, const char *user,
				    const struct secret *password)
{
	AUTO(buffer_clear) struct buffer statement = BUFFER_INIT(STATEMENT_MAX);
	AUTO(postgres_result_clear) PGresult *result = NULL;

	TRY(buffer_append_string(&statement, "ALTER ROLE "));
	TRY(postgres_append_identifier(session, &statement, user));
	TRY(buffer_append_string(&statement, " PASSWORD "));
	TRY(append_verifier(session, &statement, user, password));
	TRY(postgres_run(session, buffer_string(&statement), 0, NULL, &result));
	if (postgres_sqlstate(result)[0] != '\0')
		return password_error(session, postgres_sqlstate(result), user);
	return OK;
}

/*
 * An advisory lock is on two numbers: ours for the kind ("TAND", lest others use it), the user's. It
 * is one database's; the row of pg_authid, which the change itself locks, is the whole server's.
 */
struct status postgres_lock_user(struct database *database, const char *user)
{
	struct postgres *session = (struct postgres *)database;
	AUTO(buffer_clear) struct buffer script = BUFFER_INIT(STATEMENT_MAX);
	AUTO(postgres_result_clear) PGresult *result = NULL;
	const char *sqlstate;

	TRY(postgres_check_name("user name", user));
	TRY(postgres_manage(session));
	TRY(buffer_append_string(&script, "SELECT pg_advisory_lock(x'54414e44'::int, hashtext("));
	TRY(postgres_append_literal(session, &script, user));
	/* The lock is the session's, and outlives the change. */
	TRY(buffer_append_string(&script, ")); BEGIN"));
	TRY(postgres_run(session, buffer_string(&script), 0, NULL, &result));
	sqlstate = postgres_sqlstate(result);
	if (strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "57014") == 0)
		return failure(STATUS_UNAVAILABLE,
			       "another rotation is just changing '%s' at %s (SQLSTATE %s): try "
			       "again; if that stays, somebody else holds the advisory lock of "
			       "class 1413566020: see pg_locks",
			       user, session->place, sqlstate);
	if (sqlstate[0] != '\0')
		return postgres_statement_error(session, sqlstate, "locking a user");
	session->locked = true;
	return OK;
}

/* The server commits nothing, and says so in a word only, where a statement before had failed. */
struct status postgres_commit(struct database *database)
{
	struct postgres *session = (struct postgres *)database;
	AUTO(postgres_result_clear) PGresult *result = NULL;

	TRY(postgres_run(session, "COMMIT", 0, NULL, &result));
	if (postgres_sqlstate(result)[0] != '\0')
		return postgres_statement_error(session, postgres_sqlstate(result),
						"committing a change");
	session->locked = false;
	if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
		return failure(STATUS_UNAVAILABLE, "%s did not commit a change of '%s'",
			       session->place, session->user);
	return OK;
}

struct status postgres_set_password(struct database *database, const char *user,
				    const struct secret *password)
{
	struct postgres *session = (struct postgres *)database;

	TRY(postgres_check_name("user name", user));
	TRY(postgres_manage(session));
	return alter_password(session, user, password);
}

static struct status look_up(struct postgres *session, const char *user, bool *ret)
{
	AUTO(postgres_result_clear) PGresult *result = NULL;
	const char *const parameters[] = {user};
	const struct question question = {
		.doing = "looking up a user",
		.sql = "SELECT FROM pg_roles WHERE rolname = $1",
		.parameter_count = 1,
		.parameters = parameters,
	};

	TRY(postgres_select(session, &question, &result));
	*ret = PQntuples(result) > 0;
	return OK;
}

/* CREATE ROLE, with the model's attributes: a role takes them from nobody it is a member of. */
static struct status append_create(struct postgres *session, struct buffer *script,
				   const char *user, const char *model,
				   const struct secret *password)
{
	AUTO(postgres_result_clear) PGresult *attributes = NULL;
	const char *const parameters[] = {model};
	const struct question question = {
		.doing = "reading a user's attributes",
		.sql = "SELECT concat(CASE WHEN rolsuper THEN ' SUPERUSER' END,"
		       " CASE WHEN rolcreatedb THEN ' CREATEDB' END,"
		       " CASE WHEN rolcreaterole THEN ' CREATEROLE' END,"
		       " CASE WHEN rolreplication THEN ' REPLICATION' END,"
		       " CASE WHEN rolbypassrls THEN ' BYPASSRLS' END,"
		       " ' CONNECTION LIMIT ', rolconnlimit,"
		       " ' VALID UNTIL ' || quote_literal(rolvaliduntil))"
		       " FROM pg_roles WHERE rolname = $1",
		.columns = 1,
		.parameter_count = 1,
		.parameters = parameters,
	};

	TRY(postgres_select(session, &question, &attributes));
	if (PQntuples(attributes) == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s", model,
			       session->place);
	TRY(buffer_append_string(script, "CREATE ROLE "));
	TRY(postgres_append_identifier(session, script, user));
	TRY(buffer_append_string(script, " LOGIN INHERIT"));
	TRY(buffer_append_string(script, PQgetvalue(attributes, 0, 0)));
	TRY(buffer_append_string(script, " PASSWORD "));
	return append_verifier(session, script, user, password);
}

/* The model's own settings come last: if it starts its sessions as a third role, so does the user.
 */
static struct status append_membership(struct postgres *session, struct buffer *script,
				       const char *user, const char *model)
{
	TRY(buffer_append_string(script, "; GRANT "));
	TRY(postgres_append_identifier(session, script, model));
	TRY(buffer_append_string(script, " TO "));
	TRY(postgres_append_identifier(session, script, user));
	TRY(buffer_append_string(script, "; ALTER ROLE "));
	TRY(postgres_append_identifier(session, script, user));
	TRY(buffer_append_string(script, " SET role TO "));
	TRY(postgres_append_literal(session, script, model));
	return postgres_append_settings(session, script, user, model);
}

static struct status create_error(const struct postgres *session, const char *sqlstate,
				  const char *user, const char *model)
{
	if (strcmp(sqlstate, "42501") == 0)
		return failure(
			STATUS_DENIED,
			"'%s' may not create '%s' like '%s' at %s (SQLSTATE %s): it needs "
			"CREATEROLE, from PostgreSQL 16 also GRANT \"%s\" TO \"%s\" WITH ADMIN "
			"OPTION; on RDS with rds.restrict_password_commands membership in "
			"rds_password; and every attribute and setting of '%s' that only a "
			"superuser may give",
			session->user, user, model, session->place, sqlstate, model, session->user,
			model);
	if (strcmp(sqlstate, "42704") == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s (SQLSTATE %s)", model,
			       session->place, sqlstate);
	if (strcmp(sqlstate, "42939") == 0)
		return failure(STATUS_INVALID,
			       "'%s' is a name that PostgreSQL reserves (SQLSTATE %s)", user,
			       sqlstate);
	return password_error(session, sqlstate, user);
}

/* To where the lock was held and nothing had failed yet. */
static struct status go_back(struct postgres *session)
{
	AUTO(postgres_result_clear) PGresult *result = NULL;

	if (!session->locked)
		return OK;
	TRY(postgres_run(session, "ROLLBACK TO SAVEPOINT before", 0, NULL, &result));
	if (postgres_sqlstate(result)[0] != '\0')
		return postgres_statement_error(session, postgres_sqlstate(result),
						"going back to before a user was created");
	return OK;
}

static struct status create(struct postgres *session, const char *user, const char *model,
			    const struct secret *password, bool *created)
{
	AUTO(buffer_clear) struct buffer script = BUFFER_INIT(STATEMENT_MAX);
	AUTO(postgres_result_clear) PGresult *result = NULL;
	const char *sqlstate;

	if (session->locked)
		TRY(buffer_append_string(&script, "SAVEPOINT before; "));
	TRY(append_create(session, &script, user, model, password));
	TRY(append_membership(session, &script, user, model));
	/* Several statements in one message are one transaction: all of it or nothing. */
	TRY(postgres_run(session, buffer_string(&script), 0, NULL, &result));
	sqlstate = postgres_sqlstate(result);
	/* It exists: seen by CREATE ROLE, or by the index when two were at it in the same moment.
	 */
	if (strcmp(sqlstate, "42710") == 0 || strcmp(sqlstate, "23505") == 0) {
		*created = false;
		TRY(go_back(session));
		return alter_password(session, user, password);
	}
	if (sqlstate[0] != '\0')
		return create_error(session, sqlstate, user, model);
	return OK;
}

struct status postgres_put_user_like(struct database *database, const char *user, const char *model,
				     const struct secret *password, bool *created)
{
	struct postgres *session = (struct postgres *)database;
	bool exists = false;

	TRY(postgres_check_name("user name", user));
	TRY(postgres_check_name("user name", model));
	TRY(postgres_manage(session));
	TRY(look_up(session, user, &exists));
	*created = !exists;
	if (exists)
		return alter_password(session, user, password);
	return create(session, user, model, password, created);
}
