#include "metadata.h"

#include "sandbox.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define TTL_MAX_S 21600
#define ROLE "sandbox-role"
#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"

static struct reply plain(unsigned status, const char *text)
{
	return reply_text(status, "text/plain", "%s", text);
}

static struct reply make_token(struct sandbox *sandbox, const struct request *request)
{
	const char *asked = request_header(request, "x-aws-ec2-metadata-token-ttl-seconds");
	long seconds = asked != NULL ? strtol(asked, NULL, 10) : 0;
	struct metadata_token *token = &sandbox->metadata_tokens[sandbox->metadata_token_next];
	struct reply reply;

	if (seconds < 1 || seconds > TTL_MAX_S)
		return plain(400, "Bad Request");
	sandbox->metadata_token_next = (sandbox->metadata_token_next + 1) % METADATA_TOKENS_MAX;
	random_text(token->text, METADATA_TOKEN_LENGTH, alphabet_base64);
	token->expires_ms = monotonic_ms() + seconds * 1000;
	reply = plain(200, token->text);
	reply_add_header(&reply, "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "%ld", seconds);
	return reply;
}

static bool has_token(const struct sandbox *sandbox, const struct request *request)
{
	const char *given = request_header(request, "x-aws-ec2-metadata-token");

	for (size_t i = 0; given != NULL && i < METADATA_TOKENS_MAX; i++)
		if (sandbox->metadata_tokens[i].expires_ms > monotonic_ms() &&
		    strcmp(sandbox->metadata_tokens[i].text, given) == 0)
			return true;
	return false;
}

/* The members both endpoints have; each puts its own before them. */
static struct reply credentials(struct sandbox *sandbox, cJSON *shown, const char *session)
{
	const struct key *key = keys_issue(sandbox, ROLE, session,
					   sandbox->settings.credential_lifetime_s);
	char expiration[DATE_SIZE];
	struct reply reply;

	date_iso(key->expires_ms, expiration);
	cJSON_AddStringToObject(shown, "AccessKeyId", key->access_key);
	cJSON_AddStringToObject(shown, "SecretAccessKey", key->secret_key);
	cJSON_AddStringToObject(shown, "Token", key->session_token);
	cJSON_AddStringToObject(shown, "Expiration", expiration);
	reply = reply_json(200, shown);
	reply.content_type = "application/json";
	return reply;
}

static void note(struct sandbox *sandbox, const char *service, const char *action,
		 const struct reply *reply)
{
	struct journal_entry entry = {.service = service, .status = reply->status};

	entry.at_ms = unix_ms();
	format_text(entry.action, sizeof(entry.action), "%s", action);
	journal_add(&sandbox->journal, &entry);
}

static struct reply instance_credentials(struct sandbox *sandbox)
{
	cJSON *shown = must(cJSON_CreateObject());
	char now[DATE_SIZE];

	date_iso(sandbox_now(sandbox), now);
	cJSON_AddStringToObject(shown, "Code", "Success");
	cJSON_AddStringToObject(shown, "LastUpdated", now);
	cJSON_AddStringToObject(shown, "Type", "AWS-HMAC");
	return credentials(sandbox, shown, "i-0123456789abcdef0");
}

struct reply metadata_handle(struct sandbox *sandbox, const struct request *request)
{
	const char *action = "GetCredentials";
	struct reply reply;

	if (strcmp(request->path, "/latest/api/token") == 0) {
		action = "PutToken";
		reply = strcmp(request->method, "PUT") == 0 ? make_token(sandbox, request)
							    : plain(405, "Method Not Allowed");
	} else if (!has_token(sandbox, request)) {
		reply = plain(401, "Unauthorized");
	} else if (strcmp(request->path, ROLES_PATH) == 0) {
		action = "ListRoles";
		reply = plain(200, ROLE);
	} else if (strcmp(request->path, ROLES_PATH ROLE) == 0) {
		reply = instance_credentials(sandbox);
	} else {
		reply = plain(404, "Not Found");
	}
	note(sandbox, "metadata", action, &reply);
	return reply;
}

struct reply container_handle(struct sandbox *sandbox, const struct request *request)
{
	const char *token = request_header(request, "Authorization");
	bool wants_token = strcmp(request->path, "/v2/credentials/sandbox-auth") == 0;
	char role[128];
	cJSON *shown;
	struct reply reply;

	if (!wants_token && strcmp(request->path, "/v2/credentials/sandbox") != 0)
		return plain(404, "Not Found");
	if (wants_token && (token == NULL || strcmp(token, "sandbox-container-token") != 0)) {
		reply = plain(401, "Unauthorized");
	} else {
		shown = must(cJSON_CreateObject());
		format_text(role, sizeof(role), "arn:aws:iam::%s:role/" ROLE,
			    sandbox->options.account);
		cJSON_AddStringToObject(shown, "RoleArn", role);
		reply = credentials(sandbox, shown, "sandbox-task");
	}
	note(sandbox, "container", "GetCredentials", &reply);
	return reply;
}
