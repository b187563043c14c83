/*
 * An HTTP server that says anything: libcurl takes it apart, our callbacks keep it. A real socket,
 * since there is no other way in; the server is a thread that answers each connection.
 *
 * Input: the bytes of up to three answers, one after the other on one handle; between them "--" alone
 * on a line.
 */
#include "fuzz.h"

#include "clients/http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESPONSE_LIMIT 16384
#define ANSWER_MAX 65536
#define ANSWERS 3

static struct {
	pthread_t thread;
	int listener;
	char url[64];
	pthread_mutex_t lock;
	char answer[ANSWER_MAX]; /* a copy: a late connection may ask when its input is gone */
	size_t length;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void answer_with(struct input answer)
{
	size_t size = (size_t)(answer.end - answer.at);

	pthread_mutex_lock(&server.lock);
	server.length = size < ANSWER_MAX ? size : ANSWER_MAX;
	if (size > 0)
		memcpy(server.answer, answer.at, server.length);
	pthread_mutex_unlock(&server.lock);
}

static void send_answer(int peer)
{
	pthread_mutex_lock(&server.lock);
	(void)!send(peer, server.answer, server.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	pthread_mutex_unlock(&server.lock);
}

static void *serve(void *unused)
{
	char request[4096];
	int peer;

	while ((peer = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (read(peer, request, sizeof(request)) > 0)
			send_answer(peer);
		/* What libcurl does not want to read any more must not hold us up. */
		shutdown(peer, SHUT_WR);
		close(peer);
	}
	return unused;
}

static void start(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(server.listener >= 0);
	REQUIRE(bind(server.listener, (struct sockaddr *)&address, size) == 0);
	REQUIRE(listen(server.listener, 16) == 0);
	REQUIRE(getsockname(server.listener, (struct sockaddr *)&address, &size) == 0);
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	REQUIRE(pthread_create(&server.thread, NULL, serve, NULL) == 0);
}

static void require_answer(struct status status, const struct http_response *response)
{
	static const char *const names[] = {"Date", "Retry-After", "x-amzn-errortype", ""};
	int64_t number;

	require_sound(status);
	REQUIRE(response->body.length <= RESPONSE_LIMIT);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = http_response_header(response, names[i]);

		if (value == NULL)
			continue;
		REQUIRE(value > response->headers_.data);
		REQUIRE(value + strlen(value) <
			response->headers_.data + response->headers_.length);
		REQUIRE(strpbrk(value, "\r\n") == NULL);
	}
	(void)http_response_date(response, &number);
	if (status.code == STATUS_OK)
		REQUIRE(response->progress == HTTP_ANSWERED && response->status >= 0);
	else
		REQUIRE(status.code == STATUS_UNAVAILABLE || status.code == STATUS_INVALID);
}

/* Up to the border or the end; moves `input` behind it. */
static struct input take_answer(struct input *input)
{
	static const char border[] = "\n--\n";
	size_t left = (size_t)(input->end - input->at), length = sizeof(border) - 1;
	const char *found = left > 0 ? memmem(input->at, left, border, length) : NULL;
	struct input answer = {input->at, found != NULL ? found : input->end};

	input->at = found != NULL ? found + length : input->end;
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(http_close) struct http *http = NULL;
	struct input input = INPUT(data, size);
	struct http_request request = {.what = "the server",
				       .method = "POST",
				       .body = "x",
				       .body_length = 1,
				       .bypass_proxy = true,
				       .response_limit = RESPONSE_LIMIT};

	if (server.url[0] == '\0')
		start();
	REQUIRE(http_open(&http).code == STATUS_OK);
	request.url = server.url;
	for (int i = 0; i < ANSWERS && (i == 0 || input.at < input.end); i++) {
		AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

		answer_with(take_answer(&input));
		request.deadline = deadline_in(&clock_system, 5000);
		require_answer(http_exchange(http, &request, &response), &response);
	}
	return 0;
}
