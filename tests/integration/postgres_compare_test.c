/*
 * Comparing what two users may do. Most tests are one row: what the model is given, and what must
 * then be missing; in the other direction, and once the user has it too, nothing is.
 */
#include "postgres_support.h"

#include <stdio.h>
#include <stdlib.h>

#define PASSWORD "some-Passw0rd"

/* @s is the test's schema, @m the model, @u the user, @g a group role. */
static const char *filled_in(const char *text)
{
	static char texts[8][1024];
	static size_t next;
	char *ret = texts[next++ % 8];
	size_t length = 0;

	for (; *text != '\0'; text++) {
		const char what[2] = {text[0] == '@' ? text[1] : '\0', '\0'};

		if (what[0] == '\0') {
			ret[length++] = *text;
			continue;
		}
		length += (size_t)snprintf(ret + length, sizeof(texts[0]) - length, "%s",
					   named(what));
		text++;
	}
	ret[length] = '\0';
	return ret;
}

static void prepare(void)
{
	admin("CREATE ROLE %s LOGIN PASSWORD '%s'; CREATE ROLE %s LOGIN PASSWORD '%s';"
	      " CREATE ROLE %s NOLOGIN",
	      named("m"), PASSWORD, named("u"), PASSWORD, named("g"));
	admin("SET search_path = %s", named("s"));
	admin("CREATE TABLE t (a int, b int); CREATE TABLE \"T 2\" (a int); CREATE VIEW v AS "
	      "SELECT 1;"
	      "CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a;"
	      "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE SEQUENCE q;"
	      "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
	      "CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1'; CREATE TYPE e AS ENUM ('x');"
	      "REVOKE ALL ON FUNCTION f(int) FROM PUBLIC; REVOKE ALL ON PROCEDURE pr() FROM PUBLIC;"
	      "REVOKE ALL ON TYPE e FROM PUBLIC");
	admin("RESET search_path");
}

/* As the user itself, who has no permission beyond what the test gives. */
static struct status compare(const char *user, const char *model)
{
	AUTO(database_close) struct database *database = NULL;

	TRY(login_as(named("g"), PASSWORD, &database));
	return database->ops->compare_users(database, filled_in(user), NULL, filled_in(model));
}

static void prepare_observer(void)
{
	prepare();
	admin("ALTER ROLE %s LOGIN PASSWORD '%s'", named("g"), PASSWORD);
	admin("CREATE ROLE %s", named("r"));
}

static void compare_of_equals_is_ok(void **state)
{
	(void)state;
	prepare_observer();
	assert_ok(compare("@u", "@m"));
	assert_ok(compare("@m", "@u"));
	assert_ok(compare("@m", "@m"));
}

static void compare_with_missing_user_is_not_found(void **state)
{
	(void)state;
	prepare_observer();
	assert_failed(compare("@nobody", "@m"), STATUS_NOT_FOUND, "");
	assert_failed(compare("@u", "@x"), STATUS_NOT_FOUND, "_x");
}

static const struct {
	const char *given;   /* to @m */
	const char *missing; /* in the message */
	const char *also;    /* what mends it for @u */
	bool newer;	     /* needs PostgreSQL 16 */
} differences[] = {
	{"GRANT SELECT ON @s.t TO @m", "SELECT on @s.t;", "GRANT SELECT ON @s.t TO @u", false},
	{"GRANT ALL ON @s.t TO @m", "DELETE on @s.t, INSERT on @s.t, ", "GRANT ALL ON @s.t TO @u",
	 false},
	{"GRANT TRUNCATE ON @s.\"T 2\" TO @m", "TRUNCATE on @s.\"T 2\";",
	 "GRANT TRUNCATE ON @s.\"T 2\" TO @u", false},
	{"GRANT REFERENCES, TRIGGER ON @s.t TO @m", "REFERENCES on @s.t, TRIGGER on @s.t;",
	 "GRANT REFERENCES, TRIGGER ON @s.t TO PUBLIC", false},
	{"GRANT UPDATE ON @s.t TO @m WITH GRANT OPTION", "UPDATE WITH GRANT OPTION on @s.t;",
	 "GRANT UPDATE ON @s.t TO @u WITH GRANT OPTION", false},
	{"GRANT SELECT ON @s.v TO @m", "SELECT on @s.v;", "GRANT SELECT ON @s.v TO @u", false},
	{"GRANT SELECT ON @s.mv TO @m", "SELECT on materialized view @s.mv;",
	 "GRANT SELECT ON @s.mv TO @u", false},
	{"GRANT INSERT ON @s.p TO @m", "INSERT on @s.p;", "GRANT INSERT ON @s.p TO @u", false},
	{"GRANT SELECT (b) ON @s.t TO @m", "SELECT on table column @s.t.b;",
	 "GRANT SELECT (b) ON @s.t TO @u", false},
	{"GRANT UPDATE (a) ON @s.t TO @m", "UPDATE on table column @s.t.a;",
	 "GRANT UPDATE ON @s.t TO @u", false},
	{"GRANT SELECT, UPDATE, USAGE ON SEQUENCE @s.q TO @m",
	 "SELECT on sequence @s.q, UPDATE on sequence @s.q, USAGE on sequence @s.q;",
	 "GRANT ALL ON SEQUENCE @s.q TO @u", false},
	{"GRANT EXECUTE ON FUNCTION @s.f(int) TO @m", "EXECUTE on function @s.f(integer);",
	 "GRANT EXECUTE ON FUNCTION @s.f(int) TO @u", false},
	{"GRANT EXECUTE ON PROCEDURE @s.pr() TO @m", "EXECUTE on procedure @s.pr();",
	 "GRANT EXECUTE ON PROCEDURE @s.pr() TO @u", false},
	{"GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO @m",
	 "EXECUTE on function pg_catalog.pg_ls_waldir();",
	 "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_waldir() TO @u", false},
	{"GRANT USAGE ON TYPE @s.e TO @m", "USAGE on type @s.e;", "GRANT USAGE ON TYPE @s.e TO @u",
	 false},
	{"GRANT USAGE, CREATE ON SCHEMA @s TO @m", "CREATE on schema @s, USAGE on schema @s;",
	 "GRANT ALL ON SCHEMA @s TO @u", false},
	{"GRANT CREATE ON DATABASE app TO @m", "CREATE on database app;",
	 "GRANT CREATE ON DATABASE app TO @u", false},
	{"GRANT CREATE ON TABLESPACE pg_default TO @m", "CREATE on tablespace pg_default;",
	 "GRANT CREATE ON TABLESPACE pg_default TO @u", false},
	{"CREATE FOREIGN DATA WRAPPER @w; CREATE SERVER @w FOREIGN DATA WRAPPER @w;"
	 "GRANT USAGE ON FOREIGN SERVER @w TO @m",
	 "USAGE on server @w;",
	 "GRANT USAGE ON FOREIGN SERVER @w TO @u; DROP FOREIGN DATA WRAPPER @w CASCADE", false},
	{"CREATE POLICY rows ON @s.t TO @m USING (true)", "access through policy rows on @s.t;",
	 "CREATE POLICY too ON @s.t TO @u; ALTER POLICY rows ON @s.t TO @m, @u", false},
	{"ALTER TABLE @s.t OWNER TO @m", "ownership of @s.t;", "GRANT @m TO @u", false},
	/* What an owner may do is not said again, privilege by privilege. */
	{"ALTER TABLE @s.t OWNER TO @m; GRANT SELECT ON @s.t TO @r; GRANT @r TO @m",
	 "membership in @r, ownership of @s.t, SELECT on @s.t;", "GRANT @m TO @u", false},
	{"ALTER FUNCTION @s.f(int) OWNER TO @m", "ownership of function @s.f(integer);",
	 "ALTER FUNCTION @s.f(int) OWNER TO @g", false},
	{"ALTER SCHEMA @s OWNER TO @m", "ownership of schema @s;", "ALTER SCHEMA @s OWNER TO @u",
	 false},
	{"GRANT @r TO @m", "membership in @r;", "GRANT @r TO @u", false},
	{"GRANT @r TO @m; GRANT @r TO @u; ALTER ROLE @u NOINHERIT; REVOKE @r FROM @u; GRANT @r TO "
	 "@u",
	 "inherited membership in @r;", "ALTER ROLE @u INHERIT; REVOKE @r FROM @u; GRANT @r TO @u",
	 false},
	{"GRANT @r TO @m WITH SET TRUE; GRANT @r TO @u WITH SET FALSE", "membership in @r;",
	 "GRANT @r TO @u WITH SET TRUE", true},
	{"GRANT @r TO @m WITH ADMIN OPTION; GRANT @r TO @u", "ADMIN OPTION on @r;",
	 "GRANT @r TO @u WITH ADMIN OPTION", false},
	{"GRANT pg_monitor TO @m", "membership in pg_monitor", "GRANT pg_monitor TO @u", false},
	{"GRANT SELECT ON @s.t TO @r; GRANT @r TO @m", "membership in @r, SELECT on @s.t;",
	 "GRANT @r TO @u", false},
	{"GRANT SELECT ON @s.t TO @r; ALTER ROLE @m SUPERUSER", "missing SUPERUSER;",
	 "ALTER ROLE @u SUPERUSER", false},
	{"ALTER ROLE @m CREATEDB CREATEROLE", "missing CREATEDB, CREATEROLE;",
	 "ALTER ROLE @u CREATEDB CREATEROLE", false},
	{"ALTER ROLE @m REPLICATION BYPASSRLS", "missing BYPASSRLS, REPLICATION;",
	 "ALTER ROLE @u REPLICATION BYPASSRLS", false},
	{"ALTER ROLE @u NOLOGIN", "missing LOGIN;", "ALTER ROLE @u LOGIN", false},
	{"ALTER ROLE @m CONNECTION LIMIT 9; ALTER ROLE @u CONNECTION LIMIT 8",
	 "missing CONNECTION LIMIT 9;", "ALTER ROLE @u CONNECTION LIMIT 9", false},
	{"ALTER ROLE @u CONNECTION LIMIT 8", "missing CONNECTION LIMIT -1;",
	 "ALTER ROLE @u CONNECTION LIMIT -1", false},
	{"ALTER ROLE @u VALID UNTIL '2099-01-01'", "missing VALID UNTIL infinity;",
	 "ALTER ROLE @u VALID UNTIL 'infinity'", false},
};

static void compare_names_what_is_missing(void **state)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]);
	     i += is_slow() ? 6 : 1) {
		if (differences[i].newer && server_version() < 160000)
			continue;
		prepare_observer();
		admin("%s", filled_in(differences[i].given));
		assert_failed(compare("@u", "@m"), STATUS_INVALID,
			      filled_in(differences[i].missing));
		admin("%s", filled_in(differences[i].also));
		assert_ok(compare("@u", "@m"));
		tear_down(state);
		set_up(state);
	}
}

static void compare_allows_the_user_to_do_more(void **state)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		/* Rows about @u alone say nothing when read backwards. */
		if (strstr(differences[i].given, "@u") != NULL)
			continue;
		prepare_observer();
		admin("%s", filled_in(differences[i].given));
		assert_ok(compare("@m", "@u"));
		if (strstr(differences[i].given, "@w") != NULL)
			admin("DROP FOREIGN DATA WRAPPER %s CASCADE", named("w"));
		tear_down(state);
		set_up(state);
	}
}

static void compare_of_member_that_starts_as_the_model_is_ok(void **state)
{
	(void)state;
	prepare_observer();
	admin("%s", filled_in("GRANT ALL ON @s.t TO @m; ALTER TABLE @s.\"T 2\" OWNER TO @m;"
			      "ALTER ROLE @m CREATEDB; GRANT @r TO @m; GRANT @m TO @u;"
			      "ALTER ROLE @u NOINHERIT; REVOKE @m FROM @u; GRANT @m TO @u"));
	assert_failed(compare("@u", "@m"), STATUS_INVALID, "CREATEDB");
	admin("%s", filled_in("ALTER ROLE @u SET role = @m"));
	assert_ok(compare("@u", "@m"));
	/* One database's setting goes before the one for all. */
	admin("%s", filled_in("ALTER ROLE @u IN DATABASE app SET role = 'none'"));
	assert_failed(compare("@u", "@m"), STATUS_INVALID, "SELECT on");
	admin("%s", filled_in("ALTER ROLE @u IN DATABASE app RESET role;"
			      "ALTER ROLE @u IN DATABASE postgres SET role = 'none'"));
	assert_ok(compare("@u", "@m"));
}

/* A role setting that the user may not follow is ignored by the server: so it is here. */
static void compare_ignores_a_role_setting_that_has_no_effect(void **state)
{
	(void)state;
	prepare_observer();
	admin("%s", filled_in("GRANT SELECT ON @s.t TO @m; ALTER ROLE @u SET role = @m"));
	assert_failed(compare("@u", "@m"), STATUS_INVALID, "SELECT on");
}

static void compare_of_weaker_start_is_noticed(void **state)
{
	(void)state;
	prepare_observer();
	admin("%s", filled_in("GRANT SELECT ON @s.t TO @m, @u; GRANT @r TO @m, @u;"
			      "ALTER ROLE @u SET role = @r"));
	assert_failed(compare("@u", "@m"), STATUS_INVALID, "SELECT on");
}

/* Its owner is a member of pg_database_owner, which nobody can be made. */
static void compare_with_owner_of_the_database_names_the_database_only(void **state)
{
	struct status status;

	(void)state;
	prepare_observer();
	admin("%s", filled_in("ALTER DATABASE app OWNER TO @m"));
	status = compare("@u", "@m");
	admin("ALTER DATABASE app OWNER TO CURRENT_USER");
	assert_failed(status, STATUS_INVALID, "missing ownership of database app;");
}

static void compare_overlooks_a_policy_that_only_restricts_the_model(void **state)
{
	(void)state;
	prepare_observer();
	admin("%s", filled_in("CREATE POLICY less ON @s.t AS RESTRICTIVE TO @m USING (a > 0)"));
	assert_ok(compare("@u", "@m"));
}

static void compare_shows_a_few_and_counts_the_rest(void **state)
{
	struct status status;

	(void)state;
	prepare_observer();
	admin("%s", filled_in("DO $$ BEGIN FOR i IN 1..300 LOOP"
			      " EXECUTE format('CREATE TABLE @s.%I ()', repeat('n', 50) || i);"
			      " END LOOP; END $$; GRANT SELECT ON ALL TABLES IN SCHEMA @s TO @m"));
	status = compare("@u", "@m");
	assert_failed(status, STATUS_INVALID, " more; grant it, or make ");
	assert_failed(status, STATUS_INVALID, "SELECT on");
	assert_failed(status, STATUS_INVALID, "(ALTER ROLE ... SET role)");
}

/* Functions and operators of the user's own must not stand in for the server's. */
static void compare_is_not_led_astray_by_a_search_path(void **state)
{
	(void)state;
	prepare_observer();
	admin("%s",
	      filled_in("GRANT SELECT ON @s.t TO @m;"
			"CREATE FUNCTION @s.pg_has_role(oid, oid, text) RETURNS bool"
			" LANGUAGE sql AS 'SELECT true';"
			"CREATE VIEW @s.pg_roles AS SELECT 'x'::name AS rolname, 1::oid AS oid;"
			"GRANT ALL ON SCHEMA @s TO @g; GRANT ALL ON @s.pg_roles TO @g;"
			"ALTER ROLE @g SET search_path = @s, pg_catalog"));
	assert_failed(compare("@u", "@m"), STATUS_INVALID, "SELECT on");
}

int run_compare_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(compare_of_equals_is_ok),
		TEST(compare_with_missing_user_is_not_found),
		TEST(compare_names_what_is_missing),
		TEST(compare_allows_the_user_to_do_more),
		TEST(compare_of_member_that_starts_as_the_model_is_ok),
		TEST(compare_ignores_a_role_setting_that_has_no_effect),
		TEST(compare_of_weaker_start_is_noticed),
		TEST(compare_with_owner_of_the_database_names_the_database_only),
		TEST(compare_overlooks_a_policy_that_only_restricts_the_model),
		TEST(compare_shows_a_few_and_counts_the_rest),
		TEST(compare_is_not_led_astray_by_a_search_path),
	};

	return cmocka_run_group_tests_name("postgres compare", tests, NULL, NULL);
}
