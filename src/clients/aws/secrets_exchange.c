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
	if (exchange->response.body.length == 0)
		return OK; /* found done: nothing to read */
	TRY_WHILE(json_parse(exchange->response.body.data, exchange->response.body.length,
			     &exchange->answer),
		  "reading the answer to %s on '%s'", operation, id);
	return OK;
}

bool secrets_is_type(const struct secrets_exchange *exchange, const char *type)
{
	return strcmp(exchange->error.type, type) == 0;
}

bool secrets_says(const struct secrets_exchange *exchange, const char *words)
{
	return strstr(exchange->error.message, words) != NULL;
}
