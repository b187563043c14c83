/*
 * sts: turning one identity into a role's.
 *
 * Source: AWS Security Token Service API Reference, AssumeRole and AssumeRoleWithWebIdentity.
 */
#ifndef CLIENTS_AWS_STS_H
#define CLIENTS_AWS_STS_H

#include "clients/aws/credentials_context.h"

struct sts_role {
	const char *arn;
	const char *session_name; /* NULL = "tandem" */
	const char *external_id;  /* or NULL */
	long duration_seconds;	  /* 0 = STS's own default, an hour */
};

/* Signed with `base`. DENIED, INVALID, UNAVAILABLE as any call. */
struct status sts_assume_role(const struct credentials_context *, const struct aws_keys *base,
			      const struct sts_role *, struct aws_keys *ret);

/* Unsigned, with the token in a file, which is read anew each time: it is replaced as it ages. */
struct status sts_assume_role_with_web_identity(const struct credentials_context *,
						const char *token_file, const struct sts_role *,
						struct aws_keys *ret);

#endif
