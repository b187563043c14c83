"""Faults, settings and the journal: what tests of the product lean on."""

import http.client
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from botocore.exceptions import ConnectionClosedError, ResponseStreamingError

from .harness import ACCOUNT, SandboxTest, token

DENIED = ("User: arn:aws:iam::{0}:user/sandbox is not authorized to perform: secretsmanager:{1}{2} "
          "because no identity-based policy allows the secretsmanager:{1} action")


class Faults(SandboxTest):
    def setUp(self):
        super().setUp()
        self.arn = self.make()["ARN"]

    def get(self):
        return self.sm.get_secret_value(SecretId="app")["SecretString"]

    def test_error_has_type_status_and_text(self):
        self.sandbox.faults({"action": "GetSecretValue", "kind": "error", "status": 503,
                             "type": "InternalServiceError", "message": "try later"})
        with self.assertRaises(self.sm.exceptions.InternalServiceError) as caught:
            self.get()
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 503)
        self.assertEqual(caught.exception.response["Error"]["Message"], "try later")
        self.assertEqual(self.get(), "one")

    def test_error_defaults_to_a_500(self):
        self.sandbox.faults({"action": "GetSecretValue", "kind": "error"})
        with self.assertRaises(self.sm.exceptions.InternalServiceError) as caught:
            self.get()
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)

    def test_throttle(self):
        self.sandbox.faults({"action": "*", "kind": "throttle"})
        self.refused("ThrottlingException", "Rate exceeded", self.get)

    def test_skip_and_times_are_counted(self):
        self.sandbox.faults({"action": "GetSecretValue", "kind": "throttle", "skip": 1, "times": 2})
        outcomes = []
        for _ in range(5):
            try:
                outcomes.append(self.get())
            except self.sm.exceptions.ClientError:
                outcomes.append("throttled")
        self.assertEqual(outcomes, ["one", "throttled", "throttled", "one", "one"])
        self.assertEqual(self.sandbox.control("GET", "faults")[0]["hits"], 2)

    def test_fault_strikes_only_its_action_and_secret(self):
        self.make("other")
        self.sandbox.faults({"action": "GetSecretValue", "secret": "other", "kind": "throttle"})
        self.assertEqual(self.get(), "one")
        self.sm.describe_secret(SecretId="other")
        with self.assertRaises(self.sm.exceptions.ClientError):
            self.sm.get_secret_value(SecretId="other")

    def test_probability_zero_never_strikes(self):
        self.sandbox.faults({"kind": "throttle", "times": -1, "probability": 0})
        self.assertEqual([self.get() for _ in range(20)], ["one"] * 20)

    def test_delay_is_done_late(self):
        self.sandbox.faults({"action": "GetSecretValue", "kind": "delay", "delay_ms": 150})
        start = time.monotonic()
        self.assertEqual(self.get(), "one")
        self.assertGreaterEqual(time.monotonic() - start, 0.15)

    def test_drop_before_does_nothing(self):
        self.sandbox.faults({"action": "PutSecretValue", "kind": "drop-before"})
        with self.assertRaises(ConnectionClosedError):
            self.put("two")
        self.assertEqual(self.get(), "one")

    def test_drop_after_has_done_it(self):
        self.sandbox.faults({"action": "PutSecretValue", "kind": "drop-after"})
        version = token()
        with self.assertRaises(ConnectionClosedError):
            self.put("two", version=version)
        self.assertEqual(self.get(), "two")
        self.assertEqual(self.put("two", version=version)["VersionId"], version)

    def test_cut_has_done_it_and_answers_in_part(self):
        self.sandbox.faults({"action": "PutSecretValue", "kind": "cut", "bytes": 7})
        request = self.sandbox.signed("PutSecretValue", {
            "SecretId": "app", "SecretString": "two", "ClientRequestToken": token()})
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.sandbox.raw(request)
        self.assertEqual(caught.exception.partial, b'{"ARN":')
        self.assertEqual(self.get(), "two")
        self.sandbox.faults({"action": "GetSecretValue", "kind": "cut"})
        # An older botocore takes what is left, nothing, for an answer without members.
        with self.assertRaises((ConnectionClosedError, ResponseStreamingError, KeyError)):
            self.get()

    def test_fault_strikes_sts_in_its_own_shape(self):
        self.sandbox.faults({"action": "GetCallerIdentity", "kind": "throttle"})
        sts = self.sandbox.client("sts")
        with self.assertRaises(sts.exceptions.ClientError) as caught:
            sts.get_caller_identity()
        self.assertEqual(caught.exception.response["Error"]["Code"], "Throttling")

    def test_misspelt_fault_is_refused_and_the_list_stays(self):
        self.sandbox.faults({"kind": "throttle"})
        for wrong in ('[{"kind":"trottle"}]', '[{"kind":"error","time":1}]', '{}', 'x',
                      '[{"kind":"delay","delay_ms":-1}]', '[{"kind":"error","action":1}]'):
            self.assertEqual(self.sandbox.request("PUT", "/sandbox/faults", wrong)[0], 400)
        self.assertEqual(len(self.sandbox.control("GET", "faults")), 1)
        self.assertEqual(self.sandbox.control("DELETE", "faults"), [])


class Settings(SandboxTest):
    def test_read_misses_hide_a_fresh_pending_value(self):
        self.make()
        version = self.put("two", "AWSPENDING")["VersionId"]
        self.sandbox.set(read_misses=2)
        self.sm.get_secret_value(SecretId="app")
        for _ in range(2):
            self.refused("ResourceNotFoundException",
                         "Secrets Manager can't find the specified secret value for staging label: "
                         "AWSPENDING", self.sm.get_secret_value, SecretId="app",
                         VersionId=version, VersionStage="AWSPENDING")
        self.assertEqual(self.sm.get_secret_value(
            SecretId="app", VersionId=version, VersionStage="AWSPENDING")["SecretString"], "two")

    def test_denied_action_names_itself(self):
        arn = self.make()["ARN"]
        self.sandbox.set(deny=["secretsmanager:BatchGetSecretValue",
                               "secretsmanager:GetSecretValue"])
        self.refused("AccessDeniedException", DENIED.format(ACCOUNT, "BatchGetSecretValue", ""),
                     self.sm.batch_get_secret_value, SecretIdList=["app"])
        self.refused("AccessDeniedException",
                     DENIED.format(ACCOUNT, "GetSecretValue", f" on resource: {arn}"),
                     self.sm.get_secret_value, SecretId="app")
        self.sandbox.set(deny=["secretsmanager:GetSecretValue"])
        errors = self.sm.batch_get_secret_value(SecretIdList=["app"])["Errors"]
        self.assertEqual(errors[0]["ErrorCode"], "AccessDeniedException")
        self.sandbox.set(deny=[])
        self.sm.get_secret_value(SecretId="app")

    def test_wrong_setting_is_refused_whole(self):
        before = self.sandbox.control("GET", "settings")
        for wrong in ('{"read_misses":1,"unknown":1}', '{"read_misses":-1}', '{"deny":["x"]}',
                      '{"require_rotation_token":1}', '{"rotation_attempts":0}', '[]', 'x'):
            self.assertEqual(self.sandbox.request("PUT", "/sandbox/settings", wrong)[0], 400)
        self.assertEqual(self.sandbox.control("GET", "settings"), before)

    def test_clock_offset_shows_in_the_date_header(self):
        self.sandbox.set(clock_offset_s=86400 * 400)
        _, _, headers = self.sandbox.request("GET", "/sandbox/settings")
        self.assertIn(str(time.gmtime(time.time() + 86400 * 400).tm_year), headers["Date"])


class Journal(SandboxTest):
    def test_entry_says_what_happened_and_no_value(self):
        version = self.make(value="do-not-show")["VersionId"]
        self.sandbox.faults({"action": "DescribeSecret", "kind": "throttle"})
        with self.assertRaises(self.sm.exceptions.ClientError):
            self.sm.describe_secret(SecretId="app")
        entries = self.sandbox.control("GET", "journal")
        made, described = entries
        self.assertEqual({k: made[k] for k in made if k != "at_ms"}, {
            "n": 1, "service": "secretsmanager", "action": "CreateSecret", "secret": "app",
            "token": version, "access_key": "AKIASANDBOXEXAMPLE", "rotation_token": False,
            "status": 200, "error": None, "fault": None})
        self.assertEqual((described["fault"], described["status"], described["error"]),
                         ("throttle", 400, "ThrottlingException"))
        self.assertNotIn("do-not-show", str(entries))

    def test_arn_is_noted_as_name_and_delete_clears(self):
        self.sm.describe_secret(SecretId=self.make()["ARN"])
        self.assertEqual(self.sandbox.control("GET", "journal")[-1]["secret"], "app")
        self.assertEqual(self.sandbox.control("DELETE", "journal"), [])
        self.sm.describe_secret(SecretId="app")
        self.assertEqual(self.sandbox.control("GET", "journal")[0]["n"], 3)


class Process(unittest.TestCase):
    def run_once(self, *arguments):
        return subprocess.run([os.environ["TANDEM_SANDBOX"], *arguments], capture_output=True,
                              text=True, timeout=10)

    def test_wrong_usage_exits_2(self):
        for wrong in (["--port", "x"], ["--port", "65536"], ["--nonsense"], ["extra"],
                      ["--tls-cert", "a"], ["--account", "1"]):
            done = self.run_once(*wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)

    def test_port_file_is_written_and_signals_end_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "port")
                process = subprocess.Popen([os.environ["TANDEM_SANDBOX"], "--port-file", str(path)],
                                           stdout=subprocess.PIPE, text=True)
                line = process.stdout.readline()
                self.assertEqual(line, f"listening on http://127.0.0.1:{path.read_text().strip()}\n")
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=5), 0)
                process.stdout.close()

    def test_tls_is_served(self):
        from .harness import Sandbox
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                            certificate, "-days", "1", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
            sandbox = Sandbox("--tls-cert", certificate, "--tls-key", key)
            try:
                client = sandbox.client("secretsmanager", verify=certificate)
                self.assertEqual(client.list_secrets()["SecretList"], [])
            finally:
                self.assertEqual(sandbox.stop(), 0)
