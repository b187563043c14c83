/* rds: what is asked of RDS, page by page, and which of its databases is behind a host. */
#include "test.h"

#include "clients/aws/rds.h"
#include "clients/loopback.h"
#include "core/memory.h"

#define ARN "arn:aws:rds:eu-west-1:123456789012:"
#define SECRET "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf"
#define SUFFIX ".abc.eu-west-1.rds.amazonaws.com"

/* One answer, and what the form must have said, besides the version. */
struct line {
	const char *form;
	int status;
	const char *body;
};

static struct loopback server;
static struct aws *aws;
static struct directory *directory;
static struct config config;
static const struct line *script;
static bool off_script;
static int64_t fake_now;

static int64_t read_fake(void)
{
	return fake_now;
}

static void sleep_fake(int64_t milliseconds)
{
	fake_now += milliseconds;
}

static const struct clock fake_clock = {.now = read_fake, .sleep = sleep_fake};

static void respond(struct loopback *at, const struct asked *asked, struct answer *answer)
{
	const struct line *line = &script[at->count - 1];

	if (line->form == NULL || strcmp(asked->body, line->form) != 0) {
		print_error("asked off the script: %s\n", asked->body);
		off_script = true;
		answer->status = 400;
		return;
	}
	answer->status = line->status;
	snprintf(answer->body, sizeof(answer->body), "%s", line->body);
}

static void start(const struct line *lines)
{
	struct rds_options options = {.application_secret_id = SECRET};

	script = lines;
	off_script = false;
	fake_now = 1000;
	loopback_start(&server, respond);
	config = (struct config){.region = "us-east-1",
				 .endpoint_rds = server.url,
				 .endpoint_url = "http://127.0.0.1:1",
				 .access_key_id = "AKIDEXAMPLE",
				 .secret_access_key = "secret-key-of-the-test"};
	options.deadline = deadline_in(&fake_clock, 60000);
	assert_ok(aws_open(&config, &aws));
	assert_ok(rds_open(aws, &options, &directory));
}

#define SCRIPT(...) start((const struct line[]){__VA_ARGS__, {0}})

static int stop(void **state)
{
	(void)state;
	directory_close(&directory);
	aws_close(&aws);
	loopback_stop(&server);
	assert_false(off_script);
	return 0;
}

#define INSTANCES(content)                                                                       \
	"<?xml version=\"1.0\"?><DescribeDBInstancesResponse "                                   \
	"xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult>" content \
	"</DescribeDBInstancesResult><ResponseMetadata><RequestId>1</RequestId>"                 \
	"</ResponseMetadata></DescribeDBInstancesResponse>"
#define CLUSTERS(content)                                                                 \
	"<DescribeDBClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">" \
	"<DescribeDBClustersResult>" content                                              \
	"</DescribeDBClustersResult></DescribeDBClustersResponse>"
#define INSTANCE(name, engine, more)                                                       \
	"<DBInstance><DBInstanceIdentifier>" name "</DBInstanceIdentifier><Engine>" engine \
	"</Engine><DBInstanceArn>" ARN "db:" name                                          \
	"</DBInstanceArn><Endpoint><Address>" name SUFFIX                                  \
	"</Address><Port>5433</Port><HostedZoneId>Z1</HostedZoneId></Endpoint>"            \
	"<TagList><Tag><Key>Engine</Key><Value>none</Value></Tag></TagList>" more "</DBInstance>"
#define CLUSTER(name, engine, more)                                                         \
	"<DBCluster><DBClusterIdentifier>" name "</DBClusterIdentifier><DBClusterArn>" ARN  \
	"cluster:" name "</DBClusterArn><Endpoint>" name ".cluster-abc</Endpoint>"          \
	"<ReaderEndpoint>" name ".cluster-ro-abc</ReaderEndpoint><Engine>" engine           \
	"</Engine><Port>3307</Port><CustomEndpoints><member>" name                          \
	".cluster-custom-abc</member></CustomEndpoints><DBClusterMembers><DBClusterMember>" \
	"<DBInstanceIdentifier>member</DBInstanceIdentifier><IsClusterWriter>true"          \
	"</IsClusterWriter></DBClusterMember></DBClusterMembers>" more "</DBCluster>"

#define SOURCE(name) \
	"<ReadReplicaSourceDBInstanceIdentifier>" name "</ReadReplicaSourceDBInstanceIdentifier>"

#define ASK_INSTANCES "Action=DescribeDBInstances&Version=2014-10-31&MaxRecords=50"
#define ASK_CLUSTERS "Action=DescribeDBClusters&Version=2014-10-31&MaxRecords=50"
#define ASK_INSTANCE(name) ASK_INSTANCES "&DBInstanceIdentifier=" name
#define ASK_CLUSTER(name) ASK_CLUSTERS "&DBClusterIdentifier=" name
#define ENCODED_ARN "arn%3Aaws%3Ards%3Aeu-west-1%3A123456789012%3A"

#define NO_INSTANCES INSTANCES("<DBInstances/>")
#define NO_CLUSTERS CLUSTERS("<DBClusters/>")

static void assert_place(const struct place *place, const char *host, unsigned port,
			 const char *engine)
{
	assert_string_equal(place->host, host);
	assert_int_equal(place->port, port);
	assert_string_equal(place->engine, engine);
}

/* Signed for RDS in the region of the ARN, not in the configuration's. */
static void rds_owner_is_found_by_its_arn(void **state)
{
	struct place place;
	char authorization[512];

	(void)state;
	SCRIPT({ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200,
		INSTANCES("<DBInstances>" INSTANCE("other", "mysql", "")
				  INSTANCE("shop", "postgres", "") "</DBInstances>")},
	       {ASK_CLUSTER(ENCODED_ARN "cluster%3Ashop"), 200,
		CLUSTERS("<DBClusters>" CLUSTER("shop", "aurora-mysql", "") "</DBClusters>")});
	assert_ok(directory->ops->find(directory, ARN "db:shop", &place));
	assert_place(&place, "shop" SUFFIX, 5433, "postgres");
	asked_header(&server.asked[0], "Authorization", authorization, sizeof(authorization));
	assert_non_null(strstr(authorization, "/eu-west-1/rds/aws4_request"));
	assert_ok(directory->ops->find(directory, ARN "cluster:shop", &place));
	assert_place(&place, "shop.cluster-abc", 3307, "aurora-mysql");
}

/* An answer about another database than the one asked for is none. */
static void rds_owner_that_is_not_there_is_not_found(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 404,
		"<ErrorResponse><Error><Type>Sender</Type><Code>DBInstanceNotFound</Code>"
		"<Message>DBInstance shop not found.</Message></Error></ErrorResponse>"},
	       {ASK_CLUSTER(ENCODED_ARN "cluster%3Ashop"), 404,
		"<ErrorResponse><Error><Code>DBClusterNotFoundFault</Code><Message>no</Message>"
		"</Error></ErrorResponse>"},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200,
		INSTANCES("<DBInstances>" INSTANCE("other", "postgres", "") "</DBInstances>")});
	assert_failed(directory->ops->find(directory, ARN "db:shop", &place), STATUS_NOT_FOUND,
		      "DBInstance shop not found.");
	assert_failed(directory->ops->find(directory, ARN "cluster:shop", &place), STATUS_NOT_FOUND,
		      "rds:DescribeDBClusters");
	assert_failed(directory->ops->find(directory, ARN "db:shop", &place), STATUS_NOT_FOUND,
		      "no instance called '" ARN "db:shop'");
}

static void rds_owner_that_is_no_database_is_not_asked_for(void **state)
{
	static const char *const odd[] = {"arn:", ARN "snapshot:shop", ARN,
					  "arn:aws:ec2:eu-west-1:1:db:shop",
					  "arn:aws:rds:evil.example/:1:db:shop"};
	struct place place;

	(void)state;
	SCRIPT({NULL, 0, NULL});
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_failed(directory->ops->find(directory, odd[i], &place), STATUS_INVALID,
			      "ARN");
	assert_int_equal(server.count, 0);
}

static void rds_database_without_an_address_is_refused(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCE(ENCODED_ARN "db%3Anew"), 200,
		INSTANCES("<DBInstances><DBInstance><DBInstanceIdentifier>new"
			  "</DBInstanceIdentifier><Engine>mysql</Engine><DBInstanceArn>" ARN
			  "db:new</DBInstanceArn></DBInstance></DBInstances>")});
	assert_failed(directory->ops->find(directory, ARN "db:new", &place), STATUS_INVALID,
		      "'new' has no address yet");
}

/* Each of the three is needed; a port that is none is none. */
static void rds_address_is_read_strictly(void **state)
{
#define ADDRESS(host, port, engine)                                                           \
	INSTANCES("<DBInstances><DBInstance><DBInstanceIdentifier>new</DBInstanceIdentifier>" \
		  "<DBInstanceArn>" ARN "db:new</DBInstanceArn><Engine>" engine "</Engine>"   \
		  "<Endpoint><Address>" host "</Address><Port>" port "</Port></Endpoint>"     \
		  "</DBInstance></DBInstances>")
	static const struct {
		const char *answer;
		int port; /* 0: it is refused */
	} cases[] = {
		{ADDRESS("h", "1", "e"), 1},	   {ADDRESS("h", "65535", "e"), 65535},
		{ADDRESS("h", "0", "e"), 0},	   {ADDRESS("h", "65536", "e"), 0},
		{ADDRESS("h", "-1", "e"), 0},	   {ADDRESS("h", "", "e"), 0},
		{ADDRESS("h", "5432x", "e"), 0},   {ADDRESS("h", "x", "e"), 0},
		{ADDRESS("", "5432", "mysql"), 0}, {ADDRESS("h", "5432", ""), 0},
	};
	struct line lines[sizeof(cases) / sizeof(cases[0]) + 1] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		lines[i] = (struct line){ASK_INSTANCE(ENCODED_ARN "db%3Anew"), 200,
					 cases[i].answer};
	start(lines);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place place;
		struct status found = directory->ops->find(directory, ARN "db:new", &place);

		if (cases[i].port == 0) {
			assert_failed(found, STATUS_INVALID, "no address yet");
			continue;
		}
		assert_ok(found);
		assert_place(&place, "h", (unsigned)cases[i].port, "e");
	}
}

static void rds_host_is_looked_for_page_by_page(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200,
		INSTANCES("<Marker>a b&amp;c/=</Marker><DBInstances>" INSTANCE(
			"one", "mysql", "") "</DBInstances>")},
	       {ASK_INSTANCES "&Marker=a%20b%26c%2F%3D", 200,
		INSTANCES("<DBInstances/><Marker>next</Marker>")},
	       {ASK_INSTANCES "&Marker=next", 200,
		INSTANCES("<DBInstances>" INSTANCE("two", "mariadb", "") "</DBInstances>")});
	assert_ok(directory->ops->find_writer(directory, "TWO" SUFFIX, &place));
	assert_place(&place, "two" SUFFIX, 5433, "mariadb");
	assert_int_equal(server.count, 3);
}

/* What is said of one database is not said of the next one on the page. */
static void rds_fields_of_the_record_before_are_not_its_own(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200,
		INSTANCES("<DBInstances>" INSTANCE(
			"replica", "mysql",
			SOURCE("one") "<DBClusterIdentifier>c</DBClusterIdentifier>")
				  INSTANCE("two", "postgres", "") "</DBInstances>")},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Abare"), 200,
		INSTANCES("<DBInstances>" INSTANCE(
			"one", "mysql", "") "<DBInstance><DBInstanceArn>" ARN
					    "db:bare</DBInstanceArn></DBInstance></DBInstances>")});
	assert_ok(directory->ops->find_writer(directory, "two" SUFFIX, &place));
	assert_place(&place, "two" SUFFIX, 5433, "postgres");
	assert_failed(directory->ops->find(directory, ARN "db:bare", &place), STATUS_INVALID,
		      "no address yet");
}

#define LONGEST_ENGINE "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnop-"

static void rds_longest_engine_is_taken_and_none_longer(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200,
		INSTANCES("<DBInstances>" INSTANCE("shop", LONGEST_ENGINE, "") "</DBInstances>")},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200,
		INSTANCES("<DBInstances>" INSTANCE("shop", LONGEST_ENGINE "x",
						   "") "</DBInstances>")});
	assert_int_equal(strlen(LONGEST_ENGINE), ENGINE_MAX);
	assert_ok(directory->ops->find(directory, ARN "db:shop", &place));
	assert_string_equal(place.engine, LONGEST_ENGINE);
	assert_failed(directory->ops->find(directory, ARN "db:shop", &place), STATUS_INVALID,
		      "Engine has more than 63 characters");
}

static void rds_without_a_region_is_not_asked(void **state)
{
	struct rds_options options = {.application_secret_id = "app"};
	struct directory *nowhere = NULL;
	struct place place;

	(void)state;
	SCRIPT({NULL, 0, NULL});
	config.region = NULL;
	options.deadline = deadline_in(&fake_clock, 60000);
	assert_ok(rds_open(aws, &options, &nowhere));
	assert_failed(nowhere->ops->find_writer(nowhere, "a", &place), STATUS_INVALID,
		      "AWS_REGION");
	directory_close(&nowhere);
	assert_null(nowhere);
	assert_int_equal(server.count, 0);
}

static void rds_host_of_nobody_is_not_found(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200,
		INSTANCES("<Marker>m</Marker><DBInstances>" INSTANCE("one", "mysql",
								     "") "</DBInstances>")},
	       {ASK_INSTANCES "&Marker=m", 200, NO_INSTANCES}, {ASK_CLUSTERS, 200, NO_CLUSTERS},
	       {ASK_CLUSTERS, 200, NO_CLUSTERS}, {ASK_INSTANCES, 200, NO_INSTANCES});
	assert_failed(directory->ops->find_writer(directory, "db.example", &place),
		      STATUS_NOT_FOUND, "at the host 'db.example'");
	/* A name that a cluster has is looked for among clusters first. */
	assert_failed(directory->ops->find_writer(directory, "x.cluster-abc.example", &place),
		      STATUS_NOT_FOUND, "eu-west-1");
	assert_int_equal(server.count, 5);
}

static void rds_every_address_of_a_cluster_leads_to_its_own(void **state)
{
	static const char *const hosts[] = {"c.cluster-abc", "c.cluster-ro-abc",
					    "c.cluster-custom-abc"};
	static const char answer[] = CLUSTERS("<DBClusters>" CLUSTER(
		"b", "aurora-mysql", "") CLUSTER("c", "aurora-postgresql", "") "</DBClusters>");
	struct place place;

	(void)state;
	SCRIPT({ASK_CLUSTERS, 200, answer}, {ASK_CLUSTERS, 200, answer},
	       {ASK_CLUSTERS, 200, answer},
	       {ASK_INSTANCES, 200,
		INSTANCES("<DBInstances>" INSTANCE(
			"member", "aurora-postgresql",
			"<DBClusterIdentifier>C</DBClusterIdentifier>") "</DBInstances>")},
	       {ASK_CLUSTER("C"), 200, answer});
	for (size_t i = 0; i < 3; i++) {
		assert_ok(directory->ops->find_writer(directory, hosts[i], &place));
		assert_place(&place, "c.cluster-abc", 3307, "aurora-postgresql");
	}
	assert_ok(directory->ops->find_writer(directory, "member" SUFFIX, &place));
	assert_place(&place, "c.cluster-abc", 3307, "aurora-postgresql");
}

static void rds_replica_leads_to_its_source(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200,
		INSTANCES("<DBInstances>" INSTANCE("second", "postgres",
						   SOURCE("first")) "</DBInstances>")},
	       {ASK_INSTANCE("first"), 200,
		INSTANCES("<DBInstances>" INSTANCE("first", "postgres",
						   SOURCE("source")) "</DBInstances>")},
	       {ASK_INSTANCE("source"), 200,
		INSTANCES("<DBInstances>" INSTANCE("source", "postgres", "") "</DBInstances>")});
	assert_ok(directory->ops->find_writer(directory, "second" SUFFIX, &place));
	assert_place(&place, "source" SUFFIX, 5433, "postgres");
}

/* Its source's region is asked, and so is who that one's source is; a cluster's may be one too. */
static void rds_replica_of_another_region_leads_there(void **state)
{
	char authorization[512];
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200,
		INSTANCES("<DBInstances>" INSTANCE(
			"far", "mysql",
			SOURCE("arn:aws:rds:us-west-2:123456789012:db:near")) "</DBInstances>")},
	       {ASK_INSTANCE("arn%3Aaws%3Ards%3Aus-west-2%3A123456789012%3Adb%3Anear"), 200,
		INSTANCES("<DBInstances><DBInstance><DBInstanceIdentifier>near"
			  "</DBInstanceIdentifier><Engine>mysql</Engine><DBInstanceArn>"
			  "arn:aws:rds:us-west-2:123456789012:db:near</DBInstanceArn>"
			  "<ReadReplicaSourceDBClusterIdentifier>c"
			  "</ReadReplicaSourceDBClusterIdentifier></DBInstance></DBInstances>")},
	       {ASK_CLUSTER("c"), 200,
		CLUSTERS("<DBClusters>" CLUSTER(
			"c", "mysql",
			"<ReplicationSourceIdentifier>" ARN
			"db:last</ReplicationSourceIdentifier>") "</DBClusters>")},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Alast"), 200,
		INSTANCES("<DBInstances>" INSTANCE("last", "mysql", "") "</DBInstances>")});
	assert_ok(directory->ops->find_writer(directory, "far" SUFFIX, &place));
	assert_place(&place, "last" SUFFIX, 5433, "mysql");
	for (int i = 0; i < 4; i++) {
		asked_header(&server.asked[i], "Authorization", authorization,
			     sizeof(authorization));
		assert_non_null(strstr(authorization,
				       i == 1 || i == 2 ? "/us-west-2/rds/" : "/eu-west-1/rds/"));
	}
}

static void rds_circle_of_replicas_ends(void **state)
{
	static const char circle[] = INSTANCES(
		"<DBInstances>" INSTANCE("a", "mysql", SOURCE("a")) "</DBInstances>");
	struct line lines[20] = {{ASK_INSTANCES, 200, circle}};
	struct place place;

	(void)state;
	for (size_t i = 1; i < sizeof(lines) / sizeof(lines[0]); i++)
		lines[i] = (struct line){ASK_INSTANCE("a"), 200, circle};
	start(lines);
	assert_failed(directory->ops->find_writer(directory, "a" SUFFIX, &place), STATUS_INVALID,
		      "without an end");
	assert_int_equal(server.count, 9);
}

static void rds_page_that_comes_again_ends_the_look_up(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 200, INSTANCES("<DBInstances/><Marker>m</Marker>")},
	       {ASK_INSTANCES "&Marker=m", 200, INSTANCES("<DBInstances/><Marker>n</Marker>")},
	       {ASK_INSTANCES "&Marker=n", 200, INSTANCES("<DBInstances/><Marker>n</Marker>")});
	assert_failed(directory->ops->find_writer(directory, "a", &place), STATUS_INVALID,
		      "the same page");
	assert_int_equal(server.count, 3);
}

#define PAGES 60

static void rds_pages_without_end_end(void **state)
{
	static char forms[PAGES][100], bodies[PAGES][400];
	struct line lines[PAGES + 1] = {0};
	struct place place;

	(void)state;
	for (int i = 0; i < PAGES; i++) {
		if (i == 0)
			snprintf(forms[i], sizeof(forms[i]), ASK_INSTANCES);
		else
			snprintf(forms[i], sizeof(forms[i]), ASK_INSTANCES "&Marker=m%d", i - 1);
		snprintf(bodies[i], sizeof(bodies[i]),
			 INSTANCES("<DBInstances/><Marker>m%d</Marker>"), i);
		lines[i] = (struct line){forms[i], 200, bodies[i]};
	}
	start(lines);
	assert_failed(directory->ops->find_writer(directory, "a", &place), STATUS_INVALID,
		      "rds:DescribeDBInstances in eu-west-1 has more than 3000 answers");
	assert_int_equal(server.count, PAGES);
}

static void rds_denial_names_the_permission(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCES, 403,
		"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: "
		"arn:aws:iam::1:user/u is not authorized to perform: rds:DescribeDBInstances"
		"</Message></Error></ErrorResponse>"},
	       {ASK_CLUSTER(ENCODED_ARN "cluster%3Ac"), 403,
		"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"},
	       {ASK_INSTANCES, 200, NO_INSTANCES},
	       {ASK_CLUSTERS, 403,
		"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"});
	assert_failed(directory->ops->find_writer(directory, "a", &place), STATUS_DENIED,
		      "allow rds:DescribeDBInstances on it to the environment");
	assert_failed(directory->ops->find(directory, ARN "cluster:c", &place), STATUS_DENIED,
		      "allow rds:DescribeDBClusters on it");
	assert_failed(directory->ops->find_writer(directory, "a", &place), STATUS_DENIED,
		      "allow rds:DescribeDBClusters on it");
}

static void rds_trouble_is_tried_again(void **state)
{
	struct place place;

	(void)state;
	SCRIPT({ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 400,
		"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message>"
		"</Error></ErrorResponse>"},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 503, "<html>"},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 0, ""},
	       {ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200,
		INSTANCES("<DBInstances>" INSTANCE("shop", "postgres", "") "</DBInstances>")});
	assert_ok(directory->ops->find(directory, ARN "db:shop", &place));
	assert_int_equal(server.count, 4);
}

/* A gateway's page, JSON, an answer of another service: none is an empty list. */
static void rds_answer_that_is_none_is_invalid(void **state)
{
	static const char *const odd[] = {
		"",
		"{}",
		"<html>hello</html>",
		"<a/>",
		NO_CLUSTERS,
		"<DescribeDBInstancesResponse><DescribeDBInstancesResult/>"
		"</DescribeDBInstancesResponse>",
		"<!DOCTYPE x [<!ENTITY e \"y\">]>" NO_INSTANCES,
		INSTANCES("<DBInstances><DBInstance><Engine>"
			  "0123456789012345678901234567890123456789012345678901234567890123456789"
			  "</Engine></DBInstance></DBInstances>"),
	};
	struct line lines[sizeof(odd) / sizeof(odd[0]) + 1] = {0};
	struct place place;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		lines[i] = (struct line){ASK_INSTANCE(ENCODED_ARN "db%3Ashop"), 200, odd[i]};
	start(lines);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_failed(directory->ops->find(directory, ARN "db:shop", &place),
			      STATUS_INVALID, "reading the answer to rds:DescribeDBInstances");
}

static void rds_readers_are_told_by_their_name(void **state)
{
	(void)state;
	SCRIPT({NULL, 0, NULL});
	assert_true(
		directory->ops->names_reader("shop.cluster-ro-abc.eu-west-1.rds.amazonaws.com"));
	assert_true(
		directory->ops->names_reader("shop.CLUSTER-RO-abc.eu-west-1.rds.amazonaws.com"));
	assert_false(directory->ops->names_reader("shop.cluster-abc.eu-west-1.rds.amazonaws.com"));
	assert_false(directory->ops->names_reader("cluster-ro-db.example"));
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rds_owner_is_found_by_its_arn),
		TEST(rds_owner_that_is_not_there_is_not_found),
		TEST(rds_owner_that_is_no_database_is_not_asked_for),
		TEST(rds_database_without_an_address_is_refused),
		TEST(rds_address_is_read_strictly),
		TEST(rds_host_is_looked_for_page_by_page),
		TEST(rds_fields_of_the_record_before_are_not_its_own),
		TEST(rds_longest_engine_is_taken_and_none_longer),
		TEST(rds_without_a_region_is_not_asked),
		TEST(rds_host_of_nobody_is_not_found),
		TEST(rds_every_address_of_a_cluster_leads_to_its_own),
		TEST(rds_replica_leads_to_its_source),
		TEST(rds_replica_of_another_region_leads_there),
		TEST(rds_circle_of_replicas_ends),
		TEST(rds_page_that_comes_again_ends_the_look_up),
		TEST(rds_pages_without_end_end),
		TEST(rds_denial_names_the_permission),
		TEST(rds_trouble_is_tried_again),
		TEST(rds_answer_that_is_none_is_invalid),
		TEST(rds_readers_are_told_by_their_name),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
