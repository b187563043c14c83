"""What the integration tests stand on: a real database, the sandbox, the product; one of each a class.

Every test makes a user pair and a secret of its own, so that tests do not see each other.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
import unittest
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stack.database import ADMIN, DBNAME, ENGINES, HOST  # noqa: E402
from stack.process import Folder, end_on_signals  # noqa: E402
from stack.sandbox import FUNCTION_ARN, Sandbox  # noqa: E402
from stack.session import DatabaseError  # noqa: E402
from stack.tandem import Lambda, command  # noqa: E402

BUILD = Path("build")
ENGINE: str | None = None  # --engine: for the classes that are not about one


class Pair:
    """Two users that take turns, and the secret that says whose turn it is."""

    def __init__(self, world: World, name: str, *, missing_clone: bool = False,
                 related: bool = True) -> None:
        self.world = world
        self.base, self.clone = name, f"{name}-clone"
        self.secret = f"{name}/database"
        self.passwords = {user: secrets.token_urlsafe(18) for user in (self.base, self.clone)}
        users = {name: self.passwords[name]} if missing_clone else self.passwords
        with world.database.admin() as admin:
            world.database.create_users(admin, users, related=related)

    def value(self, user: str, **extra: Any) -> str:
        return json.dumps({
            "engine": self.world.engine, "host": HOST, "port": self.world.database.port,
            "dbname": DBNAME, "username": user, "password": self.passwords[user],
            "rotation_usernames": [self.base, self.clone], **extra})

    def create_secret(self, *, previous: bool = True, rotation: bool = True, **extra: Any) -> str:
        """The application secret; `previous` writes down the clone's password under AWSPREVIOUS."""
        manager = self.world.manager
        first = self.clone if previous else self.base
        arn = manager.create_secret(Name=self.secret, SecretString=self.value(first, **extra))["ARN"]
        if previous:
            manager.put_secret_value(SecretId=arn, SecretString=self.value(self.base, **extra))
        if rotation:
            manager.rotate_secret(SecretId=arn, RotationLambdaARN=FUNCTION_ARN,
                                  RotationRules={"AutomaticallyAfterDays": 30},
                                  RotateImmediately=False)
            self.world.wait_until_quiet()
        return arn

    def proxy_secrets(self) -> list[str]:
        """One for each user, in the order of the ring; without them only one secret is written."""
        return [self.world.manager.create_secret(
            Name=f"{user}/proxy", SecretString=json.dumps({"username": user, "password": word}))["ARN"]
            for user, word in self.passwords.items()]

    def read(self, stage: str = "AWSCURRENT") -> dict[str, Any]:
        return json.loads(self.world.manager.get_secret_value(
            SecretId=self.secret, VersionStage=stage)["SecretString"])

    def logs_in(self, stage: str = "AWSCURRENT") -> bool:
        value = self.read(stage)
        return self.world.logs_in(value["username"], value["password"])

    def labels(self) -> dict[str, list[str]]:
        return self.world.manager.describe_secret(SecretId=self.secret)["VersionIdsToStages"]


class World(unittest.TestCase):
    """`self.database`, `self.sandbox`, `self.manager` (boto3) for every test of the class."""

    engine = "postgres"
    lambda_variables: dict[str, str] = {}
    sandbox_arguments: tuple[str, ...] = ("--retry-delay-ms", "50")
    with_lambda = True

    @classmethod
    def setUpClass(cls) -> None:
        if (reason := ENGINES[cls.engine].may_be_skipped()) is not None:
            print(f"skip: {cls.__name__}: {reason}", flush=True)
            raise unittest.SkipTest(reason)
        with ExitStack() as stack:
            cls.folder = stack.enter_context(Folder())
            cls.database = stack.enter_context(ENGINES[cls.engine].database()(cls.folder))
            cls.sandbox = stack.enter_context(Sandbox(cls.folder, BUILD, *cls.sandbox_arguments))
            cls.manager = cls.sandbox.client("secretsmanager")
            cls.environment = {**cls.sandbox.environment(),
                               "TANDEM_DATABASE_CA": str(cls.database.authority.ca),
                               "TANDEM_TIMEOUT": "30", **cls.lambda_variables}
            cls.function = None
            if cls.with_lambda:
                cls.function = stack.enter_context(
                    Lambda(cls.folder, BUILD, cls.sandbox, cls.environment))
            cls.stack = stack.pop_all()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.stack.close()

    def setUp(self) -> None:
        self.sandbox.set_faults()
        self.sandbox.clear_journal()

    def pair(self, **options: Any) -> Pair:
        return Pair(self, f"u{uuid.uuid4().hex[:12]}", **options)

    def admin_secret(self, name: str, **changes: Any) -> str:
        return self.manager.create_secret(Name=f"{name}/admin", SecretString=json.dumps({
            "engine": self.engine, "host": HOST, "port": self.database.port, "username": ADMIN,
            "password": self.database.admin_password, **changes}))["ARN"]

    def tandem(self, *arguments: str, timeout: float = 60, **variables: str):
        return command(BUILD, {**self.environment, **variables}, *arguments, timeout=timeout)

    def logs_in(self, user: str, password: str) -> bool:
        try:
            self.database.connect(user, password).close()
            return True
        except DatabaseError:
            return False

    def rotate(self, pair: Pair, seconds: float = 30) -> dict[str, Any]:
        """RotateSecret, and wait; how it ended, as the sandbox tells it."""
        token = self.manager.rotate_secret(SecretId=pair.secret)["VersionId"]
        return self.wait_for_rotation(token, seconds)

    def wait_for_rotation(self, token: str, seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            rotation = self.sandbox.rotation(token)
            if rotation is not None and rotation["state"] != "running":
                return rotation
            time.sleep(0.02)
        self.fail(f"the rotation did not end in {seconds} s: {self.sandbox.rotation(token)}")

    def wait_until_quiet(self, seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while any(r["state"] == "running" for r in self.sandbox.rotations()):
            if time.monotonic() > deadline:
                self.fail("a rotation is still running")
            time.sleep(0.02)

    def assert_rotated(self, pair: Pair, active: str) -> None:
        """`active` holds AWSCURRENT, and both labels log in."""
        self.assertEqual(pair.read()["username"], active)
        self.assertTrue(pair.logs_in("AWSCURRENT"), "AWSCURRENT must log in")
        self.assertTrue(pair.logs_in("AWSPREVIOUS"), "AWSPREVIOUS must log in")


def main() -> None:
    global BUILD
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, default=BUILD)
    parser.add_argument("--engine", choices=ENGINES)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir
    # The tests import this file as a module of its own: tell that one too.
    sys.modules["support"].BUILD = BUILD
    sys.modules["support"].ENGINE = options.engine
    end_on_signals()
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
