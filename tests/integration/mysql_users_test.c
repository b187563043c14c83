/* Setting passwords, and the lock. */
#include "mysql_support.h"

#include <stdio.h>
#include <stdlib.h>

#define THIRD "third-Passw0rd"

#define assert_answer(text, wanted)                   \
	do {                                          \
		char *answer_ = answer(text);         \
		assert_string_equal(answer_, wanted); \
		free(answer_);                        \
	} while (0)

/* What changes when a password does: of all accounts of a name. */
static char *stored(const char *what)
{
	char query[256];

	snprintf(
		query, sizeof(query),
		"SELECT HEX(authentication_string) FROM mysql.user WHERE User = '%s' ORDER BY Host",
		named(what));
	return answer(query);
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

static void set_password_of_oneself_keeps_the_former_where_the_user_may(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, OLD, &database));
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	assert_true(lets_in(user, OLD));
	assert_true(database_driver_find(
			    (const struct database_driver *const[]){&mysql_driver, NULL}, "mysql")
			    ->keeps_former);
}

/* An earlier try has set another one: that ends, and the one that works goes on working. */
static void set_password_by_session_of_a_kept_password_leaves_that_one(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, OLD, &first));
	assert_ok(set_password(first, user, NEW));
	assert_ok(login_as(user, OLD, &second));
	assert_ok(second->ops->lock_user(second, user));
	assert_ok(set_password(second, user, THIRD));
	assert_ok(second->ops->commit(second));
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
	assert_true(lets_in(user, THIRD));
}

/* The second is a try again of the first, whose answer was lost. */
static void set_password_where_the_current_must_be_named_can_be_tried_again(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL, *third = NULL;
	const char *user;

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	user = make_user("a", "PASSWORD REQUIRE CURRENT");
	admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, OLD, &first));
	assert_ok(set_password(first, user, NEW));
	assert_ok(login_as(user, OLD, &second));
	assert_ok(set_password(second, user, NEW));
	assert_true(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
	assert_ok(login_as(user, OLD, &third));
	assert_failed(set_password(third, user, THIRD), STATUS_INVALID, "must name that");
	assert_true(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
}

static void set_password_of_account_that_never_had_one_sets_it(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = true;

	(void)state;
	make_user("m", "");
	admin("CREATE USER @a@'%'");
	admin("CREATE USER @b@'%'");
	assert_ok(set_password(database, named("a"), NEW));
	assert_true(lets_in(named("a"), NEW));
	assert_ok(put_like(database, named("b"), named("m"), NEW, &created));
	assert_false(created);
	assert_true(lets_in(named("b"), NEW));
}

static struct status add_password(struct database *database, const char *user, const char *present,
				  const char *password)
{
	AUTO(secret_clear) struct secret one = SECRET_INIT, other = SECRET_INIT;

	TRY(secret_make(present, strlen(present), &one));
	TRY(secret_make(password, strlen(password), &other));
	return database->ops->add_password(database, user, &one, &other);
}

static void add_password_of_oneself_keeps_the_present_or_changes_nothing(void **state)
{
	AUTO(database_close) struct database *own = NULL, *again = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &own));
	assert_failed(add_password(own, user, OLD, NEW), STATUS_DENIED, "");
	assert_false(lets_in(user, NEW));
	if (is_mariadb())
		return;
	admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, OLD, &again));
	assert_ok(add_password(again, user, OLD, NEW));
	assert_true(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
	/* Tried again by the present one, which is the one that is kept now. */
	assert_ok(add_password(again, user, OLD, THIRD));
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
	assert_true(lets_in(user, THIRD));
}

static void add_password_by_admin_keeps_the_present_of_every_account(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	database = admin_session();
	admin("CREATE USER '@a'@'127.0.0.1' IDENTIFIED BY 'old-Passw0rd'");
	assert_failed(add_password(database, named("nobody"), OLD, NEW), STATUS_NOT_FOUND,
		      "no user");
	assert_failed(add_password(database, user, THIRD, NEW), STATUS_CONFLICT,
		      "another password than the current one");
	assert_false(lets_in(user, NEW));
	assert_ok(database->ops->lock_user(database, user));
	assert_ok(add_password(database, user, OLD, NEW));
	assert_false(lets_in(user, NEW));
	assert_ok(database->ops->commit(database));
	assert_true(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
	assert_ok(add_password(database, user, OLD, NEW));
	assert_ok(add_password(database, user, OLD, THIRD));
	assert_false(lets_in(user, NEW));
	admin("DROP USER '@a'@'127.0.0.1'");
	assert_true(lets_in(user, OLD));
	assert_true(lets_in(user, THIRD));
}

/* Of several accounts of a name, the one that the session logged in as. */
static void set_password_of_oneself_changes_the_account_of_the_session(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	admin("CREATE USER '@a'@'127.0.0.1' IDENTIFIED BY 'third-Passw0rd'");
	assert_ok(login_as(user, THIRD, &database));
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	admin("DROP USER '@a'@'127.0.0.1'");
	assert_true(lets_in(user, OLD));
}

static void set_password_by_admin_changes_all_accounts_of_a_name(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	make_user("ab", "");
	admin("CREATE USER '@a'@'127.0.0.1' IDENTIFIED BY 'third-Passw0rd'");
	admin("CREATE USER '@a'@'10.%' IDENTIFIED BY 'third-Passw0rd'");
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	admin("DROP USER '@a'@'127.0.0.1'");
	assert_true(lets_in(user, NEW));
	if (is_mariadb())
		assert_answer("SELECT COUNT(*) FROM mysql.user WHERE User = '@a' AND"
			      " authentication_string = PASSWORD('new-Passw0rd')",
			      "2");
	assert_true(lets_in(named("ab"), OLD));
}

static void set_password_by_admin_keeps_the_former(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	database = admin_session();
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	assert_true(lets_in(user, OLD));
	/* The same again is what a retry does: the former stays. */
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
	assert_true(lets_in(user, OLD));
	assert_ok(set_password(database, user, THIRD));
	assert_false(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
	assert_true(lets_in(user, THIRD));
}

/* An admin with CREATE USER alone may not keep it: then it is changed without. */
static void set_password_by_admin_who_may_not_keep_the_former_changes_it(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	make_user("b", "");
	admin("GRANT SELECT ON mysql.* TO @b");
	admin("GRANT CREATE USER ON *.* TO @b");
	assert_ok(login_as(named("b"), OLD, &database));
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, NEW));
}

static void set_password_twice_alike_changes_nothing(void **state)
{
	static const char *const plugins[] = {"caching_sha2_password", "sha256_password"};
	AUTO(database_close) struct database *database = admin_session();
	char *before, *after;

	(void)state;
	make_user("a", "");
	for (size_t i = 0; i < (is_mariadb() ? 1 : 2); i++) {
		if (!is_mariadb())
			admin_printf("ALTER USER @a IDENTIFIED WITH %s BY 'other-Passw0rd'",
				     plugins[i]);
		assert_ok(set_password(database, named("a"), NEW));
		before = stored("a");
		assert_ok(set_password(database, named("a"), NEW));
		after = stored("a");
		assert_string_equal(before, after);
		free(before);
		free(after);
	}
}

static void set_password_of_another_without_permission_is_denied(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *other = make_user("b", "");

	(void)state;
	make_user("a", "");
	assert_ok(login_as(named("a"), OLD, &database));
	assert_failed(set_password(database, other, NEW), STATUS_DENIED,
		      "grant it SELECT ON mysql.*");
	admin("GRANT SELECT ON mysql.* TO @a");
	assert_failed(set_password(database, other, NEW), STATUS_DENIED,
		      "an admin needs CREATE USER");
	assert_true(lets_in(other, OLD));
}

/* MySQL protects users of SYSTEM_USER from those without. */
static void set_password_of_a_system_user_without_permission_is_denied(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *other = make_user("b", "");

	(void)state;
	only_on_mysql("SYSTEM_USER is its own");
	make_user("a", "");
	admin("GRANT SYSTEM_USER ON *.* TO @b");
	admin("GRANT CREATE USER ON *.* TO @a");
	admin("GRANT SELECT ON mysql.* TO @a");
	assert_ok(login_as(named("a"), OLD, &database));
	assert_failed(set_password(database, other, NEW), STATUS_DENIED, "lacks a permission");
	assert_true(lets_in(other, OLD));
}

static void set_password_of_missing_user_is_not_found(void **state)
{
	AUTO(database_close) struct database *database = admin_session();

	(void)state;
	assert_failed(set_password(database, named("nobody"), NEW), STATUS_NOT_FOUND, "no user");
	/* No user, though there is something of that name. */
	admin("CREATE ROLE @r");
	if (is_mariadb())
		assert_failed(set_password(database, named("r"), NEW), STATUS_NOT_FOUND, "no user");
}

static void set_password_of_unusable_name_or_password_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	char name[512];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[100] = '\0';
	assert_failed(set_password(database, name, NEW), STATUS_INVALID, "at most");
	assert_failed(set_password(database, "", NEW), STATUS_INVALID, "empty");
	assert_failed(set_password(database, make_user("a", ""), ""), STATUS_INVALID, "empty");
}

static void set_password_takes_every_character(void **state)
{
	char printable[96], passwords[4][128] = {"qu'ote\"back\\slash\\\\$$--;%_", "\\' OR 1=1 -- ",
						 "  spaces inside and out  "};
	AUTO(database_close) struct database *database = admin_session(), *own = NULL;
	const char *user = make_user("a", "");

	(void)state;
	for (size_t i = 0; i < 95; i++)
		printable[i] = (char)(' ' + i);
	printable[95] = '\0';
	snprintf(passwords[3], sizeof(passwords[3]), "%s", printable);
	for (size_t i = 0; i < 4; i++) {
		assert_ok(set_password(database, user, passwords[i]));
		assert_true(lets_in(user, passwords[i]));
		database_close(&own);
		assert_ok(login_as(user, passwords[i], &own));
		/* With it as the current one too. */
		assert_ok(set_password(own, user, "between-Passw0rd"));
		database_close(&own);
		assert_ok(login_as(user, "between-Passw0rd", &own));
		assert_ok(set_password(own, user, passwords[i]));
		assert_true(lets_in(user, passwords[i]));
	}
}

/* Some sql_modes change what a backslash and a quote mean. */
static void set_password_does_not_depend_on_the_servers_sql_mode(void **state)
{
	AUTO(database_close) struct database *database = NULL, *own = NULL;
	const char *odd = "back\\' \"slash\\\\";
	const char *user = make_user("a", "");
	struct status status;

	(void)state;
	admin("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'");
	database = admin_session();
	assert_ok(login_as(user, OLD, &own));
	admin("SET GLOBAL sql_mode = DEFAULT");
	status = set_password(database, user, odd);
	assert_ok(status);
	assert_true(lets_in(user, odd));
	if (is_mariadb())
		return; /* the session's password has changed there */
	assert_ok(set_password(database, user, OLD));
	assert_ok(set_password(own, user, odd));
	assert_true(lets_in(user, odd));
}

static void set_password_of_account_without_one_is_invalid_and_changes_nothing(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	char *before, *after;

	(void)state;
	if (is_mariadb()) {
		admin("CREATE USER @a IDENTIFIED VIA unix_socket");
	} else {
		(void)admin_try("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'");
		admin("CREATE USER @a IDENTIFIED WITH auth_socket");
	}
	/* One of two: neither is changed. */
	make_user("b", "");
	admin(is_mariadb() ? "CREATE USER '@b'@'10.%' IDENTIFIED VIA unix_socket"
			   : "CREATE USER '@b'@'10.%' IDENTIFIED WITH auth_socket");
	before = stored("b");
	assert_failed(set_password(database, named("a"), NEW), STATUS_INVALID,
		      "whose password cannot be set from here");
	assert_failed(set_password(database, named("b"), NEW), STATUS_INVALID,
		      "whose password cannot be set from here");
	after = stored("b");
	assert_string_equal(before, after);
	assert_true(lets_in(named("b"), OLD));
	free(before);
	free(after);
	if (is_mariadb())
		return;
	admin("DROP USER @a, @b, '@b'@'10.%'");
	admin("UNINSTALL PLUGIN auth_socket");
}

/* MariaDB lets an account log in by any of several: to set one would take the others away. */
static void set_password_of_account_with_several_plugins_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = NULL, *own = NULL;
	char *before, *after;

	(void)state;
	only_on_mariadb("an account of several plugins is its own");
	database = admin_session();
	admin("CREATE USER @a IDENTIFIED VIA mysql_native_password USING PASSWORD('old-Passw0rd')"
	      " OR unix_socket");
	before = answer("SHOW CREATE USER @a");
	assert_ok(login_as(named("a"), OLD, &own));
	assert_failed(set_password(own, named("a"), NEW), STATUS_INVALID,
		      "whose password cannot be set from here");
	assert_failed(set_password(database, named("a"), NEW), STATUS_INVALID,
		      "whose password cannot be set from here");
	after = answer("SHOW CREATE USER @a");
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void set_password_against_a_policy_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = NULL, *own = NULL;
	const char *user = make_user("a", "");
	struct status by_admin, by_user;

	(void)state;
	only_on_mysql("Debian's server-core of MariaDB has no such plugin");
	database = admin_session();
	assert_ok(login_as(user, OLD, &own));
	admin("INSTALL COMPONENT 'file://component_validate_password'");
	by_admin = set_password(database, user, "weak");
	by_user = set_password(own, user, "weak");
	admin("UNINSTALL COMPONENT 'file://component_validate_password'");
	assert_failed(by_admin, STATUS_INVALID, "a password policy is in force there");
	assert_failed(by_user, STATUS_INVALID, "a password policy is in force there");
	assert_null(strstr(by_admin.detail, "weak"));
	assert_true(lets_in(user, OLD));
}

static void set_password_that_was_used_before_is_invalid_where_the_server_says_so(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("PASSWORD HISTORY is its own");
	database = admin_session();
	admin("ALTER USER @a PASSWORD HISTORY 5");
	assert_ok(set_password(database, user, NEW));
	assert_ok(set_password(database, user, THIRD));
	assert_failed(set_password(database, user, NEW), STATUS_INVALID, "error 3638");
}

static void set_password_where_the_server_logs_it_is_invalid(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("log_raw is its own");
	database = admin_session();
	admin("SET GLOBAL log_raw = ON");
	assert_failed(set_password(database, user, NEW), STATUS_INVALID, "log_raw = OFF");
	admin("SET GLOBAL log_raw = OFF");
	assert_true(lets_in(user, OLD));
}

static void set_password_on_broken_session_is_unavailable(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &database));
	kill_sessions_of(user);
	assert_failed(set_password(database, user, NEW), STATUS_UNAVAILABLE, "broke off");
	assert_failed(set_password(database, user, NEW), STATUS_UNAVAILABLE, "broke off");
	assert_true(lets_in(user, OLD));
}

static void set_password_waits_for_the_server_no_longer_than_the_deadline(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");
	int64_t began;

	(void)state;
	skip_where_time_cannot_be_measured();
	assert_ok(login_at(&login, user, OLD, 1500, &database));
	/* Every ACL change waits for it. */
	admin("FLUSH TABLES WITH READ LOCK");
	began = clock_system.now();
	assert_int_equal(set_password(database, user, NEW).code, STATUS_UNAVAILABLE);
	assert_in_range(clock_system.now() - began, 900, 2600);
	admin("UNLOCK TABLES");
	assert_true(lets_in(user, OLD));
}

/* What the server still did afterwards would be a change that was said not to be made. */
static void commit_waits_for_the_server_no_longer_than_what_is_left(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");

	(void)state;
	skip_where_time_cannot_be_measured();
	assert_ok(login_at(&login, user, OLD, 7000, &database));
	assert_ok(database->ops->lock_user(database, user));
	assert_ok(set_password(database, user, NEW));
	clock_system.sleep(4500);
	admin("FLUSH TABLES WITH READ LOCK");
	assert_int_equal(database->ops->commit(database).code, STATUS_UNAVAILABLE);
	clock_system.sleep(700);
	admin("UNLOCK TABLES");
	clock_system.sleep(300);
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
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
	assert_false(lets_in(user, NEW));
	assert_ok(first->ops->commit(first));
	assert_true(lets_in(user, NEW));
	assert_false(lets_in(user, OLD));
	/* The turn ends with the session, not with the commit. */
	database_close(&second);
	assert_ok(login_at(&login, user, NEW, 1500, &second));
	assert_failed(second->ops->lock_user(second, user), STATUS_UNAVAILABLE, "just changing");
	database_close(&second);
	database_close(&first);
	assert_ok(login_as(user, NEW, &second));
	assert_ok(second->ops->lock_user(second, user));
}

static void change_that_is_not_committed_is_taken_back_by_close(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &first));
	assert_ok(first->ops->lock_user(first, user));
	assert_ok(set_password(first, user, NEW));
	database_close(&first);
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
	assert_ok(second->ops->lock_user(second, user));
}

/* A process that was stopped must not change what others have changed since. */
static void change_whose_session_was_lost_is_not_made(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &first));
	assert_ok(first->ops->lock_user(first, user));
	assert_ok(set_password(first, user, NEW));
	kill_sessions_of(user);
	assert_ok(second->ops->lock_user(second, user));
	assert_failed(first->ops->commit(first), STATUS_UNAVAILABLE, "broke off");
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
}

static void commit_after_a_failure_is_no_success(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(database->ops->lock_user(database, user));
	assert_ok(set_password(database, user, NEW));
	assert_failed(set_password(database, named("nobody"), NEW), STATUS_NOT_FOUND, "no user");
	assert_failed(database->ops->commit(database), STATUS_UNAVAILABLE, "did not commit");
	assert_true(lets_in(user, OLD));
	assert_false(lets_in(user, NEW));
}

/* What a failed call left behind must not be done by the next one. */
static void failure_leaves_nothing_to_be_done_later(void **state)
{
	AUTO(database_close) struct database *database = admin_session();
	bool created = false;

	(void)state;
	make_user("m", "");
	make_user("b", "");
	/* The second of the model's accounts cannot be had. */
	if (is_mariadb()) {
		admin("CREATE USER '@m'@'10.%' IDENTIFIED VIA unix_socket");
	} else {
		(void)admin_try("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'");
		admin("CREATE USER '@m'@'192.%' IDENTIFIED WITH auth_socket");
		admin("CREATE USER '@m'@'10.%' IDENTIFIED BY 'old-Passw0rd'");
	}
	assert_failed(put_like(database, named("c"), named("m"), NEW, &created), STATUS_INVALID,
		      "cannot be set from here");
	assert_ok(set_password(database, named("b"), NEW));
	assert_answer("SELECT COUNT(*) FROM mysql.user WHERE User = '@c'", "0");
	if (is_mariadb())
		return;
	admin("DROP USER '@m'@'192.%'");
	admin("UNINSTALL PLUGIN auth_socket");
}

static void lock_user_that_is_not_followed_by_a_change_changes_nothing(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = admin_session();
	const char *user = make_user("a", "");

	(void)state;
	assert_ok(login_as(user, OLD, &first));
	assert_ok(first->ops->lock_user(first, user));
	assert_ok(first->ops->commit(first));
	database_close(&first);
	assert_ok(second->ops->lock_user(second, user));
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

static void drop_former_ends_it(void **state)
{
	AUTO(database_close) struct database *database = NULL, *own = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	database = admin_session();
	admin("CREATE USER '@a'@'10.%' IDENTIFIED BY 'old-Passw0rd'");
	assert_ok(set_password(database, user, NEW));
	assert_true(lets_in(user, OLD));
	assert_ok(database->ops->drop_former(database, user));
	assert_false(lets_in(user, OLD));
	assert_true(lets_in(user, NEW));
	assert_answer("SELECT COUNT(*) FROM mysql.user WHERE User = '@a' AND User_attributes"
		      " LIKE '%additional_password%'",
		      "0");
	/* By the user itself, of its own account. */
	assert_ok(set_password(database, user, THIRD));
	admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, THIRD, &own));
	assert_ok(own->ops->drop_former(own, user));
	assert_false(lets_in(user, NEW));
	assert_true(lets_in(user, THIRD));
}

static void drop_former_without_one_is_ok(void **state)
{
	AUTO(database_close) struct database *database = admin_session(), *own = NULL;
	const char *user = make_user("a", "");

	(void)state;
	if (!is_mariadb())
		admin("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO @a");
	assert_ok(login_as(user, OLD, &own));
	assert_ok(own->ops->drop_former(own, user));
	assert_ok(database->ops->drop_former(database, user));
	assert_ok(database->ops->drop_former(database, named("nobody")));
	assert_true(lets_in(user, OLD));
}

static void drop_former_without_permission_is_denied(void **state)
{
	AUTO(database_close) struct database *database = NULL, *own = NULL;
	const char *user = make_user("a", "");

	(void)state;
	only_on_mysql("MariaDB has one password a user");
	database = admin_session();
	make_user("b", "");
	assert_ok(set_password(database, user, NEW));
	assert_ok(login_as(user, NEW, &own));
	assert_failed(own->ops->drop_former(own, user), STATUS_DENIED,
		      "discarding an old password");
	assert_failed(own->ops->drop_former(own, named("b")), STATUS_DENIED, "SELECT ON mysql.*");
	assert_true(lets_in(user, OLD));
}

static void no_password_reaches_the_servers_log(void **state)
{
	static const char first[] = "Zq7-never-in-a-log-Zq7", second[] = "Zq8-never-either-Zq8";
	AUTO(database_close) struct database *database = admin_session();
	AUTO(database_close) struct database *own = NULL;
	AUTO(database_close) struct database *none = NULL;
	const char *user = make_user("a", "");
	const char *clone = named("clone");
	bool created = false;

	(void)state;
	assert_ok(set_password(database, user, first));
	assert_failed(set_password(database, named("nobody"), first), STATUS_NOT_FOUND, "");
	assert_ok(put_like(database, clone, user, first, &created));
	assert_ok(put_like(database, clone, user, second, &created));
	assert_ok(login_as(user, first, &own));
	assert_failed(set_password(own, clone, second), STATUS_DENIED, "");
	assert_failed(put_like(own, clone, user, second, &created), STATUS_DENIED, "");
	admin("GRANT SELECT ON mysql.* TO @a");
	assert_failed(set_password(own, clone, first), STATUS_DENIED, "");
	assert_failed(put_like(own, named("b"), user, first, &created), STATUS_DENIED, "");
	assert_ok(set_password(own, user, second));
	assert_failed(login_as(named("nobody"), first, &none), STATUS_DENIED, "");
	/* What the server does not understand it writes down as well. */
	if (!is_mariadb()) {
		admin("ALTER USER @clone ACCOUNT LOCK");
		admin("INSTALL COMPONENT 'file://component_validate_password'");
		struct status status = set_password(database, user, "Zq9w");
		admin("UNINSTALL COMPONENT 'file://component_validate_password'");
		assert_failed(status, STATUS_INVALID, "");
		assert_false(log_contains("Zq9w"));
	}
	/* The log is being written, so that its silence means something. */
	assert_true(log_contains(clone));
	assert_true(log_contains(is_mariadb() ? "SET PASSWORD" : "ALTER USER"));
	assert_false(log_contains("Zq7"));
	assert_false(log_contains("Zq8"));
}

int run_users_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(set_password_of_oneself_changes_it),
		TEST(set_password_of_oneself_keeps_the_former_where_the_user_may),
		TEST(set_password_by_session_of_a_kept_password_leaves_that_one),
		TEST(set_password_where_the_current_must_be_named_can_be_tried_again),
		TEST(set_password_of_account_that_never_had_one_sets_it),
		TEST(add_password_of_oneself_keeps_the_present_or_changes_nothing),
		TEST(add_password_by_admin_keeps_the_present_of_every_account),
		TEST(set_password_of_oneself_changes_the_account_of_the_session),
		TEST(set_password_by_admin_changes_all_accounts_of_a_name),
		TEST(set_password_by_admin_keeps_the_former),
		TEST(set_password_by_admin_who_may_not_keep_the_former_changes_it),
		TEST(set_password_twice_alike_changes_nothing),
		TEST(set_password_of_another_without_permission_is_denied),
		TEST(set_password_of_a_system_user_without_permission_is_denied),
		TEST(set_password_of_missing_user_is_not_found),
		TEST(set_password_of_unusable_name_or_password_is_invalid),
		TEST(set_password_takes_every_character),
		TEST(set_password_does_not_depend_on_the_servers_sql_mode),
		TEST(set_password_of_account_without_one_is_invalid_and_changes_nothing),
		TEST(set_password_of_account_with_several_plugins_is_invalid),
		TEST(set_password_against_a_policy_is_invalid),
		TEST(set_password_that_was_used_before_is_invalid_where_the_server_says_so),
		TEST(set_password_where_the_server_logs_it_is_invalid),
		TEST(set_password_on_broken_session_is_unavailable),
		TEST(set_password_waits_for_the_server_no_longer_than_the_deadline),
		TEST(commit_waits_for_the_server_no_longer_than_what_is_left),
		TEST(lock_user_lets_one_after_the_other_change_it),
		TEST(change_that_is_not_committed_is_taken_back_by_close),
		TEST(change_whose_session_was_lost_is_not_made),
		TEST(commit_after_a_failure_is_no_success),
		TEST(failure_leaves_nothing_to_be_done_later),
		TEST(lock_user_that_is_not_followed_by_a_change_changes_nothing),
		TEST(lock_user_ends_with_the_deadline_of_who_has_it),
		TEST(drop_former_ends_it),
		TEST(drop_former_without_one_is_ok),
		TEST(drop_former_without_permission_is_denied),
		TEST(no_password_reaches_the_servers_log),
	};

	return cmocka_run_group_tests_name("mysql users", tests, NULL, NULL);
}
