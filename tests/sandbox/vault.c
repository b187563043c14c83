#include "vault.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

#define SUFFIX_LENGTH 7 /* "-a1B2c3", what Secrets Manager adds to the name in an ARN */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

struct secret *vault_find(const struct vault *vault, const char *id)
{
	for (size_t i = 0; i < vault->count; i++) {
		struct secret *secret = vault->secrets[i];
		size_t partial = strlen(secret->arn) - SUFFIX_LENGTH;

		if (strcmp(id, secret->name) == 0 || strcmp(id, secret->arn) == 0 ||
		    (strlen(id) == partial && strncmp(id, secret->arn, partial) == 0))
			return secret;
	}
	return NULL;
}

struct secret *vault_add(struct vault *vault, const char *name, const char *region,
			 const char *account, int64_t now)
{
	struct secret *secret = allocate(sizeof(*secret));
	char suffix[SUFFIX_LENGTH];

	random_text(suffix, SUFFIX_LENGTH - 1, letters);
	format_text(secret->name, sizeof(secret->name), "%s", name);
	format_text(secret->arn, sizeof(secret->arn), "arn:aws:secretsmanager:%s:%s:secret:%s-%s",
		    region, account, name, suffix);
	secret->details = must(cJSON_CreateObject());
	secret->created_ms = secret->changed_ms = now;
	vault->secrets[vault->count++] = secret;
	return secret;
}

static void version_free(struct version *version)
{
	if (version->value != NULL)
		explicit_bzero(version->value, strlen(version->value));
	free(version->value);
	free(version);
}

static void secret_free(struct secret *secret)
{
	for (size_t i = 0; i < secret->version_count; i++)
		version_free(secret->versions[i]);
	cJSON_Delete(secret->details);
	cJSON_Delete(secret->rules);
	free(secret->function);
	free(secret);
}

void vault_remove(struct vault *vault, struct secret *secret)
{
	size_t at = 0;

	while (vault->secrets[at] != secret)
		at++;
	vault->count--;
	memmove(vault->secrets + at, vault->secrets + at + 1,
		(vault->count - at) * sizeof(struct secret *));
	secret_free(secret);
}

void vault_clear(struct vault *vault)
{
	for (size_t i = 0; i < vault->count; i++)
		secret_free(vault->secrets[i]);
	vault->count = 0;
}

struct version *secret_version(const struct secret *secret, const char *id)
{
	for (size_t i = 0; i < secret->version_count; i++)
		if (strcmp(secret->versions[i]->id, id) == 0)
			return secret->versions[i];
	return NULL;
}

/* Where the label is in the sorted list, or where it would have to go. */
static size_t label_place(const struct secret *secret, const char *name)
{
	size_t at = 0;

	while (at < secret->label_count && strcmp(secret->labels[at].name, name) < 0)
		at++;
	return at;
}

static struct label *label_find(struct secret *secret, const char *name)
{
	size_t at = label_place(secret, name);

	if (at == secret->label_count || strcmp(secret->labels[at].name, name) != 0)
		return NULL;
	return &secret->labels[at];
}

struct version *secret_labelled(const struct secret *secret, const char *label)
{
	size_t at = label_place(secret, label);

	if (at == secret->label_count || strcmp(secret->labels[at].name, label) != 0)
		return NULL;
	return secret->labels[at].version;
}

bool version_has(const struct secret *secret, const struct version *version, const char *label)
{
	return version != NULL && secret_labelled(secret, label) == version;
}

static bool has_labels(const struct secret *secret, const struct version *version)
{
	for (size_t i = 0; i < secret->label_count; i++)
		if (secret->labels[i].version == version)
			return true;
	return false;
}

void secret_remove_version(struct secret *secret, struct version *version)
{
	size_t at = 0;

	for (size_t i = secret->label_count; i-- > 0;)
		if (secret->labels[i].version == version)
			secret_detach(secret, secret->labels[i].name);
	while (secret->versions[at] != version)
		at++;
	secret->version_count--;
	memmove(secret->versions + at, secret->versions + at + 1,
		(secret->version_count - at) * sizeof(struct version *));
	version_free(version);
}

static bool drop_oldest_unlabelled(struct secret *secret)
{
	for (size_t i = 0; i < secret->version_count; i++) {
		if (has_labels(secret, secret->versions[i]))
			continue;
		secret_remove_version(secret, secret->versions[i]);
		return true;
	}
	return false;
}

struct version *secret_add_version(struct secret *secret, const char *id, int64_t now)
{
	struct version *version;

	if (secret->version_count == VERSIONS_MAX && !drop_oldest_unlabelled(secret))
		return NULL;
	version = allocate(sizeof(*version));
	format_text(version->id, sizeof(version->id), "%s", id);
	version->created_ms = now;
	secret->versions[secret->version_count++] = version;
	secret->changed_ms = now;
	return version;
}

void version_set_value(struct version *version, const char *value, bool binary)
{
	free(version->value);
	version->value = copy_text(value);
	version->binary = binary;
}

static bool attach_one(struct secret *secret, struct version *version, const char *name)
{
	struct label *label = label_find(secret, name);
	size_t at;

	if (label != NULL) {
		label->version = version;
		return true;
	}
	if (secret->label_count == LABELS_MAX)
		return false;
	at = label_place(secret, name);
	memmove(secret->labels + at + 1, secret->labels + at,
		(secret->label_count - at) * sizeof(secret->labels[0]));
	secret->label_count++;
	format_text(secret->labels[at].name, sizeof(secret->labels[at].name), "%s", name);
	secret->labels[at].version = version;
	return true;
}

bool secret_attach(struct secret *secret, struct version *version, const char *label)
{
	struct version *left = secret_labelled(secret, label);

	if (!attach_one(secret, version, label))
		return false;
	if (strcmp(label, "AWSCURRENT") == 0 && left != NULL && left != version)
		return attach_one(secret, left, "AWSPREVIOUS");
	return true;
}

void secret_detach(struct secret *secret, const char *name)
{
	struct label *label = label_find(secret, name);
	size_t at;

	if (label == NULL)
		return;
	at = (size_t)(label - secret->labels);
	secret->label_count--;
	memmove(label, label + 1, (secret->label_count - at) * sizeof(*label));
}

cJSON *version_labels(const struct secret *secret, const struct version *version)
{
	cJSON *list;

	if (!has_labels(secret, version))
		return NULL;
	list = must(cJSON_CreateArray());
	for (size_t i = 0; i < secret->label_count; i++)
		if (secret->labels[i].version == version)
			cJSON_AddItemToArray(list, cJSON_CreateString(secret->labels[i].name));
	return list;
}
