#include "clients/sql/postgres_settings.h"

#include "clients/sql/postgres_select.h"

#include <string.h>
#include <strings.h>

/*
 * These keep a list of quoted names. As one literal it would come back as a single name with commas
 * in it. Source: GUC_LIST_QUOTE in PostgreSQL's table of variables; pg_dumpall has the same list.
 */
static bool is_list_of_names(const char *setting)
{
	static const char *const lists[] = {
		"local_preload_libraries",  "search_path",	"session_preload_libraries",
		"shared_preload_libraries", "temp_tablespaces", "unix_socket_directories",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcasecmp(setting, lists[i]) == 0)
			return true;
	return false;
}

/* Takes one name, `"with ""quotes"""` or bare, off the front of `list`; returns what is left. */
static struct status take_name(const char **list, struct buffer *name)
{
	const char *at = *list;

	if (*at != '"') {
		size_t length = strcspn(at, ", \t\n");

		*list = at + length;
		return buffer_append(name, at, length);
	}
	for (at++; *at != '\0'; at++) {
		if (at[0] == '"' && at[1] != '"')
			break;
		if (at[0] == '"')
			at++;
		TRY(buffer_append(name, at, 1));
	}
	*list = *at == '"' ? at + 1 : at;
	return OK;
}

static struct status append_names(struct postgres *session, struct buffer *script, const char *list)
{
	static const char separators[] = ", \t\n";
	bool first = true;

	do {
		AUTO(buffer_clear) struct buffer name = BUFFER_INIT(script->limit);

		list += strspn(list, separators);
		TRY(take_name(&list, &name));
		if (!first)
			TRY(buffer_append_string(script, ", "));
		TRY(postgres_append_literal(session, script, buffer_string(&name)));
		first = false;
		list += strspn(list, separators);
	} while (*list != '\0');
	return OK;
}

static struct status append_setting(struct postgres *session, struct buffer *script,
				    const char *user, const char *database, const char *name,
				    const char *value)
{
	TRY(buffer_append_string(script, "; ALTER ROLE "));
	TRY(postgres_append_identifier(session, script, user));
	if (database != NULL) {
		TRY(buffer_append_string(script, " IN DATABASE "));
		TRY(postgres_append_identifier(session, script, database));
	}
	TRY(buffer_append_string(script, " SET "));
	TRY(postgres_append_identifier(session, script, name));
	TRY(buffer_append_string(script, " TO "));
	if (is_list_of_names(name))
		return append_names(session, script, value);
	return postgres_append_literal(session, script, value);
}

struct status postgres_append_settings(struct postgres *session, struct buffer *script,
				       const char *user, const char *model)
{
	AUTO(postgres_result_clear) PGresult *settings = NULL;
	const char *const parameters[] = {model};
	const struct question question = {
		.doing = "reading a user's settings",
		.sql = "SELECT d.datname, split_part(c.setting, '=', 1),"
		       " substr(c.setting, strpos(c.setting, '=') + 1)"
		       " FROM pg_roles r JOIN pg_db_role_setting s ON s.setrole = r.oid"
		       " LEFT JOIN pg_database d ON d.oid = s.setdatabase"
		       " CROSS JOIN unnest(s.setconfig) WITH ORDINALITY c(setting, position)"
		       " WHERE r.rolname = $1 ORDER BY d.datname NULLS FIRST, c.position",
		.columns = 3,
		.parameter_count = 1,
		.parameters = parameters,
	};

	TRY(postgres_select(session, &question, &settings));
	for (int row = 0; row < PQntuples(settings); row++)
		TRY(append_setting(session, script, user,
				   PQgetisnull(settings, row, 0) ? NULL
								 : PQgetvalue(settings, row, 0),
				   PQgetvalue(settings, row, 1), PQgetvalue(settings, row, 2)));
	return OK;
}
