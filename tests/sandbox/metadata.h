/*
 * metadata: the two local sources of credentials: instance metadata (version 2 only) and the
 * container credentials endpoint.
 *
 * Sources: "Use the Instance Metadata Service", EC2 User Guide; "Container credential provider",
 * AWS SDKs and Tools Reference Guide.
 */
#ifndef SANDBOX_METADATA_H
#define SANDBOX_METADATA_H

#include "http.h"

struct sandbox;

/* Everything under /latest/. */
struct reply metadata_handle(struct sandbox *, const struct request *);

/* /v2/credentials/sandbox, and …/sandbox-auth, which wants an authorization token. */
struct reply container_handle(struct sandbox *, const struct request *);

#endif
