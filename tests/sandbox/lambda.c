#include "lambda.h"

#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define HANGUP_CHECK_MS 50
#define JSON "application/json"

static struct reply runtime_error(unsigned status, const char *type, const char *message)
{
	return reply_text(status, JSON, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", message,
			  type);
}

static void finish(struct sandbox *sandbox, struct invocation *invocation, enum outcome outcome,
		   const char *error_type, const char *body, size_t length)
{
	invocation->outcome = outcome;
	format_text(invocation->error_type, sizeof(invocation->error_type), "%s", error_type);
	invocation->body = copy_bytes(body, length);
	sandbox_changed(sandbox);
}

static void enqueue(struct lambda *lambda, struct invocation *invocation)
{
	struct invocation **end = &lambda->first;

	while (*end != NULL)
		end = &(*end)->next;
	*end = invocation;
}

static void unlink_invocation(struct lambda *lambda, const struct invocation *invocation)
{
	struct invocation **at = &lambda->first;

	while (*at != invocation)
		at = &(*at)->next;
	*at = invocation->next;
}

void lambda_invoke(struct sandbox *sandbox, const char *function, const char *payload,
		   size_t length, struct invocation *ret)
{
	*ret = (struct invocation){
		.function = function,
		.payload = payload,
		.length = length,
		.ends_at = monotonic_ms() + sandbox->options.lambda_timeout_ms,
	};
	random_uuid(ret->id);
	enqueue(&sandbox->lambda, ret);
	sandbox_changed(sandbox);
	while (ret->outcome == OUTCOME_NONE) {
		if (sandbox->stopping || monotonic_ms() >= ret->ends_at)
			finish(sandbox, ret, OUTCOME_TIMEOUT, "Sandbox.Timedout", "", 0);
		else
			sandbox_wait(sandbox, ret->ends_at);
	}
	unlink_invocation(&sandbox->lambda, ret);
}

void lambda_withdraw(struct sandbox *sandbox, struct invocation *invocation)
{
	if (!invocation->running && invocation->outcome == OUTCOME_NONE)
		finish(sandbox, invocation, OUTCOME_TIMEOUT, "Sandbox.Withdrawn", "", 0);
}

void invocation_clear(struct invocation *invocation)
{
	free(invocation->body);
	*invocation = (struct invocation){0};
}

/* Who polls has nothing in hand: what it had, or what a dead runtime had, has failed. */
static void fail_forgotten(struct sandbox *sandbox, uint64_t connection)
{
	static const char message[] =
		"{\"errorMessage\":\"Runtime exited without providing a reason\","
		"\"errorType\":\"Runtime.ExitError\"}";

	for (struct invocation *i = sandbox->lambda.first; i != NULL; i = i->next)
		if (i->running && i->outcome == OUTCOME_NONE &&
		    (i->connection == connection || i->connection_closed))
			finish(sandbox, i, OUTCOME_ERROR, "Runtime.ExitError", message,
			       sizeof(message) - 1);
}

static struct invocation *first_waiting(const struct lambda *lambda)
{
	struct invocation *invocation = lambda->first;

	while (invocation != NULL && (invocation->running || invocation->outcome != OUTCOME_NONE))
		invocation = invocation->next;
	return invocation;
}

static struct reply hand_out(struct sandbox *sandbox, const struct request *request,
			     struct invocation *invocation)
{
	struct reply reply = {.status = 200, .content_type = JSON, .length = invocation->length};
	char trace[17];
	int64_t timeout = sandbox->options.lambda_timeout_ms;

	invocation->running = true;
	invocation->connection = request->connection;
	invocation->ends_at = monotonic_ms() + timeout;
	sandbox->lambda.invocations++;
	random_text(trace, sizeof(trace) - 1, "0123456789abcdef");
	reply.body = copy_bytes(invocation->payload, invocation->length);
	reply_add_header(&reply, "Lambda-Runtime-Aws-Request-Id", "%s", invocation->id);
	/* The machine's clock, not the sandbox's: a wrong clock must not move a deadline. */
	reply_add_header(&reply, "Lambda-Runtime-Deadline-Ms", "%lld",
			 (long long)(unix_ms() + timeout));
	reply_add_header(&reply, "Lambda-Runtime-Invoked-Function-Arn", "%s", invocation->function);
	reply_add_header(&reply, "Lambda-Runtime-Trace-Id",
			 "Root=1-%08llx-%.8s0123456789abcdef;Parent=%s;Sampled=0",
			 (unsigned long long)(unix_ms() / 1000), trace, trace);
	sandbox_changed(sandbox);
	return reply;
}

/* GET invocation/next: no answer before there is work, except to a peer that hung up. */
static struct reply next(struct sandbox *sandbox, const struct request *request)
{
	struct lambda *lambda = &sandbox->lambda;
	struct invocation *invocation = NULL;

	lambda->polls++;
	lambda->waiting++;
	while (!sandbox->stopping && !request_abandoned(request)) {
		/* Again and again: that a runtime died may be heard after its successor's poll. */
		fail_forgotten(sandbox, request->connection);
		if ((invocation = first_waiting(lambda)) != NULL)
			break;
		sandbox_wait(sandbox, monotonic_ms() + HANGUP_CHECK_MS);
	}
	lambda->waiting--;
	if (invocation == NULL)
		return (struct reply){.fate = REPLY_DROP};
	return hand_out(sandbox, request, invocation);
}

/*
 * The error type as Lambda keeps it: (Runtime|Function).Letters; another "Function.…" becomes
 * Function.Unknown, anything else Runtime.Unknown.
 */
static const char *error_type(const struct request *request)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *type = request_header(request, "Lambda-Runtime-Function-Error-Type");
	const char *name;

	if (type == NULL)
		return "Runtime.Unknown";
	if (strncmp(type, "Function.", 9) != 0 && strncmp(type, "Runtime.", 8) != 0)
		return "Runtime.Unknown";
	name = strchr(type, '.') + 1;
	if (*name >= 'A' && *name <= 'Z' && name[1] != '\0' && name[strspn(name, letters)] == '\0')
		return type;
	return *type == 'F' ? "Function.Unknown" : "Runtime.Unknown";
}

static struct reply accepted(void)
{
	return reply_text(202, JSON, "{\"status\":\"OK\"}\n");
}

/* POST invocation/{id}/response and …/error */
static struct reply answer(struct sandbox *sandbox, const struct request *request, const char *rest)
{
	size_t id_length = strcspn(rest, "/");
	const char *what = rest + id_length;
	struct invocation *invocation = sandbox->lambda.first;
	bool failed = strcmp(what, "/error") == 0;

	if (!failed && strcmp(what, "/response") != 0)
		return runtime_error(404, "InvalidRequest", "no such path");
	while (invocation != NULL && (strlen(invocation->id) != id_length ||
				      strncmp(invocation->id, rest, id_length) != 0))
		invocation = invocation->next;
	if (invocation == NULL)
		return runtime_error(400, "InvalidRequestID", "Invalid request ID");
	if (invocation->outcome != OUTCOME_NONE)
		return runtime_error(403, "InvalidStateTransition",
				     "State transition is not allowed");
	finish(sandbox, invocation, failed ? OUTCOME_ERROR : OUTCOME_RESPONSE,
	       failed ? error_type(request) : "", request->body, request->length);
	return accepted();
}

static struct reply init_error(struct sandbox *sandbox, const struct request *request)
{
	struct lambda *lambda = &sandbox->lambda;
	cJSON *shown = must(cJSON_CreateObject());

	if (lambda->init_errors == NULL)
		lambda->init_errors = must(cJSON_CreateArray());
	if (cJSON_GetArraySize(lambda->init_errors) == INIT_ERRORS_MAX)
		cJSON_DeleteItemFromArray(lambda->init_errors, 0);
	cJSON_AddStringToObject(shown, "error_type", error_type(request));
	cJSON_AddStringToObject(shown, "body", request->body);
	cJSON_AddItemToArray(lambda->init_errors, shown);
	return accepted();
}

struct reply lambda_handle(struct sandbox *sandbox, const struct request *request)
{
	const char *rest = request->path + strlen(RUNTIME_PREFIX);
	bool posted = strcmp(request->method, "POST") == 0;

	if (strcmp(rest, "invocation/next") == 0 && strcmp(request->method, "GET") == 0)
		return next(sandbox, request);
	if (strcmp(rest, "init/error") == 0 && posted)
		return init_error(sandbox, request);
	if (strncmp(rest, "invocation/", 11) == 0 && posted)
		return answer(sandbox, request, rest + 11);
	return runtime_error(404, "InvalidRequest", "no such path");
}

void lambda_connection_closed(struct sandbox *sandbox, uint64_t connection)
{
	for (struct invocation *i = sandbox->lambda.first; i != NULL; i = i->next)
		if (i->running && i->connection == connection)
			i->connection_closed = true;
}

cJSON *lambda_show(const struct lambda *lambda)
{
	cJSON *shown = must(cJSON_CreateObject());

	cJSON_AddNumberToObject(shown, "polls", (double)lambda->polls);
	cJSON_AddNumberToObject(shown, "invocations", (double)lambda->invocations);
	cJSON_AddItemToObject(shown, "init_errors",
			      lambda->init_errors != NULL
				      ? cJSON_Duplicate(lambda->init_errors, true)
				      : cJSON_CreateArray());
	cJSON_AddBoolToObject(shown, "waiting", lambda->waiting > 0);
	return shown;
}

void lambda_clear(struct lambda *lambda)
{
	cJSON_Delete(lambda->init_errors);
	*lambda = (struct lambda){0};
}
