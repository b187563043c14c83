"""Rotations behind the proxy's stand-in: both secrets of the pair, picked up late, or never."""

from __future__ import annotations

import json
import threading
import time
import unittest

import support
from stack.application import SECRET, SHAPES, Application, proxy_secret
from stack.process import Folder
from stack.sandbox import FUNCTION_ARN
from stack.session import DatabaseError
from stack.tandem import Lambda, command


class BehindAProxy(unittest.TestCase):
    def install(self, **options):
        folder = self.enterContext(Folder())
        application = self.enterContext(Application(folder, support.BUILD, poll=0.2, delay=0.1,
                                                    **options))
        variables = {**application.tandem_environment(), "TANDEM_TIMEOUT": "30"}
        self.enterContext(Lambda(folder, support.BUILD, application.sandbox, variables))
        self.application, self.variables = application, variables
        application.secrets_manager.rotate_secret(
            SecretId=SECRET, RotationLambdaARN=FUNCTION_ARN, RotateImmediately=False,
            RotationRules={"AutomaticallyAfterDays": 30})
        self.wait_until_quiet()
        return application

    def wait_until_quiet(self) -> None:
        deadline = time.monotonic() + 60
        while any(r["state"] == "running" for r in self.application.sandbox.rotations()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def read(self, secret: str, stage: str = "AWSCURRENT") -> dict:
        return json.loads(self.application.secrets_manager.get_secret_value(
            SecretId=secret, VersionStage=stage)["SecretString"])

    def rotate(self) -> dict:
        token = self.application.secrets_manager.rotate_secret(SecretId=SECRET)["VersionId"]
        self.wait_until_quiet()
        return self.application.sandbox.rotation(token)

    def logs_in_everywhere(self, stage: str) -> None:
        value = self.read(SECRET, stage)
        for place in (self.application.database, self.application.proxy):
            place.connect(value["username"], value["password"]).close()

    def test_both_shapes_both_ways_and_a_client_that_never_stops(self) -> None:
        for shape in SHAPES:
            for with_admin in (False, True):
                with self.subTest(shape=shape, with_admin=with_admin):
                    self.rotate_while_a_client_logs_in(shape, with_admin)

    def rotate_while_a_client_logs_in(self, shape: str, with_admin: bool) -> None:
        self.install(shape=shape, with_admin=with_admin)
        stop, failures, logins = threading.Event(), [], []

        def client() -> None:
            while not stop.is_set():
                value = self.read(SECRET)
                try:
                    self.application.proxy.connect(value["username"], value["password"]).close()
                    logins.append(value["username"])
                except DatabaseError as error:
                    failures.append((value["username"], str(error)))

        thread = threading.Thread(target=client)
        thread.start()
        try:
            for active in ("app-clone", "app", "app-clone"):
                rotation = self.rotate()
                self.assertEqual(rotation["state"], "succeeded", rotation)
                self.assertEqual(self.read(SECRET)["username"], active)
                for stage in ("AWSCURRENT", "AWSPREVIOUS"):
                    self.logs_in_everywhere(stage)
                for user in ("app", "app-clone"):
                    self.assertEqual(self.read(proxy_secret(user))["username"], user,
                                     "a user name must never change inside a proxy secret")
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(set(logins), {"app", "app-clone"})

    def test_costs_the_promised_calls(self) -> None:
        self.install()
        self.application.sandbox.clear_journal()
        self.assertEqual(self.rotate()["state"], "succeeded")
        made = [call["action"] for call in self.application.sandbox.journal()
                if call["service"] == "secretsmanager" and call["access_key"].startswith("AKIA")
                and call["action"] != "RotateSecret"]
        self.assertEqual(len(made), 14, made)

    def test_proxy_that_never_learns_stops_the_rotation_before_the_application_sees_it(self) -> None:
        application = self.install()
        self.variables["TANDEM_PROXY_WAIT"] = "1"
        done = command(support.BUILD, self.variables, "check", SECRET, "--json")
        self.assertEqual(done.returncode, 0, done.stdout)
        # A proxy secret that is not the one the proxy reads: nobody will ever pick this up.
        value = self.read(SECRET)
        other = application.secrets_manager.create_secret(
            Name="not-registered", SecretString=json.dumps(self.read(proxy_secret("app-clone"))))
        value["proxy_secret_ids"] = [proxy_secret("app"), other["ARN"]]
        application.secrets_manager.put_secret_value(SecretId=SECRET,
                                                     SecretString=json.dumps(value))
        # By hand, as a person would do it: Secrets Manager must not be rotating it too.
        application.secrets_manager.cancel_rotate_secret(SecretId=SECRET)
        token = "f" * 32
        for step, status in (("createSecret", 0), ("setSecret", 0), ("testSecret", 1)):
            done = command(support.BUILD, self.variables, "step", step, SECRET, token)
            self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn("did not accept the new password of 'app-clone'", done.stderr)
        self.assertEqual(self.read(SECRET)["username"], "app")
        self.logs_in_everywhere("AWSCURRENT")

    def test_status_shows_a_stale_proxy_secret(self) -> None:
        application = self.install(with_admin=True)
        application.secrets_manager.put_secret_value(
            SecretId=proxy_secret("app"),
            SecretString=json.dumps({"username": "app", "password": "forgotten"}))
        done = command(support.BUILD, self.variables, "status", SECRET, "--json")
        self.assertEqual(done.returncode, 1)
        found = {(f["kind"], f["name"]): f["state"] for f in json.loads(done.stdout)["findings"]}
        self.assertEqual(found["copy", proxy_secret("app")], "stale")
        self.assertEqual(found["copy", proxy_secret("app-clone")], "in sync")


if __name__ == "__main__":
    support.main()
