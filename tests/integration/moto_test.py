"""A rotation on moto, signatures checked, and the same one through the sandbox: the same labels.

moto was written by others, so it is a second opinion on what we send. Its own rotation machinery is
not AWS's (it invokes in the call and ignores errors), so the steps are sent by hand.
"""

from __future__ import annotations

import json
import unittest
import uuid

import support
from stack import moto_server
from stack.sandbox import FUNCTION_ARN

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@unittest.skipIf(moto_server.missing(), moto_server.missing() or "")
class SameLabels(support.World):
    with_lambda = False
    # The steps are sent by hand here too: its own invocations, which nobody answers, end at once.
    sandbox_arguments = ("--lambda-timeout-ms", "20", "--retry-delay-ms", "1")

    def setUp(self) -> None:
        super().setUp()
        self.sandbox.set(rotation_attempts=1)
        self.moto = moto_server.MotoServer(self.folder)
        self.addCleanup(self.moto.__exit__, None, None, None)

    def rotate_by_hand(self, manager, variables: dict[str, str], function: str) -> list[list[str]]:
        """The labels of the old and of the new version, after a rotation and after the next one."""
        pair = self.pair()
        value = json.loads(pair.value(pair.base))
        first = str(uuid.uuid4())
        arn = manager.create_secret(Name=pair.secret, ClientRequestToken=first,
                                    SecretString=json.dumps(value))["ARN"]
        manager.create_secret(Name=f"{pair.base}/admin", SecretString=json.dumps({
            **value, "username": support.ADMIN, "password": self.database.admin_password}))
        value["masterarn"] = f"{pair.base}/admin"
        manager.put_secret_value(SecretId=arn, SecretString=json.dumps(value),
                                 ClientRequestToken=(second := str(uuid.uuid4())))
        labels = []
        for user in (pair.clone, pair.base):
            token = str(uuid.uuid4())
            manager.rotate_secret(SecretId=arn, ClientRequestToken=token,
                                  RotationLambdaARN=function,
                                  RotationRules={"AutomaticallyAfterDays": 30})
            self.wait_until_quiet()
            for step in STEPS:
                done = self.tandem("step", step, arn, token, **variables)
                self.assertEqual(done.returncode, 0, done.stderr)
            current = json.loads(manager.get_secret_value(
                SecretId=arn, VersionStage="AWSCURRENT")["SecretString"])
            self.assertEqual(current["username"], user)
            self.assertTrue(self.logs_in(user, current["password"]))
            found = manager.describe_secret(SecretId=arn)["VersionIdsToStages"]
            labels.append([sorted(found.get(version, [])) for version in (second, token)])
            manager.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING",
                                                RemoveFromVersionId=token)
            second = token
        return labels

    def test_rotation_by_hand(self) -> None:
        on_moto = self.rotate_by_hand(
            self.moto.client("secretsmanager"),
            {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.moto.url,
             "AWS_ACCESS_KEY_ID": self.moto.access_key,
             "AWS_SECRET_ACCESS_KEY": self.moto.secret_key}, self.moto.function_arn)
        on_sandbox = self.rotate_by_hand(self.manager, {}, FUNCTION_ARN)
        self.assertEqual(on_moto, on_sandbox)
        self.assertEqual(on_moto[0], [["AWSPREVIOUS"], ["AWSCURRENT", "AWSPENDING"]])

    def test_wrong_key_is_refused(self) -> None:
        done = self.tandem("status", "x", "--json", AWS_SECRET_ACCESS_KEY="wrong",
                           AWS_ACCESS_KEY_ID=self.moto.access_key,
                           AWS_ENDPOINT_URL_SECRETS_MANAGER=self.moto.url)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["findings"][0]["state"], "refused", done.stdout)


if __name__ == "__main__":
    support.main()
