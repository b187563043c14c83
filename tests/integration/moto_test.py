"""A rotation on moto, signatures checked, and the same one through the sandbox: the same labels.

moto was written by others, so it is a second opinion on what we send. Its own rotation machinery is
not AWS's (it invokes in the call and ignores errors), so the steps are sent by hand.
"""

from __future__ import annotations

import json
import unittest
import uuid
from pathlib import Path

import support
from stack import moto_server
from stack.sandbox import FUNCTION_ARN

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@unittest.skipIf(moto_server.missing(), moto_server.missing() or "")
class SameLabels(support.World):
    with_lambda = False
    # The steps are sent by hand here too: its own invocations, which nobody answers, end at once.
    sandbox_arguments = ("--lambda-timeout-ms", "20", "--retry-delay-ms", "1")

    def setUp(self) -> None:
        super().setUp()
        self.sandbox.set(rotation_attempts=1)
        self.moto = moto_server.MotoServer(self.folder)
        self.addCleanup(self.moto.__exit__, None, None, None)

    def rotate_by_hand(self, manager, variables: dict[str, str], function: str) -> list[list[str]]:
        """The labels of the old and of the new version, after a rotation and after the next one."""
        pair = self.pair()
        value = json.loads(pair.value(pair.base))
        first = str(uuid.uuid4())
        arn = manager.create_secret(Name=pair.secret, ClientRequestToken=first,
                                    SecretString=json.dumps(value))["ARN"]
        manager.create_secret(Name=f"{pair.base}/admin", SecretString=json.dumps({
            **value, "username": support.ADMIN, "password": self.database.admin_password}))
        value["masterarn"] = f"{pair.base}/admin"
        manager.put_secret_value(SecretId=arn, SecretString=json.dumps(value),
                                 ClientRequestToken=(second := str(uuid.uuid4())))
        labels = []
        for user in (pair.clone, pair.base):
            token = str(uuid.uuid4())
            manager.rotate_secret(SecretId=arn, ClientRequestToken=token,
                                  RotationLambdaARN=function,
                                  RotationRules={"AutomaticallyAfterDays": 30})
            self.wait_until_quiet()
            for step in STEPS:
                done = self.tandem("step", step, arn, token, **variables)
                self.assertEqual(done.returncode, 0, done.stderr)
            current = json.loads(manager.get_secret_value(
                SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
            self.assertEqual(current["username"], user)
            self.assertTrue(self.logs_in(user, current["password"]))
            found = manager.describe_secret(SecretId=arn)["VersionIdsToStages"]
            labels.append([sorted(found.get(version, [])) for version in (second, token)])
            manager.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING",
                                                RemoveFromVersionId=token)
            second = token
        return labels

    def test_rotation_by_hand(self) -> None:
        on_moto = self.rotate_by_hand(
            self.moto.client("secretsmanager"),
            {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.moto.url,
             "AWS_ACCESS_KEY_ID": self.moto.access_key,
             "AWS_SECRET_ACCESS_KEY": self.moto.secret_key}, self.moto.function_arn)
        on_sandbox = self.rotate_by_hand(self.manager, {}, FUNCTION_ARN)
        self.assertEqual(on_moto, on_sandbox)
        self.assertEqual(on_moto[0], [["AWSPREVIOUS"], ["AWSCURRENT", "AWSPENDING"]])

    def test_wrong_key_is_refused(self) -> None:
        done = self.tandem("status", "x", "--json", AWS_SECRET_ACCESS_KEY="wrong",
                           AWS_ACCESS_KEY_ID=self.moto.access_key,
                           AWS_ENDPOINT_URL_SECRETS_MANAGER=self.moto.url)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["findings"][0]["state"], "refused", done.stdout)


@unittest.skipIf(moto_server.missing(), moto_server.missing() or "")
class ManagedByRds(support.World):
    """moto makes the admin secret as RDS does, tags included, and describes the databases."""

    with_lambda = False
    cluster_engine = "aurora-postgresql"
    version: dict[str, str] = {}  # where moto has no default

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.moto = cls.stack.enter_context(moto_server.MotoServer(
            cls.folder, (str(Path(moto_server.__file__).with_name("moto_rds.py")),)))
        cls.manager = cls.moto.client("secretsmanager")
        cls.rds = cls.moto.client("rds")
        cls.environment = {**cls.environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER": cls.moto.url,
                           "AWS_ENDPOINT_URL_RDS": cls.moto.url,
                           "AWS_ACCESS_KEY_ID": cls.moto.access_key,
                           "AWS_SECRET_ACCESS_KEY": cls.moto.secret_key}

    def create(self, name: str, **options) -> dict:
        return self.rds.create_db_instance(**{
            "DBInstanceIdentifier": name, "Engine": self.engine, "Port": self.database.port,
            "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "MasterUsername": "admin",
            "MasterUserPassword": "not-this-one", **self.version, **options})["DBInstance"]

    def take_over(self, described: dict) -> str:
        """The managed secret with the password that the database really has."""
        arn = described["MasterUserSecret"]["SecretArn"]
        value = json.loads(self.manager.get_secret_value(SecretId=arn)["SecretString"])
        self.assertEqual(sorted(value), ["password", "username"])
        self.manager.put_secret_value(SecretId=arn, SecretString=json.dumps(
            {"username": support.ADMIN, "password": self.database.admin_password}))
        return arn

    def rotate_twice(self, admin: str, host: str) -> None:
        pair = self.pair()
        value = {**json.loads(pair.value(pair.base)), "host": host, "masterarn": admin}
        arn = self.manager.create_secret(Name=pair.secret,
                                         SecretString=json.dumps(value))["ARN"]
        checked = json.loads(self.tandem("check", arn, "--json").stdout)["findings"]
        self.assertEqual([(found["state"], found["detail"]) for found in checked
                          if found["kind"] == "admin"],
                         [("works", f"at {support.HOST}:{self.database.port}")], checked)
        for user in (pair.clone, pair.base):
            done = self.tandem("rotate", arn)
            self.assertEqual(done.returncode, 0, done.stderr)
            current = json.loads(self.manager.get_secret_value(
                SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
            self.assertEqual((current["username"], current["host"]), (user, host))
            self.assertTrue(self.logs_in(user, current["password"]))

    def test_instance_and_its_replica(self) -> None:
        """Behind more instances than fit on a page."""
        for number in range(60):
            self.create(f"other-{number:02}")
        made = self.create("writer-1", MasterUserPassword="", ManageMasterUserPassword=True)
        self.rds.create_db_instance_read_replica(DBInstanceIdentifier="reader-1",
                                                 SourceDBInstanceIdentifier="writer-1")
        admin = self.take_over(made)
        self.rotate_twice(admin, support.HOST)
        self.rotate_twice(admin, "127.0.0.1")
        self.rds.delete_db_instance(DBInstanceIdentifier="reader-1")

    def test_cluster_and_its_reader_endpoint(self) -> None:
        made = self.rds.create_db_cluster(
            DBClusterIdentifier="writer-2", Engine=self.cluster_engine, Port=self.database.port,
            MasterUsername="admin", ManageMasterUserPassword=True)["DBCluster"]
        self.create("member", Engine=self.cluster_engine, DBClusterIdentifier="writer-2")
        admin = self.take_over(made)
        self.rotate_twice(admin, support.HOST)
        self.rotate_twice(admin, "127.0.0.1")

    def test_database_that_is_gone(self) -> None:
        admin = self.take_over(self.create("writer-3", MasterUserPassword="",
                                           ManageMasterUserPassword=True))
        tags = self.manager.describe_secret(SecretId=admin)["Tags"]
        copy = self.manager.create_secret(
            Name="kept", Tags=tags, SecretString=json.dumps(
                {"username": support.ADMIN, "password": self.database.admin_password}))["ARN"]
        self.rds.delete_db_instance(DBInstanceIdentifier="writer-3", SkipFinalSnapshot=True)
        pair = self.pair()
        self.manager.create_secret(Name=pair.secret, SecretString=pair.value(
            pair.base, masterarn=copy))
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 1)
        self.assertIn("looking up where 'arn:aws:rds:", done.stderr)
        self.assertIn("db:writer-3 not found", done.stderr)


class ManagedByRdsMySQL(ManagedByRds):
    engine = "mysql"
    cluster_engine = "aurora-mysql"


class ManagedByRdsMariaDB(ManagedByRds):
    """Has no clusters."""

    engine = "mariadb"
    version = {"EngineVersion": "10.11.6"}
    test_cluster_and_its_reader_endpoint = None


if __name__ == "__main__":
    support.main()
