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

struct status mysql_script_add_instead(struct mysql_script *script, const struct buffer *if_denied,
				       const struct buffer *if_kept)
{
	struct mysql_statement *last = &script->statements[script->count - 1];

	if (if_denied != NULL)
		last->if_denied = memory_copy_string(buffer_string(if_denied));
	if (if_kept != NULL)
		last->if_kept = memory_copy_string(buffer_string(if_kept));
	if ((if_denied != NULL && last->if_denied == NULL) ||
	    (if_kept != NULL && last->if_kept == NULL))
		return OUT_OF_MEMORY;
	return OK;
}

void mysql_script_clear(struct mysql_script *script)
{
	for (size_t i = 0; i < script->count; i++) {
		memory_free(script->statements[i].sql);
		memory_free(script->statements[i].if_denied);
		memory_free(script->statements[i].if_kept);
	}
	memory_free(script->statements);
	*script = (struct mysql_script){0};
}
