/*
 * Rows that a server answers with: a role's settings and attributes, written down as SQL for another
 * role, and what one user lacks, told to a person. Whoever may ALTER ROLE … SET writes the settings;
 * they must stay what they are, literals. A hostile server leaves columns out.
 *
 * Input: a character, which question is asked and how many columns every answer lacks; then lines,
 * one for each value, row after row. For settings: database (empty: NULL), setting, value.
 */
#include "fuzz.h"

#include "clients/sql/postgres_operations.h"
#include "clients/sql/postgres_settings.h"

#include <strings.h>

#define ROWS_MAX 16
#define COLUMNS 3
#define ANSWERS 4

enum which { SETTINGS, COMPARE, COMPARE_NOBODY, CREATE, WHICH_COUNT };

/* What the questions ask for, one after the other; rows at the most. */
static const struct answer {
	int columns, rows;
} due[WHICH_COUNT][ANSWERS] = {
	[SETTINGS] = {{3, ROWS_MAX}},
	[COMPARE] = {{1, 0}, {2, ROWS_MAX}},
	[COMPARE_NOBODY] = {{1, ROWS_MAX}},
	[CREATE] = {{0, 0}, {1, 1}, {3, ROWS_MAX}, {1, 0}},
};

static PGconn *connection;
static struct {
	struct input input;
	const struct answer *next;
	int lacking;
	int row_count; /* of the last */
} rows;

static PGresult *make_result(void)
{
	static char name[] = "column";
	PGresAttDesc columns[COLUMNS] = {{.name = name}, {.name = name}, {.name = name}};
	PGresult *result = PQmakeEmptyPGresult(connection, PGRES_TUPLES_OK);
	const struct answer *answer = rows.next++;
	int count = answer->columns > rows.lacking ? answer->columns - rows.lacking : 0;

	REQUIRE(result != NULL);
	rows.row_count = 0;
	/* Without columns there is nothing to hold a row. */
	REQUIRE(count == 0 || PQsetResultAttrs(result, count, columns));
	for (; count > 0 && rows.row_count < answer->rows && rows.input.at < rows.input.end;
	     rows.row_count++)
		for (int column = 0; column < count; column++) {
			AUTO(string_clear) char *text = take_line(&rows.input);
			int length = column == 0 && *text == '\0' ? -1 : (int)strlen(text);

			REQUIRE(PQsetvalue(result, rows.row_count, column, text, length));
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

/* Thousands of rounds of SHA-256, and none of what is looked at here. */
char *__wrap_PQencryptPasswordConn(PGconn *, const char *password, const char *user,
				   const char *algorithm);

char *__wrap_PQencryptPasswordConn(PGconn *session, const char *password, const char *user,
				   const char *algorithm)
{
	(void)session, (void)password, (void)user, (void)algorithm;
	return strdup("SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5");
}

struct status __wrap_postgres_manage(struct postgres *session)
{
	(void)session;
	return OK;
}

/* The script as PostgreSQL reads it: our words in their order, and each quoted text, unquoted. */
struct script {
	const char *at;
};

static bool take_word(struct script *script, const char *word)
{
	size_t length = strlen(word);
	bool found = strncmp(script->at, word, length) == 0;

	script->at += found ? length : 0;
	return found;
}

/* One identifier ("…") or literal ('…' or E'…'), which must mean exactly this. */
static void require_quoted(struct script *script, char quote, const char *meant, size_t length)
{
	bool escapes = quote == '\'' && (take_word(script, " E") || take_word(script, "E"));
	const char *at = script->at, *end = meant + length;

	REQUIRE(*at++ == quote);
	for (;; at++) {
		if ((escapes && at[0] == '\\') || (at[0] == quote && at[1] == quote)) {
			/* Of what a backslash may precede, only these two mean themselves. */
			REQUIRE(at[1] == '\\' || at[1] == quote);
			at++;
		} else if (*at == quote) {
			break;
		}
		REQUIRE(meant < end && *at == *meant++);
	}
	REQUIRE(meant == end);
	script->at = at + 1;
}

static bool is_list(const char *setting)
{
	static const char *const lists[] = {
		"search_path",
		"temp_tablespaces",
		"local_preload_libraries",
		"session_preload_libraries",
		"shared_preload_libraries",
		"unix_socket_directories",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcasecmp(setting, lists[i]) == 0)
			return true;
	return false;
}

/* Each name of a list, as PostgreSQL's SplitIdentifierString() takes it apart. */
static void require_names(struct script *script, const char *list)
{
	static const char separators[] = ", \t\n";

	list += strspn(list, separators);
	for (bool first = true; first || *list != '\0'; first = false) {
		char name[4096];
		size_t length = 0;

		if (*list == '"') {
			for (list++; *list != '\0' && (list[0] != '"' || list[1] == '"'); list++) {
				list += list[0] == '"';
				REQUIRE(length < sizeof(name));
				name[length++] = *list;
			}
			list += *list == '"';
		} else {
			while (*list != '\0' && strchr(separators, *list) == NULL) {
				REQUIRE(length < sizeof(name));
				name[length++] = *list++;
			}
		}
		list += strspn(list, separators);
		REQUIRE(first || take_word(script, ", "));
		require_quoted(script, '\'', name, length);
	}
}

/* One statement for each row, which says what the row says and nothing else. */
static void require_settings(const char *text, struct input input)
{
	struct script script = {text};

	for (int row = 0; row < ROWS_MAX && input.at < input.end; row++) {
		AUTO(string_clear) char *database = take_line(&input);
		AUTO(string_clear) char *setting = take_line(&input);
		AUTO(string_clear) char *value = take_line(&input);

		REQUIRE(take_word(&script, "; ALTER ROLE "));
		require_quoted(&script, '"', "app-clone", strlen("app-clone"));
		if (*database != '\0') {
			REQUIRE(take_word(&script, " IN DATABASE "));
			require_quoted(&script, '"', database, strlen(database));
		}
		REQUIRE(take_word(&script, " SET "));
		require_quoted(&script, '"', setting, strlen(setting));
		REQUIRE(take_word(&script, " TO "));
		if (is_list(setting))
			require_names(&script, value);
		else
			require_quoted(&script, '\'', value, strlen(value));
	}
	REQUIRE(*script.at == '\0');
}

static struct status ask(enum which which, struct postgres *session, struct buffer *script)
{
	AUTO(secret_clear) struct secret password = SECRET_INIT;
	struct database *database = &session->database;
	bool created;

	switch (which) {
	case SETTINGS:
		return postgres_append_settings(session, script, "app-clone", "app");
	case COMPARE:
	case COMPARE_NOBODY:
		return postgres_compare_users(database, "app-clone", NULL, "app");
	case CREATE:
		TRY(secret_make("password", strlen("password"), &password));
		return postgres_put_user_like(database, "app-clone", "app", &password, &created);
	case WHICH_COUNT:
		break;
	}
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keywords[] = {"host", NULL}, *const values[] = {"/dev/null", NULL};
	AUTO(buffer_clear) struct buffer script = BUFFER_INIT(64 * 1024);
	struct postgres session = {.place = "the database at h:5432", .user = "admin"};
	struct input input = INPUT(data, size);
	unsigned choice = take_choice(&input, WHICH_COUNT * (COLUMNS + 1));
	enum which which = choice % WHICH_COUNT;
	struct status status;

	/* Never connected: quoting and results need no more. */
	if (connection == NULL)
		connection = PQconnectStartParams(keywords, values, 0);
	REQUIRE(connection != NULL);
	session.connection = connection;
	rows.input = input;
	rows.next = due[which];
	rows.lacking = (int)(choice / WHICH_COUNT);
	status = ask(which, &session, &script);
	require_sound(status);
	if (rows.lacking > 0)
		REQUIRE(status.code == STATUS_UNAVAILABLE);
	else if (which == SETTINGS && status.code == STATUS_OK)
		require_settings(buffer_string(&script), input);
	else if (which == COMPARE)
		REQUIRE(status.code == (rows.row_count > 0 ? STATUS_INVALID : STATUS_OK));
	else if (which == COMPARE_NOBODY && rows.row_count > 0)
		REQUIRE(status.code == STATUS_NOT_FOUND);
	return 0;
}
