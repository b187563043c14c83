#include "sts.h"

#include "query.h"
#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define NAMESPACE "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""
#define DURATION_MIN 900
#define DURATION_MAX 43200

struct reply sts_error(const char *type, const char *message)
{
	return query_error(NAMESPACE, type, message);
}

bool sts_unsigned(const char *action)
{
	return strcmp(action, "AssumeRoleWithWebIdentity") == 0;
}

/* "arn:aws:iam::123456789012:role/path/name" → "name", NULL when it is no role's ARN. */
static const char *role_name(const char *arn)
{
	const char *name = strrchr(arn, '/');

	if (strncmp(arn, "arn:aws", 7) != 0 || strstr(arn, ":role/") == NULL || name[1] == '\0' ||
	    strlen(name) > 64)
		return NULL;
	return name + 1;
}

static bool session_is_sound(const char *session)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_+=,.@-";
	size_t length = strlen(session);

	return length >= 2 && length <= 64 && session[strspn(session, allowed)] == '\0';
}

/* The shorter of what the test set and what the caller asked for; 0: not a sound duration. */
static int64_t lifetime(const struct sandbox *sandbox, const cJSON *input)
{
	const char *asked = query_field(input, "DurationSeconds");
	long seconds;

	if (*asked == '\0')
		return sandbox->settings.credential_lifetime_s;
	seconds = strtol(asked, NULL, 10);
	if (seconds < DURATION_MIN || seconds > DURATION_MAX)
		return 0;
	return seconds < sandbox->settings.credential_lifetime_s
		       ? seconds
		       : sandbox->settings.credential_lifetime_s;
}

static struct reply hand_over(const struct sandbox *sandbox, const char *action,
			      const struct key *key)
{
	char expiration[DATE_SIZE];
	char request_id[UUID_SIZE];

	date_iso(key->expires_ms, expiration);
	random_uuid(request_id);
	return reply_text(200, QUERY_XML,
			  "<%sResponse " NAMESPACE "><%sResult><Credentials>"
			  "<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
			  "<SessionToken>%s</SessionToken><Expiration>%s</Expiration>"
			  "</Credentials><AssumedRoleUser><Arn>arn:aws:sts::%s:%s</Arn>"
			  "<AssumedRoleId>%s</AssumedRoleId></AssumedRoleUser></%sResult>"
			  "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
			  "</%sResponse>",
			  action, action, key->access_key, key->secret_key, key->session_token,
			  expiration, sandbox->options.account, key->principal,
			  key->assumed_role_id, action, request_id, action);
}

static struct reply assume(struct sandbox *sandbox, const char *action, const cJSON *input)
{
	const char *role = role_name(query_field(input, "RoleArn"));
	const char *session = query_field(input, "RoleSessionName");
	int64_t seconds = lifetime(sandbox, input);

	if (role == NULL)
		return sts_error("ValidationError", "RoleArn is not the ARN of a role");
	if (!session_is_sound(session))
		return sts_error("ValidationError",
				 "RoleSessionName must be 2 to 64 characters of [\\w+=,.@-]");
	if (seconds == 0)
		return sts_error("ValidationError", "DurationSeconds must be 900 to 43200");
	if (strcmp(role, "sandbox-external-role") == 0 &&
	    strcmp(query_field(input, "ExternalId"), "sandbox-external-id") != 0)
		return sts_error("AccessDeniedException",
				 "The caller is not authorized to perform: sts:AssumeRole on this "
				 "role: its trust policy wants another ExternalId");
	return hand_over(sandbox, action, keys_issue(sandbox, role, session, seconds));
}

static struct reply assume_with_web_identity(struct sandbox *sandbox, const char *action,
					     const cJSON *input)
{
	if (strcmp(query_field(input, "WebIdentityToken"), "sandbox-web-identity-token") != 0)
		return sts_error("InvalidIdentityToken",
				 "The ID Token provided is not a valid JWT. (You may see this "
				 "error if you sent an Access Token)");
	return assume(sandbox, action, input);
}

static struct reply caller_identity(const struct sandbox *sandbox, const struct key *key)
{
	char arn[PRINCIPAL_ARN_SIZE];

	key_principal_arn(sandbox, key, arn);
	return reply_text(200, QUERY_XML,
			  "<GetCallerIdentityResponse " NAMESPACE "><GetCallerIdentityResult>"
			  "<Arn>%s</Arn><UserId>%s</UserId><Account>%s</Account>"
			  "</GetCallerIdentityResult></GetCallerIdentityResponse>",
			  arn,
			  key->assumed_role_id[0] != '\0' ? key->assumed_role_id : key->access_key,
			  sandbox->options.account);
}

struct reply sts_run(struct sandbox *sandbox, const char *action, const cJSON *input,
		     const struct key *key)
{
	if (sandbox_denies(sandbox, "sts", action))
		return sts_error("AccessDeniedException",
				 "The caller is not authorized to do this");
	if (strcmp(query_field(input, "Version"), "2011-06-15") != 0)
		return sts_error("NoSuchVersion", "The requested version is not available.");
	if (strcmp(action, "AssumeRole") == 0)
		return assume(sandbox, action, input);
	if (strcmp(action, "AssumeRoleWithWebIdentity") == 0)
		return assume_with_web_identity(sandbox, action, input);
	if (strcmp(action, "GetCallerIdentity") == 0)
		return caller_identity(sandbox, key);
	return sts_error("InvalidAction", "Could not find operation");
}
