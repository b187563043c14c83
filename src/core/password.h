/*
 * password: a new password that every login accepts.
 *
 * The policy is what the operator asked for; the rules are what an engine insists on. They are
 * merged first, so one password satisfies every login of a rotation. Drawing is by rejection: each
 * character uniform over the alphabet, the whole word again until every required class is in it, so
 * every acceptable password is equally likely. The random bytes come through `struct random`: from
 * OpenSSL in production.
 * Source of the policy's names: the AWS rotation templates' environment variables, which are the
 * parameters of secretsmanager:GetRandomPassword.
 */
#ifndef CORE_PASSWORD_H
#define CORE_PASSWORD_H

#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>

enum character_class { CLASS_LOWER, CLASS_UPPER, CLASS_DIGIT, CLASS_PUNCTUATION, CLASS_COUNT };

struct random {
	/* Fills `bytes` with `length` unpredictable bytes. UNAVAILABLE: the generator has none. */
	struct status (*fill)(void *bytes, size_t length);
};

struct password_policy {
	size_t length;
	bool allowed[CLASS_COUNT];
	bool required[CLASS_COUNT]; /* at least one of each of these */
	char excluded[129];	    /* characters that must not appear; ASCII, NUL-terminated */
	const char *not_containing; /* a user name that must not be part of it, any case; or NULL */
};

/* 32 characters, every class allowed and required, none of :/@"'\ */
#define PASSWORD_POLICY_DEFAULT                                         \
	((struct password_policy){.length = 32,                         \
				  .allowed = {true, true, true, true},  \
				  .required = {true, true, true, true}, \
				  .excluded = ":/@\"'\\"})

/* What an engine insists on. */
struct password_rules {
	size_t min_length, max_length;
	const char *forbidden; /* characters it refuses; NULL = none */
	bool required[CLASS_COUNT];
	bool not_containing_user;
};

/*
 * Narrows the policy so that the rules hold too: adds what they forbid and require. INVALID: no
 * password can satisfy both (a length outside the engine's, a required class that is not allowed or
 * wholly excluded, …); the text names the variable to change.
 */
struct status password_policy_narrow(struct password_policy *, const struct password_rules *,
				     const char *engine, const char *user);

/* INVALID: no password can satisfy this policy. */
struct status password_policy_check(const struct password_policy *);

/* Draws one. INVALID as password_policy_check(); UNAVAILABLE from the random source. */
struct status password_generate(const struct password_policy *, const struct random *,
				struct secret *ret);

#endif
