#include "http.h"

#include "text.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AWS_JSON "application/x-amz-json-1.1"

const char *request_header(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcasecmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

bool request_abandoned(const struct request *request)
{
	struct pollfd peer = {.fd = request->socket, .events = POLLRDHUP};

	return poll(&peer, 1, 0) > 0;
}

struct reply reply_empty(unsigned status)
{
	return (struct reply){.status = status};
}

struct reply reply_json(unsigned status, cJSON *value)
{
	struct reply reply = {.status = status, .content_type = AWS_JSON};

	reply.body = must(cJSON_PrintUnformatted(value));
	reply.length = strlen(reply.body);
	cJSON_Delete(value);
	return reply;
}

[[gnu::format(printf, 1, 0)]] static char *format_all(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	return must(text);
}

struct reply reply_text(unsigned status, const char *content_type, const char *format, ...)
{
	struct reply reply = {.status = status, .content_type = content_type};
	va_list arguments;

	va_start(arguments, format);
	reply.body = format_all(format, arguments);
	va_end(arguments);
	reply.length = strlen(reply.body);
	return reply;
}

void reply_add_header(struct reply *reply, const char *name, const char *format, ...)
{
	struct reply_header *header = &reply->headers[reply->header_count];
	va_list arguments;

	if (reply->header_count == REPLY_HEADERS_MAX)
		abort();
	header->name = name;
	va_start(arguments, format);
	vsnprintf(header->value, sizeof(header->value), format, arguments);
	va_end(arguments);
	reply->header_count++;
}

/* The errors in Secrets Manager's service model; all others come from the layers before it. */
static bool is_modelled(const char *type)
{
	static const char *const modelled[] = {
		"DecryptionFailure",	     "EncryptionFailure",
		"InternalServiceError",	     "InvalidNextTokenException",
		"InvalidParameterException", "InvalidRequestException",
		"LimitExceededException",    "ResourceExistsException",
		"ResourceNotFoundException",
	};

	for (size_t i = 0; i < sizeof(modelled) / sizeof(modelled[0]); i++)
		if (strcmp(modelled[i], type) == 0)
			return true;
	return false;
}

struct reply aws_error(const char *type, const char *format, ...)
{
	AUTO(text_clear) char *message = NULL;
	cJSON *body = must(cJSON_CreateObject());
	struct reply reply;
	va_list arguments;

	va_start(arguments, format);
	message = format_all(format, arguments);
	va_end(arguments);
	cJSON_AddStringToObject(body, "__type", type);
	cJSON_AddStringToObject(body, is_modelled(type) ? "Message" : "message", message);
	reply = reply_json(strcmp(type, "InternalServiceError") == 0 ? 500 : 400, body);
	format_text(reply.error, sizeof(reply.error), "%s", type);
	return reply;
}

void reply_clear(struct reply *reply)
{
	free(reply->body);
	*reply = (struct reply){0};
}
