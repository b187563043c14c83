#include "clients/sql/mysql_accounts.h"

#include "clients/sql/mysql_error.h"
#include "clients/sql/mysql_select.h"
#include "core/memory.h"

#include <string.h>

enum column { HOST, PLUGIN, STORED, FORMER, COLUMNS };

/* In MariaDB a role is a row without a host, and of several plugins mysql.user has the first. */
static const char *columns_of(const struct mysql *session)
{
	if (session->is_mariadb)
		return "SELECT u.Host, IF(JSON_EXISTS(g.Priv, '$.auth_or'), 'several plugins',"
		       " u.plugin), u.authentication_string, NULL FROM mysql.user u"
		       " JOIN mysql.global_priv g ON g.Host = u.Host AND g.User = u.User"
		       " WHERE u.is_role = 'N' AND u.User = ";
	if (mysql_since(session, 80014))
		return "SELECT Host, plugin, authentication_string,"
		       " JSON_UNQUOTE(JSON_EXTRACT(User_attributes, '$.additional_password'))"
		       " FROM mysql.user WHERE User = ";
	return "SELECT Host, plugin, authentication_string, NULL FROM mysql.user WHERE User = ";
}

static struct status take(const struct mysql_rows *rows, size_t row, struct mysql_account *account)
{
	char **texts[] = {
		[HOST] = &account->host, [PLUGIN] = &account->plugin, [STORED] = &account->stored};

	for (size_t i = HOST; i <= STORED; i++) {
		const char *value = mysql_value(rows, row, i);

		*texts[i] = memory_copy_string(value != NULL ? value : "");
		if (*texts[i] == NULL)
			return OUT_OF_MEMORY;
	}
	if (mysql_value(rows, row, FORMER) == NULL)
		return OK;
	account->former = memory_copy_string(mysql_value(rows, row, FORMER));
	return account->former != NULL ? OK : OUT_OF_MEMORY;
}

struct status mysql_accounts_find(struct mysql *session, const char *user,
				  struct mysql_accounts *ret)
{
	AUTO(mysql_accounts_clear) struct mysql_accounts accounts = MYSQL_ACCOUNTS_INIT;
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(4096);
	struct mysql_question question = {.doing = "looking up a user's accounts",
					  .columns = COLUMNS};
	unsigned error = 0;

	TRY(buffer_append_string(&sql, columns_of(session)));
	TRY(mysql_append_literal(session, &sql, user));
	TRY(buffer_append_string(&sql, " ORDER BY 1"));
	question.sql = buffer_string(&sql);
	TRY(mysql_select(session, &question, &error, &rows));
	if (mysql_is_denied(error))
		return failure(
			STATUS_DENIED,
			"'%s' may not look up the accounts of '%s' at %s (error %u): grant it "
			"SELECT ON mysql.*",
			session->user, user, session->place, error);
	if (error != 0)
		return mysql_statement_error(session, error, question.doing);
	if (rows.count > MYSQL_ACCOUNTS_MAX)
		return failure(STATUS_INVALID,
			       "'%s' has more than %d accounts at %s: one for '%%' "
			       "or a few networks would do",
			       user, MYSQL_ACCOUNTS_MAX, session->place);
	for (; accounts.count < rows.count; accounts.count++)
		TRY(take(&rows, accounts.count, &accounts.list[accounts.count]));
	mysql_accounts_clear(ret);
	*ret = accounts;
	accounts = MYSQL_ACCOUNTS_INIT;
	return OK;
}

const struct mysql_account *mysql_accounts_at(const struct mysql_accounts *accounts,
					      const char *host)
{
	for (size_t i = 0; i < accounts->count; i++)
		if (strcmp(accounts->list[i].host, host) == 0)
			return &accounts->list[i];
	return NULL;
}

void mysql_accounts_clear(struct mysql_accounts *accounts)
{
	for (size_t i = 0; i < MYSQL_ACCOUNTS_MAX; i++) {
		memory_free(accounts->list[i].host);
		memory_free(accounts->list[i].plugin);
		memory_free(accounts->list[i].stored);
		memory_free(accounts->list[i].former);
	}
	*accounts = MYSQL_ACCOUNTS_INIT;
}
