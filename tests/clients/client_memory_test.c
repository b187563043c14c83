/*
 * No memory in the clients: every allocation of theirs and of libcurl's fails in turn, once and for
 * good, on the way to Secrets Manager, STS, the container and the instance. The answer is the right one or
 * UNAVAILABLE, never another reason; nothing leaks; and no setting of the connection is lost on the way.
 */
#include "test.h"

#include "clients/aws/credentials.h"
#include "clients/aws/error.h"
#include "clients/aws/file.h"
#include "clients/aws/profile.h"
#include "clients/aws/rds.h"
#include "clients/aws/secrets_manager.h"
#include "clients/aws/sigv4.h"
#include "clients/aws/xml.h"
#include "clients/loopback.h"
#include "core/memory.h"
#include "failing_memory.h"

#include <errno.h>
#include <stdio.h>

#define TOKEN "0e3a8b1c-1111-4222-8333-444455556666"
#define OLD "0e3a8b1c-0000-4222-8333-444455556666"
#define ARN "\"ARN\":\"arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf\""
#define VALUE "\"SecretString\":\"{}\",\"VersionId\":\"" OLD "\",\"VersionStages\":[\"AWSCURRENT\"]"
/* So long that the form has to grow for it. */
#define LONG                                                                                    \
	"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abc" \
	"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abc"
#define DATABASE "arn:aws:rds:eu-west-1:123456789012:db:source-" LONG
#define ROLE "arn:aws:iam::123456789012:role/rotation"
#define KEYS "\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s\",\"Token\":\"t\""

static struct loopback server;
static bool batch_denied;
static char folder[32], credentials_file[64], config_file[64], container_url[96];
static int64_t now_ms;

static int64_t read_clock(void)
{
	return now_ms;
}

static void sleep_clock(int64_t milliseconds)
{
	now_ms += milliseconds;
}

static const struct clock test_clock = {.now = read_clock, .sleep = sleep_clock};

static void refuse(struct answer *answer, const char *type, const char *message)
{
	answer->status = 400;
	snprintf(answer->body, sizeof(answer->body), "{\"__type\":\"%s\",\"Message\":\"%s\"}", type,
		 message);
}

static void answer_secrets_manager(const char *operation, const char *body, struct answer *answer)
{
	const char *text = "{" ARN "," VALUE "}";

	if (strcmp(operation, "DescribeSecret") == 0)
		text = "{" ARN ",\"RotationEnabled\":true,\"RotationLambdaARN\":\"f\","
		       "\"Tags\":[{\"Key\":\"aws:rds:primaryDBInstanceArn\",\"Value\":\"o\"}],"
		       "\"VersionIdsToStages\":{\"" OLD "\":[\"AWSCURRENT\"],\"" TOKEN
		       "\":[\"AWSPENDING\"]}}";
	if (strcmp(operation, "ListSecretVersionIds") == 0)
		text = "{" ARN ",\"Versions\":[{\"VersionId\":\"" OLD "\",\"CreatedDate\":1}]}";
	if (strcmp(operation, "BatchGetSecretValue") == 0)
		text = "{\"SecretValues\":[{\"Name\":\"app\"," ARN "," VALUE
		       "},{\"Name\":\"other\"," VALUE "}]}";
	snprintf(answer->body, sizeof(answer->body), "%s", text);
	if (strcmp(operation, "BatchGetSecretValue") == 0 && batch_denied)
		refuse(answer, "AccessDeniedException", "not authorized");
	if (strstr(body, "missing") != NULL)
		refuse(answer, "com.amazonaws#ResourceNotFoundException", "no staging label");
	if (strstr(body, "elsewhere") != NULL)
		refuse(answer, "InvalidRequestException", "It is not associated with that version");
}

/* A replica on the second page, and its source. */
static void answer_rds(const char *form, struct answer *answer)
{
	bool first = strstr(form, "Marker") == NULL, named = strstr(form, "source") != NULL;

	snprintf(answer->body, sizeof(answer->body),
		 "<DescribeDBInstancesResponse><DescribeDBInstancesResult>%s<DBInstances><"
		 "DBInstance>"
		 "<DBInstanceIdentifier>%s</DBInstanceIdentifier><DBInstanceArn>" DATABASE
		 "</DBInstanceArn><Engine>mysql</Engine><Endpoint><Address>%s</Address><Port>3306"
		 "</Port></Endpoint>%s</DBInstance></DBInstances></DescribeDBInstancesResult>"
		 "</DescribeDBInstancesResponse>",
		 first && !named ? "<Marker>" LONG LONG "</Marker>" : "",
		 named ? "source" : "replica",
		 named	 ? "db.example"
		 : first ? "other.example"
			 : "replica.example",
		 named ? ""
		       : "<ReadReplicaSourceDBInstanceIdentifier>source"
			 "</ReadReplicaSourceDBInstanceIdentifier>");
}

static void respond(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	char target[64];

	(void)at;
	asked_header(asked, "X-Amz-Target", target, sizeof(target));
	if (target[0] != '\0')
		answer_secrets_manager(strchr(target, '.') + 1, asked->body, answer);
	else if (strncmp(asked->body, "Action=DescribeDB", 17) == 0)
		answer_rds(asked->body, answer);
	else if (strcmp(asked->target, "/") == 0)
		snprintf(answer->body, sizeof(answer->body),
			 "<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a&amp;b"
			 "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>"
			 "2199-01-01T00:00:00Z</Expiration></Credentials></R>");
	else if (strcmp(asked->method, "PUT") == 0)
		snprintf(answer->body, sizeof(answer->body), "imds-token");
	else if (strstr(asked->target, "credentials/web") != NULL ||
		 strcmp(asked->target, "/container") == 0)
		snprintf(answer->body, sizeof(answer->body), "{" KEYS "}");
	else if (strstr(asked->target, "/security-credentials/") != NULL)
		snprintf(answer->body, sizeof(answer->body), "web");
	else
		answer->status = 404;
}

static struct config config_with_keys(void)
{
	return (struct config){.region = "eu-west-1",
			       .endpoint_url = server.url,
			       .access_key_id = "AKIDEXAMPLE",
			       .secret_access_key = "secret-key-of-the-test"};
}

/* A store, opened and closed again: all that it allocates is part of the work. */
static struct status with_store(struct status (*work)(struct secret_store *))
{
	struct config config = config_with_keys();
	struct secrets_manager_options options = {.application_secret_id = "app",
						  .deadline = deadline_in(&test_clock, 60000)};
	AUTO(aws_close) struct aws *aws = NULL;
	AUTO(secret_store_close) struct secret_store *store = NULL;

	TRY(aws_open(&config, &aws));
	TRY(secrets_manager_open(aws, &options, &store));
	return work(store);
}

static struct status describe(struct secret_store *store)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	TRY(store->ops->describe(store, "app", &labels));
	assert_string_equal(labels.current, OLD);
	assert_string_equal(labels.pending, TOKEN);
	assert_string_equal(labels.function, "f");
	assert_string_equal(labels.owner, "o");
	return OK;
}

static struct status get(struct secret_store *store)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	TRY(store->ops->get(store, "app", STAGE_CURRENT, NULL, true, &version));
	assert_int_equal(secret_length(&version.value), 2);
	return OK;
}

static struct status get_missing(struct secret_store *store)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	return store->ops->get(store, "missing", STAGE_CURRENT, NULL, true, &version);
}

/* GetSecretValue says with an INVALID type that a token has no value: the words tell them apart. */
static struct status get_elsewhere(struct secret_store *store)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	return store->ops->get(store, "elsewhere", STAGE_PENDING, TOKEN, true, &version);
}

static struct status get_two(struct secret_store *store)
{
	static const char *const ids[] = {"app", "other"};
	struct secret_reading readings[2] = {0};
	struct status status = store->ops->get_current(store, ids, 2, readings);

	for (size_t i = 0; i < 2; i++) {
		if (status.code == STATUS_OK)
			status = readings[i].status;
		if (status.code == STATUS_OK)
			assert_int_equal(secret_length(&readings[i].version.value), 2);
	}
	secret_readings_clear(readings, 2);
	return status;
}

static struct status get_two_singly(struct secret_store *store)
{
	batch_denied = true;
	return get_two(store);
}

static bool any(const struct secret_version *version, void *context)
{
	(void)context;
	return !secret_empty(&version->value);
}

static struct status find(struct secret_store *store)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	return store->ops->find(store, "app", any, NULL, &version);
}

static struct status stage(struct secret_store *store)
{
	AUTO(secret_clear) struct secret value = SECRET_INIT;
	struct secret_labels seen = SECRET_LABELS_INIT;

	TRY(secret_make("{}", 2, &value));
	return store->ops->stage(store, "app", TOKEN, &value, &seen);
}

static struct status promote(struct secret_store *store)
{
	return store->ops->promote(store, "app", TOKEN, OLD);
}

static struct status promote_missing(struct secret_store *store)
{
	return store->ops->promote(store, "missing", TOKEN, OLD);
}

static struct status fetch(struct config *config)
{
	AUTO(http_close) struct http *http = NULL;
	AUTO(profile_clear) struct profile profile = PROFILE_INIT;
	AUTO(aws_keys_clear) struct aws_keys keys = AWS_KEYS_INIT;
	int64_t skew = 0;
	unsigned count = 0;
	struct credentials_context context = {.config = config,
					      .profile = &profile,
					      .deadline = deadline_in(&test_clock, 60000),
					      .region = "eu-west-1",
					      .clock_skew = &skew,
					      .count = &count};

	TRY(http_open(&http));
	context.http = http;
	if (config->profile != NULL)
		TRY(profile_load(config, config->profile, &profile));
	TRY(credentials_fetch(&context, &keys));
	assert_memory_equal(keys.access_key_id, "A", 1);
	assert_false(secret_empty(&keys.secret_access_key));
	return OK;
}

static struct status fetch_from_environment(void)
{
	struct config config = config_with_keys();

	config.session_token = "t";
	return fetch(&config);
}

static struct status fetch_by_role(void)
{
	struct config config = config_with_keys();

	config.assume_role_arn = ROLE;
	config.assume_role_external_id = "x";
	return fetch(&config);
}

static struct status fetch_from_profile(void)
{
	struct config config = {.region = "eu-west-1",
				.endpoint_url = server.url,
				.profile = "chained",
				.credentials_file = credentials_file,
				.config_file = config_file};

	return fetch(&config);
}

static struct status fetch_from_container(void)
{
	struct config config = {.container_full_uri = container_url, .container_token = "token"};

	return fetch(&config);
}

static struct status fetch_from_instance(void)
{
	struct config config = {.metadata_endpoint = server.url};

	return fetch(&config);
}

/* A directory, opened and closed again, and asked for the owner or for the writer. */
static struct status ask_rds(const char *owner, const char *host)
{
	struct config config = config_with_keys();
	struct rds_options options = {.application_secret_id = "app",
				      .deadline = deadline_in(&test_clock, 60000)};
	AUTO(aws_close) struct aws *aws = NULL;
	AUTO(directory_close) struct directory *directory = NULL;
	struct place place;

	TRY(aws_open(&config, &aws));
	TRY(rds_open(aws, &options, &directory));
	TRY(owner != NULL ? directory->ops->find(directory, owner, &place)
			  : directory->ops->find_writer(directory, host, &place));
	assert_string_equal(place.host, "db.example");
	assert_int_equal(place.port, 3306);
	return OK;
}

static struct status find_owner(void)
{
	return ask_rds(DATABASE, NULL);
}

static struct status find_writer(void)
{
	return ask_rds(NULL, "replica.example");
}

static struct status read_xml(void)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(2000);

	TRY(xml_text("<A><B>&lt;b&#x20ac;&gt;</B></A>", "B", &text));
	assert_string_equal(buffer_string(&text), "<b€>");
	return OK;
}

static struct status sign(void)
{
	AUTO(buffer_clear) struct buffer signature = BUFFER_INIT(2000);
	AUTO(secret_clear) struct secret key = SECRET_INIT;
	const struct http_header headers[] = {{"Host", "h"}, {"X-Amz-Date", "20261121T220619Z"}};
	const struct sigv4_request request = {.method = "POST",
					      .path = "/",
					      .headers = headers,
					      .header_count = 2,
					      .body = "{}",
					      .body_length = 2};
	struct sigv4_scope scope = {
		.access_key_id = "A", .date = "20261121T220619Z", .region = "r", .service = "s"};

	TRY(secret_make("k", 1, &key));
	scope.secret_access_key = &key;
	return sigv4_sign(&scope, &request, &signature);
}

/* What is to be done: with a store, or by itself; and how it ends when there is memory. */
static const struct work {
	const char *name;
	struct status (*with_store)(struct secret_store *);
	struct status (*alone)(void);
	enum status_code end;
} works[] = {
	{"describe", describe, NULL, STATUS_OK},
	{"get", get, NULL, STATUS_OK},
	{"get of what is missing", get_missing, NULL, STATUS_NOT_FOUND},
	{"get of another version", get_elsewhere, NULL, STATUS_NOT_FOUND},
	{"get_current of two", get_two, NULL, STATUS_OK},
	{"get_current without the batch", get_two_singly, NULL, STATUS_OK},
	{"find", find, NULL, STATUS_OK},
	{"stage", stage, NULL, STATUS_OK},
	{"promote", promote, NULL, STATUS_OK},
	{"promote of what is missing", promote_missing, NULL, STATUS_NOT_FOUND},
	{"keys from the environment", NULL, fetch_from_environment, STATUS_OK},
	{"keys by a role", NULL, fetch_by_role, STATUS_OK},
	{"keys from a profile", NULL, fetch_from_profile, STATUS_OK},
	{"keys from the container", NULL, fetch_from_container, STATUS_OK},
	{"keys from the instance", NULL, fetch_from_instance, STATUS_OK},
	{"database of an owner", NULL, find_owner, STATUS_OK},
	{"writer of a replica", NULL, find_writer, STATUS_OK},
	{"xml", NULL, read_xml, STATUS_OK},
	{"signature", NULL, sign, STATUS_OK},
};

static struct status run(const struct work *work)
{
	return work->alone != NULL ? work->alone() : with_store(work->with_store);
}

static void start(void)
{
	batch_denied = false;
	now_ms = 0;
	loopback_start(&server, respond);
	snprintf(container_url, sizeof(container_url), "%s/container", server.url);
}

static void allocation_that_fails_is_told_as_such(void **state)
{
	const struct work *work = &works[(size_t)(uintptr_t)*state];

	for (enum shortage shortage = SHORTAGE_ONCE; shortage <= SHORTAGE_FOR_GOOD; shortage++)
		for (int n = 1;; n++) {
			long live;
			struct status status;
			bool failed;

			start();
			live = failing_memory.live;
			memory_fail_at(n, shortage);
			status = run(work);
			failed = memory_failed();
			if (failing_memory.live != live)
				fail_msg("allocation %d of '%s': %ld blocks leak", n, work->name,
					 failing_memory.live - live);
			loopback_stop(&server);
			if (status.code != work->end &&
			    !(failed && status.code == STATUS_UNAVAILABLE))
				fail_msg("allocation %d of '%s': %s: %s", n, work->name,
					 status_code_name(status.code), status.detail);
			if (!failed)
				break;
		}
}

/* libcurl copies what it is told: a CA file that it had no memory for must not be forgotten. */
static void setting_that_libcurl_has_no_memory_for_stops_the_exchange(void **state)
{
	struct http_request request = {.what = "the test",
				       .method = "PUT",
				       .url = server.url,
				       .ca_file = "/nowhere/ca.pem",
				       .ca_setting = "AWS_CA_BUNDLE",
				       .bypass_proxy = true,
				       .deadline = deadline_in(&test_clock, 60000)};

	(void)state;
	for (int n = 1;; n++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		AUTO(http_close) struct http *http = NULL;
		struct status status;
		bool failed;

		start();
		assert_ok(http_open(&http));
		/* Whoever forgets the setting asks this proxy, which is our server. */
		setenv("http_proxy", server.url, 1);
		request.url = "http://127.0.0.1:9/";
		memory_fail_at(n, SHORTAGE_ONCE);
		status = http_exchange(http, &request, &response);
		failed = memory_failed();
		unsetenv("http_proxy");
		loopback_stop(&server);
		assert_int_equal(status.code, STATUS_UNAVAILABLE);
		assert_int_equal(server.count, 0);
		if (!failed)
			break;
	}
}

static bool no_file;
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!no_file)
		return __real_fopen(path, mode);
	errno = ENOMEM;
	return NULL;
}

static void file_that_there_is_no_memory_for_is_not_unreadable(void **state)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(100);

	(void)state;
	no_file = true;
	assert_failed(file_read("/etc/hostname", &text), STATUS_UNAVAILABLE, "out of memory");
	no_file = false;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	AUTO(http_close) struct http *http = NULL;

	(void)state;
	memory_init();
	assert_ok(http_open(&http)); /* libcurl's start stays for the life of the process */
	snprintf(folder, sizeof(folder), "/tmp/client-memory-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(credentials_file, sizeof(credentials_file), "%s/credentials", folder);
	snprintf(config_file, sizeof(config_file), "%s/config", folder);
	write_file(credentials_file, "[base]\naws_access_key_id = AKID\n"
				     "aws_secret_access_key = s\naws_session_token = t\n");
	write_file(config_file, "[profile chained]\nrole_arn = " ROLE "\nsource_profile = base\n"
				"duration_seconds = 900\nexternal_id = x\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(credentials_file);
	unlink(config_file);
	rmdir(folder);
	return 0;
}

int main(void)
{
	enum { WORKS = sizeof(works) / sizeof(works[0]) };
	struct CMUnitTest tests[WORKS + 2];

	for (size_t i = 0; i < WORKS; i++)
		tests[i] = (struct CMUnitTest){works[i].name, allocation_that_fails_is_told_as_such,
					       NULL, NULL, (void *)(uintptr_t)i};
	tests[WORKS] = (struct CMUnitTest)cmocka_unit_test(
		setting_that_libcurl_has_no_memory_for_stops_the_exchange);
	tests[WORKS + 1] = (struct CMUnitTest)cmocka_unit_test(
		file_that_there_is_no_memory_for_is_not_unreadable);
	return cmocka_run_group_tests_name("clients without memory", tests, set_up, tear_down);
}
