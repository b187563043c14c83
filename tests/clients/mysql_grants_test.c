/* mysql_grants: SHOW GRANTS as MariaDB 10.11.19 and MySQL 9.7.4 have written it, and what nobody would. */
#include "test.h"

#include "clients/sql/mysql_grants.h"
#include "core/memory.h"

#include <stdio.h>

#define WHO "TO `u`@`%`"

/* One line; then all that it says, as it is described. */
static const struct {
	const char *line, *says;
} lines[] = {
	{"GRANT USAGE ON *.* " WHO, ""},
	{"GRANT USAGE ON *.* " WHO " IDENTIFIED BY PASSWORD '*E1' REQUIRE SSL", ""},
	{"GRANT USAGE ON *.* " WHO " WITH GRANT OPTION", "GRANT OPTION on *.*"},
	{"GRANT SELECT, INSERT ON `x`.* " WHO, "SELECT on `x`.*|INSERT on `x`.*"},
	{"GRANT RELOAD, PROCESS, BINLOG MONITOR, REPLICATION SLAVE ADMIN ON *.* " WHO
	 " IDENTIFIED BY PASSWORD '*E1' REQUIRE ISSUER '/CN=i''s WITH GRANT OPTION' WITH"
	 " MAX_QUERIES_PER_HOUR 5",
	 "RELOAD on *.*|PROCESS on *.*|BINLOG MONITOR on *.*|REPLICATION SLAVE ADMIN on *.*"},
	{"GRANT ALL PRIVILEGES ON *.* " WHO " IDENTIFIED BY PASSWORD '*E1' WITH GRANT OPTION",
	 "ALL PRIVILEGES on *.*|GRANT OPTION on *.*"},
	{"GRANT SELECT ON `x\\_%`.* " WHO " WITH GRANT OPTION",
	 "SELECT on `x\\_%`.*|GRANT OPTION on `x\\_%`.*"},
	{"GRANT SELECT (`c,(`) ON `x`.`q``\"t` " WHO, "SELECT (`c,(`) on `x`.`q``\"t`"},
	{"GRANT SELECT (`a`), INSERT, UPDATE (`a`, `b`) ON `x`.`t` " WHO,
	 "SELECT (`a`) on `x`.`t`|INSERT on `x`.`t`|UPDATE (`a`) on `x`.`t`|UPDATE (`b`) on "
	 "`x`.`t`"},
	{"GRANT EXECUTE ON PROCEDURE `x`.`p` " WHO, "EXECUTE on PROCEDURE `x`.`p`"},
	{"GRANT EXECUTE ON FUNCTION `x`.`f` " WHO " WITH GRANT OPTION",
	 "EXECUTE on FUNCTION `x`.`f`|GRANT OPTION on FUNCTION `x`.`f`"},
	{"GRANT PROXY ON `admin`@`%` " WHO, "PROXY on `admin`@`%`"},
	{"GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION",
	 "PROXY on ''@'%' WITH GRANT OPTION"},
	{"GRANT BACKUP_ADMIN ON *.* " WHO, "BACKUP_ADMIN on *.*"},
	{"GRANT CLONE_ADMIN,ROLE_ADMIN ON *.* " WHO " WITH GRANT OPTION",
	 "CLONE_ADMIN on *.* WITH GRANT OPTION|ROLE_ADMIN on *.* WITH GRANT OPTION"},
	{"REVOKE INSERT, UPDATE ON `x`.* FROM `u`@`%`",
	 "a partial revoke of INSERT on `x`.*|a partial revoke of UPDATE on `x`.*"},
	{"GRANT `r1` " WHO, "role `r1`"},
	{"GRANT `r2` " WHO " WITH ADMIN OPTION", "role `r2` WITH ADMIN OPTION"},
	{"GRANT `r1`@`%`,`r,2`@`%` " WHO, "role `r1`@`%`|role `r,2`@`%`"},
	{"GRANT ` ON TO `@`%` " WHO, "role ` ON TO `@`%`"},
	{"SET DEFAULT ROLE `r1` FOR `u`@`%`", "default role `r1`"},
	{"GRANT SELECT ON *.* TO `r1`", "SELECT on *.*"},
};

static void describe_all(const struct mysql_rights *rights, struct buffer *text)
{
	for (size_t i = 0; i < rights->count; i++) {
		assert_ok(buffer_append_string(text, i > 0 ? "|" : ""));
		assert_ok(mysql_right_describe(&rights->list[i], text));
	}
}

static void grants_of_every_form_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		AUTO(mysql_rights_clear) struct mysql_rights rights = MYSQL_RIGHTS_INIT;
		AUTO(buffer_clear) struct buffer text = BUFFER_INIT(4096);

		assert_ok(mysql_rights_add_line(&rights, lines[i].line));
		describe_all(&rights, &text);
		assert_string_equal(buffer_string(&text), lines[i].says);
		/* Said again it is no more. */
		assert_ok(mysql_rights_add_line(&rights, lines[i].line));
		buffer_reset(&text);
		describe_all(&rights, &text);
		assert_string_equal(buffer_string(&text), lines[i].says);
	}
}

static void grants_of_unknown_form_are_invalid(void **state)
{
	static const char *const strange[] = {
		"",
		"GRANT",
		"GRANT ",
		"REVOKE ",
		"DENY SELECT ON *.* TO `u`@`%`",
		"GRANT SELECT ON *.*",
		"GRANT SELECT ON *.* FROM `u`@`%`",
		"GRANT TO `u`@`%`",
		"GRANT ON *.* TO `u`@`%`",
		"GRANT  ON *.* TO `u`@`%`",
		"GRANT SELECT ON  TO `u`@`%`",
		"GRANT SELECT,, INSERT ON *.* TO `u`@`%`",
		"GRANT SELECT, ON *.* TO `u`@`%`",
		"GRANT SELECT ON, INSERT ON *.* TO `u`@`%`",
		"GRANT SELECT TO, INSERT ON *.* TO `u`@`%`",
		"GRANT SELECT () ON `x`.`t` TO `u`@`%`",
		"GRANT SELECT (`a`, ) ON `x`.`t` TO `u`@`%`",
		"GRANT SELECT (`a` ON `x`.`t` TO `u`@`%`",
		"GRANT SELECT (`a`) x ON `x`.`t` TO `u`@`%`",
		"GRANT SELECT ON `x.* TO `u`@`%`",
		"GRANT `r1 TO `u`@`%`",
		"GRANT `r1`, TO `u`@`%`",
		"REVOKE `r1` FROM `u`@`%`",
		"SET DEFAULT ROLE ",
		"SET DEFAULT ROLE `r1`",
		"SET DEFAULT ROLE  FOR `u`@`%`",
		"SET DEFAULT ROLE `r1 FOR `u`@`%`",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		AUTO(mysql_rights_clear) struct mysql_rights rights = MYSQL_RIGHTS_INIT;
		struct status status = mysql_rights_add_line(&rights, strange[i]);

		if (status.code != STATUS_INVALID)
			fail_msg("'%s': %s", strange[i], status_code_name(status.code));
	}
}

/* What gives a right, written down again by the server, is that right; what takes it names it too. */
static void grant_that_is_given_reads_back(void **state)
{
	static const struct {
		const char *line, *gives, *takes;
	} statements[] = {
		{"GRANT SELECT (`c,(`) ON `x`.`q``\"t` " WHO,
		 "GRANT SELECT (`c,(`) ON `x`.`q``\"t` TO 'a'@'%'",
		 "REVOKE SELECT (`c,(`) ON `x`.`q``\"t` FROM 'a'@'%'"},
		{"GRANT CLONE_ADMIN ON *.* " WHO " WITH GRANT OPTION",
		 "GRANT CLONE_ADMIN ON *.* TO 'a'@'%' WITH GRANT OPTION",
		 "REVOKE CLONE_ADMIN ON *.* FROM 'a'@'%'"},
		{"GRANT `r1`@`%` " WHO " WITH ADMIN OPTION",
		 "GRANT `r1`@`%` TO 'a'@'%' WITH ADMIN OPTION", "REVOKE `r1`@`%` FROM 'a'@'%'"},
		{"REVOKE INSERT ON `x`.* FROM `u`@`%`", "REVOKE INSERT ON `x`.* FROM 'a'@'%'",
		 "GRANT INSERT ON `x`.* TO 'a'@'%'"},
		{"GRANT USAGE ON `x`.* " WHO " WITH GRANT OPTION",
		 "GRANT GRANT OPTION ON `x`.* TO 'a'@'%'",
		 "REVOKE GRANT OPTION ON `x`.* FROM 'a'@'%'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		AUTO(mysql_rights_clear) struct mysql_rights rights = MYSQL_RIGHTS_INIT;
		AUTO(buffer_clear)
		struct buffer gives = BUFFER_INIT(4096), takes = BUFFER_INIT(4096);

		assert_ok(mysql_rights_add_line(&rights, statements[i].line));
		assert_int_equal(rights.count, 1);
		assert_ok(mysql_right_give(&rights.list[0], "'a'@'%'", &gives));
		assert_ok(mysql_right_take(&rights.list[0], "'a'@'%'", &takes));
		assert_string_equal(buffer_string(&gives), statements[i].gives);
		assert_string_equal(buffer_string(&takes), statements[i].takes);
	}
}

static bool covers(const char *has, const char *wanted)
{
	AUTO(mysql_rights_clear) struct mysql_rights one = MYSQL_RIGHTS_INIT;
	AUTO(mysql_rights_clear) struct mysql_rights other = MYSQL_RIGHTS_INIT;
	char lines_of[512], *rest = lines_of, *line;

	snprintf(lines_of, sizeof(lines_of), "%s", has);
	while ((line = strsep(&rest, ";")) != NULL)
		assert_ok(mysql_rights_add_line(&one, line));
	assert_ok(mysql_rights_add_line(&other, wanted));
	assert_int_equal(other.count, 1);
	return mysql_rights_cover(&one, &other.list[0]);
}

static void grants_cover_what_is_narrower_and_nothing_else(void **state)
{
	static const char table[] = "GRANT SELECT ON `x`.`t` " WHO;
	static const char column[] = "GRANT SELECT (`a`) ON `x`.`t` " WHO;

	(void)state;
	assert_true(covers(table, table));
	assert_true(covers(table, column));
	assert_true(covers("GRANT SELECT ON `x`.* " WHO, column));
	assert_true(covers("GRANT SELECT ON *.* " WHO, column));
	assert_true(covers("GRANT ALL PRIVILEGES ON `x`.* " WHO, table));
	assert_true(
		covers("GRANT EXECUTE ON `x`.* " WHO, "GRANT EXECUTE ON PROCEDURE `x`.`p` " WHO));
	assert_false(covers(column, table));
	assert_false(covers(table, "GRANT SELECT ON `x`.* " WHO));
	assert_false(covers("GRANT INSERT ON *.* " WHO, table));
	assert_false(covers("GRANT SELECT ON `y`.* " WHO, table));
	assert_false(covers("GRANT SELECT ON `x.t`.* " WHO, table));
	/* Behind a partial revoke the server's whole is not the whole. */
	assert_false(
		covers("GRANT SELECT ON *.* " WHO ";REVOKE SELECT ON `x`.* FROM `u`@`%`", table));
	/* The server looks at the database's grant then, and not at the pattern's any more. */
	assert_false(covers("GRANT SELECT ON *.* " WHO ";GRANT INSERT ON `sho_`.* " WHO,
			    "GRANT SELECT ON `shop`.* " WHO));
	assert_true(covers("GRANT SELECT ON *.* " WHO ";GRANT INSERT ON `sho\\_`.* " WHO,
			   "GRANT SELECT ON `shop`.* " WHO));
	assert_true(covers("GRANT SELECT ON *.* " WHO ";GRANT INSERT ON `sho_`.* " WHO,
			   "GRANT SELECT ON `shop`.`t` " WHO));
	/* To pass on is more, and all privileges are not that. */
	assert_false(covers("GRANT ALL PRIVILEGES ON `x`.* " WHO,
			    "GRANT USAGE ON `x`.* " WHO " WITH GRANT OPTION"));
	assert_false(covers("GRANT CLONE_ADMIN ON *.* " WHO,
			    "GRANT CLONE_ADMIN ON *.* " WHO " WITH GRANT OPTION"));
	assert_true(covers("GRANT CLONE_ADMIN ON *.* " WHO " WITH GRANT OPTION",
			   "GRANT CLONE_ADMIN ON *.* " WHO));
	assert_false(covers("GRANT `r` " WHO, "GRANT `r` " WHO " WITH ADMIN OPTION"));
	assert_false(covers("GRANT `r` " WHO, "SET DEFAULT ROLE `r` FOR `u`@`%`"));
	assert_false(covers("GRANT ALL PRIVILEGES ON *.* " WHO, "GRANT PROXY ON `a`@`%` " WHO));
}

static void default_roles_of_a_list_are_added(void **state)
{
	AUTO(mysql_rights_clear) struct mysql_rights rights = MYSQL_RIGHTS_INIT;
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(4096);

	(void)state;
	assert_ok(mysql_rights_add_default_roles(&rights, ""));
	assert_int_equal(rights.count, 0);
	assert_ok(mysql_rights_add_default_roles(&rights, "`r1`@`%`,`r,2`@`%`"));
	describe_all(&rights, &text);
	assert_string_equal(buffer_string(&text), "default role `r1`@`%`|default role `r,2`@`%`");
	mysql_rights_remove(&rights, 0);
	assert_int_equal(rights.count, 1);
	assert_string_equal(rights.list[0].what, "`r,2`@`%`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grants_of_every_form_are_understood),
		cmocka_unit_test(grants_of_unknown_form_are_invalid),
		cmocka_unit_test(grant_that_is_given_reads_back),
		cmocka_unit_test(grants_cover_what_is_narrower_and_nothing_else),
		cmocka_unit_test(default_roles_of_a_list_are_added),
	};

	memory_init();
	return cmocka_run_group_tests_name("mysql_grants", tests, NULL, NULL);
}
