/*
 * rds_xml: what RDS's answers look like.
 *
 * Pure. Source: Amazon RDS API Reference, DescribeDBInstances and DescribeDBClusters.
 */
#ifndef CLIENTS_AWS_RDS_XML_H
#define CLIENTS_AWS_RDS_XML_H

#include "core/buffer.h"
#include "core/directory.h"
#include "core/status.h"

#include <stdbool.h>

#define RDS_ID_MAX 255 /* names have 63 characters; an ARN in their place has more */
#define RDS_MARKER_MAX 4096

enum rds_kind { RDS_INSTANCE, RDS_CLUSTER };

/* One instance or cluster; what it does not have is "" or 0. */
struct rds_record {
	enum rds_kind kind;
	char arn[RDS_ID_MAX + 1], id[RDS_ID_MAX + 1];
	struct place place;	      /* its own address; a cluster's leads to its writer */
	char cluster[RDS_ID_MAX + 1]; /* whose member or replica this instance is */
	char source[RDS_ID_MAX + 1];  /* of a replica: a name in this region, or an ARN */
	bool at_host;		      /* one of its addresses is the one looked for */
};

/* Which one is looked for: by one of these; the others are NULL. */
struct rds_wanted {
	enum rds_kind kind;
	const char *arn, *id;
	const char *
		host; /* an instance's address, or any of a cluster's: readers' and custom ones too */
};

/*
 * One page of DescribeDBInstances' or DescribeDBClusters' answer: the record that is wanted, if it is
 * there, and where the next page begins, "" when this was the last. INVALID: it is no such answer, or
 * a field of the record is not what the reference says.
 */
struct status rds_read_page(const struct buffer *answer, const struct rds_wanted *,
			    struct rds_record *ret, bool *ret_found, struct buffer *ret_marker);

#endif
