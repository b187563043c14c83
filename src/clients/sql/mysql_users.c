/*
 * Users: the lock, and passwords.
 *
 * MySQL writes a password that a statement holds into no log of its own, but as its hash (the manual's
 * "Passwords and Logging"), unless it was started with log_raw: then nothing is sent (versions before
 * 8.0.19 do not tell that they were). MariaDB's general
 * log has statements as they come, so it is sent the hash: that of mysql_native_password, the only one
 * that can be computed here for it.
 */
#include "clients/sql/mysql_operations.h"

#include "clients/sql/mysql_error.h"
#include "clients/sql/mysql_hash.h"
#include "clients/sql/mysql_profile.h"
#include "clients/sql/mysql_select.h"

#include <mysqld_error.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* Some accounts' names, and a password for each. */
#define STATEMENT_MAX (64 * 1024)

/* The server's own limits are whole seconds. */
#define COMMIT_MIN_MS 1500

/* A name of at most 64 characters: ours, and the user's SHA-256 as far as there is room. */
#define LOCK_PREFIX "tandem:"
#define LOCK_BYTES 24
#define LOCK_NAME_SIZE (sizeof(LOCK_PREFIX) + 2 * LOCK_BYTES)

/* What only one of the two headers has. */
enum {
	MYSQL_NOT_THE_CURRENT_PASSWORD = 3891,
	MYSQL_CURRENT_PASSWORD_NEEDED = 3892,
	MYSQL_HISTORY = 3638,
	MARIADB_PASSWORD_LENGTH = 1372,
};

static const char native[] = "mysql_native_password";

static struct status name_lock(const char *user, char ret[static LOCK_NAME_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char *at = ret;

	if (EVP_Digest(user, strlen(user), digest, NULL, EVP_sha256(), NULL) != 1)
		return OUT_OF_MEMORY;
	at += snprintf(at, LOCK_NAME_SIZE, LOCK_PREFIX);
	for (int i = 0; i < LOCK_BYTES; i++, at += 2)
		snprintf(at, 3, "%02x", digest[i]);
	return OK;
}

struct status mysql_lock_user(struct database *database, const char *user)
{
	struct mysql *session = (struct mysql *)database;
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;
	char name[LOCK_NAME_SIZE], sql[128];
	const struct mysql_question question = {
		.doing = "locking a user", .sql = sql, .columns = 1};
	const char *answer;

	TRY(mysql_check_name(session, "user name", user));
	TRY(mysql_manage(session));
	TRY(name_lock(user, name));
	snprintf(sql, sizeof(sql), "SELECT GET_LOCK('%s', %lld)", name,
		 (long long)deadline_left(session->deadline) * 9 / 10 / 1000);
	TRY(mysql_select(session, &question, NULL, &rows));
	answer = rows.count == 1 ? mysql_value(&rows, 0, 0) : NULL;
	if (answer == NULL || strcmp(answer, "1") != 0)
		return failure(STATUS_UNAVAILABLE,
			       "another rotation is just changing '%s' at %s: try again; if that "
			       "stays, somebody else holds a lock whose name begins with '%s'",
			       user, session->place, LOCK_PREFIX);
	session->locked = true;
	session->spoilt = false;
	return OK;
}

/* Of its own: what needs another permission than an admin's. */
static const char keeping_own[] = "keeping its password beside a new one";

static struct status change_error(const struct mysql *session, unsigned error, const char *doing)
{
	switch (error) {
	case ER_CANNOT_USER:
		return failure(STATUS_NOT_FOUND, "%s has no such user (%s, error %u)",
			       session->place, doing, error);
	case ER_NOT_VALID_PASSWORD:
	case MARIADB_PASSWORD_LENGTH:
	case MYSQL_HISTORY:
		return failure(STATUS_INVALID,
			       "%s refuses the new password (error %u): a password policy is in "
			       "force there; adapt PASSWORD_LENGTH and the EXCLUDE_ variables",
			       session->place, error);
	case MYSQL_NOT_THE_CURRENT_PASSWORD:
	case MYSQL_CURRENT_PASSWORD_NEEDED:
		return failure(
			STATUS_INVALID,
			"'%s' has a newer password at %s than the one that it logged in with, and "
			"must name that to change it (error %u): set it as an administrator, or "
			"name an admin secret",
			session->user, session->place, error);
	default:
		break;
	}
	if (mysql_is_denied(error) && doing == keeping_own)
		return failure(STATUS_DENIED,
			       "'%s' lacks a permission for %s at %s (error %u): grant it "
			       "APPLICATION_PASSWORD_ADMIN",
			       session->user, doing, session->place, error);
	if (mysql_is_denied(error))
		return failure(
			STATUS_DENIED,
			"'%s' lacks a permission for %s at %s (error %u): an admin needs CREATE "
			"USER, SELECT ON mysql.*, and WITH GRANT OPTION whatever it is to grant",
			session->user, doing, session->place, error);
	return mysql_statement_error(session, error, doing);
}

static struct status run_one(struct mysql *session, const struct mysql_statement *statement,
			     unsigned *error)
{
	TRY(mysql_run(session, statement->sql, error));
	if (mysql_is_denied(*error) && statement->if_denied != NULL)
		TRY(mysql_run(session, statement->if_denied, error));
	if (*error == MYSQL_NOT_THE_CURRENT_PASSWORD && statement->if_kept != NULL)
		TRY(mysql_run(session, statement->if_kept, error));
	if (*error == MYSQL_CURRENT_PASSWORD_NEEDED && statement->if_needed != NULL)
		TRY(mysql_run(session, statement->if_needed, error));
	return OK;
}

static struct status run_script(struct mysql *session)
{
	struct mysql_script *script = &session->script;
	struct status status = OK;

	for (size_t i = 0; i < script->count && status.code == STATUS_OK; i++) {
		const struct mysql_statement *statement = &script->statements[i];
		unsigned error = 0;

		status = run_one(session, statement, &error);
		if (status.code == STATUS_OK && error != 0)
			status = change_error(session, error, statement->doing);
	}
	mysql_script_clear(script);
	return status;
}

struct status mysql_end_change(struct mysql *session, struct status added)
{
	if (added.code != STATUS_OK) {
		mysql_script_clear(&session->script);
		session->spoilt = session->locked;
		return added;
	}
	return session->locked ? OK : run_script(session);
}

struct status mysql_commit_change(struct database *database)
{
	struct mysql *session = (struct mysql *)database;

	if (!session->locked || session->spoilt) {
		mysql_script_clear(&session->script);
		return failure(STATUS_UNAVAILABLE,
			       "%s did not commit the change of a user: a part of it had failed",
			       session->place);
	}
	session->locked = false; /* the lock itself stays until the session ends */
	/* What the server might do after we are gone is not begun. */
	if (deadline_left(session->deadline) < COMMIT_MIN_MS) {
		mysql_script_clear(&session->script);
		return failure(STATUS_UNAVAILABLE, "too little time is left to change a user at %s",
			       session->place);
	}
	TRY(mysql_limit_waits(session));
	return run_script(session);
}

struct status mysql_check_log(struct mysql *session)
{
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;
	const struct mysql_question question = {
		.doing = "asking whether passwords are logged",
		.sql = "SHOW GLOBAL VARIABLES WHERE Variable_name = 'log_raw' AND Value = 'ON'",
		.columns = 2};

	TRY(mysql_select(session, &question, NULL, &rows));
	if (rows.count == 0)
		return OK;
	return failure(STATUS_INVALID,
		       "%s would write the new password into its log: set log_raw = OFF there",
		       session->place);
}

static bool has_password(const struct mysql *session, const char *plugin)
{
	static const char *const plugins[] = {"caching_sha2_password", "sha256_password", native};

	/* MariaDB's older versions have none in the table. */
	if (session->is_mariadb)
		return strcmp(plugin, native) == 0 || plugin[0] == '\0';
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++)
		if (strcmp(plugin, plugins[i]) == 0)
			return true;
	return false;
}

static struct status check_plugin(const struct mysql *session, const char *user, const char *plugin)
{
	if (has_password(session, plugin))
		return OK;
	return failure(STATUS_INVALID,
		       "'%s' logs in at %s by '%.60s', whose password cannot be set from here: "
		       "alter the user to log in by %s",
		       user, session->place, plugin,
		       session->is_mariadb ? native : "caching_sha2_password");
}

struct status mysql_append_identified(struct mysql *session, const char *user, const char *plugin,
				      const struct secret *password, struct buffer *statement)
{
	char hash[MYSQL_NATIVE_HASH_SIZE];

	TRY(check_plugin(session, user, plugin));
	if (session->is_mariadb) {
		TRY(mysql_native_hash(password, hash));
		return buffer_printf(statement, " IDENTIFIED VIA %s USING '%s'", native, hash);
	}
	TRY(buffer_printf(statement, " IDENTIFIED WITH %s BY ", plugin));
	return mysql_append_literal(session, statement, secret_reveal(password));
}

static bool has_two_passwords(const struct mysql *session)
{
	return mysql_since(session, 80014);
}

static const char setting[] = "setting a password";
static const char retain[] = " RETAIN CURRENT PASSWORD";

static struct status append_change(struct mysql *session, const char *user,
				   const struct mysql_account *account,
				   const struct secret *password, struct buffer *statement)
{
	TRY(buffer_append_string(statement, statement->length == 0 ? "ALTER USER " : ", "));
	TRY(mysql_append_account(session, statement, user, account->host));
	return mysql_append_identified(session, user, account->plugin, password, statement);
}

struct status mysql_change_accounts(struct mysql *session, const char *user,
				    const struct mysql_accounts *accounts,
				    const struct secret *password)
{
	AUTO(buffer_clear) struct buffer keeping = BUFFER_INIT(STATEMENT_MAX);
	AUTO(buffer_clear) struct buffer plain = BUFFER_INIT(STATEMENT_MAX);

	for (size_t i = 0; i < accounts->count; i++) {
		const struct mysql_account *account = &accounts->list[i];
		bool done = false;

		/* Once more would be the end of what an earlier try of the same has kept. */
		TRY(mysql_hash_matches(account->stored, password, &done));
		if (done)
			continue;
		TRY(append_change(session, user, account, password, &keeping));
		/* One that never had a password has none to keep. */
		if (account->stored[0] != '\0')
			TRY(buffer_append_string(&keeping, retain));
		TRY(append_change(session, user, account, password, &plain));
	}
	if (plain.length == 0)
		return OK;
	if (!has_two_passwords(session))
		return mysql_script_add(&session->script, setting, &plain);
	TRY(mysql_script_add(&session->script, setting, &keeping));
	return mysql_script_add_instead(&session->script, &plain, NULL, NULL);
}

/*
 * MariaDB's SET PASSWORD takes the hash; on another plugin than the native one it would be no
 * password.
 */
static struct status change_own_in_mariadb(struct mysql *session, const struct secret *password)
{
	AUTO(mysql_profile_clear) struct mysql_profile own = MYSQL_PROFILE_INIT;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	char hash[MYSQL_NATIVE_HASH_SIZE];

	TRY(mysql_profile_read(session, NULL, &own));
	TRY(check_plugin(session, session->user, own.definition.plugin));
	TRY(mysql_native_hash(password, hash));
	TRY(buffer_printf(&sql, "SET PASSWORD = '%s'", hash));
	return mysql_script_add(&session->script, "setting its password", &sql);
}

/*
 * The current password is named, and kept: but only if it is the newest. The session's own may be one
 * that an earlier try of the same has kept beside the newest, and then keeping the newest would be the
 * end of it; setting the newest alone leaves it as it is. `must_keep`: or nothing is changed.
 */
static struct status change_own_in_mysql(struct mysql *session, const struct secret *password,
					 bool must_keep)
{
	AUTO(buffer_clear) struct buffer plain = BUFFER_INIT(STATEMENT_MAX);
	AUTO(buffer_clear) struct buffer checking = BUFFER_INIT(STATEMENT_MAX);
	AUTO(buffer_clear) struct buffer keeping = BUFFER_INIT(STATEMENT_MAX);
	AUTO(buffer_clear) struct buffer again = BUFFER_INIT(STATEMENT_MAX);

	TRY(buffer_append_string(&plain, "ALTER USER USER() IDENTIFIED BY "));
	TRY(mysql_append_literal(session, &plain, secret_reveal(password)));
	if (!has_two_passwords(session))
		return mysql_script_add(&session->script, setting, &plain);
	TRY(buffer_append_string(&checking, buffer_string(&plain)));
	TRY(buffer_append_string(&checking, " REPLACE "));
	TRY(mysql_append_literal(session, &checking, secret_reveal(&session->password)));
	TRY(buffer_append_string(&keeping, buffer_string(&checking)));
	TRY(buffer_append_string(&keeping, retain));
	TRY(buffer_append_string(&again, buffer_string(&plain)));
	TRY(buffer_append_string(&again, " REPLACE "));
	TRY(mysql_append_literal(session, &again, secret_reveal(password)));
	TRY(mysql_script_add(&session->script, must_keep ? keeping_own : setting, &keeping));
	return mysql_script_add_instead(&session->script, must_keep ? NULL : &checking, &plain,
					&again);
}

static struct status change_another(struct mysql *session, const char *user,
				    const struct secret *password)
{
	AUTO(mysql_accounts_clear) struct mysql_accounts accounts = MYSQL_ACCOUNTS_INIT;

	TRY(mysql_accounts_find(session, user, &accounts));
	if (accounts.count == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s", user,
			       session->place);
	return mysql_change_accounts(session, user, &accounts, password);
}

static struct status add_change(struct mysql *session, const char *user,
				const struct secret *password)
{
	TRY(mysql_check_name(session, "user name", user));
	TRY(place_check_password(user, password));
	TRY(mysql_manage(session));
	TRY(mysql_check_log(session));
	if (strcmp(user, session->user) != 0)
		return change_another(session, user, password);
	return session->is_mariadb ? change_own_in_mariadb(session, password)
				   : change_own_in_mysql(session, password, false);
}

struct status mysql_set_password(struct database *database, const char *user,
				 const struct secret *password)
{
	struct mysql *session = (struct mysql *)database;

	return mysql_end_change(session, add_change(session, user, password));
}

/*
 * Each account's `present` password stays: as the one that is kept from now on, or as it was kept
 * before.
 */
static struct status add_to_another(struct mysql *session, const char *user,
				    const struct secret *present, const struct secret *password)
{
	AUTO(mysql_accounts_clear) struct mysql_accounts accounts = MYSQL_ACCOUNTS_INIT;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);

	TRY(mysql_accounts_find(session, user, &accounts));
	if (accounts.count == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s", user,
			       session->place);
	for (size_t i = 0; i < accounts.count; i++) {
		const struct mysql_account *account = &accounts.list[i];
		bool done = false, is_newest = false, is_kept = false;

		TRY(mysql_hash_matches(account->stored, password, &done));
		TRY(mysql_hash_matches(account->stored, present, &is_newest));
		if (done)
			continue;
		if (!is_newest && account->former != NULL)
			TRY(mysql_hash_matches(account->former, present, &is_kept));
		if (!is_newest && !is_kept)
			return failure(STATUS_CONFLICT,
				       "'%s'@'%s' has another password than the current one at %s: "
				       "give all its accounts the same",
				       user, account->host, session->place);
		TRY(append_change(session, user, account, password, &sql));
		if (is_newest)
			TRY(buffer_append_string(&sql, retain));
	}
	return sql.length > 0 ? mysql_script_add(&session->script, setting, &sql) : OK;
}

static struct status add_second(struct mysql *session, const char *user,
				const struct secret *present, const struct secret *password)
{
	TRY(mysql_check_name(session, "user name", user));
	TRY(place_check_password(user, password));
	TRY(mysql_manage(session));
	if (!has_two_passwords(session))
		return failure(STATUS_DENIED, "%s knows one password for a user at a time",
			       session->place);
	TRY(mysql_check_log(session));
	if (strcmp(user, session->user) == 0)
		return change_own_in_mysql(session, password, true);
	return add_to_another(session, user, present, password);
}

struct status mysql_add_password(struct database *database, const char *user,
				 const struct secret *present, const struct secret *password)
{
	struct mysql *session = (struct mysql *)database;

	return mysql_end_change(session, add_second(session, user, present, password));
}

static struct status append_discards(struct mysql *session, const char *user, struct buffer *sql)
{
	AUTO(mysql_accounts_clear) struct mysql_accounts accounts = MYSQL_ACCOUNTS_INIT;

	TRY(mysql_accounts_find(session, user, &accounts));
	for (size_t i = 0; i < accounts.count; i++) {
		if (accounts.list[i].former == NULL)
			continue;
		TRY(buffer_append_string(sql, sql->length == 0 ? "ALTER USER " : ", "));
		TRY(mysql_append_account(session, sql, user, accounts.list[i].host));
		TRY(buffer_append_string(sql, " DISCARD OLD PASSWORD"));
	}
	return OK;
}

struct status mysql_drop_former(struct database *database, const char *user)
{
	struct mysql *session = (struct mysql *)database;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	unsigned error = 0;

	TRY(mysql_check_name(session, "user name", user));
	TRY(mysql_manage(session));
	if (!has_two_passwords(session))
		return OK;
	if (strcmp(user, session->user) == 0)
		TRY(buffer_append_string(&sql, "ALTER USER USER() DISCARD OLD PASSWORD"));
	else
		TRY(append_discards(session, user, &sql));
	if (sql.length == 0)
		return OK;
	TRY(mysql_run(session, buffer_string(&sql), &error));
	return error == 0 ? OK : change_error(session, error, "discarding an old password");
}
