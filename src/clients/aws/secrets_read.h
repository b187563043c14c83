/*
 * secrets_read: the reading half of the port secret_store on Secrets Manager; see core/secret_store.h.
 */
#ifndef CLIENTS_AWS_SECRETS_READ_H
#define CLIENTS_AWS_SECRETS_READ_H

#include "clients/aws/secrets_manager.h"

struct status secrets_describe(struct secret_store *, const char *id, struct secret_labels *ret);
struct status secrets_get(struct secret_store *, const char *id, enum stage, const char *token,
			  bool miss_is_normal, struct secret_version *ret);
struct status secrets_get_version(struct secret_store *, const char *id, const char *token,
				  struct secret_version *ret);
struct status secrets_find(struct secret_store *, const char *id,
			   bool (*wanted)(const struct secret_version *, void *context),
			   void *context, struct secret_version *ret);
struct status secrets_get_current(struct secret_store *, const char *const *ids, size_t count,
				  struct secret_reading *ret);

struct secrets_manager;

/* One GetSecretValue, no second try for a miss. `stage` or `version`, but not both, may be NULL. */
struct status secrets_read_once(struct secrets_manager *, const char *id, const char *stage,
				const char *version, struct secret_version *ret);

#endif
