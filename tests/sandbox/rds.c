#include "rds.h"

#include "query.h"
#include "sandbox.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAMESPACE "xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\""
#define RECORDS_MIN 20
#define RECORDS_MAX 100
#define MARKER "sandbox+marker/" /* what is not encoded in a form comes back as something else */

/* What the two operations differ in. */
struct listing {
	const char *action, *list; /* the list's name in databases->lists */
	const char *id, *arn_part;
	const char *missing, *noun;
	void (*print)(FILE *, const struct sandbox *, const cJSON *record);
};

struct reply rds_error(const char *type, const char *message)
{
	return query_error(NAMESPACE, type, message);
}

static void print_text(FILE *out, const char *element, const cJSON *record, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(record, key);
	char *text;

	if (!cJSON_IsString(value))
		return;
	text = query_escape(value->valuestring);
	fprintf(out, "<%s>%s</%s>", element, text, element);
	free(text);
}

static int port_of(const cJSON *record)
{
	return cJSON_GetObjectItemCaseSensitive(record, "port")->valueint;
}

/* What a client must not take for what it looks for is around it, as in a real answer. */
static void print_instance(FILE *out, const struct sandbox *sandbox, const cJSON *record)
{
	fputs("<DBInstance>", out);
	print_text(out, "DBInstanceIdentifier", record, "id");
	print_text(out, "Engine", record, "engine");
	fputs("<DBInstanceStatus>available</DBInstanceStatus><Endpoint>", out);
	print_text(out, "Address", record, "host");
	fprintf(out, "<Port>%d</Port><HostedZoneId>Z1</HostedZoneId></Endpoint>", port_of(record));
	fputs("<ListenerEndpoint><Address>listener.example</Address><Port>1</Port>"
	      "</ListenerEndpoint><DbInstancePort>0</DbInstancePort>",
	      out);
	print_text(out, "DBClusterIdentifier", record, "cluster");
	print_text(out, "ReadReplicaSourceDBInstanceIdentifier", record, "source");
	fprintf(out, "<DBInstanceArn>arn:aws:rds:%s:%s:db:", sandbox->options.region,
		sandbox->options.account);
	fprintf(out,
		"%s</DBInstanceArn><TagList><Tag><Key>Engine</Key><Value>x</Value></Tag>"
		"</TagList></DBInstance>",
		cJSON_GetObjectItemCaseSensitive(record, "id")->valuestring);
}

static void print_cluster(FILE *out, const struct sandbox *sandbox, const cJSON *record)
{
	const cJSON *custom;

	fputs("<DBCluster>", out);
	print_text(out, "DBClusterIdentifier", record, "id");
	print_text(out, "Endpoint", record, "host");
	print_text(out, "ReaderEndpoint", record, "reader");
	fputs("<CustomEndpoints>", out);
	cJSON_ArrayForEach(custom, cJSON_GetObjectItemCaseSensitive(record, "custom"))
		fprintf(out, "<member>%s</member>", cJSON_GetStringValue(custom));
	fputs("</CustomEndpoints>", out);
	print_text(out, "Engine", record, "engine");
	fprintf(out, "<Port>%d</Port>", port_of(record));
	print_text(out, "ReplicationSourceIdentifier", record, "source");
	fprintf(out, "<DBClusterArn>arn:aws:rds:%s:%s:cluster:%s</DBClusterArn></DBCluster>",
		sandbox->options.region, sandbox->options.account,
		cJSON_GetObjectItemCaseSensitive(record, "id")->valuestring);
}

static const struct listing listings[] = {
	{"DescribeDBInstances", "instances", "DBInstanceIdentifier", "db", "DBInstanceNotFound",
	 "DBInstance", print_instance},
	{"DescribeDBClusters", "clusters", "DBClusterIdentifier", "cluster",
	 "DBClusterNotFoundFault", "DBCluster", print_cluster},
};

/* By its name in any case, or by its ARN. */
static bool is_named(const struct sandbox *sandbox, const struct listing *listing,
		     const cJSON *record, const char *asked)
{
	const char *id = cJSON_GetObjectItemCaseSensitive(record, "id")->valuestring;
	char arn[512];

	format_text(arn, sizeof(arn), "arn:aws:rds:%s:%s:%s:%s", sandbox->options.region,
		    sandbox->options.account, listing->arn_part, id);
	return strcasecmp(id, asked) == 0 || strcmp(arn, asked) == 0;
}

static struct reply deny(const struct sandbox *sandbox, const struct listing *listing,
			 const struct key *key)
{
	char principal[PRINCIPAL_ARN_SIZE], text[1024];

	key_principal_arn(sandbox, key, principal);
	format_text(
		text, sizeof(text),
		"User: %s is not authorized to perform: rds:%s on resource: arn:aws:rds:%s:%s:%s:* "
		"because no identity-based policy allows the rds:%s action",
		principal, listing->action, sandbox->options.region, sandbox->options.account,
		listing->arn_part, listing->action);
	return rds_error("AccessDeniedException", text);
}

/* How many on this page; 0: what was asked for is not allowed. */
static int records_asked(const struct sandbox *sandbox, const cJSON *input)
{
	const char *asked = query_field(input, "MaxRecords");
	int most = *asked == '\0' ? RECORDS_MAX : (int)strtol(asked, NULL, 10);

	if (most < RECORDS_MIN || most > RECORDS_MAX)
		return 0;
	return most < sandbox->settings.rds_page_size ? most : (int)sandbox->settings.rds_page_size;
}

/* Where the page begins; -1: the marker is none of ours. */
static int begin_of(const cJSON *input, int count)
{
	const char *marker = query_field(input, "Marker");
	char *end;
	long begin;

	if (*marker == '\0')
		return 0;
	if (strncmp(marker, MARKER, strlen(MARKER)) != 0)
		return -1;
	begin = strtol(marker + strlen(MARKER), &end, 10);
	return *end == '\0' && begin > 0 && begin < count ? (int)begin : -1;
}

/* So many records from this one on; `next`: where the page after it begins, 0 = there is none. */
static struct reply answer(const struct sandbox *sandbox, const struct listing *listing,
			   const cJSON *first, int most, int next)
{
	AUTO(text_clear) char *page = NULL;
	char request_id[UUID_SIZE];
	size_t length = 0;
	FILE *out = must(open_memstream(&page, &length));

	fprintf(out, "<%sResponse " NAMESPACE "><%sResult>", listing->action, listing->action);
	if (next > 0)
		fprintf(out, "<Marker>" MARKER "%d</Marker>", next);
	fprintf(out, "<%ss>", listing->noun);
	for (; most > 0 && first != NULL; first = first->next, most--)
		listing->print(out, sandbox, first);
	random_uuid(request_id);
	fprintf(out,
		"</%ss></%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
		"</%sResponse>",
		listing->noun, listing->action, request_id, listing->action);
	fclose(out);
	return reply_text(200, QUERY_XML, "%s", page);
}

static struct reply answer_named(const struct sandbox *sandbox, const struct listing *listing,
				 const cJSON *records, const char *asked)
{
	char text[512];
	const cJSON *record;

	cJSON_ArrayForEach(record, records)
	{
		if (is_named(sandbox, listing, record, asked))
			return answer(sandbox, listing, record, 1, 0);
	}
	format_text(text, sizeof(text), "%s %s not found.", listing->noun, asked);
	return rds_error(listing->missing, text);
}

static struct reply list(const struct sandbox *sandbox, const struct listing *listing,
			 const cJSON *input, const struct key *key)
{
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(sandbox->databases.lists,
								listing->list);
	const char *asked = query_field(input, listing->id);
	int count = cJSON_GetArraySize(records), begin = begin_of(input, count);
	int most = records_asked(sandbox, input);

	if (sandbox_denies(sandbox, "rds", listing->action))
		return deny(sandbox, listing, key);
	if (most == 0)
		return rds_error("InvalidParameterValue",
				 "Invalid value for MaxRecords. Must be between 20 and 100");
	if (begin < 0)
		return rds_error("InvalidParameterValue", "The marker is not valid");
	if (*asked != '\0')
		return answer_named(sandbox, listing, records, asked);
	return answer(sandbox, listing, cJSON_GetArrayItem(records, begin), most,
		      begin + most < count ? begin + most : 0);
}

struct reply rds_run(struct sandbox *sandbox, const char *action, const cJSON *input,
		     const struct key *key)
{
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
		if (strcmp(listings[i].action, action) == 0)
			return list(sandbox, &listings[i], input, key);
	return rds_error("InvalidAction", "Could not find operation");
}

static bool is_record(const cJSON *record)
{
	const cJSON *port = cJSON_GetObjectItemCaseSensitive(record, "port"), *custom;

	cJSON_ArrayForEach(custom, cJSON_GetObjectItemCaseSensitive(record, "custom"))
	{
		if (!cJSON_IsString(custom))
			return false;
	}
	return cJSON_IsString(cJSON_GetObjectItemCaseSensitive(record, "id")) &&
	       cJSON_IsString(cJSON_GetObjectItemCaseSensitive(record, "engine")) &&
	       cJSON_IsString(cJSON_GetObjectItemCaseSensitive(record, "host")) &&
	       cJSON_IsNumber(port);
}

const char *databases_replace(struct databases *databases, const cJSON *lists)
{
	const cJSON *list, *record;

	if (!cJSON_IsObject(lists))
		return "an object with instances and clusters is expected";
	cJSON_ArrayForEach(list, lists)
	{
		if (!cJSON_IsArray(list) || (strcmp(list->string, "instances") != 0 &&
					     strcmp(list->string, "clusters") != 0))
			return "there are lists of instances and of clusters only";
		cJSON_ArrayForEach(record, list)
		{
			if (!is_record(record))
				return "each needs id, engine, host and port";
		}
	}
	databases_clear(databases);
	databases->lists = must(cJSON_Duplicate(lists, true));
	return NULL;
}

cJSON *databases_show(const struct databases *databases)
{
	return databases->lists != NULL ? must(cJSON_Duplicate(databases->lists, true))
					: must(cJSON_CreateObject());
}

void databases_clear(struct databases *databases)
{
	cJSON_Delete(databases->lists);
	databases->lists = NULL;
}
