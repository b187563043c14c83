/* Every odd secret is a line of a table here. */
#include "test.h"

#include "core/memory.h"
#include "core/plan.h"

#include <stdio.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const char *const engines[] = {"postgres", "aurora-postgresql", NULL};
static const struct database_driver driver = {
	.engines = engines,
	.default_port = 5432,
	.default_dbname = "postgres",
	.username_max = 63,
	.password_rules = {.min_length = 8, .max_length = 128},
};
/* Stricter, with two names; wanted by its own tests. */
static const char *const strict_engines[] = {"strict", "stricter", NULL};
static const struct database_driver strict_driver = {
	.engines = strict_engines,
	.default_port = 99,
	.default_dbname = "d",
	.username_max = 8,
	.password_rules = {.min_length = 8, .max_length = 16, .forbidden = "#"},
};
/* Counts as MySQL does. */
static const char *const counting_engines[] = {"counting", NULL};
static const struct database_driver counting_driver = {
	.engines = counting_engines,
	.default_port = 98,
	.default_dbname = "d",
	.username_max = 4,
	.counts_characters = true,
	.password_rules = {.min_length = 8, .max_length = 128},
};
static const struct database_driver *const drivers[] = {&driver, &strict_driver, &counting_driver,
							NULL};

static const char *const *environment;

static const char *look_up(const char *name)
{
	for (const char *const *pair = environment; pair != NULL && *pair != NULL; pair += 2)
		if (strcmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

static struct status make(const char *text, struct plan *ret)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	struct config config;

	TRY(config_load(look_up, &config));
	TRY(secret_make(text, strlen(text), &value));
	TRY(credential_parse(&value, "the secret", &credential));
	return plan_make(&credential, &config, drivers, ret);
}

#define AWS_SHAPE \
	"\"engine\":\"postgres\",\"host\":\"db.example\",\"username\":\"app\",\"password\":\"p\""
#define RING "\"rotation_usernames\":[\"app\",\"app-clone\"]"

static void plan_of_the_aws_shape_is_read(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_ok(make("{" AWS_SHAPE ",\"port\":6543,\"dbname\":\"shop\",\"masterarn\":\"arn:x\"}",
		       &plan));
	assert_string_equal(plan.active_user, "app");
	assert_string_equal(plan.inactive_user, "app_clone");
	assert_string_equal(plan.admin_secret_id, "arn:x");
	assert_int_equal(plan.login_count, 1);
	assert_string_equal(plan.logins[0].host, "db.example");
	assert_int_equal(plan.logins[0].port, 6543);
	assert_string_equal(plan.logins[0].dbname, "shop");
	assert_true(plan.logins[0].tls);
}

static void plan_of_the_proxy_shape_is_read(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	static const char *const variables[] = {
		"RDS_ENGINE", "aurora-postgresql",  "TANDEM_PROXY_CA",
		"/proxy.pem", "TANDEM_DATABASE_CA", "/db.pem",
		NULL};

	(void)state;
	environment = variables;
	assert_ok(
		make("{\"rotation_type\":\"AWS RDS\",\"rotation_usernames\":[\"app\",\"b\",\"c\"],"
		     "\"proxy_secret_ids\":[\"s1\",\"s2\",\"s3\"],\"proxy_endpoints\":[\"p1\","
		     "\"p2:6000\",\"[::1]:7\",\"::1\"],\"database_host\":\"h\",\"database_port\":"
		     "\"5433\","
		     "\"database_name\":\"n\",\"username\":\"c\",\"password\":\"p\"}",
		     &plan));
	environment = NULL;
	assert_int_equal(plan.user_count, 3);
	assert_string_equal(plan.active_user, "c");
	assert_string_equal(plan.inactive_user, "app");
	assert_null(plan.admin_secret_id);
	assert_int_equal(plan.proxy_secret_count, 3);
	assert_int_equal(plan.login_count, 5);
	assert_int_equal(plan.logins[0].port, 5433);
	assert_string_equal(plan.logins[0].ca_file, "/db.pem");
	assert_int_equal(plan.logins[1].kind, LOGIN_PROXY);
	assert_string_equal(plan.logins[1].dbname, "n");
	assert_int_equal(plan.logins[1].port, 5433);
	assert_string_equal(plan.logins[1].ca_file, "/proxy.pem");
	assert_string_equal(plan.logins[2].host, "p2");
	assert_int_equal(plan.logins[2].port, 6000);
	assert_string_equal(plan.logins[3].host, "::1");
	assert_int_equal(plan.logins[3].port, 7);
	assert_string_equal(plan.logins[4].host, "::1");
	assert_int_equal(plan.logins[4].port, 5433);
}

static void plan_fills_gaps_from_the_environment_and_the_secret_wins(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	static const char *const variables[] = {"RDS_HOST",   "env.example", "RDS_PORT", "7777",
						"RDS_DBNAME", "envdb",	     NULL};

	(void)state;
	environment = variables;
	assert_ok(make("{" AWS_SHAPE "," RING "}", &plan));
	assert_string_equal(plan.logins[0].host, "db.example");
	assert_int_equal(plan.logins[0].port, 7777);
	assert_string_equal(plan.logins[0].dbname, "envdb");
	assert_ok(make("{\"engine\":\"postgres\",\"username\":\"app\",\"password\":\"p\"," RING "}",
		       &plan));
	assert_string_equal(plan.logins[0].host, "env.example");
	environment = NULL;
	assert_ok(make("{" AWS_SHAPE "," RING "}", &plan));
	assert_int_equal(plan.logins[0].port, 5432);
	assert_string_equal(plan.logins[0].dbname, "postgres");
}

static void plan_of_a_clone_that_is_active_returns_to_the_base(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_ok(make("{\"engine\":\"postgres\",\"host\":\"h\",\"username\":\"app_clone\","
		       "\"password\":\"p\",\"masterarn\":\"a\"}",
		       &plan));
	assert_string_equal(plan.inactive_user, "app");
	/* Nothing before the suffix is no base, so this one is itself a base. */
	assert_ok(make("{\"engine\":\"postgres\",\"host\":\"h\",\"username\":\"_clone\","
		       "\"password\":\"p\",\"masterarn\":\"a\"}",
		       &plan));
	assert_string_equal(plan.active_user, "_clone");
	assert_string_equal(plan.inactive_user, "_clone_clone");
}

static void plan_reads_ssl_as_its_owner_wrote_it(void **state)
{
	static const struct {
		const char *ssl;
		bool tls;
	} written[] = {{"true", true},
		       {"false", false},
		       {"\"True\"", true},
		       {"\"false\"", false},
		       {"null", true}};

	(void)state;
	for (size_t i = 0; i < SIZE(written); i++) {
		AUTO(plan_clear) struct plan plan = PLAN_INIT;
		char text[256];

		snprintf(text, sizeof(text),
			 "{" AWS_SHAPE "," RING ",\"ssl\":%s,\"proxy_secret_ids\":[\"s\"],"
			 "\"proxy_endpoints\":[\"proxy\"]}",
			 written[i].ssl);
		assert_ok(make(text, &plan));
		assert_int_equal(plan.logins[0].tls, written[i].tls);
		assert_int_equal(plan.logins[1].tls, written[i].tls);
	}
}

static void plan_refuses_odd_secrets(void **state)
{
	static const struct {
		const char *text, *part;
	} odd[] = {
		{"{" AWS_SHAPE ",\"proxy_secret_ids\":[\"s\"]}", "but only one user"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"eve\"]}", "is not one of"},
		{"{" AWS_SHAPE ",\"proxy_endpoints\":[\"p\"]}", "\"proxy_secret_ids\" is not"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",\"b\",\"app\"]}",
		 "holds 'app' twice"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"x\",\"y\"]}", "is not one of"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":\"app\"}", "is not a list"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",7]}", "not a text"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",\"\"]}", "not a text"},
		{"{" AWS_SHAPE
		 ",\"rotation_usernames\":[\"app\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
		 "\"7\",\"8\"]}",
		 "more than 8"},
		{"{\"host\":\"h\",\"username\":\"app\",\"password\":\"p\"," RING "}",
		 "\"engine\" is missing"},
		{"{\"engine\":\"db2\",\"host\":\"h\",\"username\":\"app\",\"password\":\"p\"," RING
		 "}",
		 "'db2' is unknown; known: postgres"},
		{"{\"engine\":7,\"host\":\"h\",\"username\":\"app\",\"password\":\"p\"," RING "}",
		 "\"engine\" is not a text"},
		{"{\"engine\":\"postgres\",\"username\":\"app\",\"password\":\"p\"," RING "}",
		 "\"host\" is missing"},
		{"{" AWS_SHAPE "," RING ",\"port\":0}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"port\":65536}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"port\":5432.5}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"port\":\"5432x\"}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"port\":-1}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"port\":true}", "\"port\" is not a port"},
		{"{" AWS_SHAPE "," RING ",\"ssl\":\"maybe\"}", "\"ssl\" is neither"},
		{"{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":{}}", "is not a list"},
		{"{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":[\"s\",\"s\"]}", "holds 's' twice"},
		{"{" AWS_SHAPE "," RING ",\"proxy_endpoints\":[\"p\"]}",
		 "\"proxy_secret_ids\" is not"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\"p:x\"]}",
		 "behind the colon"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\":5\"]}",
		 "has no host"},
		{"{" AWS_SHAPE ",\"masterarn\":7}", "\"masterarn\" is not a text"},
		{"{\"engine\":\"postgres\",\"host\":7,\"username\":\"app\",\"password\":\"p\"," RING
		 "}",
		 "\"host\" is not a text"},
		{"{" AWS_SHAPE "," RING ",\"dbname\":7}", "\"dbname\" is not a text"},
		{"{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":\"p\"}",
		 "\"proxy_endpoints\" is not a list"},
		{"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",\"b\",\"c\"]}", "with 3 users"},
		{"{" AWS_SHAPE "," RING ",\"mirrors\":[{\"store\":\"oci-vault\"}]}",
		 "\"mirrors\" is not supported"},
		{"{\"engine\":\"postgres\",\"host\":\"/"
		 "tmp\",\"username\":\"app\",\"password\":\"p\"," RING "}",
		 "\"host\" is not one host name"},
		{"{\"engine\":\"postgres\",\"host\":\"a,b\",\"username\":\"app\",\"password\":"
		 "\"p\"," RING "}",
		 "\"host\" is not one host name"},
		{"{\"engine\":\"postgres\",\"host\":\"a;user=b\",\"username\":\"app\","
		 "\"password\":\"p\"," RING "}",
		 "\"host\" is not one host name"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\"a,b\"]}",
		 "\"proxy_endpoints\" is not one host name"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\"[::[]:5432\"]}",
		 "\"proxy_endpoints\" is not one host name"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\"[::1:5432\"]}",
		 "\"proxy_endpoints\" is not one host name"},
		{"{" AWS_SHAPE "," RING
		 ",\"proxy_secret_ids\":[\"s\"],\"proxy_endpoints\":[\"p:+5432\"]}",
		 "behind the colon"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(odd); i++) {
		AUTO(plan_clear) struct plan plan = PLAN_INIT;

		assert_failed(make(odd[i].text, &plan), STATUS_INVALID, odd[i].part);
	}
}

static void plan_without_another_user_is_of_one(void **state)
{
	static const char *const secrets[] = {
		"{" AWS_SHAPE "}",
		"{" AWS_SHAPE ",\"rotation_usernames\":[]}",
		"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\"]}",
		"{" AWS_SHAPE ",\"rotation_usernames\":[\"app\"],\"masterarn\":\"admin\"}",
	};

	(void)state;
	for (size_t i = 0; i < SIZE(secrets); i++) {
		AUTO(plan_clear) struct plan plan = PLAN_INIT;

		assert_ok(make(secrets[i], &plan));
		assert_true(plan_has_one_user(&plan));
		assert_int_equal(plan.user_count, 1);
		assert_string_equal(plan.active_user, "app");
		assert_ptr_equal(plan.inactive_user, plan.active_user);
	}
}

static void plan_measures_user_names_in_bytes(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	char name[65], text[512];

	(void)state;
	memset(name, 'n', 64);
	name[63] = '\0';
	snprintf(text, sizeof(text), "{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",\"%s\"]}",
		 name);
	assert_ok(make(text, &plan));
	name[63] = 'n';
	name[64] = '\0';
	snprintf(text, sizeof(text), "{" AWS_SHAPE ",\"rotation_usernames\":[\"app\",\"%s\"]}",
		 name);
	assert_failed(make(text, &plan), STATUS_INVALID, "has 64 bytes; postgres takes at most 63");
	/* AWS's own clone: five bytes of base and "_clone". */
	name[60] = '\0';
	snprintf(text, sizeof(text),
		 "{\"engine\":\"postgres\",\"host\":\"h\",\"username\":\"%s\",\"password\":\"p\","
		 "\"masterarn\":\"a\"}",
		 name);
	assert_failed(make(text, &plan), STATUS_INVALID, "has 66 bytes");
}

static void plan_refuses_an_impossible_password(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	static const char *const variables[] = {"EXCLUDE_CHARACTERS", "0123456789", NULL};

	(void)state;
	environment = variables;
	assert_failed(make("{" AWS_SHAPE "," RING "}", &plan), STATUS_INVALID,
		      "EXCLUDE_CHARACTERS");
	environment = NULL;
}

static void plan_takes_the_password_policy_from_the_environment(void **state)
{
	static const struct {
		const char *variables[3];
		bool allowed[CLASS_COUNT]; /* lower, upper, digit, punctuation */
		bool required;		   /* those that are allowed */
	} policies[] = {
		{{NULL}, {true, true, true, true}, true},
		{{"EXCLUDE_LOWERCASE", "true", NULL}, {false, true, true, true}, true},
		{{"EXCLUDE_UPPERCASE", "true", NULL}, {true, false, true, true}, true},
		{{"EXCLUDE_NUMBERS", "true", NULL}, {true, true, false, true}, true},
		{{"EXCLUDE_PUNCTUATION", "true", NULL}, {true, true, true, false}, true},
		{{"REQUIRE_EACH_INCLUDED_TYPE", "false", NULL}, {true, true, true, true}, false},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(policies); i++) {
		AUTO(plan_clear) struct plan plan = PLAN_INIT;
		const bool *allowed = plan.password_policy.allowed;
		const bool *required = plan.password_policy.required;

		environment = policies[i].variables;
		assert_ok(make("{" AWS_SHAPE "," RING "}", &plan));
		environment = NULL;
		for (int class = 0; class < CLASS_COUNT; class ++) {
			assert_int_equal(allowed[class], policies[i].allowed[class]);
			assert_int_equal(required[class], allowed[class] && policies[i].required);
		}
	}
}

static void plan_matches_proxy_secrets_to_users(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	const char *straight[] = {"app", "app-clone"}, *crossed[] = {"app-clone", "app"};
	const char *twice[] = {"app", "app"}, *stranger[] = {"app", "eve"};
	size_t index;

	(void)state;
	assert_ok(make("{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":[\"s1\",\"s2\"]}", &plan));
	assert_ok(plan_match_proxy_secrets(&plan, straight, "app-clone", &index));
	assert_int_equal(index, 1);
	assert_ok(plan_match_proxy_secrets(&plan, crossed, "app-clone", &index));
	assert_int_equal(index, 0);
	assert_failed(plan_match_proxy_secrets(&plan, twice, "app", &index), STATUS_INVALID,
		      "'s1' and 's2' are both for 'app'");
	assert_failed(plan_match_proxy_secrets(&plan, stranger, "app", &index), STATUS_INVALID,
		      "'s2' is for 'eve'");
	plan_clear(&plan);
	assert_ok(make("{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":[\"s1\"]}", &plan));
	assert_failed(plan_match_proxy_secrets(&plan, straight, "app", &index), STATUS_INVALID,
		      "no proxy secret is for 'app-clone'");
}

static struct status place(const struct plan *plan, const char *kept, bool *told)
{
	AUTO(credential_clear) struct credential credential = CREDENTIAL_INIT;
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	char text[200];

	snprintf(text, sizeof(text), "{\"username\":\"u\",\"password\":\"p\"%s}", kept);
	assert_ok(secret_make(text, strlen(text), &value));
	assert_ok(credential_parse(&value, "it", &credential));
	return plan_check_place(plan, &credential, "it", told);
}

/* What keeps a password says for which database it is; nothing else does. */
static void plan_checks_for_which_database_a_password_is_kept(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool told = false;

	(void)state;
	assert_ok(make("{" AWS_SHAPE ",\"port\":6543," RING "}", &plan));
	assert_ok(place(&plan, ",\"host\":\"DB.example\",\"port\":6543", &told));
	assert_true(told);
	assert_ok(place(&plan, ",\"database_host\":\"db.example\",\"database_port\":\"6543\"",
			&told));
	assert_true(told);
	assert_ok(place(&plan, "", &told));
	assert_false(told);
	assert_failed(place(&plan, ",\"host\":\"other\",\"port\":6543", &told), STATUS_INVALID,
		      "it is for other:6543, but the secret under rotation is for db.example:6543");
	assert_failed(place(&plan, ",\"host\":\"db.example\"", &told), STATUS_INVALID,
		      "it is for db.example:5432");
	plan_clear(&plan);

	assert_ok(make("{" AWS_SHAPE ",\"ssl\":false," RING "}", &plan));
	assert_failed(place(&plan, ",\"host\":\"db.example\"", &told), STATUS_INVALID,
		      "without TLS");
	assert_ok(place(&plan, ",\"host\":\"db.example\",\"ssl\":false", &told));
}

/* Behind a reader: what is kept for either is kept for this database, for no other. */
static void plan_with_a_writer_changes_passwords_there(void **state)
{
	static const struct place writer = {"writer.example", 6544, "aurora-postgresql"};
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool told = false;

	(void)state;
	assert_ok(make("{" AWS_SHAPE ",\"port\":6543," RING "}", &plan));
	assert_ptr_equal(plan_writer(&plan), &plan.logins[0]);
	for (int i = 0; i < 2; i++) { /* again changes nothing */
		assert_ok(plan_set_writer(&plan, &writer));
		assert_string_equal(plan_writer(&plan)->host, "writer.example");
		assert_int_equal(plan_writer(&plan)->port, 6544);
		assert_ptr_equal(plan_writer(&plan)->dbname, plan.logins[0].dbname);
		assert_true(plan_writer(&plan)->tls);
		assert_string_equal(plan.logins[0].host, "db.example");
	}
	assert_ok(place(&plan, ",\"host\":\"db.example\",\"port\":6543", &told));
	assert_true(told);
	assert_ok(place(&plan, ",\"host\":\"Writer.example\",\"port\":6544", &told));
	assert_true(told);
	assert_failed(place(&plan, ",\"host\":\"writer.example\",\"port\":6543", &told),
		      STATUS_INVALID, "it is for writer.example:6543");
	assert_failed(place(&plan, ",\"host\":\"db.example\",\"port\":6544", &told), STATUS_INVALID,
		      "it is for db.example:6544");
	assert_failed(place(&plan, ",\"host\":\"writer.example.org\",\"port\":6544", &told),
		      STATUS_INVALID, "will not be sent there");
}

static void plan_knows_an_engine_by_each_of_its_names(void **state)
{
	struct place at = {"db.example", 1, ""};
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_ok(make("{" AWS_SHAPE "," RING "}", &plan));
	snprintf(at.engine, sizeof(at.engine), "postgres");
	assert_ok(plan_check_engine(&plan, &at, drivers));
	snprintf(at.engine, sizeof(at.engine), "aurora-postgresql");
	assert_ok(plan_check_engine(&plan, &at, drivers));
	snprintf(at.engine, sizeof(at.engine), "stricter");
	assert_failed(plan_check_engine(&plan, &at, drivers), STATUS_INVALID,
		      "runs 'stricter', another engine; the secret under rotation is for postgres");
	snprintf(at.engine, sizeof(at.engine), "aurora");
	assert_failed(plan_check_engine(&plan, &at, drivers), STATUS_INVALID,
		      "runs 'aurora', an engine that is not supported");
}

/* A host that the operator set is not in the hands of who writes a secret. */
static void plan_with_the_hosts_variable_needs_no_host_beside_a_password(void **state)
{
	static const char *const variables[] = {"RDS_HOST", "db.example", NULL};
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	bool told = false;

	(void)state;
	environment = variables;
	assert_ok(make("{\"engine\":\"postgres\",\"port\":6543,\"username\":\"app\","
		       "\"password\":\"p\"," RING "}",
		       &plan));
	environment = NULL;
	assert_ok(place(&plan, "", &told));
	assert_true(told);
	assert_failed(place(&plan, ",\"host\":\"other\"", &told), STATUS_INVALID, "other:6543");
}

/* Each of them, wherever it stands in the ring. */
static void plan_measures_every_user_name(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_failed(make("{\"engine\":\"strict\",\"host\":\"h\",\"username\":\"app\","
			   "\"password\":\"p\",\"rotation_usernames\":[\"longer-than-8\",\"app\"]}",
			   &plan),
		      STATUS_INVALID, "'longer-than-8' has 13 bytes; strict takes at most 8");
	assert_failed(make("{\"engine\":\"counting\",\"host\":\"h\",\"username\":\"ünïcö\","
			   "\"password\":\"p\"}",
			   &plan),
		      STATUS_INVALID, "'ünïcö' has 5 characters; counting takes at most 4");
	assert_ok(make("{\"engine\":\"counting\",\"host\":\"h\",\"username\":\"ünïc\","
		       "\"password\":\"p\"}",
		       &plan));
}

static void plan_of_an_unknown_engine_names_every_known_one(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_failed(make("{\"engine\":\"db2\",\"host\":\"h\",\"username\":\"app\",\"password\":"
			   "\"p\"," RING "}",
			   &plan),
		      STATUS_INVALID, "'db2' is unknown; known: postgres, strict");
}

static void plan_takes_the_longest_host_name_and_none_longer(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	char host[255], text[512];

	(void)state;
	for (size_t length = 253; length <= 254; length++) {
		memset(host, 'h', length);
		host[length] = '\0';
		snprintf(text, sizeof(text),
			 "{\"engine\":\"postgres\",\"host\":\"%s\",\"username\":\"app\","
			 "\"password\":\"p\"," RING "}",
			 host);
		if (length == 253)
			assert_ok(make(text, &plan));
		else
			assert_failed(make(text, &plan), STATUS_INVALID, "not one host name");
	}
}

static void plan_reads_the_port_of_a_proxy_endpoint(void **state)
{
	static const struct {
		const char *endpoint;
		long port; /* 0: refused */
		const char *host;
	} endpoints[] = {
		{"p:1", 1, "p"},	  {"p:65535", 65535, "p"}, {"p:0", 0, NULL},
		{"p:65536", 0, NULL},	  {"p:", 0, NULL},	   {"p:5x", 0, NULL},
		{"p:+5", 0, NULL},	  {"p: 5", 0, NULL},	   {"p:-5", 0, NULL},
		{"[::1]:5x", 0, NULL},	  {"[::1]:", 0, NULL},	   {"[:]", 0, NULL},
		{"[a]:5", 5, "a"},	  {"[]", 0, NULL},	   {"[]:5", 0, NULL},
		{"::1:5", 1234, "::1:5"},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(endpoints); i++) {
		AUTO(plan_clear) struct plan plan = PLAN_INIT;
		char text[300];

		snprintf(text, sizeof(text),
			 "{" AWS_SHAPE "," RING ",\"port\":1234,\"proxy_secret_ids\":[\"s\"],"
			 "\"proxy_endpoints\":[\"%s\"]}",
			 endpoints[i].endpoint);
		if (endpoints[i].port == 0) {
			assert_failed(make(text, &plan), STATUS_INVALID, "proxy_endpoints");
			continue;
		}
		assert_ok(make(text, &plan));
		assert_string_equal(plan.logins[1].host, endpoints[i].host);
		assert_int_equal(plan.logins[1].port, endpoints[i].port);
	}
}

static void plan_merges_the_rules_of_the_engine_into_the_policy(void **state)
{
	static const char *const shorter[] = {"PASSWORD_LENGTH", "16", NULL};
	static const char strict[] = "{\"engine\":\"strict\",\"host\":\"h\",\"username\":\"app\","
				     "\"password\":\"p\",\"rotation_usernames\":[\"app\",\"b\"]}";
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_failed(make(strict, &plan), STATUS_INVALID,
		      "PASSWORD_LENGTH is 32, but strict takes at most 16");
	environment = shorter;
	assert_ok(make(strict, &plan));
	environment = NULL;
	assert_non_null(strchr(plan.password_policy.excluded, '#'));
	assert_non_null(strchr(plan.password_policy.excluded, '@')); /* the operator's stay */
}

static void plan_takes_128_excluded_characters_and_no_more(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	char many[130];
	const char *const variables[] = {"EXCLUDE_CHARACTERS", many, NULL};

	(void)state;
	memset(many, '#', sizeof(many) - 1);
	many[129] = '\0';
	environment = variables;
	assert_failed(make("{" AWS_SHAPE "," RING "}", &plan), STATUS_INVALID,
		      "EXCLUDE_CHARACTERS has more than 128 characters");
	many[128] = '\0';
	assert_ok(make("{" AWS_SHAPE "," RING "}", &plan));
	environment = NULL;
}

static void plan_with_no_mirror_to_write_is_made(void **state)
{
	static const char *const none[] = {"null", "[]"};
	static const char *const some[] = {"{}", "\"\"", "[null]"};
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	char text[256];

	(void)state;
	for (size_t i = 0; i < SIZE(none); i++) {
		snprintf(text, sizeof(text), "{" AWS_SHAPE "," RING ",\"mirrors\":%s}", none[i]);
		assert_ok(make(text, &plan));
	}
	for (size_t i = 0; i < SIZE(some); i++) {
		snprintf(text, sizeof(text), "{" AWS_SHAPE "," RING ",\"mirrors\":%s}", some[i]);
		assert_failed(make(text, &plan), STATUS_INVALID, "\"mirrors\"");
	}
}

#define EIGHT(letter)                                                                \
	"[\"" letter "1\",\"" letter "2\",\"" letter "3\",\"" letter "4\",\"" letter \
	"5\",\"" letter "6\",\"" letter "7\",\"" letter "8\"]"

/* Every array of a plan to its end, and all of it given back. */
static void plan_of_the_largest_size_is_made_and_cleared(void **state)
{
	static const char *const usernames[] = {"u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"};
	static const struct plan empty = PLAN_INIT;
	struct plan plan = PLAN_INIT;
	size_t index;

	(void)state;
	assert_ok(
		make("{\"engine\":\"postgres\",\"host\":\"h\",\"username\":\"u8\",\"password\":"
		     "\"p\",\"masterarn\":\"a\",\"rotation_usernames\":" EIGHT(
			     "u") ",\"proxy_secret_ids\":" EIGHT("s") ",\"proxy_"
								      "endpoints\":" EIGHT("p") "}",
		     &plan));
	assert_string_equal(plan.inactive_user, "u1");
	assert_int_equal(plan.login_count, 9);
	assert_ok(plan_match_proxy_secrets(&plan, usernames, "u8", &index));
	assert_int_equal(index, 7);
	plan_clear(&plan);
	assert_memory_equal(&plan, &empty, sizeof(plan));
}

static void plan_that_lacks_the_first_users_proxy_secret_says_so(void **state)
{
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	static const char *const usernames[] = {"app-clone"};
	size_t index;

	(void)state;
	assert_ok(make("{" AWS_SHAPE "," RING ",\"proxy_secret_ids\":[\"s1\"]}", &plan));
	assert_failed(plan_match_proxy_secrets(&plan, usernames, "app-clone", &index),
		      STATUS_INVALID, "no proxy secret is for 'app'");
}

/* Each line: what stands in the admin secret besides its user, and what the refusal says. */
static void plan_sends_the_admin_to_its_own_database_only(void **state)
{
	static const struct {
		const char *fields, *part; /* NULL: it is the same database */
	} admins[] = {
		{"\"host\":\"db.example\"", NULL},
		{"\"host\":\"DB.example\",\"port\":\"5432\"", NULL},
		{"\"database_host\":\"db.example\",\"database_port\":5432", NULL},
		{"\"host\":\"db.example\",\"port\":5433", "5433"},
		{"\"host\":\"db.example.org\"", "db.example.org"},
		{"\"host\":7", "\"host\" is not a text"},
		{"\"host\":\"db.example\",\"port\":\"x\"", "\"port\" is not a port"},
		{"\"port\":5432", "has no \"host\""},
		{"\"host\":\"db.example\",\"ssl\":\"maybe\"", "\"ssl\" is neither"},
	};
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	assert_ok(make("{" AWS_SHAPE "," RING ",\"masterarn\":\"arn:admin\"}", &plan));
	for (size_t i = 0; i < SIZE(admins); i++) {
		AUTO(credential_clear) struct credential admin = CREDENTIAL_INIT;
		AUTO(secret_clear) struct secret value = SECRET_INIT;
		char text[200];

		snprintf(text, sizeof(text), "{\"username\":\"root\",\"password\":\"p\",%s}",
			 admins[i].fields);
		assert_ok(secret_make(text, strlen(text), &value));
		assert_ok(credential_parse(&value, "the admin secret", &admin));
		if (admins[i].part == NULL)
			assert_ok(plan_check_admin(&plan, &admin));
		else
			assert_failed(plan_check_admin(&plan, &admin), STATUS_INVALID,
				      admins[i].part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_of_the_aws_shape_is_read),
		cmocka_unit_test(plan_of_the_proxy_shape_is_read),
		cmocka_unit_test(plan_fills_gaps_from_the_environment_and_the_secret_wins),
		cmocka_unit_test(plan_of_a_clone_that_is_active_returns_to_the_base),
		cmocka_unit_test(plan_reads_ssl_as_its_owner_wrote_it),
		cmocka_unit_test(plan_refuses_odd_secrets),
		cmocka_unit_test(plan_without_another_user_is_of_one),
		cmocka_unit_test(plan_measures_user_names_in_bytes),
		cmocka_unit_test(plan_refuses_an_impossible_password),
		cmocka_unit_test(plan_takes_the_password_policy_from_the_environment),
		cmocka_unit_test(plan_matches_proxy_secrets_to_users),
		cmocka_unit_test(plan_with_a_writer_changes_passwords_there),
		cmocka_unit_test(plan_knows_an_engine_by_each_of_its_names),
		cmocka_unit_test(plan_measures_every_user_name),
		cmocka_unit_test(plan_of_an_unknown_engine_names_every_known_one),
		cmocka_unit_test(plan_takes_the_longest_host_name_and_none_longer),
		cmocka_unit_test(plan_reads_the_port_of_a_proxy_endpoint),
		cmocka_unit_test(plan_merges_the_rules_of_the_engine_into_the_policy),
		cmocka_unit_test(plan_takes_128_excluded_characters_and_no_more),
		cmocka_unit_test(plan_with_no_mirror_to_write_is_made),
		cmocka_unit_test(plan_of_the_largest_size_is_made_and_cleared),
		cmocka_unit_test(plan_that_lacks_the_first_users_proxy_secret_says_so),
		cmocka_unit_test(plan_sends_the_admin_to_its_own_database_only),
		cmocka_unit_test(plan_checks_for_which_database_a_password_is_kept),
		cmocka_unit_test(plan_with_the_hosts_variable_needs_no_host_beside_a_password),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
