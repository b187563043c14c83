/* mysql_script: statements are copies, in their order, up to a limit. */
#include "test.h"

#include "clients/sql/mysql_script.h"
#include "core/memory.h"

static void script_keeps_copies_in_their_order(void **state)
{
	AUTO(mysql_script_clear) struct mysql_script script = {0};
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(64), otherwise = BUFFER_INIT(64);

	(void)state;
	assert_ok(buffer_append_string(&sql, "first"));
	assert_ok(mysql_script_add(&script, "one", &sql));
	buffer_reset(&sql);
	assert_ok(buffer_append_string(&sql, "second"));
	assert_ok(buffer_append_string(&otherwise, "or else"));
	assert_ok(mysql_script_add(&script, "two", &sql));
	assert_ok(mysql_script_add_instead(&script, &otherwise, NULL, NULL));
	assert_int_equal(script.count, 2);
	assert_string_equal(script.statements[0].sql, "first");
	assert_null(script.statements[0].if_denied);
	assert_null(script.statements[1].if_kept);
	assert_string_equal(script.statements[1].sql, "second");
	assert_string_equal(script.statements[1].if_denied, "or else");
	assert_string_equal(script.statements[1].doing, "two");
	mysql_script_clear(&script);
	assert_int_equal(script.count, 0);
	assert_ok(mysql_script_add(&script, "again", &sql));
	assert_int_equal(script.count, 1);
}

static void script_of_too_many_statements_is_invalid(void **state)
{
	AUTO(mysql_script_clear) struct mysql_script script = {0};
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(64);

	(void)state;
	assert_ok(buffer_append_string(&sql, "x"));
	for (int i = 0; i < MYSQL_STATEMENTS_MAX; i++)
		assert_ok(mysql_script_add(&script, "many", &sql));
	assert_failed(mysql_script_add(&script, "many", &sql), STATUS_INVALID, "use roles");
	assert_int_equal(script.count, MYSQL_STATEMENTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_keeps_copies_in_their_order),
		cmocka_unit_test(script_of_too_many_statements_is_invalid),
	};

	memory_init();
	return cmocka_run_group_tests_name("mysql_script", tests, NULL, NULL);
}
