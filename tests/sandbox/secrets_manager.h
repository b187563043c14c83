/*
 * secrets_manager: Secrets Manager's front: which operation, may the caller, is the input sound.
 *
 * Source: the AWS Secrets Manager API Reference; texts as recorded from the real service, see the
 * README for what is not recorded.
 */
#ifndef SANDBOX_SECRETS_MANAGER_H
#define SANDBOX_SECRETS_MANAGER_H

#include "http.h"
#include "journal.h"

#include <cjson/cJSON.h>

struct sandbox;

/* Notes in the journal's entry which secret and which token the call is about. */
void secrets_manager_note(const struct sandbox *, const cJSON *input, struct journal_entry *);

/* Runs one operation for a caller whose signature was good. */
struct reply secrets_manager_run(struct sandbox *, const char *action, const cJSON *input,
				 const char *principal);

#endif
