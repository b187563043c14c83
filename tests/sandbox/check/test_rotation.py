"""RotateSecret, with a rotation function in Python behind the Runtime API."""

import threading
import time

from .harness import FUNCTION, FunctionError, Rotator, Runtime, SandboxTest, token

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."


class RotationTest(SandboxTest):
    arguments = ("--retry-delay-ms", "20", "--lambda-timeout-ms", "2000")

    def setUp(self):
        super().setUp()
        self.first = self.make()["VersionId"]
        self.function = Rotator(self.sandbox)

    def run_function(self, handle=None):
        runtime = Runtime(self.sandbox, handle or self.function)
        self.addCleanup(runtime.stop)
        return runtime

    def strip(self, version):
        self.sm.update_secret_version_stage(SecretId="app", VersionStage="AWSPENDING",
                                            RemoveFromVersionId=version)


class Success(RotationTest):
    def test_four_steps_in_order_then_both_labels(self):
        runtime = self.run_function()
        version = self.rotate(RotationRules={"AutomaticallyAfterDays": 30})
        done = self.wait_rotation(version, "succeeded")
        self.assertEqual((done["attempts"], done["step"], done["error"]), (1, "finishSecret", None))
        self.assertEqual(self.function.steps, STEPS)
        self.assertEqual(self.labels(), {self.first: ["AWSPREVIOUS"],
                                         version: ["AWSCURRENT", "AWSPENDING"]})
        self.assertEqual(self.sm.get_secret_value(SecretId="app")["SecretString"],
                         f"made for {version}")
        shown = self.sm.describe_secret(SecretId="app")
        self.assertEqual((shown["RotationEnabled"], shown["RotationLambdaARN"],
                          shown["RotationRules"]),
                         (True, FUNCTION, {"AutomaticallyAfterDays": 30}))
        self.assertEqual((shown["NextRotationDate"] - shown["LastRotatedDate"]).days, 30)
        self.assertEqual({e["SecretId"] for e in runtime.events}, {shown["ARN"]})
        self.assertEqual({e["ClientRequestToken"] for e in runtime.events}, {version})
        self.assertEqual(len({e["RotationToken"] for e in runtime.events}), 1)

    def test_invocation_has_lambdas_headers(self):
        runtime = self.run_function()
        self.wait_rotation(self.rotate(), "succeeded")
        headers = runtime.headers[0]
        self.assertRegex(headers["Lambda-Runtime-Aws-Request-Id"], r"^[0-9a-f-]{36}$")
        left = int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000
        self.assertTrue(0 < left <= 2000, left)
        self.assertEqual(headers["Lambda-Runtime-Invoked-Function-Arn"], FUNCTION)
        self.assertRegex(headers["Lambda-Runtime-Trace-Id"],
                         r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$")

    def test_rotate_answers_at_once_with_an_empty_pending_version(self):
        version = self.rotate()
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"], version: ["AWSPENDING"]})
        for ask in ({"VersionId": version, "VersionStage": "AWSPENDING"},
                    {"VersionStage": "AWSPENDING"}):
            self.refused("ResourceNotFoundException",
                         "Secrets Manager can't find the specified secret value for staging "
                         "label: AWSPENDING", self.sm.get_secret_value, SecretId="app", **ask)

    def test_second_rotation_follows_the_first(self):
        self.run_function()
        first = self.rotate()
        self.wait_rotation(first, "succeeded")
        second = self.sm.rotate_secret(SecretId="app")["VersionId"]  # remembers its function
        self.wait_rotation(second, "succeeded")
        self.assertEqual(self.labels(), {first: ["AWSPREVIOUS"],
                                         second: ["AWSCURRENT", "AWSPENDING"]})

    def test_same_token_again_is_the_same_rotation(self):
        self.run_function()
        version = self.rotate()
        self.assertEqual(self.rotate(version=version), version)
        self.wait_rotation(version, "succeeded")
        self.rotate(version=version)
        self.assertEqual(len(self.sandbox.control("GET", "rotations")), 1)

    def test_two_secrets_rotate_at_a_time_on_two_runtimes(self):
        together = threading.Barrier(2, timeout=3)

        def handle(event):
            if event["Step"] == "createSecret":
                together.wait()
            self.function(event)

        self.make("other")
        self.run_function(handle)
        self.run_function(handle)
        versions = [self.rotate("app"), self.rotate("other")]
        for version in versions:
            self.assertEqual(self.wait_rotation(version, "succeeded")["attempts"], 1)

    def test_one_runtime_gets_one_invocation_at_a_time(self):
        self.make("other")
        versions = [self.rotate("app"), self.rotate("other")]
        self.run_function()
        for version in versions:
            self.wait_rotation(version, "succeeded")
        self.assertEqual(sorted(self.function.steps), sorted(STEPS * 2))


class Trouble(RotationTest):
    def test_failed_step_starts_all_over_with_the_same_token(self):
        self.function.fail = {"testSecret": 1}
        self.run_function()
        version = self.rotate()
        self.assertEqual(self.wait_rotation(version, "succeeded")["attempts"], 2)
        self.assertEqual(self.function.steps, STEPS[:3] + STEPS)
        self.assertEqual(self.function.seen, [f"made for {version}"])

    def test_rotation_gives_up_and_leaves_pending(self):
        self.sandbox.set(rotation_attempts=3)
        self.function.fail = {"setSecret": 99}
        self.run_function()
        version = self.rotate()
        done = self.wait_rotation(version, "failed")
        self.assertEqual(done["attempts"], 3)
        self.assertEqual(done["error"], f"Error when executing lambda {FUNCTION} during setSecret "
                                        "step: Function.StepFailed: no luck with setSecret")
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"], version: ["AWSPENDING"]})
        self.assertNotIn("LastRotatedDate", self.sm.describe_secret(SecretId="app"))

    def test_rotate_while_unfinished_is_refused_and_reattempts(self):
        self.sandbox.set(rotation_attempts=1)
        self.function.fail = {"setSecret": 1}
        self.run_function()
        version = self.rotate()
        self.wait_rotation(version, "failed")
        self.refused("InvalidRequestException", UNFINISHED, self.rotate)
        self.wait_rotation(version, "succeeded")
        self.assertEqual(self.labels()[version], ["AWSCURRENT", "AWSPENDING"])

    def test_rotate_while_running_is_refused(self):
        version = self.rotate()
        self.refused("InvalidRequestException", UNFINISHED, self.rotate)
        self.assertEqual([r["token"] for r in self.sandbox.control("GET", "rotations")], [version])

    def test_rotate_between_promotion_and_the_end_is_refused(self):
        promoted, go_on = threading.Event(), threading.Event()

        def handle(event):
            self.function(event)
            if event["Step"] == "finishSecret":
                promoted.set()
                go_on.wait(3)

        self.run_function(handle)
        version = self.rotate()
        promoted.wait(3)
        self.refused("InvalidRequestException", UNFINISHED, self.rotate)
        go_on.set()
        self.wait_rotation(version, "succeeded")

    def test_stripping_pending_allows_the_next_rotation(self):
        self.sandbox.set(rotation_attempts=1)
        self.function.fail = {"createSecret": 1}
        self.run_function()
        version = self.rotate()
        self.wait_rotation(version, "failed")
        self.strip(version)
        self.wait_rotation(self.rotate(), "succeeded")

    def test_stripping_pending_ends_a_running_rotation(self):
        version = self.rotate()
        self.strip(version)
        self.function.fail = {"createSecret": 99}
        self.run_function()
        self.assertEqual(self.wait_rotation(version, "abandoned")["attempts"], 1)

    def test_value_put_by_hand_abandons(self):
        holding, go_on = threading.Event(), threading.Event()

        def handle(event):  # succeeds, so that nothing but the abandonment ends the rotation
            holding.set()
            go_on.wait(3)

        runtime = self.run_function(handle)
        version = self.rotate()
        holding.wait(3)
        other = self.put("by hand")["VersionId"]
        self.assertEqual(self.wait_rotation(version, "abandoned")["error"],
                         "The rotation was abandoned: another version was put")
        go_on.set()
        self.wait_for(lambda: self.sandbox.control("GET", "function")["waiting"])
        self.assertEqual([event["Step"] for event in runtime.events], ["createSecret"])
        self.assertEqual(self.labels()[other], ["AWSCURRENT"])

    def test_cancel_turns_rotation_off_and_leaves_pending(self):
        version = self.rotate()
        self.sm.cancel_rotate_secret(SecretId="app")
        self.assertEqual(self.wait_rotation(version, "abandoned")["error"],
                         "The rotation was abandoned: rotation was cancelled")
        self.assertFalse(self.sm.describe_secret(SecretId="app")["RotationEnabled"])
        self.assertEqual(self.labels()[version], ["AWSPENDING"])

    def test_finish_without_promotion_is_no_success(self):
        self.sandbox.set(rotation_attempts=1)
        self.run_function(lambda event: self.function(event)
                          if event["Step"] != "finishSecret" else None)
        self.assertIn("without moving AWSCURRENT",
                      self.wait_rotation(self.rotate(), "failed")["error"])

    def test_promotion_of_an_empty_version_is_refused(self):
        version = self.rotate()
        with self.assertRaises(self.sm.exceptions.InvalidRequestException):
            self.sm.update_secret_version_stage(
                SecretId="app", VersionStage="AWSCURRENT", MoveToVersionId=version,
                RemoveFromVersionId=self.first)

    def test_delete_ends_a_running_rotation(self):
        version = self.rotate()
        self.sm.delete_secret(SecretId="app", ForceDeleteWithoutRecovery=True)
        self.wait_rotation(version, "abandoned")
        self.run_function()
        self.wait_for(lambda: self.sandbox.control("GET", "function")["waiting"])
        self.assertEqual(self.function.steps, [])  # the waiting step was taken back


class Configuration(RotationTest):
    def test_rotate_without_function_is_refused(self):
        self.refused("InvalidRequestException",
                     "No Lambda rotation function ARN is associated with this secret.",
                     self.sm.rotate_secret, SecretId="app")

    def test_rotate_with_anothers_function_changes_nothing(self):
        before = self.sm.describe_secret(SecretId="app")
        self.refused("AccessDeniedException",
                     "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
                     "function policy grants access to the principal secretsmanager.amazonaws.com.",
                     self.sm.rotate_secret, SecretId="app",
                     RotationLambdaARN=FUNCTION.replace("123456789012", "999999999999"))
        after = self.sm.describe_secret(SecretId="app")
        del before["ResponseMetadata"], after["ResponseMetadata"]
        self.assertEqual(before, after)

    def test_two_schedules_are_refused(self):
        self.refused("InvalidParameterException",
                     "You cannot specify both rotation frequency and schedule expression together.",
                     self.rotate, RotationRules={"AutomaticallyAfterDays": 1,
                                                 "ScheduleExpression": "rate(4 hours)"})

    def test_not_immediately_tests_the_current_value_and_leaves_no_trace(self):
        self.run_function()
        version = self.rotate(RotateImmediately=False)
        self.wait_rotation(version, "succeeded")
        self.assertEqual((self.function.steps, self.function.seen), (["testSecret"], ["one"]))
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"]})
        self.assertTrue(self.sm.describe_secret(SecretId="app")["RotationEnabled"])
        self.wait_rotation(self.rotate(), "succeeded")

    def test_not_immediately_and_failing_leaves_no_trace_either(self):
        self.sandbox.set(rotation_attempts=2)
        self.function.fail = {"testSecret": 99}
        self.run_function()
        self.assertEqual(self.wait_rotation(self.rotate(RotateImmediately=False),
                                            "failed")["attempts"], 2)
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"]})

    def test_token_of_a_version_cannot_name_a_rotation(self):
        with self.assertRaises(self.sm.exceptions.ResourceExistsException):
            self.rotate(version=self.first)


class RotationTokens(RotationTest):
    def test_token_of_the_running_rotation_is_taken(self):
        self.sandbox.set(require_rotation_token=True)
        self.run_function()
        self.wait_rotation(self.rotate(), "succeeded")
        entry = next(e for e in self.sandbox.control("GET", "journal")
                     if e["action"] == "PutSecretValue")
        self.assertTrue(entry["rotation_token"])

    def test_put_without_token_is_refused_when_required(self):
        self.sandbox.set(require_rotation_token=True)
        self.put("before any rotation")
        version = self.rotate()
        with self.assertRaises(self.sm.exceptions.InvalidRequestException):
            self.put("x", "AWSPENDING", version=version)

    def test_token_of_another_secret_is_refused(self):
        tokens = {}

        def handle(event):
            tokens[event["SecretId"]] = event["RotationToken"]
            raise FunctionError("Function.Stop", "enough")

        other = self.make("other")["ARN"]
        self.run_function(handle)
        version = self.rotate()
        self.rotate("other")
        self.wait_for(lambda: len(tokens) == 2)
        for wrong in (tokens[other], token()):
            with self.assertRaises(self.sm.exceptions.InvalidParameterException):
                self.put("x", "AWSPENDING", version=version, RotationToken=wrong)

    def test_event_may_come_without_token(self):
        self.sandbox.set(send_rotation_token=False)
        runtime = self.run_function()
        self.wait_rotation(self.rotate(), "succeeded")
        self.assertFalse(any("RotationToken" in event for event in runtime.events))
