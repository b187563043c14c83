"""The AWS CLI as a person would type it."""

import json
import os
import shutil
import subprocess
import unittest

from .harness import ACCESS_KEY, FUNCTION, REGION, SECRET_KEY, Rotator, Runtime, SandboxTest


@unittest.skipUnless(shutil.which("aws"), "the aws command is not installed")
class CommandLine(SandboxTest):
    def run_aws(self, service, *arguments):
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                       "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": REGION,
                       "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                       "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}
        return subprocess.run(["aws", "--endpoint-url", self.sandbox.url, "--output", "json",
                               service, *arguments], env=environment, capture_output=True,
                              text=True, timeout=30)

    def aws(self, *arguments):
        done = self.run_aws("secretsmanager", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_create_rotate_describe(self):
        runtime = Runtime(self.sandbox, Rotator(self.sandbox))
        self.addCleanup(runtime.stop)
        first = self.aws("create-secret", "--name", "app", "--secret-string", "one")["VersionId"]
        version = self.aws("rotate-secret", "--secret-id", "app", "--rotation-lambda-arn", FUNCTION,
                           "--rotation-rules", "AutomaticallyAfterDays=30")["VersionId"]
        self.wait_rotation(version, "succeeded")
        shown = self.aws("describe-secret", "--secret-id", "app")
        self.assertEqual(shown["VersionIdsToStages"], {first: ["AWSPREVIOUS"],
                                                       version: ["AWSCURRENT", "AWSPENDING"]})
        self.assertEqual(self.aws("get-secret-value", "--secret-id", "app")["SecretString"],
                         f"made for {version}")

    def test_error_is_printed_as_from_aws(self):
        done = self.run_aws("secretsmanager", "get-secret-value", "--secret-id", "none")
        self.assertNotEqual(done.returncode, 0)
        # Version 2 of the command line puts a word on retries between the two.
        self.assertRegex(done.stderr, r"An error occurred \(ResourceNotFoundException\) when calling "
                         r"the GetSecretValue operation( \(reached max retries: \d+\))?: "
                         r"Secrets Manager can't find the specified secret\.")

    def test_caller_identity(self):
        self.assertIn("user/sandbox", self.run_aws("sts", "get-caller-identity").stdout)
