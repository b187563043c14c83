#include "clients/aws/aws.h"

#include "clients/aws/credentials.h"
#include "clients/aws/profile.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* Before this much time is left, new keys are tried for; before the second, nothing goes without.
 */
#define RENEW_WANTED_S (15 * 60)
#define RENEW_NEEDED_S (10 * 60)
/* Keys may be made for less than that: then they are not asked for before every call. */
#define RENEW_APART_S 60
#define USABLE_S 30

struct aws {
	const struct config *config;
	struct http *http;
	struct profile profile;
	bool profile_read;
	struct aws_keys keys; /* without the secrets of keys that never expire */
	int64_t keys_asked;   /* when, on AWS's clock */
	int64_t clock_skew;   /* seconds that AWS's clock is ahead of ours */
	unsigned calls;
	bool batch_refused;
};

struct status aws_open(const struct config *config, struct aws **ret)
{
	struct aws *aws = memory_alloc_zero(1, sizeof(*aws));

	if (aws == NULL)
		return OUT_OF_MEMORY;
	aws->config = config;
	*ret = aws;
	return OK;
}

void aws_close(struct aws **aws)
{
	if (*aws == NULL)
		return;
	http_close(&(*aws)->http);
	profile_clear(&(*aws)->profile);
	aws_keys_clear(&(*aws)->keys);
	memory_free(*aws);
	*aws = NULL;
}

unsigned aws_calls(const struct aws *aws)
{
	return aws->calls;
}

bool aws_batch_refused(const struct aws *aws)
{
	return aws->batch_refused;
}

void aws_refuse_batch(struct aws *aws)
{
	aws->batch_refused = true;
}

/* A default profile need not exist; one that was asked for must. */
static struct status read_profile(struct aws *aws)
{
	struct status status;

	if (aws->profile_read)
		return OK;
	status = profile_load(aws->config, profile_wanted(aws->config), &aws->profile);
	if (status.code == STATUS_NOT_FOUND) {
		if (aws->config->profile != NULL || aws->config->default_profile != NULL)
			return failure(STATUS_INVALID, "AWS_PROFILE: %s", status.detail);
		status = OK;
	}
	aws->profile_read = status.code == STATUS_OK;
	return status;
}

struct status aws_region_of(struct aws *aws, const char *id, char ret[AWS_REGION_MAX + 1])
{
	TRY(read_profile(aws));
	return endpoint_region(aws->config, &aws->profile, id, ret);
}

struct status aws_check_endpoint(struct aws *aws, const char *id)
{
	struct endpoint endpoint;
	char region[AWS_REGION_MAX + 1];

	TRY(aws_region_of(aws, id, region));
	return endpoint_resolve(aws->config, &aws->profile, AWS_SECRETS_MANAGER, region, &endpoint);
}

/* For one call: whose keys, for which region's STS, until when. */
struct asking {
	struct aws *aws;
	struct deadline deadline;
	const char *region;
};

static int64_t aws_now(const struct aws *aws)
{
	return clock_unix_ms() / 1000 + aws->clock_skew;
}

static int64_t seconds_left(const struct aws *aws)
{
	if (aws->keys.access_key_id == NULL)
		return 0;
	return aws->keys.expires == 0 ? INT64_MAX : aws->keys.expires - aws_now(aws);
}

static struct status give_keys(void *context, bool refused, const struct aws_keys **ret)
{
	struct asking *asking = context;
	struct aws *aws = asking->aws;
	struct credentials_context fetch = {.config = aws->config,
					    .profile = &aws->profile,
					    .http = aws->http,
					    .deadline = asking->deadline,
					    .region = asking->region,
					    .clock_skew = &aws->clock_skew,
					    .count = &aws->calls};
	int64_t left = seconds_left(aws);
	bool just_asked = left > USABLE_S && aws_now(aws) - aws->keys_asked < RENEW_APART_S;

	if (refused || (left < RENEW_WANTED_S && !just_asked)) {
		struct status status = credentials_fetch(&fetch, &aws->keys);

		if (status.code != STATUS_OK && (refused || left < RENEW_NEEDED_S))
			return status;
		aws->keys_asked = aws_now(aws);
	}
	*ret = &aws->keys;
	return OK;
}

/*
 * Keys that never expire are read where they are kept, at no cost: a function that waits for its next
 * invocation holds no copy of them. Those that do expire had to be asked for over the network.
 */
static void forget_keys(struct aws *aws)
{
	if (aws->keys.expires != 0)
		return;
	string_clear(&aws->keys.access_key_id);
	secret_clear(&aws->keys.secret_access_key);
	secret_clear(&aws->keys.session_token);
}

static struct status get_ready(struct aws *aws)
{
	TRY(read_profile(aws));
	return aws->http == NULL ? http_open(&aws->http) : OK;
}

struct status aws_describe_caller(struct aws *aws, struct deadline deadline, const char **ret)
{
	char region[AWS_REGION_MAX + 1] =
		"us-east-1"; /* asked for STS alone, and only if none is set */
	struct asking asking = {.aws = aws, .deadline = deadline, .region = region};
	const struct aws_keys *keys;

	TRY(get_ready(aws));
	TRY(give_keys(&asking, false, &keys));
	*ret = keys->source;
	forget_keys(aws);
	return OK;
}

/* The rest of a call, which is the same for all services, and the call. */
static struct status send(struct aws *aws, enum aws_service service, const char *region,
			  struct aws_call *call, struct aws_error *error, struct http_response *ret)
{
	struct asking asking = {.aws = aws, .deadline = call->deadline, .region = region};
	struct endpoint endpoint;
	struct status sent;

	TRY(endpoint_resolve(aws->config, &aws->profile, service, region, &endpoint));
	call->config = aws->config;
	call->endpoint = &endpoint;
	call->keys = give_keys;
	call->keys_context = &asking;
	call->clock_skew = &aws->clock_skew;
	call->count = &aws->calls;
	sent = aws_call_send(aws->http, call, error, ret);
	forget_keys(aws);
	return sent;
}

struct status aws_call_secrets_manager(struct aws *aws, const struct aws_secrets_call *asked,
				       struct aws_error *error, struct http_response *ret)
{
	char region[AWS_REGION_MAX + 1], action[64], target[64];
	struct aws_call call = {.action = action,
				.resource = asked->id,
				.content_type = "application/x-amz-json-1.1",
				.target = target,
				.body = asked->body,
				.body_length = asked->body_length,
				.deadline = asked->deadline,
				.find_done = asked->find_done,
				.find_done_context = asked->context,
				.repeatable = asked->repeatable};

	*error = AWS_ERROR_INIT;
	snprintf(action, sizeof(action), "secretsmanager:%s", asked->operation);
	snprintf(target, sizeof(target), "secretsmanager.%s", asked->operation);
	TRY(get_ready(aws));
	TRY(endpoint_region(aws->config, &aws->profile, asked->region_of, region));
	return send(aws, AWS_SECRETS_MANAGER, region, &call, error, ret);
}

struct status aws_call_form(struct aws *aws, const struct aws_form_call *asked,
			    struct aws_error *error, struct http_response *ret)
{
	struct aws_call call = {.action = asked->action,
				.resource = asked->resource,
				.content_type = "application/x-www-form-urlencoded",
				.body = asked->form->data,
				.body_length = asked->form->length,
				.deadline = asked->deadline,
				.repeatable = true};

	*error = AWS_ERROR_INIT;
	TRY(get_ready(aws));
	return send(aws, asked->service, asked->region, &call, error, ret);
}
