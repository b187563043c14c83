"""A secret with a single user: its password changes under the application that is using it.

AWS's single-user shape of a secret, RotateSecret, the Lambda Runtime API, real databases. With two
passwords at a time (MySQL) nobody notices. With one, a client that finds itself refused reads the
secret again after a moment and tries once more; it is never refused twice.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import uuid
from typing import Any

import support
from stack.database import DBNAME, HOST
from stack.sandbox import FUNCTION_ARN

AFTER_A_MOMENT = 0.5  # seconds: what a client waits before its second try
CACHED = 0.3  # seconds for which it believes what it has read
INTERVAL = 1.2  # seconds between two rotations
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class User:
    """One user, and the secret that holds its password; as `support.Pair` for two."""

    def __init__(self, world: support.World, **extra: Any) -> None:
        self.world = world
        self.name = f"u{uuid.uuid4().hex[:12]}"
        self.secret = f"{self.name}/database"
        self.password = secrets.token_urlsafe(18)
        with world.database.admin() as admin:
            world.database.create_users(admin, {self.name: self.password})
        self.extra = extra

    def create_secret(self, *, rotation: bool = True) -> None:
        arn = self.world.manager.create_secret(Name=self.secret, SecretString=json.dumps({
            "engine": self.world.engine, "host": HOST, "port": self.world.database.port,
            "dbname": DBNAME, "username": self.name, "password": self.password,
            **self.extra}))["ARN"]
        if rotation:
            self.world.manager.rotate_secret(
                SecretId=arn, RotationLambdaARN=FUNCTION_ARN,
                RotationRules={"AutomaticallyAfterDays": 30}, RotateImmediately=False)
            self.world.wait_until_quiet()

    def read(self, stage: str = "AWSCURRENT") -> str:
        value = json.loads(self.world.manager.get_secret_value(
            SecretId=self.secret, VersionStage=stage)["SecretString"])
        assert value["username"] == self.name
        return value["password"]

    def logs_in(self, stage: str = "AWSCURRENT") -> bool:
        return self.world.logs_in(self.name, self.read(stage))


class Clients:
    """Applications that read the secret now and then, and when they are refused."""

    def __init__(self, user: User, count: int = 3) -> None:
        self.user = user
        self.logins = 0
        self.refused: list[float] = []   # when, for the first time
        self.lost: list[str] = []        # refused twice
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]

    def run(self) -> None:
        known, read = self.user.read(), time.monotonic()
        while not self.stopping.wait(0.02):
            if time.monotonic() > read + CACHED:
                known, read = self.user.read(), time.monotonic()
            if not self.user.world.logs_in(self.user.name, known):
                with self.lock:
                    self.refused.append(time.monotonic())
                time.sleep(AFTER_A_MOMENT)
                known = self.user.read()
                if not self.user.world.logs_in(self.user.name, known):
                    with self.lock:
                        self.lost.append("refused twice")
            with self.lock:
                self.logins += 1

    def __enter__(self) -> Clients:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class SingleUser(support.World):
    two_passwords = False

    def let_it_keep_passwords(self, user: User) -> None:
        """What the engine needs so that the user may have two passwords; nothing where it cannot."""

    def user(self, **extra: Any) -> User:
        user = User(self, **extra)
        if self.two_passwords:
            self.let_it_keep_passwords(user)
        return user

    def rotate(self, user: User, seconds: float = 30) -> dict[str, Any]:
        token = self.manager.rotate_secret(SecretId=user.secret)["VersionId"]
        return self.wait_for_rotation(token, seconds)

    def test_aws_shape_rotates_and_clients_that_retry_once_never_fail(self) -> None:
        user = self.user()
        user.create_secret()
        with Clients(user) as clients:
            for _ in range(4):
                before = user.read()
                self.assertEqual(self.rotate(user)["state"], "succeeded")
                self.assertNotEqual(user.read(), before)
                self.assertTrue(user.logs_in())
                self.assertEqual(self.logs_in(user.name, before), self.two_passwords,
                                 "the previous password")
                time.sleep(INTERVAL)
        self.assertEqual(clients.lost, [])
        self.assertGreater(clients.logins, 20)
        if not self.two_passwords:
            self.assertGreater(len(clients.refused), 0, "nobody logged in with the old password")
        else:
            self.assertEqual(clients.refused, [])

    def test_with_an_admin_secret_the_admin_changes_it(self) -> None:
        user = User(self)
        user.extra = {"rotation_usernames": [user.name],
                      "masterarn": self.admin_secret(user.name)}
        user.create_secret()
        before = user.read()
        self.assertEqual(self.rotate(user)["state"], "succeeded")
        self.assertTrue(user.logs_in())
        self.assertEqual(self.logs_in(user.name, before), self.two_passwords)

    def test_a_label_that_does_not_move_lets_the_old_password_work(self) -> None:
        user = self.user()
        user.create_secret(rotation=False)
        token = self.step_until("finishSecret", user)
        self.sandbox.set_faults({"action": "UpdateSecretVersionStage", "kind": "error",
                                 "type": "AccessDeniedException", "message": "no"})
        failed = self.tandem("step", "finishSecret", user.secret, token)
        self.assertEqual(failed.returncode, 1, failed.stdout)
        self.assertEqual(user.read(), user.password)
        self.assertTrue(user.logs_in(), "the old password was not put back")
        self.sandbox.set_faults()
        done = self.tandem("step", "finishSecret", user.secret, token)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(user.read(), user.password)
        self.assertTrue(user.logs_in())

    def test_any_step_puts_back_what_a_killed_one_left(self) -> None:
        for step in STEPS[:3]:
            with self.subTest(step=step):
                user = User(self)
                user.create_secret(rotation=False)
                token = self.step_until("finishSecret", user)
                # What finishSecret had done when it was killed: the change, and no more.
                with self.database.admin() as admin:
                    admin.set_password(user.name, user.read("AWSPENDING"))
                self.assertFalse(user.logs_in())
                done = self.tandem("step", step, user.secret, token)
                self.assertEqual(done.returncode, 0, done.stderr)
                if not self.two_passwords or step != "testSecret":
                    self.assertTrue(user.logs_in(), "the current password was not put back")
                done = self.tandem("step", "finishSecret", user.secret, token)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotEqual(user.read(), user.password)
                self.assertTrue(user.logs_in())

    def test_a_password_nobody_knows_is_told_and_nothing_changes(self) -> None:
        user = User(self)
        user.create_secret(rotation=False)
        token = self.step_until("setSecret", user)
        with self.database.admin() as admin:
            admin.set_password(user.name, secrets.token_urlsafe(18))
        failed = self.tandem("step", "setSecret", user.secret, token)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("neither with its current password nor with the pending", failed.stderr)
        self.assertEqual(user.read(), user.password)

    def step_until(self, end: str, user: User) -> str:
        """The steps before `end`, by hand, under a token of their own."""
        token = str(uuid.uuid4())
        for step in STEPS[:STEPS.index(end)]:
            done = self.tandem("step", step, user.secret, token)
            self.assertEqual(done.returncode, 0, done.stderr)
        return token


class SingleUserOnMariaDB(SingleUser):
    engine = "mariadb"


class SingleUserOnMySQL(SingleUser):
    engine = "mysql"
    two_passwords = True

    def let_it_keep_passwords(self, user: User) -> None:
        with self.database.admin() as admin:
            admin.query(f"GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO '{user.name}'@'%'")

    def test_without_the_right_to_keep_one_it_is_changed_as_elsewhere(self) -> None:
        user = User(self)
        user.create_secret()
        with Clients(user) as clients:
            for _ in range(2):
                self.assertEqual(self.rotate(user)["state"], "succeeded")
                time.sleep(INTERVAL)
        self.assertEqual(clients.lost, [])
        self.assertFalse(self.logs_in(user.name, user.password))


if __name__ == "__main__":
    support.main()
