#include "aws.h"

#include "query.h"
#include "rds.h"
#include "sandbox.h"
#include "secrets_manager.h"
#include "sigv4_verify.h"
#include "sts.h"
#include "text.h"

#include <string.h>
#include <strings.h>

#define TARGET_PREFIX "secretsmanager."
#define FORM "application/x-www-form-urlencoded"

/* A service is its name, the shape of its errors and its operations. */
struct service {
	const char *name;
	struct reply (*error)(const char *type, const char *message);
	struct reply (*run)(struct sandbox *, const char *action, const cJSON *input,
			    const struct key *);
};

struct aws_call {
	const struct service *service;
	cJSON *input;
	struct key key; /* a copy: the lock is given away during a delay */
	struct journal_entry entry;
};

static void aws_call_clear(struct aws_call *call)
{
	cJSON_Delete(call->input);
	explicit_bzero(&call->key, sizeof(call->key));
}

static struct reply secrets_manager_error(const char *type, const char *message)
{
	return aws_error(type, "%s", message);
}

static struct reply run_secrets_manager(struct sandbox *sandbox, const char *action,
					const cJSON *input, const struct key *key)
{
	char principal[PRINCIPAL_ARN_SIZE];

	key_principal_arn(sandbox, key, principal);
	return secrets_manager_run(sandbox, action, input, principal);
}

static const struct service secrets_manager = {
	.name = "secretsmanager",
	.error = secrets_manager_error,
	.run = run_secrets_manager,
};

static const struct service sts = {.name = "sts", .error = sts_error, .run = sts_run};
static const struct service rds = {.name = "rds", .error = rds_error, .run = rds_run};

/* All services have one address here, so the version tells two that take forms apart. */
static const struct service *service_of(const cJSON *form)
{
	return strcmp(query_field(form, "Version"), RDS_VERSION) == 0 ? &rds : &sts;
}

/* Tells service and action, and takes the input apart. FINE status is 0. */
static struct reply read_call(const struct request *request, struct aws_call *call)
{
	const char *target = request_header(request, "X-Amz-Target");
	const char *type = request_header(request, "Content-Type");
	bool form = target == NULL && type != NULL && strncasecmp(type, FORM, strlen(FORM)) == 0;
	const char *action = NULL;

	if (form)
		call->input = query_parse_form(request->body);
	call->service = form ? service_of(call->input) : &secrets_manager;
	call->entry.service = call->service->name;
	if (*request->query != '\0')
		return call->service->error("ValidationException",
					    "The sandbox takes no query string");
	if (form) {
		action = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(call->input, "Action"));
	} else if (target != NULL && strncmp(target, TARGET_PREFIX, strlen(TARGET_PREFIX)) == 0) {
		call->input = cJSON_ParseWithLength(request->body, request->length);
		action = target + strlen(TARGET_PREFIX);
	}
	if (action == NULL)
		return call->service->error("UnknownOperationException", "");
	format_text(call->entry.action, sizeof(call->entry.action), "%s", action);
	if (!form && (type == NULL || strcmp(type, "application/x-amz-json-1.1") != 0))
		return aws_error("UnknownOperationException",
				 "Content-Type must be application/x-amz-json-1.1");
	return (struct reply){0};
}

static struct reply identify_caller(const struct sandbox *sandbox, const struct request *request,
				    struct aws_call *call)
{
	struct signature_check check;

	if (call->service == &sts && sts_unsigned(call->entry.action))
		return (struct reply){0};
	check = sigv4_verify(sandbox, request, call->service->name);
	if (check.key == NULL)
		return call->service->error(check.type, check.message);
	call->key = *check.key;
	format_text(call->entry.access_key, sizeof(call->entry.access_key), "%s",
		    call->key.access_key);
	return (struct reply){0};
}

/* What strikes before anything is done. */
static struct reply strike(const struct service *service, const struct fault *fault)
{
	struct reply reply;

	if (fault->kind == FAULT_DROP_BEFORE)
		return (struct reply){.fate = REPLY_DROP};
	if (fault->kind == FAULT_THROTTLE)
		return service->error("ThrottlingException", "Rate exceeded");
	reply = service->error(fault->type, fault->message);
	if (fault->status != 0)
		reply.status = fault->status;
	return reply;
}

static struct reply run(struct sandbox *sandbox, struct aws_call *call)
{
	const char *action = call->entry.action;
	const struct fault *struck = faults_take(&sandbox->faults, action, call->entry.secret);
	struct fault fault = struck != NULL ? *struck : (struct fault){0};
	struct reply reply;

	if (struck == NULL)
		return call->service->run(sandbox, action, call->input, &call->key);
	call->entry.fault = fault_kind_name(fault.kind);
	sandbox_sleep(sandbox, fault.delay_ms);
	if (fault_prevents(fault.kind))
		return strike(call->service, &fault);
	reply = call->service->run(sandbox, action, call->input, &call->key);
	if (fault.kind == FAULT_DROP_AFTER)
		reply.fate = REPLY_DROP;
	if (fault.kind == FAULT_CUT) {
		reply.fate = REPLY_CUT;
		reply.cut_after = fault.bytes;
	}
	return reply;
}

static struct reply perform(struct sandbox *sandbox, const struct request *request,
			    struct aws_call *call)
{
	struct reply refusal = read_call(request, call);

	if (refusal.status == 0)
		refusal = identify_caller(sandbox, request, call);
	if (refusal.status != 0)
		return refusal;
	if (!cJSON_IsObject(call->input))
		return call->service->error("SerializationException", "The body is not an object");
	if (call->service == &secrets_manager)
		secrets_manager_note(sandbox, call->input, &call->entry);
	return run(sandbox, call);
}

struct reply aws_handle(struct sandbox *sandbox, const struct request *request)
{
	AUTO(aws_call_clear) struct aws_call call = {0};
	char request_id[UUID_SIZE];
	struct reply reply;

	call.entry.at_ms = unix_ms();
	reply = perform(sandbox, request, &call);
	random_uuid(request_id);
	reply_add_header(&reply, "x-amzn-requestid", "%s", request_id);
	call.entry.status = reply.fate == REPLY_DROP ? 0 : reply.status;
	format_text(call.entry.error, sizeof(call.entry.error), "%s", reply.error);
	journal_add(&sandbox->journal, &call.entry);
	return reply;
}
