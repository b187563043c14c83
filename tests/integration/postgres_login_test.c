/* Opening a session: who is let in, and what everybody else is told. */
#include "postgres_fake.h"
#include "postgres_support.h"

#include "clients/sql/ca_bundle.h"
#include "clients/sql/drivers.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RIGHT "right-Passw0rd"
#define WRONG "wrong-Passw0rd"

static const char *make_user(const char *what, const char *options)
{
	const char *user = named(what);

	admin("CREATE ROLE %s LOGIN PASSWORD '%s' %s", user, RIGHT, options);
	return user;
}

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

static void drivers_find_every_name_of_the_engine(void **state)
{
	(void)state;
	assert_ptr_equal(database_driver_find(sql_drivers, "postgres"), &postgres_driver);
	assert_ptr_equal(database_driver_find(sql_drivers, "PostgreSQL"), &postgres_driver);
	assert_ptr_equal(database_driver_find(sql_drivers, "aurora-postgresql"), &postgres_driver);
	assert_null(database_driver_find(sql_drivers, "db2"));
}

static void open_with_right_password_succeeds(void **state)
{
	AUTO(database_close) struct database *database = NULL;

	(void)state;
	assert_ok(login_as(make_user("a", ""), RIGHT, &database));
	assert_non_null(database);
}

/* While set, every name leads to 127.0.0.2 first and then to where it leads. */
static bool detour;

/* No name server answers: every look-up takes so long. */
static int silence_ms;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	struct addrinfo *wrong = NULL, *right = NULL;

	clock_system.sleep(silence_ms);
	if (!detour)
		return __real_getaddrinfo(host, service, hints, ret);
	assert_int_equal(__real_getaddrinfo("127.0.0.2", service, hints, &wrong), 0);
	assert_int_equal(__real_getaddrinfo("127.0.0.1", service, hints, &right), 0);
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
	assert_ok(secret_make(RIGHT, strlen(RIGHT), &right));
	assert_ok(
		postgres_driver.open(&login, user, &right, deadline_in(&moved, 60000), &database));
	passed = 30000;
	assert_ok(set_password(database, user, "changed-in-time-1"));
	passed = 61000;
	assert_failed(set_password(database, user, "changed-too-late-1"), STATUS_UNAVAILABLE,
		      "no time is left");
	database_close(&database);
	assert_ok(login_as(user, "changed-in-time-1", &database));
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
	opened = login_at(&login, user, RIGHT, 10000, &database);
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
	opened = login_as(user, RIGHT, &database);
	detour = false;
	assert_ok(opened);
}

static void open_with_wrong_password_is_denied(void **state)
{
	struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	assert_failed(login_as(user, WRONG, &database), STATUS_DENIED, "wrong password for 't");
	assert_failed(login_as(user, WRONG, &database), STATUS_DENIED, "28P01");
	assert_null(strstr(login_as(user, WRONG, &database).detail, WRONG));
	assert_null(database);
}

static void open_as_missing_user_is_denied(void **state)
{
	struct database *database = NULL;

	(void)state;
	assert_failed(login_as(named("nobody"), RIGHT, &database), STATUS_DENIED, "no such user");
}

static void open_as_nologin_role_is_denied_and_says_so(void **state)
{
	struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	admin("ALTER ROLE %s NOLOGIN", user);
	assert_failed(login_as(user, RIGHT, &database), STATUS_DENIED, "NOLOGIN");
}

static void open_without_permission_to_connect_is_denied(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	const char *user = make_user("a", "");
	char dbname[64];

	(void)state;
	snprintf(dbname, sizeof(dbname), "%s", named("db"));
	admin("CREATE DATABASE %s", dbname);
	admin("REVOKE CONNECT ON DATABASE %s FROM PUBLIC", dbname);
	login.dbname = dbname;
	assert_failed(login_at(&login, user, RIGHT, 10000, &database), STATUS_DENIED,
		      "grant CONNECT");
	admin("DROP DATABASE %s", dbname);
}

static void open_of_missing_database_is_invalid(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	char dbname[] = "no such 'database' host=127.0.0.9";

	(void)state;
	login.dbname = dbname;
	assert_failed(login_at(&login, make_user("a", ""), RIGHT, 10000, &database), STATUS_INVALID,
		      "no database 'no such 'database' host=127.0.0.9'");
}

static void open_beyond_connection_limit_is_unavailable(void **state)
{
	struct database *database = NULL;

	(void)state;
	assert_failed(login_as(make_user("a", "CONNECTION LIMIT 0"), RIGHT, &database),
		      STATUS_UNAVAILABLE, "53300");
}

static void open_of_closed_port_is_unavailable(void **state)
{
	struct fake fake = fake_silent();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	fake_end(&fake);
	assert_failed(login_at(&login, "app", RIGHT, 5000, &database), STATUS_UNAVAILABLE,
		      "nothing listens at the database at 127.0.0.1:");
}

static void open_of_unknown_host_is_unavailable(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;
	char host[] = "no-such-host.invalid";

	(void)state;
	login.host = host;
	assert_failed(login_at(&login, "app", RIGHT, 5000, &database), STATUS_UNAVAILABLE,
		      "cannot be resolved");
}

static void open_of_strange_host_is_invalid(void **state)
{
	static const char *const hosts[] = {"", "/var/run/postgresql", "@socket", "one,two", "a/b"};
	struct login login = stack_login();
	struct database *database = NULL;
	char host[64];

	(void)state;
	login.host = host;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(host, sizeof(host), "%s", hosts[i]);
		assert_failed(login_at(&login, "app", RIGHT, 5000, &database), STATUS_INVALID,
			      "host");
	}
}

static void open_with_unusable_name_or_password_is_invalid(void **state)
{
	AUTO(secret_clear) struct secret with_nul = SECRET_INIT;
	struct login login = stack_login();
	struct database *database = NULL;
	char user[65];

	(void)state;
	memset(user, 'a', 64);
	user[64] = '\0';
	assert_failed(login_as(user, RIGHT, &database), STATUS_INVALID, "at most 63");
	assert_failed(login_as("", RIGHT, &database), STATUS_INVALID, "empty");
	assert_failed(login_as("app", "", &database), STATUS_INVALID, "empty");
	assert_ok(secret_make("a\0b", 3, &with_nul));
	assert_failed(postgres_driver.open(&login, "app", &with_nul,
					   deadline_in(&clock_system, 5000), &database),
		      STATUS_INVALID, "NUL");
}

static void assert_ends_in_time(const struct fake *fake, bool tls)
{
	struct login login = fake_login(fake, LOGIN_DATABASE);
	struct database *database = NULL;
	int64_t began = clock_system.now();
	int64_t took;

	login.tls = tls;
	assert_failed(login_at(&login, "app", RIGHT, 300, &database), STATUS_UNAVAILABLE,
		      "did not answer 'app' in time");
	took = clock_system.now() - began;
	assert_true(took >= 290 && took < 1500);
}

static void open_of_silent_server_ends_at_the_deadline(void **state)
{
	struct fake silent = fake_silent();
	struct fake welcoming = fake_welcoming(NULL);

	(void)state;
	assert_ends_in_time(&silent, true);
	assert_ends_in_time(&silent, false);
	assert_ends_in_time(&welcoming, false);
	fake_end(&silent);
	fake_end(&welcoming);
}

static void open_of_a_name_that_no_server_answers_for_ends_at_the_deadline(void **state)
{
	struct login login = stack_login();
	AUTO(database_close) struct database *database = NULL;
	int64_t began = clock_system.now();

	(void)state;
	skip_where_time_cannot_be_measured();
	silence_ms = 2000;
	assert_failed(login_at(&login, "app", RIGHT, 300, &database), STATUS_UNAVAILABLE,
		      "cannot be resolved in time");
	assert_in_range(clock_system.now() - began, 300, 1500);
	silence_ms = 0;
	/* The one that was given up on is still out when the next is asked. */
	assert_ok(login_as(make_user("a", ""), RIGHT, &database));
	clock_system.sleep(2000);
}

static void open_with_foreign_ca_is_invalid_and_names_the_variable(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	assert_non_null(ca_bundle_find()); /* Debian's ca-certificates */
	login.ca_file = NULL;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "TANDEM_DATABASE_CA");
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "is not signed by a CA in");
	login.kind = LOGIN_PROXY;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "TANDEM_PROXY_CA");
}

static void open_with_unreadable_ca_is_invalid(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	login.ca_file = "/nonexistent/ca.pem";
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "'/nonexistent/ca.pem' cannot be read as PEM");
	login.ca_file = "/etc/passwd";
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "'/etc/passwd' cannot be read as PEM");
}

/* How many streams libc has no memory for. OpenSSL opens its files with fopen64(). */
static int streams_denied;

[[gnu::visibility("default")]] FILE *fopen64(const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen64");

	if (streams_denied == 0)
		return real(path, mode);
	streams_denied--;
	errno = ENOMEM;
	return NULL;
}

/* libpq 15 reads past the end of what it says of ENOMEM. */
static void skip_where_reading_is_watched(void)
{
#ifdef __SANITIZE_ADDRESS__
	const bool watched = true;
#else
	const bool watched = is_slow(); /* valgrind */
#endif

	if (watched)
		skip_because("libpq reads where it may not, and here that is watched");
}

static void open_without_memory_to_read_the_ca_is_unavailable(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	skip_where_reading_is_watched();
	streams_denied = 1;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_UNAVAILABLE,
		      "could not be read, and now can");
	assert_int_equal(streams_denied, 0);
	streams_denied = 2;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_UNAVAILABLE,
		      "out of memory");
	assert_int_equal(streams_denied, 0);
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
	assert_failed(login_at(&login, make_user("a", ""), RIGHT, 10000, &database), STATUS_INVALID,
		      "another host name");
	fake_end(&relay);
}

static void open_of_server_without_tls_is_invalid(void **state)
{
	struct fake fake = fake_without_tls();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	login.tls = true;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "does not offer it");
	fake_end(&fake);
}

/* The stack's server takes TLS only, which is what a plaintext login must be told. */
static void open_whose_question_for_tls_is_answered_in_clear_is_no_refusal(void **state)
{
	struct fake fake = fake_refusing_tls();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	login.tls = true;
	/* DENIED would make a step believe that the password is wrong. */
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_UNAVAILABLE,
		      "answered the question for TLS with an error");
	fake_end(&fake);
}

/* Anybody can let people in. Only who knows the password, or its verifier, can prove it. */
static void open_of_server_that_proves_nothing_is_invalid(void **state)
{
	struct fake fakes[] = {fake_trusting(), fake_forging(), fake_asking_otherwise()};
	/* From libpq 16 on the first is libpq's own refusal. */
	const char *const parts[] = {PQlibVersion() < 160000 ? "without asking for a password"
							     : "did not prove",
				     "did not prove", "did not prove"};

	(void)state;
	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++) {
		struct login login = fake_login(&fakes[i], LOGIN_DATABASE);
		struct database *database = NULL;

		assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
			      parts[i]);
		fake_end(&fakes[i]);
	}
}

/* For a password that was not kept for this host: a server that only asks for it does not get it. */
static void open_of_server_that_must_prove_and_asks_in_clear_is_invalid(void **state)
{
	struct fake asking = fake_asking_in_clear();
	struct login login = fake_login(&asking, LOGIN_DATABASE), right = stack_login();
	AUTO(database_close) struct database *database = NULL;

	bool unproven = false;

	(void)state;
	login.unproven = right.unproven = &unproven;
	assert_failed(login_at(&login, "app", RIGHT, 10000, &database), STATUS_INVALID,
		      "did not prove");
	assert_true(fake_end_unanswered(&asking));
	assert_true(unproven);
	unproven = false;
	right.ca_file = "/no/such/file.pem";
	assert_failed(login_at(&right, "app", RIGHT, 10000, &database), STATUS_INVALID, "CA");
	assert_false(unproven);
	right.ca_file = stack_login().ca_file;
	assert_ok(login_at(&right, make_user("a", ""), RIGHT, 10000, &database));
}

/* With libpq 16 nobody is told a password in clear. Older ones say what they are asked for. */
static void open_of_server_that_asks_in_clear_is_invalid_where_libpq_can_refuse(void **state)
{
	struct fake asking = fake_asking_in_clear();
	struct login login = fake_login(&asking, LOGIN_PROXY);
	AUTO(database_close) struct database *database = NULL;
	struct status status = login_at(&login, "app", RIGHT, 10000, &database);

	(void)state;
	assert_int_equal(fake_end_unanswered(&asking), PQlibVersion() >= 160000);
	if (PQlibVersion() >= 160000)
		assert_int_equal(status.code, STATUS_INVALID);
}

static void open_in_plaintext_of_tls_server_is_denied(void **state)
{
	struct login login = stack_login();
	struct database *database = NULL;

	(void)state;
	login.tls = false;
	assert_failed(login_at(&login, make_user("a", ""), RIGHT, 10000, &database), STATUS_DENIED,
		      "from here without TLS");
}

static void open_ignores_variables_of_libpq(void **state)
{
	static const char *const poison[][2] = {
		{"PGHOSTADDR", "127.0.0.9"},   {"PGSSLMODE", "disable"},
		{"PGSERVICE", "nowhere"},      {"PGOPTIONS", "-c default_transaction_read_only=on"},
		{"PGTZ", "nonsense"},	       {"PGDATESTYLE", "nonsense"},
		{"PGUSER", "nobody"},	       {"PGPASSWORD", WRONG},
		{"PGREQUIREPEER", "nobody"},   {"PGTARGETSESSIONATTRS", "standby"},
		{"PGCHANNELBINDING", "bogus"}, {"PGSSLCERT", "/etc/passwd"},
		{"PGSSLCRL", "/etc/passwd"},   {"PGSSLROOTCERT", "/etc/passwd"},
		{"PGCONNECT_TIMEOUT", "x"},    {"PGCLIENTENCODING", "nonsense"},
	};
	AUTO(database_close) struct database *database = NULL;
	const char *user = make_user("a", "");

	(void)state;
	for (size_t i = 0; i < sizeof(poison) / sizeof(poison[0]); i++)
		assert_int_equal(setenv(poison[i][0], poison[i][1], 1), 0);
	assert_ok(login_as(user, RIGHT, &database));
}

static void open_behind_proxy_tells_its_refusals_apart(void **state)
{
	static const struct {
		const char *sqlstate, *severity, *message;
		enum status_code code;
		const char *part;
	} refusals[] = {
		{"28000", "FATAL",
		 "This RDS proxy has no credentials for the role app. Check the "
		 "credentials for this role and try again.",
		 STATUS_DENIED, "has no credential for 'app'"},
		{"28P01", "FATAL", "The password that was provided for the role app is wrong.",
		 STATUS_DENIED, "wrong password for 'app' at the proxy at 127.0.0.1:"},
		{"08006", "FATAL", "Timed-out waiting to acquire database connection.",
		 STATUS_UNAVAILABLE, "cannot take 'app' now"},
		{"28000", "FATAL", "This RDS Proxy requires TLS connections", STATUS_INVALID,
		 "TLS connections only"},
		{"08P01", "FATAL", "SASL authentication failed", STATUS_DENIED, "wrong password"},
		{"08P01", "FATAL", "password authentication failed", STATUS_DENIED,
		 "wrong password"},
		{"08P01", "FATAL", "password authentication failed for user \"app\"",
		 STATUS_UNAVAILABLE, "let 'app' in, but the database refused"},
		{"08P01", "FATAL", "no such user: app", STATUS_DENIED, "no credential"},
		{"08P01", "FATAL", "no such database: x", STATUS_INVALID, "no database"},
		{"08P01", "FATAL", "SSL required", STATUS_INVALID, "TLS connections only"},
		{"08P01", "FATAL", "query_wait_timeout", STATUS_UNAVAILABLE, "cannot take"},
		{"08P01", "FATAL", "server login has been failing, try again later",
		 STATUS_UNAVAILABLE, "cannot take"},
		/* PostgreSQL in German: only its SQLSTATE can be read. */
		{"28P01", "FATAL", "Passwort-Authentifizierung fehlgeschlagen", STATUS_DENIED,
		 "wrong password"},
		{"3D000", "FATAL", "Datenbank existiert nicht", STATUS_INVALID, "no database"},
		{"57P03", "FATAL", "das Datenbanksystem startet", STATUS_UNAVAILABLE, "starting"},
		{"57P01", "ВАЖНО", "подключение закрывается", STATUS_UNAVAILABLE, "stopping"},
		{"42501", "FATAL", "keine Berechtigung", STATUS_DENIED, "no permission"},
		{"08P01", "FATAL", "relayed in another language", STATUS_UNAVAILABLE,
		 "its own log says why"},
		{"99999", "FATAL", "secret words", STATUS_UNAVAILABLE, "SQLSTATE 99999"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct fake fake = fake_refusing(refusals[i].sqlstate, refusals[i].severity,
						 refusals[i].message);
		struct login login = fake_login(&fake, LOGIN_PROXY);
		struct database *database = NULL;
		struct status status = login_at(&login, "app", RIGHT, 5000, &database);

		fake_end(&fake);
		assert_failed(status, refusals[i].code, refusals[i].part);
		assert_null(strstr(status.detail, refusals[i].message));
	}
}

/* What is wrong with the server for a while is told apart from what is wrong with the user. */
static void open_whose_first_read_fails_tells_whether_it_mends(void **state)
{
	static const struct {
		const char *sqlstate;
		enum status_code code;
		const char *part;
	} failures[] = {
		{"25006", STATUS_UNAVAILABLE, "SQLSTATE 25006: it is read-only, so a replica"},
		{"57P01", STATUS_UNAVAILABLE, "gave up a first read as 'app' with SQLSTATE 57P01"},
		{"40001", STATUS_UNAVAILABLE, "40001"},
		{"53300", STATUS_UNAVAILABLE, "53300"},
		{"55P03", STATUS_UNAVAILABLE, "55P03"},
		{"XX000", STATUS_UNAVAILABLE, "XX000"},
		{"", STATUS_UNAVAILABLE, "gave up a first read as 'app' with SQLSTATE 08006"},
		{"42501", STATUS_DENIED, "'app' lacks a permission for a first read"},
		{"42601", STATUS_INTERNAL, "refused a first read as 'app' with SQLSTATE 42601"},
		{"25001", STATUS_INTERNAL, "25001"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct fake fake = fake_welcoming(failures[i].sqlstate);
		struct login login = fake_login(&fake, LOGIN_DATABASE);
		struct database *database = NULL;
		struct status status = login_at(&login, "app", RIGHT, 5000, &database);

		fake_end(&fake);
		assert_failed(status, failures[i].code, failures[i].part);
	}
}

static void open_answered_without_an_end_gives_up(void **state)
{
	struct fake fake = fake_flooding();
	struct login login = fake_login(&fake, LOGIN_DATABASE);
	struct database *database = NULL;

	(void)state;
	assert_failed(login_at(&login, "app", RIGHT, 60000, &database), STATUS_UNAVAILABLE,
		      "says more than 16777216 bytes");
	fake_end(&fake);
}

/* libpq gives the beginning of a COPY again and again, without waiting. */
static void open_answered_with_copy_gives_up(void **state)
{
	static const struct messages copies[] = {
		MESSAGES("H\0\0\0\7\0\0\0"), /* CopyOutResponse: text, no columns */
		MESSAGES("G\0\0\0\7\0\0\0"), /* CopyInResponse */
		MESSAGES("W\0\0\0\7\0\0\0"), /* CopyBothResponse */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		struct fake fake = fake_answering(&copies[i], 1);
		struct login login = fake_login(&fake, LOGIN_DATABASE);
		struct database *database = NULL;

		assert_failed(login_at(&login, "app", RIGHT, 60000, &database), STATUS_UNAVAILABLE,
			      "wants to copy");
		fake_end(&fake);
	}
}

/* ReadyForQuery, and what stands before it. */
#define READY "Z\0\0\0\5I"
#define DONE "C\0\0\0\7OK\0" READY
#define NO_COLUMN "T\0\0\0\6\0\0"
#define NO_ROW "D\0\0\0\6\0\0"
/* ParseComplete, BindComplete. */
#define BOUND       \
	"1\0\0\0\4" \
	"2\0\0\0\4"

/* libpq hands out whatever rows came, and NULL for a column that they lack. */
static void answers_without_the_columns_asked_for_are_no_databases(void **state)
{
	static const struct messages none[] = {MESSAGES(DONE), MESSAGES(DONE),
					       MESSAGES(BOUND NO_COLUMN NO_ROW DONE)};
	static const struct messages no_rows[] = {MESSAGES(DONE), MESSAGES(DONE),
						  MESSAGES(BOUND "n\0\0\0\4" DONE)};
	const struct messages *const answers[] = {none, no_rows};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct fake fake = fake_answering(answers[i], 3);
		struct login login = fake_login(&fake, LOGIN_DATABASE);
		AUTO(database_close) struct database *database = NULL;
		struct status status;

		assert_ok(login_at(&login, "app", RIGHT, 10000, &database));
		status = database->ops->compare_users(database, "app", NULL, "app-clone");
		fake_end(&fake);
		assert_failed(status, STATUS_UNAVAILABLE, "does not answer as PostgreSQL does");
	}
}

/* The proxy took the password; whatever comes now is between it and the database. */
static void open_behind_proxy_whose_database_refuses_is_unavailable(void **state)
{
	struct fake fake = fake_welcoming("28P01");
	struct login login = fake_login(&fake, LOGIN_PROXY);
	struct database *database = NULL;

	(void)state;
	assert_failed(login_at(&login, "app", RIGHT, 5000, &database), STATUS_UNAVAILABLE,
		      "could not reach the database for it (SQLSTATE 28P01)");
	fake_end(&fake);
}

static void managing_through_a_proxy_is_refused(void **state)
{
	AUTO(database_close) struct database *database = NULL;
	struct login login = stack_login();
	const char *user = make_user("a", "");

	(void)state;
	login.kind = LOGIN_PROXY;
	assert_ok(login_at(&login, user, RIGHT, 10000, &database));
	assert_failed(set_password(database, user, WRONG), STATUS_INTERNAL, "proxy");
}

int run_login_tests(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drivers_find_every_name_of_the_engine),
		TEST(open_with_right_password_succeeds),
		TEST(session_works_until_its_deadline_and_sends_nothing_after_it),
		TEST(open_goes_on_to_the_next_address_when_one_is_silent),
		TEST(open_goes_on_to_the_next_address_when_one_refuses),
		TEST(open_with_wrong_password_is_denied),
		TEST(open_as_missing_user_is_denied),
		TEST(open_as_nologin_role_is_denied_and_says_so),
		TEST(open_without_permission_to_connect_is_denied),
		TEST(open_of_missing_database_is_invalid),
		TEST(open_beyond_connection_limit_is_unavailable),
		TEST(open_of_closed_port_is_unavailable),
		TEST(open_of_unknown_host_is_unavailable),
		TEST(open_of_strange_host_is_invalid),
		TEST(open_with_unusable_name_or_password_is_invalid),
		TEST(open_of_silent_server_ends_at_the_deadline),
		TEST(open_of_a_name_that_no_server_answers_for_ends_at_the_deadline),
		TEST(open_with_foreign_ca_is_invalid_and_names_the_variable),
		TEST(open_with_unreadable_ca_is_invalid),
		TEST(open_without_memory_to_read_the_ca_is_unavailable),
		TEST(open_under_another_host_name_is_invalid),
		TEST(open_of_server_without_tls_is_invalid),
		TEST(open_whose_question_for_tls_is_answered_in_clear_is_no_refusal),
		TEST(open_of_server_that_proves_nothing_is_invalid),
		TEST(open_of_server_that_must_prove_and_asks_in_clear_is_invalid),
		TEST(open_of_server_that_asks_in_clear_is_invalid_where_libpq_can_refuse),
		TEST(open_in_plaintext_of_tls_server_is_denied),
		TEST(open_ignores_variables_of_libpq),
		TEST(open_behind_proxy_tells_its_refusals_apart),
		TEST(open_whose_first_read_fails_tells_whether_it_mends),
		TEST(open_answered_without_an_end_gives_up),
		TEST(open_answered_with_copy_gives_up),
		TEST(answers_without_the_columns_asked_for_are_no_databases),
		TEST(open_behind_proxy_whose_database_refuses_is_unavailable),
		TEST(managing_through_a_proxy_is_refused),
	};

	return cmocka_run_group_tests_name("postgres login", tests, NULL, NULL);
}
