#include "clients/aws/secrets_exchange.h"

#include <string.h>

void secrets_exchange_clear(struct secrets_exchange *exchange)
{
	buffer_clear(&exchange->body);
	http_response_clear(&exchange->response);
	json_clear(&exchange->answer);
}

struct secrets_manager *secrets_manager_of(struct secret_store *store)
{
	return (struct secrets_manager *)store; /* the store is its first member */
}

/* A name secrets_says nothing about its region: it is looked for where the application secret is. */
const char *secrets_region_source(const struct secrets_manager *manager, const char *id)
{
	const char *application = manager->options.application_secret_id;

	return strncmp(id, "arn:", strlen("arn:")) == 0 || application == NULL ? id : application;
}

/*
 * Every answer of Secrets Manager holds the ARN of the secret, a batch its list. Whatever else comes
 * with a 200, from a proxy or a wrong endpoint, must not pass for a value that was put or a label
 * that was moved.
 */
static bool is_answer(const char *operation, const cJSON *answer)
{
	if (strcmp(operation, "BatchGetSecretValue") == 0)
		return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer, "SecretValues")) ||
		       cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(answer, "Errors"));
	return json_string(answer, "ARN") != NULL;
}

static struct status read_answer(const char *operation, struct secrets_exchange *exchange)
{
	const struct buffer *body = &exchange->response.body;

	TRY(json_parse(buffer_string(body), body->length, &exchange->answer));
	if (!is_answer(operation, exchange->answer))
		return failure(STATUS_INVALID,
			       "it is none of Secrets Manager's: look who answers at its endpoint");
	return OK;
}

struct status secrets_ask(struct secrets_manager *manager, const char *operation, const char *id,
			  struct secrets_exchange *exchange,
			  struct status (*find_done)(void *context, bool *done), void *context)
{
	struct aws_secrets_call call = {.operation = operation,
					.id = id,
					.region_of = secrets_region_source(manager, id),
					.deadline = manager->options.deadline,
					.repeatable = find_done == NULL,
					.find_done = find_done,
					.context = context};

	TRY(secrets_end(&exchange->body));
	call.body = exchange->body.data;
	call.body_length = exchange->body.length;
	TRY(aws_call_secrets_manager(manager->aws, &call, &exchange->error, &exchange->response));
	if (exchange->response.status == 0)
		return OK; /* found done: nothing to read */
	return status_while(read_answer(operation, exchange), "reading the answer to %s on '%s'",
			    operation, id);
}

bool secrets_refused(const struct secrets_exchange *exchange)
{
	return exchange->error.type[0] != '\0' &&
	       strncmp(exchange->error.type, "HTTP status", strlen("HTTP status")) != 0;
}

bool secrets_is_type(const struct secrets_exchange *exchange, const char *type)
{
	return strcmp(exchange->error.type, type) == 0;
}

bool secrets_says(const struct secrets_exchange *exchange, const char *words)
{
	return strstr(exchange->error.message, words) != NULL;
}
