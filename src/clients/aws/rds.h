/*
 * rds: Amazon RDS behind the port directory: where an instance or a cluster is, and whose replica.
 *
 * Only reads, with rds:DescribeDBInstances and rds:DescribeDBClusters. An owner is an ARN, as RDS
 * writes it into the tags of the secrets it manages. Source: Amazon RDS API Reference, 2014-10-31.
 */
#ifndef CLIENTS_AWS_RDS_H
#define CLIENTS_AWS_RDS_H

#include "clients/aws/aws.h"
#include "core/directory.h"

/* Nothing is copied: all of it must outlive the directory. */
struct rds_options {
	struct deadline deadline;	   /* for everything it does */
	const char *application_secret_id; /* hosts are looked for in this secret's region */
};

struct status rds_open(struct aws *, const struct rds_options *, struct directory **ret);

#endif
