#include "clients/aws/rds_xml.h"

#include "clients/aws/xml.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A text of a record: where it stands in the answer, and where it goes. */
struct field {
	const char *path; /* behind the record's own */
	size_t offset, size;
	bool is_address; /* one of those that a host may be looked for by */
};

#define FIELD(where, member)                                                  \
	{                                                                     \
		.path = where, .offset = offsetof(struct rds_record, member), \
		.size = sizeof((struct rds_record){0}.member)                 \
	}
#define ADDRESS(where, member)                                                    \
	{                                                                         \
		.path = where, .offset = offsetof(struct rds_record, member),     \
		.size = sizeof((struct rds_record){0}.member), .is_address = true \
	}
/* Only compared. */
#define OTHER_ADDRESS(where)                      \
	{                                         \
		.path = where, .is_address = true \
	}

static const struct field instance_fields[] = {
	FIELD("/DBInstanceArn", arn),
	FIELD("/DBInstanceIdentifier", id),
	FIELD("/Engine", place.engine),
	ADDRESS("/Endpoint/Address", place.host),
	FIELD("/DBClusterIdentifier", cluster),
	FIELD("/ReadReplicaSourceDBInstanceIdentifier", source),
	FIELD("/ReadReplicaSourceDBClusterIdentifier", cluster),
	{0},
};

static const struct field cluster_fields[] = {
	FIELD("/DBClusterArn", arn),
	FIELD("/DBClusterIdentifier", id),
	FIELD("/Engine", place.engine),
	ADDRESS("/Endpoint", place.host),
	OTHER_ADDRESS("/ReaderEndpoint"),
	OTHER_ADDRESS("/CustomEndpoints/member"),
	FIELD("/ReplicationSourceIdentifier", source),
	{0},
};

static const struct shape {
	const char *list, *record; /* their paths: every answer has the first */
	const char *port, *marker;
	const struct field *fields;
} shapes[] = {
	[RDS_INSTANCE] = {"DescribeDBInstancesResponse/DescribeDBInstancesResult/DBInstances",
			  "DescribeDBInstancesResponse/DescribeDBInstancesResult/DBInstances/"
			  "DBInstance",
			  "/Endpoint/Port",
			  "DescribeDBInstancesResponse/DescribeDBInstancesResult/Marker",
			  instance_fields},
	[RDS_CLUSTER] = {"DescribeDBClustersResponse/DescribeDBClustersResult/DBClusters",
			 "DescribeDBClustersResponse/DescribeDBClustersResult/DBClusters/DBCluster",
			 "/Port", "DescribeDBClustersResponse/DescribeDBClustersResult/Marker",
			 cluster_fields},
};

/* A page being read. */
struct page {
	const struct rds_wanted *wanted;
	const struct shape *shape;
	struct rds_record record, *ret;
	struct buffer *marker;
	bool *found, is_answer;
};

static struct status take_text(const struct xml_element *element, char *ret, size_t size)
{
	size_t length = strlen(element->text);

	if (length >= size)
		return failure(STATUS_INVALID, "%s has more than %zu characters", element->name,
			       size - 1);
	memcpy(ret, element->text, length + 1);
	return OK;
}

/* 0: it is none. */
static uint16_t read_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return *end == '\0' && port >= 1 && port <= 65535 ? (uint16_t)port : 0;
}

/* `path` is what stands behind the record's own. */
static struct status take_field(struct page *page, const char *path,
				const struct xml_element *element)
{
	if (strcmp(path, page->shape->port) == 0)
		page->record.place.port = read_port(element->text);
	for (const struct field *field = page->shape->fields; field->path != NULL; field++) {
		if (strcmp(path, field->path) != 0)
			continue;
		if (field->is_address && page->wanted->host != NULL &&
		    strcasecmp(element->text, page->wanted->host) == 0)
			page->record.at_host = true;
		if (field->size > 0)
			TRY(take_text(element, (char *)&page->record + field->offset, field->size));
	}
	return OK;
}

/* RDS keeps names in lower case, whatever they were written in. */
static bool is_wanted(const struct rds_wanted *wanted, const struct rds_record *record)
{
	if (wanted->arn != NULL)
		return strcasecmp(record->arn, wanted->arn) == 0;
	if (wanted->id != NULL)
		return strcasecmp(record->id, wanted->id) == 0;
	return record->at_host;
}

static void end_record(struct page *page)
{
	if (!*page->found && is_wanted(page->wanted, &page->record)) {
		*page->found = true;
		*page->ret = page->record;
	}
	page->record = (struct rds_record){.kind = page->wanted->kind};
}

static struct status take_element(void *context, const struct xml_element *element)
{
	struct page *page = context;
	size_t length = strlen(page->shape->record);

	if (strncmp(element->path, page->shape->record, length) == 0) {
		if (element->path[length] == '/')
			return take_field(page, element->path + length, element);
		if (element->path[length] == '\0')
			end_record(page);
		return OK;
	}
	if (strcmp(element->path, page->shape->list) == 0)
		page->is_answer = true;
	if (strcmp(element->path, page->shape->marker) != 0)
		return OK;
	buffer_reset(page->marker);
	return buffer_append_string(page->marker, element->text);
}

struct status rds_read_page(const struct buffer *answer, const struct rds_wanted *wanted,
			    struct rds_record *ret, bool *ret_found, struct buffer *ret_marker)
{
	AUTO(buffer_clear) struct buffer marker = BUFFER_INIT(RDS_MARKER_MAX);
	struct rds_record record = {.kind = wanted->kind};
	bool found = false;
	struct page page = {.wanted = wanted,
			    .shape = &shapes[wanted->kind],
			    .record = record,
			    .ret = &record,
			    .marker = &marker,
			    .found = &found};

	TRY(xml_read(buffer_string(answer), answer->length, take_element, &page));
	if (!page.is_answer)
		return failure(STATUS_INVALID,
			       "it is none of RDS's: look who answers at its endpoint");
	if (found)
		*ret = record;
	*ret_found = found;
	buffer_reset(ret_marker);
	return buffer_append_string(ret_marker, buffer_string(&marker));
}
