"""The tandem-sandbox process (tests/sandbox), stand-in for AWS, and a client of its controls."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .certificates import Certificate
from .process import Folder, Process, Server, StackError, answers

if TYPE_CHECKING:
    from botocore.client import BaseClient

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ACCESS_KEY = "AKIASANDBOXEXAMPLE"
SECRET_KEY = "sandbox/secret+key/EXAMPLE"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tandem"


class Sandbox(Server):
    """`arguments` go to the program as they are. With a certificate it speaks TLS, and `ca` is the
    PEM file that its clients trust."""

    def __init__(self, folder: Folder, build: Path, *arguments: str,
                 certificate: Certificate | None = None, ca: Path | None = None) -> None:
        program = build.resolve() / "tests" / "tandem-sandbox"
        if not program.exists():
            raise StackError(f"{program} is missing: run ci/run.sh build")
        self.ca = ca
        if certificate is not None:
            arguments += ("--tls-cert", str(certificate.certificate),
                          "--tls-key", str(certificate.key))
        self.log = folder.path / "sandbox.log"
        port_file = folder.path / "sandbox.port"
        port_file.unlink(missing_ok=True)
        self.process = Process("tandem-sandbox", [program, "--port-file", port_file,
                                                  "--region", REGION, "--account", ACCOUNT,
                                                  *arguments], self.log)
        try:
            self.process.wait(port_file.exists)
            self.port = int(port_file.read_text())
            self.process.wait(lambda: answers(self.port))
        except BaseException:
            self.process.stop()
            raise
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"https://{self.address}" if certificate else f"http://{self.address}"

    def client(self, service: str, role: str | None = None) -> BaseClient:
        """A boto3 client, safe to share between threads.

        With `role` it has temporary credentials of its own, by which the journal tells its calls
        from others'.
        """
        keys = {"AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "SessionToken": None}
        if role is not None:
            keys = self.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName=role)["Credentials"]
        return aws_client(service, self.url, keys["AccessKeyId"], keys["SecretAccessKey"],
                          keys["SessionToken"], self.ca)

    def environment(self) -> dict[str, str]:
        """What Tandem, the AWS CLI or an SDK need to work against it."""
        bundle = {"AWS_CA_BUNDLE": str(self.ca)} if self.ca else {}
        return {**bundle, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url, "AWS_ENDPOINT_URL_STS": self.url,
                "AWS_ENDPOINT_URL_RDS": self.url}

    def stack_environment(self) -> dict[str, str]:
        """Where it is, for a command under with_stack.py."""
        return {"STACK_SANDBOX_URL": self.url, "STACK_SANDBOX_ADDRESS": self.address}

    def journal(self) -> list[dict[str, Any]]:
        """Every AWS call so far, oldest first."""
        return self.control("GET", "journal")

    def clear_journal(self) -> None:
        self.control("DELETE", "journal")

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Replaces the fault list; without arguments it is empty."""
        self.control("PUT", "faults", list(faults))

    def faults(self) -> list[dict[str, Any]]:
        """The fault list with its hit counts."""
        return self.control("GET", "faults")

    def set(self, **settings: Any) -> None:
        self.control("PUT", "settings", settings)

    def set_databases(self, **lists: list[dict[str, Any]]) -> None:
        """What RDS describes: `instances` and `clusters`, see tests/sandbox/rds.h."""
        self.control("PUT", "rds", lists)

    def set_tags(self, secret: str, **tags: str) -> None:
        """All tags of a secret, the system's own too: primaryDBInstanceArn for aws:rds:…."""
        self.control("PUT", "tags", {"secret": secret, "tags": [
            {"Key": f"aws:rds:{key}", "Value": value} for key, value in tags.items()]})

    def rotations(self) -> list[dict[str, Any]]:
        """Newest last."""
        return self.control("GET", "rotations")

    def rotation(self, token: str) -> dict[str, Any] | None:
        return next((r for r in reversed(self.rotations()) if r["token"] == token), None)

    def invoke(self, event: bytes, timeout: float = 70) -> dict[str, Any]:
        """One invocation of the function, answered when it is done."""
        return self.control("POST", "invoke", event, timeout)

    def function(self) -> dict[str, Any]:
        return self.control("GET", "function")

    def control(self, method: str, name: str, body: Any = None, timeout: float = 10) -> Any:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox/{name}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        trust = ssl.create_default_context(cafile=self.ca)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=trust))
        with direct.open(request, timeout=timeout) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def aws_client(service: str, url: str, access_key: str, secret_key: str,
               session_token: str | None = None, ca: Path | None = None) -> BaseClient:
    """A boto3 client for a server of ours, which ignores the caller's profile and proxies."""
    try:
        import boto3  # only who needs AWS needs boto3
        from botocore.config import Config
    except ImportError:
        raise StackError(f"{sys.executable} has no boto3: install python3-boto3,"
                         " or use a Python that has it") from None
    return boto3.session.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        aws_session_token=session_token, region_name=REGION,
    ).client(service, endpoint_url=url, verify=str(ca) if ca else None, config=Config(
        connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"},
        proxies={}))
