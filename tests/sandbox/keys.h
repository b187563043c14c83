/*
 * keys: who may sign: one fixed caller, and the temporary credentials handed out since.
 */
#ifndef SANDBOX_KEYS_H
#define SANDBOX_KEYS_H

#include <stddef.h>
#include <stdint.h>

#define KEYS_MAX 256 /* the oldest temporary credential is forgotten first */
#define SESSION_TOKEN_LENGTH 240
#define PRINCIPAL_ARN_SIZE 448

struct key {
	char access_key[24];
	char secret_key[48];
	char session_token[SESSION_TOKEN_LENGTH + 1]; /* "" for the fixed caller */
	char principal[384];	   /* the end of its ARN: "user/…" or "assumed-role/…/…" */
	char assumed_role_id[128]; /* "AROA…:session" */
	int64_t expires_ms;	   /* the sandbox's clock; 0 = never */
};

struct sandbox;

struct keys {
	struct key issued[KEYS_MAX];
	size_t next;
};

/* The key of this name, NULL when nobody has it. Valid while the lock is held. */
const struct key *keys_find(const struct sandbox *, const char *access_key);

/* New temporary credentials for a role (its name) and a session, good for `seconds`. */
const struct key *keys_issue(struct sandbox *, const char *role, const char *session,
			     int64_t seconds);

/* "arn:aws:iam::ACCOUNT:user/…" or "arn:aws:sts::ACCOUNT:assumed-role/…/…". */
void key_principal_arn(const struct sandbox *, const struct key *, char out[PRINCIPAL_ARN_SIZE]);

#endif
