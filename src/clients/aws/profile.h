/*
 * profile: one profile of AWS's shared files, ~/.aws/credentials and ~/.aws/config.
 *
 * Reads, never writes. What a profile would need of us that we do not do (SSO, a credential
 * process, …) is kept by name, so that it is refused and not skipped.
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 */
#ifndef CLIENTS_AWS_PROFILE_H
#define CLIENTS_AWS_PROFILE_H

#include "clients/aws/endpoint.h"
#include "core/config.h"
#include "core/secret.h"
#include "core/status.h"

#include <stdbool.h>

/* What was not written is NULL, empty or 0. */
struct profile {
	char *name;
	char *access_key_id;
	struct secret secret_access_key;
	struct secret session_token;
	char *region;
	char *role_arn;
	char *source_profile;
	char *credential_source; /* Environment, EcsContainer or Ec2InstanceMetadata */
	char *web_identity_token_file;
	char *external_id;
	char *role_session_name;
	char *mfa_serial;
	long duration_seconds;
	bool ignore_endpoint_urls;
	char *endpoint_url;
	char *service_endpoint_urls[AWS_SERVICE_COUNT];
	const char *unsupported; /* the key that asks for something we do not do */
};

#define PROFILE_INIT ((struct profile){0})

/* Which profile the environment asks for; "default" when it asks for none. */
const char *profile_wanted(const struct config *);

/*
 * Reads the profile `name`. A file that does not exist is an empty one, and so is
 * one of ~/.aws where this user may not look into that folder. NOT_FOUND: the profile is
 * in neither file (the text has their paths). INVALID: a file that cannot be read or is larger than
 * 256 KiB, a duration that is no number.
 */
struct status profile_load(const struct config *, const char *name, struct profile *ret);

/* Wipes and frees. For AUTO(). */
void profile_clear(struct profile *);

#endif
