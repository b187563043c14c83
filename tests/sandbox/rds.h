/*
 * rds: DescribeDBInstances and DescribeDBClusters, page by page, of what a test has put there.
 *
 * A test says which databases there are, since nobody could create one here: PUT /sandbox/rds with
 * {"instances": [{"id", "engine", "host", "port", "cluster", "source"}], "clusters": [{"id", "engine",
 * "host", "reader", "custom": […], "port", "source"}]}. Source: Amazon RDS API Reference, 2014-10-31.
 */
#ifndef SANDBOX_RDS_H
#define SANDBOX_RDS_H

#include "http.h"
#include "keys.h"

#include <cjson/cJSON.h>

#define RDS_VERSION "2014-10-31"

struct sandbox;

struct databases {
	cJSON *lists; /* as they were put; NULL: none */
};

/* Replaces all of them. NULL when they are accepted, else what is wrong. */
const char *databases_replace(struct databases *, const cJSON *lists);
cJSON *databases_show(const struct databases *);
void databases_clear(struct databases *);

/* Runs one operation for a caller whose signature was good. */
struct reply rds_run(struct sandbox *, const char *action, const cJSON *input, const struct key *);

/* An error in XML. */
struct reply rds_error(const char *type, const char *message);

#endif
