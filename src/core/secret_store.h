/*
 * secret_store: the port to whatever keeps credentials under stages (Secrets Manager, OCI Vault).
 *
 * A secret has versions; a stage is a label that lives on one of them. The words here are ours; a
 * store's own words stay in its client. A store is opened for one invocation: its deadline and the
 * credentials of that invocation are inside it. No call ever makes a second version for one token,
 * and none moves a label that it was not asked to move.
 *
 * Every call may return UNAVAILABLE (not reachable, throttled, too slow: the same call again is
 * safe), DENIED (names the missing permission) and INTERNAL. What else it may return stands with
 * it.
 */
#ifndef CORE_SECRET_STORE_H
#define CORE_SECRET_STORE_H

#include "core/clock.h"
#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stage { STAGE_CURRENT, STAGE_PENDING, STAGE_PREVIOUS };

/* The longest version id or token: ClientRequestToken has 32 to 64 characters. */
#define VERSION_ID_MAX 64

struct secret_version {
	char id[VERSION_ID_MAX + 1]; /* the token that made it */
	int64_t created;	     /* Unix time in seconds, 0 when the store does not say */
	struct secret value;
};

#define SECRET_VERSION_INIT ((struct secret_version){0})

void secret_version_clear(struct secret_version *);

/* Where the labels are, without any value. */
struct secret_labels {
	bool rotation_enabled;
	char *function; /* who rotates it, NULL when nobody is configured */
	char *schedule; /* for people: "rate(4 hours)", "every 30 days"; or NULL */
	/* The database whose operator manages this secret, as core/directory.h's find() takes it; NULL
	 * when there is none. Never what a user of the store could have written. */
	char *owner;
	int64_t last_rotated;		  /* Unix time in seconds, 0 = never */
	int64_t next_rotation;		  /* the same, 0 = unknown */
	char current[VERSION_ID_MAX + 1]; /* the version's id, "" = no version has the label */
	char pending[VERSION_ID_MAX + 1];
	char previous[VERSION_ID_MAX + 1];
};

#define SECRET_LABELS_INIT ((struct secret_labels){0})

void secret_labels_clear(struct secret_labels *);

#define VERSIONS_LOOKED_AT 20

/* One answer of get_current(): either a version or why there is none. */
struct secret_reading {
	struct status status; /* OK: `version` is set */
	struct secret_version version;
};

struct secret_store;

struct secret_store_ops {
	/* NOT_FOUND: no such secret. INVALID: it is marked for deletion. */
	struct status (*describe)(struct secret_store *, const char *id, struct secret_labels *ret);

	/*
	 * The value at a stage. `token`, allowed with STAGE_PENDING only, asks for that very
	 * version; a miss on it is retried for a moment, since stores answer reads late, unless
	 * `miss_is_normal`. NOT_FOUND: no such secret, or no value there. INVALID: it is binary, or
	 * marked for deletion.
	 */
	struct status (*get)(struct secret_store *, const char *id, enum stage stage,
			     const char *token, bool miss_is_normal, struct secret_version *ret);

	/* The version `token`, labelled or not. NOT_FOUND, INVALID as get(). */
	struct status (*get_version)(struct secret_store *, const char *id, const char *token,
				     struct secret_version *ret);

	/*
	 * The newest version, labelled or not, that `wanted` accepts; it looks at VERSIONS_LOOKED_AT
	 * of them at most and passes over what is no text. A version that lost its label is kept for
	 * a while: for a value that is written down nowhere else. NOT_FOUND: none.
	 */
	struct status (*find)(struct secret_store *, const char *id,
			      bool (*wanted)(const struct secret_version *, void *context),
			      void *context, struct secret_version *ret);

	/*
	 * STAGE_CURRENT of `count` secrets (at most 20), in one call where the store can. Each
	 * reading has a status of its own: NOT_FOUND, DENIED, INVALID as get(). The caller clears
	 * the versions, also after a failure of the whole call.
	 */
	struct status (*get_current)(struct secret_store *, const char *const *ids, size_t count,
				     struct secret_reading *ret);

	/*
	 * Puts `value` as the version `token`, labelled STAGE_PENDING. Twice with the same value is
	 * once. `seen`: what describe() told; the label is then taken from where it was, in one
	 * step with looking, so that of two who saw the same only one gets it. NULL: from wherever
	 * it is. CONFLICT: the token already has another value, or one that cannot be read yet;
	 * it stays, and has the label now unless its turn is over. Or another version got the label
	 * since it was seen. INVALID: too long, marked for deletion.
	 */
	struct status (*stage)(struct secret_store *, const char *id, const char *token,
			       const struct secret *value, const struct secret_labels *seen);

	/*
	 * Moves STAGE_CURRENT from the version `from` to `token`; the store moves STAGE_PREVIOUS by
	 * itself. OK also when `token` has it already. CONFLICT: neither has it: someone else moved
	 * it. NOT_FOUND: no version `token`.
	 */
	struct status (*promote)(struct secret_store *, const char *id, const char *token,
				 const char *from);

	/* From now on every call ends by this deadline; it was the one the store was opened with. */
	void (*limit)(struct secret_store *, struct deadline);

	/*
	 * Asks the store to begin a rotation under `token`: it will call the secret's function.
	 * INVALID: no function is configured. CONFLICT: the last one is not finished, and the store
	 * tries it again (the text says what else to do).
	 */
	struct status (*rotate)(struct secret_store *, const char *id, const char *token);

	/*
	 * May this caller stage() and promote() at `id`? Asked with requests that cannot change
	 * anything. DENIED names the missing permission.
	 */
	struct status (*check_write)(struct secret_store *, const char *id,
				     const struct secret_labels *);

	void (*close)(struct secret_store **);
};

/* The first member of every implementation. */
struct secret_store {
	const struct secret_store_ops *ops;
};

/* For AUTO(). */
void secret_store_close(struct secret_store **);

/* Clears what get_current() filled. */
void secret_readings_clear(struct secret_reading *, size_t count);

#endif
