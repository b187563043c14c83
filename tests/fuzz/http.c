/*
 * An HTTP server that says anything: libcurl takes it apart, our callbacks keep it. A real socket,
 * since there is no other way in; the server is a thread that answers each connection with the input.
 *
 * Input: the bytes of the answer.
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

static struct {
	pthread_t thread;
	int listener;
	char url[64];
	const char *answer;
	size_t length;
} server;

static void *serve(void *unused)
{
	char request[4096];
	int peer;

	while ((peer = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (read(peer, request, sizeof(request)) > 0)
			(void)!send(peer, server.answer, server.length, MSG_NOSIGNAL);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http *http;
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.what = "the server",
				       .method = "POST",
				       .body = "x",
				       .body_length = 1,
				       .bypass_proxy = true,
				       .response_limit = RESPONSE_LIMIT};

	if (http == NULL) {
		start();
		REQUIRE(http_open(&http).code == STATUS_OK);
	}
	server.answer = (const char *)data;
	server.length = size;
	request.url = server.url;
	request.deadline = deadline_in(&clock_system, 5000);
	require_answer(http_exchange(http, &request, &response), &response);
	return 0;
}
