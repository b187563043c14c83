#include "clients/aws/rds.h"

#include "clients/aws/rds_xml.h"
#include "clients/aws/sigv4.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PAGES_MAX 60	/* of PAGE_RECORDS: three thousand instances */
#define PAGE_RECORDS 50 /* each has some 20 KB at most; 20 to 100 are allowed */
#define FORM_LIMIT (16 * 1024)
#define SOURCES_MAX 8 /* a replica of a replica of …; RDS allows fewer */

static const struct {
	const char *action, *permission, *parameter, *noun;
} operations[] = {
	[RDS_INSTANCE] = {"DescribeDBInstances", "rds:DescribeDBInstances", "DBInstanceIdentifier",
			  "instance"},
	[RDS_CLUSTER] = {"DescribeDBClusters", "rds:DescribeDBClusters", "DBClusterIdentifier",
			 "cluster"},
};

struct rds {
	struct directory directory; /* first */
	struct aws *aws;
	struct rds_options options;
};

/* One look-up: in which region, and whom to name in messages. */
struct lookup {
	struct rds *rds;
	struct rds_wanted wanted;
	const char *name; /* the ARN, the identifier or "*" */
	char region[AWS_REGION_MAX + 1];
};

static struct status add_field(struct buffer *form, const char *name, const char *value)
{
	TRY(buffer_printf(form, "&%s=", name));
	return sigv4_encode(value, strlen(value), form);
}

static struct status make_form(const struct lookup *lookup, const char *marker, struct buffer *ret)
{
	const struct rds_wanted *wanted = &lookup->wanted;

	TRY(buffer_printf(ret, "Action=%s&Version=2014-10-31&MaxRecords=%d",
			  operations[wanted->kind].action, PAGE_RECORDS));
	if (wanted->host == NULL)
		TRY(add_field(ret, operations[wanted->kind].parameter, lookup->name));
	if (*marker != '\0')
		TRY(add_field(ret, "Marker", marker));
	return OK;
}

static struct status read_page(const struct lookup *lookup, struct buffer *marker,
			       struct rds_record *ret, bool *found)
{
	AUTO(buffer_clear) struct buffer form = BUFFER_INIT(FORM_LIMIT);
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	const struct aws_form_call call = {.service = AWS_RDS,
					   .action = operations[lookup->wanted.kind].permission,
					   .resource = lookup->name,
					   .region = lookup->region,
					   .form = &form,
					   .deadline = lookup->rds->options.deadline};
	struct aws_error error;

	TRY(make_form(lookup, buffer_string(marker), &form));
	TRY(aws_call_form(lookup->rds->aws, &call, &error, &response));
	return status_while(rds_read_page(&response.body, &lookup->wanted, ret, found, marker),
			    "reading the answer to %s on '%s'", call.action, lookup->name);
}

static struct status explain_miss(const struct lookup *lookup)
{
	const char *noun = operations[lookup->wanted.kind].noun, *host = lookup->wanted.host;

	return failure(STATUS_NOT_FOUND, "RDS in %s has no %s %s '%s'", lookup->region, noun,
		       host != NULL ? "at the host" : "called", host != NULL ? host : lookup->name);
}

/* Page after page until it is there. NOT_FOUND: it is on none of them. */
static struct status look_up(const struct lookup *lookup, struct rds_record *ret)
{
	AUTO(buffer_clear) struct buffer marker = BUFFER_INIT(RDS_MARKER_MAX);
	AUTO(buffer_clear) struct buffer last = BUFFER_INIT(RDS_MARKER_MAX);
	const char *action = operations[lookup->wanted.kind].permission;
	bool found;

	for (int page = 0; page < PAGES_MAX; page++) {
		buffer_reset(&last);
		TRY(buffer_append_string(&last, buffer_string(&marker)));
		TRY(read_page(lookup, &marker, ret, &found));
		if (found)
			return OK;
		if (marker.length == 0)
			return explain_miss(lookup);
		if (strcmp(buffer_string(&marker), buffer_string(&last)) == 0)
			return failure(
				STATUS_INVALID,
				"%s in %s answers with the same page again: look who answers "
				"at its endpoint",
				action, lookup->region);
	}
	return failure(STATUS_INVALID,
		       "%s in %s has more than %d answers: too many to look through", action,
		       lookup->region, PAGES_MAX * PAGE_RECORDS);
}

/* arn:aws:rds:eu-west-1:123456789012:db:name, or …:cluster:name */
static struct status kind_of_arn(const char *arn, enum rds_kind *ret)
{
	const char *field = arn;

	for (int i = 0; i < 5; i++)
		field += strcspn(field, ":") + (field[strcspn(field, ":")] == ':');
	if (strncmp(field, "db:", strlen("db:")) == 0)
		*ret = RDS_INSTANCE;
	else if (strncmp(field, "cluster:", strlen("cluster:")) == 0)
		*ret = RDS_CLUSTER;
	else
		return failure(STATUS_INVALID,
			       "'%.200s' is the ARN of neither an RDS instance nor a cluster", arn);
	return OK;
}

/* An ARN says where to look and for what; a name means one of this kind, in this region. */
static struct status look_up_named(struct rds *rds, const char *name, enum rds_kind kind,
				   const char *region, struct rds_record *ret)
{
	struct lookup lookup = {.rds = rds, .name = name, .wanted.kind = kind};

	if (strncmp(name, "arn:", strlen("arn:")) == 0) {
		TRY(kind_of_arn(name, &lookup.wanted.kind));
		TRY(endpoint_region_of_database(name, lookup.region));
		lookup.wanted.arn = name;
	} else {
		snprintf(lookup.region, sizeof(lookup.region), "%s", region);
		lookup.wanted.id = name;
	}
	return look_up(&lookup, ret);
}

static struct status take_place(const struct rds_record *record, struct place *ret)
{
	if (record->place.host[0] == '\0' || record->place.port == 0 ||
	    record->place.engine[0] == '\0')
		return failure(STATUS_INVALID,
			       "the RDS %s '%s' has no address yet: wait until it is available",
			       operations[record->kind].noun, record->id);
	*ret = record->place;
	return OK;
}

static struct rds *rds_of(struct directory *directory)
{
	return (struct rds *)directory; /* the directory is its first member */
}

static struct status find(struct directory *directory, const char *owner, struct place *ret)
{
	struct rds_record record;

	TRY(look_up_named(rds_of(directory), owner, RDS_INSTANCE, "", &record));
	return take_place(&record, ret);
}

/* Most hosts of a cluster tell by their name that they are one's; a member's does not. */
static bool names_cluster(const char *host)
{
	return strcasestr(host, ".cluster-") != NULL;
}

/* Among instances and among clusters, in the order in which it is likely to be there. */
static struct status look_up_host(struct rds *rds, const char *host, const char *region,
				  struct rds_record *ret)
{
	bool cluster = names_cluster(host);
	struct lookup lookup = {.rds = rds, .name = "*", .wanted.host = host};
	struct status found;

	snprintf(lookup.region, sizeof(lookup.region), "%s", region);
	lookup.wanted.kind = cluster ? RDS_CLUSTER : RDS_INSTANCE;
	found = look_up(&lookup, ret);
	if (found.code != STATUS_NOT_FOUND)
		return found;
	lookup.wanted.kind = cluster ? RDS_INSTANCE : RDS_CLUSTER;
	found = look_up(&lookup, ret);
	if (found.code != STATUS_NOT_FOUND)
		return found;
	return failure(STATUS_NOT_FOUND,
		       "RDS in %s has no instance and no cluster at the host '%s'", region, host);
}

/* A member leads to its cluster, whose address is its writer's; a replica to its source. */
static struct status follow(struct rds *rds, char region[AWS_REGION_MAX + 1],
			    struct rds_record *record, bool *followed)
{
	const struct rds_record from = *record;
	bool member = from.cluster[0] != '\0';
	const char *next = member ? from.cluster : from.source;

	*followed = *next != '\0';
	if (!*followed)
		return OK;
	TRY_WHILE(look_up_named(rds, next, member ? RDS_CLUSTER : from.kind, region, record),
		  "looking for the writer of '%s'", from.id);
	if (strncmp(next, "arn:", strlen("arn:")) == 0)
		TRY(endpoint_region_of_database(next, region));
	return OK;
}

static struct status find_writer(struct directory *directory, const char *host, struct place *ret)
{
	struct rds *rds = rds_of(directory);
	char region[AWS_REGION_MAX + 1];
	struct rds_record record;
	bool followed = true;

	TRY(aws_region_of(rds->aws, rds->options.application_secret_id, region));
	TRY(look_up_host(rds, host, region, &record));
	for (int i = 0; followed; i++) {
		if (i == SOURCES_MAX)
			return failure(STATUS_INVALID,
				       "'%s' is a replica of a replica, and so on without an end",
				       host);
		TRY(follow(rds, region, &record, &followed));
	}
	return take_place(&record, ret);
}

/* Aurora's and the Multi-AZ clusters' reader endpoint: name.cluster-ro-abc.region.rds.… */
static bool names_reader(const char *host)
{
	return strcasestr(host, ".cluster-ro-") != NULL;
}

static void close_rds(struct directory **directory)
{
	memory_free(*directory);
	*directory = NULL;
}

struct status rds_open(struct aws *aws, const struct rds_options *options, struct directory **ret)
{
	static const struct directory_ops ops = {.find = find,
						 .find_writer = find_writer,
						 .names_reader = names_reader,
						 .close = close_rds};
	struct rds *made = memory_alloc_zero(1, sizeof(*made));

	if (made == NULL)
		return OUT_OF_MEMORY;
	made->directory.ops = &ops;
	made->aws = aws;
	made->options = *options;
	*ret = &made->directory;
	return OK;
}
