#include "clients/aws/error.h"

#include "clients/aws/xml.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *type;
	enum aws_error_class class;
} types[] = {
	{"ResourceNotFoundException", AWS_ERROR_NOT_FOUND},
	{"DBInstanceNotFound", AWS_ERROR_NOT_FOUND},
	{"DBInstanceNotFoundFault", AWS_ERROR_NOT_FOUND},
	{"DBClusterNotFound", AWS_ERROR_NOT_FOUND},
	{"DBClusterNotFoundFault", AWS_ERROR_NOT_FOUND},
	{"ResourceExistsException", AWS_ERROR_EXISTS},

	{"AccessDeniedException", AWS_ERROR_DENIED},
	{"AccessDenied", AWS_ERROR_DENIED},
	{"UnauthorizedOperation", AWS_ERROR_DENIED},
	{"OptInRequired", AWS_ERROR_DENIED},
	{"RegionDisabledException", AWS_ERROR_DENIED},
	{"InvalidIdentityToken", AWS_ERROR_DENIED},
	{"IDPRejectedClaim", AWS_ERROR_DENIED},

	{"ExpiredTokenException", AWS_ERROR_CREDENTIALS},
	{"ExpiredToken", AWS_ERROR_CREDENTIALS},
	{"UnrecognizedClientException", AWS_ERROR_CREDENTIALS},
	{"InvalidClientTokenId", AWS_ERROR_CREDENTIALS},
	{"MissingAuthenticationTokenException", AWS_ERROR_CREDENTIALS},
	{"MissingAuthenticationToken", AWS_ERROR_CREDENTIALS},

	{"InvalidSignatureException", AWS_ERROR_SIGNATURE},
	{"SignatureDoesNotMatch", AWS_ERROR_SIGNATURE},
	{"RequestTimeTooSkewed", AWS_ERROR_SIGNATURE},
	{"RequestExpired", AWS_ERROR_SIGNATURE},
	{"RequestInTheFuture", AWS_ERROR_SIGNATURE},
	{"SignatureExpired", AWS_ERROR_SIGNATURE},
	{"AuthFailure", AWS_ERROR_SIGNATURE},
	{"IncompleteSignatureException", AWS_ERROR_SIGNATURE},
	{"IncompleteSignature", AWS_ERROR_SIGNATURE},

	{"Throttling", AWS_ERROR_THROTTLED},
	{"ThrottlingException", AWS_ERROR_THROTTLED},
	{"ThrottledException", AWS_ERROR_THROTTLED},
	{"RequestThrottledException", AWS_ERROR_THROTTLED},
	{"RequestThrottled", AWS_ERROR_THROTTLED},
	{"TooManyRequestsException", AWS_ERROR_THROTTLED},
	{"ProvisionedThroughputExceededException", AWS_ERROR_THROTTLED},
	{"RequestLimitExceeded", AWS_ERROR_THROTTLED},
	{"BandwidthLimitExceeded", AWS_ERROR_THROTTLED},
	{"SlowDown", AWS_ERROR_THROTTLED},
	{"PriorRequestNotComplete", AWS_ERROR_THROTTLED},

	{"TransactionInProgressException", AWS_ERROR_RETRY},
	{"LimitExceededException", AWS_ERROR_RETRY}, /* of versions: that may not heal */
	{"RequestTimeout", AWS_ERROR_RETRY},
	{"RequestTimeoutException", AWS_ERROR_RETRY},
	{"InternalServiceError", AWS_ERROR_RETRY},
	{"InternalServiceErrorException", AWS_ERROR_RETRY},
	{"InternalFailure", AWS_ERROR_RETRY},
	{"InternalServerError", AWS_ERROR_RETRY},
	{"ServiceUnavailable", AWS_ERROR_RETRY},
	{"ServiceUnavailableException", AWS_ERROR_RETRY},
	{"IDPCommunicationError", AWS_ERROR_RETRY},
};

static enum aws_error_class classify(const char *type, int status)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].type, type) == 0)
			return types[i].class;
	if (status == 429)
		return AWS_ERROR_THROTTLED;
	if (status >= 500 || status == 408)
		return AWS_ERROR_RETRY;
	return status == 401 || status == 403 ? AWS_ERROR_DENIED : AWS_ERROR_INVALID;
}

/* "com.amazon.coral#ValidationException:http://…" is ValidationException. */
static void take_type(const char *text, char *ret, size_t size)
{
	const char *hash = strchr(text, '#');
	const char *start = hash != NULL ? hash + 1 : text;

	snprintf(ret, size, "%.*s", (int)strcspn(start, ":"), start);
}

static struct status read_json(const struct http_response *response, struct aws_error *ret)
{
	AUTO(json_clear) cJSON *body = NULL;
	const char *message;

	TRY(json_parse(buffer_string(&response->body), response->body.length, &body));
	message = json_string(body, "message");
	if (message == NULL)
		message = json_string(body, "Message");
	if (ret->type[0] == '\0' && json_string(body, "__type") != NULL)
		take_type(json_string(body, "__type"), ret->type, sizeof(ret->type));
	snprintf(ret->message, sizeof(ret->message), "%s", message != NULL ? message : "");
	return OK;
}

static struct status read_xml(const struct http_response *response, struct aws_error *ret)
{
	AUTO(buffer_clear) struct buffer code = BUFFER_INIT(sizeof(ret->type) - 1);
	AUTO(buffer_clear) struct buffer message = BUFFER_INIT(4096);

	struct status read = xml_text(buffer_string(&response->body), "Code", &code);

	if (read.code == STATUS_OK)
		take_type(buffer_string(&code), ret->type, sizeof(ret->type));
	if (read.code != STATUS_UNAVAILABLE)
		read = xml_text(buffer_string(&response->body), "Message", &message);
	if (read.code == STATUS_OK)
		snprintf(ret->message, sizeof(ret->message), "%s", buffer_string(&message));
	return read;
}

/*
 * AWS's own words help, but three kinds repeat the request: a refused signature is explained with
 * the headers it covers (the session token!), a failed validation with the value that failed, and
 * what is no AWS error at all (a gateway's page) with who knows what.
 */
static bool may_repeat_request(const struct aws_error *error)
{
	return error->type[0] == '\0' || error->class == AWS_ERROR_SIGNATURE ||
	       error->class == AWS_ERROR_CREDENTIALS ||
	       strncmp(error->type, "Validation", strlen("Validation")) == 0;
}

void aws_error_read(const struct http_response *response, struct aws_error *ret)
{
	const char *type = http_response_header(response, "x-amzn-errortype");
	const char *id = http_response_header(response, "x-amzn-requestid");
	const char *body = buffer_string(&response->body);
	struct status read;

	*ret = AWS_ERROR_INIT;
	if (type != NULL)
		take_type(type, ret->type, sizeof(ret->type));
	if (body[strspn(body, " \t\r\n")] == '<')
		read = read_xml(response, ret);
	else
		read = read_json(response, ret);
	if (id != NULL)
		snprintf(ret->request_id, sizeof(ret->request_id), "%s", id);
	ret->class = classify(ret->type, response->status);
	/*
	 * Unread for lack of memory it could be any error: the status alone would make it a wrong
	 * one.
	 */
	if (read.code == STATUS_UNAVAILABLE) {
		snprintf(ret->type, sizeof(ret->type), "out of memory");
		ret->class = AWS_ERROR_RETRY;
	}
	if (may_repeat_request(ret))
		ret->message[0] = '\0';
	if (ret->type[0] == '\0')
		snprintf(ret->type, sizeof(ret->type), "HTTP status %d", response->status);
}

enum status_code aws_error_code(const struct aws_error *error)
{
	static const enum status_code codes[] = {
		[AWS_ERROR_INVALID] = STATUS_INVALID,
		[AWS_ERROR_NOT_FOUND] = STATUS_NOT_FOUND,
		[AWS_ERROR_EXISTS] = STATUS_CONFLICT,
		[AWS_ERROR_DENIED] = STATUS_DENIED,
		[AWS_ERROR_CREDENTIALS] = STATUS_DENIED,
		[AWS_ERROR_SIGNATURE] = STATUS_DENIED,
		[AWS_ERROR_THROTTLED] = STATUS_UNAVAILABLE,
		[AWS_ERROR_RETRY] = STATUS_UNAVAILABLE,
	};

	return codes[error->class];
}

/* What to do about it, for the classes where somebody can. */
static void advise(const struct aws_error *error, const char *action, const char *who,
		   const char *region, char *ret, size_t size)
{
	bool kms = strstr(error->message, "KMS") != NULL || strstr(error->message, "kms:") != NULL;

	*ret = '\0';
	if (error->class == AWS_ERROR_DENIED && kms)
		snprintf(ret, size,
			 "; allow %s to use the secret's key: kms:Decrypt and kms:GenerateDataKey",
			 who);
	else if (error->class == AWS_ERROR_DENIED)
		snprintf(ret, size, "; allow %s on it to %s", action, who);
	else if (error->class == AWS_ERROR_CREDENTIALS)
		snprintf(ret, size, "; the credentials from %s have expired or are unknown", who);
	else if (error->class == AWS_ERROR_SIGNATURE)
		snprintf(ret, size,
			 "; the secret access key from %s is wrong, or this machine's clock", who);
	else if (error->class == AWS_ERROR_NOT_FOUND)
		snprintf(ret, size, "; looked for in %s", region);
}

struct status aws_error_status(const struct aws_error *error, const char *action,
			       const char *resource, const char *who, const char *region)
{
	char advice[320];

	advise(error, action, who, region, advice, sizeof(advice));
	return failure(aws_error_code(error), "%s on '%s' %s: %s%s(%s%s%s)%s", action, resource,
		       error->class == AWS_ERROR_DENIED ? "was denied" : "failed", error->message,
		       error->message[0] != '\0' ? " " : "", error->type,
		       error->request_id[0] != '\0' ? ", request id " : "", error->request_id,
		       advice);
}
