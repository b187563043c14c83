"""moto as a second opinion on AWS, with its signature checks on (pip install 'moto[server]').

It differs from AWS in many places, so it is never the measure; but it was written by others. Once
its checks are on, only the user made here may call it.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Sequence

from .process import Folder, Process, Server, StackError, answers, on_free_port
from .sandbox import REGION, aws_client

if TYPE_CHECKING:
    from botocore.client import BaseClient

EVERYTHING = {"Version": "2012-10-17",
              "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ASSUMED_BY_LAMBDA = {"Version": "2012-10-17",
                     "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                    "Principal": {"Service": "lambda.amazonaws.com"}}]}


def missing() -> str | None:
    """Why moto cannot run here, or None when it can."""
    for module in ("moto", "flask", "flask_cors"):
        if importlib.util.find_spec(module) is None:
            return f"{sys.executable} has no module {module}: pip install 'moto[server]'"
    return None


class MotoServer(Server):
    """`function_arn` is a Lambda function that does nothing: RotateSecret wants one to exist."""

    def __init__(self, folder: Folder, program: Sequence[str] = ("-m", "moto.server")) -> None:
        """`program`: what Python runs; moto_rds.py beside this file is another one."""
        problem = missing()
        if problem is not None:
            raise StackError(problem)
        self.log = folder.path / "moto.log"
        self.process, self.port = on_free_port(
            lambda port: Process("moto", [sys.executable, *program, "-H", "127.0.0.1",
                                          "-p", str(port)], self.log), answers)
        self.url = f"http://127.0.0.1:{self.port}"
        try:
            self._set_up()
        except BaseException:
            self.process.stop()
            raise

    def client(self, service: str) -> BaseClient:
        return aws_client(service, self.url, self.access_key, self.secret_key)

    def environment(self) -> dict[str, str]:
        return {"STACK_MOTO_URL": self.url, "STACK_MOTO_REGION": REGION,
                "STACK_MOTO_ACCESS_KEY_ID": self.access_key,
                "STACK_MOTO_SECRET_ACCESS_KEY": self.secret_key,
                "STACK_MOTO_FUNCTION_ARN": self.function_arn}

    def _set_up(self) -> None:
        self.access_key, self.secret_key = "AKIAANYONEEXAMPLE", "anything"
        iam = self.client("iam")
        iam.create_user(UserName="tandem")
        iam.put_user_policy(UserName="tandem", PolicyName="everything",
                            PolicyDocument=json.dumps(EVERYTHING))
        role = iam.create_role(RoleName="tandem",
                               AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_LAMBDA))
        key = iam.create_access_key(UserName="tandem")["AccessKey"]
        self._post("config", "application/json", b'{"lambda": {"use_docker": false}}')
        self.function_arn = self.client("lambda").create_function(
            FunctionName="tandem", Runtime="provided.al2023", Handler="none",
            Role=role["Role"]["Arn"], Code={"ZipFile": empty_zip()})["FunctionArn"]

        self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        # From here on every call is checked. With another content type moto answers 500 and is not.
        self._post("reset-auth", "text/plain", b"0")

    def _post(self, path: str, content_type: str, body: bytes) -> None:
        request = urllib.request.Request(f"{self.url}/moto-api/{path}", body, method="POST",
                                         headers={"Content-Type": content_type})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(request, timeout=10).close()


def empty_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("bootstrap", "")
    return content.getvalue()
