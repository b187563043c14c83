/*
 * credentials: the chain against a server that plays STS, the container endpoint and the instance
 * metadata service, and the cache in front of it.
 */
#include "test.h"

#include "clients/aws/aws.h"
#include "clients/aws/credentials.h"
#include "clients/aws/metadata.h"
#include "clients/loopback.h"
#include "core/memory.h"

#include <stdlib.h>
#include <time.h>

#define ROLE "arn:aws:iam::123456789012:role/rotation"

static struct loopback server;
static struct http *http;
static struct config config;
static struct profile profile;
static int64_t clock_skew;
static unsigned count;
static char folder[32], path[64];
static long lifetime = 3600;
static bool sts_denies;

/* Seconds from now, as AWS writes it. */
static const char *date_in(long seconds)
{
	static char text[32];
	time_t when = time(NULL) + seconds;
	struct tm utc;

	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &utc));
	return text;
}

static void answer_sts(struct loopback *at, struct answer *answer)
{
	if (sts_denies) {
		answer->status = 403;
		snprintf(answer->body, sizeof(answer->body),
			 "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
			 "<Message>User is not authorized</Message></Error></ErrorResponse>");
		return;
	}
	snprintf(
		answer->body, sizeof(answer->body),
		"<AssumeRoleResponse xmlns=\"x\"><AssumeRoleResult><AssumedRoleUser><Arn>a</Arn>"
		"</AssumedRoleUser><Credentials><AccessKeyId>ASIASTS%d</AccessKeyId>"
		"<SecretAccessKey>sts&amp;secret</SecretAccessKey><SessionToken>sts-token</"
		"SessionToken>"
		"<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
		at->count, date_in(lifetime));
}

static void answer_keys(struct answer *answer, const char *id)
{
	snprintf(answer->body, sizeof(answer->body),
		 "{\"Code\":\"Success\",\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\",\"Token\":"
		 "\"t\","
		 "\"Expiration\":\"%s\"}",
		 id, date_in(lifetime));
}

static void respond(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	static const char roles[] = "/latest/meta-data/iam/security-credentials/";
	char value[128];

	if (strcmp(asked->target, "/") == 0 &&
	    asked_header(asked, "X-Amz-Target", value, sizeof(value))[0] != '\0')
		snprintf(answer->body, sizeof(answer->body), "{\"SecretString\":\"v\"}");
	else if (strcmp(asked->target, "/") == 0)
		answer_sts(at, answer);
	else if (strcmp(asked->target, "/container") == 0)
		answer_keys(answer, "ASIACONTAINER");
	else if (strcmp(asked->target, "/latest/api/token") == 0)
		snprintf(answer->body, sizeof(answer->body), "imds-token");
	else if (strcmp(asked_header(asked, "X-aws-ec2-metadata-token", value, sizeof(value)),
			"imds-token") != 0)
		answer->status = 401;
	else if (strcmp(asked->target, roles) == 0)
		snprintf(answer->body, sizeof(answer->body), "web-role\n");
	else if (strcmp(asked->target + strlen(roles), "web-role") == 0)
		answer_keys(answer, "ASIAINSTANCE");
	else
		answer->status = 404;
}

static int start(void **state)
{
	(void)state;
	loopback_start(&server, respond);
	assert_ok(http_open(&http));
	snprintf(folder, sizeof(folder), "/tmp/credentials-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	config = (struct config){.region = "eu-west-1",
				 .endpoint_url = server.url,
				 .metadata_endpoint = server.url,
				 .credentials_file = path};
	lifetime = 3600;
	sts_denies = false;
	clock_skew = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_close(&http);
	loopback_stop(&server);
	profile_clear(&profile);
	unlink(path);
	rmdir(folder);
	return 0;
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct status fetch(struct aws_keys *ret)
{
	struct credentials_context context = {.config = &config,
					      .profile = &profile,
					      .http = http,
					      .deadline = deadline_in(&clock_system, 5000),
					      .region = "eu-west-1",
					      .clock_skew = &clock_skew,
					      .count = &count};

	return credentials_fetch(&context, ret);
}

static const char *header_of(int n, const char *name)
{
	static char value[512];

	return asked_header(&server.asked[n], name, value, sizeof(value));
}

static void chain_environment_comes_first_and_needs_no_call(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	config.access_key_id = "AKIAENV";
	config.secret_access_key = "env-secret";
	config.session_token = "env-token";
	config.web_identity_token_file = "/nonexistent";
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "AKIAENV");
	assert_string_equal(secret_reveal(&keys.session_token), "env-token");
	assert_int_equal(keys.expires, 0);
	assert_string_equal(keys.source, "the environment (key AKIAENV)");
	assert_int_equal(server.count, 0);
}

static void chain_half_an_environment_is_refused(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	config.access_key_id = "AKIAENV";
	assert_failed(fetch(&keys), STATUS_INVALID, "AWS_SECRET_ACCESS_KEY");
}

static void chain_web_identity_is_unsigned_and_reads_the_file_each_time(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	write_file("first+token\n");
	config.web_identity_token_file = path;
	config.role_arn = ROLE;
	config.role_session_name = "pod@x";
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "ASIASTS1");
	assert_string_equal(secret_reveal(&keys.secret_access_key), "sts&secret");
	assert_in_range(keys.expires, time(NULL) + 3590, time(NULL) + 3610);
	assert_string_equal(keys.source, "the role '" ROLE "'");
	assert_string_equal(server.asked[0].body,
			    "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn="
			    "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frotation&RoleSessionName="
			    "pod%40x&WebIdentityToken=first%2Btoken");
	assert_string_equal(header_of(0, "Authorization"), "");
	write_file("second");
	assert_ok(fetch(&keys));
	assert_non_null(strstr(server.asked[1].body, "WebIdentityToken=second"));
}

static void chain_web_identity_that_is_broken_is_not_passed_over(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	config.web_identity_token_file = path;
	assert_failed(fetch(&keys), STATUS_INVALID, "AWS_ROLE_ARN");
	config.role_arn = ROLE;
	assert_failed(fetch(&keys), STATUS_DENIED, path);
	write_file(" \n");
	assert_failed(fetch(&keys), STATUS_INVALID, "empty");
	write_file("t");
	sts_denies = true;
	assert_failed(fetch(&keys), STATUS_DENIED, "sts:AssumeRoleWithWebIdentity");
}

static void chain_profile_assumes_its_role_with_its_source(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	write_file("[work]\nrole_arn = " ROLE "\nsource_profile = base\nexternal_id = ext\n"
		   "role_session_name = me\nduration_seconds = 900\n"
		   "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n");
	assert_ok(profile_load(&config, "work", &profile));
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "ASIASTS1");
	assert_string_equal(server.asked[0].body,
			    "Action=AssumeRole&Version=2011-06-15&RoleArn="
			    "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frotation&RoleSessionName=me"
			    "&ExternalId=ext&DurationSeconds=900");
	assert_non_null(strstr(header_of(0, "Authorization"), "Credential=AKIABASE/"));
	assert_non_null(strstr(header_of(0, "Authorization"), "/eu-west-1/sts/"));
}

static void chain_profile_kinds_we_do_not_do_are_refused(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;
	static const struct {
		const char *text, *says;
	} odd[] = {
		{"[p]\nsso_session = x\n", "sso_session, which is not supported"},
		{"[p]\ncredential_process = x\n", "credential_process, which is not supported"},
		{"[p]\nrole_arn = r\n", "no source_profile"},
		{"[p]\nrole_arn = r\nsource_profile = none\n", "'none'"},
		{"[p]\nrole_arn = r\nsource_profile = q\n[q]\nrole_arn = r\nsource_profile = p\n",
		 "in a row"},
		{"[p]\nrole_arn = r\nsource_profile = p\nmfa_serial = m\n", "mfa_serial"},
		{"[p]\nrole_arn = r\ncredential_source = Moon\n", "credential_source must be"},
		{"[p]\naws_access_key_id = a\n", "aws_secret_access_key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct status status;

		write_file(odd[i].text);
		assert_ok(profile_load(&config, "p", &profile));
		status = fetch(&keys);
		assert_true(status.code == STATUS_INVALID || status.code == STATUS_DENIED);
		assert_non_null(strstr(status.detail, odd[i].says));
	}
	assert_int_equal(server.count, 0);
}

static void chain_container_sends_the_token_of_the_file(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;
	char url[128];

	(void)state;
	snprintf(url, sizeof(url), "%s/container", server.url);
	config.container_full_uri = url;
	config.container_token = "from-environment";
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "ASIACONTAINER");
	assert_string_equal(header_of(0, "Authorization"), "from-environment");
	write_file("from-file");
	config.container_token_file = path;
	assert_ok(fetch(&keys));
	assert_string_equal(header_of(1, "Authorization"), "from-file");
	write_file("smuggled\r\nX: y");
	assert_failed(fetch(&keys), STATUS_INVALID, "authorization token");
	assert_int_equal(server.count, 2);
}

static void container_url_is_held_to_the_allow_list(void **state)
{
	static const char *const good[] = {"http://localhost/a",
					   "http://LOCALHOST:80/a",
					   "http://127.0.0.1/a",
					   "http://127.8.9.1:9/a",
					   "http://[::1]:9/a",
					   "http://169.254.170.2/v2",
					   "http://169.254.170.23/v1?x=",
					   "http://[fd00:ec2::23]/v1",
					   "https://anywhere.example/a"};
	static const char *const bad[] = {"http://anywhere.example/",
					  "http://127.0.0.1.example.com/",
					  "http://169.254.169.254/latest",
					  "http://127.0.0.1@example.com/",
					  "http://localhost.example.com/",
					  "http://[fd00:ec2::254]/",
					  "http://[::1",
					  "ftp://127.0.0.1/",
					  "http:///x",
					  "http://127.1/",
					  "http://example.com\\@localhost",
					  "http://2130706433/"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_ok(metadata_check_url(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_failed(metadata_check_url(bad[i]), STATUS_INVALID,
			      "AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

static void chain_instance_uses_a_session_token(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "ASIAINSTANCE");
	assert_string_equal(keys.source, "the instance's role 'web-role'");
	assert_string_equal(server.asked[0].method, "PUT");
	assert_string_equal(header_of(0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
	assert_int_equal(server.count, 3);
}

static void chain_without_any_source_says_where_it_looked(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	config.metadata_disabled = true;
	assert_failed(fetch(&keys), STATUS_DENIED, "AWS_EC2_METADATA_DISABLED");
	assert_int_equal(server.count, 0);
}

static void chain_role_of_another_account_is_assumed_on_top(void **state)
{
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;

	(void)state;
	config.access_key_id = "AKIAENV";
	config.secret_access_key = "s";
	config.assume_role_arn = ROLE;
	config.assume_role_external_id = "a b";
	assert_ok(fetch(&keys));
	assert_string_equal(keys.access_key_id, "ASIASTS1");
	assert_non_null(strstr(server.asked[0].body, "&ExternalId=a%20b"));
	assert_non_null(strstr(server.asked[0].body, "&RoleSessionName=tandem"));
	sts_denies = true;
	assert_failed(fetch(&keys), STATUS_DENIED, "sts:AssumeRole on '" ROLE "' was denied");
}

/* The cache: one read of a secret after the other through `struct aws`. */

static void read_secret(struct aws *aws)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct aws_error error;
	struct aws_secrets_call call = {.operation = "GetSecretValue",
					.id = "app",
					.region_of = "app",
					.body = "{}",
					.body_length = 2,
					.deadline = deadline_in(&clock_system, 5000)};

	assert_ok(aws_call_secrets_manager(aws, &call, &error, &response));
}

/* How many calls of STS do two reads make, when keys live so long? */
static int renewals(long seconds)
{
	struct aws *aws;
	int sts = 0;

	lifetime = seconds;
	config.access_key_id = "AKIAENV";
	config.secret_access_key = "s";
	config.assume_role_arn = ROLE;
	assert_ok(aws_open(&config, &aws));
	read_secret(aws);
	read_secret(aws);
	assert_int_equal(aws_calls(aws), server.count);
	aws_close(&aws);
	for (int i = 0; i < server.count; i++)
		sts += strncmp(server.asked[i].body, "Action=", 7) == 0;
	return sts;
}

static void cache_keys_that_last_are_kept(void **state)
{
	(void)state;
	assert_int_equal(renewals(3600), 1);
}

static void cache_short_keys_are_not_asked_for_before_every_call(void **state)
{
	(void)state;
	assert_int_equal(renewals(300), 1);
}

static void cache_expiring_keys_are_renewed(void **state)
{
	(void)state;
	assert_int_equal(renewals(20), 2);
}

static void caller_is_described_without_a_secret(void **state)
{
	struct aws *aws;
	const char *who;

	(void)state;
	config.access_key_id = "AKIAENV";
	config.secret_access_key = "s";
	assert_ok(aws_open(&config, &aws));
	assert_ok(aws_describe_caller(aws, deadline_in(&clock_system, 5000), &who));
	assert_string_equal(who, "the environment (key AKIAENV)");
	aws_close(&aws);
}

static void profile_asked_for_but_missing_is_refused(void **state)
{
	struct aws *aws;
	const char *who;

	(void)state;
	config.profile = "ghost";
	assert_ok(aws_open(&config, &aws));
	assert_failed(aws_describe_caller(aws, deadline_in(&clock_system, 5000), &who),
		      STATUS_INVALID, "profile 'ghost'");
	aws_close(&aws);
}

static void date_of_expiry_is_read(void **state)
{
	int64_t date;

	(void)state;
	assert_ok(credentials_read_date("2026-11-21T22:06:19Z", &date));
	assert_int_equal(date, 1795298779);
	assert_ok(credentials_read_date("2026-11-21T22:06:19.123Z", &date));
	assert_failed(credentials_read_date("tomorrow", &date), STATUS_INVALID, "date of expiry");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(chain_environment_comes_first_and_needs_no_call),
		TEST(chain_half_an_environment_is_refused),
		TEST(chain_web_identity_is_unsigned_and_reads_the_file_each_time),
		TEST(chain_web_identity_that_is_broken_is_not_passed_over),
		TEST(chain_profile_assumes_its_role_with_its_source),
		TEST(chain_profile_kinds_we_do_not_do_are_refused),
		TEST(chain_container_sends_the_token_of_the_file),
		TEST(container_url_is_held_to_the_allow_list),
		TEST(chain_instance_uses_a_session_token),
		TEST(chain_without_any_source_says_where_it_looked),
		TEST(chain_role_of_another_account_is_assumed_on_top),
		TEST(cache_keys_that_last_are_kept),
		TEST(cache_short_keys_are_not_asked_for_before_every_call),
		TEST(cache_expiring_keys_are_renewed),
		TEST(caller_is_described_without_a_secret),
		TEST(profile_asked_for_but_missing_is_refused),
		TEST(date_of_expiry_is_read),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
