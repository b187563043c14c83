/* http_exchange against a scripted server: what is sent, what is read, how it can fail. */
#include "test.h"

#include "clients/http_fixture.h"

static void respond_hello(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	(void)at, (void)asked;
	answer->headers = "X-One: first\r\nx-one:   second \r\nEmpty:\r\nX-Two: a\rb\033[2J\tc\r\n";
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
	assert_string_equal(http_response_header(&response, "X-Two"), "a b [2J c");
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
	assert_failed(http_exchange(http, &request, &response), STATUS_INVALID,
		      "the test server at 127.0.0.1");
	request.response_limit = 5;
	assert_ok(http_exchange(http, &request, &response));
}

/* Says these answers, one to each connection: the scripted server can only speak HTTP. */
struct speaker {
	const char *answers[2]; /* the second may be NULL */
	int listener;
	pthread_t thread;
	char url[64];
};

static void *speak(void *context)
{
	const struct speaker *speaker = context;
	char request[1024];

	for (size_t i = 0; i < 2 && speaker->answers[i] != NULL; i++) {
		int peer = accept(speaker->listener, NULL, NULL);

		if (recv(peer, request, sizeof(request), 0) > 0)
			send(peer, speaker->answers[i], strlen(speaker->answers[i]), MSG_NOSIGNAL);
		close(peer);
	}
	return NULL;
}

static void speaker_start(struct speaker *speaker)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	speaker->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(speaker->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(speaker->listener, 2), 0);
	assert_int_equal(getsockname(speaker->listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(pthread_create(&speaker->thread, NULL, speak, speaker), 0);
	snprintf(speaker->url, sizeof(speaker->url), "http://127.0.0.1:%d",
		 ntohs(address.sin_port));
}

static void speaker_stop(struct speaker *speaker)
{
	pthread_join(speaker->thread, NULL);
	close(speaker->listener);
}

/* Whether anything was done is not known: what came is no answer. */
static void exchange_answer_that_is_no_http_is_lost(void **state)
{
	static const char *const answers[] = {
		"SSH-2.0-x\r\n",
		/* libcurl reads any number here, and gets a negative one. */
		"HTTP/2 1844674407370955161600\r\n\r\n",
		"HTTP/1.1 000 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	};

	(void)state;
	start(respond_hello);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		struct speaker speaker = {.answers = {answers[i]}};

		speaker_start(&speaker);
		struct http_request request = request_to(speaker.url);

		assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
			      "did not answer");
		assert_int_equal(response.progress, HTTP_LOST);
		speaker_stop(&speaker);
	}
}

/* One answer as it should be; then one whose first header continues a header that it does not have. */
static void exchange_remembers_nothing_of_the_one_before(void **state)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct speaker speaker = {
		.answers = {
			"HTTP/1.1 200 X\r\nA: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 X\r\n c\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"}};

	(void)state;
	start(respond_hello);
	speaker_start(&speaker);
	struct http_request request = request_to(speaker.url);

	assert_ok(http_exchange(http, &request, &response));
	assert_string_equal(http_response_header(&response, "a"), "b");
	assert_failed(http_exchange(http, &request, &response), STATUS_UNAVAILABLE,
		      "did not answer");
	speaker_stop(&speaker);
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

/* libcurl repeats the whole URL of a proxy that it cannot use. */
static void exchange_password_of_a_proxy_is_in_no_message(void **state)
{
	static const struct {
		const char *proxy;
		enum status_code code;
		const char *part;
	} proxies[] = {
		{"http://usr:hunter2@proxy.example:99999", STATUS_INVALID, "https_proxy"},
		{"gopher://usr:hunter2@proxy.example:1", STATUS_INVALID, "https_proxy"},
		{"http://usr:hun ter2@proxy.example:1", STATUS_INVALID, "https_proxy"},
		{"http://usr:hunter2@no-such-proxy.invalid:1", STATUS_UNAVAILABLE,
		 "no-such-proxy.invalid"},
	};

	(void)state;
	start(respond_hello);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
		struct http_request request = request_to(server.url);
		struct status status;

		setenv("http_proxy", proxies[i].proxy, 1);
		request.bypass_proxy = false;
		status = http_exchange(http, &request, &response);
		unsetenv("http_proxy");
		assert_failed(status, proxies[i].code, proxies[i].part);
		assert_null(strstr(status.detail, "ter2"));
		assert_null(strstr(status.detail, "usr"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exchange_get_reads_status_headers_and_body),
		TEST(exchange_post_sends_the_body_and_no_header_of_its_own),
		TEST(exchange_second_one_uses_the_same_connection),
		TEST(exchange_header_with_a_line_break_is_refused),
		TEST(exchange_redirect_is_not_followed),
		TEST(exchange_answer_beyond_the_limit_is_refused),
		TEST(exchange_answer_that_is_no_http_is_lost),
		TEST(exchange_remembers_nothing_of_the_one_before),
		TEST(exchange_nobody_listening_was_certainly_not_sent),
		TEST(exchange_passed_deadline_sends_nothing),
		TEST(exchange_late_answer_is_lost_at_the_deadline),
		TEST(exchange_cut_answer_is_lost),
		TEST(exchange_dead_connection_is_replaced_only_where_repeatable),
		TEST(exchange_fresh_connection_that_dies_is_not_tried_again),
		TEST(exchange_plain_server_behind_https_is_never_sent_to),
		TEST(exchange_password_of_a_proxy_is_in_no_message),
	};

	memory_init();
	cmocka_set_skip_filter(getenv("SKIP_TEST")); /* for ci/valgrind.py, which says why */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
