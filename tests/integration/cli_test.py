"""The command line against a real PostgreSQL and the sandbox."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import uuid

import support
from stack.sandbox import FUNCTION_ARN
from stack.tandem import clean_environment, program


class CommandLine(support.World):
    with_lambda = False

    def findings(self, command: str, secret: str, status: int, **variables: str) -> list[dict]:
        done = self.tandem(command, secret, "--json", **variables)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)["findings"]

    def test_rotate_without_a_function_runs_the_steps_here(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            self.assertIn(step, done.stdout)
        self.assert_rotated(pair, pair.clone)
        done = self.tandem("rotate", pair.secret, "--json")
        result = json.loads(done.stdout)
        self.assertEqual(result["result"], "rotated")
        self.assertEqual([step["step"] for step in result["steps"]],
                         ["createSecret", "setSecret", "testSecret", "finishSecret"])
        self.assert_rotated(pair, pair.base)

    def test_interrupted_rotation_is_finished_not_begun_anew(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        # The first label to move is AWSPENDING, the second AWSCURRENT.
        self.sandbox.set_faults({"action": "UpdateSecretVersionStage", "kind": "error", "skip": 1,
                                 "type": "AccessDeniedException", "status": 400})
        failed = self.tandem("rotate", pair.secret)
        self.sandbox.set_faults()
        self.assertEqual(failed.returncode, 1)
        self.assertIn("secretsmanager:UpdateSecretVersionStage", failed.stderr)
        pending = pair.read("AWSPENDING")
        self.assertTrue(pair.logs_in())
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(pair.read()["password"], pending["password"])
        self.assert_rotated(pair, pair.clone)
        done = self.tandem("rotate", "no/such", "--json")
        self.assertEqual(done.returncode, 1)
        failure = json.loads(done.stdout)
        self.assertEqual((failure["result"], failure["errorClass"]), ("failed", "NOT_FOUND"))
        self.assertIn("eu-west-1", failure["message"])

    def test_two_at_once_end_in_one_rotation(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False, masterarn=self.admin_secret(pair.base))
        self.sandbox.set_faults({"action": "UpdateSecretVersionStage", "kind": "delay", "skip": 1,
                                 "delay_ms": 2000, "times": 1})
        first = subprocess.Popen([program(support.BUILD), "rotate", pair.secret],
                                 env=clean_environment(self.environment),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 15
        while not any(fault["hits"] for fault in self.sandbox.faults()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        other = self.tandem("step", "createSecret", pair.secret, str(uuid.uuid4()))
        self.assertEqual(other.returncode, 1)
        self.assertIn("another rotation", other.stderr)
        second = self.tandem("rotate", pair.secret)
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(first.wait(20), 0, first.communicate()[1])
        first.stderr.close()
        self.assert_rotated(pair, pair.clone)

    def test_steps_by_hand(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        token = str(uuid.uuid4())
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            done = self.tandem("step", step, pair.secret, token)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(step, done.stdout)
        self.assert_rotated(pair, pair.clone)
        done = self.tandem("step", "setSecret", pair.secret, token, "--json")
        self.assertEqual(json.loads(done.stdout)["outcome"], "already finished")

    def test_status_and_check_of_a_sound_secret(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        for command in ("status", "check"):
            findings = self.findings(command, pair.secret, 0)
            logins = {(f["user"], f["state"]) for f in findings if f["kind"] == "login"}
            self.assertEqual(logins, {(pair.base, "works"), (pair.clone, "works")})
        self.assertIn("complete", [f["state"] for f in findings if f["kind"] == "grants"])
        self.assertIn("may write", [f["state"] for f in findings if f["kind"] == "permission"])
        self.assertEqual(pair.read()["password"], pair.passwords[pair.base])
        done = self.tandem("status", pair.secret)
        self.assertIn(pair.clone, done.stdout)
        self.assertNotIn("\033", done.stdout)

    def test_check_names_a_missing_permission(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        for action in ("PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue",
                       "DescribeSecret"):
            self.sandbox.set(deny=[f"secretsmanager:{action}"])
            try:
                findings = self.findings("check", pair.secret, 1)
            finally:
                self.sandbox.set(deny=[])
            bad = [f["detail"] for f in findings if f["severity"] == "bad"]
            self.assertTrue(any(f"secretsmanager:{action}" in text for text in bad), (action, bad))

    def test_batch_that_is_denied_is_replaced_by_single_reads(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False, masterarn=self.admin_secret(pair.base))
        self.sandbox.set(deny=["secretsmanager:BatchGetSecretValue"])
        try:
            done = self.tandem("rotate", pair.secret)
        finally:
            self.sandbox.set(deny=[])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_rotated(pair, pair.clone)

    def test_refused_login_keeps_the_databases_own_reason(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        with self.database.admin() as admin:
            admin.query(f'ALTER ROLE "{pair.clone}" NOLOGIN')
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOLOGIN", done.stderr)

    def test_edits_by_hand_do_not_lose_the_other_password(self) -> None:
        for texts in (("oops",), (), ("oops", "oops again")):
            pair = self.pair()
            pair.create_secret(rotation=False)
            for text in (*texts, pair.value(pair.base, note=1)):
                self.manager.put_secret_value(SecretId=pair.secret, SecretString=text)
            done = self.tandem("rotate", pair.secret)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("found in an older version", done.stdout)
            self.assert_rotated(pair, pair.clone)

    def test_rotation_given_up_after_set_secret_does_not_lose_its_password(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        token = str(uuid.uuid4())
        for step in ("createSecret", "setSecret"):
            self.assertEqual(self.tandem("step", step, pair.secret, token).returncode, 0)
        self.manager.update_secret_version_stage(
            SecretId=pair.secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_rotated(pair, pair.clone)

    def test_lost_password_without_the_permission_to_list_versions_is_told(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        self.manager.put_secret_value(SecretId=pair.secret, SecretString=pair.value(pair.base, n=1))
        self.sandbox.set(deny=["secretsmanager:ListSecretVersionIds"])
        try:
            done = self.tandem("rotate", pair.secret)
        finally:
            self.sandbox.set(deny=[])
        self.assertEqual(done.returncode, 1)
        self.assertIn("its last one is not known", done.stderr)

    def test_check_of_a_pair_whose_second_password_nobody_knows_is_bad(self) -> None:
        pair = self.pair()
        pair.create_secret(previous=False, rotation=False)
        states = {f["user"]: f["state"] for f in self.findings("check", pair.secret, 1)
                  if f["kind"] == "login"}
        self.assertEqual(states, {pair.base: "works", pair.clone: "unknown"})

    def test_secret_without_an_arn_is_looked_for_where_the_application_secret_is(self) -> None:
        pair = self.pair()
        self.admin_secret(pair.base)
        arn = pair.create_secret(rotation=False, masterarn=f"{pair.base}/admin")
        done = self.tandem("rotate", arn, AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_rotated(pair, pair.clone)

    def test_status_tells_what_does_not_work(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False)
        with self.database.admin() as admin:
            admin.query(f'ALTER ROLE "{pair.base}" NOLOGIN')
        states = {f["user"]: f["state"] for f in self.findings("status", pair.secret, 1)
                  if f["kind"] == "login"}
        self.assertEqual(states, {pair.base: "refused", pair.clone: "works"})
        findings = self.findings("status", pair.secret, 1, TANDEM_DATABASE_CA="/etc/ssl/certs/"
                                                                              "ca-certificates.crt")
        self.assertIn("TANDEM_DATABASE_CA", " ".join(f.get("detail", "") for f in findings))
        missing = self.findings("status", "no/such/secret", 1)
        self.assertEqual(missing[0]["state"], "missing")

    def test_wrong_usage_and_configuration_exit_with_2(self) -> None:
        for arguments, variables, part in (
                ((), {}, "a command is expected"),
                (("rotat", "x"), {}, "is no command"),
                (("step", "set", "x", "t" * 32), {}, "is no step"),
                (("step", "setSecret", "x", "short"), {}, "32 to 64"),
                (("status", "x"), {"PASSWORD_LENGTH": "many"}, "PASSWORD_LENGTH"),
                (("status", "x"), {"EXCLUDE_NUMBERS": "perhaps"}, "write true or false"),
                (("check", "x"), {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "AWS_REGION"),
                (("rotate", "x"), {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "ftp://x"}, "must begin with")):
            done = self.tandem(*arguments, **variables)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(part, done.stderr)

    def test_a_silent_proxy_does_not_use_up_the_time_of_others(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            pair = self.pair()
            ids = [self.manager.create_secret(Name=f"proxy-{user}", SecretString=json.dumps(
                {"username": user, "password": password}))["ARN"]
                for user, password in pair.passwords.items()]
            pair.create_secret(rotation=False, proxy_secret_ids=ids, proxy_endpoints=[
                f"127.0.0.1:{silent.getsockname()[1]}", f"127.0.0.1:{self.database.port}"])
            begun = time.monotonic()
            findings = self.findings("status", pair.secret, 1,
                                     TANDEM_PROXY_CA=str(self.database.authority.ca))
            self.assertLess(time.monotonic() - begun, 20)
            states = {(f["kind"], f["name"]): f["state"] for f in findings
                      if f.get("user") == pair.base}
            self.assertEqual(states["proxy login", f"127.0.0.1:{silent.getsockname()[1]}"],
                             "unreachable")
            self.assertEqual(states["proxy login", f"127.0.0.1:{self.database.port}"], "works")
            token = str(uuid.uuid4())
            for step in ("createSecret", "setSecret"):
                done = self.tandem("step", step, pair.secret, token)
                self.assertEqual(done.returncode, 0, done.stderr)
            begun = time.monotonic()
            done = self.tandem("step", "testSecret", pair.secret, token, TANDEM_PROXY_WAIT="2")
            self.assertEqual(done.returncode, 1)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertIn("did not accept the new password", done.stderr)
            self.assertEqual(pair.read()["username"], pair.base)

    def test_colour_is_for_a_terminal_that_wants_it(self) -> None:
        for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
            terminal, end = os.openpty()
            try:
                subprocess.run([program(support.BUILD), "status", "no/such"], stdout=end,
                               env=clean_environment({**self.environment, **variables}),
                               timeout=20, check=False)
                shown = os.read(terminal, 4096).decode()
            finally:
                os.close(end)
                os.close(terminal)
            self.assertIn("no/such", shown)
            self.assertEqual("\033" in shown, coloured, shown)

    def test_help_and_version(self) -> None:
        self.assertIn("tandem rotate", self.tandem("--help").stdout)
        self.assertRegex(self.tandem("--version").stdout, r"^tandem \d+\.\d+\.\d+\n$")

    def test_dead_service_is_told_in_time(self) -> None:
        done = self.tandem("status", "x", TANDEM_TIMEOUT="5",
                           AWS_ENDPOINT_URL_SECRETS_MANAGER="http://127.0.0.1:9", timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1", done.stdout)


class WithFunction(support.World):
    def test_rotate_asks_secrets_manager_and_waits(self) -> None:
        pair = self.pair()
        pair.create_secret()
        done = self.tandem("rotate", pair.secret, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["result"], "rotated")
        self.assert_rotated(pair, pair.clone)
        done = self.tandem("rotate", pair.secret, "--no-wait", "--json")
        self.assertEqual(json.loads(done.stdout)["result"], "started")
        self.wait_until_quiet()
        self.assert_rotated(pair, pair.base)

    def test_cancelled_rotation_is_run_here_although_its_function_is_still_named(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.manager.cancel_rotate_secret(SecretId=pair.secret)
        described = self.manager.describe_secret(SecretId=pair.secret)
        self.assertEqual(described["RotationLambdaARN"], FUNCTION_ARN)
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("finishSecret", done.stdout)
        self.assert_rotated(pair, pair.clone)

    def test_function_that_never_answers_is_not_waited_for_without_end(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.function.process.signal(signal.SIGSTOP)
        try:
            done = self.tandem("rotate", pair.secret, "--json", TANDEM_TIMEOUT="5", timeout=20)
        finally:
            self.function.process.signal(signal.SIGCONT)
        self.assertEqual(done.returncode, 1)
        failure = json.loads(done.stdout)
        self.assertEqual((failure["result"], failure["errorClass"]), ("failed", "UNAVAILABLE"))
        self.assertIn("has not finished within 5 s (TANDEM_TIMEOUT)", failure["message"])
        self.wait_until_quiet()
        self.assert_rotated(pair, pair.clone)

    def test_aws_command_line_drives_it(self) -> None:
        pair = self.pair()
        pair.create_secret()
        done = subprocess.run(
            ["aws", "--endpoint-url", self.sandbox.url, "secretsmanager", "rotate-secret",
             "--secret-id", pair.secret], env={**os.environ, **self.sandbox.environment()},
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rotation = self.wait_for_rotation(json.loads(done.stdout)["VersionId"])
        self.assertEqual(rotation["state"], "succeeded", rotation)
        self.assert_rotated(pair, pair.clone)


if __name__ == "__main__":
    support.main()
