#include "clients/sql/mysql_script.h"

#include "core/memory.h"

static struct status make_room(struct mysql_script *script)
{
	size_t room = script->room > 0 ? script->room * 2 : 16;
	struct mysql_statement *grown;

	if (script->count < script->room)
		return OK;
	if (room > MYSQL_STATEMENTS_MAX)
		return failure(STATUS_INVALID,
			       "more than %d statements would be needed to give a user what "
			       "another one has: use roles",
			       MYSQL_STATEMENTS_MAX);
	grown = memory_resize(script->statements, room * sizeof(*grown));
	if (grown == NULL)
		return OUT_OF_MEMORY;
	script->statements = grown;
	script->room = room;
	return OK;
}

struct status mysql_script_add(struct mysql_script *script, const char *doing,
			       const struct buffer *sql)
{
	struct mysql_statement statement = {.doing = doing};

	TRY(make_room(script));
	statement.sql = memory_copy_string(buffer_string(sql));
	if (statement.sql == NULL)
		return OUT_OF_MEMORY;
	script->statements[script->count++] = statement;
	return OK;
}

static struct status copy(const struct buffer *text, char **ret)
{
	if (text == NULL)
		return OK;
	*ret = memory_copy_string(buffer_string(text));
	return *ret != NULL ? OK : OUT_OF_MEMORY;
}

struct status mysql_script_add_instead(struct mysql_script *script, const struct buffer *if_denied,
				       const struct buffer *if_kept, const struct buffer *if_needed)
{
	struct mysql_statement *last = &script->statements[script->count - 1];

	TRY(copy(if_denied, &last->if_denied));
	TRY(copy(if_kept, &last->if_kept));
	return copy(if_needed, &last->if_needed);
}

void mysql_script_clear(struct mysql_script *script)
{
	for (size_t i = 0; i < script->count; i++) {
		memory_free(script->statements[i].sql);
		memory_free(script->statements[i].if_denied);
		memory_free(script->statements[i].if_kept);
		memory_free(script->statements[i].if_needed);
	}
	memory_free(script->statements);
	*script = (struct mysql_script){0};
}
