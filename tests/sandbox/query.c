#include "query.h"

#include "text.h"

#include <string.h>

#define FORM_FIELDS_MAX 64

static const struct {
	const char *json;
	const char *query;
	unsigned status;
} error_names[] = {
	{"AccessDeniedException", "AccessDenied", 403},
	{"DBClusterNotFoundFault", "DBClusterNotFoundFault", 404},
	{"DBInstanceNotFound", "DBInstanceNotFound", 404},
	{"ExpiredTokenException", "ExpiredToken", 403},
	{"IncompleteSignatureException", "IncompleteSignature", 400},
	{"InternalServiceError", "InternalFailure", 500},
	{"InvalidSignatureException", "SignatureDoesNotMatch", 403},
	{"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403},
	{"ThrottlingException", "Throttling", 400},
	{"UnrecognizedClientException", "InvalidClientTokenId", 403},
};

/* None of our texts needs more than these. */
char *query_escape(const char *text)
{
	char *out = allocate(strlen(text) * 5 + 1);
	char *at = out;

	for (; *text != '\0'; text++) {
		const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : NULL;

		if (as == NULL)
			*at++ = *text;
		else
			at = stpcpy(at, as);
	}
	return out;
}

struct reply query_error(const char *namespace, const char *type, const char *message)
{
	AUTO(text_clear) char *escaped = query_escape(message);
	const char *code = type;
	unsigned status = 400;
	struct reply reply;

	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
		if (strcmp(error_names[i].json, type) != 0)
			continue;
		code = error_names[i].query;
		status = error_names[i].status;
	}
	reply = reply_text(status, QUERY_XML,
			   "<ErrorResponse %s><Error><Type>%s</Type><Code>%s</Code>"
			   "<Message>%s</Message></Error></ErrorResponse>",
			   namespace, status >= 500 ? "Receiver" : "Sender", code, escaped);
	format_text(reply.error, sizeof(reply.error), "%s", code);
	return reply;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes %XX and '+' in place; false when a '%' has no two digits. */
static bool decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		int high, low;

		*out = *text;
		if (*text == '+')
			*out = ' ';
		if (*text != '%') {
			out++;
			continue;
		}
		high = hex_digit(text[1]);
		low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0)
			return false;
		*out++ = (char)(high * 16 + low);
		text += 2;
	}
	*out = '\0';
	return true;
}

cJSON *query_parse_form(const char *body)
{
	AUTO(text_clear) char *copy = copy_text(body);
	cJSON *form = must(cJSON_CreateObject());
	char *rest = copy;
	int fields = 0;

	for (char *name; (name = strsep(&rest, "&")) != NULL;) {
		char *value = strchr(name, '=');

		if (value != NULL)
			*value++ = '\0';
		if (value == NULL || !decode(name) || !decode(value) ||
		    ++fields > FORM_FIELDS_MAX) {
			cJSON_Delete(form);
			return NULL;
		}
		cJSON_AddStringToObject(form, name, value);
	}
	return form;
}

const char *query_field(const cJSON *form, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(form, name));

	return text != NULL ? text : "";
}
