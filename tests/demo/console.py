"""What a person sees of the demo: a line per step, then the counts. Colours only on a terminal."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

from stack.application import SECRET, Application
from stack.database import HOST, Engine
from stack.process import required
from stack.tandem import command

from .record import Login, Pickup, Record, Step, duration, failed

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
STEP_COLOURS = {"setSecret": YELLOW, "finishSecret": GREEN}


class Console:
    def __init__(self, record: Record, rotations: int) -> None:
        self._record = record
        self._rotations = rotations
        self._colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def header(self, app: Application, build: Path) -> None:
        self._say(self._in(BOLD, f"Tandem rotates the passwords of a {app.database.title} user pair"
                                 f" while {len(self._record.clients)} clients log in without"
                                 " pause."))
        self._say()
        for name, what, where in (
                (version(build), "the product, run as a Lambda function", ""),
                (f"{app.database.title} {app.database.version}", f"real: {app.database.login}",
                 f"{HOST}:{app.database.port}"),
                (proxy_name(app.engine), "stand-in for RDS Proxy: learns of its secrets late",
                 f"{HOST}:{app.proxy.port}"),
                ("tandem-sandbox", "stand-in for AWS: Secrets Manager, Lambda, STS",
                 app.sandbox.address)):
            self._say(f"  {name:18} {what:52} {where}".rstrip())
        self._say()
        for name, what in (
                ("client direct", "reads AWSCURRENT for every login, at the database"),
                ("client proxied", "reads AWSCURRENT for every login, through the proxy"),
                ("client holding", "reads it once per rotation and keeps it, both ways in turn")):
            self._say(f"  {name:18} {what}")
        self._say()

    def columns(self) -> None:
        self._say(self._in(DIM, f"{'time':>8}  {'rotation':8}  {'step':12}  {'user':9}  {'took':>8}"
                                f"  {'logins':>6}  {'failed':>6}  what happened"))

    def step(self, step: Step, message: str) -> None:
        name = self._in(RED if step.failed else STEP_COLOURS.get(step.name, ""), f"{step.name:12}")
        rotation = f"{step.rotation} of {self._rotations}" if step.rotation else ""
        self._line(step.end, rotation, name, step.user, duration(step.end - step.begin), message)

    def pickup(self, pickup: Pickup) -> None:
        self._line(pickup.at, "", f"{'(proxy)':12}", pickup.user, "",
                   "the proxy has learned the new password")

    def counts(self, seconds: float) -> None:
        self._say()
        self._say(self._in(DIM, f"  {'client':10} {'logins':>7} {'failed':>7} {'median':>8}"
                                f" {'slowest':>8}"))
        for client in self._record.clients:
            self._count(client, self._record.of(client))
        self._count("all", self._record.logins)
        done = sum(rotation.state == "succeeded" for rotation in self._record.rotations)
        self._say()
        self._say(self._in(BOLD, f"  {done} of {self._rotations} rotations,"
                                 f" {len(self._record.logins)} logins,"
                                 f" {len(self._record.failures())} failed, {seconds:.1f} s"))

    def proof(self, words: str) -> None:
        self._say(f"  {words}")

    def verdict(self, problems: list[str]) -> None:
        self._say()
        for problem in problems:
            self._say(self._in(RED, f"  {problem}"))
        verdict = self._in(RED, "FAILED") if problems else self._in(GREEN, "OK: no login failed.")
        self._say(f"  {verdict}")

    def logs_stay(self, folder: Path) -> None:
        self._say(f"  The logs are in {folder}; remove it when you are done.")

    def how_to_call(self, app: Application, build: Path) -> None:
        aws = f"aws --endpoint-url {app.sandbox.url} secretsmanager"
        tandem = shlex.quote(str(build / "tandem"))
        self._say("\nIt is still running. In another terminal:\n")
        for name, value in app.tandem_environment().items():
            self._say(f"  export {name}={shlex.quote(value)}")
        field = (f"{aws} get-secret-value --secret-id {SECRET} --query SecretString --output text |"
                 """ python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])\"""")
        for line in (f"{tandem} status {SECRET}", f"{tandem} check {SECRET}",
                     f"{aws} rotate-secret --secret-id {SECRET}",
                     f"field() {{ {field}; }}",
                     app.database.client_command('"$(field username)"', '"$(field password)"')):
            self._say(f"  {line}")
        self._say(f"\nThrough the proxy: its port is {app.proxy.port},"
                  f" its CA {app.proxy.authority.ca}")
        self._say(f"To stop it: Ctrl-C here, or kill {os.getpid()}")

    def _count(self, client: str, logins: list[Login]) -> None:
        refused, times = len(failed(logins)), [login.took for login in logins] or [0]
        colour = RED if refused else GREEN
        self._say(f"  {client:10} {len(logins):7} {self._in(colour, f'{refused:7}')}"
                  f" {duration(statistics.median(times)):>8} {duration(max(times)):>8}")

    def _line(self, at: float, rotation: str, name: str, user: str, took: str,
              message: str) -> None:
        self._say(f"{at:7.2f}s  {rotation:8}  {name}  {user:9}  {took:>8}"
                  f"  {len(self._record.logins):6}  {len(self._record.failures()):6}  {message}")

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours and colour else text

    def _say(self, text: str = "") -> None:
        with self._record.lock:
            print(text, flush=True)


def version(build: Path) -> str:
    return command(build, {}, "--version").stdout.strip() or "tandem"


def proxy_name(engine: Engine) -> str:
    """With its version, where it has one."""
    if engine.proxy_program is None:
        return engine.proxy().__name__
    output = subprocess.run([required(engine.proxy_program), "--version"], capture_output=True,
                            text=True, check=False).stdout
    return output.splitlines()[0] if output else engine.proxy_program
