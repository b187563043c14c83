/*
 * event: what a function was invoked with, told apart by its shape.
 *
 * `Step` means one step of a rotation, as Secrets Manager sends it. `Command` is ours: "check" or
 * "status" of a secret, asked from inside the function's network, where the database can be reached.
 * An object without any of a step's fields is a tick: start the configured rotation. The shape comes
 * from the AWS page "Rotation function" (Step, SecretId, ClientRequestToken, RotationToken) and the
 * sample of a scheduled event.
 */
#ifndef RUNTIME_EVENT_H
#define RUNTIME_EVENT_H

#include "core/secret.h"
#include "core/secret_store.h"
#include "core/status.h"
#include "steps/steps.h"

#include <stddef.h>

enum event_kind { EVENT_STEP, EVENT_CHECK, EVENT_STATUS, EVENT_TICK };

#define SECRET_ID_MAX 2048

struct event {
	enum event_kind kind;
	enum step step; /* EVENT_STEP, like all that follows */
	char *secret_id;
	char token[VERSION_ID_MAX + 1]; /* ClientRequestToken, 32 to 64 characters */
	struct secret rotation_token;	/* empty when the event has none */
};

#define EVENT_INIT ((struct event){0})

/*
 * Reads one payload. INVALID: not JSON, not an object, a field missing, of the wrong type or size,
 * an unknown step; the text names the field and what is expected, never the payload.
 */
struct status event_parse(const char *payload, size_t length, struct event *ret);

/* Wipes and frees. For AUTO(). */
void event_clear(struct event *);

#endif
