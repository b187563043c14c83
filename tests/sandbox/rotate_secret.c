/* RotateSecret and CancelRotateSecret: what is asked for; rotation.c carries it out. */
#include "operations.h"

#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static struct reply check_rules(const cJSON *rules)
{
	const cJSON *days = cJSON_GetObjectItemCaseSensitive(rules, "AutomaticallyAfterDays");
	bool scheduled = cJSON_HasObjectItem(rules, "ScheduleExpression");

	if (cJSON_IsNumber(days) && scheduled)
		return aws_error("InvalidParameterException",
				 "You cannot specify both rotation frequency and schedule "
				 "expression together.");
	if (cJSON_IsNumber(days) && (days->valuedouble < 1 || days->valuedouble > 1000))
		return aws_error("InvalidParameterException",
				 "RotationRules.AutomaticallyAfterDays must be within 1-1000.");
	return FINE;
}

/* Every function of this account and region is the one behind the Runtime API. */
static struct reply check_function(const struct sandbox *sandbox, const char *arn)
{
	char ours[128];

	if (arn == NULL)
		return aws_error("InvalidRequestException",
				 "No Lambda rotation function ARN is associated with this secret.");
	format_text(ours, sizeof(ours), "arn:aws:lambda:%s:%s:function:", sandbox->options.region,
		    sandbox->options.account);
	if (strncmp(arn, ours, strlen(ours)) != 0 || arn[strlen(ours)] == '\0' || strlen(arn) > 255)
		return aws_error("AccessDeniedException",
				 "Secrets Manager cannot invoke the specified Lambda function. "
				 "Ensure that the function policy grants access to the principal "
				 "secretsmanager.amazonaws.com.");
	return FINE;
}

/*
 * AWSPENDING alone on a version, or a rotation that still runs, is a rotation that is not done.
 * The refused call sets one that had given up going again, under its old token.
 */
static struct reply check_finished(struct sandbox *sandbox, const struct secret *secret)
{
	const struct version *pending = secret_labelled(secret, "AWSPENDING");
	bool running = rotations_running(&sandbox->rotations, secret->arn) != NULL;
	bool alone = pending != NULL && !version_has(secret, pending, "AWSCURRENT");

	if (!running && !alone)
		return FINE;
	if (!running && secret->function != NULL && secret->rotates)
		rotation_start(sandbox, secret, pending->id, false);
	return aws_error("InvalidRequestException", "A previous rotation isn't complete. That "
						    "rotation will be reattempted.");
}

static struct reply answer(const struct call *call)
{
	cJSON *shown = identify(call->secret);

	cJSON_AddStringToObject(shown, "VersionId", call->token);
	return reply_json(200, shown);
}

static void configure(struct secret *secret, const char *function, const cJSON *rules)
{
	char *copy = copy_text(function); /* it may be the secret's own */

	free(secret->function);
	secret->function = copy;
	secret->rotates = true;
	if (rules == NULL)
		return;
	cJSON_Delete(secret->rules);
	secret->rules = must(cJSON_Duplicate(rules, true));
}

/* An empty version for createSecret to fill; for a test alone, one that holds the current value. */
static struct reply make_pending(struct sandbox *sandbox, const struct call *call, bool only_test)
{
	struct secret *secret = call->secret;
	const struct version *current = secret_labelled(secret, "AWSCURRENT");
	struct version *pending;

	if (secret->label_count == LABELS_MAX && secret_labelled(secret, "AWSPENDING") == NULL)
		return aws_error("LimitExceededException",
				 "A secret can't have more than %d staging labels.", LABELS_MAX);
	pending = secret_add_version(secret, call->token, sandbox_now(sandbox));
	if (pending == NULL)
		return aws_error("LimitExceededException",
				 "A secret can't have more than %d versions.", VERSIONS_MAX);
	if (only_test && current != NULL && current->value != NULL)
		version_set_value(pending, current->value, current->binary);
	secret_attach(secret, pending, "AWSPENDING");
	return FINE;
}

struct reply rotate_secret(struct sandbox *sandbox, const struct call *call)
{
	const cJSON *rules = cJSON_GetObjectItemCaseSensitive(call->input, "RotationRules");
	const char *function = input_text(call->input, "RotationLambdaARN");
	bool only_test = !input_flag(call->input, "RotateImmediately", true);
	struct secret *secret = call->secret;
	const struct rotation *same;

	if (function == NULL)
		function = secret->function;
	TRY(check_rules(rules));
	TRY(check_function(sandbox, function));
	same = rotations_find(&sandbox->rotations, secret->arn, call->token);
	if (same != NULL && (same->state == ROTATION_RUNNING || same->state == ROTATION_SUCCEEDED))
		return answer(call);
	TRY(check_finished(sandbox, secret));
	if (secret_version(secret, call->token) != NULL)
		return aws_error("ResourceExistsException",
				 "You can't use ClientRequestToken %s because that value is "
				 "already in use for a version of secret %s.",
				 call->token, secret->arn);
	if (sandbox->rotations.threads == ROTATION_THREADS_MAX)
		return aws_error("LimitExceededException",
				 "The sandbox runs at most %d rotations at a time.",
				 ROTATION_THREADS_MAX);
	TRY(make_pending(sandbox, call, only_test));
	configure(secret, function, rules);
	if (!rotation_start(sandbox, secret, call->token, only_test))
		return aws_error("InternalServiceError", "An error occurred on the server side.");
	return answer(call);
}

/* Turns rotation off. AWSPENDING stays where it is, as in the real service. */
struct reply cancel_rotate_secret(struct sandbox *sandbox, const struct call *call)
{
	const struct version *pending = secret_labelled(call->secret, "AWSPENDING");
	cJSON *shown = identify(call->secret);

	rotation_abandon(sandbox, call->secret->arn, "rotation was cancelled");
	call->secret->rotates = false;
	if (pending != NULL)
		cJSON_AddStringToObject(shown, "VersionId", pending->id);
	return reply_json(200, shown);
}
