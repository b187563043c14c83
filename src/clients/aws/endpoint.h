/*
 * endpoint: which host answers for a service in a region, as a pure function.
 *
 * Partitions (China, GovCloud, …) differ in the end of their host names; FIPS and dual-stack hosts
 * have names of their own; and an operator may name another place altogether (a VPC endpoint, a
 * gateway, a test server).
 * Source: the services' endpoint rule sets; AWS SDKs and Tools Reference Guide, "Service-specific
 * endpoints".
 */
#ifndef CLIENTS_AWS_ENDPOINT_H
#define CLIENTS_AWS_ENDPOINT_H

#include "core/config.h"
#include "core/status.h"

enum aws_service { AWS_SECRETS_MANAGER, AWS_STS, AWS_RDS };
#define AWS_SERVICE_COUNT 3

struct profile;

#define AWS_REGION_MAX 32

struct endpoint {
	char url[512];	/* where to send: scheme, host, port, path */
	char host[256]; /* the Host header: with the port where it is not the scheme's own */
	char path[256]; /* from the first '/' */
	char region[AWS_REGION_MAX + 1]; /* to sign for */
	const char *signing_name;	 /* "secretsmanager" */
	const char *title;		 /* "Secrets Manager" */
};

/*
 * `profile` may be NULL. INVALID: an override that is no URL, or one together with FIPS or
 * dual-stack, which only AWS's own hosts have; the text names the setting.
 */
struct status endpoint_resolve(const struct config *, const struct profile *, enum aws_service,
			       const char *region, struct endpoint *ret);

/*
 * The region of a secret: its ARN's; for a name AWS_REGION, AWS_DEFAULT_REGION, the profile's.
 * `secret_id` NULL: not about a secret. INVALID: none of them is set, one that is no region, an ARN
 * of something else than a secret.
 */
struct status endpoint_region(const struct config *, const struct profile *, const char *secret_id,
			      char ret[AWS_REGION_MAX + 1]);

/*
 * The region in an ARN of RDS, "arn:aws:rds:eu-west-1:123456789012:db:name". INVALID: it is another
 * service's, or has none.
 */
struct status endpoint_region_of_database(const char *arn, char ret[AWS_REGION_MAX + 1]);

#endif
