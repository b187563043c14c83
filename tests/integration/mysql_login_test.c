/* Opening a session: who is let in, and what everybody else is told. */
#include "mysql_fake.h"
#include "mysql_support.h"

#include "clients/sql/ca_bundle.h"
#include "clients/sql/drivers.h"

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WRONG "wrong-Passw0rd"

static struct login fake_login(const struct fake *fake, enum login_kind kind)
{
	static char host[] = "127.0.0.1";
	struct login login = stack_login();

	login.host = host;
	login.port = fake->port;
	login.tls = false;
	login.kind = kind;
	return login;
}

static void drivers_find_every_name_of_the_engines(void **state)
{
	(void)state;
	assert_ptr_equal(database_driver_find(sql_drivers, "mysql"), &mysql_driver);
	assert_ptr_equal(database_driver_find(sql_drivers, "MySQL"), &mysql_driver);
	assert_ptr_equal(database_driver_find(sql_drivers, "aurora-mysql"), &mysql_driver);
	assert_ptr_equal(database_driver_find(sql_drivers, "mariadb"), &mariadb_driver);
}

static void open_with_right_password_succeeds(void **state)
{
	AUTO(database_close) struct database *database = NULL;

	(void)state;
	assert_ok(login_as(make_user("a", ""), OLD, &database));
	assert_non_null(database);
}

/* With a database, which the user may use, and under either of the engines' names. */
static void open_of_a_database_succeeds(void **state)
{
	AUTO(database_close) struct database *database = NULL, *other = NULL;
	struct login login = stack_login();
	char dbname[64];

	(void)state;
	make_user("a", "");
	admin("GRANT SELECT ON @(db).* TO @a");
	snprintf(dbname, sizeof(dbname), "%s", named("db"));
	login.dbname = dbname;
	assert_ok(login_at(&login, named("a"), OLD, 10000, &database));
	login.driver = is_mariadb() ? &mysql_driver : &mariadb_driver;
	assert_ok(login_at(&login, named("a"), OLD, 10000, &other));
}

/* A host that the library would else reach by a Unix socket, without TLS. */
static void open_of_localhost_is_tcp(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	char host[] = "localhost";

	(void)state;
	login.host = host;
	make_user("a", "REQUIRE SSL");
	assert_ok(login_at(&login, named("a"), OLD, 10000, &database));
	free(answer("SELECT 1"));
	{
		char *from = answer("SELECT HOST LIKE '127.0.0.1:%' FROM"
				    " information_schema.processlist WHERE USER = '@a'");

		assert_string_equal(from, "1");
		free(from);
	}
}

/* While set, every name leads to 127.0.0.2 first and then to where it leads. */
static bool detour;

/* No name server answers: every look-up takes so long. */
static int silence_ms;

/* Ours and the library's own: it looks a name up itself. */
[[gnu::visibility("default")]] int getaddrinfo(const char *host, const char *service,
					       const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
		    struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo *wrong = NULL, *right = NULL;

	clock_system.sleep(silence_ms);
	if (!detour)
		return real(host, service, hints, ret);
	assert_int_equal(real("127.0.0.2", service, hints, &wrong), 0);
	assert_int_equal(real("127.0.0.1", service, hints, &right), 0);
	/* Of each the first, which is TCP. */
	if (wrong->ai_next != NULL)
		freeaddrinfo(wrong->ai_next);
	wrong->ai_next = right;
	*ret = wrong;
	return 0;
}

/* A listener whose queue is full: the kernel drops what comes, as a zone that is cut off does. */
static void block_port(uint16_t port, int sockets[4])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	const struct sockaddr *at = (const struct sockaddr *)&address;

	for (int i = 0; i < 4; i++)
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(sockets[0], at, sizeof(address)), 0);
	assert_int_equal(listen(sockets[0], 0), 0);
	for (int i = 1; i < 4; i++)
		(void)connect(sockets[i], at, sizeof(address));
}

static void open_goes_on_to_the_next_address_when_one_is_silent(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");
	int64_t begun = clock_system.now();
	struct status opened;
	int sockets[4];

	(void)state;
	skip_where_time_cannot_be_measured();
	block_port(login.port, sockets);
	detour = true;
	opened = login_at(&login, user, OLD, 10000, &database);
	detour = false;
	for (int i = 0; i < 4; i++)
		close(sockets[i]);
	assert_ok(opened);
	assert_in_range(clock_system.now() - begun, 2500, 6000);
}

static void open_goes_on_to_the_next_address_when_one_refuses(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");
	struct status opened;

	(void)state;
	detour = true;
	opened = login_as(user, OLD, &database);
	detour = false;
	assert_ok(opened);
}

static void open_of_a_name_that_no_server_answers_for_ends_at_the_deadline(void **state)
{
	struct login login = stack_login();
	AUTO(database_close) struct database *database = NULL;
	int64_t began = clock_system.now();

	(void)state;
	skip_where_time_cannot_be_measured();
	silence_ms = 2000;
	assert_failed(login_at(&login, "app", OLD, 300, &database), STATUS_UNAVAILABLE,
		      "cannot be resolved in time");
	assert_in_range(clock_system.now() - began, 300, 1500);
	silence_ms = 0;
	/* The one that was given up on is still out when the next is asked. */
	assert_ok(login_as(make_user("a", ""), OLD, &database));
	clock_system.sleep(2000);
}

static int64_t passed; /* milliseconds that the test says have gone by */

static int64_t moved_now(void)
{
	return clock_system.now() + passed;
}

/*
 * To log in has a limit of its own; the session then has all the time that was given. Once that is
 * over nothing is sent: a process that was stopped must not change what others changed meanwhile.
 */
static void session_works_until_its_deadline_and_sends_nothing_after_it(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	AUTO(secret_clear) struct secret right = SECRET_INIT;
	struct clock moved = {.now = moved_now, .sleep = clock_system.sleep};
	struct login login = stack_login();
	const char *user = make_user("a", "");

	(void)state;
	passed = 0;
	assert_ok(secret_make(OLD, strlen(OLD), &right));
	assert_ok(login.driver->open(&login, user, &right, deadline_in(&moved, 60000), &database));
	passed = 30000;
	assert_ok(set_password(database, user, "changed-in-time-1"));
	passed = 61000;
	assert_failed(set_password(database, user, "changed-too-late-1"), STATUS_UNAVAILABLE,
		      "no time is left");
	database_close(&database);
	assert_ok(login_as(user, "changed-in-time-1", &database));
}

static void open_with_wrong_password_is_denied(void **state)
{
	struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_failed(login_as(user, WRONG, &database), STATUS_DENIED, "wrong password for 't");
	assert_failed(login_as(user, WRONG, &database), STATUS_DENIED, "(error 1045)");
	assert_null(strstr(login_as(user, WRONG, &database).detail, WRONG));
	assert_null(database);
}

/* The server asks for the password by whichever of its plugins, so that nobody learns who is there. */
static void open_as_missing_user_is_denied(void **state)
{
	struct database *database = NULL;
	char what[32];

	(void)state;
	for (int i = 0; i < 12; i++) {
		snprintf(what, sizeof(what), "nobody%d", i);
		assert_failed(login_as(named(what), OLD, &database), STATUS_DENIED, "no such user");
	}
}

static void open_from_a_host_without_an_account_is_denied(void **state)
{
	struct database *database = NULL;

	(void)state;
	admin("CREATE USER '@a'@'10.0.0.1' IDENTIFIED BY 'old-Passw0rd'");
	assert_failed(login_as(named("a"), OLD, &database), STATUS_DENIED, "none from this host");
}

static void open_of_locked_account_is_denied_and_says_so(void **state)
{
	struct database *database = NULL;

	(void)state;
	assert_failed(login_as(make_user("a", "ACCOUNT LOCK"), OLD, &database), STATUS_DENIED,
		      "is locked");
}

static void open_of_account_that_wrong_passwords_have_locked_is_denied(void **state)
{
	struct database *database = NULL;

	(void)state;
	only_on_mysql("FAILED_LOGIN_ATTEMPTS is its own");
	make_user("a", "FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1");
	assert_failed(login_as(named("a"), WRONG, &database), STATUS_DENIED, "(error 3955)");
	assert_failed(login_as(named("a"), OLD, &database), STATUS_DENIED, "is locked");
}

/* MariaDB lets it in and refuses the first read, MySQL does not let it in. */
static void open_with_expired_password_is_denied_and_says_so(void **state)
{
	struct database *database = NULL;

	(void)state;
	assert_failed(login_as(make_user("a", "PASSWORD EXPIRE"), OLD, &database), STATUS_DENIED,
		      "has expired");
	if (is_mariadb()) {
		admin("SET GLOBAL disconnect_on_expired_password = ON");
		struct status status = login_as(named("a"), OLD, &database);
		admin("SET GLOBAL disconnect_on_expired_password = OFF");
		assert_failed(status, STATUS_DENIED, "has expired (error 1862)");
	}
}

static void open_without_permission_on_the_database_is_denied(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	char dbname[64];

	(void)state;
	snprintf(dbname, sizeof(dbname), "%s", named("db"));
	login.dbname = dbname;
	assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database), STATUS_DENIED,
		      "(error 1044): grant a privilege on it");
}

static void open_of_missing_database_is_invalid(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	char dbname[] = "no such `database' \\";

	(void)state;
	make_user("a", "");
	admin("GRANT SELECT ON *.* TO @a");
	login.dbname = dbname;
	assert_failed(login_at(&login, named("a"), OLD, 10000, &database), STATUS_INVALID,
		      "no database 'no such `database' \\' at");
}

static void open_beyond_connection_limit_is_unavailable(void **state)
{
	AUTO(database_close) struct database *first = NULL;
	struct database *database = NULL;

	(void)state;
	make_user("a", "WITH MAX_USER_CONNECTIONS 1");
	assert_ok(login_as(named("a"), OLD, &first));
	assert_failed(login_as(named("a"), OLD, &database), STATUS_UNAVAILABLE, "cannot take 't");
}

static void open_of_closed_port_is_unavailable(void **state)
{
	struct fake fake = fake_silent();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	fake_end(&fake);
	assert_failed(login_at(&login, "app", OLD, 5000, &database), STATUS_UNAVAILABLE,
		      "nothing answers at the database at 127.0.0.1:");
}

static void open_of_unknown_host_is_unavailable(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	char host[] = "no-such-host.invalid";

	(void)state;
	login.host = host;
	assert_failed(login_at(&login, "app", OLD, 5000, &database), STATUS_UNAVAILABLE,
		      "cannot be resolved");
}

static void open_of_strange_host_is_invalid(void **state)
{
	static const char *const hosts[] = {"", "/run/mysqld/mysqld.sock", "@socket", "one,two",
					    "a/b"};
	struct login login = stack_login();
	struct database *database = NULL;
	char host[64];

	(void)state;
	login.host = host;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(host, sizeof(host), "%s", hosts[i]);
		assert_failed(login_at(&login, "app", OLD, 5000, &database), STATUS_INVALID,
			      "host");
	}
}

static void open_with_unusable_name_or_password_is_invalid(void **state)
{
	AUTO(secret_clear) struct secret with_nul = SECRET_INIT;
	struct login login = stack_login();
	struct database *database = NULL;
	char user[512], dbname[512], most[64];

	(void)state;
	memset(user, 'a', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	memcpy(dbname, user, sizeof(dbname));
	assert_failed(login_as(user, OLD, &database), STATUS_INVALID, "too long");
	user[login.driver->username_max + 1] = '\0';
	snprintf(most, sizeof(most), "at most %zu", login.driver->username_max);
	assert_failed(login_as(user, OLD, &database), STATUS_INVALID, most);
	assert_failed(login_as("", OLD, &database), STATUS_INVALID, "empty");
	assert_failed(login_as("app", "", &database), STATUS_INVALID, "empty");
	login.dbname = dbname;
	assert_failed(login_at(&login, "app", OLD, 5000, &database), STATUS_INVALID, "too long");
	login.dbname = NULL;
	assert_ok(secret_make("a\0b", 3, &with_nul));
	assert_failed(login.driver->open(&login, "app", &with_nul, deadline_in(&clock_system, 5000),
					 &database),
		      STATUS_INVALID, "NUL");
}

/* Names of the greatest length, of whatever characters. */
static void open_as_user_of_any_name_succeeds(void **state)
{
	static const char *const shapes[] = {"a 'quoted\" `User`", "back\\slash\\", "%_ wild",
					     "\xc3\xbcn\xc3\xaf-\xd0\xba\xd0\xbb\xd1\x8e\xd1\x87",
					     "semi;--#/*"};
	size_t most = stack_login().driver->username_max;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		AUTO(database_close) struct database *database = NULL;
		AUTO(database_close) struct database *admins = admin_session();
		char name[512], sql[2048] = {0};
		size_t characters;

		snprintf(name, sizeof(name), "%s", named(i < 5 ? shapes[i] : "x"));
		/* To its full length in characters: of one byte, and of three. */
		for (characters = strlen(name); i >= 5 && characters < most; characters++)
			strcat(name, i == 5 ? "x" : "\xe2\x82\xac");
		snprintf(sql, sizeof(sql), "CREATE USER '");
		for (const char *c = name; *c != '\0'; c++)
			snprintf(sql + strlen(sql), 3, *c == '\'' || *c == '\\' ? "\\%c" : "%c",
				 *c);
		admin_printf("%s'@'%%' IDENTIFIED BY '" OLD "'", sql);
		assert_ok(login_as(name, OLD, &database));
		assert_ok(set_password(database, name, NEW));
		database_close(&database);
		assert_ok(login_as(name, NEW, &database));
		assert_ok(set_password(admins, name, "third-Passw0rd"));
		database_close(&database);
		assert_ok(login_as(name, "third-Passw0rd", &database));
	}
}

static void assert_ends_in_time(const struct fake *fake, bool tls)
{
	struct login login = fake_login(fake, LOGIN_DATABASE);
	struct database *database = NULL;
	int64_t began = clock_system.now();
	int64_t took;

	login.tls = tls;
	assert_failed(login_at(&login, "app", OLD, 300, &database), STATUS_UNAVAILABLE,
		      "did not answer 'app' in time");
	took = clock_system.now() - began;
	assert_in_range(took, 290, 1500);
}

static void open_of_silent_server_ends_at_the_deadline(void **state)
{
	struct conversation with_tls = CONVERSATION_INIT, welcome = CONVERSATION_INIT;
	struct fake silent = fake_silent();
	struct fake behind_greeting, behind_welcome;

	(void)state;
	skip_where_time_cannot_be_measured();
	say_greeting(&with_tls, true);
	say_welcome(&welcome);
	behind_greeting = fake_talking(&with_tls, false);
	behind_welcome = fake_talking(&welcome, false);
	assert_ends_in_time(&silent, true);
	assert_ends_in_time(&silent, false);
	assert_ends_in_time(&behind_greeting, true);
	assert_ends_in_time(&behind_welcome, false);
	fake_end(&silent);
	fake_end(&behind_greeting);
	fake_end(&behind_welcome);
}

/* Each wait is a short one: no timeout of the library's would end them. */
static void open_of_server_that_sends_a_byte_now_and_then_ends_at_the_deadline(void **state)
{
	struct fake dripping = fake_dripping();

	(void)state;
	skip_where_time_cannot_be_measured();
	assert_ends_in_time(&dripping, false);
	fake_end(&dripping);
	dripping = fake_dripping();
	assert_ends_in_time(&dripping, true);
	fake_end(&dripping);
}

static void open_with_foreign_ca_is_invalid_and_names_the_variable(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	assert_non_null(ca_bundle_find()); /* Debian's ca-certificates */
	login.ca_file = NULL;
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "TANDEM_DATABASE_CA");
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "is not signed by a CA in");
	login.kind = LOGIN_PROXY;
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "TANDEM_PROXY_CA");
}

static void open_with_unreadable_ca_is_invalid(void **state)
{
	static const char empty[] = "/dev/null";
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	login.ca_file = "/nonexistent/ca.pem";
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "'/nonexistent/ca.pem' cannot be read as PEM");
	login.ca_file = "/etc/passwd";
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "'/etc/passwd' cannot be read as PEM");
	login.ca_file = empty;
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "'/dev/null' cannot be read as PEM");
}

static void open_under_another_host_name_is_invalid(void **state)
{
	struct login login = stack_login();
	struct fake relay = fake_relay(login.port);
	struct database *database = NULL;
	char host[] = "127.0.0.2";

	(void)state;
	login.host = host;
	login.port = relay.port;
	assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database), STATUS_INVALID,
		      "another host name");
	fake_end(&relay);
}

static void open_of_server_without_tls_is_invalid(void **state)
{
	struct conversation talk = CONVERSATION_INIT;
	struct fake fake;
	struct login login;
	struct database *database = NULL;

	(void)state;
	say_greeting(&talk, false);
	say_ok(&talk, 2);
	fake = fake_talking(&talk, true);
	login = fake_login(&fake, LOGIN_DATABASE);
	login.tls = true;
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "does not offer it");
	/* Not a word was said to it. */
	assert_true(fake_end_unanswered(&fake));
}

/* DENIED would make a step believe that the password is wrong; whoever is on the way could say so. */
static void open_that_is_refused_before_tls_is_no_refusal(void **state)
{
	static const unsigned errors[] = {1045, 1044, 1130, 1040, 3118, 1049};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(errors) / sizeof(errors[0]); i++) {
		struct conversation talk = CONVERSATION_INIT;
		struct database *database = NULL;
		struct fake fake;
		struct login login;
		struct status status;

		/* In place of the greeting, and in place of TLS. */
		if (i % 2 == 1)
			say_greeting(&talk, true);
		say_error(&talk, i % 2 == 1 ? 2 : 0, errors[i / 2]);
		fake = fake_talking(&talk, false);
		login = fake_login(&fake, LOGIN_DATABASE);
		login.tls = true;
		status = login_at(&login, "app", OLD, 5000, &database);
		fake_end(&fake);
		if (i % 2 == 1)
			assert_failed(status, STATUS_INVALID, "could be agreed");
		else
			assert_failed(status, STATUS_UNAVAILABLE, "error before TLS");
		assert_null(strstr(status.detail, "secret words"));
	}
}

/* Some plugins tell the server the password as it is, some tell too much of it: none is obeyed. */
static void open_of_server_that_asks_in_clear_is_invalid_and_tells_nothing(void **state)
{
	static const char *const plugins[] = {"mysql_clear_password", "dialog",
					      "mysql_old_password",   "auth_gssapi_client",
					      "no_such_plugin",	      "../../x"};

	(void)state;
	assert_int_equal(setenv("LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN", "1", 1), 0);
	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
		struct conversation talk = CONVERSATION_INIT;
		struct database *database = NULL;
		struct fake fake;
		struct login login;
		struct status status;

		say_greeting(&talk, false);
		say_switch(&talk, 2, plugins[i]);
		fake = fake_talking(&talk, true);
		login = fake_login(&fake, LOGIN_DATABASE);
		status = login_at(&login, "app", OLD, 5000, &database);
		assert_true(fake_end_unanswered(&fake));
		assert_failed(status, STATUS_INVALID, "by an authentication plugin");
	}
}

/* MariaDB has no number of its own for it. */
static void open_in_plaintext_of_tls_server_is_refused_and_says_so(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	login.tls = false;
	if (is_mariadb())
		assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database),
			      STATUS_DENIED, "or only with TLS");
	else
		assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database),
			      STATUS_INVALID, "takes TLS connections only");
}

static struct status open_in_plaintext(const char *user, const char *password,
				       struct database **ret)
{
	struct login login = stack_login();
	struct status status;

	admin("SET GLOBAL require_secure_transport = OFF");
	login.tls = false;
	status = login_at(&login, user, password, 10000, ret);
	admin("SET GLOBAL require_secure_transport = ON");
	return status;
}

static void open_in_plaintext_succeeds_where_the_secret_says_so(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL, *none = NULL;

	(void)state;
	make_user("a", "");
	assert_failed(open_in_plaintext(named("a"), WRONG, &none), STATUS_DENIED, "wrong password");
	assert_ok(open_in_plaintext(named("a"), OLD, &first));
	assert_ok(open_in_plaintext(named("a"), OLD, &second));
}

static void open_in_plaintext_of_account_that_requires_tls_is_denied(void **state)
{
	struct database *database = NULL;

	(void)state;
	assert_failed(open_in_plaintext(make_user("a", "REQUIRE SSL"), OLD, &database),
		      STATUS_DENIED, "or only with TLS");
}

static void open_that_needs_proof_is_invalid_and_asks_nobody(void **state)
{
	struct conversation talk = CONVERSATION_INIT;
	struct database *database = NULL;
	struct login login = stack_login();
	bool unproven = false;
	struct fake fake;

	(void)state;
	login.unproven = &unproven;
	assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database), STATUS_INVALID,
		      "cannot prove");
	assert_true(unproven);
	unproven = false;
	say_welcome(&talk);
	fake = fake_talking(&talk, false);
	login = fake_login(&fake, LOGIN_DATABASE);
	login.unproven = &unproven;
	assert_failed(login_at(&login, "app", OLD, 10000, &database), STATUS_INVALID,
		      "cannot prove");
	assert_true(unproven);
	assert_true(login.driver->never_proves);
	fake_end(&fake);
}

static void open_ignores_variables_of_the_library(void **state)
{
	static const char *const poison[][2] = {
		{"MYSQL_TCP_PORT", "1"},
		{"MYSQL_UNIX_PORT", "/nowhere"},
		{"MYSQL_HOST", "nowhere.invalid"},
		{"MYSQL_PWD", WRONG},
		{"MYSQL_HOME", "/nowhere"},
		{"MYSQL_GROUP_SUFFIX", "x"},
		{"MARIADB_HOME", "/nowhere"},
		{"LIBMYSQL_PLUGIN_DIR", "/nowhere"},
		{"LIBMYSQL_PLUGINS", "nonsense"},
		{"MARIADB_PLUGIN_DIR", "/nowhere"},
		{"LIBMYSQL_ENABLE_CLEARTEXT_PLUGIN", "1"},
	};
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	for (size_t i = 0; i < sizeof(poison) / sizeof(poison[0]); i++)
		assert_int_equal(setenv(poison[i][0], poison[i][1], 1), 0);
	assert_ok(login_as(user, OLD, &database));
	for (size_t i = 0; i < sizeof(poison) / sizeof(poison[0]); i++)
		assert_null(getenv(poison[i][0]));
}

/* With this one the library would take any certificate. */
static void open_verifies_certificates_whatever_the_variables_say(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	assert_int_equal(setenv("MARIADB_TLS_DISABLE_PEER_VERIFICATION", "1", 1), 0);
	login.ca_file = NULL;
	assert_failed(login_at(&login, make_user("a", ""), OLD, 10000, &database), STATUS_INVALID,
		      "is not signed by a CA in");
}

static void open_by_caching_sha2_password_succeeds_first_and_from_the_cache(void **state)
{
	AUTO(database_close) struct database *first = NULL, *second = NULL, *third = NULL;

	(void)state;
	only_on_mysql("MariaDB 10.11 has no caching_sha2_password");
	admin("CREATE USER @a IDENTIFIED WITH caching_sha2_password BY 'old-Passw0rd'");
	admin("FLUSH PRIVILEGES"); /* empties the cache */
	assert_ok(login_as(named("a"), OLD, &first));
	assert_ok(login_as(named("a"), OLD, &second));
	assert_failed(login_as(named("a"), WRONG, &third), STATUS_DENIED, "wrong password");
}

static void open_by_sha256_password_succeeds(void **state)
{
	AUTO(database_close) struct database *database = NULL, *none = NULL;

	(void)state;
	only_on_mysql("MariaDB has no sha256_password");
	admin("CREATE USER @a IDENTIFIED WITH sha256_password BY 'old-Passw0rd'");
	assert_ok(login_as(named("a"), OLD, &database));
	assert_failed(login_as(named("a"), WRONG, &none), STATUS_DENIED, "wrong password");
	assert_ok(set_password(database, named("a"), NEW));
	assert_true(lets_in(named("a"), NEW));
}

static struct status talk_to(const struct conversation *talk, enum login_kind kind, bool hangs_up)
{
	struct fake fake = fake_talking(talk, hangs_up);
	struct login login = fake_login(&fake, kind);
	AUTO(database_close) struct database *database = NULL;
	struct status status = login_at(&login, "app", OLD, 5000, &database);

	fake_end(&fake);
	return status;
}

static void open_that_is_refused_tells_refusals_apart(void **state)
{
	static const struct {
		unsigned error;
		enum login_kind kind;
		enum status_code code;
		const char *part;
	} refusals[] = {
		{1045, LOGIN_PROXY, STATUS_DENIED, "the proxy's secret for this user"},
		{1045, LOGIN_DATABASE, STATUS_DENIED, "wrong password for 'app'"},
		{1698, LOGIN_DATABASE, STATUS_DENIED, "wrong password"},
		{1130, LOGIN_DATABASE, STATUS_DENIED, "no account that lets anybody in"},
		{1862, LOGIN_DATABASE, STATUS_DENIED, "has expired"},
		{1044, LOGIN_DATABASE, STATUS_DENIED, "may not use the database"},
		{1049, LOGIN_DATABASE, STATUS_INVALID, "no database"},
		{3118, LOGIN_DATABASE, STATUS_DENIED, "is locked"},
		{3159, LOGIN_DATABASE, STATUS_INVALID, "takes TLS connections only"},
		{1040, LOGIN_DATABASE, STATUS_UNAVAILABLE, "cannot take 'app' now"},
		{1129, LOGIN_DATABASE, STATUS_UNAVAILABLE, "blocks this host"},
		{1053, LOGIN_DATABASE, STATUS_UNAVAILABLE, "stopping"},
		{1203, LOGIN_DATABASE, STATUS_UNAVAILABLE, "out of connections"},
		{1226, LOGIN_DATABASE, STATUS_UNAVAILABLE, "out of connections"},
		{9501, LOGIN_PROXY, STATUS_UNAVAILABLE, "the proxy at 127.0.0.1:"},
		{9999, LOGIN_DATABASE, STATUS_UNAVAILABLE, "turned 'app' away with error 9999"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct conversation talk = CONVERSATION_INIT;
		struct status status;

		say_greeting(&talk, false);
		say_error(&talk, 2, refusals[i].error);
		status = talk_to(&talk, refusals[i].kind, false);
		assert_failed(status, refusals[i].code, refusals[i].part);
		assert_null(strstr(status.detail, "secret words"));
	}
}

/* What is wrong with the server for a while is told apart from what is wrong with the user. */
static void open_whose_first_read_fails_tells_whether_it_mends(void **state)
{
	static const struct {
		unsigned error;
		enum login_kind kind;
		enum status_code code;
		const char *part;
	} failures[] = {
		{1290, LOGIN_DATABASE, STATUS_UNAVAILABLE, "it is read-only, so a replica"},
		{1205, LOGIN_DATABASE, STATUS_UNAVAILABLE, "gave up a first read as 'app'"},
		{1047, LOGIN_DATABASE, STATUS_UNAVAILABLE, "1047"},
		{3169, LOGIN_DATABASE, STATUS_UNAVAILABLE, "3169"},
		{9502, LOGIN_DATABASE, STATUS_UNAVAILABLE, "9502"},
		{1820, LOGIN_DATABASE, STATUS_DENIED, "has expired"},
		{1142, LOGIN_DATABASE, STATUS_DENIED, "'app' lacks a permission for a first read"},
		{1064, LOGIN_DATABASE, STATUS_INTERNAL, "refused a first read as 'app'"},
		{1045, LOGIN_PROXY, STATUS_UNAVAILABLE, "could not reach the database for it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct conversation talk = CONVERSATION_INIT;

		say_welcome(&talk);
		say_error(&talk, 1, failures[i].error);
		assert_failed(talk_to(&talk, failures[i].kind, false), failures[i].code,
			      failures[i].part);
	}
}

/* Each follows a welcome. */
static void open_of_server_that_answers_otherwise_is_unavailable(void **state)
{
	static const char out_of_order[] = "\1\0\0\7\1", cut[] = "\5\0\0\1\1";
	struct conversation talks[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		talks[i] = CONVERSATION_INIT;
		say_welcome(&talks[i]);
	}
	say_ok(&talks[0], 1);		 /* no rows */
	say_next(&talks[1], 1, "\2", 1); /* two columns, and then no more */
	memcpy(talks[2].turns[talks[2].count].bytes, out_of_order, 5);
	talks[2].turns[talks[2].count++].length = 5;
	memcpy(talks[3].turns[talks[3].count].bytes, cut, 5);
	talks[3].turns[talks[3].count++].length = 5;
	say_next(&talks[4], 1, "\xfb/etc/passwd", 12); /* "send me this file" */
	say_next(&talks[5], 1, "", 0);
	for (size_t i = 0; i < 6; i++)
		assert_failed(talk_to(&talks[i], LOGIN_DATABASE, true), STATUS_UNAVAILABLE,
			      "does not answer as MySQL does");
}

static void open_of_server_that_asks_for_a_file_sends_none(void **state)
{
	struct conversation talk = CONVERSATION_INIT;
	struct database *database = NULL;
	struct status status;
	struct login login;
	struct fake fake;

	(void)state;
	say_welcome(&talk);
	say_next(&talk, 1, "\xfb/etc/passwd", 12);
	fake = fake_talking(&talk, true);
	login = fake_login(&fake, LOGIN_DATABASE);
	status = login_at(&login, "app", OLD, 5000, &database);
	/* All that may come is the empty packet of who has no file. */
	(void)fake_end_unanswered(&fake);
	assert_int_equal(status.code, STATUS_UNAVAILABLE);
}

static void open_answered_without_an_end_gives_up(void **state)
{
	struct fake fake = fake_flooding();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	assert_failed(login_at(&login, "app", OLD, 60000, &database), STATUS_UNAVAILABLE,
		      "says too much");
	fake_end(&fake);
}

static void open_of_server_that_hangs_up_is_unavailable(void **state)
{
	struct conversation talk = CONVERSATION_INIT;

	(void)state;
	say_greeting(&talk, false);
	assert_failed(talk_to(&talk, LOGIN_DATABASE, true), STATUS_UNAVAILABLE,
		      "broke off the connection of 'app'");
}

static void managing_through_a_proxy_is_refused(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");

	(void)state;
	login.kind = LOGIN_PROXY;
	assert_ok(login_at(&login, user, OLD, 10000, &database));
	assert_failed(set_password(database, user, WRONG), STATUS_INTERNAL, "proxy");
}

int run_login_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drivers_find_every_name_of_the_engines),
		TEST(open_with_right_password_succeeds),
		TEST(open_of_a_database_succeeds),
		TEST(open_of_localhost_is_tcp),
		TEST(open_goes_on_to_the_next_address_when_one_is_silent),
		TEST(open_goes_on_to_the_next_address_when_one_refuses),
		TEST(open_of_a_name_that_no_server_answers_for_ends_at_the_deadline),
		TEST(session_works_until_its_deadline_and_sends_nothing_after_it),
		TEST(open_with_wrong_password_is_denied),
		TEST(open_as_missing_user_is_denied),
		TEST(open_from_a_host_without_an_account_is_denied),
		TEST(open_of_locked_account_is_denied_and_says_so),
		TEST(open_of_account_that_wrong_passwords_have_locked_is_denied),
		TEST(open_with_expired_password_is_denied_and_says_so),
		TEST(open_without_permission_on_the_database_is_denied),
		TEST(open_of_missing_database_is_invalid),
		TEST(open_beyond_connection_limit_is_unavailable),
		TEST(open_of_closed_port_is_unavailable),
		TEST(open_of_unknown_host_is_unavailable),
		TEST(open_of_strange_host_is_invalid),
		TEST(open_with_unusable_name_or_password_is_invalid),
		TEST(open_as_user_of_any_name_succeeds),
		TEST(open_of_silent_server_ends_at_the_deadline),
		TEST(open_of_server_that_sends_a_byte_now_and_then_ends_at_the_deadline),
		TEST(open_with_foreign_ca_is_invalid_and_names_the_variable),
		TEST(open_with_unreadable_ca_is_invalid),
		TEST(open_under_another_host_name_is_invalid),
		TEST(open_of_server_without_tls_is_invalid),
		TEST(open_that_is_refused_before_tls_is_no_refusal),
		TEST(open_of_server_that_asks_in_clear_is_invalid_and_tells_nothing),
		TEST(open_in_plaintext_of_tls_server_is_refused_and_says_so),
		TEST(open_in_plaintext_succeeds_where_the_secret_says_so),
		TEST(open_in_plaintext_of_account_that_requires_tls_is_denied),
		TEST(open_that_needs_proof_is_invalid_and_asks_nobody),
		TEST(open_ignores_variables_of_the_library),
		TEST(open_verifies_certificates_whatever_the_variables_say),
		TEST(open_by_caching_sha2_password_succeeds_first_and_from_the_cache),
		TEST(open_by_sha256_password_succeeds),
		TEST(open_that_is_refused_tells_refusals_apart),
		TEST(open_whose_first_read_fails_tells_whether_it_mends),
		TEST(open_of_server_that_answers_otherwise_is_unavailable),
		TEST(open_of_server_that_asks_for_a_file_sends_none),
		TEST(open_answered_without_an_end_gives_up),
		TEST(open_of_server_that_hangs_up_is_unavailable),
		TEST(managing_through_a_proxy_is_refused),
	};

	return cmocka_run_group_tests_name("mysql login", tests, NULL, NULL);
}
