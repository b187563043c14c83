#include "test.h"

#include "core/memory.h"
#include "runtime/event.h"

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "01234567-89ab-cdef-0123-456789abcdef"

static struct status parse(const char *payload, struct event *ret)
{
	return event_parse(payload, strlen(payload), ret);
}

static void event_of_secrets_manager_is_a_step(void **state)
{
	AUTO(event_clear) struct event event = EVENT_INIT;

	(void)state;
	assert_ok(parse(
		"{\"Step\":\"setSecret\",\"SecretId\":\"arn:x\",\"ClientRequestToken\":\"" TOKEN
		"\",\"RotationToken\":\"" TOKEN "-r\"}",
		&event));
	assert_int_equal(event.kind, EVENT_STEP);
	assert_int_equal(event.step, STEP_SET);
	assert_string_equal(event.secret_id, "arn:x");
	assert_string_equal(event.token, TOKEN);
	assert_string_equal(secret_reveal(&event.rotation_token), TOKEN "-r");
}

static void event_without_a_rotation_token_is_fine(void **state)
{
	AUTO(event_clear) struct event event = EVENT_INIT;

	(void)state;
	assert_ok(parse(
		"{\"Step\":\"createSecret\",\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN
		"\"}",
		&event));
	assert_true(secret_empty(&event.rotation_token));
	assert_ok(parse(
		"{\"Step\":\"createSecret\",\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN
		"\",\"RotationToken\":null}",
		&event));
	assert_true(secret_empty(&event.rotation_token));
}

static void event_of_a_schedule_is_a_tick(void **state)
{
	static const char *const ticks[] = {
		"{\"version\":\"0\",\"detail-type\":\"Scheduled Event\",\"source\":\"aws.events\"}",
		"{}",
		"{\"anything\":[1]}",
	};

	(void)state;
	for (size_t i = 0; i < SIZE(ticks); i++) {
		AUTO(event_clear) struct event event = EVENT_INIT;

		assert_ok(parse(ticks[i], &event));
		assert_int_equal(event.kind, EVENT_TICK);
	}
}

static void event_with_a_command_asks_for_an_inspection(void **state)
{
	AUTO(event_clear) struct event event = EVENT_INIT;

	(void)state;
	assert_ok(parse("{\"Command\":\"check\",\"SecretId\":\"s\"}", &event));
	assert_int_equal(event.kind, EVENT_CHECK);
	assert_ok(parse("{\"Command\":\"status\",\"SecretId\":\"t\"}", &event));
	assert_int_equal(event.kind, EVENT_STATUS);
	assert_string_equal(event.secret_id, "t");
}

static void event_that_is_wrong_names_the_field(void **state)
{
	static const struct {
		const char *payload, *part;
	} wrong[] = {
		{"", "not JSON"},
		{"nonsense", "not JSON"},
		{"[1]", "not a JSON object"},
		{"\"Step\"", "not a JSON object"},
		{"{\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN "\"}", "no \"Step\""},
		{"{\"Step\":7}", "\"Step\" in the event is not a string"},
		{"{\"Step\":\"set_secret\",\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN
		 "\"}",
		 "createSecret, setSecret, testSecret and finishSecret"},
		{"{\"Step\":\"setSecret\"}", "no \"SecretId\""},
		{"{\"Step\":\"setSecret\",\"SecretId\":\"s\"}", "no \"ClientRequestToken\""},
		{"{\"Step\":\"setSecret\",\"SecretId\":\"s\",\"ClientRequestToken\":\"short\"}",
		 "32 to 64 are expected"},
		{"{\"Step\":\"setSecret\",\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN
		 "\",\"RotationToken\":7}",
		 "\"RotationToken\" in the event is not a string"},
		{"{\"SecretId\":\"s\"}", "no \"Step\""},
		{"{\"Command\":\"rotate\",\"SecretId\":\"s\"}", "check and status"},
		{"{\"Command\":\"check\"}", "no \"SecretId\""},
	};

	(void)state;
	for (size_t i = 0; i < SIZE(wrong); i++) {
		AUTO(event_clear) struct event event = EVENT_INIT;

		assert_failed(parse(wrong[i].payload, &event), STATUS_INVALID, wrong[i].part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_of_secrets_manager_is_a_step),
		cmocka_unit_test(event_without_a_rotation_token_is_fine),
		cmocka_unit_test(event_of_a_schedule_is_a_tick),
		cmocka_unit_test(event_with_a_command_asks_for_an_inspection),
		cmocka_unit_test(event_that_is_wrong_names_the_field),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
