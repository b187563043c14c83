/*
 * rotation: Secrets Manager's side of a rotation: it calls the function, step after step.
 *
 * Each rotation is a thread that reads as the documentation does. A step that fails, times out or
 * dies ends the attempt; after a delay the whole rotation is tried again from createSecret with
 * the same token, so often and no more. The real numbers are not published.
 * Source: "Rotate AWS Secrets Manager secrets", "Lambda rotation functions", user guide.
 */
#ifndef SANDBOX_ROTATION_H
#define SANDBOX_ROTATION_H

#include "lambda.h"
#include "text.h"
#include "vault.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define ROTATIONS_MAX 1024 /* remembered; then the oldest that has ended goes */
#define ROTATION_THREADS_MAX 64

enum rotation_state { ROTATION_RUNNING, ROTATION_SUCCEEDED, ROTATION_FAILED, ROTATION_ABANDONED };

struct rotation {
	struct sandbox *sandbox;
	char arn[ARN_SIZE]; /* a name for the secret: it may be deleted while we wait */
	char name[SECRET_NAME_MAX + 1];
	char token[TOKEN_MAX + 1];
	char rotation_token[UUID_SIZE];
	bool only_test; /* RotateImmediately=false */
	enum rotation_state state;
	const char *step; /* the last one begun, NULL before the first */
	int64_t attempts;
	char error[1024];	       /* of the last failed attempt */
	struct invocation *invocation; /* of the step under way, or NULL */
	bool ended;		       /* its thread is done with it … */
	bool joined;		       /* … and gone */
	pthread_t thread;
};

struct rotations {
	struct rotation *list[ROTATIONS_MAX]; /* oldest first */
	size_t count;
	unsigned threads;
};

struct sandbox;

/* Begins a rotation of the secret under this token. False: there is no thread for it. */
bool rotation_start(struct sandbox *, const struct secret *, const char *token, bool only_test);

/* Ends the running rotation of this secret, if there is one. */
void rotation_abandon(struct sandbox *, const char *arn, const char *why);

/* The running rotation of a secret; the newest with this token. NULL when there is none. */
const struct rotation *rotations_running(const struct rotations *, const char *arn);
const struct rotation *rotations_find(const struct rotations *, const char *arn, const char *token);

cJSON *rotations_show(const struct rotations *);
void rotations_clear(struct rotations *);

#endif
