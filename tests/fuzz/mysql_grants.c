/*
 * SHOW GRANTS as anybody may answer it: what is taken for a right becomes a part of our statements.
 *
 * Input: lines of SHOW GRANTS; behind a line "--" the list of default roles.
 */
#include "fuzz.h"

#include "clients/sql/mysql_grants.h"

#define ACCOUNT "'a'@'%'"

/* Every quoted text ends, as the server sees it. */
static void require_balanced(const char *statement)
{
	char quote = '\0';

	for (const char *at = statement; *at != '\0'; at++) {
		if (quote == '\0' && strchr("`'\"", *at) != NULL)
			quote = *at;
		else if (quote != '\0' && quote != '`' && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == quote)
			quote = '\0';
	}
	REQUIRE(quote == '\0');
}

/* A statement that gives it, shown by the server, is the same right again. */
static void require_same_again(const struct mysql_right *right)
{
	AUTO(buffer_clear) struct buffer give = BUFFER_INIT(1 << 20), take = BUFFER_INIT(1 << 20);
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(1 << 20);
	AUTO(mysql_rights_clear) struct mysql_rights again = MYSQL_RIGHTS_INIT;

	require_sound(mysql_right_describe(right, &text));
	if (right->kind == RIGHT_DEFAULT_ROLE)
		return;
	REQUIRE(mysql_right_give(right, ACCOUNT, &give).code == STATUS_OK);
	REQUIRE(mysql_right_take(right, ACCOUNT, &take).code == STATUS_OK);
	require_balanced(buffer_string(&give));
	require_balanced(buffer_string(&take));
	REQUIRE(mysql_rights_add_line(&again, buffer_string(&give)).code == STATUS_OK);
	REQUIRE(again.count == 1);
	REQUIRE(mysql_rights_find(&again, right) != NULL);
	REQUIRE(again.list[0].may_pass_on == right->may_pass_on);
	REQUIRE(mysql_rights_cover(&again, right));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mysql_rights_clear) struct mysql_rights rights = MYSQL_RIGHTS_INIT;
	struct input input = INPUT(data, size);
	bool roles = false;

	while (input.at < input.end) {
		AUTO(string_clear) char *line = take_line(&input);
		struct status status;

		if (strcmp(line, "--") == 0) {
			roles = true;
			continue;
		}
		status = roles ? mysql_rights_add_default_roles(&rights, line)
			       : mysql_rights_add_line(&rights, line);
		require_sound(status);
		REQUIRE(status.code == STATUS_OK || status.code == STATUS_INVALID);
	}
	for (size_t i = 0; i < rights.count; i++) {
		REQUIRE(mysql_rights_cover(&rights, &rights.list[i]));
		require_same_again(&rights.list[i]);
	}
	return 0;
}
