/* The loop against a scripted Runtime API: what it asks, what it answers, and when it ends. */
#include "test.h"

#include "clients/http/http.h"
#include "clients/loopback.h"
#include "core/json.h"
#include "runtime/lambda.h"
#include "runtime/scripted_program.h"

#define NEXT "/2018-06-01/runtime/invocation/next"
#define RESPONSE "/2018-06-01/runtime/invocation/id-1/response"
#define ERROR "/2018-06-01/runtime/invocation/id-1/error"
#define TOKEN "01234567-89ab-cdef-0123-456789abcdef"
#define TICK "{\"detail-type\":\"Scheduled Event\"}"
#define STEP(name) "{\"Step\":\"" name "\",\"SecretId\":\"s\",\"ClientRequestToken\":\"" TOKEN "\"}"

/* One answer. After the last, and whenever `status` is 0, the API says 500. */
struct line {
	int status;
	const char *body;     /* of the event */
	const char *no_id;    /* instead of the header with the request id */
	int64_t left;	      /* the event's milliseconds; 0 = it says nothing */
	const char *trace_id; /* NULL = none */
};

static struct loopback api;
static const struct line *script;
static bool had_limit[16]; /* of each exchange: was there an end to the wait? */
static int exchanges;
static int lacks_memory_at; /* the exchange during which an allocation fails; 0 = none */

unsigned long __wrap_memory_failures(void);

/* As in thread and process: it only ever grows. */
unsigned long __wrap_memory_failures(void)
{
	return lacks_memory_at != 0 && exchanges >= lacks_memory_at;
}

struct status __real_http_exchange(struct http *, const struct http_request *,
				   struct http_response *);
struct status __wrap_http_exchange(struct http *, const struct http_request *,
				   struct http_response *);

/* Waiting to see whether a wait ends would take longer than the limit itself. */
struct status __wrap_http_exchange(struct http *http, const struct http_request *request,
				   struct http_response *ret)
{
	had_limit[exchanges++ % 16] = request->deadline.clock != NULL;
	return __real_http_exchange(http, request, ret);
}

static void respond(struct loopback *server, const struct asked *asked, struct answer *answer)
{
	static char headers[512];
	const struct line *line = &script[server->count - 1];
	int used;

	answer->status = line->status != 0 ? line->status : 500;
	if (answer->status != 200 || strcmp(asked->target, NEXT) != 0)
		return;
	used = snprintf(headers, sizeof(headers), "%s",
			line->no_id != NULL ? line->no_id
					    : "Lambda-Runtime-Aws-Request-Id: id-1\r\n");
	if (line->left != 0)
		used += snprintf(headers + used, sizeof(headers) - (size_t)used,
				 "Lambda-Runtime-Deadline-Ms: %lld\r\n",
				 (long long)(clock_unix_ms() + line->left));
	if (line->trace_id != NULL)
		snprintf(headers + used, sizeof(headers) - (size_t)used,
			 "Lambda-Runtime-Trace-Id: %s\r\n", line->trace_id);
	answer->headers = headers;
	snprintf(answer->body, sizeof(answer->body), "%s", line->body);
}

static int start(void **state)
{
	(void)state;
	program_make(WORLD_PLAIN);
	world.config.secret_ids = ADMIN_SECRET;
	world_put(&world, ADMIN_SECRET, "admin-1", STAGE_CURRENT, "{}");
	loopback_start(&api, respond);
	world.config.lambda_runtime_api = api.url + strlen("http://");
	exchanges = 0;
	lacks_memory_at = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	loopback_stop(&api);
	program_clear();
	return 0;
}

#define RUN(...)                                                       \
	do {                                                           \
		script = (const struct line[]){__VA_ARGS__, {0}, {0}}; \
		lambda_run(&program);                                  \
	} while (0)

static void loop_answers_and_asks_again(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK}, {.status = 202}, {.status = 200, .body = "nonsense"},
	    {.status = 202});
	assert_int_equal(api.count, 5);
	assert_string_equal(api.asked[0].method, "GET");
	assert_string_equal(api.asked[0].target, NEXT);
	assert_string_equal(api.asked[1].method, "POST");
	assert_string_equal(api.asked[1].target, RESPONSE);
	assert_string_equal(api.asked[1].body, "{}");
	assert_string_equal(api.asked[3].target, ERROR);
	assert_string_equal(api.asked[4].target, NEXT);
	assert_logged("INFO", "rotation started", "\"requestId\":\"id-1\"");
	assert_logged("ERROR", "not JSON", "\"requestId\":\"id-1\"");
	assert_logged("ERROR", "answered 500 to a poll");
	assert_string_equal(logged(), "");
}

/* Lambda freezes the process inside the wait for an event; an answer is taken at once or never. */
static void loop_waits_for_an_event_without_a_limit_and_for_nothing_else(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK}, {.status = 202}, {.status = 200, .body = "nonsense"},
	    {.status = 202});
	for (int i = 0; i < 5; i++)
		assert_int_equal(had_limit[i], i % 2 == 1);
}

static void loop_ends_at_once_when_a_poll_gets_a_500(void **state)
{
	(void)state;
	RUN({.status = 500}, {.status = 200, .body = TICK});
	assert_int_equal(api.count, 1);
}

static void loop_ends_at_once_when_a_response_gets_a_500(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK}, {.status = 500}, {.status = 200, .body = TICK});
	assert_int_equal(api.count, 2);
	assert_logged("INFO", "rotation started");
	assert_logged("ERROR", "answered 500 to a response");
}

static void loop_ends_at_once_when_an_error_gets_a_500(void **state)
{
	(void)state;
	RUN({.status = 200, .body = "nonsense"}, {.status = 503}, {.status = 200, .body = TICK});
	assert_int_equal(api.count, 2);
	assert_logged("ERROR", "not JSON");
	assert_logged("ERROR", "answered 503 to an error");
}

/* 400 is an invocation that was over already: four of them in a row are four turns. */
static void loop_goes_on_when_an_answer_comes_too_late(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK}, {.status = 400}, {.status = 200, .body = TICK},
	    {.status = 400}, {.status = 200, .body = "x"}, {.status = 400},
	    {.status = 200, .body = "x"}, {.status = 400});
	assert_int_equal(api.count, 9);
	for (int i = 0; i < 4; i++)
		assert_null(strstr(logged(), "Runtime API"));
	assert_logged("ERROR", "answered 500 to a poll");
}

static void loop_ends_after_three_failed_turns_in_a_row(void **state)
{
	(void)state;
	RUN({.status = 403}, {.status = 403}, {.status = 200, .body = TICK}, {.status = 202},
	    {.status = 403}, {.status = 200, .body = TICK}, {.status = 403}, {.status = 403},
	    {.status = 200, .body = TICK});
	assert_int_equal(api.count, 8);
	assert_logged("ERROR", "answered 403 to a poll");
	assert_logged("ERROR", "answered 403 to a poll");
	assert_logged("INFO", "rotation started");
	assert_logged("ERROR", "answered 403 to a poll");
	assert_logged("WARN", "is not finished");
	assert_logged("ERROR", "answered 403 to a response");
	assert_logged("ERROR", "answered 403 to a poll");
}

/* The event is answered, whatever came of it; the next one meets a new process. */
static void loop_ends_after_the_turn_in_which_an_allocation_failed(void **state)
{
	(void)state;
	lacks_memory_at = 3;
	RUN({.status = 200, .body = TICK}, {.status = 202}, {.status = 200, .body = "nonsense"},
	    {.status = 202}, {.status = 200, .body = TICK});
	assert_int_equal(api.count, 4);
	assert_string_equal(api.asked[3].target, ERROR);
	assert_logged("INFO", "rotation started");
	assert_logged("ERROR", "not JSON");
	assert_logged("ERROR", "out of memory: this process ends", "UNAVAILABLE");
	assert_string_equal(logged(), "");
}

static void loop_ends_when_nobody_listens(void **state)
{
	(void)state;
	world.config.lambda_runtime_api = "127.0.0.1:9";
	lambda_run(&program);
	for (int i = 0; i < 3; i++)
		assert_logged("ERROR", "127.0.0.1");
	assert_string_equal(logged(), "");
}

/* A proxy for the internet is not for the Runtime API. */
static void loop_never_uses_a_proxy(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	RUN({.status = 200, .body = TICK}, {.status = 202});
	unsetenv("http_proxy");
	assert_int_equal(api.count, 3);
}

static void event_without_a_usable_request_id_is_not_run(void **state)
{
	char endless[200];

	(void)state;
	snprintf(endless, sizeof(endless), "Lambda-Runtime-Aws-Request-Id: %0128d\r\n", 1);
	RUN({.status = 200, .body = TICK, .no_id = ""},
	    {.status = 200, .body = TICK, .no_id = endless});
	assert_int_equal(api.count, 3);
	assert_int_equal(stores, 0);
	assert_logged("ERROR", "without a request id");
	assert_logged("ERROR", "without a request id");
}

static void event_leaves_time_to_report(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK, .left = 2000}, {.status = 202},
	    {.status = 200, .body = TICK, .left = 60000}, {.status = 202},
	    {.status = 200, .body = TICK}, {.status = 202});
	assert_int_equal(stores, 3);
	assert_in_range(store_deadlines[0], 1500 - 400, 1500);
	assert_in_range(store_deadlines[1], 59000 - 400, 59000);
	assert_in_range(store_deadlines[2], 299000 - 400, 299000); /* TANDEM_TIMEOUT */
}

static void event_with_a_deadline_that_is_none_ends_all_the_same(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK, .left = 4000000000000000000}, {.status = 202},
	    {.status = 200, .body = TICK, .left = -4000000000000}, {.status = 202});
	assert_int_equal(stores, 2);
	assert_in_range(store_deadlines[0], 899000 - 400, 899000); /* Lambda's limit */
	assert_in_range(store_deadlines[1], 299000 - 400, 299000); /* before 1970: TANDEM_TIMEOUT */
}

static void event_sets_its_trace_id_and_the_next_one_clears_it(void **state)
{
	(void)state;
	RUN({.status = 200, .body = TICK, .trace_id = "Root=1-2-3"}, {.status = 202},
	    {.status = 200, .body = TICK}, {.status = 202});
	assert_string_equal(store_traces[0], "Root=1-2-3");
	assert_string_equal(store_traces[1], "");
}

static void error_names_its_type_in_header_and_body(void **state)
{
	static const struct {
		const char *event, *type;
	} failing[] = {
		{STEP("createSecret"), "Function.CreateSecretFailed"},
		{STEP("setSecret"), "Function.SetSecretFailed"},
		{STEP("testSecret"), "Function.TestSecretFailed"},
		{STEP("finishSecret"), "Function.FinishSecretFailed"},
		{"{\"Command\":\"check\",\"SecretId\":\"s\"}", "Function.InspectionFailed"},
		{"{\"Command\":\"status\",\"SecretId\":\"s\"}", "Function.InspectionFailed"},
		{TICK, "Function.RotateSecretFailed"},
		{STEP("set_secret"), "Function.InvalidEvent"},
	};
	struct line lines[2 * 8 + 1] = {0};
	char header[64];

	(void)state;
	no_store = failure(STATUS_INVALID, "no \"region\":\n\tset AWS_REGION");
	for (int i = 0; i < 8; i++) {
		lines[2 * i] = (struct line){.status = 200, .body = failing[i].event};
		lines[2 * i + 1] = (struct line){.status = 202};
	}
	script = lines;
	lambda_run(&program);
	assert_int_equal(api.count, 17);
	for (int i = 0; i < 8; i++) {
		const struct asked *asked = &api.asked[2 * i + 1];
		AUTO(json_clear) cJSON *body = NULL;

		assert_string_equal(asked->target, ERROR);
		asked_header(asked, "Lambda-Runtime-Function-Error-Type", header, sizeof(header));
		assert_string_equal(header, failing[i].type);
		assert_ok(json_parse(asked->body, strlen(asked->body), &body));
		assert_string_equal(json_string(body, "errorType"), failing[i].type);
		assert_non_null(strstr(json_string(body, "errorMessage"),
				       i < 7 ? "no \"region\":" : "setSecret"));
		assert_true(cJSON_IsArray(cJSON_GetObjectItem(body, "stackTrace")));
	}
}

static void inspection_is_answered_as_json(void **state)
{
	AUTO(json_clear) cJSON *check = NULL, *status = NULL;

	(void)state;
	RUN({.status = 200,
	     .body = "{\"Command\":\"check\",\"SecretId\":\"" APPLICATION_SECRET "\"}"},
	    {.status = 202},
	    {.status = 200,
	     .body = "{\"Command\":\"status\",\"SecretId\":\"" APPLICATION_SECRET "\"}"},
	    {.status = 202});
	assert_string_equal(api.asked[1].target, RESPONSE);
	assert_ok(json_parse(api.asked[1].body, strlen(api.asked[1].body), &check));
	assert_string_equal(json_string(check, "secret"), APPLICATION_SECRET);
	assert_non_null(strstr(api.asked[1].body, "\"caller\""));
	assert_ok(json_parse(api.asked[3].body, strlen(api.asked[3].body), &status));
	assert_null(strstr(api.asked[3].body, "\"caller\""));
}

static void init_error_is_told_where_lambda_wants_it(void **state)
{
	AUTO(json_clear) cJSON *body = NULL;
	char header[64];

	(void)state;
	script = (const struct line[]){{.status = 202}, {0}};
	lambda_report_init_error(world.config.lambda_runtime_api,
				 failure(STATUS_INVALID, "PASSWORD_LENGTH is \"many\""));
	assert_int_equal(api.count, 1);
	assert_string_equal(api.asked[0].method, "POST");
	assert_string_equal(api.asked[0].target, "/2018-06-01/runtime/init/error");
	asked_header(&api.asked[0], "Lambda-Runtime-Function-Error-Type", header, sizeof(header));
	assert_string_equal(header, "Runtime.InvalidConfiguration");
	assert_ok(json_parse(api.asked[0].body, strlen(api.asked[0].body), &body));
	assert_string_equal(json_string(body, "errorMessage"), "PASSWORD_LENGTH is \"many\"");
	assert_true(had_limit[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loop_answers_and_asks_again),
		TEST(loop_waits_for_an_event_without_a_limit_and_for_nothing_else),
		TEST(loop_ends_at_once_when_a_poll_gets_a_500),
		TEST(loop_ends_at_once_when_a_response_gets_a_500),
		TEST(loop_ends_at_once_when_an_error_gets_a_500),
		TEST(loop_goes_on_when_an_answer_comes_too_late),
		TEST(loop_ends_after_three_failed_turns_in_a_row),
		TEST(loop_ends_after_the_turn_in_which_an_allocation_failed),
		TEST(loop_ends_when_nobody_listens),
		TEST(loop_never_uses_a_proxy),
		TEST(event_without_a_usable_request_id_is_not_run),
		TEST(event_leaves_time_to_report),
		TEST(event_with_a_deadline_that_is_none_ends_all_the_same),
		TEST(event_sets_its_trace_id_and_the_next_one_clears_it),
		TEST(error_names_its_type_in_header_and_body),
		TEST(inspection_is_answered_as_json),
		TEST(init_error_is_told_where_lambda_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
