/*
 * credentials: where AWS's keys come from.
 *
 * The chain, first hit wins: environment, web identity, profile, container endpoint (ECS, EKS Pod
 * Identity), instance metadata (IMDSv2). A source that is configured but does not work is a
 * failure, never a reason to go on to the next: that would act as somebody else. On top of what was
 * found, TANDEM_ASSUME_ROLE_ARN is assumed where it is set: a secret in another account.
 * Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
 */
#ifndef CLIENTS_AWS_CREDENTIALS_H
#define CLIENTS_AWS_CREDENTIALS_H

#include "clients/aws/credentials_context.h"

/*
 * Walks the chain. Nothing is remembered: whoever calls keeps the keys until they expire. DENIED:
 * no source has any (the text lists them), or one refused us. INVALID: a source is configured
 * wrongly or is one we do not do. UNAVAILABLE: a source does not answer.
 */
struct status credentials_fetch(const struct credentials_context *, struct aws_keys *ret);

#endif
