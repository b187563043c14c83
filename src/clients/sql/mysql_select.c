#include "clients/sql/mysql_select.h"

#include "clients/sql/mysql_error.h"
#include "core/memory.h"

#include <errmsg.h>
#include <string.h>
#include <sys/socket.h>

/* A user with a grant on each of ten thousand tables has a megabyte of them. */
#define BYTES_MAX (8UL * 1024 * 1024)
#define VALUES_MAX (256UL * 1024)

static struct status too_much(const struct mysql *session, const char *doing)
{
	return failure(STATUS_UNAVAILABLE, "%s says too much for %s as '%s': it is no database",
		       session->place, doing, session->user);
}

static struct status make_room(struct mysql_rows *rows)
{
	size_t room = rows->room > 0 ? rows->room * 2 : 64;
	char **grown;

	if (rows->used < rows->room)
		return OK;
	grown = memory_resize(rows->values, room * sizeof(*grown));
	if (grown == NULL)
		return OUT_OF_MEMORY;
	rows->values = grown;
	rows->room = room;
	return OK;
}

static struct status keep(struct mysql_rows *rows, const char *bytes, size_t length)
{
	char *value = NULL;

	TRY(make_room(rows));
	if (bytes != NULL) {
		value = memory_alloc(length + 1);
		if (value == NULL)
			return OUT_OF_MEMORY;
		memcpy(value, bytes, length);
		value[length] = '\0';
		rows->bytes += length;
	}
	rows->values[rows->used++] = value;
	return OK;
}

/* Whatever happens, the answer is not read to its end then: the session is of no more use. */
static struct status fetch(struct mysql *session, MYSQL_RES *result,
			   const struct mysql_question *question, struct mysql_rows *rows)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(result)) != NULL) {
		const unsigned long *lengths = mysql_fetch_lengths(result);

		if (lengths == NULL)
			return mysql_broken_error(session);
		for (size_t i = 0; i < question->columns; i++)
			TRY(keep(rows, row[i], lengths[i]));
		rows->count++;
		if (rows->bytes > BYTES_MAX || rows->used > VALUES_MAX)
			return too_much(session, question->doing);
	}
	return OK;
}

static struct status receive(struct mysql *session, const struct mysql_question *question,
			     unsigned *error, struct mysql_rows *rows)
{
	MYSQL_RES *result;
	struct status status;

	*error = 0;
	if (mysql_real_query(session->handle, question->sql, strlen(question->sql)) != 0) {
		*error = mysql_failed(session);
		return OK;
	}
	result = mysql_use_result(session->handle);
	if (result == NULL || mysql_num_fields(result) != question->columns) {
		*error = CR_UNKNOWN_ERROR;
		status = OK;
	} else {
		status = fetch(session, result, question, rows);
		/* Else what is left would be read to its end, if it has one. */
		if (status.code != STATUS_OK)
			(void)shutdown(mysql_socket(session), SHUT_RDWR);
		*error = mysql_errno(session->handle);
	}
	if (result != NULL)
		mysql_free_result(result);
	return status;
}

struct status mysql_select(struct mysql *session, const struct mysql_question *question,
			   unsigned *refused, struct mysql_rows *ret)
{
	AUTO(mysql_rows_clear) struct mysql_rows rows = {.columns = question->columns};
	struct status status;
	unsigned error = 0;
	bool late;

	if (deadline_left(session->deadline) == 0)
		return failure(STATUS_UNAVAILABLE, "no time is left to ask %s", session->place);
	watchdog_watch(session->watchdog, mysql_socket(session), session->deadline);
	status = receive(session, question, &error, &rows);
	late = watchdog_rest(session->watchdog);
	if (late)
		return mysql_late_error(session);
	TRY(status);
	if (error == CR_OUT_OF_MEMORY)
		return OUT_OF_MEMORY;
	if (mysql_is_library(error))
		return mysql_broken_error(session);
	if (error != 0 && refused == NULL)
		return mysql_statement_error(session, error, question->doing);
	if (refused != NULL)
		*refused = error;
	mysql_rows_clear(ret);
	*ret = rows;
	rows = MYSQL_ROWS_INIT;
	return OK;
}

const char *mysql_value(const struct mysql_rows *rows, size_t row, size_t column)
{
	return rows->values[row * rows->columns + column];
}

void mysql_rows_clear(struct mysql_rows *rows)
{
	for (size_t i = 0; i < rows->used; i++)
		memory_free(rows->values[i]);
	memory_free(rows->values);
	*rows = MYSQL_ROWS_INIT;
}
