#include "clients/aws/credentials.h"

#include "clients/aws/metadata.h"
#include "clients/aws/sts.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

#define PROFILE_CHAIN_MAX 5

static struct status make_keys(const char *id, const char *secret, size_t secret_length,
			       const char *token, size_t token_length, struct aws_keys *ret)
{
	AUTO(aws_keys_clear) struct aws_keys made = AWS_KEYS_INIT;

	made.access_key_id = memory_copy_string(id);
	if (made.access_key_id == NULL)
		return OUT_OF_MEMORY;
	TRY(secret_make(secret, secret_length, &made.secret_access_key));
	if (token_length > 0)
		TRY(secret_make(token, token_length, &made.session_token));
	aws_keys_clear(ret);
	*ret = made;
	made = AWS_KEYS_INIT;
	return OK;
}

static struct status from_environment(const struct config *config, struct aws_keys *ret)
{
	const char *token = config->session_token != NULL ? config->session_token : "";

	if (config->access_key_id == NULL || config->secret_access_key == NULL)
		return failure(STATUS_INVALID,
			       "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must both be "
			       "set, or neither");
	TRY(make_keys(config->access_key_id, config->secret_access_key,
		      strlen(config->secret_access_key), token, strlen(token), ret));
	snprintf(ret->source, sizeof(ret->source), "the environment (key %s)", ret->access_key_id);
	return OK;
}

static struct status from_web_identity(const struct credentials_context *context,
				       struct aws_keys *ret)
{
	const struct config *config = context->config;
	struct sts_role role = {.arn = config->role_arn, .session_name = config->role_session_name};

	if (config->role_arn == NULL)
		return failure(STATUS_INVALID,
			       "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
	return sts_assume_role_with_web_identity(context, config->web_identity_token_file, &role,
						 ret);
}

static struct status from_profile(const struct credentials_context *, const struct profile *,
				  int depth, struct aws_keys *ret);

static struct status keys_of_profile(const struct profile *profile, struct aws_keys *ret)
{
	if (profile->access_key_id == NULL || secret_empty(&profile->secret_access_key))
		return failure(STATUS_INVALID,
			       "profile '%s' has no aws_access_key_id with aws_secret_access_key",
			       profile->name);
	TRY(make_keys(profile->access_key_id, secret_reveal(&profile->secret_access_key),
		      secret_length(&profile->secret_access_key),
		      secret_reveal(&profile->session_token),
		      secret_length(&profile->session_token), ret));
	snprintf(ret->source, sizeof(ret->source), "profile '%s'", profile->name);
	return OK;
}

static struct status from_named_source(const struct credentials_context *context,
				       const struct profile *profile, struct aws_keys *ret)
{
	if (strcmp(profile->credential_source, "Environment") == 0)
		return from_environment(context->config, ret);
	if (strcmp(profile->credential_source, "Ec2InstanceMetadata") == 0)
		return metadata_instance(context, ret);
	if (strcmp(profile->credential_source, "EcsContainer") != 0)
		return failure(
			STATUS_INVALID,
			"profile '%s': credential_source must be Environment, EcsContainer or "
			"Ec2InstanceMetadata",
			profile->name);
	if (context->config->container_relative_uri == NULL &&
	    context->config->container_full_uri == NULL)
		return failure(STATUS_INVALID,
			       "profile '%s': credential_source is EcsContainer, but "
			       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
			       profile->name);
	return metadata_container(context, ret);
}

/* Who assumes the profile's role. A profile may name itself: then its own keys do. */
static struct status base_of_profile(const struct credentials_context *context,
				     const struct profile *profile, int depth, struct aws_keys *ret)
{
	AUTO(profile_clear) struct profile source = PROFILE_INIT;

	if (profile->source_profile == NULL && profile->credential_source == NULL)
		return failure(
			STATUS_INVALID,
			"profile '%s' has a role_arn, but no source_profile, credential_source "
			"or web_identity_token_file",
			profile->name);
	if (profile->source_profile == NULL)
		return from_named_source(context, profile, ret);
	if (strcmp(profile->source_profile, profile->name) == 0)
		return keys_of_profile(profile, ret);
	if (depth >= PROFILE_CHAIN_MAX)
		return failure(STATUS_INVALID,
			       "profile '%s': more than %d source_profiles in a row", profile->name,
			       PROFILE_CHAIN_MAX);
	TRY_WHILE(profile_load(context->config, profile->source_profile, &source),
		  "reading the source_profile of '%s'", profile->name);
	return from_profile(context, &source, depth + 1, ret);
}

static struct status from_profile(const struct credentials_context *context,
				  const struct profile *profile, int depth, struct aws_keys *ret)
{
	AUTO(aws_keys_clear) struct aws_keys base = AWS_KEYS_INIT;
	struct sts_role role = {.arn = profile->role_arn,
				.session_name = profile->role_session_name,
				.external_id = profile->external_id,
				.duration_seconds = profile->duration_seconds};

	if (profile->unsupported != NULL)
		return failure(
			STATUS_INVALID,
			"profile '%s' uses %s, which is not supported: use keys, a role or the "
			"environment",
			profile->name, profile->unsupported);
	if (profile->role_arn == NULL)
		return keys_of_profile(profile, ret);
	if (profile->mfa_serial != NULL)
		return failure(STATUS_INVALID,
			       "profile '%s' has an mfa_serial: nobody is here to type a code",
			       profile->name);
	if (profile->web_identity_token_file != NULL)
		return sts_assume_role_with_web_identity(context, profile->web_identity_token_file,
							 &role, ret);
	TRY(base_of_profile(context, profile, depth, &base));
	return sts_assume_role(context, &base, &role, ret);
}

/* A profile may be there for its region or endpoint alone. */
static bool profile_has_credentials(const struct profile *profile)
{
	return profile->access_key_id != NULL || profile->role_arn != NULL ||
	       profile->unsupported != NULL;
}

static struct status from_instance(const struct credentials_context *context, struct aws_keys *ret)
{
	static const char advice[] =
		"no AWS credentials: none in the environment (AWS_ACCESS_KEY_ID, "
		"AWS_SECRET_ACCESS_KEY), no AWS_WEB_IDENTITY_TOKEN_FILE, none in a profile "
		"(AWS_PROFILE), no container endpoint, and ";
	struct status status;

	if (context->config->metadata_disabled)
		return failure(STATUS_DENIED, "%sAWS_EC2_METADATA_DISABLED is true", advice);
	status = metadata_instance(context, ret);
	if (status.code == STATUS_OK)
		return OK;
	return failure(status.code == STATUS_NOT_FOUND ? STATUS_DENIED : status.code, "%s%s",
		       advice, status.detail);
}

static struct status walk(const struct credentials_context *context, struct aws_keys *ret)
{
	const struct config *config = context->config;

	if (config->access_key_id != NULL || config->secret_access_key != NULL)
		return from_environment(config, ret);
	if (config->web_identity_token_file != NULL)
		return from_web_identity(context, ret);
	if (profile_has_credentials(context->profile))
		return from_profile(context, context->profile, 0, ret);
	if (config->container_relative_uri != NULL || config->container_full_uri != NULL)
		return metadata_container(context, ret);
	return from_instance(context, ret);
}

static struct status walk_and_assume(const struct credentials_context *context,
				     struct aws_keys *ret)
{
	AUTO(aws_keys_clear) struct aws_keys base = AWS_KEYS_INIT;
	const struct config *config = context->config;
	struct sts_role role = {.arn = config->assume_role_arn,
				.session_name = config->role_session_name,
				.external_id = config->assume_role_external_id};

	if (config->assume_role_arn == NULL)
		return walk(context, ret);
	TRY(walk(context, &base));
	TRY_WHILE(sts_assume_role(context, &base, &role, ret), "assuming TANDEM_ASSUME_ROLE_ARN");
	return OK;
}

struct status credentials_fetch(const struct credentials_context *context, struct aws_keys *ret)
{
	struct status status = walk_and_assume(context, ret);

	/* To whoever asks for a secret NOT_FOUND would mean the secret. */
	if (status.code == STATUS_NOT_FOUND)
		status.code = STATUS_DENIED;
	return status_while(status, "finding AWS credentials");
}
