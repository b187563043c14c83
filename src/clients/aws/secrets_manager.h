/*
 * secrets_manager: AWS Secrets Manager behind the port secret_store.
 *
 * Opened for one invocation, without a call; what is worth keeping between invocations is in
 * `struct aws`. Source: AWS Secrets Manager API Reference.
 */
#ifndef CLIENTS_AWS_SECRETS_MANAGER_H
#define CLIENTS_AWS_SECRETS_MANAGER_H

#include "clients/aws/aws.h"
#include "core/secret_store.h"

/* Nothing is copied: all of it must outlive the store. */
struct secrets_manager_options {
	struct deadline deadline; /* for everything the store does */

	/*
	 * The event's RotationToken and the secret it is for, by the id that stage() will be called
	 * with. The token goes into PutSecretValue on that secret, and nowhere else. NULL or empty:
	 * the event had none.
	 */
	const char *application_secret_id;
	const struct secret *rotation_token;
};

/* INVALID: no region or endpoint for the application secret can be made of the configuration. */
struct status secrets_manager_open(struct aws *, const struct secrets_manager_options *,
				   struct secret_store **ret);

#endif
