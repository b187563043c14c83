"""What a rotation costs: start-up, memory, time, calls and connections; a table, then JSON.

The program runs as a Lambda function. This file is its Runtime API, so it knows to the moment when
the first poll arrives and how long each step takes; the sandbox is Secrets Manager, the database is
real. Every figure is a median over several runs: the machine is shared. Times include starting the
process from Python, about a millisecond.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stack.certificates import Authority  # noqa: E402
from stack.database import ADMIN, DBNAME, ENGINES, HOST, Database  # noqa: E402
from stack.process import Folder  # noqa: E402
from stack.sandbox import FUNCTION_ARN, Sandbox  # noqa: E402
from stack.tandem import clean_environment, program  # noqa: E402

# Nobody answers the sandbox's own invocations: it gives up at once.
QUICK = ("--lambda-timeout-ms", "20", "--retry-delay-ms", "1")
# AWS's samples, measured once on the same machine: to the first poll, to createSecret done, memory.
SAMPLE = {"postgres": ("96 ms", "126 ms", "50.7 MiB"), "mysql": ("95 ms", "", "46 MiB")}
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Runtime:
    """The Lambda Runtime API for one process, on one kept connection."""

    def __init__(self, build: Path, variables: dict[str, str]) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        environment = clean_environment({**variables, "AWS_LAMBDA_RUNTIME_API": address,
                                         "TANDEM_LOG_LEVEL": "error"})
        argv = [str(program(build))]
        self.begun = time.monotonic()
        # close_fds=False lets Python use vfork: a plain fork of this process would be counted too.
        self.process = subprocess.Popen(argv, env=environment, close_fds=False)
        self.connection, _ = listener.accept()
        self.connection.settimeout(20)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.close()
        self._received = b""
        request, _ = self._receive()
        self.ready = time.monotonic()
        assert "/invocation/next" in request, request

    def _receive(self) -> tuple[str, bytes]:
        while b"\r\n\r\n" not in self._received:
            self._received += self._more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        size = int(length.group(1)) if length else 0
        while len(rest) < size:
            rest += self._more()
        self._received = rest[size:]
        return head.decode().splitlines()[0], rest[:size]

    def _more(self) -> bytes:
        data = self.connection.recv(65536)
        if not data:
            raise RuntimeError("the program hung up")
        return data

    def _send(self, status: str, headers: str, body: bytes) -> None:
        self.connection.sendall(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
                                .encode() + body)

    def run(self, step: str, secret: str, token: str) -> float:
        """Answers the waiting poll with a step; its milliseconds."""
        event = json.dumps({"Step": step, "SecretId": secret, "ClientRequestToken": token})
        begun = time.monotonic()
        self._send("200 OK", f"Lambda-Runtime-Aws-Request-Id: {uuid.uuid4()}\r\n"
                   f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 60000}\r\n",
                   event.encode())
        request, body = self._receive()
        took = (time.monotonic() - begun) * 1000
        if "/response" not in request:
            raise RuntimeError(f"{step}: {body.decode()}")
        self._send("202 Accepted", "", b"")
        self._receive()  # the next poll
        return took

    def memory(self) -> float:
        """Peak resident MiB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024

    def cpu(self) -> float:
        """Milliseconds on a CPU so far."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e6

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


class Bench:
    def __init__(self, database: Database, sandbox: Sandbox, build: Path) -> None:
        self.database, self.sandbox, self.build = database, sandbox, build
        self.manager = sandbox.client("secretsmanager")
        self.variables = {**sandbox.environment(),
                          "TANDEM_DATABASE_CA": str(database.authority.ca)}

    def secret(self, with_admin: bool) -> str:
        """A pair and its secret, with AWSPREVIOUS for the clone; its name."""
        name = f"bench{uuid.uuid4().hex[:8]}"
        users = (name, f"{name}-clone")
        passwords = {user: secrets.token_urlsafe(18) for user in users}
        place = {"engine": self.database.engine, "host": HOST, "port": self.database.port,
                 "dbname": DBNAME}
        with self.database.admin() as admin:
            self.database.create_users(admin, passwords)
        extra: dict[str, Any] = {"rotation_usernames": list(users)}
        if with_admin:
            extra["masterarn"] = self.manager.create_secret(
                Name=f"{name}-admin", SecretString=json.dumps({
                    **place, "username": ADMIN, "password": self.database.admin_password}))["ARN"]
        value = {**place, **extra}
        self.manager.create_secret(Name=name, SecretString=json.dumps(
            {**value, "username": users[1], "password": passwords[users[1]]}))
        self.manager.put_secret_value(SecretId=name, SecretString=json.dumps(
            {**value, "username": users[0], "password": passwords[users[0]]}))
        return name

    def begin(self, secret: str) -> str:
        """An empty AWSPENDING as RotateSecret leaves it; nobody answers the sandbox's own calls."""
        token = str(uuid.uuid4())
        self.manager.rotate_secret(SecretId=secret, ClientRequestToken=token,
                                   RotationLambdaARN=FUNCTION_ARN,
                                   RotationRules={"AutomaticallyAfterDays": 30})
        while self.sandbox.rotation(token)["state"] == "running":
            time.sleep(0.01)
        return token

    def start(self) -> Runtime:
        return Runtime(self.build, self.variables)

    def measure_poll(self, runs: int) -> float:
        """Process start to first poll, in milliseconds."""
        ready = []
        for _ in range(runs):
            runtime = self.start()
            ready.append((runtime.ready - runtime.begun) * 1000)
            runtime.stop()
        return median(ready)

    def measure_created(self, runs: int) -> float:
        """Process start to createSecret done, in milliseconds."""
        created = []
        secret = self.secret(with_admin=False)
        token = self.begin(secret)
        for run in range(runs):
            if run > 0:
                self.manager.update_secret_version_stage(
                    SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)
                token = self.begin(secret)
            runtime = self.start()
            runtime.run("createSecret", secret, token)
            created.append((time.monotonic() - runtime.begun) * 1000)
            runtime.stop()
        return median(created)

    def measure_rotations(self, rotations: int, with_admin: bool) -> dict[str, Any]:
        secret = self.secret(with_admin)
        runtime = self.start()
        memory, took, cpu, calls, connections = [], [], [], [], []
        for _ in range(rotations):
            token = self.begin(secret)
            self.sandbox.clear_journal()
            log = self.database.log.stat().st_size
            spent = runtime.cpu()
            took.append(sum(runtime.run(step, secret, token) for step in STEPS))
            cpu.append(runtime.cpu() - spent)
            memory.append(runtime.memory())
            calls.append(len(self.sandbox.journal()))
            with self.database.log.open("rb") as file:
                file.seek(log)
                connections.append(self.database.logins(file.read()))
        runtime.stop()
        warm = median(took[1:])
        return {"memory_1_mib": memory[0], f"memory_{rotations}_mib": memory[-1], "warm_ms": warm,
                "warm_cpu_ms": median(cpu[1:]), "warm_wait_ms": warm - median(cpu[1:]),
                "calls": median(calls), "connections": median(connections)}


def table(start: dict[str, float], plain: dict[str, Any], admin: dict[str, Any],
          rotations: int, engine: str) -> str:
    poll, created, memory = SAMPLE.get(engine, SAMPLE["mysql"])
    rows = [
        ("process start to first poll", f"{start['start_to_first_poll_ms']:.1f} ms", poll),
        ("process start to createSecret done", f"{start['start_to_created_ms']:.1f} ms", ""),
        ("   the same over TLS", f"{start['start_to_created_tls_ms']:.1f} ms", created),
        ("   … with a bundle of all public CAs", f"{start['start_to_created_bundle_ms']:.1f} ms", ""),
        ("peak memory after 1 rotation", f"{plain['memory_1_mib']:.1f} MiB", memory),
        (f"peak memory after {rotations} rotations",
         f"{plain[f'memory_{rotations}_mib']:.1f} MiB", ""),
        ("four warm steps", f"{plain['warm_ms']:.1f} ms", ""),
        ("   of which own CPU", f"{plain['warm_cpu_ms']:.1f} ms", ""),
        ("   of which waiting", f"{plain['warm_wait_ms']:.1f} ms", ""),
        ("Secrets Manager calls, without admin", f"{plain['calls']:.0f}", "14"),
        ("Secrets Manager calls, with admin", f"{admin['calls']:.0f}", "14"),
        ("database connections, without admin", f"{plain['connections']:.0f}", "4 to 5"),
        ("database connections, with admin", f"{admin['connections']:.0f}", "4 to 5"),
    ]
    lines = [f"{'':38}{'Tandem':>12}{'AWS sample':>14}"]
    return "\n".join(lines + [f"{name:38}{ours:>12}{theirs:>14}" for name, ours, theirs in rows])


SYSTEM_CAS = Path("/etc/ssl/certs/ca-certificates.crt")


def measure_tls(database: Database, build: Path, runs: int, *, whole_bundle: bool) -> float:
    """With one CA to read, as libcurl does with the system's folder of CAs; or with AWS_CA_BUNDLE
    naming a bundle of every public one, which OpenSSL reads as a whole first."""
    with Folder() as folder:
        authority = Authority(folder.path, "aws-ca")
        bundle = folder.path / "bundle.pem"
        public = SYSTEM_CAS.read_text() if whole_bundle else ""
        bundle.write_text(public + authority.ca.read_text())
        with Sandbox(folder, build, *QUICK, certificate=authority.issue("aws"),
                     ca=bundle) as sandbox:
            sandbox.set(rotation_attempts=1)
            return Bench(database, sandbox, build).measure_created(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=Path("build"))
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--rotations", type=int, default=20)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with Folder() as folder, ENGINES[options.engine].database()(folder) as database, \
            Sandbox(folder, options.build_dir, *QUICK) as sandbox:
        sandbox.set(rotation_attempts=1)
        bench = Bench(database, sandbox, options.build_dir)
        start = {"start_to_first_poll_ms": bench.measure_poll(options.runs),
                 "start_to_created_ms": bench.measure_created(options.runs // 2 + 1),
                 "start_to_created_tls_ms": measure_tls(
                     database, options.build_dir, options.runs // 2 + 1, whole_bundle=False),
                 "start_to_created_bundle_ms": measure_tls(
                     database, options.build_dir, options.runs // 2 + 1, whole_bundle=True)}
        plain = bench.measure_rotations(options.rotations, with_admin=False)
        admin = bench.measure_rotations(options.rotations, with_admin=True)
    print(table(start, plain, admin, options.rotations, options.engine))
    figures = json.dumps({**start, "without_admin": plain, "with_admin": admin})
    print(f"\n{figures}")
    if options.json:
        options.json.write_text(figures + "\n")


if __name__ == "__main__":
    main()
