/*
 * finishSecret: promote, last of all. By now the new credential has logged in everywhere; moving
 * the current label is what makes the application use it. The store moves the previous label along.
 *
 * Secrets Manager calls it after testSecret only. Others who may invoke the function could call it
 * alone, and then the application would be handed a password that nobody has set: so what this
 * process has not seen proven it proves now. In a warm function that costs nothing.
 */
#include "steps/rotation.h"

#include <string.h>

struct status finish_secret(const struct rotation *rotation)
{
	AUTO(secret_labels_clear) struct secret_labels labels = SECRET_LABELS_INIT;

	TRY_WHILE(rotation->store->ops->describe(rotation->store, rotation->secret_id, &labels),
		  "reading the labels");
	if (strcmp(labels.current, rotation->token) == 0) {
		report_outcome(rotation, "already finished");
		return OK;
	}
	if (strcmp(labels.pending, rotation->token) != 0)
		return failure(
			STATUS_CONFLICT,
			"version '%s' is neither pending nor current: the rotation was aborted, or "
			"another one took its place; start it again",
			rotation->token);
	/* Proven against another version than the current one is not proven: somebody edited it. */
	if (rotation->proven_from == NULL || strcmp(rotation->proven_from, labels.current) != 0)
		TRY_WHILE(test_secret(rotation), "proving the new version first");
	TRY_WHILE(rotation->store->ops->promote(rotation->store, rotation->secret_id,
						rotation->token, labels.current),
		  "promoting the new version");
	report_outcome(rotation, "promoted the new version");
	return OK;
}
