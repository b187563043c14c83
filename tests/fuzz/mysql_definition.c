/*
 * SHOW CREATE USER as anybody may answer it: its parts become parts of a statement that creates another
 * user.
 *
 * Input: the statement.
 */
#include "fuzz.h"

#include "clients/sql/mysql_definition.h"
#include "clients/sql/mysql_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mysql_definition_clear) struct mysql_definition made = MYSQL_DEFINITION_INIT;
	AUTO(mysql_definition_clear) struct mysql_definition again = MYSQL_DEFINITION_INIT;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(1 << 20);
	AUTO(string_clear) char *statement = NULL;
	struct input input = INPUT(data, size);
	struct status status;

	statement = take_line(&input);
	status = mysql_definition_parse(statement, &made);
	require_sound(status);
	REQUIRE(status.code == STATUS_OK || status.code == STATUS_INVALID);
	if (status.code != STATUS_OK)
		return 0;
	REQUIRE(made.tls != NULL && made.policy != NULL && made.default_roles != NULL);
	for (size_t i = 0; i < MYSQL_LIMITS; i++)
		REQUIRE(strspn(made.limits[i], "0123456789.") == strlen(made.limits[i]));
	REQUIRE(mysql_is_well_formed(made.tls) && mysql_is_well_formed(made.policy));
	/* What creates the other user is read as the same definition. */
	REQUIRE(buffer_append_string(&sql, "CREATE USER 'a'@'%' IDENTIFIED BY PASSWORD 'x'").code ==
		STATUS_OK);
	REQUIRE(mysql_definition_append(&made, true, &sql).code == STATUS_OK);
	REQUIRE(buffer_printf(&sql, " %s ", made.policy).code == STATUS_OK);
	REQUIRE(mysql_definition_parse(buffer_string(&sql), &again).code == STATUS_OK);
	REQUIRE(strcmp(again.tls, made.tls) == 0);
	/* With the blank behind it, its last word may begin a part that is none of the policy. */
	REQUIRE(strncmp(again.policy, made.policy, strlen(again.policy)) == 0);
	for (size_t i = 0; i < MYSQL_LIMITS; i++)
		REQUIRE(strcmp(again.limits[i], made.limits[i]) == 0);
	return 0;
}
