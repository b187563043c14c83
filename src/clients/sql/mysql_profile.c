#include "clients/sql/mysql_profile.h"

#include "clients/sql/mysql_error.h"
#include "clients/sql/mysql_select.h"

#include <mysqld_error.h>
#include <string.h>

/* One statement: a grant on columns may name hundreds of them. */
#define STATEMENT_MAX (256 * 1024)

/* Bytes: a status holds 764, and the rest of its sentence needs room too. */
#define LIST_SHOWN 180

static struct status ask(struct mysql *session, const char *sql, const char *doing,
			 struct mysql_rows *rows)
{
	const struct mysql_question question = {.doing = doing, .sql = sql, .columns = 1};
	unsigned error = 0;

	TRY(mysql_select(session, &question, &error, rows));
	if (error == ER_CANNOT_USER || error == ER_NONEXISTING_GRANT ||
	    error == ER_PASSWORD_NO_MATCH)
		return failure(STATUS_NOT_FOUND, "there is no such account at %s (error %u)",
			       session->place, error);
	if (mysql_is_denied(error))
		return failure(STATUS_DENIED,
			       "'%s' may not see what another user may do at %s (error %u): grant "
			       "it SELECT ON mysql.*",
			       session->user, session->place, error);
	if (error != 0)
		return mysql_statement_error(session, error, doing);
	return OK;
}

static struct status read_definition(struct mysql *session, const char *account,
				     struct mysql_profile *profile)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;

	TRY(buffer_printf(&sql, "SHOW CREATE USER %s", account));
	TRY(ask(session, buffer_string(&sql), "reading how an account is defined", &rows));
	if (rows.count != 1 || mysql_value(&rows, 0, 0) == NULL)
		return mysql_broken_error(session);
	TRY(mysql_definition_parse(mysql_value(&rows, 0, 0), &profile->definition));
	return mysql_rights_add_default_roles(&profile->rights, profile->definition.default_roles);
}

static struct status read_rights(struct mysql *session, const char *account,
				 struct mysql_rights *rights)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	AUTO(mysql_rows_clear) struct mysql_rows rows = MYSQL_ROWS_INIT;

	TRY(buffer_printf(&sql, "SHOW GRANTS FOR %s", account));
	TRY(ask(session, buffer_string(&sql), "reading a user's grants", &rows));
	for (size_t i = 0; i < rows.count; i++)
		if (mysql_value(&rows, i, 0) != NULL)
			TRY(mysql_rights_add_line(rights, mysql_value(&rows, i, 0)));
	return OK;
}

struct status mysql_profile_read(struct mysql *session, const char *account,
				 struct mysql_profile *ret)
{
	AUTO(mysql_profile_clear) struct mysql_profile made = MYSQL_PROFILE_INIT;
	const char *whose = account != NULL ? account : "CURRENT_USER()";

	TRY(read_definition(session, whose, &made));
	TRY(read_rights(session, whose, &made.rights));
	mysql_profile_clear(ret);
	*ret = made;
	made = MYSQL_PROFILE_INIT;
	return OK;
}

/* A list that is being told: as many as there is room for are named, the others counted. */
struct list {
	struct buffer *text;
	const char *title;
	size_t begun, told, count;
};

static struct status tell(struct list *list, const char *words)
{
	list->count++;
	if (list->told < list->count - 1)
		return OK;
	if (list->told > 0 && list->text->length - list->begun + strlen(words) > LIST_SHOWN)
		return OK;
	TRY(buffer_printf(list->text, "%s%.120s", list->told == 0 ? list->title : ", ", words));
	list->told++;
	return OK;
}

static struct status end_list(struct list *list)
{
	if (list->count == list->told)
		return OK;
	return buffer_printf(list->text, " and %zu more", list->count - list->told);
}

static struct status tell_rights(struct list *list, const struct mysql_rights *has,
				 const struct mysql_rights *other)
{
	for (size_t i = 0; i < has->count; i++) {
		AUTO(buffer_clear) struct buffer words = BUFFER_INIT(STATEMENT_MAX);

		if (mysql_rights_cover(other, &has->list[i]))
			continue;
		TRY(mysql_right_describe(&has->list[i], &words));
		TRY(tell(list, buffer_string(&words)));
	}
	return OK;
}

static struct status tell_definition(struct list *list, const struct mysql_definition *has,
				     const struct mysql_definition *model)
{
	AUTO(buffer_clear) struct buffer words = BUFFER_INIT(STATEMENT_MAX);

	if (strcmp(has->tls, model->tls) != 0) {
		TRY(buffer_printf(&words, "REQUIRE %s instead of %s", has->tls, model->tls));
		TRY(tell(list, buffer_string(&words)));
	}
	for (size_t i = 0; i < MYSQL_LIMITS; i++) {
		if (strcmp(has->limits[i], model->limits[i]) == 0)
			continue;
		buffer_reset(&words);
		TRY(buffer_printf(&words, "%s %s instead of %s", mysql_limit_names[i],
				  has->limits[i], model->limits[i]));
		TRY(tell(list, buffer_string(&words)));
	}
	return OK;
}

struct status mysql_profile_compare(const struct mysql_profile *profile,
				    const struct mysql_profile *model, struct buffer *text)
{
	struct list missing = {.text = text, .title = "missing "};
	struct list besides = {.text = text};

	TRY(tell_rights(&missing, &model->rights, &profile->rights));
	TRY(end_list(&missing));
	besides.title = text->length > 0 ? "; different or too much: " : "different or too much: ";
	besides.begun = text->length;
	TRY(tell_definition(&besides, &profile->definition, &model->definition));
	TRY(tell_rights(&besides, &profile->rights, &model->rights));
	return end_list(&besides);
}

enum change { GIVE, TAKE };

static struct status add_change(struct mysql *session, enum change change,
				const struct mysql_right *right, const char *account)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);

	TRY(change == GIVE ? mysql_right_give(right, account, &sql)
			   : mysql_right_take(right, account, &sql));
	return mysql_script_add(&session->script,
				change == GIVE ? "granting what the active user may do"
					       : "revoking what the active user may not do",
				&sql);
}

/* What is only in `has`, of one kind; not what the model has by something wider. */
static struct status take_only(struct mysql *session, enum mysql_right_kind kind,
			       const struct mysql_rights *has, const struct mysql_rights *model,
			       const char *account)
{
	for (size_t i = 0; i < has->count; i++)
		if (has->list[i].kind == kind && mysql_rights_find(model, &has->list[i]) == NULL &&
		    !mysql_rights_cover(model, &has->list[i]))
			TRY(add_change(session, TAKE, &has->list[i], account));
	return OK;
}

/* What is only in `model`, of one kind; also what something wider covers, which may have been taken. */
static struct status give_only(struct mysql *session, enum mysql_right_kind kind,
			       const struct mysql_rights *has, const struct mysql_rights *model,
			       const char *account)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct mysql_right *same = mysql_rights_find(has, &model->list[i]);

		if (model->list[i].kind != kind ||
		    (same != NULL && (same->may_pass_on || !model->list[i].may_pass_on)))
			continue;
		TRY(add_change(session, GIVE, &model->list[i], account));
	}
	return OK;
}

static bool same_default_roles(const struct mysql_rights *one, const struct mysql_rights *other)
{
	for (size_t i = 0; i < one->count; i++)
		if (one->list[i].kind == RIGHT_DEFAULT_ROLE &&
		    mysql_rights_find(other, &one->list[i]) == NULL)
			return false;
	return true;
}

/* MySQL has a list of them, MariaDB one. */
static struct status follow_default_roles(struct mysql *session, const char *account,
					  const struct mysql_rights *has,
					  const struct mysql_rights *model)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	const char *separator = " ";

	if (same_default_roles(has, model) && same_default_roles(model, has))
		return OK;
	TRY(session->is_mariadb ? buffer_append_string(&sql, "SET DEFAULT ROLE")
				: buffer_printf(&sql, "ALTER USER %s DEFAULT ROLE", account));
	for (size_t i = 0; i < model->count; i++) {
		if (model->list[i].kind != RIGHT_DEFAULT_ROLE)
			continue;
		TRY(buffer_printf(&sql, "%s%s", separator, model->list[i].what));
		separator = ", ";
	}
	if (separator[0] == ' ')
		TRY(buffer_append_string(&sql, " NONE"));
	if (session->is_mariadb)
		TRY(buffer_printf(&sql, " FOR %s", account));
	return mysql_script_add(&session->script, "setting a user's default roles", &sql);
}

static struct status follow_definition(struct mysql *session, const char *account,
				       const struct mysql_definition *has,
				       const struct mysql_definition *model)
{
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(STATEMENT_MAX);
	bool same = strcmp(has->tls, model->tls) == 0;

	for (size_t i = 0; i < MYSQL_LIMITS; i++)
		same &= strcmp(has->limits[i], model->limits[i]) == 0;
	if (same)
		return OK;
	TRY(buffer_printf(&sql, "ALTER USER %s", account));
	TRY(mysql_definition_append(model, session->is_mariadb, &sql));
	return mysql_script_add(&session->script, "setting a user's TLS requirement and limits",
				&sql);
}

/* What may be passed on besides cannot be taken alone: the whole goes, and comes back without. */
static struct status take_options(struct mysql *session, const struct mysql_rights *has,
				  const struct mysql_rights *model, const char *account)
{
	for (size_t i = 0; i < has->count; i++) {
		const struct mysql_right *wanted = mysql_rights_find(model, &has->list[i]);

		if (wanted == NULL || !has->list[i].may_pass_on || wanted->may_pass_on)
			continue;
		TRY(add_change(session, TAKE, &has->list[i], account));
		TRY(add_change(session, GIVE, wanted, account));
	}
	return OK;
}

static const struct mysql_right global_option = {
	.kind = RIGHT_PRIVILEGE, .what = (char[]){"GRANT OPTION"}, .on = (char[]){"*.*"}};

/*
 * MySQL takes the GRANT OPTION of dynamic privileges with that of *.*, but goes on as if it had not
 * until it is started anew, and even when the privilege is revoked (seen in 9.7). So they go
 * before, and come back.
 */
static struct status take_dynamic(struct mysql *session, struct mysql_rights *has,
				  const struct mysql_rights *model, const char *account)
{
	if (mysql_rights_find(has, &global_option) == NULL ||
	    mysql_rights_find(model, &global_option) != NULL)
		return OK;
	for (size_t i = has->count; i-- > 0;) {
		if (has->list[i].kind != RIGHT_PRIVILEGE || !has->list[i].may_pass_on ||
		    strcmp(has->list[i].on, "*.*") != 0)
			continue;
		TRY(add_change(session, TAKE, &has->list[i], account));
		mysql_rights_remove(has, i);
	}
	return OK;
}

/*
 * A partial revoke ends before the privilege that it narrows is taken, and begins after that is given;
 * a default role is set after it was granted. What is too much goes first.
 */
struct status mysql_profile_follow(struct mysql *session, const char *account,
				   struct mysql_profile *has, const struct mysql_profile *model)
{
	struct mysql_rights nothing = MYSQL_RIGHTS_INIT;
	struct mysql_rights *had = has != NULL ? &has->rights : &nothing;
	const struct mysql_rights *wanted = &model->rights;

	if (has != NULL)
		TRY(follow_definition(session, account, &has->definition, &model->definition));
	TRY(take_dynamic(session, had, wanted, account));
	TRY(take_only(session, RIGHT_REVOKED, had, wanted, account));
	TRY(take_only(session, RIGHT_PRIVILEGE, had, wanted, account));
	TRY(take_only(session, RIGHT_ROLE, had, wanted, account));
	TRY(take_options(session, had, wanted, account));
	TRY(give_only(session, RIGHT_PRIVILEGE, had, wanted, account));
	TRY(give_only(session, RIGHT_REVOKED, had, wanted, account));
	TRY(give_only(session, RIGHT_ROLE, had, wanted, account));
	return follow_default_roles(session, account, had, wanted);
}

void mysql_profile_clear(struct mysql_profile *profile)
{
	mysql_definition_clear(&profile->definition);
	mysql_rights_clear(&profile->rights);
}
