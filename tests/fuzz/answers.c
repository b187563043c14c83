#include "answers.h"

#include "clients/http/http.h"

#include <stdlib.h>

#define HEADERS_LIMIT (32 * 1024)

static struct input script;
static unsigned asked;
static int64_t now;

static int64_t tell_time(void)
{
	return now;
}

static void pass_time(int64_t milliseconds)
{
	if (milliseconds > 0)
		now += milliseconds;
}

static const struct clock scripted_clock = {.now = tell_time, .sleep = pass_time};

struct deadline answers_deadline(void)
{
	return deadline_in(&scripted_clock, 60 * 1000);
}

void answers_begin(struct input input)
{
	script = input;
	asked = 0;
	now = 0;
}

unsigned answers_asked(void)
{
	return asked;
}

/* As take_header() of clients/http keeps them. */
static struct status take_headers(struct http_response *ret)
{
	for (;;) {
		AUTO(string_clear) char *line = take_line(&script);
		char *colon = strchr(line, ':'), *value;

		if (*line == '\0')
			return OK;
		if (colon == NULL)
			continue;
		*colon = '\0';
		value = colon + 1 + strspn(colon + 1, " \t");
		TRY(buffer_append(&ret->headers_, line, strlen(line) + 1));
		TRY(buffer_append(&ret->headers_, value, strlen(value) + 1));
	}
}

struct status __wrap_http_open(struct http **ret);
void __wrap_http_close(struct http **);
struct status __wrap_http_exchange(struct http *, const struct http_request *,
				   struct http_response *);

/* Nobody looks into the handle; opening a real one would take longer than all the rest. */
struct status __wrap_http_open(struct http **ret)
{
	*ret = (struct http *)&script;
	return OK;
}

void __wrap_http_close(struct http **http)
{
	*http = NULL;
}

struct status __wrap_http_exchange(struct http *http, const struct http_request *request,
				   struct http_response *ret)
{
	AUTO(string_clear) char *status = take_line(&script), *body = NULL;

	(void)http;
	asked++;
	http_response_clear(ret);
	ret->headers_ = BUFFER_INIT(HEADERS_LIMIT);
	ret->body = BUFFER_INIT(request->response_limit > 0 ? request->response_limit : 1 << 20);
	ret->status = (int)strtol(status, NULL, 10);
	ret->progress = ret->status == 1 ? HTTP_LOST : HTTP_NOT_SENT;
	if (ret->status < 100 || ret->status > 599) {
		ret->status = 0;
		return failure(STATUS_UNAVAILABLE, "%s is not there", request->what);
	}
	ret->progress = HTTP_ANSWERED;
	TRY(take_headers(ret));
	body = take_line(&script);
	return buffer_append_string(&ret->body, body);
}
