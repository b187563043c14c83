"""Where credentials come from: STS by boto3, the two local endpoints by botocore's own providers."""

import os
import time
from unittest import mock

from botocore.credentials import ContainerProvider, InstanceMetadataProvider
from botocore.exceptions import ClientError
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

from .harness import ACCOUNT, SandboxTest

ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/rotator"


class Sts(SandboxTest):
    def setUp(self):
        super().setUp()
        self.sts = self.sandbox.client("sts")

    def assume(self, role=ROLE, **more):
        return self.sts.assume_role(RoleArn=role, RoleSessionName="s-1", **more)["Credentials"]

    def using(self, service, keys):
        return self.sandbox.client(service, keys["AccessKeyId"], keys["SecretAccessKey"],
                                   keys["SessionToken"])

    def refused_by_sts(self, status, code, call, **ask):
        with self.assertRaises(ClientError) as caught:
            call(**ask)
        answer = caught.exception.response
        self.assertEqual((answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]),
                         (status, code))

    def test_caller_is_named(self):
        self.assertEqual(self.sts.get_caller_identity()["Arn"],
                         f"arn:aws:iam::{ACCOUNT}:user/sandbox")
        assumed = self.using("sts", self.assume()).get_caller_identity()
        self.assertEqual(assumed["Arn"], f"arn:aws:sts::{ACCOUNT}:assumed-role/rotator/s-1")

    def test_assumed_role_may_sign(self):
        keys = self.assume()
        self.assertEqual(self.using("secretsmanager", keys).list_secrets()["SecretList"], [])
        entry = self.sandbox.control("GET", "journal")[-1]
        self.assertEqual(entry["access_key"], keys["AccessKeyId"])

    def test_temporary_key_without_its_token_is_refused(self):
        keys = self.assume()
        for wrong in (None, "x"):
            self.refused("UnrecognizedClientException",
                         "The security token included in the request is invalid.",
                         self.using("secretsmanager", {**keys, "SessionToken": wrong}).list_secrets)

    def test_expired_credentials_are_refused(self):
        self.sandbox.set(credential_lifetime_s=60)
        keys = self.assume()
        client = self.using("secretsmanager", keys)
        client.list_secrets()
        self.sandbox.set(clock_offset_s=61)
        self.refused("ExpiredTokenException",
                     "The security token included in the request is expired", client.list_secrets)
        self.refused_by_sts(403, "ExpiredToken", self.using("sts", keys).get_caller_identity)

    def test_lifetime_is_the_shorter_of_both(self):
        def seconds(**ask):
            answer = self.sts.assume_role(RoleArn=ROLE, RoleSessionName="s-1", **ask)
            return answer["Credentials"]["Expiration"].timestamp() - time.time()
        self.assertAlmostEqual(seconds(), 3600, delta=3)
        self.assertAlmostEqual(seconds(DurationSeconds=900), 900, delta=3)

    def test_bad_requests_are_refused(self):
        for status, code, ask in (
                (400, "ValidationError", {"RoleArn": "x" * 20, "RoleSessionName": "ab"}),
                (400, "ValidationError", {"RoleArn": ROLE, "RoleSessionName": "a b"}),
                (400, "ValidationError", {"RoleArn": ROLE, "RoleSessionName": "ab",
                                          "DurationSeconds": 43201})):
            self.refused_by_sts(status, code, self.sts.assume_role, **ask)

    def test_external_id_is_asked_for(self):
        role = f"arn:aws:iam::{ACCOUNT}:role/sandbox-external-role"
        self.refused_by_sts(403, "AccessDenied", self.assume, role=role)
        self.refused_by_sts(403, "AccessDenied", self.assume, role=role, ExternalId="wrong")
        self.assume(role, ExternalId="sandbox-external-id")

    def test_web_identity_is_unsigned_and_checked(self):
        def assume(identity):
            return self.sts.assume_role_with_web_identity(
                RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken=identity)["Credentials"]
        self.using("secretsmanager", assume("sandbox-web-identity-token")).list_secrets()
        self.refused_by_sts(400, "InvalidIdentityToken", lambda: assume("other"))

    def test_bad_signature_is_an_xml_403(self):
        self.refused_by_sts(403, "SignatureDoesNotMatch",
                            self.sandbox.client("sts", secret_key="other").get_caller_identity)
        self.refused_by_sts(403, "InvalidClientTokenId",
                            self.sandbox.client("sts", "AKIANOBODY").get_caller_identity)


class LocalEndpoints(SandboxTest):
    def use(self, credentials):
        frozen = credentials.get_frozen_credentials()
        self.sandbox.client("secretsmanager", frozen.access_key, frozen.secret_key,
                            frozen.token).list_secrets()

    def actions(self, service):
        return [(e["action"], e["status"]) for e in self.sandbox.control("GET", "journal")
                if e["service"] == service]

    def test_instance_metadata_hands_out_usable_credentials(self):
        fetcher = InstanceMetadataFetcher(
            timeout=2, num_attempts=1, env={},
            config={"ec2_metadata_service_endpoint": self.sandbox.url,
                    "ec2_metadata_v1_disabled": True})
        self.use(InstanceMetadataProvider(fetcher).load())
        self.assertEqual(self.actions("metadata"),
                         [("PutToken", 200), ("ListRoles", 200), ("GetCredentials", 200)])

    def test_instance_metadata_wants_its_token(self):
        path = "/latest/meta-data/iam/security-credentials/"
        self.assertEqual(self.sandbox.request("GET", path)[0], 401)
        self.assertEqual(self.sandbox.request(
            "GET", path, headers={"X-aws-ec2-metadata-token": "made up"})[0], 401)
        for ttl in ("0", "21601", "x"):
            self.assertEqual(self.sandbox.request(
                "PUT", "/latest/api/token",
                headers={"X-aws-ec2-metadata-token-ttl-seconds": ttl})[0], 400)
        self.assertEqual(self.sandbox.request("PUT", "/latest/api/token")[0], 400)

    def container(self, path, **variables):
        with mock.patch.dict(os.environ, {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.sandbox.url + path, **variables}):
            provider = ContainerProvider(fetcher=ContainerMetadataFetcher())
            return provider.load()

    def test_container_endpoint_hands_out_usable_credentials(self):
        self.use(self.container("/v2/credentials/sandbox"))

    def test_container_endpoint_wants_its_token(self):
        self.use(self.container("/v2/credentials/sandbox-auth",
                                AWS_CONTAINER_AUTHORIZATION_TOKEN="sandbox-container-token"))
        for headers in ({}, {"Authorization": "other"}):
            self.assertEqual(self.sandbox.request("GET", "/v2/credentials/sandbox-auth",
                                                  headers=headers)[0], 401)
