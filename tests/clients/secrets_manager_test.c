/* secrets_manager reading: which requests it makes, and what it makes of every kind of answer. */
#include "test.h"

#include "clients/scripted_manager.h"

static void describe_labels_and_schedule_are_read(void **state)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	(void)state;
	SCRIPT({"DescribeSecret", 200, NULL,
		"{\"ARN\":\"" ARN "\",\"RotationEnabled\":true,\"RotationLambdaARN\":\"arn:f\","
		"\"RotationRules\":{\"AutomaticallyAfterDays\":30},\"LastRotatedDate\":1795294535."
		"231,"
		"\"VersionIdsToStages\":{\"" OLD "\":[\"AWSCURRENT\",\"mine\"],\"" TOKEN
		"\":[\"AWSPENDING\"],\"x\":[],\"p\":[\"AWSPREVIOUS\"]}}"});
	assert_ok(store->ops->describe(store, "app", &labels));
	assert_true(labels.rotation_enabled);
	assert_string_equal(labels.function, "arn:f");
	assert_string_equal(labels.schedule, "every 30 days");
	assert_int_equal(labels.last_rotated, 1795294535);
	assert_int_equal(labels.next_rotation, 0);
	assert_string_equal(labels.current, OLD);
	assert_string_equal(labels.pending, TOKEN);
	assert_string_equal(labels.previous, "p");
	assert_string_equal(sent(0, "SecretId"), "app");
}

static void describe_missing_fields_are_empty(void **state)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	(void)state;
	SCRIPT({"DescribeSecret", 200, NULL,
		"{\"Name\":\"app\",\"RotationRules\":{\"ScheduleExpression\":\"rate(4 hours)\"},"
		"\"NextRotationDate\":null,\"DeletedDate\":null}"});
	assert_ok(store->ops->describe(store, "app", &labels));
	assert_false(labels.rotation_enabled);
	assert_null(labels.function);
	assert_string_equal(labels.schedule, "rate(4 hours)");
	assert_string_equal(labels.current, "");
}

static void describe_date_that_is_none_is_unknown(void **state)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	(void)state;
	SCRIPT({"DescribeSecret", 200, NULL,
		"{\"Name\":\"app\",\"LastRotatedDate\":1e999,\"NextRotationDate\":-1e300}"});
	assert_ok(store->ops->describe(store, "app", &labels));
	assert_int_equal(labels.last_rotated, 0);
	assert_int_equal(labels.next_rotation, 0);
}

/* The keys that AWS alone may set, in whatever case; a value that looks like one is nobody's word. */
static void describe_owner_is_read_from_the_system_tags_only(void **state)
{
	static const struct {
		const char *tags, *owner;
	} cases[] = {
		{"[{\"Key\":\"team\",\"Value\":\"arn:aws:rds:x:1:db:a\"},"
		 "{\"Key\":\"aws:rds:primaryDBInstanceArn\",\"Value\":\"arn:i\"}]",
		 "arn:i"},
		{"[{\"Key\":\"aws:rds:primarydbclusterarn\",\"Value\":\"arn:c\"}]", "arn:c"},
		{"[{\"Key\":\"rds:primaryDBInstanceArn\",\"Value\":\"arn:i\"},"
		 "{\"Key\":\"xaws:rds:primaryDBInstanceArn\",\"Value\":\"arn:i\"},"
		 "{\"Key\":\"aws:rds:primaryDBInstanceArn2\",\"Value\":\"arn:i\"},"
		 "{\"Key\":7,\"Value\":\"arn:i\"},{\"Key\":\"aws:rds:primaryDBClusterArn\"}]",
		 NULL},
		{"{}", NULL},
		{"\"aws:rds:primaryDBInstanceArn\"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;
		char answer[600];

		if (i > 0)
			stop(NULL);
		snprintf(answer, sizeof(answer), "{\"Tags\":%s}", cases[i].tags);
		SCRIPT({"DescribeSecret", 200, NULL, answer});
		assert_ok(store->ops->describe(store, "app", &labels));
		if (cases[i].owner == NULL)
			assert_null(labels.owner);
		else
			assert_string_equal(labels.owner, cases[i].owner);
	}
}

static void describe_deleted_secret_is_invalid(void **state)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	(void)state;
	SCRIPT({"DescribeSecret", 200, NULL, "{\"DeletedDate\":1795294535.2}"});
	assert_failed(store->ops->describe(store, "app", &labels), STATUS_INVALID,
		      "secret 'app' is marked for deletion: restore it, or take it out");
}

static void describe_denied_names_action_secret_and_caller(void **state)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	(void)state;
	SCRIPT({"DescribeSecret", 400, "AccessDeniedException", "User: x is not authorized"});
	struct status status = store->ops->describe(store, "app", &labels);

	assert_int_equal(status.code, STATUS_DENIED);
	assert_non_null(strstr(status.detail, "secretsmanager:DescribeSecret on 'app' was denied"));
	assert_non_null(strstr(status.detail, "request id id-1"));
	assert_non_null(strstr(status.detail, "allow secretsmanager:DescribeSecret on it to the "
					      "environment (key AKIDEXAMPLE)"));
}

static void get_current_stage_is_asked_for_by_label(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	char header[128];

	(void)state;
	SCRIPT({"GetSecretValue", 200, NULL,
		"{\"SecretString\":\"{\\\"a\\\":1}\",\"VersionId\":\"" OLD
		"\",\"CreatedDate\":17.5}"});
	assert_ok(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version));
	assert_string_equal(secret_reveal(&version.value), "{\"a\":1}");
	assert_string_equal(version.id, OLD);
	assert_int_equal(version.created, 17);
	assert_string_equal(server.asked[0].body,
			    "{\"SecretId\":\"app\",\"VersionStage\":\"AWSCURRENT\"}");
	asked_header(&server.asked[0], "Authorization", header, sizeof(header));
	assert_non_null(strstr(header, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
	asked_header(&server.asked[0], "Content-Type", header, sizeof(header));
	assert_string_equal(header, "application/x-amz-json-1.1");
}

static void get_pending_miss_is_read_again(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 400, "ResourceNotFoundException", "can't find"},
	       {"GetSecretValue", 400, "InvalidRequestException",
		"You provided a VersionStage that is not associated to the provided VersionId."},
	       {"GetSecretValue", 200, NULL,
		"{\"SecretString\":\"v\",\"VersionId\":\"" TOKEN "\"}"});
	assert_ok(store->ops->get(store, "app", STAGE_PENDING, TOKEN, false, &version));
	assert_int_equal(fake_now, 1000 + 200 + 400);
	assert_string_equal(sent(2, "VersionId"), TOKEN);
	assert_string_equal(sent(2, "VersionStage"), "AWSPENDING");
}

#define MISS                                                                     \
	{                                                                        \
		"GetSecretValue", 400, "ResourceNotFoundException", "can't find" \
	}

static void get_pending_miss_that_stays_ends(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(MISS, MISS, MISS, MISS, MISS, MISS);
	assert_failed(store->ops->get(store, "app", STAGE_PENDING, TOKEN, false, &version),
		      STATUS_NOT_FOUND, "can't find");
	assert_int_equal(server.count, 5);
}

/* With 2.5 s left there is time for three waits; the next would pass the deadline. */
static void get_pending_miss_is_not_waited_for_past_the_deadline(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(MISS, MISS, MISS, MISS, MISS, MISS);
	fake_now += 60000 - 2500;
	assert_failed(store->ops->get(store, "app", STAGE_PENDING, TOKEN, false, &version),
		      STATUS_NOT_FOUND, "can't find");
	assert_int_equal(server.count, 4);
	assert_int_equal(fake_now, 1000 + 60000 - 2500 + 200 + 400 + 800);
}

static void get_normal_miss_and_current_miss_are_not_read_again(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT(MISS, {"GetSecretValue", 404, "ResourceNotFoundException",
		      "Secrets Manager can't find the specified secret value for staging label: "
		      "AWSCURRENT"});
	assert_failed(store->ops->get(store, "app", STAGE_PENDING, TOKEN, true, &version),
		      STATUS_NOT_FOUND, "can't find");
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_NOT_FOUND, "secret 'app' has no AWSCURRENT value");
	assert_int_equal(server.count, 2);
}

static void get_binary_and_deleted_are_invalid(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 200, NULL, "{\"SecretBinary\":\"AAEC\"}"},
	       {"GetSecretValue", 400, "InvalidRequestException",
		"You can't perform this operation on the secret because it was marked for "
		"deletion."});
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_INVALID, "binary");
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_INVALID, "secret 'app' is marked for deletion: restore it");
}

static void get_kms_denial_names_the_key_permissions(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 400, "AccessDeniedException", "Access to KMS is not allowed"});
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_DENIED, "kms:Decrypt");
}

static void get_validation_text_is_not_repeated(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 400, "ValidationException", "Value 'echo' failed"});
	struct status status = store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version);

	assert_int_equal(status.code, STATUS_INVALID);
	assert_non_null(strstr(status.detail, "ValidationException"));
	assert_null(strstr(status.detail, "echo"));
}

#define BROKEN                                                          \
	{                                                               \
		"GetSecretValue", 500, "InternalServiceError", "broken" \
	}

static const char *const three[] = {"one", ARN,
				    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:three"};

static void get_current_of_several_is_one_call(void **state)
{
	struct secret_reading readings[3] = {0};

	(void)state;
	SCRIPT({"BatchGetSecretValue", 200, NULL,
		"{\"SecretValues\":["
		"{\"ARN\":\"arn:aws:secretsmanager:eu-west-1:123456789012:secret:three-AbCdEf\","
		"\"VersionStages\":[\"AWSCURRENT\"],\"Name\":\"three\",\"SecretString\":\"3\"},"
		"{\"VersionStages\":[\"AWSCURRENT\"],\"ARN\":\"" ARN
		"\",\"Name\":\"app\",\"SecretString\":\"2\"},"
		"{\"VersionStages\":[\"AWSCURRENT\"],\"ARN\":\"arn:x\",\"Name\":\"one\","
		"\"SecretString\":\"1\",\"VersionId\":\"v1\"}],"
		"\"Errors\":[]}"});
	assert_ok(store->ops->get_current(store, three, 3, readings));
	assert_int_equal(server.count, 1);
	for (int i = 0; i < 3; i++) {
		assert_ok(readings[i].status);
		assert_int_equal(secret_reveal(&readings[i].version.value)[0], '1' + i);
	}
	assert_string_equal(readings[0].version.id, "v1");
	secret_readings_clear(readings, 3);
}

static void get_current_of_one_is_a_single_read(void **state)
{
	struct secret_reading reading = {0};

	(void)state;
	SCRIPT({"GetSecretValue", 200, NULL, "{\"SecretString\":\"1\"}"});
	assert_ok(store->ops->get_current(store, three, 1, &reading));
	assert_ok(reading.status);
	secret_readings_clear(&reading, 1);
}

static void get_current_what_the_batch_lacks_is_read_alone(void **state)
{
	struct secret_reading readings[2] = {0};

	(void)state;
	SCRIPT({"BatchGetSecretValue", 200, NULL,
		"{\"SecretValues\":[{\"VersionStages\":[\"AWSCURRENT\"],\"ARN\":\"arn:x\",\"Name\":"
		"\"one\",\"SecretString\":\"1\"}],"
		"\"Errors\":[{\"SecretId\":\"app\",\"ErrorCode\":\"ResourceNotFoundException\"}]}"},
	       {"GetSecretValue", 400, "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret."});
	assert_ok(store->ops->get_current(store, three, 2, readings));
	assert_ok(readings[0].status);
	assert_int_equal(readings[1].status.code, STATUS_NOT_FOUND);
	assert_string_equal(sent(1, "SecretId"), ARN);
	secret_readings_clear(readings, 2);
}

/* A batch cannot be asked for a label: what came without AWSCURRENT is read again, alone. */
static void get_current_of_another_stage_is_read_again(void **state)
{
	struct secret_reading readings[3] = {0};

	(void)state;
	SCRIPT({"BatchGetSecretValue", 200, NULL,
		"{\"SecretValues\":[{\"VersionStages\":[\"AWSCURRENT\"],\"ARN\":\"arn:x\","
		"\"Name\":\"one\",\"SecretString\":\"1\"},{\"VersionStages\":[\"AWSPENDING\"],"
		"\"ARN\":\"" ARN "\",\"Name\":\"app\",\"SecretString\":\"wrong\"}]}"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"right\",\"VersionId\":\"v\"}"});
	assert_ok(store->ops->get_current(store, three, 2, readings));
	assert_string_equal(secret_reveal(&readings[1].version.value), "right");
	assert_string_equal(sent(1, "VersionStage"), "AWSCURRENT");
	secret_readings_clear(readings, 2);
}

static void get_current_refused_batch_is_not_asked_again(void **state)
{
	struct secret_reading readings[2] = {0};

	(void)state;
	SCRIPT({"BatchGetSecretValue", 400, "AccessDeniedException", "not authorized"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"1\"}"},
	       {"GetSecretValue", 400, "AccessDeniedException", "not authorized"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"1\"}"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"2\"}"});
	assert_ok(store->ops->get_current(store, three, 2, readings));
	assert_ok(readings[0].status);
	assert_int_equal(readings[1].status.code, STATUS_DENIED);
	assert_ok(store->ops->get_current(store, three, 2, readings));
	assert_ok(readings[1].status);
	assert_int_equal(server.count, 5);
	secret_readings_clear(readings, 2);
}

/* What cannot be reached now will not be for the next secret either: the step is tried again. */
static void get_current_ends_with_the_first_that_is_unavailable(void **state)
{
	struct secret_reading readings[3] = {0};

	(void)state;
	SCRIPT({"BatchGetSecretValue", 400, "AccessDeniedException", "not authorized"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"1\"}"}, BROKEN, BROKEN, BROKEN,
	       BROKEN, BROKEN, BROKEN, {"GetSecretValue", 200, NULL, "{\"SecretString\":\"3\"}"});
	assert_failed(store->ops->get_current(store, three, 3, readings), STATUS_UNAVAILABLE,
		      "InternalServiceError");
	assert_true(secret_empty(&readings[2].version.value));
	secret_readings_clear(readings, 3);
}

static void get_current_of_two_regions_is_read_singly(void **state)
{
	static const char *const ids[] = {
		"one", "arn:aws:secretsmanager:us-east-1:123456789012:secret:two-AbCdEf"};
	struct secret_reading readings[2] = {0};
	char header[256];

	(void)state;
	SCRIPT({"GetSecretValue", 200, NULL, "{\"SecretString\":\"1\"}"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"2\"}"});
	assert_ok(store->ops->get_current(store, ids, 2, readings));
	asked_header(&server.asked[1], "Authorization", header, sizeof(header));
	assert_non_null(strstr(header, "/us-east-1/secretsmanager/aws4_request"));
	secret_readings_clear(readings, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(describe_labels_and_schedule_are_read),
		TEST(describe_missing_fields_are_empty),
		TEST(describe_date_that_is_none_is_unknown),
		TEST(describe_owner_is_read_from_the_system_tags_only),
		TEST(describe_deleted_secret_is_invalid),
		TEST(describe_denied_names_action_secret_and_caller),
		TEST(get_current_stage_is_asked_for_by_label),
		TEST(get_pending_miss_is_read_again),
		TEST(get_pending_miss_that_stays_ends),
		TEST(get_pending_miss_is_not_waited_for_past_the_deadline),
		TEST(get_normal_miss_and_current_miss_are_not_read_again),
		TEST(get_binary_and_deleted_are_invalid),
		TEST(get_kms_denial_names_the_key_permissions),
		TEST(get_validation_text_is_not_repeated),
		TEST(get_current_of_several_is_one_call),
		TEST(get_current_of_one_is_a_single_read),
		TEST(get_current_what_the_batch_lacks_is_read_alone),
		TEST(get_current_of_another_stage_is_read_again),
		TEST(get_current_refused_batch_is_not_asked_again),
		TEST(get_current_ends_with_the_first_that_is_unavailable),
		TEST(get_current_of_two_regions_is_read_singly),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
