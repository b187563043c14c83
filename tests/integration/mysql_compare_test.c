/*
 * Comparing what two users may do. Most of it is one table: what one has and the other has not must be
 * named as missing, and in the other direction as too much.
 */
#include "mysql_kinds.h"
#include "mysql_support.h"

#include <stdio.h>
#include <stdlib.h>

static void prepare(void)
{
	make_objects();
	make_user("m", "");
	make_user("u", "");
}

static struct status compare_both(void)
{
	return compare(named("u"), OLD, named("m"), OLD);
}

static void compare_of_equals_is_ok(void **state)
{
	(void)state;
	prepare();
	assert_ok(compare_both());
	give("GRANT ALL PRIVILEGES ON *.* TO @x WITH GRANT OPTION; GRANT @(r1) TO @x", 'm');
	give("GRANT ALL PRIVILEGES ON *.* TO @x WITH GRANT OPTION; GRANT @(r1) TO @x", 'u');
	assert_ok(compare_both());
}

static void compare_names_every_difference(void **state)
{
	for (size_t i = 0; i < kinds_count; i += is_slow() ? 6 : 1) {
		const struct kind *kind = &kinds[i];
		struct status missing, besides;
		/* REQUIRE and limits are what they are: neither is missing. */
		bool is_defined = strncmp(kind->give, "ALTER ", 6) == 0;

		if (!kind_is_for_this_server(kind) || kind->no_login)
			continue;
		prepare();
		give(kind->give, 'm');
		give(kind->less, 'u');
		missing = compare_both();
		besides = compare(named("m"), OLD, named("u"), OLD);
		assert_failed(missing, STATUS_INVALID, filled_in(kind->named));
		assert_failed(missing, STATUS_INVALID,
			      is_defined ? "different or too much: " : "missing ");
		if (strstr(kind->give, "REVOKE") == NULL)
			assert_failed(besides, STATUS_INVALID, "different or too much: ");
		assert_failed(besides, STATUS_INVALID, filled_in(kind->named));
		/* And only in its direction. */
		if (!is_defined && kind->less == NULL)
			assert_null(strstr(besides.detail, "missing "));
		give(kind->give, 'u');
		assert_ok(compare_both());
		tear_down(state);
		set_up(state);
	}
}

/* What the one has already by something wider makes no difference. */
static void compare_overlooks_what_something_wider_covers(void **state)
{
	static const struct {
		const char *wide, *also;
	} covered[] = {
		{"GRANT SELECT ON *.* TO @x", "GRANT SELECT ON @(db).* TO @x"},
		{"GRANT SELECT ON *.* TO @x", "GRANT SELECT ON @(db).t TO @x"},
		{"GRANT SELECT ON *.* TO @x", "GRANT SELECT (a) ON @(db).t TO @x"},
		{"GRANT SELECT ON @(db).* TO @x", "GRANT SELECT ON @(db).t TO @x"},
		{"GRANT SELECT ON @(db).* TO @x", "GRANT SELECT (a) ON @(db).t TO @x"},
		{"GRANT SELECT ON @(db).t TO @x", "GRANT SELECT (a) ON @(db).t TO @x"},
		{"GRANT ALL PRIVILEGES ON @(db).* TO @x", "GRANT INSERT ON @(db).t TO @x"},
		{"GRANT ALL PRIVILEGES ON @(db).* TO @x",
		 "GRANT EXECUTE ON PROCEDURE @(db).p TO @x"},
		{"GRANT EXECUTE ON *.* TO @x", "GRANT EXECUTE ON FUNCTION @(db).f TO @x"},
	};

	for (size_t i = 0; i < sizeof(covered) / sizeof(covered[0]); i++) {
		struct status status;

		prepare();
		give(covered[i].wide, 'm');
		give(covered[i].wide, 'u');
		give(covered[i].also, 'm');
		status = compare_both();
		if (status.code != STATUS_OK)
			fail_msg("%s: %s", covered[i].also, status.detail);
		assert_ok(compare(named("m"), OLD, named("u"), OLD));
		tear_down(state);
		set_up(state);
	}
}

/* What a partial revoke keeps a wider privilege from is not covered by that. */
static void compare_of_privilege_behind_a_partial_revoke_is_a_difference(void **state)
{
	(void)state;
	only_on_mysql("partial revokes are its own");
	prepare();
	give("GRANT SELECT ON *.* TO @x; REVOKE SELECT ON @(db).* FROM @x", 'm');
	give("GRANT SELECT ON *.* TO @x; REVOKE SELECT ON @(db).* FROM @x", 'u');
	give("GRANT SELECT ON @(db).t TO @x", 'm');
	assert_failed(compare_both(), STATUS_INVALID, filled_in("SELECT on `@(db)`.`t`"));
}

static void compare_shows_a_few_and_counts_the_rest(void **state)
{
	struct status status;

	(void)state;
	prepare();
	for (int i = 0; i < 60; i++) {
		admin_printf("CREATE TABLE @(db).table_with_a_rather_long_name_%d (a int)", i);
		admin_printf("GRANT SELECT ON @(db).table_with_a_rather_long_name_%d TO @%c", i,
			     i % 2 == 0 ? 'm' : 'u');
	}
	status = compare_both();
	assert_failed(status, STATUS_INVALID, "missing SELECT on");
	assert_failed(status, STATUS_INVALID, " more; different or too much: SELECT on");
	assert_failed(status, STATUS_INVALID, " more; grant and revoke, or let an admin");
}

static void compare_without_a_session_of_each_is_our_fault(void **state)
{
	AUTO(database_close) struct database *one = NULL, *other = NULL;

	(void)state;
	prepare();
	assert_ok(login_as(named("u"), OLD, &one));
	assert_ok(login_as(named("m"), OLD, &other));
	assert_true(mysql_driver.sees_itself_only && mariadb_driver.sees_itself_only);
	assert_failed(one->ops->compare_users(one, named("u"), NULL, named("m")), STATUS_INTERNAL,
		      "a session of each");
	assert_failed(one->ops->compare_users(one, named("u"), one, named("m")), STATUS_INTERNAL,
		      "a session of each");
	assert_failed(one->ops->compare_users(other, named("u"), one, named("m")), STATUS_INTERNAL,
		      "a session of each");
	assert_ok(one->ops->compare_users(one, named("u"), other, named("m")));
}

/* Where roles are active from the login on, their privileges are the roles', and no user's own. */
static void compare_of_roles_privileges_is_of_the_roles(void **state)
{
	(void)state;
	prepare();
	admin("GRANT SELECT ON @(db).* TO @(r1)");
	give(is_mariadb() ? "GRANT @(r1) TO @x; SET DEFAULT ROLE @(r1) FOR @x"
			  : "GRANT @(r1) TO @x; SET DEFAULT ROLE @(r1) TO @x",
	     'm');
	give("GRANT SELECT ON @(db).* TO @x", 'u');
	assert_failed(compare_both(), STATUS_INVALID, filled_in("role `@(r1)`"));
	/* MySQL shows a session its active roles' privileges as well. */
	if (is_mariadb())
		assert_failed(compare_both(), STATUS_INVALID,
			      filled_in("too much: SELECT on `@(db)`.*"));
}

int run_compare_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(compare_of_equals_is_ok),
		TEST(compare_names_every_difference),
		TEST(compare_overlooks_what_something_wider_covers),
		TEST(compare_of_privilege_behind_a_partial_revoke_is_a_difference),
		TEST(compare_shows_a_few_and_counts_the_rest),
		TEST(compare_without_a_session_of_each_is_our_fault),
		TEST(compare_of_roles_privileges_is_of_the_roles),
	};

	return cmocka_run_group_tests_name("mysql compare", tests, NULL, NULL);
}
