"""A lane of network.py: an installation small enough to have ten of them side by side."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

from stack.application import application_secret
from stack.certificates import LOCAL, Authority, self_signed
from stack.database import ENGINES, HOST
from stack.process import Folder
from stack.sandbox import SECRET_KEY, Sandbox
from stack.session import DatabaseError
from stack.tandem import clean_environment, program

from .gate import Gate, Recording
from .impostor import server_context
from .nameserver import CannotServe, NameServers
from .network_cases import AWS, DATABASE, DONE, NAMES, PROXY, PROXY_NAME, STEPS

SERVED = (PROXY_NAME, *LOCAL)  # the names in a right certificate
PATIENCE = 60  # seconds the steps get while the network is well


class Broken(AssertionError):
    """What a case found wrong."""


@dataclass
class Ended:
    """How a run of the program ended."""

    result: str   # OK or the error class
    message: str
    seconds: float
    output: str
    peak_mib: float


class Watch:
    """Ends a program that does not end by itself, and sees how much memory it takes."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self._process, self._until = process, time.monotonic() + seconds
        self._ended = threading.Event()
        self._peak_kib = 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while not self._ended.wait(0.1):
            try:
                found = re.search(r"VmHWM:\s*(\d+)", status.read_text())
            except OSError:
                continue  # it has just ended
            self._peak_kib = max(self._peak_kib, int(found[1]) if found else 0)
            if time.monotonic() > self._until:
                self._process.kill()

    def end(self) -> float:
        """MiB at the most."""
        self._ended.set()
        self._thread.join()
        return self._peak_kib / 1024


class World:
    """What the lanes share: one database, one Secrets Manager, certificates good and bad."""

    def __init__(self, stack: ExitStack, build: Path, engine: str) -> None:
        self.build = build
        self.engine = ENGINES[engine]
        self.clean: dict[tuple[str, str], Recording] = {}  # what crosses in peace
        self.sanitized = b"__asan_init" in program(build).read_bytes()
        self.folder = stack.enter_context(Folder())
        self.database = stack.enter_context(self.engine.database()(self.folder))
        self.aws_ca = Authority(self.folder.path, "aws-ca")
        self.sandbox = stack.enter_context(Sandbox(
            self.folder, build, certificate=self.aws_ca.issue("aws"), ca=self.aws_ca.ca))
        self.manager = self.sandbox.client("secretsmanager")
        self.other_ca = Authority(self.folder.path, "other-ca")
        self.no_names = ""  # why there are none
        self.proxy_name = PROXY_NAME
        try:
            self.names = stack.enter_context(NameServers(self.folder.path))
        except CannotServe as error:
            self.no_names = str(error)
            self.proxy_name = HOST
        self._contexts: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def wrap(self, unknown: str = "", mode: str = "") -> list[str]:
        """What to put before the program, so that it knows the names of all places but one."""
        if self.no_names:
            return []
        return self.names.wrap([name for place, name in NAMES.items() if place != unknown], mode)

    def context(self, authority: Authority, kind: str = "right") -> Any:
        """A TLS server of this authority with a certificate of this kind; each is made once."""
        with self._lock:
            key = (str(authority.ca), kind)
            if key not in self._contexts:
                self._contexts[key] = self._make_context(authority, kind)
            return self._contexts[key]

    def _make_context(self, authority: Authority, kind: str) -> Any:
        name = f"{authority.ca.parent.name}-{authority.ca.stem}-{kind}"
        if kind == "self-signed":
            made = self_signed(self.folder.path, name, SERVED)
        elif kind == "other-ca":
            made = self.other_ca.issue(name)
        else:
            options: dict[str, Any] = {"expired": {"expired": True},
                                       "other-name": {"hosts": ("example.com",)},
                                       "not-yet-valid": {"not_yet": True},
                                       "client-usage": {"usage": "clientAuth"}}.get(kind, {})
            made = authority.issue(name, **{"hosts": SERVED, **options})
        return server_context(made.certificate, made.key, old=kind == "tls-1.1")


class OnDemand:
    """A client for the proxy's stand-in that reads a secret only when it may have changed.

    Many lanes that all ask several times a second would be most of the machine's work.
    """

    def __init__(self, client: Any, secrets_: list[str]) -> None:
        self._client, self._secrets = client, secrets_
        self.changed()

    def changed(self) -> None:
        self._unread = set(self._secrets)

    def get_secret_value(self, **which: str) -> dict[str, Any]:
        if which["SecretId"] not in self._unread:
            raise ValueError("nothing new")
        self._unread.discard(which["SecretId"])
        return self._client.get_secret_value(**which)


class Lane:
    """Two users, their secrets, and a gate before each place."""

    def __init__(self, stack: ExitStack, world: World, number: int) -> None:
        self.world = world
        self.users = (f"lane{number}", f"lane{number}-clone")
        self.secret = f"lane{number}/app"
        self.proxy_secrets = [f"lane{number}/proxy-{user}" for user in self.users]
        self.known = {SECRET_KEY}  # everything that must never cross in clear
        passwords = {user: self.new_password() for user in self.users}
        with world.database.admin() as admin:
            world.database.create_users(admin, passwords)
        folder = SimpleNamespace(path=world.folder.make(f"lane{number}"), make=lambda _, owner=None:
                                 world.folder.make(f"proxy{number}", owner))
        folder.path.chmod(0o711)
        database = stack.enter_context(Gate(world.database.port))
        self._place = {} if world.engine.proves else {"host": HOST, "port": database.port}
        for user, name in zip(self.users, self.proxy_secrets):
            world.manager.create_secret(
                Name=name, SecretString=self.proxy_value(user, passwords[user]))
        self._proxys_client = OnDemand(world.manager, self.proxy_secrets)
        self.proxy = stack.enter_context(world.engine.proxy()(
            folder, world.database, self._proxys_client, self.proxy_secrets, poll=0.1, delay=0.1,
            hosts=SERVED))
        self.gates = {AWS: stack.enter_context(Gate(world.sandbox.port)), DATABASE: database,
                      PROXY: stack.enter_context(Gate(self.proxy.port))}
        self.authorities = {AWS: world.aws_ca, DATABASE: world.database.authority,
                            PROXY: self.proxy.authority}
        world.manager.create_secret(Name=self.secret, SecretString=json.dumps(
            self.value(self.users[0], passwords[self.users[0]])))

    def new_password(self) -> str:
        made = secrets.token_urlsafe(18)
        self.known.add(made)
        return made

    def value(self, user: str, password: str) -> dict[str, Any]:
        return application_secret(
            "aws", SimpleNamespace(engine=self.world.engine.name, port=self.gates[DATABASE].port),
            user, password,
            {"rotation_usernames": list(self.users), "proxy_secret_ids": self.proxy_secrets,
             "proxy_endpoints": [f"{self.world.proxy_name}:{self.gates[PROXY].port}"]})

    def proxy_value(self, user: str, password: str) -> str:
        return json.dumps({"username": user, "password": password, **self._place})

    # What Secrets Manager has

    def read(self, secret: str, **which: str) -> dict[str, Any]:
        value = json.loads(self.world.manager.get_secret_value(
            SecretId=secret, **which)["SecretString"])
        self.known.add(value["password"])
        return value

    def version(self, stage: str = "AWSCURRENT") -> str | None:
        stages = self.world.manager.describe_secret(SecretId=self.secret)["VersionIdsToStages"]
        return next((version for version, labels in stages.items() if stage in labels), None)

    # What the program does

    def run(self, step: str, token: str, timeout: int, wrap: list[str] | None = None,
            **variables: str) -> Ended:
        environment = clean_environment({
            **self.world.sandbox.environment(),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": f"https://127.0.0.1:{self.gates[AWS].port}",
            "TANDEM_DATABASE_CA": str(self.world.database.authority.ca),
            "TANDEM_PROXY_CA": str(self.proxy.authority.ca), "TANDEM_TIMEOUT": str(timeout),
            "TANDEM_PROXY_WAIT": "30" if timeout == PATIENCE else "3", **variables})
        begun = time.monotonic()
        with subprocess.Popen(
                [*(wrap or self.world.wrap()), program(self.world.build), "step", step, self.secret, token,
                 "--json"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True) as process:
            watch = Watch(process, timeout + 60)
            output, _ = process.communicate()
        seconds = time.monotonic() - begun
        peak = watch.end()
        if step == "setSecret":
            self._proxys_client.changed()
        if process.returncode == 0:
            return Ended(DONE, "", seconds, output, peak)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        answer = json.loads(lines[-1]) if lines else {}
        return Ended(answer.get("errorClass", f"exit status {process.returncode}"),
                     answer.get("message", output.strip()), seconds, output, peak)

    def must_run(self, step: str, token: str) -> None:
        ended = self.run(step, token, PATIENCE)
        if ended.result != DONE:
            raise Broken(f"{step} with the network well: {ended.result}: {ended.message}")

    def go_to(self, step: str, token: str) -> None:
        for before in STEPS[:STEPS.index(step)]:
            self.must_run(before, token)

    def wait_for_proxy(self, token: str) -> None:
        pending = self.read(self.secret, VersionId=token)
        until = time.monotonic() + 10
        while not self.logs_in(self.proxy.connect, pending):
            if time.monotonic() > until:
                raise Broken("the proxy did not pick the pending password up")
            time.sleep(0.05)

    # What an application sees

    def logs_in(self, connect: Callable[[str, str], Any], value: dict[str, Any]) -> bool:
        try:
            connect(value["username"], value["password"]).close()
            return True
        except DatabaseError:
            return False

    def check_current(self, when: str) -> None:
        """The stand-in for the proxy refuses everybody for a moment when it takes users over."""
        value = self.read(self.secret)
        if not self.logs_in(self.world.database.connect, value):
            raise Broken(f"{when} AWSCURRENT does not log in at the database")
        until = time.monotonic() + 5
        while not self.logs_in(self.proxy.connect, value):
            if time.monotonic() > until:
                raise Broken(f"{when} AWSCURRENT does not log in through the proxy")
            time.sleep(0.05)

    def start_over(self) -> None:
        """After a failed case, so that the next one finds a sound pair."""
        for gate in self.gates.values():
            gate.open()
        for secret in (self.secret, *self.proxy_secrets):
            stages = self.world.manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
            for version, labels in stages.items():
                if "AWSPENDING" in labels:
                    self.world.manager.update_secret_version_stage(
                        SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=version)
        active = self.read(self.secret)["username"]
        with self.world.database.admin() as admin:
            for user, name in zip(self.users, self.proxy_secrets):
                password = self.new_password()
                admin.set_password(user, password)
                self.world.manager.put_secret_value(
                    SecretId=name, SecretString=self.proxy_value(user, password))
                if user == active:
                    self.world.manager.put_secret_value(
                        SecretId=self.secret, SecretString=json.dumps(self.value(user, password)))
        self._proxys_client.changed()
