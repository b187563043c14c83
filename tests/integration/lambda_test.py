"""The Lambda loop: odd events, ticks, a function that is killed, a runtime that cannot start."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import uuid

import support
from stack.sandbox import FUNCTION_ARN
from stack.tandem import Lambda, clean_environment, program


class Loop(support.World):
    # A proxy for the internet is not for the Runtime API; nor, here, for anything on loopback.
    lambda_variables = {"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}

    def invoke(self, event: object) -> dict:
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        return self.sandbox.invoke(payload)

    def test_odd_events_are_typed_errors_and_the_loop_goes_on(self) -> None:
        step = {"Step": "setSecret", "SecretId": "s", "ClientRequestToken": str(uuid.uuid4())}
        for event, part in ((b"", "not JSON"), (b"nonsense", "not JSON"), ([1], "not a JSON object"),
                            ({**step, "Step": "set_secret"}, "Step"),
                            ({k: v for k, v in step.items() if k != "SecretId"}, "SecretId"),
                            ({**step, "ClientRequestToken": "short"}, "ClientRequestToken")):
            answer = self.invoke(event)
            self.assertEqual(answer["outcome"], "error")
            self.assertEqual(answer["error_type"], "Function.InvalidEvent")
            body = json.loads(answer["body"])
            self.assertEqual(body["errorType"], "Function.InvalidEvent")
            self.assertEqual(body["stackTrace"], [])
            self.assertIn(part, body["errorMessage"])
        self.assertTrue(self.sandbox.function()["waiting"])

    def test_failed_step_has_its_own_error_type(self) -> None:
        for step, kind in (("createSecret", "CreateSecret"), ("setSecret", "SetSecret"),
                           ("testSecret", "TestSecret"), ("finishSecret", "FinishSecret")):
            answer = self.invoke({"Step": step, "SecretId": "no/such",
                                  "ClientRequestToken": str(uuid.uuid4())})
            self.assertEqual(answer["error_type"], f"Function.{kind}Failed", answer)
            self.assertIn("no/such", json.loads(answer["body"])["errorMessage"])

    def test_failed_step_is_logged_with_its_user(self) -> None:
        pair = self.pair()
        pair.create_secret()
        with self.database.admin() as admin:
            admin.query(f'ALTER ROLE "{pair.clone}" NOLOGIN')
        self.sandbox.set(rotation_attempts=1)
        self.assertEqual(self.rotate(pair)["state"], "failed")
        line = next(entry for entry in map(json.loads, self.function.log.read_text().splitlines())
                    if entry["level"] == "ERROR" and entry.get("user") == pair.clone)
        self.assertEqual((line["step"], line["errorClass"], line["outcome"]),
                         ("setSecret", "DENIED", "failed"))

    def test_check_and_status_can_be_asked_from_inside(self) -> None:
        pair = self.pair()
        pair.create_secret()
        for command in ("check", "status"):
            answer = self.invoke({"Command": command, "SecretId": pair.secret})
            self.assertEqual(answer["outcome"], "response", answer)
            self.assertNotEqual(json.loads(answer["body"])["result"], "bad", answer["body"])
        findings = json.loads(self.invoke({"Command": "check", "SecretId": pair.secret})["body"])
        self.assertIn("timeout", [f["name"] for f in findings["findings"]])

    def test_log_lines_are_json_with_what_a_reader_needs(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        lines = [json.loads(line) for line in self.function.log.read_text().splitlines()
                 if line.startswith("{")]
        mine = [line for line in lines if line.get("user") == pair.clone]
        self.assertEqual([line["step"] for line in mine],
                         ["createSecret", "setSecret", "testSecret", "finishSecret"])
        for line in mine:
            self.assertEqual(line["level"], "INFO")
            for key in ("timestamp", "message", "requestId", "secret", "durationMs", "outcome"):
                self.assertIn(key, line)

    def test_log_follows_lambdas_own_settings(self) -> None:
        for variables, expected in (({"AWS_LAMBDA_LOG_FORMAT": "Text"}, " ERROR "),
                                    ({"AWS_LAMBDA_LOG_FORMAT": "json"}, '"level":"ERROR"'),
                                    ({"AWS_LAMBDA_LOG_LEVEL": "fatal"}, '"level":"ERROR"')):
            folder = self.enterContext(support.Folder())
            with Lambda(folder, support.BUILD, self.sandbox,
                        {**self.environment, **variables}) as function:
                # Two functions are polling; whichever is asked, both are asked before long.
                for _ in range(20):
                    self.invoke(b"nonsense")
                    if expected in function.log.read_text():
                        break
            self.assertIn(expected, function.log.read_text())
            if "AWS_LAMBDA_LOG_LEVEL" in variables:
                pair = self.pair()
                pair.create_secret()
                self.assertNotIn('"INFO"', function.log.read_text())

    def test_tick_without_secrets_says_what_to_set(self) -> None:
        answer = self.invoke({"detail-type": "Scheduled Event", "source": "aws.events"})
        self.assertEqual(answer["error_type"], "Function.RotateSecretFailed")
        self.assertIn("AWS_SECRET_ID", json.loads(answer["body"])["errorMessage"])

    def test_configuration_that_does_not_parse_is_an_init_error(self) -> None:
        before = len(self.sandbox.function()["init_errors"])
        done = subprocess.run(
            [program(support.BUILD)], capture_output=True, text=True, timeout=20, check=False,
            env=clean_environment({**self.environment, "PASSWORD_LENGTH": "many",
                                   "AWS_LAMBDA_RUNTIME_API": self.sandbox.address}))
        self.assertEqual(done.returncode, 1)
        errors = self.sandbox.function()["init_errors"]
        self.assertEqual(len(errors), before + 1)
        self.assertIn("PASSWORD_LENGTH", json.dumps(errors[-1]))


class Tick(support.World):
    with_lambda = False

    def test_tick_rotates_every_secret_named(self) -> None:
        pairs = [self.pair(), self.pair()]
        for pair in pairs:
            pair.create_secret(rotation=False)
        names = " , ".join([*(pair.secret for pair in pairs), "no/such"])
        with Lambda(self.folder, support.BUILD, self.sandbox,
                    {**self.environment, "AWS_SECRET_ID": names}):
            for pair in pairs:
                self.manager.rotate_secret(
                    SecretId=pair.secret, RotationLambdaARN=FUNCTION_ARN, RotateImmediately=False,
                    RotationRules={"AutomaticallyAfterDays": 30})
            self.wait_until_quiet()
            answer = self.sandbox.invoke(json.dumps({"detail-type": "Scheduled Event"}).encode())
            self.assertEqual(answer["outcome"], "error", "one of the three does not exist")
            self.assertIn("no/such", answer["body"])
            self.wait_until_quiet()
        for pair in pairs:
            self.assert_rotated(pair, pair.clone)


class Killed(support.World):
    """kill -9 while a call is under way: the sandbox holds the answer back until we have struck."""

    with_lambda = False

    def strike(self, pair: support.Pair, fault: dict) -> None:
        """Starts a rotation, kills the function inside the faulty call, lets a new one finish."""
        self.sandbox.set_faults({"kind": "delay", "delay_ms": 1500, "times": 1, **fault})
        with Lambda(self.folder, support.BUILD, self.sandbox, self.environment) as function:
            token = self.manager.rotate_secret(SecretId=pair.secret)["VersionId"]
            deadline = time.monotonic() + 15
            while not any(f.get("hits") for f in self.sandbox.faults()):
                self.assertLess(time.monotonic(), deadline, f"no call was hit: {fault}")
                self.assertEqual(self.sandbox.rotation(token)["state"], "running", fault)
                time.sleep(0.005)
            function.process.signal(signal.SIGKILL)
        self.assertTrue(pair.logs_in(), "AWSCURRENT must log in after the kill")
        self.sandbox.set_faults()
        with Lambda(self.folder, support.BUILD, self.sandbox, self.environment):
            self.assertEqual(self.wait_for_rotation(token)["state"], "succeeded")

    def test_killed_in_any_call_and_retried_ends_in_a_finished_rotation(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False, masterarn=self.admin_secret(pair.base))
        with Lambda(self.folder, support.BUILD, self.sandbox, self.environment):
            self.manager.rotate_secret(SecretId=pair.secret, RotationLambdaARN=FUNCTION_ARN,
                                       RotateImmediately=False,
                                       RotationRules={"AutomaticallyAfterDays": 30})
            self.wait_until_quiet()
        active = pair.base
        calls = [("DescribeSecret", 0), ("GetSecretValue", 0), ("GetSecretValue", 1),
                 ("PutSecretValue", 0), ("GetSecretValue", 2), ("BatchGetSecretValue", 0),
                 ("GetSecretValue", 3), ("GetSecretValue", 4), ("DescribeSecret", 1),
                 ("DescribeSecret", 2), ("UpdateSecretVersionStage", 0)]
        for action, skip in calls:
            with self.subTest(action=action, skip=skip):
                active = pair.clone if active == pair.base else pair.base
                self.strike(pair, {"action": action, "skip": skip})
                self.assert_rotated(pair, active)

    def test_killed_at_any_moment_of_a_rotation_it_is_finished_by_the_next(self) -> None:
        """One kill each millisecond, further into the rotation each time, until a run is not hit."""
        pair = self.pair()
        pair.create_secret(rotation=False)
        variables = clean_environment({**self.environment})
        arguments = [program(support.BUILD), "rotate", pair.secret]
        kills, delay, active = 0, 0.0, pair.base
        while True:
            active = pair.clone if active == pair.base else pair.base
            before = pair.read()
            process = subprocess.Popen(arguments, env=variables, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.kill()
            errors = process.communicate()[1]
            self.assertIn(process.returncode, (0, -signal.SIGKILL), errors)
            self.assertTrue(pair.logs_in(), "AWSCURRENT must log in after the kill")
            if pair.read() == before:
                done = self.tandem("rotate", pair.secret)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_rotated(pair, active)
            if process.returncode == 0:
                break
            kills += 1
            delay += 0.001
        self.assertGreater(kills, 20, "so few kills prove nothing")


if __name__ == "__main__":
    support.main()
