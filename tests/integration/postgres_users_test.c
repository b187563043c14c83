/* Setting passwords and making users. */
#include "postgres_support.h"

#include <stdio.h>
#include <stdlib.h>

#define OLD "old-Passw0rd"
#define NEW "new-Passw0rd"

static const char *make_user(const char *what, const char *options)
{
	const char *user = named(what);

	admin("CREATE ROLE %s LOGIN PASSWORD '%s' %s", user, OLD, options);
	return user;
}

static bool lets_in(const char *user, const char *password)
{
	return run_as(user, password, "SELECT 1");
}

static void set_password_of_oneself_changes_it(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &database));
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	assert_false(lets_in(user, OLD));
}

/* The trap: this session starts as the base user, whose password must stay. */
static void set_password_by_clone_that_starts_as_its_base_changes_the_clone(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *base = make_user("base", "");
	const char *clone = make_user("clone", "");

	(void)state;
	admin("GRANT %s TO %s", base, clone);
	admin("ALTER ROLE %s SET role = %s", clone, base);
	assert_ok(login_as(clone, OLD, &database));
	assert_ok(set_password(database, clone, NEW));
	assert_true(lets_in(clone, NEW));
	assert_true(lets_in(base, OLD));
	assert_false(lets_in(base, NEW));
}

static void set_password_by_reader_whose_sessions_are_read_only_works(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	admin("ALTER ROLE %s SET default_transaction_read_only = on", user);
	assert_ok(login_as(user, OLD, &database));
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
}

static void set_password_by_admin_changes_anothers(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
}

static void set_password_of_another_without_permission_is_denied(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");
	const char *other = make_user("b", "");

	(void)state;
	assert_ok(login_as(user, OLD, &database));
	assert_failed(set_password(database, other, NEW), STATUS_DENIED, "rds_password");
	assert_failed(set_password(database, other, NEW), STATUS_DENIED, "42501");
	assert_true(lets_in(other, OLD));
}

static void set_password_of_missing_user_is_not_found(void **state)
{
	AUTO(database_close) struct database *database = admin_session();

	(void)state;
	assert_failed(set_password(database, named("nobody"), NEW), STATUS_NOT_FOUND, "no user");
}

static void set_password_of_unusable_name_or_password_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	char name[65];

	(void)state;
	memset(name, 'x', 64);
	name[64] = '\0';
	assert_failed(set_password(database, name, NEW), STATUS_INVALID, "at most 63");
	assert_failed(set_password(database, "", NEW), STATUS_INVALID, "empty");
	assert_failed(set_password(database, make_user("a", ""), ""), STATUS_INVALID, "empty");
	assert_failed(set_password(database, "not\xffutf8", NEW), STATUS_INVALID, "UTF-8");
}

static void set_password_takes_every_character(void **state)
{
	static const char *const passwords[] = {"qu'ote\"back\\slash$$--;", "пароль-12345",
						"  spaces inside and out  "};
	AUTO(database_close) struct database *database = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		assert_ok(set_password(database, user, passwords[i]));
		assert_true(lets_in(user, passwords[i]));
	}
}

static void set_password_waits_for_a_lock_no_longer_than_the_deadline(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");
	int64_t began;

	(void)state;
	skip_where_time_cannot_be_measured();
	admin("BEGIN");
	admin("ALTER ROLE %s CONNECTION LIMIT 7", user);
	assert_ok(login_at(&login, user, OLD, 2500, &database));
	began = clock_system.now();
	assert_failed(set_password(database, user, NEW), STATUS_UNAVAILABLE, "SQLSTATE 5");
	assert_true(clock_system.now() - began < 2600);
	admin("ROLLBACK");
	assert_true(lets_in(user, OLD));
}

static void set_password_on_broken_session_is_unavailable(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &database));
	admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'", user);
	assert_failed(set_password(database, user, NEW), STATUS_UNAVAILABLE, "SQLSTATE 57P01");
	assert_failed(set_password(database, user, NEW), STATUS_UNAVAILABLE, "is lost");
}

/* The second waits until the first has made its change, and comes after it. */
static void lock_user_lets_one_after_the_other_change_it(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL, *other = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");
	int64_t began;

	(void)state;
	skip_where_time_cannot_be_measured();
	assert_ok(login_as(user, OLD, &first));
	assert_ok(login_at(&login, user, OLD, 2500, &second));
	other = admin_session();
	assert_ok(first->ops->lock_user(first, user));
	assert_ok(other->ops->lock_user(other, named("another")));
	began = clock_system.now();
	assert_failed(second->ops->lock_user(second, user), STATUS_UNAVAILABLE,
		      "another rotation is just changing");
	assert_in_range(clock_system.now() - began, 500, 2600);
	assert_ok(set_password(first, user, NEW));
	assert_true(lets_in(user, OLD));
	assert_ok(first->ops->commit(first));
	assert_true(lets_in(user, NEW));
	/* The turn ends with the session, not with the commit. */
	database_close(&second);
	assert_ok(login_at(&login, user, NEW, 1500, &second));
	assert_failed(second->ops->lock_user(second, user), STATUS_UNAVAILABLE, "just changing");
	database_close(&second);
	database_close(&first);
	assert_ok(login_as(user, NEW, &second));
	assert_ok(second->ops->lock_user(second, user));
}

/* An advisory lock is one database's, the users are the server's: the change itself holds others up. */
static void change_that_is_not_committed_holds_up_who_comes_by_another_database(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL, *third = NULL;
	struct login login = stack_login(), elsewhere = stack_login();
	char other[] = "template1";
	const char *user = make_user("a", "");

	(void)state;
	elsewhere.dbname = other;
	assert_ok(login_at(&login, user, OLD, 10000, &first));
	assert_ok(login_at(&elsewhere, user, OLD, 1500, &second));
	assert_ok(login_at(&elsewhere, user, OLD, 10000, &third));
	assert_ok(first->ops->lock_user(first, user));
	assert_ok(set_password(first, user, NEW));
	assert_ok(second->ops->lock_user(second, user));
	assert_failed(set_password(second, user, "another-Passw0rd"), STATUS_UNAVAILABLE,
		      "SQLSTATE 5");
	assert_true(lets_in(user, OLD));
	database_close(&first);
	assert_true(lets_in(user, OLD));
	database_close(&second);
	assert_ok(third->ops->lock_user(third, user));
	assert_ok(set_password(third, user, "another-Passw0rd"));
	assert_ok(third->ops->commit(third));
	assert_true(lets_in(user, "another-Passw0rd"));
}

static void commit_after_a_failure_is_no_success(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(database->ops->lock_user(database, user));
	assert_failed(set_password(database, named("nobody"), NEW), STATUS_NOT_FOUND, "no user");
	assert_failed(database->ops->commit(database), STATUS_UNAVAILABLE, "did not commit");
}

static void lock_user_that_is_not_followed_by_a_change_changes_nothing(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &first));
	assert_ok(first->ops->lock_user(first, user));
	database_close(&first);
	assert_ok(second->ops->lock_user(second, user));
	assert_failed(set_password(second, named("nobody"), NEW), STATUS_NOT_FOUND, "no user");
	assert_true(lets_in(user, OLD));
}

/* A process that stands still must not hold the others up for longer than it had itself. */
static void lock_user_ends_with_the_deadline_of_who_has_it(void **state)
{
	AUTO(database_close) struct database *stopped = NULL, *next = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");
	int64_t began;

	(void)state;
	skip_where_time_cannot_be_measured();
	assert_ok(login_at(&login, user, OLD, 1000, &stopped));
	assert_ok(login_as(user, OLD, &next));
	assert_ok(stopped->ops->lock_user(stopped, user));
	began = clock_system.now();
	assert_ok(next->ops->lock_user(next, user));
	assert_in_range(clock_system.now() - began, 200, 5000);
	assert_failed(set_password(stopped, user, NEW), STATUS_UNAVAILABLE, "");
	assert_true(lets_in(user, OLD));
}

static void create_under_the_lock_is_done_with_it(void **state)
{
	AUTO(database_close) struct database *database = admin_session(), *other = admin_session();
	const char *model = make_user("m", "");
	const char *clone = named("clone");

	(void)state;
	assert_ok(database->ops->lock_user(database, clone));
	assert_ok(create_like(database, clone, model, NEW));
	assert_false(lets_in(clone, NEW));
	assert_ok(database->ops->commit(database));
	assert_true(lets_in(clone, NEW));
	database_close(&database);
	assert_ok(other->ops->lock_user(other, clone));
	/* There by now: only its password is set, and the turn goes with the session. */
	assert_ok(create_like(other, clone, model, OLD));
	assert_ok(other->ops->commit(other));
	assert_true(lets_in(clone, OLD));
	database_close(&other);
	database = admin_session();
	assert_ok(database->ops->lock_user(database, clone));
}

static void names_of_any_shape_are_kept_exactly(void **state)
{
	static const char *const shapes[] = {
		"a \"quoted\" User", "UPPER lower", "ünïcode-ключ", "semi;colon'--", "100%_like\\",
	};
	AUTO(database_close) struct database *database = admin_session();

	(void)state;
	for (size_t i = 0; i <= sizeof(shapes) / sizeof(shapes[0]); i++) {
		char model[64], user[64];

		snprintf(model, sizeof(model), "%s", named("m"));
		snprintf(user, sizeof(user), "%s", named(i < 5 ? shapes[i] : "long"));
		for (size_t end = strlen(user); i == 5 && end < 63; user[++end] = 0)
			user[end] = 'x';
		admin("CREATE ROLE %s LOGIN", model);
		assert_false(user_exists(user));
		assert_ok(create_like(database, user, model, OLD));
		assert_true(user_exists(user));
		assert_ok(set_password(database, user, NEW));
		assert_true(lets_in(user, NEW));
		assert_ok(database->ops->compare_users(database, user, NULL, model));
		admin("DROP ROLE %s", model);
	}
}

static void no_password_reaches_the_servers_log(void **state)
{
	static const char secret_word[] = "Zq7-never-in-a-log-Zq7";
	AUTO(database_close) struct database *database = admin_session();
	AUTO(database_close) struct database *own = NULL;
	AUTO(database_close) struct database *none = NULL;
	const char *user = make_user("a", "");
	const char *clone = named("clone");

	(void)state;
	assert_ok(set_password(database, user, secret_word));
	assert_failed(set_password(database, named("nobody"), secret_word), STATUS_NOT_FOUND, "");
	assert_ok(create_like(database, clone, user, secret_word));
	assert_ok(login_as(user, secret_word, &own));
	assert_failed(create_like(own, named("b"), user, secret_word), STATUS_DENIED, "");
	assert_failed(set_password(own, clone, secret_word), STATUS_DENIED, "");
	assert_failed(login_as(named("nobody"), secret_word, &none), STATUS_DENIED, "");
	/* The log is being written, so that its silence means something. */
	assert_true(log_contains(clone));
	assert_false(log_contains(secret_word));
}

static void create_copies_attributes_and_limit(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *creator = make_user("creator", "SUPERUSER");
	const char *model = make_user("m",
				      "CREATEDB CREATEROLE REPLICATION BYPASSRLS CONNECTION LIMIT 7"
				      " VALID UNTIL '2099-03-04 05:06:07.5+02'");
	const char *clone = named("clone");
	static const char attributes[] =
		"SELECT (rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, "
		"rolinherit,"
		" rolcanlogin, rolconnlimit, rolvaliduntil) FROM pg_roles WHERE rolname = '%s'";
	char wanted[256];

	(void)state;
	/* As this creator sees dates, they do not read back right: IST is Israel's too. */
	admin("ALTER ROLE %s SET timezone = 'Asia/Kolkata'", creator);
	admin("ALTER ROLE %s SET datestyle = 'SQL, DMY'", creator);
	assert_ok(login_as(creator, OLD, &database));
	assert_ok(create_like(database, clone, model, NEW));
	snprintf(wanted, sizeof(wanted), "%s", answer(attributes, model));
	assert_string_equal(answer(attributes, clone), wanted);
	assert_true(lets_in(clone, NEW));
	assert_ok(database->ops->compare_users(database, clone, NULL, model));
}

static void create_gives_no_attribute_that_the_model_lacks(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *model = make_user("m", "");
	const char *clone = named("clone");

	(void)state;
	assert_ok(create_like(database, clone, model, NEW));
	assert_string_equal(answer("SELECT (rolsuper OR rolcreatedb OR rolcreaterole OR"
				   " rolreplication OR rolbypassrls), rolconnlimit, rolvaliduntil"
				   " FROM pg_roles WHERE rolname = '%s'",
				   clone),
			    "f");
}

static void create_copies_settings_exactly(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *model = make_user("m", "");
	const char *clone = named("clone");
	static const char settings[] =
		"SELECT string_agg(setdatabase || array_to_string(ARRAY(SELECT c FROM "
		"unnest(setconfig) c"
		" WHERE c NOT LIKE 'role=%%' ORDER BY c), '|'), ';' ORDER BY setdatabase)"
		" FROM pg_db_role_setting WHERE setrole = '%s'::regrole";
	char wanted[1024];

	(void)state;
	admin("ALTER ROLE %s SET search_path TO \"$user\", 'odd, \"name\"', public", model);
	admin("ALTER ROLE %s SET temp_tablespaces TO ''", model);
	admin("ALTER ROLE %s SET work_mem TO '7MB'", model);
	admin("ALTER ROLE %s SET my_app.tenant TO 'it''s \\ a = \"b\", c'", model);
	admin("ALTER ROLE %s IN DATABASE app SET search_path TO ''", model);
	admin("ALTER ROLE %s IN DATABASE app SET statement_timeout TO 1234", model);
	assert_ok(create_like(database, clone, model, NEW));
	snprintf(wanted, sizeof(wanted), "%s", answer(settings, model));
	assert_non_null(strstr(wanted, "odd, \"\"name\"\""));
	assert_string_equal(answer(settings, clone), wanted);
}

/* AWS's samples' oldest complaint: what one user of the ring made, the other could not touch. */
static void create_lets_objects_belong_to_the_model_and_survive_the_turn(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *model = make_user("m", "");
	const char *clone = named("clone");
	const char *schema = named("s");
	char sql[256];

	(void)state;
	admin("GRANT USAGE, CREATE ON SCHEMA %s TO %s", schema, model);
	assert_ok(create_like(database, clone, model, NEW));
	snprintf(sql, sizeof(sql), "CREATE TABLE %s.made (id int)", schema);
	assert_true(run_as(clone, NEW, sql));
	assert_string_equal(
		answer("SELECT relowner::regrole FROM pg_class WHERE oid = '%s.made'::regclass",
		       schema),
		model);
	snprintf(sql, sizeof(sql), "INSERT INTO %s.made VALUES (1); ALTER TABLE %s.made ADD x int",
		 schema, schema);
	assert_true(run_as(model, OLD, sql));
	snprintf(sql, sizeof(sql), "DROP TABLE %s.made", schema);
	assert_true(run_as(clone, NEW, sql));
	assert_ok(database->ops->compare_users(database, clone, NULL, model));
	assert_ok(database->ops->compare_users(database, model, NULL, clone));
}

static void create_like_a_user_that_starts_as_a_third_role_starts_as_that_too(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *owner = named("owner");
	const char *model = make_user("m", "");
	const char *clone = named("clone");

	(void)state;
	admin("CREATE ROLE %s NOLOGIN; GRANT %s TO %s; ALTER ROLE %s SET role = %s", owner, owner,
	      model, model, owner);
	assert_ok(create_like(database, clone, model, NEW));
	assert_string_equal(answer("SELECT setconfig = '{role=%s}' FROM pg_db_role_setting"
				   " WHERE setrole = '%s'::regrole",
				   owner, clone),
			    "t");
	assert_ok(database->ops->compare_users(database, clone, NULL, model));
}

static void create_of_existing_user_sets_its_password_only(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *model = make_user("m", "");
	const char *clone = make_user("clone", "CONNECTION LIMIT 3");
	const char *locked = make_user("locked", "");

	(void)state;
	assert_ok(create_like(database, clone, model, NEW));
	assert_ok(create_like(database, clone, model, NEW));
	assert_true(lets_in(clone, NEW));
	assert_string_equal(answer("SELECT rolconnlimit FROM pg_roles WHERE rolname = '%s'", clone),
			    "3");
	admin("ALTER ROLE %s NOLOGIN", locked);
	assert_ok(create_like(database, locked, model, NEW));
	assert_false(lets_in(locked, NEW));
}

static void create_like_missing_user_is_not_found(void **state)
{
	AUTO(database_close) struct database *database = admin_session();

	(void)state;
	assert_failed(create_like(database, named("clone"), named("nobody"), NEW), STATUS_NOT_FOUND,
		      "nobody");
	assert_false(user_exists(named("clone")));
}

static void create_without_createrole_is_denied_and_leaves_nothing(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *model = make_user("m", "");

	(void)state;
	assert_ok(login_as(model, OLD, &database));
	assert_failed(create_like(database, named("clone"), model, NEW), STATUS_DENIED,
		      "CREATEROLE");
	assert_false(user_exists(named("clone")));
}

/* PostgreSQL 16 wants ADMIN OPTION on the model; before, CREATEROLE alone was enough. */
static void create_by_createrole_user_needs_what_its_version_asks(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *manager = make_user("manager", "CREATEROLE");
	const char *model = make_user("m", "");
	const char *clone = named("clone");

	(void)state;
	assert_ok(login_as(manager, OLD, &database));
	if (server_version() >= 160000) {

		assert_failed(create_like(database, clone, model, NEW), STATUS_DENIED,
			      "WITH ADMIN OPTION");
		assert_false(user_exists(clone));
		admin("GRANT %s TO %s WITH ADMIN OPTION", model, manager);
	}
	assert_ok(create_like(database, clone, model, NEW));
	assert_true(lets_in(clone, NEW));
	assert_ok(set_password(database, clone, OLD));
	assert_true(lets_in(clone, OLD));
}

int run_users_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(set_password_of_oneself_changes_it),
		TEST(set_password_by_clone_that_starts_as_its_base_changes_the_clone),
		TEST(set_password_by_reader_whose_sessions_are_read_only_works),
		TEST(set_password_by_admin_changes_anothers),
		TEST(set_password_of_another_without_permission_is_denied),
		TEST(set_password_of_missing_user_is_not_found),
		TEST(set_password_of_unusable_name_or_password_is_invalid),
		TEST(set_password_takes_every_character),
		TEST(set_password_waits_for_a_lock_no_longer_than_the_deadline),
		TEST(set_password_on_broken_session_is_unavailable),
		TEST(lock_user_lets_one_after_the_other_change_it),
		TEST(change_that_is_not_committed_holds_up_who_comes_by_another_database),
		TEST(commit_after_a_failure_is_no_success),
		TEST(lock_user_that_is_not_followed_by_a_change_changes_nothing),
		TEST(lock_user_ends_with_the_deadline_of_who_has_it),
		TEST(create_under_the_lock_is_done_with_it),
		TEST(names_of_any_shape_are_kept_exactly),
		TEST(no_password_reaches_the_servers_log),
		TEST(create_copies_attributes_and_limit),
		TEST(create_gives_no_attribute_that_the_model_lacks),
		TEST(create_copies_settings_exactly),
		TEST(create_lets_objects_belong_to_the_model_and_survive_the_turn),
		TEST(create_like_a_user_that_starts_as_a_third_role_starts_as_that_too),
		TEST(create_of_existing_user_sets_its_password_only),
		TEST(create_like_missing_user_is_not_found),
		TEST(create_without_createrole_is_denied_and_leaves_nothing),
		TEST(create_by_createrole_user_needs_what_its_version_asks),
	};

	return cmocka_run_group_tests_name("postgres users", tests, NULL, NULL);
}
