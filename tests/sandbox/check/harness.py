"""One sandbox process a test, its clients, and a small runtime to be the rotation function."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
import unittest
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ACCESS_KEY = "AKIASANDBOXEXAMPLE"
SECRET_KEY = "sandbox/secret+key/EXAMPLE"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:tandem"
RUNTIME = "/2018-06-01/runtime"



def session() -> boto3.session.Session:
    """Debian 12's botocore is older than BatchGetSecretValue and RotationToken: it is told of both
    in its own way, by a file of extras to its model. A newer one is left alone."""
    made = boto3.session.Session(region_name=REGION)
    model = made._session.get_service_model("secretsmanager")
    if "BatchGetSecretValue" in model.operation_names:
        return made
    os.environ["AWS_DATA_PATH"] = str(Path(__file__).parent / "models")
    return boto3.session.Session(region_name=REGION)


_session = session()
_once = Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=2, read_timeout=5)


def token() -> str:
    return str(uuid.uuid4())


class Sandbox:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen([os.environ["TANDEM_SANDBOX"], *arguments],
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])
        self.url = line.split(" on ")[1].strip()

    def stop(self) -> int:
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(timeout=10)

    def client(self, service: str, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY,
               session_token: str | None = None, region: str = REGION, **options: Any) -> Any:
        return _session.client(service, endpoint_url=self.url, region_name=region,
                               aws_access_key_id=access_key, aws_secret_access_key=secret_key,
                               aws_session_token=session_token, config=_once, **options)

    def request(self, method: str, path: str, body: Any = None,
                headers: dict[str, str] | None = None) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def control(self, method: str, name: str, body: Any = None) -> Any:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        status, text, _ = self.request(method, f"/sandbox/{name}", data)
        if status != 200:
            raise AssertionError(f"{method} {name}: {status} {text!r}")
        return json.loads(text)

    def set(self, **settings: Any) -> None:
        self.control("PUT", "settings", settings)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.control("PUT", "faults", list(faults))

    def signed(self, action: str, body: Any, *, secret_key: str = SECRET_KEY,
               access_key: str = ACCESS_KEY, service: str = "secretsmanager", region: str = REGION,
               headers: dict[str, str] | None = None) -> AWSRequest:
        """A request signed by botocore, to be spoilt before raw() sends it."""
        request = AWSRequest("POST", self.url + "/", data=json.dumps(body), headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"secretsmanager.{action}", **(headers or {})})
        SigV4Auth(Credentials(access_key, secret_key), service, region).add_auth(request)
        return request

    def raw(self, request: AWSRequest) -> tuple[int, dict[str, Any]]:
        status, text, _ = self.request("POST", "/", request.data, dict(request.headers.items()))
        return status, json.loads(text)


class SandboxTest(unittest.TestCase):
    """A fresh sandbox for every test: `self.sandbox`, and `self.sm`, its Secrets Manager."""

    arguments: tuple[str, ...] = ()

    def setUp(self) -> None:
        self.sandbox = Sandbox(*self.arguments)
        self.addCleanup(self.end)
        self.sm = self.sandbox.client("secretsmanager")

    def end(self) -> None:
        self.assertEqual(self.sandbox.stop(), 0, "the sandbox did not end well")

    def refused(self, code: str, message: str, call: Callable[..., Any], /, *args: Any,
                **kwargs: Any) -> ClientError:
        """The call fails with this code, status 400, and exactly this message."""
        with self.assertRaises(ClientError) as caught:
            call(*args, **kwargs)
        error = caught.exception.response
        self.assertEqual((error["Error"]["Code"], error["Error"]["Message"]), (code, message))
        self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400)
        return caught.exception

    def make(self, name: str = "app", value: str = "one", first: str | None = None) -> dict[str, Any]:
        return self.sm.create_secret(Name=name, SecretString=value,
                                     ClientRequestToken=first or token())

    def labels(self, name: str = "app") -> dict[str, list[str]]:
        return self.sm.describe_secret(SecretId=name).get("VersionIdsToStages", {})

    def put(self, value: str, *stages: str, name: str = "app", version: str | None = None,
            **more: Any) -> dict[str, Any]:
        if stages:
            more["VersionStages"] = list(stages)
        return self.sm.put_secret_value(SecretId=name, SecretString=value,
                                        ClientRequestToken=version or token(), **more)

    def rotate(self, name: str = "app", version: str | None = None, **more: Any) -> str:
        return self.sm.rotate_secret(SecretId=name, ClientRequestToken=version or token(),
                                     RotationLambdaARN=FUNCTION, **more)["VersionId"]

    def wait_for(self, condition: Callable[[], Any], seconds: float = 5) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.01)
        self.fail("waited in vain")

    def wait_rotation(self, version: str, *states: str) -> dict[str, Any]:
        return self.wait_for(lambda: next(
            (r for r in reversed(self.sandbox.control("GET", "rotations"))
             if r["token"] == version and r["state"] in states), None))


class FunctionError(Exception):
    """What a handler raises to fail its step: (error type, message)."""


class Runtime:
    """A Lambda runtime on one kept connection; `handle(event)` answers an invocation."""

    def __init__(self, sandbox: Sandbox, handle: Callable[[dict[str, Any]], Any]) -> None:
        self.handle = handle
        self.events: list[dict[str, Any]] = []
        self.headers: list[http.client.HTTPMessage] = []
        self.connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=30)
        self.connection.connect()
        self.connection.auto_open = 0  # this connection and no other: its end is the runtime's end
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _call(self, method: str, path: str, body: str | None = None,
              headers: dict[str, str] | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request(method, RUNTIME + path, body, headers or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def _run(self) -> None:
        try:
            while True:
                answer, text = self._call("GET", "/invocation/next")
                event = json.loads(text)
                self.headers.append(answer.headers)
                self.events.append(event)
                self._answer(answer.headers["Lambda-Runtime-Aws-Request-Id"], event)
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # the connection was closed, by stop() or by the sandbox

    def _answer(self, request_id: str, event: dict[str, Any]) -> None:
        try:
            body = json.dumps(self.handle(event))
        except Exception as error:  # whatever it is, it is the step that failed
            kind, message = (error.args if isinstance(error, FunctionError)
                             else ("Function.Unhandled", str(error)))
            self._call("POST", f"/invocation/{request_id}/error",
                       json.dumps({"errorType": kind, "errorMessage": message}),
                       {"Lambda-Runtime-Function-Error-Type": kind})
        else:
            self._call("POST", f"/invocation/{request_id}/response", body)

    def stop(self) -> None:
        """As if the process died: the connection is gone at once."""
        if self.connection.sock is not None:
            self.connection.sock.shutdown(2)
        self.connection.close()
        self.thread.join(timeout=5)


class Rotator:
    """The rotation function in Python: a new value, no database. Keeps the steps it saw."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sm = sandbox.client("secretsmanager")
        self.steps: list[str] = []
        self.fail: dict[str, int] = {}  # step → how often it is still to fail
        self.seen: list[str] = []       # what testSecret read

    def __call__(self, event: dict[str, Any]) -> None:
        step, secret, version = event["Step"], event["SecretId"], event["ClientRequestToken"]
        self.steps.append(step)
        if self.fail.get(step, 0) > 0:
            self.fail[step] -= 1
            raise FunctionError("Function.StepFailed", f"no luck with {step}")
        if step == "createSecret":
            self._create(secret, version, event.get("RotationToken"))
        elif step == "testSecret":
            self.seen.append(self.sm.get_secret_value(
                SecretId=secret, VersionId=version, VersionStage="AWSPENDING")["SecretString"])
        elif step == "finishSecret":
            stages = self.sm.describe_secret(SecretId=secret)["VersionIdsToStages"]
            holder = next(v for v, labels in stages.items() if "AWSCURRENT" in labels)
            self.sm.update_secret_version_stage(
                SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=version,
                RemoveFromVersionId=holder)

    def _create(self, secret: str, version: str, rotation_token: str | None) -> None:
        more = {"RotationToken": rotation_token} if rotation_token else {}
        try:
            self.sm.get_secret_value(SecretId=secret, VersionId=version, VersionStage="AWSPENDING")
        except self.sm.exceptions.ResourceNotFoundException:
            self.sm.put_secret_value(SecretId=secret, ClientRequestToken=version,
                                     SecretString=f"made for {version}",
                                     VersionStages=["AWSPENDING"], **more)
