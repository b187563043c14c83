/*
 * sandbox: the state of the stand-in, under one lock.
 *
 * Every handler runs with the lock held. Who waits (a runtime polling, a rotation between two
 * steps, a delayed answer) waits on one condition variable, which every change wakes: there are
 * few threads here, and one rule is easier to keep than five.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "faults.h"
#include "journal.h"
#include "keys.h"
#include "lambda.h"
#include "rds.h"
#include "rotation.h"
#include "vault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define DENY_MAX 32
#define METADATA_TOKENS_MAX 8
#define METADATA_TOKEN_LENGTH 56

struct options {
	uint16_t port; /* 0 = any free one */
	const char *port_file;
	const char *tls_cert;
	const char *tls_key;
	const char *region;
	const char *account;
	int64_t lambda_timeout_ms;
};

/* What PUT /sandbox/settings changes. */
struct settings {
	int64_t read_misses; /* so many reads of an AWSPENDING value still answer "not there" */
	int64_t clock_offset_s;
	int64_t credential_lifetime_s;
	int64_t rotation_attempts;
	int64_t retry_delay_ms;
	int64_t rds_page_size;
	bool require_rotation_token;
	bool send_rotation_token;
	char deny[DENY_MAX][64]; /* "service:Action" */
	size_t deny_count;
};

struct metadata_token {
	char text[METADATA_TOKEN_LENGTH + 1];
	int64_t expires_ms; /* monotonic */
};

struct sandbox {
	struct options options; /* never changes after the start */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	struct settings settings;
	struct vault vault;
	struct databases databases;
	struct keys keys;
	struct faults faults;
	struct journal journal;
	struct lambda lambda;
	struct rotations rotations;
	struct metadata_token metadata_tokens[METADATA_TOKENS_MAX];
	size_t metadata_token_next;
};

void sandbox_init(struct sandbox *, const struct options *, int64_t retry_delay_ms);

/* Wakes every waiter and returns when the last rotation has ended. Call without the lock. */
void sandbox_stop(struct sandbox *);

/* Frees everything. No thread may be left. */
void sandbox_clear(struct sandbox *);

/* Unix milliseconds by the sandbox's own clock, which a test can set wrong. */
int64_t sandbox_now(const struct sandbox *);

/* Wakes all who wait for a change. */
void sandbox_changed(struct sandbox *);

/* Waits for a change, but no longer than until monotonic `at`. Gives the lock away meanwhile. */
void sandbox_wait(struct sandbox *, int64_t at);

/* Gives the lock away for so long, or until the sandbox stops. */
void sandbox_sleep(struct sandbox *, int64_t milliseconds);

/* Is "service:Action" on the list of forbidden ones? */
bool sandbox_denies(const struct sandbox *, const char *service, const char *action);

#endif
