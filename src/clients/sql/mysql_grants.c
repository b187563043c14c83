#include "clients/sql/mysql_grants.h"

#include "clients/sql/mysql_words.h"
#include "core/memory.h"

#include <string.h>

static struct status copy(const char *from, size_t length, char **ret)
{
	char *made = memory_alloc(length + 1);

	if (made == NULL)
		return OUT_OF_MEMORY;
	memcpy(made, from, length);
	made[length] = '\0';
	*ret = made;
	return OK;
}

static void right_clear(struct mysql_right *right)
{
	memory_free(right->what);
	memory_free(right->on);
	*right = (struct mysql_right){0};
}

static struct status make_room(struct mysql_rights *rights)
{
	size_t room = rights->room > 0 ? rights->room * 2 : 32;
	struct mysql_right *grown;

	if (rights->count < rights->room)
		return OK;
	grown = memory_resize(rights->list, room * sizeof(*grown));
	if (grown == NULL)
		return OUT_OF_MEMORY;
	rights->list = grown;
	rights->room = room;
	return OK;
}

/* A part of a line. */
struct span {
	const char *at;
	size_t length;
};

static struct span between(const char *begin, const char *end)
{
	while (begin < end && *begin == ' ')
		begin++;
	while (end > begin && end[-1] == ' ')
		end--;
	return (struct span){begin, (size_t)(end - begin)};
}

static bool span_is(struct span span, const char *text)
{
	return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

static size_t find(const struct mysql_rights *rights, enum mysql_right_kind kind, const char *what,
		   const char *on)
{
	size_t i = 0;

	while (i < rights->count &&
	       (rights->list[i].kind != kind || strcmp(rights->list[i].what, what) != 0 ||
		strcmp(rights->list[i].on, on) != 0))
		i++;
	return i;
}

static struct status not_understood(void)
{
	return failure(STATUS_INVALID, "a line of SHOW GRANTS is of a form that is not known here: "
				       "set up both users by hand, or use roles");
}

static struct status add(struct mysql_rights *rights, enum mysql_right_kind kind, struct span what,
			 struct span on, bool may_pass_on)
{
	AUTO(right_clear) struct mysql_right right = {.kind = kind, .may_pass_on = may_pass_on};
	size_t known;

	TRY(make_room(rights));
	TRY(copy(what.at, what.length, &right.what));
	TRY(copy(on.at, on.length, &right.on));
	known = find(rights, kind, right.what, right.on);
	if (known < rights->count) {
		rights->list[known].may_pass_on |= may_pass_on;
		return OK;
	}
	rights->list[rights->count++] = right;
	right = (struct mysql_right){0};
	return OK;
}

/* Is it one of the words of a statement's own? */
static bool is_keyword(struct span word)
{
	return span_is(word, "ON") || span_is(word, "TO") || span_is(word, "FROM");
}

/* A word or several, as privileges are called: nothing else may become a part of a statement. */
static bool is_privilege(struct span span)
{
	const char *at = span.at, *end = span.at + span.length;

	while (at < end) {
		const char *space = memchr(at, ' ', (size_t)(end - at));
		const char *behind = space != NULL ? space : end;

		if (is_keyword(between(at, behind)))
			return false;
		at = behind + (space != NULL);
	}
	for (size_t i = 0; i < span.length; i++)
		if (strchr(" _ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", span.at[i]) == NULL)
			return false;
	return span.length > 0;
}

/* "`a`", or "`a`@`b`" where it may have a host. */
static bool is_name(struct span span, bool may_have_host)
{
	const char *at = span.at, *end = span.at + span.length;

	if (span.length == 0 || !mysql_is_quote(*at))
		return false;
	at = mysql_skip_quoted(at);
	if (may_have_host && at + 1 < end && *at == '@' && mysql_is_quote(at[1]))
		at = mysql_skip_quoted(at + 1);
	return at == end;
}

/* Up to the next comma outside of quotes and brackets; `*at` goes behind it. */
static struct span take_item(const char **at, const char *end)
{
	const char *begin = *at, *here = begin;
	int depth = 0;

	while (here < end && (*here != ',' || depth > 0)) {
		depth += (*here == '(') - (*here == ')');
		here = mysql_is_quote(*here) ? mysql_skip_quoted(here) : here + 1;
	}
	if (here > end)
		here = end;
	*at = here < end ? here + 1 : end;
	return between(begin, here);
}

/* "SELECT (`a`, `b`)" is two. */
static struct status add_columns(struct mysql_rights *rights, enum mysql_right_kind kind,
				 struct span privilege, const char *bracket, struct span on)
{
	const char *at = bracket + 1, *end = privilege.at + privilege.length - 1;
	struct span word = between(privilege.at, bracket);

	if (!is_privilege(word) || *end != ')' || at == end || end[-1] == ',')
		return not_understood();
	while (at < end) {
		AUTO(buffer_clear) struct buffer text = BUFFER_INIT(4096);
		struct span column = take_item(&at, end);
		struct span whole;

		if (!is_name(column, false))
			return not_understood();
		TRY(buffer_append(&text, word.at, word.length));
		TRY(buffer_append_string(&text, " ("));
		TRY(buffer_append(&text, column.at, column.length));
		TRY(buffer_append_string(&text, ")"));
		whole = (struct span){buffer_string(&text), text.length};
		TRY(add(rights, kind, whole, on, false));
	}
	return OK;
}

/* Only dynamic privileges have a "_" in their name, and PROXY passes itself on like them. */
static bool has_own_option(struct span privilege)
{
	return span_is(privilege, "PROXY") || memchr(privilege.at, '_', privilege.length) != NULL;
}

static struct status add_privileges(struct mysql_rights *rights, enum mysql_right_kind kind,
				    struct span list, struct span on, bool grantable)
{
	const char *at = list.at, *end = list.at + list.length;
	bool shared_option = false;

	if (list.length == 0 || end[-1] == ',' || on.length == 0)
		return not_understood();
	while (at < end) {
		struct span privilege = take_item(&at, end);
		const char *bracket = memchr(privilege.at, '(', privilege.length);
		bool own = bracket == NULL && has_own_option(privilege);

		if (bracket == NULL && !is_privilege(privilege))
			return not_understood();
		shared_option |= !own;
		if (span_is(privilege, "USAGE"))
			continue;
		if (bracket != NULL)
			TRY(add_columns(rights, kind, privilege, bracket, on));
		else
			TRY(add(rights, kind, privilege, on, grantable && own));
	}
	if (!grantable || !shared_option)
		return OK;
	return add(rights, kind, (struct span){"GRANT OPTION", strlen("GRANT OPTION")}, on, false);
}

static struct status add_roles(struct mysql_rights *rights, enum mysql_right_kind kind,
			       struct span list, bool may_pass_on)
{
	const char *at = list.at, *end = list.at + list.length;

	if (list.length > 0 && end[-1] == ',')
		return not_understood();
	while (at < end) {
		struct span role = take_item(&at, end);

		if (!is_name(role, true))
			return not_understood();
		TRY(add(rights, kind, role, (struct span){"", 0}, may_pass_on));
	}
	return OK;
}

struct status mysql_rights_add_default_roles(struct mysql_rights *rights, const char *list)
{
	if (!mysql_is_well_formed(list))
		return not_understood();
	return add_roles(rights, RIGHT_DEFAULT_ROLE, between(list, list + strlen(list)), false);
}

struct status mysql_rights_add_line(struct mysql_rights *rights, const char *line)
{
	bool takes = strncmp(line, "REVOKE ", 7) == 0;
	const char *begin, *on, *to;
	bool option;

	if (!mysql_is_well_formed(line))
		return not_understood();
	if (strncmp(line, "SET DEFAULT ROLE ", 17) == 0) {
		to = mysql_find_words(line, "FOR ");
		if (to == NULL || between(line + 17, to).length == 0)
			return not_understood();
		return add_roles(rights, RIGHT_DEFAULT_ROLE, between(line + 17, to), false);
	}
	if (!takes && strncmp(line, "GRANT ", 6) != 0)
		return not_understood();
	begin = line + (takes ? 7 : 6);
	to = mysql_find_words(begin, takes ? "FROM " : "TO ");
	on = mysql_find_words(begin, "ON ");
	if (to == NULL || to == begin || on == begin)
		return not_understood();
	option = !takes && (mysql_find_words(to, "GRANT OPTION") != NULL ||
			    mysql_find_words(to, "ADMIN OPTION") != NULL);
	if ((on == NULL || on > to) && takes)
		return not_understood();
	if (on == NULL || on > to)
		return add_roles(rights, RIGHT_ROLE, between(begin, to), option);
	return add_privileges(rights, takes ? RIGHT_REVOKED : RIGHT_PRIVILEGE, between(begin, on),
			      between(on + 3, to), option);
}

const struct mysql_right *mysql_rights_find(const struct mysql_rights *rights,
					    const struct mysql_right *right)
{
	size_t i = find(rights, right->kind, right->what, right->on);

	return i < rights->count ? &rights->list[i] : NULL;
}

static bool reaches_everything(const struct mysql_rights *rights)
{
	for (size_t i = 0; i < rights->count; i++)
		if (rights->list[i].kind == RIGHT_REVOKED)
			return false;
	return true;
}

static bool holds(const struct mysql_rights *rights, const char *what, const char *on)
{
	return find(rights, RIGHT_PRIVILEGE, what, on) < rights->count;
}

static bool holds_privilege(const struct mysql_rights *rights, const char *what, const char *on)
{
	return holds(rights, what, on) ||
	       (strcmp(what, "GRANT OPTION") != 0 && holds(rights, "ALL PRIVILEGES", on));
}

/*
 * `ret` is the database's part of "`app`.`t`" or "PROCEDURE `app`.`p`", as "`app`.*"; false: it has
 * none.
 */
static bool database_of(const char *on, char *ret, size_t size)
{
	const char *end;

	on += strcspn(on, "`");
	if (on[0] != '`')
		return false;
	end = mysql_skip_quoted(on);
	if (*end != '.' || strcmp(end, ".*") == 0 || (size_t)(end - on) + 3 > size)
		return false;
	memcpy(ret, on, (size_t)(end - on));
	memcpy(ret + (end - on), ".*", 3);
	return true;
}

/* `sho_`.* is a pattern; `sho\\_`.* is not. */
static bool is_pattern(const char *on)
{
	const char *end = on[0] == '`' ? mysql_skip_quoted(on) : on;

	if (end == on || strcmp(end, ".*") != 0)
		return false;
	for (const char *at = on; at < end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '_' || *at == '%')
			return true;
	}
	return false;
}

/*
 * Of several grants on databases the servers look at the one that fits best, and at no other: so
 * one on a database may take away what another has for a pattern, though it adds nothing itself.
 */
static bool may_be_hidden(const struct mysql_rights *rights, const char *on)
{
	const char *end = on[0] == '`' ? mysql_skip_quoted(on) : on;

	if (end == on || strcmp(end, ".*") != 0)
		return false;
	for (size_t i = 0; i < rights->count; i++)
		if (is_pattern(rights->list[i].on))
			return true;
	return false;
}

static bool cover_privilege(const struct mysql_rights *rights, const struct mysql_right *right)
{
	const char *bracket = strchr(right->what, '(');
	char word[64], database[600];
	size_t length = bracket != NULL ? (size_t)(bracket - right->what - 1) : strlen(right->what);

	/* All privileges on everything are not those of another user. */
	if (right->may_pass_on || length >= sizeof(word) || strcmp(right->what, "PROXY") == 0)
		return false;
	memcpy(word, right->what, length);
	word[length] = '\0';
	if (bracket != NULL && holds_privilege(rights, word, right->on))
		return true;
	if (strcmp(right->on, "*.*") == 0)
		return holds_privilege(rights, word, "*.*");
	if (reaches_everything(rights) && !may_be_hidden(rights, right->on) &&
	    holds_privilege(rights, word, "*.*"))
		return true;
	if (holds_privilege(rights, word, right->on) && bracket == NULL)
		return true;
	return database_of(right->on, database, sizeof(database)) &&
	       holds_privilege(rights, word, database);
}

bool mysql_rights_cover(const struct mysql_rights *rights, const struct mysql_right *right)
{
	const struct mysql_right *same = mysql_rights_find(rights, right);

	if (same != NULL)
		return same->may_pass_on || !right->may_pass_on;
	return right->kind == RIGHT_PRIVILEGE && cover_privilege(rights, right);
}

struct status mysql_right_give(const struct mysql_right *right, const char *account,
			       struct buffer *statement)
{
	if (right->kind == RIGHT_ROLE)
		return buffer_printf(statement, "GRANT %s TO %s%s", right->what, account,
				     right->may_pass_on ? " WITH ADMIN OPTION" : "");
	if (right->kind == RIGHT_REVOKED)
		return buffer_printf(statement, "REVOKE %s ON %s FROM %s", right->what, right->on,
				     account);
	return buffer_printf(statement, "GRANT %s ON %s TO %s%s", right->what, right->on, account,
			     right->may_pass_on ? " WITH GRANT OPTION" : "");
}

struct status mysql_right_take(const struct mysql_right *right, const char *account,
			       struct buffer *statement)
{
	if (right->kind == RIGHT_ROLE)
		return buffer_printf(statement, "REVOKE %s FROM %s", right->what, account);
	if (right->kind == RIGHT_REVOKED)
		return buffer_printf(statement, "GRANT %s ON %s TO %s", right->what, right->on,
				     account);
	return buffer_printf(statement, "REVOKE %s ON %s FROM %s", right->what, right->on, account);
}

struct status mysql_right_describe(const struct mysql_right *right, struct buffer *text)
{
	static const char *const kinds[] = {
		[RIGHT_PRIVILEGE] = "",
		[RIGHT_ROLE] = "role ",
		[RIGHT_DEFAULT_ROLE] = "default role ",
		[RIGHT_REVOKED] = "a partial revoke of ",
	};

	TRY(buffer_printf(text, "%s%s", kinds[right->kind], right->what));
	if (right->on[0] != '\0')
		TRY(buffer_printf(text, " on %s", right->on));
	if (!right->may_pass_on)
		return OK;
	return buffer_append_string(text, right->kind == RIGHT_ROLE ? " WITH ADMIN OPTION"
								    : " WITH GRANT OPTION");
}

void mysql_rights_remove(struct mysql_rights *rights, size_t place)
{
	right_clear(&rights->list[place]);
	rights->list[place] = rights->list[--rights->count];
}

void mysql_rights_clear(struct mysql_rights *rights)
{
	for (size_t i = 0; i < rights->count; i++)
		right_clear(&rights->list[i]);
	memory_free(rights->list);
	*rights = MYSQL_RIGHTS_INIT;
}
