/* A user like another: what it is made with, and that it follows. */
#include "mysql_kinds.h"
#include "mysql_support.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_lines(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* What an account is and may do, in an order of its own, as if it was called @m. For free(). */
static char *all_of(char letter, const char *host)
{
	char name[2] = {letter, '\0'}, user[96], model[96], query[1024];
	char *grants, *definition, *all = NULL, *lines[512], *rest, *line;
	size_t count = 0, length = 0;

	snprintf(user, sizeof(user), "`%s`@", named(name));
	snprintf(model, sizeof(model), "`%s`@", named("m"));
	snprintf(query, sizeof(query), "SHOW GRANTS FOR '%s'@'%s'", named(name), host);
	grants = answer(query);
	snprintf(query, sizeof(query),
		 "SELECT CONCAT_WS('|', ssl_type, ssl_cipher, x509_issuer, x509_subject,"
		 " max_questions, max_updates, max_connections, max_user_connections, plugin, %s)"
		 " FROM mysql.user u WHERE User = '%s' AND Host = '%s'",
		 is_mariadb() ? "default_role, max_statement_time"
			      : "(SELECT GROUP_CONCAT(default_role_user ORDER BY 1) FROM"
				" mysql.default_roles d WHERE d.User = u.User AND d.Host = u.Host)",
		 named(name), host);
	definition = answer(query);
	rest = grants;
	while ((line = strsep(&rest, "\n")) != NULL && count < 512)
		lines[count++] = line;
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	all = calloc(1, strlen(query) + 1024 * 256);
	for (size_t i = 0; i < count; i++) {
		char *found = strstr(lines[i], user);
		/* The hash in MariaDB's first line is of another password. */
		char *by = strstr(lines[i], " IDENTIFIED BY PASSWORD '*");

		if (by != NULL)
			memmove(by, by + strlen(" IDENTIFIED BY PASSWORD ''") + 41,
				strlen(by + strlen(" IDENTIFIED BY PASSWORD ''") + 41) + 1);
		if (found != NULL)
			memcpy(found, model, strlen(user));
		length += (size_t)sprintf(all + length, "%s\n", lines[i]);
	}
	sprintf(all + length, "%s\n", definition);
	free(grants);
	free(definition);
	return all;
}

/* @u and @m are each other's equals at this host. */
static void assert_alike(const char *host)
{
	char *user = all_of('u', host), *model = all_of('m', host);

	assert_string_equal(user, model);
	free(user);
	free(model);
}

/* How many statements that change users the server has had. */
static char *changes(void)
{
	return answer("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_grant', 'Com_grant_role',"
		      " 'Com_grant_roles', 'Com_revoke', 'Com_revoke_role', 'Com_revoke_roles',"
		      " 'Com_alter_user', 'Com_create_user', 'Com_set_option')");
}

static struct status put(struct database *database, bool *created)
{
	return put_like(database, named("u"), named("m"), NEW, created);
}

/* The user is to be like the model, which has what the kind gives, or the other way round. */
enum situation { MISSING, BARE, LESS, MORE, TOO_MUCH, SITUATIONS };

static bool begin(const struct kind *kind, enum situation situation)
{
	if (!kind_is_for_this_server(kind) ||
	    ((situation == LESS || situation == MORE) && kind->less == NULL))
		return false;
	make_objects();
	make_user("m", "");
	if (situation != MISSING)
		make_user("u", "");
	give(situation == TOO_MUCH ? NULL : situation == MORE ? kind->less : kind->give, 'm');
	if (situation == LESS)
		give(kind->less, 'u');
	if (situation == MORE || situation == TOO_MUCH)
		give(kind->give, 'u');
	return true;
}

/* All kinds in one situation, each with a server of its own but for the process. */
static void assert_follows(enum situation situation, void **state)
{
	for (size_t i = 0; i < kinds_count; i += is_slow() ? 6 : 1) {
		AUTO(database_close) struct database *database = admin_session();
		bool created = situation != MISSING;
		struct status status;

		if (!begin(&kinds[i], situation))
			continue;
		status = put(database, &created);
		if (status.code != STATUS_OK)
			fail_msg("kind %zu, %s: %s", i, kinds[i].give, status.detail);
		assert_int_equal(created, situation == MISSING);
		if (situation != LESS || !kinds[i].narrower)
			assert_alike("%");
		if (!kinds[i].no_login) {
			assert_true(lets_in(named("u"), NEW));
			assert_ok(compare(named("u"), NEW, named("m"), OLD));
		}
		tear_down(state);
		set_up(state);
	}
}

static void put_of_missing_user_gives_it_what_the_model_has(void **state)
{
	assert_follows(MISSING, state);
}

static void put_of_user_gives_what_it_lacks(void **state)
{
	assert_follows(BARE, state);
	assert_follows(LESS, state);
}

static void put_of_user_takes_what_is_too_much(void **state)
{
	assert_follows(MORE, state);
	assert_follows(TOO_MUCH, state);
}

static void put_twice_changes_nothing_the_second_time(void **state)
{
	for (size_t i = 0; i < kinds_count; i += is_slow() ? 6 : 1) {
		AUTO(database_close) struct database *database = admin_session();
		char *before, *after;
		bool created = false;

		if (!begin(&kinds[i], MISSING))
			continue;
		assert_ok(put(database, &created));
		assert_true(created);
		before = changes();
		assert_ok(put(database, &created));
		after = changes();
		assert_false(created);
		assert_string_equal(before, after);
		free(before);
		free(after);
		tear_down(state);
		set_up(state);
	}
}

/* As 'm'@'%' is to 'u'@'%', so each other host's. */
static void put_copies_every_host_and_leaves_other_hosts_their_grants(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;
	char *text;

	(void)state;
	make_objects();
	make_user("m", "");
	admin("CREATE USER '@m'@'10.%' IDENTIFIED BY 'old-Passw0rd' REQUIRE X509");
	admin("CREATE USER '@m'@'192.168.0.0/255.255.0.0' IDENTIFIED BY 'old-Passw0rd'");
	admin("GRANT SELECT ON @(db).* TO '@m'@'%'");
	admin("GRANT INSERT ON @(db).* TO '@m'@'10.%'");
	admin("CREATE USER '@u'@'127.0.0.1' IDENTIFIED BY 'old-Passw0rd'");
	admin("GRANT DELETE ON @(db).* TO '@u'@'127.0.0.1'");
	assert_ok(put(database, &created));
	assert_false(created);
	assert_alike("%");
	assert_alike("10.%");
	assert_alike("192.168.0.0/255.255.0.0");
	text = answer("SHOW GRANTS FOR '@u'@'127.0.0.1'");
	assert_non_null(strstr(text, "GRANT DELETE ON"));
	assert_null(strstr(text, "SELECT"));
	free(text);
	/* The one of the local host is the nearest. */
	assert_true(lets_in(named("u"), NEW));
	assert_true(is_mariadb() || lets_in(named("u"), OLD));
	admin("DROP USER '@u'@'127.0.0.1'");
	assert_true(lets_in(named("u"), NEW));
	assert_false(lets_in(named("u"), OLD));
}

static void put_copies_how_the_model_logs_in(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	bool created = false;

	(void)state;
	only_on_mysql("MariaDB's only plugin with a password here is the native one");
	database = admin_session();
	admin("CREATE USER @m IDENTIFIED WITH sha256_password BY 'old-Passw0rd'");
	assert_ok(put(database, &created));
	assert_alike("%");
	assert_true(lets_in(named("u"), NEW));
}

static void put_copies_the_models_policy(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;
	char *text;

	(void)state;
	make_user("m", "PASSWORD EXPIRE INTERVAL 90 DAY");
	if (!is_mariadb())
		admin("ALTER USER @m FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME 2 PASSWORD HISTORY "
		      "7"
		      " COMMENT 'a ''model'' PASSWORD EXPIRE NEVER'");
	assert_ok(put(database, &created));
	text = answer("SHOW CREATE USER @u");
	assert_non_null(strstr(text, "PASSWORD EXPIRE INTERVAL 90 DAY"));
	if (!is_mariadb()) {
		assert_non_null(strstr(text, "FAILED_LOGIN_ATTEMPTS 4 PASSWORD_LOCK_TIME 2"));
		assert_non_null(strstr(text, "PASSWORD HISTORY 7"));
	}
	free(text);
	assert_true(lets_in(named("u"), NEW));
}

static void put_of_user_keeps_its_former_password(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	bool created = false;

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	database = admin_session();
	make_user("m", "");
	make_user("u", "");
	assert_ok(put(database, &created));
	assert_ok(put(database, &created));
	assert_true(lets_in(named("u"), OLD));
	assert_true(lets_in(named("u"), NEW));
}

static void put_under_the_lock_is_done_by_the_commit(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;

	(void)state;
	make_objects();
	make_user("m", "");
	admin("GRANT SELECT ON @(db).* TO @m");
	assert_ok(database->ops->lock_user(database, named("u")));
	assert_ok(put(database, &created));
	assert_true(created);
	assert_false(lets_in(named("u"), NEW));
	assert_ok(database->ops->commit(database));
	assert_true(lets_in(named("u"), NEW));
	assert_alike("%");
}

static void put_of_names_of_any_shape_keeps_them(void **state)
{
	static const char *const shapes[] = {"a 'q\"`", "back\\slash\\", "%_",
					     "\xc3\xbc\xd0\xba\xd0\xbb"};
	AUTO(database_close) struct database *database = admin_session();

	(void)state;
	make_objects();
	for (size_t i = 0; i < 4; i++) {
		char model[96], user[96], sql[512] = {0};
		bool created = false;

		snprintf(model, sizeof(model), "%s%s", named("m"), shapes[i]);
		snprintf(user, sizeof(user), "%s%s", named("u"), shapes[i]);
		for (const char *c = model; *c != '\0'; c++)
			snprintf(sql + strlen(sql), 3, *c == '\'' || *c == '\\' ? "\\%c" : "%c",
				 *c);
		admin_printf("CREATE USER '%s'@'%%' IDENTIFIED BY '" OLD "'", sql);
		admin_printf("GRANT SELECT ON @(db).* TO '%s'@'%%'", sql);
		admin_printf("GRANT @(r1) TO '%s'@'%%'", sql);
		if (is_mariadb())
			admin_printf("SET DEFAULT ROLE @(r1) FOR '%s'@'%%'", sql);
		else
			admin_printf("SET DEFAULT ROLE @(r1) TO '%s'@'%%'", sql);
		assert_ok(put_like(database, user, model, NEW, &created));
		assert_true(created);
		assert_true(lets_in(user, NEW));
		assert_ok(compare(user, NEW, model, OLD));
	}
}

static void put_like_missing_user_is_not_found(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;
	char *count;

	(void)state;
	assert_failed(put_like(database, named("u"), named("nobody"), NEW, &created),
		      STATUS_NOT_FOUND, "nobody");
	assert_true(created);
	count = answer("SELECT COUNT(*) FROM mysql.user WHERE User = '@u'");
	assert_string_equal(count, "0");
	free(count);
}

static void put_like_user_of_another_plugin_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	bool created = false;

	(void)state;
	only_on_mariadb("auth_socket is tested with the passwords");
	database = admin_session();
	admin("CREATE USER @m IDENTIFIED VIA unix_socket");
	assert_failed(put(database, &created), STATUS_INVALID, "unix_socket");
	admin("DROP USER @m");
	make_user("m", "");
	admin("CREATE USER @u IDENTIFIED VIA unix_socket");
	assert_failed(put(database, &created), STATUS_INVALID, "unix_socket");
}

static void put_without_permission_is_denied_and_says_so(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	bool created = false;

	(void)state;
	make_objects();
	make_user("m", "");
	make_user("b", "");
	admin("GRANT SELECT ON @(db).* TO @m");
	assert_ok(login_as(named("b"), OLD, &database));
	assert_failed(put(database, &created), STATUS_DENIED, "grant it SELECT ON mysql.*");
	admin("GRANT SELECT ON mysql.* TO @b");
	assert_failed(put(database, &created), STATUS_DENIED, "an admin needs CREATE USER");
	admin("GRANT CREATE USER ON *.* TO @b");
	database_close(&database);
	assert_ok(login_as(named("b"), OLD, &database));
	assert_failed(put(database, &created), STATUS_DENIED,
		      "WITH GRANT OPTION whatever it is to grant");
	admin("GRANT SELECT ON @(db).* TO @b WITH GRANT OPTION");
	database_close(&database);
	assert_ok(login_as(named("b"), OLD, &database));
	/* What was created before is there now, and the same again does the rest. */
	assert_ok(put(database, &created));
	assert_alike("%");
	assert_true(lets_in(named("u"), NEW));
}

/* Both hold so many that a statement each is much, and every one of them counts. */
static void put_of_many_grants_copies_all(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;

	(void)state;
	make_user("m", "");
	for (int i = 0; i < 120; i++) {
		admin_printf("CREATE TABLE @(db).table_with_a_rather_long_name_%d (a int)", i);
		admin_printf("GRANT SELECT, INSERT ON @(db).table_with_a_rather_long_name_%d TO @m",
			     i);
	}
	assert_ok(put(database, &created));
	assert_alike("%");
}

int run_clone_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(put_of_missing_user_gives_it_what_the_model_has),
		TEST(put_of_user_gives_what_it_lacks),
		TEST(put_of_user_takes_what_is_too_much),
		TEST(put_twice_changes_nothing_the_second_time),
		TEST(put_copies_every_host_and_leaves_other_hosts_their_grants),
		TEST(put_copies_how_the_model_logs_in),
		TEST(put_copies_the_models_policy),
		TEST(put_of_user_keeps_its_former_password),
		TEST(put_under_the_lock_is_done_by_the_commit),
		TEST(put_of_names_of_any_shape_keeps_them),
		TEST(put_like_missing_user_is_not_found),
		TEST(put_like_user_of_another_plugin_is_invalid),
		TEST(put_without_permission_is_denied_and_says_so),
		TEST(put_of_many_grants_copies_all),
	};

	return cmocka_run_group_tests_name("mysql clone", tests, NULL, NULL);
}
