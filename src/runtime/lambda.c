#include "runtime/lambda.h"

#include "clients/http/http.h"
#include "core/json.h"
#include "core/memory.h"
#include "runtime/invocation.h"
#include "runtime/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "2018-06-01"
#define URL_MAX_BYTES 512
#define ANSWER_MAX_BYTES (256 * 1024)
#define POLL_FAILURES_MAX 3

/* Kept from every invocation, so that a step that runs out of time can still say so. */
#define MARGIN_MS 1000
#define ANSWER_WAIT_MS 5000

#define FUNCTION_MAX_MS (15 * 60 * 1000) /* Lambda's limit */

struct loop {
	const struct program *program;
	struct http *http;
	const char *api; /* host:port */
	bool unusable;	 /* the API said 500: Lambda wants this environment gone at once */
};

/* One invocation's identity, copied out of the headers: the response is reused. */
struct turn {
	char request_id[128];
	struct deadline deadline;
};

static struct status call_api(struct loop *loop, const char *method, const char *path,
			      const struct http_header *header, const struct buffer *body,
			      bool may_block, struct http_response *ret)
{
	char url[URL_MAX_BYTES];
	struct http_request request = {
		.what = "the Lambda Runtime API",
		.method = method,
		.url = url,
		.headers = header,
		.header_count = header != NULL ? 1 : 0,
		.body = body != NULL ? buffer_string(body) : NULL,
		.body_length = body != NULL ? body->length : 0,
		.bypass_proxy = true,
		.connect_timeout = 1000,
		.response_limit = 7 * 1024 * 1024, /* the largest event is 6 MB */
		.repeatable = true,
	};
	int length = snprintf(url, sizeof(url), "http://%s/" API_VERSION "/runtime/%s", loop->api,
			      path);

	if (length < 0 || length >= (int)sizeof(url))
		return failure(STATUS_INVALID, "AWS_LAMBDA_RUNTIME_API is too long");
	/* The process may be frozen for hours inside the wait for the next event. */
	if (!may_block)
		request.deadline = deadline_in(&clock_system, ANSWER_WAIT_MS);
	TRY(http_exchange(loop->http, &request, ret));
	loop->unusable = ret->status / 100 == 5;
	return OK;
}

static struct status build_error(const char *type, struct status why, struct buffer *ret)
{
	TRY(buffer_append_string(ret, "{\"errorMessage\":"));
	TRY(json_quote(why.detail, ret));
	TRY(buffer_printf(ret, ",\"errorType\":\"%s\",\"stackTrace\":[]}", type));
	return OK;
}

static struct status post_error(struct loop *loop, const char *path, const char *type,
				struct status why)
{
	AUTO(http_response_clear) struct http_response answer = HTTP_RESPONSE_INIT;
	AUTO(buffer_clear) struct buffer body = BUFFER_INIT(ANSWER_MAX_BYTES);
	struct http_header header = {.name = "Lambda-Runtime-Function-Error-Type", .value = type};

	TRY(build_error(type, why, &body));
	TRY(call_api(loop, "POST", path, &header, &body, false, &answer));
	if (answer.status / 100 != 2 && answer.status != 400)
		return failure(STATUS_UNAVAILABLE, "the Lambda Runtime API answered %d to an error",
			       answer.status);
	return OK;
}

/* Lambda accepts letters only: Function.SetSecretFailed, Function.InvalidEvent, …. */
static const char *error_type_of(const struct event *event)
{
	static const char *const step_types[STEP_COUNT] = {
		[STEP_CREATE] = "Function.CreateSecretFailed",
		[STEP_SET] = "Function.SetSecretFailed",
		[STEP_TEST] = "Function.TestSecretFailed",
		[STEP_FINISH] = "Function.FinishSecretFailed",
	};

	switch (event->kind) {
	case EVENT_STEP:
		return step_types[event->step];
	case EVENT_CHECK:
	case EVENT_STATUS:
		return "Function.InspectionFailed";
	case EVENT_TICK:
		break;
	}
	return "Function.RotateSecretFailed";
}

static struct status inspect(const struct invocation *invocation, const struct event *event,
			     struct buffer *answer)
{
	struct inspection *result = calloc(1, sizeof(*result));
	struct status status;

	if (result == NULL)
		return OUT_OF_MEMORY;
	status = invocation_inspect(invocation, event->secret_id, event->kind == EVENT_CHECK,
				    result);
	if (status.code == STATUS_OK)
		status = print_json(result, event->secret_id, answer);
	free(result);
	return status;
}

static struct status run_event(const struct invocation *invocation, const struct event *event,
			       struct buffer *answer)
{
	switch (event->kind) {
	case EVENT_STEP:
		TRY(invocation_step(invocation, event, NULL));
		break;
	case EVENT_TICK:
		TRY(invocation_tick(invocation));
		break;
	case EVENT_CHECK:
	case EVENT_STATUS:
		return inspect(invocation, event, answer);
	}
	return buffer_append_string(answer, "{}");
}

static void log_failure(const struct program *program, const char *request_id, struct status why)
{
	const struct log_field fields[] = {
		LOG_TEXT("requestId", request_id),
		LOG_TEXT("errorClass", status_code_name(why.code)),
		LOG_END,
	};

	log_write(program->log, LOG_ERROR, why.detail, fields);
}

static struct status answer_turn(struct loop *loop, const struct turn *turn, const char *payload,
				 size_t length)
{
	AUTO(http_response_clear) struct http_response accepted = HTTP_RESPONSE_INIT;
	AUTO(buffer_clear) struct buffer answer = BUFFER_INIT(ANSWER_MAX_BYTES);
	AUTO(event_clear) struct event event = EVENT_INIT;
	struct invocation invocation = {
		.program = loop->program,
		.request_id = turn->request_id,
		.deadline = turn->deadline,
	};
	const char *type = "Function.InvalidEvent";
	char path[256];
	struct status status = event_parse(payload, length, &event);

	if (status.code != STATUS_OK) {
		log_failure(loop->program, turn->request_id, status);
	} else {
		type = error_type_of(&event);
		status = run_event(&invocation, &event, &answer);
	}
	if (status.code != STATUS_OK) {
		snprintf(path, sizeof(path), "invocation/%s/error", turn->request_id);
		return post_error(loop, path, type, status);
	}
	snprintf(path, sizeof(path), "invocation/%s/response", turn->request_id);
	TRY(call_api(loop, "POST", path, NULL, &answer, false, &accepted));
	/* 400: the invocation is over already; nothing is lost by going on. */
	if (accepted.status / 100 != 2 && accepted.status != 400)
		return failure(STATUS_UNAVAILABLE,
			       "the Lambda Runtime API answered %d to a response", accepted.status);
	return OK;
}

/* For whatever library traces. putenv() with a buffer of ours: setenv() would leak one a turn. */
static void keep_trace_id(const char *trace)
{
	static char variable[512];

	snprintf(variable, sizeof(variable), "_X_AMZN_TRACE_ID=%s", trace != NULL ? trace : "");
	putenv(variable);
}

/* Milliseconds until the date of the header; `otherwise` where that is no date. */
static int64_t time_left(const char *until, int64_t otherwise)
{
	long long date = until != NULL ? strtoll(until, NULL, 10) : 0;
	int64_t left;

	if (date <= 0)
		return otherwise;
	left = date - clock_unix_ms();
	return left < FUNCTION_MAX_MS ? left : FUNCTION_MAX_MS;
}

static struct status read_turn(struct loop *loop, const struct http_response *next,
			       struct turn *ret)
{
	const char *id = http_response_header(next, "Lambda-Runtime-Aws-Request-Id");
	const char *until = http_response_header(next, "Lambda-Runtime-Deadline-Ms");
	const char *trace = http_response_header(next, "Lambda-Runtime-Trace-Id");
	int64_t left = time_left(until, loop->program->config->timeout * 1000);

	if (next->status != 200)
		return failure(STATUS_UNAVAILABLE, "the Lambda Runtime API answered %d to a poll",
			       next->status);
	if (id == NULL || strlen(id) >= sizeof(ret->request_id))
		return failure(STATUS_UNAVAILABLE,
			       "the Lambda Runtime API sent an event without a request id");
	snprintf(ret->request_id, sizeof(ret->request_id), "%s", id);
	/* A very short function keeps most of its time; a normal one leaves a second to report. */
	left -= left < 4 * MARGIN_MS ? left / 4 : MARGIN_MS;
	ret->deadline = deadline_in(&clock_system, left);
	keep_trace_id(trace);
	return OK;
}

static struct status take_turn(struct loop *loop, struct http_response *next)
{
	struct turn turn;

	TRY(call_api(loop, "GET", "invocation/next", NULL, NULL, true, next));
	TRY(read_turn(loop, next, &turn));
	return answer_turn(loop, &turn, buffer_string(&next->body), next->body.length);
}

void lambda_run(const struct program *program)
{
	AUTO(http_close) struct http *http = NULL;
	struct loop loop = {.program = program, .api = program->config->lambda_runtime_api};
	struct status turn = http_open(&http);
	const unsigned long lacked = memory_failures();

	if (turn.code != STATUS_OK) {
		log_failure(program, NULL, turn);
		return;
	}
	loop.http = http;
	for (int failures = 0; failures < POLL_FAILURES_MAX && !loop.unusable;) {
		AUTO(http_response_clear) struct http_response next = HTTP_RESPONSE_INIT;

		turn = take_turn(&loop, &next);
		failures = turn.code == STATUS_OK ? 0 : failures + 1;
		if (failures > 0)
			log_failure(program, NULL, turn);
		if (memory_failures() != lacked) {
			log_failure(
				program, NULL,
				failure(STATUS_UNAVAILABLE,
					"out of memory: this process ends, the next event gets "
					"a new one; if it happens again, give the function more"));
			return;
		}
	}
}

void lambda_report_init_error(const char *api, struct status why)
{
	AUTO(http_close) struct http *http = NULL;
	struct loop loop = {.api = api};
	struct status reported = http_open(&http);

	loop.http = http;
	if (reported.code == STATUS_OK)
		reported = post_error(&loop, "init/error", "Runtime.InvalidConfiguration", why);
	(void)reported;
}
