#include "clients/aws/call.h"

#include "clients/aws/sigv4.h"
#include "core/memory.h"

#include <stdlib.h>

#define TRIES 6
#define TRY_TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MS 3000
#define RESPONSE_LIMIT (2 * 1024 * 1024)
#define AUTHORIZATION_LIMIT 2048
#define HEADERS_MAX 6
#define SKEW_NOTICED_S 60 /* AWS bears five minutes; less than one is not the clock's fault */

void aws_keys_clear(struct aws_keys *keys)
{
	string_clear(&keys->access_key_id);
	secret_clear(&keys->secret_access_key);
	secret_clear(&keys->session_token);
	*keys = AWS_KEYS_INIT;
}

/* A call under way. */
struct sending {
	const struct aws_call *call;
	struct aws_error *error;
	const struct aws_keys *keys;
	bool keys_refused, keys_renewed;
	char date[SIGV4_DATE_SIZE];
	struct buffer authorization;
	struct http_header headers[HEADERS_MAX];
};

static void sending_clear(struct sending *sending)
{
	buffer_clear(&sending->authorization);
}

static int64_t aws_now(const struct aws_call *call)
{
	return clock_unix_ms() / 1000 + *call->clock_skew;
}

static void add_header(struct sending *sending, struct http_request *request, const char *name,
		       const char *value)
{
	sending->headers[request->header_count++] = (struct http_header){name, value};
	request->headers = sending->headers;
}

static struct status sign(struct sending *sending, struct http_request *request)
{
	const struct aws_call *call = sending->call;
	const struct aws_keys *keys = sending->keys;
	struct sigv4_request to_sign = {.method = request->method,
					.path = call->endpoint->path,
					.body = call->body,
					.body_length = call->body_length};
	struct sigv4_scope scope = {.access_key_id = keys->access_key_id,
				    .secret_access_key = &keys->secret_access_key,
				    .date = sending->date,
				    .region = call->endpoint->region,
				    .service = call->endpoint->signing_name};

	sigv4_date((time_t)aws_now(call), sending->date);
	add_header(sending, request, "X-Amz-Date", sending->date);
	if (!secret_empty(&keys->session_token))
		add_header(sending, request, "X-Amz-Security-Token",
			   secret_reveal(&keys->session_token));
	to_sign.headers = request->headers;
	to_sign.header_count = request->header_count;
	buffer_reset(&sending->authorization);
	TRY(sigv4_sign(&scope, &to_sign, &sending->authorization));
	add_header(sending, request, "Authorization", sending->authorization.data);
	return OK;
}

static struct status prepare(void *context, int attempt, struct http_request *request)
{
	struct sending *sending = context;
	const struct aws_call *call = sending->call;

	(void)attempt;
	*sending->error = AWS_ERROR_INIT;
	if (call->keys != NULL)
		TRY(call->keys(call->keys_context, sending->keys_refused, &sending->keys));
	sending->keys_refused = false;
	request->header_count = 0;
	add_header(sending, request, "Content-Type", call->content_type);
	add_header(sending, request, "Host", call->endpoint->host);
	if (call->target != NULL)
		add_header(sending, request, "X-Amz-Target", call->target);
	if (call->keys != NULL)
		TRY(sign(sending, request));
	++*call->count;
	return OK;
}

/*
 * New keys, or the right time, may turn a refusal into an answer: once each. A clock that has been
 * corrected is not off any more.
 */
static bool mend(struct sending *sending, const struct http_response *response)
{
	int64_t date;

	if (sending->call->keys == NULL)
		return false;
	if (sending->error->class == AWS_ERROR_CREDENTIALS && !sending->keys_renewed) {
		sending->keys_refused = true;
		sending->keys_renewed = true;
		return true;
	}
	if (sending->error->class != AWS_ERROR_SIGNATURE || !http_response_date(response, &date) ||
	    llabs(date - aws_now(sending->call)) < SKEW_NOTICED_S)
		return false;
	*sending->call->clock_skew += date - aws_now(sending->call);
	return true;
}

static enum http_verdict judge(void *context, const struct http_response *response,
			       struct status *why)
{
	struct sending *sending = context;
	const struct aws_call *call = sending->call;

	if (response->status >= 200 && response->status < 300)
		return HTTP_DONE;
	aws_error_read(response, sending->error);
	*why = aws_error_status(sending->error, call->action, call->resource,
				sending->keys != NULL ? sending->keys->source : "this caller",
				call->endpoint->region);
	if (mend(sending, response))
		return HTTP_AT_ONCE;
	if (sending->error->class == AWS_ERROR_THROTTLED)
		return HTTP_SLOWER;
	return sending->error->class == AWS_ERROR_RETRY ? HTTP_AGAIN : HTTP_DONE;
}

static struct status find_done(void *context, bool *done)
{
	struct sending *sending = context;

	return sending->call->find_done(sending->call->find_done_context, done);
}

struct status aws_call_send(struct http *http, const struct aws_call *call, struct aws_error *error,
			    struct http_response *ret)
{
	AUTO(sending_clear)
	struct sending sending = {
		.call = call, .error = error, .authorization = BUFFER_INIT(AUTHORIZATION_LIMIT)};
	struct http_request request = {.what = call->endpoint->title,
				       .method = "POST",
				       .url = call->endpoint->url,
				       .body = call->body,
				       .body_length = call->body_length,
				       .ca_file = call->config->ca_bundle,
				       .ca_setting = "AWS_CA_BUNDLE",
				       .connect_timeout = CONNECT_TIMEOUT_MS,
				       .try_timeout = TRY_TIMEOUT_MS,
				       .response_limit = RESPONSE_LIMIT,
				       .deadline = call->deadline,
				       .repeatable = call->repeatable};
	struct http_policy policy = {.tries = TRIES,
				     .context = &sending,
				     .prepare = prepare,
				     .judge = judge,
				     .find_done = call->find_done != NULL ? find_done : NULL};

	struct status sent;

	*error = AWS_ERROR_INIT;
	sent = http_call(http, &request, &policy, ret);
	if (sent.code != STATUS_UNAVAILABLE || error->type[0] != '\0')
		return sent;
	/* Nobody answered: in a VPC that is nearly always the way there. */
	return status_while(sent,
			    "%s on '%s' (from a VPC: is there a VPC endpoint or NAT, and does the "
			    "security group let port 443 through?)",
			    call->action, call->resource);
}
