/* mysql_definition: SHOW CREATE USER as MariaDB 10.11.19 and MySQL 9.7.4 have written it. */
#include "test.h"

#include "clients/sql/mysql_definition.h"
#include "core/memory.h"

#define MYSQL_REST                                                                        \
	"PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE " \
	"INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT"
#define NATIVE "mysql_native_password"
#define SHA2 "caching_sha2_password"
#define HASH "'*E1E6D94BBCC75DC128707F29F7F641167FF0F34C'"

static const struct {
	const char *statement, *plugin, *tls, *limits[MYSQL_LIMITS], *policy, *default_roles;
} accounts[] = {
	{"CREATE USER `admin`@`%` IDENTIFIED BY PASSWORD " HASH,
	 NATIVE,
	 "NONE",
	 {"0", "0", "0", "0", "0"},
	 "",
	 ""},
	{"CREATE USER `u1`@`%` IDENTIFIED BY PASSWORD " HASH
	 " REQUIRE ISSUER '/CN=i''s' SUBJECT '/CN=a b' CIPHER 'AES' WITH MAX_QUERIES_PER_HOUR 5"
	 " MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 90 DAY",
	 NATIVE,
	 "ISSUER '/CN=i''s' SUBJECT '/CN=a b' CIPHER 'AES'",
	 {"5", "0", "0", "3", "0"},
	 "PASSWORD EXPIRE INTERVAL 90 DAY",
	 ""},
	{"CREATE USER `pp`@`%` IDENTIFIED VIA unix_socket OR mysql_native_password USING " HASH
	 " REQUIRE SSL WITH MAX_STATEMENT_TIME 1.500000 ACCOUNT LOCK PASSWORD EXPIRE NEVER",
	 "several plugins",
	 "SSL",
	 {"0", "0", "0", "0", "1.500000"},
	 "ACCOUNT LOCK PASSWORD EXPIRE NEVER",
	 ""},
	{"CREATE USER `u3`@`%` IDENTIFIED VIA unix_socket",
	 "unix_socket",
	 "NONE",
	 {"0", "0", "0", "0", "0"},
	 "",
	 ""},
	{"CREATE USER `e`@`%` IDENTIFIED VIA ed25519 USING 'ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYW"
	 "R4YJY' REQUIRE X509",
	 "ed25519",
	 "X509",
	 {"0", "0", "0", "0", "0"},
	 "",
	 ""},
	{"CREATE USER `admin`@`%` IDENTIFIED WITH 'caching_sha2_password' AS "
	 "'$A$005$xvtpk3eZzECtz1TTDmx9wLWw1Kf1URaqq1SepXP1lcseIZyhaVFPiCenDL6wgg6' REQUIRE "
	 "NONE " MYSQL_REST,
	 SHA2,
	 "NONE",
	 {"0", "0", "0", "0", "0"},
	 MYSQL_REST,
	 ""},
	{"CREATE USER `u1`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441243030412427061B261"
	 "520621140 DEFAULT ROLE `r1`@`%`,`r2`@`%` REQUIRE SUBJECT '/CN=a b' ISSUER '/CN=is' CIPHER"
	 " 'AES' WITH MAX_QUERIES_PER_HOUR 5 MAX_UPDATES_PER_HOUR 6 MAX_CONNECTIONS_PER_HOUR 7"
	 " MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT UNLOCK PASSWORD HISTORY"
	 " DEFAULT FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2 ATTRIBUTE '{\"comment\": \"it\\'s"
	 " a \\\\\"comment\\\\\" REQUIRE SSL\"}'",
	 SHA2,
	 "SUBJECT '/CN=a b' ISSUER '/CN=is' CIPHER 'AES'",
	 {"5", "6", "7", "3", "0"},
	 "PASSWORD EXPIRE INTERVAL 90 DAY ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT"
	 " FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2",
	 "`r1`@`%`,`r2`@`%`"},
	{"CREATE USER `u2`@`%` IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE PASSWORD EXPIRE"
	 " ACCOUNT LOCK PASSWORD HISTORY DEFAULT",
	 SHA2,
	 "NONE",
	 {"0", "0", "0", "0", "0"},
	 "PASSWORD EXPIRE ACCOUNT LOCK PASSWORD HISTORY DEFAULT",
	 ""},
	/* MariaDB's that never had a password. */
	{"CREATE USER `u2`@`%` REQUIRE SSL ACCOUNT LOCK PASSWORD EXPIRE",
	 "mysql_native_password",
	 "SSL",
	 {"0", "0", "0", "0", "0"},
	 "ACCOUNT LOCK PASSWORD EXPIRE",
	 ""},
	/* A name that looks like a part. */
	{"CREATE USER `a IDENTIFIED WITH x``y`@` REQUIRE SSL ` IDENTIFIED WITH 'sha256_password' AS"
	 " '$5$\\rBK\\'ACCOUNT LOCK' REQUIRE NONE " MYSQL_REST,
	 "sha256_password",
	 "NONE",
	 {"0", "0", "0", "0", "0"},
	 MYSQL_REST,
	 ""},
};

static void definition_of_every_form_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		AUTO(mysql_definition_clear) struct mysql_definition made = MYSQL_DEFINITION_INIT;

		assert_ok(mysql_definition_parse(accounts[i].statement, &made));
		assert_string_equal(made.plugin, accounts[i].plugin);
		assert_string_equal(made.tls, accounts[i].tls);
		for (size_t j = 0; j < MYSQL_LIMITS; j++)
			assert_string_equal(made.limits[j], accounts[i].limits[j]);
		assert_string_equal(made.policy, accounts[i].policy);
		assert_string_equal(made.default_roles, accounts[i].default_roles);
	}
}

/* MySQL 9.7 writes a quote in ISSUER and SUBJECT as it is: where the text ends cannot be known. */
static void definition_of_another_form_is_invalid(void **state)
{
	static const char *const statements[] = {
		"",
		"x",
		"CREATE USER `IDENTIFIED BY PASSWORD x",
		"CREATE USER `u`@`%` IDENTIFIED ",
		"CREATE USER `u`@`%` IDENTIFIED FOR x",
		"CREATE USER `u`@`%` IDENTIFIED WITH '' REQUIRE SSL",
		"CREATE USER `u`@`%` IDENTIFIED WITH 'caching REQUIRE x' REQUIRE SSL",
		"CREATE USER `u`@`%` IDENTIFIED WITH 'a-name-that-no-plugin-has-since-it-is-longer-"
		"than-sixty-four-characters-are'",
		"CREATE USER `u1`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24 REQUIRE "
		"ISSUER "
		"'/CN=i's' CIPHER 'AES' WITH MAX_QUERIES_PER_HOUR 5 PASSWORD EXPIRE DEFAULT",
		"CREATE USER `u`@`%` IDENTIFIED WITH 'sha256_password' AS 'x REQUIRE SSL",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		AUTO(mysql_definition_clear) struct mysql_definition made = MYSQL_DEFINITION_INIT;
		struct status status = mysql_definition_parse(statements[i], &made);

		if (status.code != STATUS_INVALID)
			fail_msg("%s: %s", statements[i], status_code_name(status.code));
		assert_null(made.tls);
	}
}

static void definition_is_appended_with_all_limits(void **state)
{
	AUTO(mysql_definition_clear) struct mysql_definition made = MYSQL_DEFINITION_INIT;
	AUTO(buffer_clear) struct buffer sql = BUFFER_INIT(1024);

	(void)state;
	assert_ok(mysql_definition_parse(accounts[1].statement, &made));
	assert_ok(mysql_definition_append(&made, true, &sql));
	assert_string_equal(buffer_string(&sql),
			    " REQUIRE ISSUER '/CN=i''s' SUBJECT '/CN=a b' CIPHER 'AES' WITH"
			    " MAX_QUERIES_PER_HOUR 5 MAX_UPDATES_PER_HOUR 0"
			    " MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 3"
			    " MAX_STATEMENT_TIME 0");
	buffer_reset(&sql);
	assert_ok(mysql_definition_append(&made, false, &sql));
	assert_null(strstr(buffer_string(&sql), "MAX_STATEMENT_TIME"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(definition_of_every_form_is_understood),
		cmocka_unit_test(definition_of_another_form_is_invalid),
		cmocka_unit_test(definition_is_appended_with_all_limits),
	};

	memory_init();
	return cmocka_run_group_tests_name("mysql_definition", tests, NULL, NULL);
}
