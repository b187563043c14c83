#include "rotation.h"

#include "sandbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char *const all_steps[] = {"createSecret", "setSecret", "testSecret", "finishSecret",
					NULL};
static const char *const test_only[] = {"testSecret", NULL};

static const char *const state_names[] = {
	[ROTATION_RUNNING] = "running",
	[ROTATION_SUCCEEDED] = "succeeded",
	[ROTATION_FAILED] = "failed",
	[ROTATION_ABANDONED] = "abandoned",
};

static struct rotation *find_running(const struct rotations *rotations, const char *arn)
{
	for (size_t i = 0; i < rotations->count; i++)
		if (rotations->list[i]->state == ROTATION_RUNNING &&
		    strcmp(rotations->list[i]->arn, arn) == 0)
			return rotations->list[i];
	return NULL;
}

const struct rotation *rotations_running(const struct rotations *rotations, const char *arn)
{
	return find_running(rotations, arn);
}

const struct rotation *rotations_find(const struct rotations *rotations, const char *arn,
				      const char *token)
{
	for (size_t i = rotations->count; i-- > 0;)
		if (strcmp(rotations->list[i]->arn, arn) == 0 &&
		    strcmp(rotations->list[i]->token, token) == 0)
			return rotations->list[i];
	return NULL;
}

void rotation_abandon(struct sandbox *sandbox, const char *arn, const char *why)
{
	struct rotation *rotation = find_running(&sandbox->rotations, arn);

	if (rotation == NULL)
		return;
	rotation->state = ROTATION_ABANDONED;
	format_text(rotation->error, sizeof(rotation->error), "The rotation was abandoned: %s",
		    why);
	if (rotation->invocation != NULL)
		lambda_withdraw(sandbox, rotation->invocation);
	sandbox_changed(sandbox);
}

/* Somebody who takes the label off the pending version has cancelled its rotation. */
static bool still_wanted(const struct rotation *rotation)
{
	const struct secret *secret = vault_find(&rotation->sandbox->vault, rotation->arn);
	const struct version *version;

	if (rotation->state != ROTATION_RUNNING)
		return false;
	if (rotation->sandbox->stopping || secret == NULL) {
		rotation_abandon(rotation->sandbox, rotation->arn, "the secret is gone");
		return false;
	}
	version = secret_version(secret, rotation->token);
	if (version_has(secret, version, "AWSPENDING") ||
	    version_has(secret, version, "AWSCURRENT"))
		return true;
	rotation_abandon(rotation->sandbox, rotation->arn, "its version has no label any more");
	return false;
}

static char *make_event(const struct rotation *rotation, const char *step)
{
	cJSON *event = must(cJSON_CreateObject());
	char *text;

	cJSON_AddStringToObject(event, "Step", step);
	cJSON_AddStringToObject(event, "SecretId", rotation->arn);
	cJSON_AddStringToObject(event, "ClientRequestToken", rotation->token);
	if (rotation->sandbox->settings.send_rotation_token)
		cJSON_AddStringToObject(event, "RotationToken", rotation->rotation_token);
	text = must(cJSON_PrintUnformatted(event));
	cJSON_Delete(event);
	return text;
}

/* CloudTrail's sentence, and for the tester what CloudTrail does not say: the function's words. */
static void note_failure(struct rotation *rotation, const char *function, const char *step,
			 const struct invocation *done)
{
	cJSON *answer = cJSON_Parse(done->body);
	const char *message = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(answer, "errorMessage"));

	format_text(rotation->error, sizeof(rotation->error),
		    "Error when executing lambda %s during %s step: %s: %s", function, step,
		    done->error_type, message != NULL ? message : "");
	cJSON_Delete(answer);
}

static bool run_step(struct rotation *rotation, const char *step)
{
	struct sandbox *sandbox = rotation->sandbox;
	AUTO(text_clear) char *event = make_event(rotation, step);
	AUTO(text_clear)
	char *function = copy_text(vault_find(&sandbox->vault, rotation->arn)->function);
	struct invocation done;
	bool good;

	rotation->step = step;
	rotation->invocation = &done;
	lambda_invoke(sandbox, function, event, strlen(event), &done);
	rotation->invocation = NULL;
	good = done.outcome == OUTCOME_RESPONSE;
	if (!good && rotation->state == ROTATION_RUNNING)
		note_failure(rotation, function, step, &done);
	invocation_clear(&done);
	return good;
}

/* A function that says it finished must have moved AWSCURRENT. */
static bool is_promoted(struct rotation *rotation)
{
	const struct secret *secret = vault_find(&rotation->sandbox->vault, rotation->arn);

	if (secret != NULL &&
	    version_has(secret, secret_version(secret, rotation->token), "AWSCURRENT"))
		return true;
	format_text(rotation->error, sizeof(rotation->error),
		    "finishSecret ended without moving AWSCURRENT to the new version");
	return false;
}

static bool run_attempt(struct rotation *rotation)
{
	rotation->attempts++;
	for (const char *const *step = rotation->only_test ? test_only : all_steps; *step != NULL;
	     step++)
		if (!still_wanted(rotation) || !run_step(rotation, *step))
			return false;
	return rotation->only_test || rotation->state != ROTATION_RUNNING || is_promoted(rotation);
}

/* The version of a test was there for the test alone, whatever came of it. */
static void remove_test_version(struct rotation *rotation)
{
	struct secret *secret = vault_find(&rotation->sandbox->vault, rotation->arn);
	struct version *version = secret != NULL ? secret_version(secret, rotation->token) : NULL;

	if (version != NULL && !version_has(secret, version, "AWSCURRENT"))
		secret_remove_version(secret, version);
}

static void conclude(struct rotation *rotation, bool good)
{
	struct secret *secret = vault_find(&rotation->sandbox->vault, rotation->arn);

	if (rotation->only_test)
		remove_test_version(rotation);
	if (rotation->state != ROTATION_RUNNING)
		return;
	rotation->state = good ? ROTATION_SUCCEEDED : ROTATION_FAILED;
	if (good)
		rotation->error[0] = '\0';
	if (good && !rotation->only_test && secret != NULL)
		secret->rotated_ms = sandbox_now(rotation->sandbox);
}

/* Waits for the next try, but not for longer than the rotation is wanted. */
static void pause_between(struct rotation *rotation)
{
	struct sandbox *sandbox = rotation->sandbox;
	int64_t end = monotonic_ms() + sandbox->settings.retry_delay_ms;

	while (still_wanted(rotation) && monotonic_ms() < end)
		sandbox_wait(sandbox, end);
}

static void *run(void *argument)
{
	struct rotation *rotation = argument;
	struct sandbox *sandbox = rotation->sandbox;
	bool good;

	pthread_mutex_lock(&sandbox->lock);
	while (!(good = run_attempt(rotation)) && still_wanted(rotation) &&
	       rotation->attempts < sandbox->settings.rotation_attempts)
		pause_between(rotation);
	conclude(rotation, good);
	rotation->ended = true;
	sandbox->rotations.threads--;
	sandbox_changed(sandbox);
	pthread_mutex_unlock(&sandbox->lock);
	return NULL;
}

/* Joins the threads that have ended: a thread that is still on its way out holds memory. */
static void join_ended(struct rotations *rotations)
{
	for (size_t i = 0; i < rotations->count; i++) {
		struct rotation *rotation = rotations->list[i];

		if (!rotation->ended || rotation->joined)
			continue;
		pthread_join(rotation->thread, NULL);
		rotation->joined = true;
	}
}

static void forget_oldest(struct rotations *rotations)
{
	size_t at = 0;

	while (!rotations->list[at]->joined)
		at++;
	free(rotations->list[at]);
	rotations->count--;
	memmove(rotations->list + at, rotations->list + at + 1,
		(rotations->count - at) * sizeof(struct rotation *));
}

bool rotation_start(struct sandbox *sandbox, const struct secret *secret, const char *token,
		    bool only_test)
{
	struct rotations *rotations = &sandbox->rotations;
	struct rotation *rotation;

	if (rotations->threads == ROTATION_THREADS_MAX)
		return false;
	join_ended(rotations);
	if (rotations->count == ROTATIONS_MAX)
		forget_oldest(rotations);
	rotation = allocate(sizeof(*rotation));
	*rotation = (struct rotation){.sandbox = sandbox, .only_test = only_test};
	format_text(rotation->arn, sizeof(rotation->arn), "%s", secret->arn);
	format_text(rotation->name, sizeof(rotation->name), "%s", secret->name);
	format_text(rotation->token, sizeof(rotation->token), "%s", token);
	random_uuid(rotation->rotation_token);
	if (pthread_create(&rotation->thread, NULL, run, rotation) != 0) {
		free(rotation);
		return false;
	}
	rotations->list[rotations->count++] = rotation;
	rotations->threads++;
	return true;
}

cJSON *rotations_show(const struct rotations *rotations)
{
	cJSON *list = must(cJSON_CreateArray());

	for (size_t i = 0; i < rotations->count; i++) {
		const struct rotation *rotation = rotations->list[i];
		cJSON *shown = must(cJSON_CreateObject());

		cJSON_AddStringToObject(shown, "secret", rotation->name);
		cJSON_AddStringToObject(shown, "token", rotation->token);
		cJSON_AddStringToObject(shown, "state", state_names[rotation->state]);
		if (rotation->step != NULL)
			cJSON_AddStringToObject(shown, "step", rotation->step);
		else
			cJSON_AddNullToObject(shown, "step");
		cJSON_AddNumberToObject(shown, "attempts", (double)rotation->attempts);
		if (rotation->error[0] != '\0')
			cJSON_AddStringToObject(shown, "error", rotation->error);
		else
			cJSON_AddNullToObject(shown, "error");
		cJSON_AddItemToArray(list, shown);
	}
	return list;
}

void rotations_clear(struct rotations *rotations)
{
	join_ended(rotations);
	for (size_t i = 0; i < rotations->count; i++)
		free(rotations->list[i]);
	rotations->count = 0;
}
