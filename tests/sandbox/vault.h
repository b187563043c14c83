/*
 * vault: secrets, their versions and the labels on them.
 *
 * A label is kept at the secret, as name and version, so it cannot be on two versions. The rules
 * about AWSCURRENT and AWSPREVIOUS are here and nowhere else; who may ask for what is the
 * business of the operations.
 */
#ifndef SANDBOX_VAULT_H
#define SANDBOX_VAULT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRETS_MAX 512
#define SECRET_NAME_MAX 512
#define VALUE_MAX 65536
#define VERSIONS_MAX 100 /* when there are more, the oldest without a label goes */
#define LABELS_MAX 20
#define LABEL_NAME_MAX 256
#define TOKEN_MIN 32
#define TOKEN_MAX 64
#define ARN_SIZE 640

struct version {
	char id[TOKEN_MAX + 1];
	char *value; /* NULL: the empty placeholder that RotateSecret makes; base64 when binary */
	bool binary;
	int64_t created_ms;
	int64_t accessed_ms; /* 0 = never */
};

struct label {
	char name[LABEL_NAME_MAX + 1];
	struct version *version;
};

struct secret {
	char name[SECRET_NAME_MAX + 1];
	char arn[ARN_SIZE];
	cJSON *details; /* Description, KmsKeyId, Tags: as given, shown by DescribeSecret */
	struct version *versions[VERSIONS_MAX]; /* oldest first */
	size_t version_count;
	struct label labels[LABELS_MAX]; /* sorted by name */
	size_t label_count;
	char *function;	    /* ARN, NULL when rotation was never configured */
	cJSON *rules;	    /* RotationRules, or NULL */
	bool rotates;	    /* RotationEnabled */
	int64_t created_ms; /* all times by the sandbox's clock, 0 = never */
	int64_t changed_ms;
	int64_t accessed_ms;
	int64_t rotated_ms;
	int64_t deleted_ms; /* not 0: marked for deletion */
	int64_t delete_at_ms;
};

struct vault {
	struct secret *secrets[SECRETS_MAX]; /* oldest first */
	size_t count;
};

/* By name, by ARN, or by ARN without its last seven characters. NULL when there is none. */
struct secret *vault_find(const struct vault *, const char *id);

/* A new secret; the caller has checked that there is room and no other of this name. */
struct secret *vault_add(struct vault *, const char *name, const char *region, const char *account,
			 int64_t now);
void vault_remove(struct vault *, struct secret *);
void vault_clear(struct vault *);

struct version *secret_version(const struct secret *, const char *id);

/* Who has the label; NULL when nobody. */
struct version *secret_labelled(const struct secret *, const char *label);
bool version_has(const struct secret *, const struct version *, const char *label);

/* Makes a version without a label. NULL: 100 of them, and all labelled. */
struct version *secret_add_version(struct secret *, const char *id, int64_t now);
void secret_remove_version(struct secret *, struct version *);

/* Copies the value: text, or base64 of a binary one. */
void version_set_value(struct version *, const char *value, bool binary);

/*
 * Puts a label on a version, taking it from where it was. AWSCURRENT pulls AWSPREVIOUS behind it:
 * to the version that it left. False: it would be the 21st label.
 */
bool secret_attach(struct secret *, struct version *, const char *label);
void secret_detach(struct secret *, const char *label);

/* The labels of a version in alphabetical order, a new JSON array; NULL when it has none. */
cJSON *version_labels(const struct secret *, const struct version *);

#endif
