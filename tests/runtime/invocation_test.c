/* What both runtimes run: a step and its log, a tick through its list, an inspection. */
#include "test.h"

#include "runtime/invocation.h"
#include "runtime/scripted_program.h"

static struct invocation invocation;
static struct inspection found;

static int start(void **state)
{
	(void)state;
	program_make(WORLD_ADMIN);
	invocation = (struct invocation){.program = &program,
					 .request_id = "id-1",
					 .deadline = deadline_in(&clock_system, 60000)};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	program_clear();
	return 0;
}

static struct status run_step(enum step step, struct report *report)
{
	AUTO(event_clear) struct event event = EVENT_INIT;
	char payload[256];

	snprintf(payload, sizeof(payload),
		 "{\"Step\":\"%s\",\"SecretId\":\"" APPLICATION_SECRET
		 "\",\"ClientRequestToken\":\"%s\"}",
		 step_name(step), world.token);
	assert_ok(event_parse(payload, strlen(payload), &event));
	return invocation_step(&invocation, &event, report);
}

static void step_that_is_done_is_a_line_of_information(void **state)
{
	const char *line;

	(void)state;
	assert_ok(run_step(STEP_CREATE, NULL));
	line = logged();
	assert_non_null(strstr(line, "\"level\":\"INFO\",\"message\":\"createSecret done\""));
	assert_non_null(strstr(line, "\"secret\":\"" APPLICATION_SECRET "\",\"version\":\"token-"));
	assert_non_null(strstr(line, "\"user\":\"app-clone\",\"outcome\":\"prepared"));
	assert_null(strstr(line, "errorClass"));
	assert_string_equal(logged(), "");
}

static void step_that_fails_is_an_error_behind_its_notes(void **state)
{
	struct report report = {0};

	(void)state;
	world_put(
		&world, APPLICATION_SECRET, "version-1", STAGE_CURRENT,
		"{\"engine\":\"fake\",\"host\":\"db.example\",\"ssl\":false,\"username\":\"app\","
		"\"password\":\"active-password\",\"rotation_usernames\":[\"app\",\"app-clone\"]}");
	assert_ok(run_step(STEP_CREATE, NULL));
	logged();
	snprintf(world_user(&world, "app-clone")->password, 20, "by-hand");
	assert_failed(run_step(STEP_SET, &report), STATUS_DENIED, "app-clone");
	assert_string_equal(report.user, "app-clone");
	assert_int_equal(report.note_count, 1);
	assert_logged("WARN", "not encrypted", "\"requestId\":\"id-1\"", "\"step\":\"setSecret\"");
	assert_logged("ERROR", "was refused at db.example", "\"requestId\":\"id-1\"",
		      "\"step\":\"setSecret\"", "\"user\":\"app-clone\"",
		      "\"outcome\":\"failed\",\"errorClass\":\"DENIED\"");
	assert_string_equal(logged(), "");
}

/* Where testSecret succeeded in this process, for this very token, finishSecret does not log in. */
static void finish_proves_only_what_was_not_proven_here(void **state)
{
	(void)state;
	for (enum step step = STEP_CREATE; step < STEP_FINISH; step++)
		assert_ok(run_step(step, NULL));
	world.logins = 0;
	assert_ok(run_step(STEP_FINISH, NULL));
	assert_int_equal(world.logins, 0);

	world_begin_rotation(&world, "token-of-the-next-rotation-00000001");
	for (enum step step = STEP_CREATE; step < STEP_FINISH; step++)
		assert_ok(run_step(step, NULL));
	assert_ok(run_step(STEP_SET, NULL)); /* it was proven before this */
	world.logins = 0;
	assert_ok(run_step(STEP_FINISH, NULL));
	assert_int_equal(world.logins, 1);

	world_begin_rotation(&world, "token-of-the-next-rotation-00000002");
	assert_ok(run_step(STEP_CREATE, NULL));
	snprintf(world_user(&world, "app")->password, 20, "by-hand"); /* so setSecret fails */
	assert_failed(run_step(STEP_TEST, NULL), STATUS_DENIED, "app");
	assert_failed(run_step(STEP_FINISH, NULL), STATUS_DENIED, "proving the new version first");
}

/* finishSecret reads no value: its line names the user of the steps before it, and of no others. */
static void finish_is_logged_with_the_user_of_its_own_rotation(void **state)
{
	struct report report = {0};

	(void)state;
	for (enum step step = STEP_CREATE; step < STEP_FINISH; step++)
		assert_ok(run_step(step, NULL));
	while (logged()[0] != '\0')
		;
	snprintf(world.token, sizeof(world.token), "token-of-another-rotation-000000000");
	assert_failed(run_step(STEP_FINISH, &report), STATUS_CONFLICT, "neither pending");
	assert_string_equal(report.user, "");
	snprintf(world.token, sizeof(world.token), "token-0000000000000000000000000001");
	assert_ok(run_step(STEP_FINISH, &report));
	assert_string_equal(report.user, "app-clone");
}

static struct status tick(const char *secret_ids)
{
	world.config.secret_ids = secret_ids;
	return invocation_tick(&invocation);
}

#define assert_started(id) assert_non_null(world_version(&world, id, STAGE_PENDING))

static void tick_with_an_unfinished_rotation_is_no_error(void **state)
{
	(void)state;
	assert_ok(tick(APPLICATION_SECRET "," ADMIN_SECRET));
	assert_started(ADMIN_SECRET);
	assert_logged("WARN", "is not finished", "\"outcome\":\"unfinished\"",
		      "\"errorClass\":\"CONFLICT\"", "\"requestId\":\"id-1\"");
	assert_logged("INFO", "rotation started", "\"secret\":\"" ADMIN_SECRET "\"");
}

static void tick_tells_the_first_failure_after_every_secret_had_its_turn(void **state)
{
	(void)state;
	assert_failed(tick("no/such,no/other," ADMIN_SECRET), STATUS_NOT_FOUND, "'no/such'");
	assert_started(ADMIN_SECRET);
	assert_logged("ERROR", "'no/such'", "\"outcome\":\"failed\"",
		      "\"errorClass\":\"NOT_FOUND\"");
	assert_logged("ERROR", "'no/other'");
	assert_logged("INFO", "rotation started");
}

static void tick_trims_its_entries(void **state)
{
	(void)state;
	world_put(&world, PROXY_SECRET_BASE, "proxy-1", STAGE_CURRENT, "{}");
	assert_ok(tick("  " ADMIN_SECRET "  , " PROXY_SECRET_BASE " "));
	assert_started(ADMIN_SECRET);
	assert_started(PROXY_SECRET_BASE);
}

static void tick_with_an_entry_that_is_none_says_so_and_rotates_the_others(void **state)
{
	char endless[SECRET_ID_MAX + 64];

	(void)state;
	assert_failed(tick(" ," ADMIN_SECRET), STATUS_INVALID, "AWS_SECRET_ID holds an entry");
	assert_started(ADMIN_SECRET);
	world_put(&world, PROXY_SECRET_BASE, "proxy-1", STAGE_CURRENT, "{}");
	snprintf(endless, sizeof(endless), "%0*d," PROXY_SECRET_BASE, SECRET_ID_MAX + 1, 1);
	assert_failed(tick(endless), STATUS_INVALID, "AWS_SECRET_ID holds an entry");
	assert_started(PROXY_SECRET_BASE);
	assert_failed(tick(NULL), STATUS_INVALID, "AWS_SECRET_ID is not set");
}

static const struct finding *timeout_with(int64_t left)
{
	const struct finding *last;

	invocation.deadline = deadline_in(&clock_system, left);
	assert_ok(invocation_inspect(&invocation, APPLICATION_SECRET, true, &found));
	last = &found.findings[found.count - 1];
	return strcmp(last->name, "timeout") == 0 ? last : NULL;
}

/* With a little slack for the time that passes meanwhile. */
static void inspect_judges_the_timeout_of_a_function_only(void **state)
{
	(void)state;
	assert_null(timeout_with(5000));
	world.config.lambda_runtime_api = "127.0.0.1:9001";
	assert_string_equal(timeout_with(27900)->state, "too short");
	assert_int_equal(timeout_with(27900)->severity, FINDING_BAD);
	assert_non_null(strstr(timeout_with(2900)->detail, "about 3 s:"));
	assert_string_equal(timeout_with(28900)->state, "enough");
	assert_int_equal(timeout_with(28900)->severity, FINDING_GOOD);
}

static void inspect_begins_with_the_caller(void **state)
{
	(void)state;
	assert_ok(invocation_inspect(&invocation, APPLICATION_SECRET, true, &found));
	assert_string_equal(found.findings[0].kind, "caller");
	assert_string_equal(found.findings[0].name, "the caller");
	assert_int_equal(found.findings[0].severity, FINDING_GOOD);
	assert_true(found.count > 1);
}

static void inspect_without_a_caller_asks_nothing_more(void **state)
{
	(void)state;
	no_caller = failure(STATUS_DENIED, "no credentials anywhere");
	assert_ok(invocation_inspect(&invocation, APPLICATION_SECRET, true, &found));
	assert_int_equal(found.count, 1);
	assert_string_equal(found.findings[0].kind, "caller");
	assert_int_equal(found.findings[0].severity, FINDING_BAD);
	assert_string_equal(found.findings[0].detail, "no credentials anywhere");
	assert_int_equal(world.store_calls, 0);
}

static void inspect_for_a_status_names_no_caller(void **state)
{
	(void)state;
	world.config.lambda_runtime_api = "127.0.0.1:9001";
	no_caller = failure(STATUS_DENIED, "never asked");
	assert_ok(invocation_inspect(&invocation, APPLICATION_SECRET, false, &found));
	for (size_t i = 0; i < found.count; i++) {
		assert_string_not_equal(found.findings[i].kind, "caller");
		assert_string_not_equal(found.findings[i].kind, "function");
	}
	assert_true(found.count > 0);
	no_store = failure(STATUS_INVALID, "no region");
	assert_failed(invocation_inspect(&invocation, APPLICATION_SECRET, true, &found),
		      STATUS_INVALID, "no region");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(step_that_is_done_is_a_line_of_information),
		TEST(step_that_fails_is_an_error_behind_its_notes),
		TEST(finish_proves_only_what_was_not_proven_here),
		TEST(finish_is_logged_with_the_user_of_its_own_rotation),
		TEST(tick_with_an_unfinished_rotation_is_no_error),
		TEST(tick_tells_the_first_failure_after_every_secret_had_its_turn),
		TEST(tick_trims_its_entries),
		TEST(tick_with_an_entry_that_is_none_says_so_and_rotates_the_others),
		TEST(inspect_judges_the_timeout_of_a_function_only),
		TEST(inspect_begins_with_the_caller),
		TEST(inspect_without_a_caller_asks_nothing_more),
		TEST(inspect_for_a_status_names_no_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
