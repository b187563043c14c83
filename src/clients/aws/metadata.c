#include "clients/aws/metadata.h"

#include "clients/aws/file.h"
#include "core/json.h"
#include "core/memory.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URL_LIMIT 2048
#define TOKEN_LIMIT 16384
#define ANSWER_LIMIT (64 * 1024)
#define CONTAINER_HOST "http://169.254.170.2"
#define CONTAINER_TRIES 3
#define CONTAINER_TIMEOUT_MS 2000
#define INSTANCE_TRIES 1
#define INSTANCE_TIMEOUT_MS 1000

/* 127.0.0.0/8, ::1, ECS's 169.254.170.2, EKS's 169.254.170.23 and fd00:ec2::23: on this machine. */
static bool allowed_host(const char *host)
{
	static const char *const six[] = {"::1", "fd00:ec2::23"};
	struct in_addr four;
	struct in6_addr given, known;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "169.254.170.2") == 0 ||
	    strcmp(host, "169.254.170.23") == 0)
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &given) != 1)
		return false;
	for (size_t i = 0; i < sizeof(six) / sizeof(six[0]); i++)
		if (inet_pton(AF_INET6, six[i], &known) == 1 &&
		    memcmp(&given, &known, sizeof(given)) == 0)
			return true;
	return false;
}

struct status metadata_check_url(const char *url)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-._~:/%[]?=&,;+";
	char host[128];
	const char *start;
	size_t length;
	bool six;

	if (url[strspn(url, allowed)] != '\0')
		return failure(STATUS_INVALID,
			       "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a plain URL");
	if (strncmp(url, "https://", 8) == 0)
		return OK;
	if (strncmp(url, "http://", 7) != 0)
		return failure(
			STATUS_INVALID,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI must begin with http:// or https://");
	start = url + 7;
	six = *start == '[';
	start += six;
	length = strcspn(start, six ? "]/?" : ":/?");
	snprintf(host, sizeof(host), "%.*s", (int)length, start);
	if (length >= sizeof(host) || (six && start[length] != ']') || !allowed_host(host))
		return failure(
			STATUS_INVALID,
			"AWS_CONTAINER_CREDENTIALS_FULL_URI names the host '%s': plain http is "
			"allowed to this machine, 169.254.170.2, 169.254.170.23 and "
			"fd00:ec2::23 alone; use https",
			host);
	return OK;
}

static enum http_verdict judge(void *context, const struct http_response *response,
			       struct status *why)
{
	const char *what = context;

	if (response->status == 200)
		return HTTP_DONE;
	if (response->status == 404) {
		*why = failure(STATUS_NOT_FOUND, "%s has no credentials for us", what);
		return HTTP_DONE;
	}
	if (response->status >= 500 || response->status == 429) {
		*why = failure(STATUS_UNAVAILABLE, "%s answers with status %d", what,
			       response->status);
		return HTTP_AGAIN;
	}
	*why = failure(STATUS_DENIED, "%s answers with status %d", what, response->status);
	return HTTP_DONE;
}

struct asking {
	const char *what;
	const char *method;
	const char *url;
	struct http_header header; /* no name: none */
	int tries;
	int64_t timeout;
};

static struct status ask(const struct credentials_context *context, const struct asking *asking,
			 struct http_response *ret)
{
	AUTO(string_clear) char *what = memory_copy_string(asking->what);
	struct http_policy policy = {.tries = asking->tries, .context = what, .judge = judge};
	struct http_request request = {.what = asking->what,
				       .method = asking->method,
				       .url = asking->url,
				       .headers = &asking->header,
				       .header_count = asking->header.name != NULL ? 1 : 0,
				       .ca_file = context->config->ca_bundle,
				       .ca_setting = "AWS_CA_BUNDLE",
				       .bypass_proxy = true,
				       .connect_timeout = asking->timeout,
				       .try_timeout = asking->timeout,
				       .response_limit = ANSWER_LIMIT,
				       .deadline = context->deadline,
				       .repeatable = true};

	if (what == NULL)
		return OUT_OF_MEMORY;
	return http_call(context->http, &request, &policy, ret);
}

/* {"AccessKeyId","SecretAccessKey","Token","Expiration"}; a 200 may also say why there are none. */
static struct status take_keys(const struct http_response *response, const char *what,
			       struct aws_keys *ret)
{
	AUTO(json_clear) cJSON *body = NULL;
	AUTO(aws_keys_clear) struct aws_keys made = AWS_KEYS_INIT;
	const char *id, *secret, *token, *expires;

	TRY_WHILE(json_parse(buffer_string(&response->body), response->body.length, &body),
		  "reading the answer of %s", what);
	id = json_string(body, "AccessKeyId");
	secret = json_string(body, "SecretAccessKey");
	token = json_string(body, "Token");
	expires = json_string(body, "Expiration");
	if (id == NULL || secret == NULL) {
		const char *code = json_string(body, "Code");

		return failure(STATUS_DENIED, "%s gives no keys: %.100s", what,
			       code != NULL ? code : "its answer has no AccessKeyId");
	}
	made.access_key_id = memory_copy_string(id);
	if (made.access_key_id == NULL)
		return OUT_OF_MEMORY;
	TRY(secret_make(secret, strlen(secret), &made.secret_access_key));
	if (token != NULL)
		TRY(secret_make(token, strlen(token), &made.session_token));
	if (expires != NULL)
		TRY_WHILE(credentials_read_date(expires, &made.expires), "reading the answer of %s",
			  what);
	snprintf(made.source, sizeof(made.source), "%s", what);
	aws_keys_clear(ret);
	*ret = made;
	made = AWS_KEYS_INIT;
	return OK;
}

/* The file wins, and is read anew each time: its token is replaced as it ages. */
static struct status read_container_token(const struct config *config, struct buffer *ret)
{
	if (config->container_token_file != NULL)
		TRY_WHILE(file_read(config->container_token_file, ret),
			  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	else if (config->container_token != NULL)
		TRY(buffer_append_string(ret, config->container_token));
	if (strpbrk(buffer_string(ret), "\r\n") != NULL)
		return failure(STATUS_INVALID,
			       "the container's authorization token holds a line break");
	return OK;
}

struct status metadata_container(const struct credentials_context *context, struct aws_keys *ret)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	AUTO(buffer_clear) struct buffer url = BUFFER_INIT(URL_LIMIT);
	AUTO(buffer_clear) struct buffer token = BUFFER_INIT(TOKEN_LIMIT);
	const struct config *config = context->config;
	struct asking asking = {.what = "the container's credential endpoint",
				.method = "GET",
				.tries = CONTAINER_TRIES,
				.timeout = CONTAINER_TIMEOUT_MS};

	if (config->container_relative_uri != NULL)
		TRY(buffer_printf(&url, "%s%s", CONTAINER_HOST, config->container_relative_uri));
	else
		TRY(buffer_append_string(&url, config->container_full_uri));
	TRY(metadata_check_url(url.data));
	TRY(read_container_token(config, &token));
	asking.url = url.data;
	if (token.length > 0)
		asking.header = (struct http_header){"Authorization", token.data};
	TRY(ask(context, &asking, &response));
	return take_keys(&response, asking.what, ret);
}

static const char *instance_base(const struct config *config)
{
	if (config->metadata_endpoint != NULL)
		return config->metadata_endpoint;
	if (config->metadata_endpoint_mode != NULL &&
	    strcasecmp(config->metadata_endpoint_mode, "IPv6") == 0)
		return "http://[fd00:ec2::254]";
	return "http://169.254.169.254";
}

/* One GET below …/iam/security-credentials/ with the session's token. */
static struct status ask_instance(const struct credentials_context *context, struct asking *asking,
				  const char *role, struct http_response *ret)
{
	AUTO(buffer_clear) struct buffer url = BUFFER_INIT(URL_LIMIT);
	const char *base = instance_base(context->config);
	size_t length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	if (role == NULL)
		TRY(buffer_printf(&url, "%.*s/latest/api/token", (int)length, base));
	else
		TRY(buffer_printf(&url, "%.*s/latest/meta-data/iam/security-credentials/%s",
				  (int)length, base, role));
	asking->url = url.data;
	return ask(context, asking, ret);
}

struct status metadata_instance(const struct credentials_context *context, struct aws_keys *ret)
{
	AUTO(http_response_clear) struct http_response token = HTTP_RESPONSE_INIT;
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	struct asking asking = {.what = "the instance metadata service",
				.method = "PUT",
				.header = {"X-aws-ec2-metadata-token-ttl-seconds", "21600"},
				.tries = INSTANCE_TRIES,
				.timeout = INSTANCE_TIMEOUT_MS};
	char role[129];

	TRY(ask_instance(context, &asking, NULL, &token));
	asking.method = "GET";
	asking.header = (struct http_header){"X-aws-ec2-metadata-token",
					     buffer_string(&token.body)};
	TRY(ask_instance(context, &asking, "", &response));
	snprintf(role, sizeof(role), "%.*s", (int)strcspn(buffer_string(&response.body), "\r\n"),
		 buffer_string(&response.body));
	if (*role == '\0' || strpbrk(role, "/?#% ") != NULL)
		return failure(STATUS_NOT_FOUND, "%s names no role", asking.what);
	TRY(ask_instance(context, &asking, role, &response));
	TRY(take_keys(&response, asking.what, ret));
	snprintf(ret->source, sizeof(ret->source), "the instance's role '%s'", role);
	return OK;
}
