#include "runtime/invocation.h"

#include <stdio.h>
#include <string.h>

/* What a rotation is run against; for one request. */
struct ports {
	struct secret_store *store;
	struct directory *directory;
};

static void ports_close(struct ports *ports)
{
	secret_store_close(&ports->store);
	directory_close(&ports->directory);
}

static struct status open_ports(const struct invocation *invocation, const char *secret_id,
				const struct secret *rotation_token, struct ports *ret)
{
	const struct program *program = invocation->program;
	struct store_request request = {
		.secret_id = secret_id,
		.rotation_token = rotation_token,
		.deadline = invocation->deadline,
	};

	TRY(program->open_store(program->context, &request, &ret->store));
	return program->open_directory(program->context, &request, &ret->directory);
}

static struct rotation rotation_of(const struct invocation *invocation, const char *secret_id,
				   const struct ports *ports, struct report *report)
{
	const struct program *program = invocation->program;

	return (struct rotation){
		.config = program->config,
		.drivers = program->drivers,
		.store = ports->store,
		.directory = ports->directory,
		.random = program->random,
		.deadline = invocation->deadline,
		.secret_id = secret_id,
		.token = "",
		.started_here = invocation->started_here,
		.report = report,
	};
}

static void log_step(const struct invocation *invocation, const struct event *event,
		     const struct report *report, struct status status, int64_t duration)
{
	const struct log *log = invocation->program->log;
	bool done = status.code == STATUS_OK;
	char message[64];
	const struct log_field fields[] = {
		LOG_TEXT("requestId", invocation->request_id),
		LOG_TEXT("step", step_name(event->step)),
		LOG_TEXT("secret", event->secret_id),
		LOG_TEXT("version", event->token),
		LOG_TEXT("user", report->user),
		LOG_TEXT("outcome", done ? report->outcome : "failed"),
		LOG_TEXT("errorClass", done ? NULL : status_code_name(status.code)),
		LOG_NUMBER("durationMs", duration),
		LOG_END,
	};

	for (size_t i = 0; i < report->note_count; i++)
		log_write(log, LOG_WARN, report->notes[i], fields);
	snprintf(message, sizeof(message), "%s done", step_name(event->step));
	log_write(log, done ? LOG_INFO : LOG_ERROR, done ? message : status.detail, fields);
}

/*
 * What the last step in this process found out, for the next one of the same rotation: that the new
 * credential is proven, and whose it is. finishSecret then need not read a value to know. A function
 * that was started anew between two steps knows nothing, and finds out again.
 */
static struct {
	char secret_id[SECRET_ID_MAX + 1];
	char token[VERSION_ID_MAX + 1];
	char user[sizeof((struct report){0}.user)];
	struct proven proven;
} last;

static bool was_last(const struct event *event)
{
	return strcmp(last.token, event->token) == 0 &&
	       strcmp(last.secret_id, event->secret_id) == 0;
}

static void remember(const struct event *event, struct report *report)
{
	if (report->user[0] == '\0' && was_last(event))
		memcpy(report->user, last.user, sizeof(report->user));
	snprintf(last.secret_id, sizeof(last.secret_id), "%s", event->secret_id);
	memcpy(last.token, event->token, sizeof(last.token));
	memcpy(last.user, report->user, sizeof(last.user));
	last.proven = report->proven;
}

static struct status run_step(const struct invocation *invocation, const struct event *event,
			      struct report *report)
{
	AUTO(ports_close) struct ports ports = {0};
	struct rotation rotation;

	TRY(open_ports(invocation, event->secret_id, &event->rotation_token, &ports));
	rotation = rotation_of(invocation, event->secret_id, &ports, report);
	rotation.token = event->token;
	if (was_last(event) && last.proven.from[0] != '\0')
		rotation.proven = &last.proven;
	return step_run(event->step, &rotation);
}

struct status invocation_step(const struct invocation *invocation, const struct event *event,
			      struct report *report)
{
	struct report own = {0}, *told = report != NULL ? report : &own;
	int64_t begun = clock_system.now();
	struct status status = run_step(invocation, event, told);

	remember(event, told);
	log_step(invocation, event, told, status, clock_system.now() - begun);
	return status;
}

static struct status start_rotation(const struct invocation *invocation, const char *secret_id)
{
	AUTO(ports_close) struct ports ports = {0};
	const struct secret none = SECRET_INIT;
	char token[VERSION_ID_MAX + 1];

	TRY(invocation->program->make_token(token));
	TRY(open_ports(invocation, secret_id, &none, &ports));
	return ports.store->ops->rotate(ports.store, secret_id, token);
}

static struct status tick_one(const struct invocation *invocation, const char *secret_id)
{
	struct status status = start_rotation(invocation, secret_id);
	bool unfinished = status.code == STATUS_CONFLICT;
	const struct log_field fields[] = {
		LOG_TEXT("requestId", invocation->request_id),
		LOG_TEXT("secret", secret_id),
		LOG_TEXT("outcome", status.code == STATUS_OK ? "started"
				    : unfinished	     ? "unfinished"
							     : "failed"),
		LOG_TEXT("errorClass",
			 status.code == STATUS_OK ? NULL : status_code_name(status.code)),
		LOG_END,
	};

	log_write(invocation->program->log,
		  status.code == STATUS_OK ? LOG_INFO
		  : unfinished		   ? LOG_WARN
					   : LOG_ERROR,
		  status.code == STATUS_OK ? "rotation started" : status.detail, fields);
	return unfinished ? OK : status;
}

/* The next entry of a comma separated list, blanks trimmed; `*at` moves on. */
static struct status next_secret_id(const char **at, char ret[SECRET_ID_MAX + 1])
{
	const char *begin = *at, *end = begin + strcspn(begin, ",");

	*at = *end == ',' ? end + 1 : end;
	while (begin < end && *begin == ' ')
		begin++;
	while (end > begin && end[-1] == ' ')
		end--;
	if (begin == end || end - begin > SECRET_ID_MAX)
		return failure(STATUS_INVALID,
			       "AWS_SECRET_ID holds an entry that is empty or has more than %d "
			       "characters: write names or ARNs, comma separated",
			       SECRET_ID_MAX);
	snprintf(ret, SECRET_ID_MAX + 1, "%.*s", (int)(end - begin), begin);
	return OK;
}

struct status invocation_tick(const struct invocation *invocation)
{
	const char *at = invocation->program->config->secret_ids;
	struct status first = OK;

	if (at == NULL)
		return failure(STATUS_INVALID,
			       "the event names no step, so it is taken for a tick, but "
			       "AWS_SECRET_ID is not set: set it to the secrets to rotate, comma "
			       "separated");
	do {
		char secret_id[SECRET_ID_MAX + 1];
		struct status status = next_secret_id(&at, secret_id);

		if (status.code == STATUS_OK)
			status = tick_one(invocation, secret_id);
		if (first.code == STATUS_OK)
			first = status;
	} while (*at != '\0');
	return first;
}

/* Who we are comes first: what follows cannot be asked by nobody. */
static bool add_caller(const struct invocation *invocation, const char *secret_id,
		       struct inspection *ret)
{
	const struct program *program = invocation->program;
	const struct secret none = SECRET_INIT;
	struct store_request request = {
		.secret_id = secret_id, .rotation_token = &none, .deadline = invocation->deadline};
	char who[256] = "";
	struct status status = program->describe_caller(program->context, &request, who,
							sizeof(who));

	if (status.code == STATUS_OK)
		inspection_add(ret, "caller", who, NULL, FINDING_GOOD, "known", "%s", "");
	else
		inspection_add(ret, "caller", "credentials", NULL, FINDING_BAD, "missing", "%s",
			       status.detail);
	return status.code == STATUS_OK;
}

#define SHORTEST_TIMEOUT_MS 30000

/* A function's timeout is what it has left when it begins. */
static void add_timeout(const struct invocation *invocation, struct inspection *ret)
{
	int64_t left = deadline_left(invocation->deadline);

	if (invocation->program->config->lambda_runtime_api == NULL)
		return;
	if (left < SHORTEST_TIMEOUT_MS - 2000)
		inspection_add(
			ret, "function", "timeout", NULL, FINDING_BAD, "too short",
			"about %lld s: set the function's timeout to 30 s or more, with a proxy to "
			"60 s or more",
			(long long)(left / 1000 + 1));
	else
		inspection_add(ret, "function", "timeout", NULL, FINDING_GOOD, "enough",
			       "about %lld s", (long long)(left / 1000 + 1));
}

struct status invocation_inspect(const struct invocation *invocation, const char *secret_id,
				 bool thorough, struct inspection *ret)
{
	AUTO(ports_close) struct ports ports = {0};
	const struct secret none = SECRET_INIT;
	struct report report = {0};
	struct rotation rotation;

	TRY(open_ports(invocation, secret_id, &none, &ports));
	rotation = rotation_of(invocation, secret_id, &ports, &report);
	ret->count = 0;
	if (!thorough) {
		inspect_status(&rotation, ret);
		return OK;
	}
	if (add_caller(invocation, secret_id, ret))
		inspect_check(&rotation, ret);
	add_timeout(invocation, ret);
	return OK;
}
