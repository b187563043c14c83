/* http against a scripted server: what is sent, what is read, what is tried again, and when. */
#include "test.h"

#include "clients/http/http.h"
#include "clients/loopback.h"
#include "core/memory.h"

static struct loopback server;
static struct http *http;

/* A clock on which a minute passes in no time: sleeping moves it. */
static int64_t fake_now;
static int64_t slept[32];
static int sleeps;

static int64_t read_fake(void)
{
	return fake_now;
}

static void sleep_fake(int64_t milliseconds)
{
	slept[sleeps++ % 32] = milliseconds;
	fake_now += milliseconds;
}

static const struct clock fake_clock = {.now = read_fake, .sleep = sleep_fake};

static void start(void (*respond)(struct loopback *, const struct asked *, struct answer *))
{
	loopback_start(&server, respond);
	assert_ok(http_open(&http));
	sleeps = 0;
	fake_now = 1000;
}

static int stop(void **state)
{
	(void)state;
	http_close(&http);
	loopback_stop(&server);
	return 0;
}

static struct http_request request_to(const char *url)
{
	return (struct http_request){.what = "the test server",
				     .method = "GET",
				     .url = url,
				     .bypass_proxy = true,
				     .deadline = deadline_in(&clock_system, 5000)};
}

static void respond_hello(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	(void)at, (void)asked;
	answer->headers = "X-One: first\r\nx-one:   second \r\nEmpty:\r\n";
	snprintf(answer->body, sizeof(answer->body), "hello");
}

static void exchange_get_reads_status_headers_and_body(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char url[128], value[64];

	(void)state;
	start(respond_hello);
	snprintf(url, sizeof(url), "%s/a/../b%%2F?q=1", server.url);
	struct http_request request = request_to(url);
	request.headers = &(struct http_header){"X-Sent", "as it is"};
	request.header_count = 1;

	assert_ok(http_exchange(http, &request, &response));
	assert_int_equal(response.status, 200);
	assert_int_equal(response.progress, HTTP_ANSWERED);
	assert_string_equal(buffer_string(&response.body), "hello");
	assert_string_equal(http_response_header(&response, "X-ONE"), "second");
	assert_string_equal(http_response_header(&response, "empty"), "");
	assert_null(http_response_header(&response, "X-On"));
	assert_string_equal(server.asked[0].target, "/a/../b%2F?q=1");
	assert_string_equal(asked_header(&server.asked[0], "X-Sent", value, 64), "as it is");
	assert_string_equal(asked_header(&server.asked[0], "Accept", value, 64), "");
}

static void exchange_post_sends_the_body_and_no_header_of_its_own(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char value[64];
	static char body[3000];

	(void)state;
	start(respond_hello);
	memset(body, 'b', sizeof(body));
	struct http_request request = request_to(server.url);
	request.method = "PUT";
	request.body = body;
	request.body_length = sizeof(body);

	assert_ok(http_exchange(http, &request, &response));
	assert_string_equal(server.asked[0].method, "PUT");
	assert_int_equal(strlen(server.asked[0].body), sizeof(body));
	assert_string_equal(asked_header(&server.asked[0], "Expect", value, 64), "");
	assert_string_equal(asked_header(&server.asked[0], "Content-Type", value, 64), "");

	request.body = NULL;
	request.body_length = 0;
	assert_ok(http_exchange(http, &request, &response));
	assert_string_equal(asked_header(&server.asked[1], "Content-Length", value, 64), "0");
}

static void exchange_second_one_uses_the_same_connection(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_hello);
	struct http_request request = request_to(server.url);

	assert_ok(http_exchange(http, &request, &response));
	assert_ok(http_exchange(http, &request, &response));
	assert_int_equal(server.connections, 1);
	assert_int_equal(server.count, 2);
}

static void exchange_header_with_a_line_break_is_refused(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_hello);
	struct http_request request = request_to(server.url);
	request.headers = &(struct http_header){"Authorization", "a\r\nX-Smuggled: b"};
	request.header_count = 1;

	assert_failed(http_exchange(http, &request, &response), STATUS_INVALID, "Authorization");
	assert_int_equal(server.count, 0);
}

static void respond_redirect(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	(void)at, (void)asked;
	answer->status = 302;
	answer->headers = "Location: /elsewhere\r\n";
}

static void exchange_redirect_is_not_followed(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_redirect);
	struct http_request request = request_to(server.url);

	assert_ok(http_exchange(http, &request, &response));
	assert_int_equal(response.status, 302);
	assert_int_equal(server.count, 1);
}

static void exchange_answer_beyond_the_limit_is_refused(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_hello);
	struct http_request request = request_to(server.url);
	request.response_limit = 4;

	assert_failed(http_exchange(http, &request, &response), STATUS_INVALID, "4 bytes");
	request.response_limit = 5;
	assert_ok(http_exchange(http, &request, &response));
}

static void exchange_nobody_listening_was_certainly_not_sent(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char url[128];
	int port;

	(void)state;
	start(respond_hello);
	port = server.port;
	loopback_stop(&server);
	snprintf(url, sizeof(url), "http://user:hidden@127.0.0.1:%d/path?hidden=1", port);
	struct http_request request = request_to(url);
	struct status status = http_exchange(http, &request, &response);

	assert_int_equal(status.code, STATUS_UNAVAILABLE);
	assert_int_equal(response.progress, HTTP_NOT_SENT);
	assert_non_null(strstr(status.detail, "the test server at 127.0.0.1:"));
	assert_null(strstr(status.detail, "hidden"));
	loopback_start(&server, respond_hello);
}

static void exchange_passed_deadline_sends_nothing(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_hello);
	struct http_request request = request_to(server.url);
	request.deadline = deadline_in(&fake_clock, 0);

	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "no time is left");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
	assert_int_equal(server.count, 0);
}

static void respond_late(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	(void)at, (void)asked;
	answer->delay_ms = 150;
}

static void exchange_late_answer_is_lost_at_the_deadline(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_late);
	struct http_request request = request_to(server.url);
	request.deadline = deadline_in(&clock_system, 40);

	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "did not answer");
	assert_int_equal(response.progress, HTTP_LOST);
	/* Without a deadline, as the Runtime API is polled, it is waited for. */
	request.deadline = (struct deadline){0};
	assert_ok(http_exchange(http, &request, &response));
}

static void respond_cut(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	respond_hello(at, asked, answer);
	answer->cut = 80; /* of 82: the body lacks two bytes */
}

static void exchange_cut_answer_is_lost(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_cut);
	struct http_request request = request_to(server.url);

	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "did not answer");
	assert_int_equal(response.progress, HTTP_LOST);
}

/* Every connection is good for one request; whoever sends a second finds it dead. */
static void respond_once(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	for (int i = 0; i < at->count - 1; i++)
		if (at->asked[i].connection == asked->connection)
			answer->status = 0;
}

static void exchange_dead_connection_is_replaced_only_where_repeatable(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_once);
	struct http_request request = request_to(server.url);
	request.method = "POST";

	assert_ok(http_exchange(http, &request, &response));
	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE, "closed");
	assert_int_equal(response.progress, HTTP_LOST);
	assert_int_equal(server.count, 2);

	assert_ok(http_exchange(http, &request, &response));
	request.repeatable = true;
	assert_ok(http_exchange(http, &request, &response));
	assert_int_equal(server.count, 5);
}

static void respond_never(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	(void)at, (void)asked;
	answer->status = 0;
}

static void exchange_fresh_connection_that_dies_is_not_tried_again(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	(void)state;
	start(respond_never);
	struct http_request request = request_to(server.url);
	request.repeatable = true;

	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "did not answer");
	assert_int_equal(server.count, 1);
}

static void exchange_plain_server_behind_https_is_never_sent_to(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	char url[64];

	(void)state;
	start(respond_never);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d", server.port);
	struct http_request request = request_to(url);
	request.ca_setting = "AWS_CA_BUNDLE";
	request.connect_timeout = 50; /* the handshake is part of it */

	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "cannot be reached");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
	request.ca_file = "/nonexistent/ca.pem";
	assert_failed(http_exchange(http, &request, &response), STATUS_INVALID,
		      "set AWS_CA_BUNDLE");
	assert_int_equal(response.progress, HTTP_NOT_SENT);
	request.url = "ftp://127.0.0.1/";
	assert_failed(http_exchange(http, &request, &response), STATUS_INVALID, "not valid");
}

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
		cmocka_unit_test_teardown(exchange_get_reads_status_headers_and_body, stop),
		cmocka_unit_test_teardown(exchange_post_sends_the_body_and_no_header_of_its_own,
					  stop),
		cmocka_unit_test_teardown(exchange_second_one_uses_the_same_connection, stop),
		cmocka_unit_test_teardown(exchange_header_with_a_line_break_is_refused, stop),
		cmocka_unit_test_teardown(exchange_redirect_is_not_followed, stop),
		cmocka_unit_test_teardown(exchange_answer_beyond_the_limit_is_refused, stop),
		cmocka_unit_test_teardown(exchange_nobody_listening_was_certainly_not_sent, stop),
		cmocka_unit_test_teardown(exchange_passed_deadline_sends_nothing, stop),
		cmocka_unit_test_teardown(exchange_late_answer_is_lost_at_the_deadline, stop),
		cmocka_unit_test_teardown(exchange_cut_answer_is_lost, stop),
		cmocka_unit_test_teardown(
			exchange_dead_connection_is_replaced_only_where_repeatable, stop),
		cmocka_unit_test_teardown(exchange_fresh_connection_that_dies_is_not_tried_again,
					  stop),
		cmocka_unit_test_teardown(exchange_plain_server_behind_https_is_never_sent_to,
					  stop),
		cmocka_unit_test_teardown(call_failures_wait_ever_longer, stop),
		cmocka_unit_test_teardown(call_throttling_waits_longer, stop),
		cmocka_unit_test_teardown(call_retry_after_is_honoured, stop),
		cmocka_unit_test_teardown(call_new_credentials_are_tried_at_once, stop),
		cmocka_unit_test_teardown(call_final_answer_is_not_tried_again, stop),
		cmocka_unit_test_teardown(call_tries_are_capped, stop),
		cmocka_unit_test_teardown(call_does_not_wait_past_the_deadline, stop),
		cmocka_unit_test_teardown(call_lost_answer_is_looked_up_before_it_is_sent_again,
					  stop),
		cmocka_unit_test_teardown(call_lost_answer_that_was_done_ends_the_call, stop),
		cmocka_unit_test_teardown(call_certificate_problem_is_not_tried_again, stop),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
