/*
 * Rows that a server answers with: a role's settings, written down as SQL for another role, and what
 * one user lacks, told to a person. Whoever may ALTER ROLE … SET writes the settings; they must stay
 * what they are, literals.
 *
 * Input: what is answered; then rows of three lines: database, setting, value. An empty database is
 * NULL.
 */
#include "fuzz.h"

#include "clients/sql/postgres_operations.h"
#include "clients/sql/postgres_settings.h"

#define ROWS_MAX 16
#define COLUMNS 3

static PGconn *connection;
static struct input rows;

static PGresult *make_result(void)
{
	static char name[] = "column";
	PGresAttDesc columns[COLUMNS] = {{.name = name}, {.name = name}, {.name = name}};
	PGresult *result = PQmakeEmptyPGresult(connection, PGRES_TUPLES_OK);

	REQUIRE(result != NULL && PQsetResultAttrs(result, COLUMNS, columns));
	for (int row = 0; row < ROWS_MAX && rows.at < rows.end; row++)
		for (int column = 0; column < COLUMNS; column++) {
			AUTO(string_clear) char *text = take_line(&rows);
			int length = column == 0 && *text == '\0' ? -1 : (int)strlen(text);

			REQUIRE(PQsetvalue(result, row, column, text, length));
		}
	return result;
}

struct status __wrap_postgres_run(struct postgres *, const char *sql, int parameter_count,
				  const char *const *parameters, PGresult **ret);
struct status __wrap_postgres_manage(struct postgres *);

struct status __wrap_postgres_run(struct postgres *session, const char *sql, int parameter_count,
				  const char *const *parameters, PGresult **ret)
{
	(void)session, (void)sql, (void)parameter_count, (void)parameters;
	*ret = make_result();
	return OK;
}

struct status __wrap_postgres_manage(struct postgres *session)
{
	(void)session;
	return OK;
}

/* Behind the quoted text that begins at `at`; in E'…' a backslash takes its neighbour along. */
static const char *skip_quoted(const char *at, bool escapes)
{
	char quote = *at++;

	for (; *at != '\0'; at++) {
		if (escapes && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == quote && at[1] == quote)
			at++;
		else if (*at == quote)
			return at + 1;
	}
	REQUIRE(!"a quoted text without an end");
	return at;
}

/* Outside of quotes stands nothing but our own words. */
static void require_harmless(const char *script)
{
	static const char ours[] = "; ALTER ROLE \"\" IN DATABASE \"\" SET \"\" TO '', ";

	while (*script != '\0') {
		bool escapes = script[0] == 'E' && script[1] == '\'';

		script += escapes;
		if (*script == '\'' || *script == '"') {
			script = skip_quoted(script, escapes);
		} else {
			size_t word = strcspn(script, "'\" ;,");
			char text[16] = {0};

			REQUIRE(word < sizeof(text));
			memcpy(text, script, word);
			REQUIRE(strstr(ours, text) != NULL);
			script += word > 0 ? word : 1;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keywords[] = {"host", NULL}, *const values[] = {"/dev/null", NULL};
	AUTO(buffer_clear) struct buffer script = BUFFER_INIT(64 * 1024);
	struct postgres session = {.place = "the database at h:5432", .user = "admin"};
	struct input input = INPUT(data, size);
	unsigned which = take_choice(&input, 2);
	struct status status;

	/* Never connected: quoting and results need no more. */
	if (connection == NULL)
		connection = PQconnectStartParams(keywords, values, 0);
	REQUIRE(connection != NULL);
	session.connection = connection;
	rows = input;
	if (which == 1) {
		require_sound(postgres_compare_users(&session.database, "app", "app-clone"));
		return 0;
	}
	status = postgres_append_settings(&session, &script, "app-clone", "app");
	require_sound(status);
	if (status.code == STATUS_OK)
		require_harmless(buffer_string(&script));
	return 0;
}
