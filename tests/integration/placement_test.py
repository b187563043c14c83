"""The admin secrets that RDS manages, and readers in the application secret: real databases, and the
sandbox in RDS's place.

One server has two names in its certificate, so that it can be a writer under one and a reader under
the other; a real standby is behind the last tests. Who asked what is in the sandbox's journal.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import support
from stack.database import ADMIN, HOST
from stack.sandbox import ACCOUNT, REGION
from stack.standby import Standby
from torture.impostor import Scripted, cleartext, server_context

READER = "127.0.0.1"  # the other name in the certificate
ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}"


class Placement(support.World):
    with_lambda = False
    cluster_engine = "aurora-postgresql"
    steps_with_admin = 1  # setSecret; where passwords are two, finishSecret as well

    def setUp(self) -> None:
        super().setUp()
        self.sandbox.set(deny=[], rds_page_size=2)
        self.sandbox.set_databases(instances=self.others("one", "two", "three"))
        self.addCleanup(self.sandbox.set_databases)

    def instance(self, name: str, host: str = HOST, **more: Any) -> dict[str, Any]:
        return {"id": name, "engine": self.engine, "host": host, "port": self.database.port, **more}

    def others(self, *names: str) -> list[dict[str, Any]]:
        """Other people's databases, which are in every account."""
        return [self.instance(name, f"{name}.example") for name in names]

    def managed_secret(self, pair: support.Pair, **tags: str) -> str:
        """As RDS makes it: a user name, a password, and a tag of the system's own."""
        arn = self.manager.create_secret(Name=f"{pair.base}/managed", SecretString=json.dumps({
            "username": ADMIN, "password": self.database.admin_password}))["ARN"]
        self.sandbox.set_tags(arn, **tags)
        return arn

    def rotate_here(self, pair: support.Pair, active: str, **variables: str) -> None:
        self.sandbox.clear_journal()
        done = self.tandem("rotate", pair.secret, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(pair.read()["username"], active)
        self.assertTrue(pair.logs_in("AWSCURRENT"), "AWSCURRENT must log in")

    def refused(self, pair: support.Pair, *texts: str) -> None:
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 1, done.stdout)
        for text in texts:
            self.assertIn(text, done.stderr)

    def asked(self) -> dict[str, int]:
        """How often RDS was asked what, and for the tags of the admin secret, by a step."""
        counts: dict[str, int] = {}
        for call in self.sandbox.journal():
            if call["service"] == "rds" or (call["action"] == "DescribeSecret"
                                            and call["secret"].endswith("/managed")):
                counts[call["action"]] = counts.get(call["action"], 0) + 1
        return {action: count / self.steps_with_admin for action, count in counts.items()}

    def check(self, pair: support.Pair) -> dict[str, Any]:
        """What `tandem check` found out about the admin."""
        done = self.tandem("check", pair.secret, "--json")
        return next(found for found in json.loads(done.stdout)["findings"]
                    if found["kind"] == "admin")


class ManagedAdmin(Placement):
    def test_instance(self) -> None:
        pair = self.pair(missing_clone=True)
        self.sandbox.set_databases(instances=[*self.others("one"), self.instance("shop")])
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(previous=False, rotation=False, masterarn=admin)
        self.assertEqual((found := self.check(pair))["state"], "works", found)
        self.rotate_here(pair, pair.clone)
        self.assertEqual(self.asked(), {"DescribeSecret": 1, "DescribeDBInstances": 1})
        self.rotate_here(pair, pair.base)
        self.assertTrue(pair.logs_in("AWSPREVIOUS"))

    def test_cluster_and_its_reader_endpoint(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(clusters=[{
            "id": "shop", "engine": self.cluster_engine, "host": HOST, "reader": READER,
            "port": self.database.port}])
        admin = self.managed_secret(pair, primaryDBClusterArn=f"{ARN}:cluster:shop")
        pair.create_secret(rotation=False, masterarn=admin, host=READER)
        found = self.check(pair)
        self.assertEqual((found["state"], found["detail"]),
                         ("works", f"at {HOST}:{self.database.port}"))
        self.rotate_here(pair, pair.clone)
        # The owner, by its ARN; the reader, among no instances and then among the clusters.
        self.assertEqual(self.asked(), {"DescribeSecret": 1, "DescribeDBInstances": 1,
                                        "DescribeDBClusters": 2})

    def test_missing_permissions_are_named(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(instances=[self.instance("shop")])
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(rotation=False, masterarn=admin)
        self.sandbox.set(deny=["rds:DescribeDBInstances"])
        self.refused(pair, f"looking up where '{ARN}:db:shop' is",
                     "allow rds:DescribeDBInstances on it to ")
        self.assertEqual(self.check(pair)["state"], "refused")
        self.sandbox.set(deny=[])
        self.rotate_here(pair, pair.clone)

    def test_throttling_is_waited_for(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(instances=[self.instance("shop")])
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(rotation=False, masterarn=admin)
        self.sandbox.set_faults({"action": "DescribeDBInstances", "kind": "throttle", "times": 2},
                                {"action": "DescribeDBInstances", "kind": "cut", "bytes": 100})
        self.rotate_here(pair, pair.clone)

    def test_another_engine_is_refused(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(instances=[self.instance("shop", engine="sqlserver-ex")])
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(rotation=False, masterarn=admin)
        self.refused(pair, "runs 'sqlserver-ex', an engine that is not supported")

    def test_secret_without_a_tag_is_refused(self) -> None:
        pair = self.pair()
        admin = self.managed_secret(pair)
        pair.create_secret(rotation=False, masterarn=admin)
        self.refused(pair, "has no \"host\", and no tag of RDS says whose it is")


class Reader(Placement):
    def test_replica_of_the_admins_host(self) -> None:
        """On the third page, and its source is asked for by name."""
        pair = self.pair()
        self.sandbox.set_databases(instances=[
            *self.others("one", "two", "three", "four"),
            self.instance("replica", READER, source="shop"), self.instance("shop")])
        admin = self.admin_secret(pair.base)
        pair.create_secret(rotation=False, masterarn=admin, host=READER)
        self.rotate_here(pair, pair.clone)
        self.assertEqual(self.asked(), {"DescribeDBInstances": 4})
        self.rotate_here(pair, pair.base)

    def test_member_of_the_cluster_that_the_admins_host_leads_to(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(
            instances=[self.instance("member", READER, cluster="shop")],
            clusters=[{"id": "shop", "engine": self.cluster_engine, "host": HOST,
                       "port": self.database.port}])
        admin = self.admin_secret(pair.base)
        pair.create_secret(rotation=False, masterarn=admin, host=READER)
        self.rotate_here(pair, pair.clone)

    def test_host_that_is_no_reader_is_refused(self) -> None:
        pair = self.pair()
        admin = self.admin_secret(pair.base)
        pair.create_secret(rotation=False, masterarn=admin, host=READER)
        self.refused(pair, f"is for {HOST}", f"the secret under rotation for {READER}",
                     "its password will not be sent there")
        self.sandbox.set_databases(instances=[self.instance("shop"), self.instance("own", READER)])
        self.refused(pair, f"is for {HOST}:", f"the secret under rotation is for {READER}:",
                     "its password will not be sent there")
        self.assertEqual(self.check(pair)["state"], "wrong")

    def test_secrets_that_agree_ask_nobody(self) -> None:
        pair = self.pair()
        admin = self.admin_secret(pair.base)
        pair.create_secret(rotation=False, masterarn=admin)
        self.rotate_here(pair, pair.clone)
        self.assertEqual(self.asked(), {})


class ManagedAdminMariaDB(ManagedAdmin):
    engine = "mariadb"
    cluster_engine = "mariadb"


class ReaderMariaDB(Reader):
    engine = "mariadb"
    cluster_engine = "mariadb"


class ManagedAdminMySQL(ManagedAdmin):
    engine = "mysql"
    cluster_engine = "aurora-mysql"
    steps_with_admin = 2


class ReaderMySQL(Reader):
    engine = "mysql"
    cluster_engine = "aurora-mysql"
    steps_with_admin = 2


class Forged(Placement):
    """Who may write the application secret has an RDS instance of his own, and hears what it is told."""

    def setUp(self) -> None:
        super().setUp()
        certificate = self.database.authority.issue(f"impostor-{uuid.uuid4().hex[:8]}")
        self.impostor = self.enterContext(Scripted(
            cleartext, server_context(certificate.certificate, certificate.key)))

    def assert_told_nothing_of_the_admin(self) -> None:
        """Nor was it there at all: what it hears begins with a name."""
        heard = bytes(self.impostor.clear + self.impostor.secure)
        self.assertNotIn(self.database.admin_password.encode(), heard)
        self.assertNotIn(f"\0user\0{ADMIN}\0".encode(), heard)

    def test_the_managed_admin_is_told_to_no_other_database(self) -> None:
        pair = self.pair()
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(rotation=False, masterarn=admin, host=READER, port=self.impostor.port)
        his = {"id": "his", "engine": "postgres", "host": READER, "port": self.impostor.port}
        for instances in ([], [his], [{**his, "source": "one"}]):
            with self.subTest(instances=instances):
                self.sandbox.set_databases(instances=[
                    *self.others("one"), self.instance("shop"), *instances])
                for command in ("status", "check", "rotate"):
                    self.tandem(command, pair.secret, TANDEM_TIMEOUT="8")
                    self.assert_told_nothing_of_the_admin()
                self.refused(pair, "its password will not be sent there")

    def test_a_replica_of_the_right_writer_is_told_what_the_secret_itself_holds(self) -> None:
        """Of his own making, in the same account: the admin goes to the writer alone."""
        pair = self.pair()
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(rotation=False, masterarn=admin, host=READER, port=self.impostor.port)
        self.sandbox.set_databases(instances=[self.instance("shop"), {
            "id": "his", "engine": "postgres", "host": READER, "port": self.impostor.port,
            "source": "shop"}])
        for command in ("check", "rotate"):
            self.tandem(command, pair.secret, TANDEM_TIMEOUT="8")
            self.assert_told_nothing_of_the_admin()


class RealStandby(Placement):
    """The change cannot be made where the application reads, and shows there late."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.standby = cls.stack.enter_context(Standby(cls.folder, cls.database, delay_ms=1500))

    def shop(self) -> list[dict[str, Any]]:
        return [self.instance("shop"), {"id": "replica", "engine": "postgres", "host": READER,
                                        "port": self.standby.port, "source": "shop"}]

    def at_standby(self) -> dict[str, Any]:
        return {"host": READER, "port": self.standby.port}

    def wait_for_users(self, pair: support.Pair) -> None:
        """The pair was made a moment ago: the application does not start before it can log in."""
        def can_log_in() -> bool:
            try:
                self.standby.connect(pair.base, pair.passwords[pair.base]).close()
                return True
            except support.DatabaseError:
                return False

        self.standby.process.wait(can_log_in)

    def test_password_is_changed_at_the_writer_and_proven_at_the_standby(self) -> None:
        pair = self.pair(missing_clone=True)
        self.sandbox.set_databases(instances=self.shop())
        admin = self.managed_secret(pair, primaryDBInstanceArn=f"{ARN}:db:shop")
        pair.create_secret(previous=False, rotation=False, masterarn=admin, **self.at_standby())
        self.wait_for_users(pair)
        for active in (pair.clone, pair.base):
            self.rotate_here(pair, active)
            value = pair.read()
            self.assertEqual((value["host"], value["port"]), (READER, self.standby.port))
            # Proven: not only at the writer.
            self.standby.connect(active, value["password"]).close()

    def test_standby_that_stays_behind_is_told(self) -> None:
        pair = self.pair()
        self.sandbox.set_databases(instances=self.shop())
        admin = self.admin_secret(pair.base)
        pair.create_secret(rotation=False, masterarn=admin, **self.at_standby())
        self.wait_for_users(pair)
        done = self.tandem("rotate", pair.secret, TANDEM_PROXY_WAIT="1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does it lag behind its writer?", done.stderr)
        self.assertEqual(pair.read()["username"], pair.base)
        self.rotate_here(pair, pair.clone)

    def test_without_the_directory_it_is_told_to_be_read_only(self) -> None:
        """Without an admin, at a name that does not say so: the database's own words."""
        pair = self.pair()
        pair.create_secret(rotation=False, **self.at_standby())
        self.wait_for_users(pair)
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 1)
        self.assertIn("it is read-only, so a replica", done.stderr)


if __name__ == "__main__":
    support.main()
