"""Tandem as a Lambda function behind a gate that can hold any one of its calls back.

An interleaving that is left to luck is hardly ever met: here the n-th call to Secrets Manager
waits, before it is done, until the test has done something else. The gate passes every byte on to
the sandbox as it came (the signature covers the Host header, which stays), and it is the Runtime
API of this one process, so that a test says which of two functions gets which event.
"""

from __future__ import annotations

import http.client
import http.server
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

from .process import Folder, Process, Server, StackError
from .sandbox import Sandbox
from .tandem import clean_environment, program

TARGET = "secretsmanager."
PATIENCE = 30  # seconds; nothing here takes so long unless it hangs


@dataclass(frozen=True)
class Outcome:
    """How a step ended: its class ("OK" when it went well) and its sentence."""

    error: str
    message: str = ""


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A process that ends leaves its connections: nothing to tell."""


class Gate:
    """An HTTP server between one process and the sandbox. For a `with`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.actions: list[str] = []  # since the last hold()
        self._sandbox = sandbox
        self._lock = threading.Condition()
        self._hold_at, self._action = 0, ""
        self._held, self._open = False, True
        self.events: queue.Queue[tuple[str, bytes, int]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.polling = threading.Event()
        self.closing = False
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.address}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,),
                                        name="gate")
        self._thread.start()

    def hold(self, number: int, action: str = "") -> None:
        """The call `number` from now, of all or of this action, counted from 1, will wait."""
        with self._lock:
            self.actions = []
            self._hold_at, self._action, self._held, self._open = number, action, False, False

    def release(self) -> None:
        with self._lock:
            self._hold_at, self._held, self._open = 0, False, True
            self._lock.notify_all()

    def wait_held(self, ended: Callable[[], bool]) -> bool:
        """True when a call waits; False when what makes the calls has ended without."""
        deadline = time.monotonic() + PATIENCE
        with self._lock:
            while not self._held and not ended():
                if time.monotonic() > deadline:
                    raise StackError(f"no call {self._hold_at} in {PATIENCE} s: {self.actions}")
                self._lock.wait(0.01)
            return self._held

    def pass_call(self, action: str, call: Callable[[], Any]) -> Any:
        with self._lock:
            self.actions.append(action)
            counted = [a for a in self.actions if self._action in ("", a)]
            if self._action in ("", action) and len(counted) == self._hold_at:
                self._held = True
                self._lock.notify_all()
                self._lock.wait_for(lambda: self._open or self.closing, PATIENCE * 2)
        return call()

    def forward(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._sandbox.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing = True
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(gate: Gate) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """invocation/next: blocks until there is work."""
            gate.polling.set()
            while True:
                try:
                    name, event, milliseconds = gate.events.get(timeout=0.2)
                    break
                except queue.Empty:
                    if gate.closing:
                        self.close_connection = True
                        return
            gate.polling.clear()
            self._answer(200, {
                "Lambda-Runtime-Aws-Request-Id": name,
                "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + milliseconds)}, event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            target = self.headers.get("X-Amz-Target", "")
            if not target.startswith(TARGET):
                gate.answers.put((self.path.rsplit("/", 1)[-1], body))
                self._answer(202, {}, b"{}")
                return
            status, headers, text = gate.pass_call(
                target.removeprefix(TARGET),
                lambda: gate.forward(self.command, self.path, self.headers, body))
            kept = {name: value for name, value in headers
                    if name.lower() not in ("connection", "content-length", "transfer-encoding")}
            self._answer(status, kept, text)

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            head = "".join(f"{name}: {value}\r\n" for name, value in
                           {**headers, "Content-Length": str(len(body))}.items())
            try:
                self.wfile.write(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode() + body)
            except OSError:  # the process is gone, or has given up waiting
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Function(Server):
    """One Lambda environment. `begin` hands it an event, `end` waits for the answer."""

    def __init__(self, folder: Folder, build: Path, sandbox: Sandbox,
                 variables: Mapping[str, str]) -> None:
        self.gate = Gate(sandbox)
        self.log = folder.path / f"function-{uuid.uuid4().hex[:8]}.log"
        self._name = ""
        try:
            self.process = Process("tandem", [program(build)], self.log, env=clean_environment({
                **variables, "AWS_LAMBDA_RUNTIME_API": self.gate.address,
                "AWS_LAMBDA_FUNCTION_NAME": "tandem", "AWS_LAMBDA_LOG_FORMAT": "JSON",
                "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.gate.url}))
            self.process.wait(self.gate.polling.is_set)
        except BaseException:
            self.gate.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.process.stop()
        self.gate.__exit__()

    def begin(self, step: str, secret: str, token: str, seconds: float = 30) -> None:
        self._name = str(uuid.uuid4())
        event = {"Step": step, "SecretId": secret, "ClientRequestToken": token}
        self.gate.events.put((self._name, json.dumps(event).encode(), int(seconds * 1000)))

    def ended(self) -> bool:
        return not self.gate.answers.empty() or not self.process.running()

    def end(self) -> Outcome:
        try:
            kind, body = self.gate.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise StackError(f"the function did not answer.\n{self.process.log_end()}") from None
        if kind == "response":
            return Outcome("OK")
        lines = [json.loads(line) for line in self.log.read_text().splitlines()
                 if line.startswith("{")]
        error = next(line["errorClass"] for line in reversed(lines)
                     if line.get("requestId") == self._name and "errorClass" in line)
        return Outcome(error, json.loads(body)["errorMessage"])

    def run(self, step: str, secret: str, token: str) -> Outcome:
        self.begin(step, secret, token)
        return self.end()
