/*
 * secrets_write: the writing half of the port secret_store on Secrets Manager; see
 * core/secret_store.h.
 */
#ifndef CLIENTS_AWS_SECRETS_WRITE_H
#define CLIENTS_AWS_SECRETS_WRITE_H

#include "clients/aws/secrets_manager.h"

struct status secrets_stage(struct secret_store *, const char *id, const char *token,
			    const struct secret *value, const struct secret_labels *seen);
struct status secrets_promote(struct secret_store *, const char *id, const char *token,
			      const char *from);
struct status secrets_rotate(struct secret_store *, const char *id, const char *token);
struct status secrets_check_write(struct secret_store *, const char *id,
				  const struct secret_labels *);

#endif
