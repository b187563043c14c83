/* http_call against a scripted server: what is tried again, when, and what comes before. */
#include "test.h"

#include "clients/http_fixture.h"

/* A policy that counts what it is asked, and judges by status code. */
struct watched {
	int prepared, found;
	bool done;
};

static struct status prepare(void *context, int attempt, struct http_request *request)
{
	struct watched *watched = context;

	(void)request;
	assert_int_equal(attempt, watched->prepared);
	watched->prepared++;
	return OK;
}

static enum http_verdict judge(void *context, const struct http_response *response,
			       struct status *why)
{
	(void)context;
	if (response->status == 200)
		return HTTP_DONE;
	*why = failure(STATUS_UNAVAILABLE, "status %d", response->status);
	if (response->status == 429)
		return HTTP_SLOWER;
	if (response->status == 403)
		return HTTP_AT_ONCE;
	return response->status == 500 ? HTTP_AGAIN : HTTP_DONE;
}

static struct status find_done(void *context, bool *done)
{
	struct watched *watched = context;

	watched->found++;
	*done = watched->done;
	return OK;
}

static struct status call(struct watched *watched, int tries, int64_t time,
			  struct http_response *response)
{
	struct http_request request = request_to(server.url);
	struct http_policy policy = {.tries = tries,
				     .context = watched,
				     .prepare = prepare,
				     .judge = judge,
				     .find_done = find_done};

	request.deadline = deadline_in(&fake_clock, time);
	return http_call(http, &request, &policy, response);
}

/* The status codes to answer with, one after the other; 0 = none. The last one stays. */
static int script[16];
static const char *script_headers;

static void respond_script(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	int i = 0;

	(void)asked;
	while (i < at->count - 1 && script[i + 1] != -1)
		i++;
	answer->status = script[i];
	answer->headers = script_headers;
}

static void start_script(const int *codes, size_t count, const char *headers)
{
	for (size_t i = 0; i < 16; i++)
		script[i] = i < count ? codes[i] : -1;
	script_headers = headers;
	start(respond_script);
}

#define START_SCRIPT(headers, ...)                                                           \
	start_script((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int), \
		     headers)

static void call_failures_wait_ever_longer(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 500, 500, 500, 500, 500, 500, 500, 500, 500, 200);
	assert_ok(call(&watched, 10, 60000, &response));
	assert_int_equal(watched.prepared, 10);
	assert_int_equal(sleeps, 9);
	for (int i = 0, most = 50; i<9; i++, most = most * 2> 5000 ? 5000 : most * 2)
		assert_in_range(slept[i], most / 2, most);
}

static void call_throttling_waits_longer(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 429, 200);
	assert_ok(call(&watched, 3, 60000, &response));
	assert_in_range(slept[0], 250, 500);
}

/* Half of all calls throttled: six in a row are one in 64, and a rotation makes a dozen. */
static void call_throttling_ends_at_the_deadline_alone(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0}, again = {0};

	(void)state;
	START_SCRIPT(NULL, 429, 429, 429, 429, 429, 429, 429, 500, 429, 200);
	assert_ok(call(&watched, 2, 60000, &response));
	stop(state);
	START_SCRIPT(NULL, 429);
	assert_int_equal(call(&again, 2, 60000, &response).code, STATUS_UNAVAILABLE);
	assert_in_range(fake_now, 1000 + 60000 - 5000, 1000 + 60000);
}

static void call_retry_after_is_honoured(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT("Retry-After: 7\r\n", 500, 200);
	assert_ok(call(&watched, 3, 60000, &response));
	assert_int_equal(slept[0], 7000);
}

static void call_new_credentials_are_tried_at_once(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 403, 200);
	assert_ok(call(&watched, 3, 60000, &response));
	assert_int_equal(slept[0], 0);
}

static void call_final_answer_is_not_tried_again(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 404);
	assert_failed(call(&watched, 5, 60000, &response), STATUS_UNAVAILABLE, "status 404");
	assert_int_equal(server.count, 1);
}

static void call_tries_are_capped(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 500);
	assert_failed(call(&watched, 4, 60000, &response), STATUS_UNAVAILABLE,
		      "after 4 tries: status 500");
	assert_int_equal(server.count, 4);
}

static void call_does_not_wait_past_the_deadline(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT("Retry-After: 7\r\n", 500);
	assert_failed(call(&watched, 4, 6000, &response), STATUS_UNAVAILABLE, "status 500");
	assert_int_equal(sleeps, 0);
	assert_int_equal(server.count, 1);
}

static void call_lost_answer_is_looked_up_before_it_is_sent_again(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};

	(void)state;
	START_SCRIPT(NULL, 0, 500, 200);
	assert_ok(call(&watched, 5, 60000, &response));
	assert_int_equal(watched.found, 1); /* after the lost one, not after the 500 */
	assert_int_equal(server.count, 3);
}

static void call_lost_answer_that_was_done_ends_the_call(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {.done = true};

	(void)state;
	START_SCRIPT(NULL, 0, 200);
	assert_ok(call(&watched, 5, 60000, &response));
	assert_int_equal(response.status, 0);
	assert_int_equal(server.count, 1);
}

static void call_certificate_problem_is_not_tried_again(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct watched watched = {0};
	struct http_policy policy = {
		.tries = 5, .context = &watched, .prepare = prepare, .judge = judge};
	char url[64];

	(void)state;
	START_SCRIPT(NULL, 200);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d", server.port);
	struct http_request request = request_to(url);
	request.ca_file = "/nonexistent/ca.pem";
	assert_failed(http_call(http, &request, &policy, &response), STATUS_INVALID, "certificate");
	assert_int_equal(watched.prepared, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(call_failures_wait_ever_longer),
		TEST(call_throttling_waits_longer),
		TEST(call_throttling_ends_at_the_deadline_alone),
		TEST(call_retry_after_is_honoured),
		TEST(call_new_credentials_are_tried_at_once),
		TEST(call_final_answer_is_not_tried_again),
		TEST(call_tries_are_capped),
		TEST(call_does_not_wait_past_the_deadline),
		TEST(call_lost_answer_is_looked_up_before_it_is_sent_again),
		TEST(call_lost_answer_that_was_done_ends_the_call),
		TEST(call_certificate_problem_is_not_tried_again),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
