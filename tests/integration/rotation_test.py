"""Whole rotations: RotateSecret, the Lambda Runtime API, the product, real databases."""

from __future__ import annotations

import json
import os
import unittest
import uuid
from pathlib import Path

import support
from stack.sandbox import FUNCTION_ARN


class Rotation(support.World):
    """On PostgreSQL. The classes below run the same on others, and what is different there."""

    calls = {False: 12, True: 11}  # with an admin secret; to Secrets Manager

    def test_pair_takes_turns_and_both_credentials_keep_working(self) -> None:
        pair = self.pair()
        pair.create_secret(note=9007199254740993)
        for turn in range(4):
            active = pair.clone if turn % 2 == 0 else pair.base
            before = pair.read()
            rotation = self.rotate(pair)
            self.assertEqual(rotation["state"], "succeeded", rotation)
            self.assert_rotated(pair, active)
            self.assertEqual(pair.read("AWSPREVIOUS"), before, "the active user was touched")
        self.assertEqual(pair.read()["note"], 9007199254740993)

    def test_missing_clone_is_made_by_the_admin_and_its_tables_belong_to_the_base(self) -> None:
        pair = self.pair(missing_clone=True)
        with self.database.admin() as admin:
            admin.query(f'ALTER ROLE "{pair.base}" SET search_path = "Shop", public')
            admin.query(f'ALTER ROLE "{pair.base}" CONNECTION LIMIT 17')
            admin.query(f'CREATE SCHEMA "s{pair.base}" AUTHORIZATION "{pair.base}"')
        pair.create_secret(previous=False, masterarn=self.admin_secret(pair.base))
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        self.assert_rotated(pair, pair.clone)
        value = pair.read()
        with self.database.connect(value["username"], value["password"]) as clone:
            clone.query(f'CREATE TABLE "s{pair.base}".made_by_the_clone (n int)')
            self.assertEqual(clone.query("SHOW search_path"), [('"Shop", public',)])
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        self.assert_rotated(pair, pair.base)
        value = pair.read()
        with self.database.connect(value["username"], value["password"]) as base:
            base.query(f'DROP TABLE "s{pair.base}".made_by_the_clone')
        with self.database.admin() as admin:
            self.assertEqual(admin.query("SELECT rolconnlimit FROM pg_roles WHERE rolname = "
                                         f"'{pair.clone}'"), [("17",)])

    def test_test_step_alone_passes_and_changes_nothing(self) -> None:
        pair = self.pair()
        arn = pair.create_secret(rotation=False)
        before = pair.labels()
        token = self.manager.rotate_secret(
            SecretId=arn, RotationLambdaARN=FUNCTION_ARN,
            RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False)["VersionId"]
        self.wait_until_quiet()
        self.assertEqual(self.sandbox.rotation(token)["state"], "succeeded")
        self.assertEqual(pair.labels(), before)
        self.assertTrue(pair.logs_in())

    def test_weaker_user_is_named_and_not_promoted_until_it_is_mended(self) -> None:
        pair = self.pair(related=False)
        with self.database.admin() as admin:
            admin.query(f'CREATE TABLE "t{pair.base}" (n int)')
            admin.query(f'GRANT SELECT, INSERT ON "t{pair.base}" TO "{pair.base}"')
            admin.query(f'GRANT INSERT ON "t{pair.base}" TO "{pair.clone}"')
        pair.create_secret()
        self.sandbox.set(rotation_attempts=2)
        rotation = self.rotate(pair)
        self.assertEqual(rotation["state"], "failed")
        self.assertEqual(rotation["step"], "testSecret")
        self.assertIn(f"SELECT on public.t{pair.base}", rotation["error"])
        self.assertEqual(pair.read()["username"], pair.base)
        self.assertTrue(pair.logs_in())
        with self.database.admin() as admin:
            admin.query(f'GRANT SELECT ON "t{pair.base}" TO "{pair.clone}"')
        try:
            self.manager.rotate_secret(SecretId=pair.secret)
        except self.manager.exceptions.InvalidRequestException:
            pass  # AWS says that the unfinished one will be reattempted
        self.wait_until_quiet()
        self.assert_rotated(pair, pair.clone)

    def test_rotation_token_reaches_the_application_secret_only(self) -> None:
        pair = self.pair()
        proxies = pair.proxy_secrets()
        pair.create_secret(proxy_secret_ids=proxies)
        self.sandbox.set(require_rotation_token=True)
        try:
            self.assertEqual(self.rotate(pair)["state"], "succeeded")
        finally:
            self.sandbox.set(require_rotation_token=False)
        journal = self.sandbox.journal()
        with_token = {(call["action"], call["secret"]) for call in journal
                      if call["rotation_token"]}
        self.assertEqual(with_token, {("PutSecretValue", pair.secret)})
        # There was another secret that it could have reached.
        written = {call["secret"] for call in journal if call["action"] == "PutSecretValue"}
        self.assertEqual(written, {pair.secret, f"{pair.clone}/proxy"})

    def test_costs_the_promised_calls(self) -> None:
        for admin, calls in self.calls.items():
            with self.subTest(admin=admin):
                pair = self.pair()
                extra = {"masterarn": self.admin_secret(pair.base)} if admin else {}
                pair.create_secret(**extra)
                self.sandbox.clear_journal()
                token = self.manager.rotate_secret(SecretId=pair.secret)["VersionId"]
                self.assertEqual(self.wait_for_rotation(token)["state"], "succeeded")
                made = [call["action"] for call in self.sandbox.journal()
                        if call["action"] != "RotateSecret"]
                self.assertEqual(len(made), calls, made)

    def test_every_lost_answer_and_error_is_survived(self) -> None:
        actions = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage",
                   "BatchGetSecretValue")
        kinds = ({"kind": "drop-before"}, {"kind": "drop-after"}, {"kind": "throttle"},
                 {"kind": "error", "type": "InternalServiceError", "status": 500},
                 {"kind": "cut", "bytes": 7})
        pair = self.pair()
        pair.create_secret(masterarn=self.admin_secret(pair.base))
        active = pair.base
        for action in actions:
            for kind in kinds:
                with self.subTest(action=action, **kind):
                    active = pair.clone if active == pair.base else pair.base
                    self.sandbox.set_faults({"action": action, "times": 1, **kind})
                    token = str(uuid.uuid4())
                    self.manager.rotate_secret(SecretId=pair.secret, ClientRequestToken=token)
                    rotation = self.wait_for_rotation(token)
                    self.sandbox.set_faults()
                    self.assertEqual(rotation["state"], "succeeded", rotation)
                    self.assertEqual(rotation["attempts"], 1, "the product must mend this itself")
                    self.assert_rotated(pair, active)

    def test_late_reads_of_the_pending_version_are_waited_for(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.sandbox.set(read_misses=2)
        rotation = self.rotate(pair)
        self.assertEqual((rotation["state"], rotation["attempts"]), ("succeeded", 1), rotation)

    def test_skewed_clock_is_corrected(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        self.sandbox.set(clock_offset_s=3600)
        try:
            done = self.tandem("status", pair.secret, "--json")
        finally:
            self.sandbox.set(clock_offset_s=0)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_password_that_nobody_knows_is_refused_with_what_to_do(self) -> None:
        pair = self.pair()
        pair.create_secret()
        with self.database.admin() as admin:
            admin.set_password(pair.clone, "by-hand")
        self.sandbox.set(rotation_attempts=1)
        rotation = self.rotate(pair)
        self.assertEqual((rotation["state"], rotation["step"]), ("failed", "setSecret"))
        self.assertIn("masterarn", rotation["error"])
        self.assertTrue(pair.logs_in())

    def test_forged_admin_host_never_sees_the_admin(self) -> None:
        pair = self.pair()
        pair.create_secret(masterarn=self.admin_secret(pair.base, host="127.0.0.1"))
        self.sandbox.set(rotation_attempts=1)
        rotation = self.rotate(pair)
        self.assertEqual((rotation["state"], rotation["step"]), ("failed", "setSecret"))
        self.assertIn("its password will not be sent there", rotation["error"])

    def test_unusable_secret_fails_before_anything_changes(self) -> None:
        pair = self.pair()
        pair.create_secret()
        good = json.loads(pair.value(pair.base))
        self.sandbox.set(rotation_attempts=1)
        for change, part in (({"engine": "db2"}, "'db2' is unknown"),
                             ({"port": 70000}, "is not a port"),
                             ({"password": {"nested": 1}}, "is not a string"),
                             ({"rotation_usernames": ["x", "y"]}, "is not one of")):
            with self.subTest(**change):
                self.manager.put_secret_value(SecretId=pair.secret,
                                              SecretString=json.dumps({**good, **change}))
                self.sandbox.clear_journal()
                token = str(uuid.uuid4())
                self.manager.rotate_secret(SecretId=pair.secret, ClientRequestToken=token)
                rotation = self.wait_for_rotation(token)
                self.assertEqual((rotation["state"], rotation["step"]), ("failed", "createSecret"))
                self.assertIn(part, rotation["error"])
                self.assertNotIn("PutSecretValue",
                                 [call["action"] for call in self.sandbox.journal()])
                self.manager.update_secret_version_stage(
                    SecretId=pair.secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)

    def test_no_password_in_any_output(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        words = [*pair.passwords.values(), pair.read()["password"]]
        pid = self.function.process.pid
        for path in (self.function.log, self.database.log, f"/proc/{pid}/cmdline",
                     f"/proc/{pid}/environ"):
            try:
                content = Path(path).read_bytes()
            except PermissionError:
                # The program is not dumpable: its own user may not look into it either.
                self.assertTrue(str(path).endswith("environ") and os.geteuid() != 0, path)
                continue
            for word in words:
                self.assertNotIn(word.encode(), content, path)
        limits = Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        # The look itself works: what the tests wrote into the log is found there.
        self.assertRegex(self.database.log.read_bytes(), b"CREATE (ROLE|USER)")

    def test_secret_binary_and_no_current_value_are_told_apart(self) -> None:
        self.sandbox.set(rotation_attempts=1)
        binary = self.manager.create_secret(Name=f"b{uuid.uuid4().hex}", SecretBinary=b"{}")
        empty = self.manager.create_secret(Name=f"e{uuid.uuid4().hex}")
        for secret, part in ((binary, "binary"), (empty, "no current value")):
            token = str(uuid.uuid4())
            self.manager.rotate_secret(
                SecretId=secret["ARN"], RotationLambdaARN=FUNCTION_ARN, ClientRequestToken=token,
                RotationRules={"AutomaticallyAfterDays": 30})
            rotation = self.wait_for_rotation(token)
            self.assertEqual(rotation["state"], "failed")
            self.assertIn(part, rotation["error"])


class RotationOnMariaDB(Rotation):
    engine = "mariadb"

    def grants(self, user: str) -> list[str]:
        """What it may do, without its own name."""
        with self.database.admin() as admin:
            rows = admin.query(f"SHOW GRANTS FOR '{user}'@'%'")
        return sorted(row[0].replace(user, "U").split(" IDENTIFIED ")[0] for row in rows)

    def test_missing_clone_is_made_by_the_admin_and_its_tables_belong_to_the_base(self) -> None:
        """There are no owners here: the clone may do what the base may, no more and no less."""
        pair = self.pair(missing_clone=True)
        with self.database.admin() as admin:
            admin.query("CREATE TABLE IF NOT EXISTS narrow (a int, b int)")
            admin.query(f"GRANT SELECT (a), UPDATE (a, b) ON narrow TO '{pair.base}'@'%'"
                        " WITH GRANT OPTION")
            admin.query(f"ALTER USER '{pair.base}'@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 17")
        pair.create_secret(previous=False, masterarn=self.admin_secret(pair.base))
        rotation = self.rotate(pair)
        self.assertEqual(rotation["state"], "succeeded", rotation)
        self.assert_rotated(pair, pair.clone)
        self.assertEqual(self.grants(pair.clone), self.grants(pair.base))
        with self.database.admin() as admin:
            self.assertEqual(admin.query("SELECT max_user_connections, ssl_type FROM mysql.user"
                                         f" WHERE user = '{pair.clone}'"), [("17", "ANY")])
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        self.assert_rotated(pair, pair.base)

    def test_weaker_user_is_named_and_not_promoted_until_it_is_mended(self) -> None:
        pair = self.pair()
        with self.database.admin() as admin:
            admin.query(f"CREATE TABLE `t{pair.base}` (n int)")
            admin.query(f"GRANT PROCESS ON *.* TO '{pair.base}'@'%'")
            admin.query(f"GRANT RELOAD ON *.* TO '{pair.clone}'@'%'")
        pair.create_secret()
        self.sandbox.set(rotation_attempts=2)
        rotation = self.rotate(pair)
        self.assertEqual((rotation["state"], rotation["step"]), ("failed", "testSecret"))
        self.assertIn("missing PROCESS on *.*", rotation["error"])
        self.assertIn("too much: RELOAD on *.*", rotation["error"])
        self.assertEqual(pair.read()["username"], pair.base)
        self.assertTrue(pair.logs_in())

    def test_admin_lets_the_next_user_follow_the_active_one(self) -> None:
        pair = self.pair()
        with self.database.admin() as admin:
            admin.query(f"GRANT PROCESS ON *.* TO '{pair.base}'@'%'")
            admin.query(f"GRANT RELOAD ON *.* TO '{pair.clone}'@'%'")
        pair.create_secret(masterarn=self.admin_secret(pair.base))
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        self.assert_rotated(pair, pair.clone)
        self.assertEqual(self.grants(pair.clone), self.grants(pair.base))
        self.assertTrue(any("PROCESS" in line for line in self.grants(pair.base)))
        self.assertFalse(any("RELOAD" in line for line in self.grants(pair.clone)))

    def test_proxy_secrets_without_a_host_are_believed_with_the_previous_version(self) -> None:
        pair = self.pair()
        pair.create_secret(proxy_secret_ids=pair.proxy_secrets())
        for active in (pair.clone, pair.base, pair.clone):
            self.assertEqual(self.rotate(pair)["state"], "succeeded")
            self.assert_rotated(pair, active)


class RotationOnMySQL(RotationOnMariaDB):
    engine = "mysql"
    calls = {False: 13, True: 13}  # one or two more: whose former password ends, and by whom

    def test_former_password_lives_for_one_rotation_more_where_it_may_be_kept(self) -> None:
        for admin in (False, True):
            with self.subTest(admin=admin):
                pair = self.pair()
                with self.database.admin() as session:
                    for user in () if admin else (pair.base, pair.clone):
                        session.query("GRANT APPLICATION_PASSWORD_ADMIN ON *.*"
                                      f" TO '{user}'@'%'")
                pair.create_secret(**({"masterarn": self.admin_secret(pair.base)} if admin else {}))
                former = pair.passwords[pair.clone]
                self.assertEqual(self.rotate(pair)["state"], "succeeded")
                self.assert_rotated(pair, pair.clone)
                self.assertTrue(self.logs_in(pair.clone, former), "it was not kept")
                self.assertEqual(self.rotate(pair)["state"], "succeeded")
                self.assert_rotated(pair, pair.base)
                self.assertFalse(self.logs_in(pair.clone, former), "it was not ended")
                self.assertTrue(self.logs_in(pair.base, pair.passwords[pair.base]),
                                "the other one was not kept")


if __name__ == "__main__":
    support.main()
