"""Secrets, versions and labels, as boto3 sees them.

The README says which texts are our own choice.
"""

import json

from .harness import ACCOUNT, REGION, SandboxTest, token

NOT_FOUND = "Secrets Manager can't find the specified secret."
NO_VALUE = "Secrets Manager can't find the specified secret value for "
DELETED = "You can't perform this operation on the secret because it was marked for deletion."


class Lifecycle(SandboxTest):
    def test_create_with_value_makes_current(self):
        first = token()
        made = self.make(first=first)
        self.assertRegex(made["ARN"],
                         rf"^arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:app-[A-Za-z0-9]{{6}}$")
        self.assertEqual(made["VersionId"], first)
        self.assertEqual(self.labels(), {first: ["AWSCURRENT"]})

    def test_create_without_value_shows_no_versions(self):
        made = self.sm.create_secret(Name="empty")
        self.assertNotIn("VersionId", made)
        shown = self.sm.describe_secret(SecretId="empty")
        for absent in ("VersionIdsToStages", "RotationEnabled", "LastRotatedDate", "KmsKeyId",
                       "DeletedDate", "LastAccessedDate", "Description", "NextRotationDate"):
            self.assertNotIn(absent, shown)
        self.refused("ResourceNotFoundException", NO_VALUE + "staging label: AWSCURRENT",
                     self.sm.get_secret_value, SecretId="empty")

    def test_create_taken_name_is_refused(self):
        self.make()
        self.refused("ResourceExistsException",
                     "The operation failed because the secret app already exists.", self.make)

    def test_create_again_with_same_token_is_once(self):
        first = token()
        made = self.make(first=first)
        self.assertEqual(self.make(first=first)["ARN"], made["ARN"])
        self.assertEqual(self.labels(), {first: ["AWSCURRENT"]})

    def test_create_bad_name_is_refused(self):
        for name in ("Inv Name", "Inv*Name?", "ä"):
            self.refused("ValidationException",
                         "Invalid name. Must be a valid name containing alphanumeric characters, "
                         "or any of the following: -/_+=.@!", self.make, name=name)

    def test_details_are_shown_as_given(self):
        self.sm.create_secret(Name="app", Description="mine", KmsKeyId="alias/k",
                              Tags=[{"Key": "a", "Value": "b"}], SecretString="x")
        self.sm.update_secret(SecretId="app", Description="yours")
        shown = self.sm.describe_secret(SecretId="app")
        self.assertEqual((shown["Description"], shown["KmsKeyId"], shown["Tags"]),
                         ("yours", "alias/k", [{"Key": "a", "Value": "b"}]))

    def test_secret_id_may_be_name_arn_or_partial_arn(self):
        arn = self.make("Valid/_+=.@-Name")["ARN"]
        for name in ("Valid/_+=.@-Name", arn, arn[:-7]):
            self.assertEqual(self.sm.describe_secret(SecretId=name)["ARN"], arn)
        for name in ("Valid", arn[:-1], arn.split(":secret:")[1], arn.replace(REGION, "us-east-1")):
            self.refused("ResourceNotFoundException", NOT_FOUND, self.sm.describe_secret,
                         SecretId=name)

    def test_delete_marks_and_restore_takes_back(self):
        self.make()
        gone = self.sm.delete_secret(SecretId="app", RecoveryWindowInDays=7)
        self.assertAlmostEqual(gone["DeletionDate"].timestamp(),
                               self.sm.describe_secret(SecretId="app")["DeletedDate"].timestamp()
                               + 7 * 86400, delta=2)
        for call in (self.sm.get_secret_value, self.sm.rotate_secret, self.sm.delete_secret):
            self.refused("InvalidRequestException", DELETED, call, SecretId="app")
        self.refused("InvalidRequestException", DELETED, self.put, "two")
        self.refused("InvalidRequestException",
                     "You can't create this secret because a secret with this name is already "
                     "scheduled for deletion.", self.make)
        self.assertEqual(self.sm.list_secrets()["SecretList"], [])
        self.sm.restore_secret(SecretId="app")
        self.assertEqual(self.sm.get_secret_value(SecretId="app")["SecretString"], "one")
        self.assertNotIn("DeletedDate", self.sm.describe_secret(SecretId="app"))

    def test_delete_by_force_forgets(self):
        old = self.make()["ARN"]
        self.sm.delete_secret(SecretId="app", ForceDeleteWithoutRecovery=True)
        self.refused("ResourceNotFoundException", NOT_FOUND, self.sm.describe_secret,
                     SecretId="app")
        self.assertNotEqual(self.make()["ARN"], old)
        self.sm.delete_secret(SecretId="never-was", ForceDeleteWithoutRecovery=True)

    def test_delete_bad_window_is_refused(self):
        self.make()
        self.refused("InvalidParameterException",
                     "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
                     self.sm.delete_secret, SecretId="app", RecoveryWindowInDays=31)
        self.refused("InvalidParameterException",
                     "You can't use ForceDeleteWithoutRecovery in conjunction with "
                     "RecoveryWindowInDays.", self.sm.delete_secret, SecretId="app",
                     RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)

    def test_list_shows_labels(self):
        self.make("a")
        version = self.make("b")["VersionId"]
        listed = self.sm.list_secrets()["SecretList"]
        self.assertEqual([s["Name"] for s in listed], ["a", "b"])
        self.assertEqual(listed[1]["SecretVersionsToStages"], {version: ["AWSCURRENT"]})


class Values(SandboxTest):
    def test_get_finds_by_stage_and_by_version(self):
        first = self.make()["VersionId"]
        second = self.put("two", "AWSPENDING")["VersionId"]
        for wanted, ask in (("one", {}), ("one", {"VersionStage": "AWSCURRENT"}),
                            ("two", {"VersionStage": "AWSPENDING"}), ("two", {"VersionId": second}),
                            ("one", {"VersionId": first, "VersionStage": "AWSCURRENT"})):
            self.assertEqual(self.sm.get_secret_value(SecretId="app", **ask)["SecretString"],
                             wanted)

    def test_get_misses_have_the_recorded_texts(self):
        first = self.make()["VersionId"]
        other = token()
        self.refused("ResourceNotFoundException", NOT_FOUND, self.sm.get_secret_value,
                     SecretId="none")
        self.refused("ResourceNotFoundException", NO_VALUE + "staging label: AWSPREVIOUS",
                     self.sm.get_secret_value, SecretId="app", VersionStage="AWSPREVIOUS")
        self.refused("ResourceNotFoundException", NO_VALUE + f"VersionId: {other}",
                     self.sm.get_secret_value, SecretId="app", VersionId=other)
        self.refused("InvalidRequestException",
                     "You provided a VersionStage that is not associated to the provided "
                     "VersionId.", self.sm.get_secret_value, SecretId="app", VersionId=first,
                     VersionStage="AWSPENDING")

    def test_get_deprecated_version_by_id_still_answers(self):
        first = self.make()["VersionId"]
        self.put("two")
        self.put("three")
        read = self.sm.get_secret_value(SecretId="app", VersionId=first)
        self.assertEqual(read["SecretString"], "one")
        self.assertNotIn("VersionStages", read)

    def test_binary_value_comes_back(self):
        self.sm.create_secret(Name="app", SecretBinary=b"\0\xff\x01")
        read = self.sm.get_secret_value(SecretId="app")
        self.assertEqual(read["SecretBinary"], b"\0\xff\x01")
        self.assertNotIn("SecretString", read)

    def test_value_of_65536_bytes_fits_and_no_more(self):
        self.make(value="x" * 65536)
        with self.assertRaisesRegex(self.sm.exceptions.ClientError, "ValidationException"):
            self.put("ä" * 32768 + "x")  # 65537 bytes, fewer characters
        with self.assertRaisesRegex(self.sm.exceptions.ClientError, "ValidationException"):
            self.sm.put_secret_value(SecretId="app", SecretBinary=b"x" * 65537)
        self.sm.put_secret_value(SecretId="app", SecretBinary=b"x" * 65536)

    def test_value_of_any_text_comes_back(self):
        value = json.dumps({"password": "ä\"\\\u2028😀\n", "n": 2 ** 60})
        self.make(value=value)
        self.assertEqual(self.sm.get_secret_value(SecretId="app")["SecretString"], value)

    def test_value_twice_or_not_at_all_is_refused(self):
        self.make()
        self.refused("InvalidParameterException",
                     "You can't specify both a binary secret value and a string secret value in "
                     "the same secret.", self.sm.put_secret_value, SecretId="app",
                     SecretString="a", SecretBinary=b"b")
        self.refused("InvalidRequestException",
                     "You must provide either SecretString or SecretBinary.",
                     self.sm.put_secret_value, SecretId="app")

    def test_batch_answers_each_by_itself(self):
        self.make("a")
        self.make("b", "bee")
        self.sm.create_secret(Name="empty")
        self.make("gone")
        self.sm.delete_secret(SecretId="gone")
        read = self.sm.batch_get_secret_value(SecretIdList=["b", "none", "a", "empty", "gone"])
        self.assertEqual([(v["Name"], v["SecretString"]) for v in read["SecretValues"]],
                         [("b", "bee"), ("a", "one")])
        self.assertEqual(read["Errors"], [
            {"SecretId": "none", "ErrorCode": "ResourceNotFoundException", "Message": NOT_FOUND},
            {"SecretId": "empty", "ErrorCode": "ResourceNotFoundException",
             "Message": NO_VALUE + "staging label: AWSCURRENT"},
            {"SecretId": "gone", "ErrorCode": "InvalidRequestException", "Message": DELETED}])

    def test_batch_by_filter_and_its_limits(self):
        self.make("app/a")
        self.make("other")
        read = self.sm.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["app/"]}])
        self.assertEqual([v["Name"] for v in read["SecretValues"]], ["app/a"])
        self.refused("InvalidParameterException",
                     "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
                     self.sm.batch_get_secret_value)
        with self.assertRaisesRegex(self.sm.exceptions.ClientError, "ValidationException"):
            self.sm.batch_get_secret_value(SecretIdList=[f"s{n}" for n in range(21)])


class Labels(SandboxTest):
    def setUp(self):
        super().setUp()
        self.first = self.make()["VersionId"]

    def move(self, label, to=None, source=None):
        ask = {"MoveToVersionId": to, "RemoveFromVersionId": source}
        return self.sm.update_secret_version_stage(
            SecretId="app", VersionStage=label, **{k: v for k, v in ask.items() if v})

    def test_put_without_stages_moves_current_and_previous(self):
        second = self.put("two")["VersionId"]
        self.assertEqual(self.labels(), {self.first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})
        third = self.put("three")["VersionId"]
        self.assertEqual(self.labels(), {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]})

    def test_move_of_current_leaves_pending_beside_it(self):
        second = self.put("two", "AWSPENDING")["VersionId"]
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"], second: ["AWSPENDING"]})
        self.move("AWSCURRENT", second, self.first)
        self.assertEqual(self.labels(), {self.first: ["AWSPREVIOUS"],
                                         second: ["AWSCURRENT", "AWSPENDING"]})

    def test_put_to_current_takes_pending_away(self):
        second = self.put("two", "AWSPENDING")["VersionId"]
        self.move("AWSCURRENT", second, self.first)
        third = self.put("three")["VersionId"]
        self.assertEqual(self.labels(), {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]})

    def test_put_of_pending_takes_it_from_the_old_version(self):
        second = self.put("two", "AWSPENDING", "PUT1")["VersionId"]
        self.move("AWSCURRENT", second, self.first)
        third = self.put("three", "AWSPENDING", "PUT2")["VersionId"]
        self.assertEqual(self.labels(), {self.first: ["AWSPREVIOUS"],
                                         second: ["AWSCURRENT", "PUT1"],
                                         third: ["AWSPENDING", "PUT2"]})
        self.move("AWSCURRENT", third, second)
        self.assertEqual(self.labels(), {second: ["AWSPREVIOUS", "PUT1"],
                                         third: ["AWSCURRENT", "AWSPENDING", "PUT2"]})

    def test_custom_labels_move_one_by_one_sorted(self):
        second = self.put("two", "one", "two", "three")
        self.assertEqual(second["VersionStages"], ["one", "three", "two"])
        third = self.put("three", "one", "two", "four")["VersionId"]
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"],
                                         second["VersionId"]: ["three"],
                                         third: ["four", "one", "two"]})

    def test_pending_can_be_stripped(self):
        second = self.put("two", "AWSPENDING")["VersionId"]
        self.move("AWSCURRENT", second, self.first)
        self.move("AWSPENDING", source=second)
        self.assertEqual(self.labels(), {self.first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})

    def test_move_without_remove_from_is_refused(self):
        second = self.put("two", "AWSPENDING")["VersionId"]
        for label, holder, to in (("AWSCURRENT", self.first, second),
                                  ("AWSPENDING", second, self.first)):
            self.refused("InvalidParameterException",
                         "The parameter RemoveFromVersionId can't be empty. Staging label "
                         f"{label} is currently attached to version {holder}, so you must "
                         "explicitly reference that version in RemoveFromVersionId.",
                         self.move, label, to)
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"], second: ["AWSPENDING"]})

    def test_move_from_the_wrong_version_is_refused(self):
        second = self.put("two", "AWSPENDING")["VersionId"]
        self.move("AWSCURRENT", second, self.first)
        with self.assertRaisesRegex(self.sm.exceptions.InvalidParameterException, "not attached"):
            self.move("AWSCURRENT", second, self.first)  # the same again: it has moved already

    def test_move_to_no_version_is_refused(self):
        other = token()
        self.refused("ResourceNotFoundException", NO_VALUE + f"VersionId: {other}",
                     self.move, "AWSCURRENT", other, self.first)

    def test_move_to_where_it_is_changes_nothing(self):
        self.move("AWSCURRENT", self.first)
        self.assertEqual(self.labels(), {self.first: ["AWSCURRENT"]})

    def test_current_cannot_be_removed(self):
        self.refused("InvalidParameterException",
                     "You can only move staging label AWSCURRENT to a different secret version. "
                     "It can't be completely removed.", self.move, "AWSCURRENT", None, self.first)

    def test_twenty_labels_and_no_more(self):
        self.put("two", *[f"L{n:02}" for n in range(19)])
        with self.assertRaises(self.sm.exceptions.LimitExceededException):
            self.put("three", "one-more", "AWSPENDING")
        with self.assertRaises(self.sm.exceptions.LimitExceededException):
            self.put("four")  # AWSPREVIOUS would be the twenty-first
        self.assertEqual(sum(map(len, self.labels().values())), 20)

    def test_deprecated_versions_are_hidden_until_asked_for(self):
        second = self.put("two")["VersionId"]
        third = self.put("three")["VersionId"]
        shown = self.sm.list_secret_version_ids(SecretId="app")["Versions"]
        self.assertEqual([v["VersionId"] for v in shown], [second, third])
        every = self.sm.list_secret_version_ids(SecretId="app", IncludeDeprecated=True)["Versions"]
        self.assertEqual(every[0]["VersionId"], self.first)
        self.assertNotIn("VersionStages", every[0])
        self.assertEqual(every[0]["KmsKeyIds"], ["DefaultEncryptionKey"])

    def test_a_hundred_versions_are_kept(self):
        for n in range(105):
            self.put(str(n))
        every = self.sm.list_secret_version_ids(SecretId="app", IncludeDeprecated=True)["Versions"]
        self.assertEqual(len(every), 100)
        self.assertEqual(self.sm.get_secret_value(SecretId="app")["SecretString"], "104")


class Tokens(SandboxTest):
    def setUp(self):
        super().setUp()
        self.arn = self.make()["ARN"]

    def test_same_token_and_value_is_once(self):
        version = token()
        self.put("two", "AWSPENDING", version=version)
        again = self.put("two", "AWSPENDING", version=version)
        self.assertEqual(again["VersionStages"], ["AWSPENDING"])
        self.assertEqual(len(self.labels()), 2)

    def test_same_token_other_value_is_refused(self):
        for stage in ("AWSPENDING", "AWSCURRENT"):
            version = token()
            self.put("two", stage, version=version)
            self.refused("ResourceExistsException",
                         f"You can't use ClientRequestToken {version} because that value is "
                         f"already in use for a version of secret {self.arn}.",
                         self.put, "three", stage, version=version)

    def test_missing_token_is_refused(self):
        for action in ("CreateSecret", "PutSecretValue", "UpdateSecret", "RotateSecret"):
            request = self.sandbox.signed(action, {"SecretId": "app", "Name": "n",
                                                   "SecretString": "x"})
            self.assertEqual(self.sandbox.raw(request), (400, {
                "__type": "InvalidParameterException",
                "Message": "You must provide a ClientRequestToken value. We recommend a UUID-type "
                           "value."}))

    def test_token_of_the_wrong_length_is_refused(self):
        for version in ("x" * 31, "x" * 65):
            status, body = self.sandbox.raw(self.sandbox.signed(
                "PutSecretValue", {"SecretId": "app", "SecretString": "x",
                                   "ClientRequestToken": version}))
            self.assertEqual((status, body["__type"]), (400, "InvalidParameterException"))
        self.put("x", version="x" * 32)
        self.put("x", version="x" * 64)

    def test_update_secret_moves_current(self):
        version = self.sm.update_secret(SecretId="app", SecretString="two")["VersionId"]
        self.assertEqual(self.labels()[version], ["AWSCURRENT"])
        self.assertNotIn("VersionId", self.sm.update_secret(SecretId="app", Description="d"))


class Wire(SandboxTest):
    def test_answer_has_type_request_id_and_date(self):
        self.make()
        request = self.sandbox.signed("DescribeSecret", {"SecretId": "app"})
        status, text, headers = self.sandbox.request("POST", "/", request.data,
                                                     dict(request.headers.items()))
        self.assertEqual(status, 200)
        self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.1")
        self.assertRegex(headers["x-amzn-requestid"], r"^[0-9a-f-]{36}$")
        self.assertRegex(headers["Date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
        self.assertIsInstance(json.loads(text)["CreatedDate"], float)

    def test_broken_input_is_refused(self):
        def ask(action, body):
            return self.sandbox.raw(self.sandbox.signed(action, body))[1]["__type"]
        self.assertEqual(ask("Describe", {}), "UnknownOperationException")
        self.assertEqual(ask("DescribeSecret", {}), "ValidationException")
        self.assertEqual(ask("DescribeSecret", {"SecretId": 1}), "SerializationException")
        self.assertEqual(ask("DescribeSecret", {"SecretId": "x" * 2049}), "ValidationException")
        self.assertEqual(ask("DescribeSecret", []), "SerializationException")
        self.assertEqual(ask("BatchGetSecretValue", {"SecretIdList": [1]}),
                         "SerializationException")
