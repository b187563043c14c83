/*
 * A user like another: created with what its model has, or made to follow it. Each of the model's
 * accounts has its counterpart for the same host.
 */
#include "clients/sql/mysql_operations.h"

#include "clients/sql/mysql_profile.h"

#include <string.h>

#define STATEMENT_MAX (64 * 1024)

/* One host's two accounts. */
struct pair {
	const char *user, *model, *host;
	const struct mysql_account *exists; /* the user's, NULL: it is to be created */
};

static struct status read_profile(struct mysql *session, const char *user, const char *host,
				  struct mysql_profile *ret)
{
	AUTO(buffer_clear) struct buffer account = BUFFER_INIT(STATEMENT_MAX);

	TRY(mysql_append_account(session, &account, user, host));
	return mysql_profile_read(session, buffer_string(&account), ret);
}

static struct status add_create(struct mysql *session, const struct pair *pair,
				const struct mysql_definition *model, const struct secret *password)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);

	TRY(buffer_append_string(&sql, "CREATE USER "));
	TRY(mysql_append_account(session, &sql, pair->user, pair->host));
	TRY(mysql_append_identified(session, pair->model, model->plugin, password, &sql));
	TRY(mysql_definition_append(model, session->is_mariadb, &sql));
	TRY(buffer_printf(&sql, " %s", model->policy));
	return mysql_script_add(&session->script, "creating a user", &sql);
}

static struct status put_account(struct mysql *session, const struct pair *pair,
				 const struct secret *password)
{
	AUTO(mysql_profile_clear) struct mysql_profile model = MYSQL_PROFILE_INIT;
	AUTO(mysql_profile_clear) struct mysql_profile has = MYSQL_PROFILE_INIT;
	AUTO(buffer_clear) struct buffer account = BUFFER_INIT(STATEMENT_MAX);

	TRY_WHILE(read_profile(session, pair->model, pair->host, &model), "reading '%s'@'%s'",
		  pair->model, pair->host);
	TRY(mysql_append_account(session, &account, pair->user, pair->host));
	if (pair->exists == NULL)
		TRY(add_create(session, pair, &model.definition, password));
	else
		TRY_WHILE(read_profile(session, pair->user, pair->host, &has), "reading '%s'@'%s'",
			  pair->user, pair->host);
	return mysql_profile_follow(session, buffer_string(&account),
				    pair->exists != NULL ? &has : NULL, &model);
}

static struct status add_user_like(struct mysql *session, const char *user, const char *model,
				   const struct secret *password, bool *created)
{
	AUTO(mysql_accounts_clear) struct mysql_accounts models = MYSQL_ACCOUNTS_INIT;
	AUTO(mysql_accounts_clear) struct mysql_accounts users = MYSQL_ACCOUNTS_INIT;

	TRY(mysql_check_name(session, "user name", user));
	TRY(place_check_password(user, password));
	TRY(mysql_manage(session));
	TRY(mysql_check_log(session));
	TRY(mysql_accounts_find(session, model, &models));
	TRY(mysql_accounts_find(session, user, &users));
	*created = users.count == 0;
	if (models.count == 0)
		return failure(STATUS_NOT_FOUND, "there is no user '%s' at %s", model,
			       session->place);
	for (size_t i = 0; i < models.count; i++) {
		const char *host = models.list[i].host;
		const struct pair pair = {.user = user,
					  .model = model,
					  .host = host,
					  .exists = mysql_accounts_at(&users, host)};

		TRY(put_account(session, &pair, password));
	}
	/* Last: what could fail for want of a permission comes before. */
	return mysql_change_accounts(session, user, &users, password);
}

struct status mysql_put_user_like(struct database *database, const char *user, const char *model,
				  const struct secret *password, bool *created)
{
	struct mysql *session = (struct mysql *)database;

	return mysql_end_change(session, add_user_like(session, user, model, password, created));
}
