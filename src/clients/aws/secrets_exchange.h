/*
 * secrets_exchange: one request to Secrets Manager about one secret, and its answer.
 *
 * What secrets_read and secrets_write share; nobody else needs it.
 */
#ifndef CLIENTS_AWS_SECRETS_EXCHANGE_H
#define CLIENTS_AWS_SECRETS_EXCHANGE_H

#include "clients/aws/secrets_json.h"
#include "clients/aws/secrets_manager.h"
#include "core/json.h"

/* A value of control characters grows sixfold in JSON. */
#define SECRETS_BODY_LIMIT (8 * SECRET_MAX)

struct secrets_manager {
	struct secret_store store; /* first */
	struct aws *aws;
	struct secrets_manager_options options;
};

/* One request about one secret: its body, then its answer and what was refused. */
struct secrets_exchange {
	struct buffer body;
	struct http_response response;
	struct aws_error error;
	cJSON *answer;
};

#define SECRETS_EXCHANGE_INIT ((struct secrets_exchange){.body = BUFFER_INIT(SECRETS_BODY_LIMIT)})

/* Wipes and frees. For AUTO(). */
void secrets_exchange_clear(struct secrets_exchange *);

/* The implementation behind the port. */
struct secrets_manager *secrets_manager_of(struct secret_store *);

/* Whose region counts for `id`: its own, or where it is a name, the application secret's. */
const char *secrets_region_source(const struct secrets_manager *, const char *id);

/*
 * Ends the body, sends it and parses the answer; `answer` stays NULL where find_done() found that it
 * was done before. `find_done` with its context is asked after a lost answer; NULL: the request may
 * be repeated. Fails as aws_call_secrets_manager(); `error` says how AWS put it. INVALID also: what
 * answered is not Secrets Manager.
 */
struct status secrets_ask(struct secrets_manager *, const char *operation, const char *id,
			  struct secrets_exchange *,
			  struct status (*find_done)(void *context, bool *done), void *context);

/*
 * Did AWS itself refuse, with a type? Not so where nobody answered, or a gateway with a status
 * alone.
 */
bool secrets_refused(const struct secrets_exchange *);

/* Was it refused with this type; do AWS's words hold these? */
bool secrets_is_type(const struct secrets_exchange *, const char *type);
bool secrets_says(const struct secrets_exchange *, const char *words);

#endif
