/*
 * metadata: keys from the machine we run on: a container's credential endpoint (ECS, EKS Pod
 * Identity, Lambda SnapStart) or the instance metadata service, version 2 only.
 *
 * Both are plain HTTP on addresses that do not leave the machine; proxies are never used.
 */
#ifndef CLIENTS_AWS_METADATA_H
#define CLIENTS_AWS_METADATA_H

#include "clients/aws/credentials_context.h"

/*
 * From AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. INVALID: plain http to a host that is
 * not loopback, ECS's or EKS's; a token that holds a line break.
 */
struct status metadata_container(const struct credentials_context *, struct aws_keys *ret);

/*
 * The instance's role, with IMDSv2's session token; never version 1. NOT_FOUND: the service says
 * that no role is attached.
 */
struct status metadata_instance(const struct credentials_context *, struct aws_keys *ret);

/* May `url` be asked for credentials? Public for its tests. INVALID: no. */
struct status metadata_check_url(const char *url);

#endif
