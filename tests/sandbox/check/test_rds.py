"""RDS: databases that a test has put there, described to boto3."""

import json

from botocore.exceptions import ClientError

from .harness import ACCOUNT, REGION, SandboxTest, token

ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}"


def instance(name, **more):
    return {"id": name, "engine": "postgres", "host": f"{name}.example", "port": 5432, **more}


class Databases(SandboxTest):
    def setUp(self):
        super().setUp()
        self.rds = self.sandbox.client("rds")
        self.sandbox.control("PUT", "rds", {
            "instances": [instance("one"), instance("two", source="one"),
                          instance("member", cluster="c", engine="aurora-mysql")],
            "clusters": [{"id": "c", "engine": "aurora-mysql", "host": "c.cluster-x.example",
                          "reader": "c.cluster-ro-x.example", "custom": ["c.cluster-custom-x"],
                          "port": 3306, "source": "far&away"}]})

    def fails(self, code, status, call, **options):
        with self.assertRaises(ClientError) as caught:
            call(**options)
        error = caught.exception.response
        self.assertEqual((error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]),
                         (code, status))
        return error["Error"]["Message"]

    def names(self, **options):
        return [found["DBInstanceIdentifier"]
                for page in self.rds.get_paginator("describe_db_instances").paginate(**options)
                for found in page["DBInstances"]]

    def test_instance(self):
        one, two, member = self.rds.describe_db_instances()["DBInstances"]
        self.assertEqual(one["Endpoint"]["Address"], "one.example")
        self.assertEqual(one["Endpoint"]["Port"], 5432)
        self.assertEqual(one["Engine"], "postgres")
        self.assertEqual(one["DBInstanceArn"], f"{ARN}:db:one")
        self.assertNotIn("ReadReplicaSourceDBInstanceIdentifier", one)
        self.assertEqual(two["ReadReplicaSourceDBInstanceIdentifier"], "one")
        self.assertEqual(member["DBClusterIdentifier"], "c")

    def test_cluster(self):
        found, = self.rds.describe_db_clusters()["DBClusters"]
        self.assertEqual(
            {key: found[key] for key in ("DBClusterIdentifier", "Endpoint", "ReaderEndpoint",
                                         "CustomEndpoints", "Engine", "Port",
                                         "ReplicationSourceIdentifier", "DBClusterArn")},
            {"DBClusterIdentifier": "c", "Endpoint": "c.cluster-x.example",
             "ReaderEndpoint": "c.cluster-ro-x.example", "CustomEndpoints": ["c.cluster-custom-x"],
             "Engine": "aurora-mysql", "Port": 3306, "ReplicationSourceIdentifier": "far&away",
             "DBClusterArn": f"{ARN}:cluster:c"})

    def test_pages(self):
        self.assertEqual(self.names(), ["one", "two", "member"])
        self.sandbox.control("PUT", "settings", {"rds_page_size": 1})
        self.assertEqual(self.names(), ["one", "two", "member"])
        first = self.rds.describe_db_instances(MaxRecords=20)
        self.assertEqual(len(first["DBInstances"]), 1)
        second = self.rds.describe_db_instances(Marker=first["Marker"])
        self.assertEqual(second["DBInstances"][0]["DBInstanceIdentifier"], "two")
        for wrong in ({"Marker": "guessed"}, {"MaxRecords": 19}, {"MaxRecords": 101}):
            self.fails("InvalidParameterValue", 400, self.rds.describe_db_instances, **wrong)

    def test_one_by_name_or_arn(self):
        for asked in ("two", "TWO", f"{ARN}:db:two"):
            self.assertEqual(self.names(DBInstanceIdentifier=asked), ["two"])
        self.assertEqual(self.rds.describe_db_clusters(
            DBClusterIdentifier=f"{ARN}:cluster:c")["DBClusters"][0]["Engine"], "aurora-mysql")
        self.assertEqual(self.fails("DBInstanceNotFound", 404, self.rds.describe_db_instances,
                                    DBInstanceIdentifier="none"), "DBInstance none not found.")
        self.assertEqual(self.fails("DBClusterNotFoundFault", 404, self.rds.describe_db_clusters,
                                    DBClusterIdentifier="two"), "DBCluster two not found.")

    def test_signed_for_rds_and_allowed(self):
        stranger = self.sandbox.client("rds", secret_key="wrong")
        self.fails("SignatureDoesNotMatch", 403, stranger.describe_db_instances)
        self.sandbox.control("PUT", "settings", {"deny": ["rds:DescribeDBClusters"]})
        self.assertIn("perform: rds:DescribeDBClusters on resource: arn:aws:rds:",
                      self.fails("AccessDenied", 403, self.rds.describe_db_clusters))
        self.rds.describe_db_instances()
        self.fails("InvalidAction", 400, self.rds.describe_db_snapshots)
        call = self.sandbox.control("GET", "journal")[1]
        self.assertEqual([call["service"], call["action"], call["status"], call["error"]],
                         ["rds", "DescribeDBClusters", 403, "AccessDenied"])

    def test_faults(self):
        self.sandbox.faults({"action": "DescribeDBInstances", "kind": "throttle"})
        self.fails("Throttling", 400, self.rds.describe_db_instances)
        self.rds.describe_db_instances()

    def test_odd_lists_are_refused(self):
        for odd in ([], {"instances": {}}, {"snapshots": []}, {"instances": [{"id": "x"}]},
                    {"instances": [instance("x", port="5432")]},
                    {"clusters": [instance("x", custom=[7])]}):
            status, _, _ = self.sandbox.request("PUT", "/sandbox/rds", json.dumps(odd))
            self.assertEqual(status, 400)
        self.assertEqual(len(self.names()), 3)


class SystemTags(SandboxTest):
    def test_only_the_system_sets_them(self):
        tags = [{"Key": "aws:rds:primaryDBInstanceArn", "Value": f"{ARN}:db:one"}]
        self.refused("InvalidParameterException",
                     "Tag keys can't begin with aws: and can't be empty.", self.sm.create_secret, Name="admin",
                     SecretString="x", Tags=tags, ClientRequestToken=token())
        self.sm.create_secret(Name="admin", SecretString="x", Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(self.sm.describe_secret(SecretId="admin")["Tags"],
                         [{"Key": "a", "Value": "b"}])
        self.sandbox.control("PUT", "tags", {"secret": "admin", "tags": tags})
        self.assertEqual(self.sm.describe_secret(SecretId="admin")["Tags"], tags)
        status, _, _ = self.sandbox.request("PUT", "/sandbox/tags", '{"secret": "none", "tags": []}')
        self.assertEqual(status, 400)
