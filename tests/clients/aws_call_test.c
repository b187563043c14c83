/* call: what is mended and tried again, seen through one read. */
#include "test.h"

#include "clients/scripted_manager.h"

#include <time.h>

static void call_throttling_and_server_faults_are_tried_again(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 400, "ThrottlingException", "Rate exceeded"},
	       {"GetSecretValue", 500, "InternalServiceError", ""},
	       {"GetSecretValue", 503, NULL, "<html>"}, {"GetSecretValue", 0, NULL, ""},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"v\"}"});
	assert_ok(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version));
	assert_int_equal(server.count, 5);
	assert_int_equal(aws_calls(aws), 4); /* the dead connection was replaced on the way */
}

static void call_throttling_without_end_is_unavailable(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	struct line slow[40];

	(void)state;
	for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
		slow[i] = (struct line){"GetSecretValue", 400, "ThrottlingException",
					"Rate exceeded"};
	start(slow);
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_UNAVAILABLE, "Rate exceeded");
	/* 0.5 s, 1, 2, 4, then 5 each, or half of that: for a minute. */
	assert_in_range(server.count, 12, 30);
	assert_in_range(fake_now, 1000 + 60000 - 5000, 1000 + 60000);
}

/* As many versions as a secret may have: that heals only when some are a day old. */
static void call_limit_that_will_not_heal_is_tried_a_few_times(void **state)
{
	AUTO(secret_clear) struct secret value = secret_of("v");
	struct line full[40];

	(void)state;
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		full[i] = (struct line){"PutSecretValue", 400, "LimitExceededException",
					"too many versions"};
	start(full);
	assert_failed(store->ops->stage(store, "app", TOKEN, &value, NULL), STATUS_UNAVAILABLE,
		      "too many versions");
	assert_int_equal(server.count, 6);
}

/* A Date header so many seconds from now. */
static const char *date_header(long seconds)
{
	static char text[64];
	time_t when = time(NULL) + seconds;
	struct tm utc;

	strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&when, &utc));
	return text;
}

static void call_wrong_clock_is_corrected_once(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;
	char first[20], second[20];

	(void)state;
	SCRIPT({"GetSecretValue", 403, "InvalidSignatureException", "Signature expired"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"v\"}"},
	       {"GetSecretValue", 200, NULL, "{\"SecretString\":\"v\"}"});
	extra_headers = date_header(7200);
	assert_ok(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version));
	asked_header(&server.asked[0], "X-Amz-Date", first, sizeof(first));
	asked_header(&server.asked[1], "X-Amz-Date", second, sizeof(second));
	assert_string_not_equal(first, second);
	assert_int_equal(fake_now, 1000); /* at once */
	/* And it is remembered. */
	assert_ok(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version));
	asked_header(&server.asked[2], "X-Amz-Date", first, sizeof(first));
	assert_int_equal(strncmp(first, second, 13), 0);
}

static void call_refused_signature_with_a_right_clock_is_denied(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 403, "InvalidSignatureException",
		"The Canonical String should have been x-amz-security-token:hidden"});
	extra_headers = date_header(0);
	struct status status = store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version);

	assert_int_equal(status.code, STATUS_DENIED);
	assert_non_null(strstr(status.detail, "secret access key"));
	assert_null(strstr(status.detail, "hidden"));
	assert_int_equal(server.count, 1);
}

static void call_expired_keys_are_renewed_once(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 400, "ExpiredTokenException", "expired"},
	       {"GetSecretValue", 400, "ExpiredTokenException", "expired"});
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_DENIED, "have expired");
	assert_int_equal(server.count, 2);
}

static void call_xml_refusal_of_a_gateway_is_understood(void **state)
{
	AUTO(secret_version_clear) struct secret_version version = SECRET_VERSION_INIT;

	(void)state;
	SCRIPT({"GetSecretValue", 403, NULL,
		"<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt; b</Message></Error>"
		"</ErrorResponse>"});
	assert_failed(store->ops->get(store, "app", STAGE_CURRENT, NULL, false, &version),
		      STATUS_DENIED, "a < b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(call_throttling_and_server_faults_are_tried_again),
		TEST(call_throttling_without_end_is_unavailable),
		TEST(call_limit_that_will_not_heal_is_tried_a_few_times),
		TEST(call_wrong_clock_is_corrected_once),
		TEST(call_refused_signature_with_a_right_clock_is_denied),
		TEST(call_expired_keys_are_renewed_once),
		TEST(call_xml_refusal_of_a_gateway_is_understood),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
