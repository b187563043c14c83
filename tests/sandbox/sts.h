/*
 * sts: temporary credentials: AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity.
 *
 * The query protocol: a form comes in, XML goes out. Any role of any account may be assumed,
 * except `sandbox-external-role`, which wants the external id `sandbox-external-id`.
 * Source: AWS Security Token Service API Reference, version 2011-06-15.
 */
#ifndef SANDBOX_STS_H
#define SANDBOX_STS_H

#include "http.h"
#include "keys.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

struct sandbox;

/* AssumeRoleWithWebIdentity proves who calls by its token and is not signed. */
bool sts_unsigned(const char *action);

/* Runs one operation; `key` is the caller's, NULL when it is unsigned. */
struct reply sts_run(struct sandbox *, const char *action, const cJSON *input,
		     const struct key *key);

/* An error in XML. The types of the JSON services are translated into STS's own. */
struct reply sts_error(const char *type, const char *message);

#endif
