#include "clients/aws/sts.h"

#include "clients/aws/file.h"
#include "clients/aws/sigv4.h"
#include "clients/aws/xml.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

#define FORM_LIMIT (64 * 1024)
#define FIELD_LIMIT 16384
#define TOKEN_LIMIT 20000 /* STS takes no longer one */

static struct status add_field(struct buffer *form, const char *name, const char *value)
{
	TRY(buffer_printf(form, "&%s=", name));
	return sigv4_encode(value, strlen(value), form);
}

static struct status make_form(const char *action, const struct sts_role *role, struct buffer *ret)
{
	TRY(buffer_printf(ret, "Action=%s&Version=2011-06-15", action));
	TRY(add_field(ret, "RoleArn", role->arn));
	TRY(add_field(ret, "RoleSessionName",
		      role->session_name != NULL ? role->session_name : "tandem"));
	if (role->external_id != NULL)
		TRY(add_field(ret, "ExternalId", role->external_id));
	if (role->duration_seconds > 0)
		TRY(buffer_printf(ret, "&DurationSeconds=%ld", role->duration_seconds));
	return OK;
}

static struct status take_secret(const char *xml, const char *tag, struct secret *ret)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(FIELD_LIMIT);

	TRY(xml_text(xml, tag, &text));
	return secret_make(text.data, text.length, ret);
}

static struct status take_keys(const char *xml, struct aws_keys *ret)
{
	AUTO(buffer_clear) struct buffer text = BUFFER_INIT(FIELD_LIMIT);

	TRY(xml_text(xml, "AccessKeyId", &text));
	ret->access_key_id = memory_copy_string(buffer_string(&text));
	if (ret->access_key_id == NULL)
		return OUT_OF_MEMORY;
	buffer_reset(&text);
	TRY(take_secret(xml, "SecretAccessKey", &ret->secret_access_key));
	TRY(take_secret(xml, "SessionToken", &ret->session_token));
	TRY(xml_text(xml, "Expiration", &text));
	return credentials_read_date(buffer_string(&text), &ret->expires);
}

static struct status give_base(void *context, bool refused, const struct aws_keys **ret)
{
	(void)refused; /* whoever gave them can ask for new ones */
	*ret = context;
	return OK;
}

static struct status ask(const struct credentials_context *context, const struct aws_keys *base,
			 const char *action, const struct sts_role *role, const struct buffer *form,
			 struct aws_keys *ret)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	AUTO(aws_keys_clear) struct aws_keys made = AWS_KEYS_INIT;
	struct endpoint endpoint;
	struct aws_error error;
	struct aws_keys signer = base != NULL ? *base : AWS_KEYS_INIT; /* borrowed, not owned */
	char region[AWS_REGION_MAX + 1];
	struct aws_call call = {.config = context->config,
				.endpoint = &endpoint,
				.action = action,
				.resource = role->arn,
				.content_type = "application/x-www-form-urlencoded",
				.body = form->data,
				.body_length = form->length,
				.deadline = context->deadline,
				.keys = base != NULL ? give_base : NULL,
				.keys_context = &signer,
				.repeatable = true,
				.clock_skew = context->clock_skew,
				.count = context->count};

	if (endpoint_region(context->config, context->profile, NULL, region).code != STATUS_OK)
		snprintf(region, sizeof(region), "%s", context->region);
	TRY(endpoint_resolve(context->config, context->profile, AWS_STS, region, &endpoint));
	TRY(aws_call_send(context->http, &call, &error, &response));
	TRY_WHILE(take_keys(buffer_string(&response.body), &made), "reading STS's answer");
	snprintf(made.source, sizeof(made.source), "the role '%s'", role->arn);
	aws_keys_clear(ret);
	*ret = made;
	made = AWS_KEYS_INIT;
	return OK;
}

struct status sts_assume_role(const struct credentials_context *context,
			      const struct aws_keys *base, const struct sts_role *role,
			      struct aws_keys *ret)
{
	AUTO(buffer_clear) struct buffer form = BUFFER_INIT(FORM_LIMIT);

	TRY(make_form("AssumeRole", role, &form));
	return ask(context, base, "sts:AssumeRole", role, &form, ret);
}

static struct status read_token(const char *path, struct buffer *ret)
{
	TRY_WHILE(file_read(path, ret), "reading the web identity token");
	while (ret->length > 0 && strchr(" \t\r\n", ret->data[ret->length - 1]) != NULL)
		ret->data[--ret->length] = '\0';
	if (ret->length == 0)
		return failure(STATUS_INVALID, "the web identity token file %s is empty", path);
	return OK;
}

struct status sts_assume_role_with_web_identity(const struct credentials_context *context,
						const char *token_file, const struct sts_role *role,
						struct aws_keys *ret)
{
	AUTO(buffer_clear) struct buffer form = BUFFER_INIT(FORM_LIMIT);
	AUTO(buffer_clear) struct buffer token = BUFFER_INIT(TOKEN_LIMIT);

	TRY(read_token(token_file, &token));
	TRY(make_form("AssumeRoleWithWebIdentity", role, &form));
	TRY(add_field(&form, "WebIdentityToken", token.data));
	return ask(context, NULL, "sts:AssumeRoleWithWebIdentity", role, &form, ret);
}
