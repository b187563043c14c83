"""A throttling storm: fifty rotations at once while Secrets Manager throttles half of all calls.

    python3 tests/torture/storm.py --build-dir build [--rotations 50] [--throttled 0.5]
        [--engine mariadb]

Twice: fifty `tandem rotate` at once, each with its default deadline; and fifty secrets whose
function is called for all of them at once, by a few Lambda processes. All must finish, at the first
attempt: AWSCURRENT is the other user and logs in, AWSPREVIOUS still does. And it must have been a
storm: the share of calls that were refused is the one that was asked for, but for chance.
"""

from __future__ import annotations

import argparse
import json
import math
import secrets
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Iterator

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.application import application_secret  # noqa: E402
from stack.database import ENGINES, left_out  # noqa: E402
from stack.process import Folder, end_on_signals  # noqa: E402
from stack.sandbox import FUNCTION_ARN, Sandbox  # noqa: E402
from stack.session import DatabaseError  # noqa: E402
from stack.tandem import Lambda, clean_environment, program  # noqa: E402

PATIENCE = 280   # seconds; TANDEM_TIMEOUT is 300 by default
FUNCTIONS = 16   # Lambda processes: what waits does not need a processor
CHANCE = 5       # standard deviations by which the refused calls may differ from their share
STEPS_CALL = ("DescribeSecret", "GetSecretValue", "BatchGetSecretValue", "PutSecretValue",
              "UpdateSecretVersionStage")


class Storm:
    def __init__(self, stack: ExitStack, build: Path, count: int, throttled: float,
                 engine: str) -> None:
        self.build, self.count, self.throttled = build, count, throttled
        self.folder = stack.enter_context(Folder())
        self.database = stack.enter_context(ENGINES[engine].database()(self.folder))
        self.sandbox = stack.enter_context(Sandbox(
            self.folder, build, "--retry-delay-ms", "200", "--lambda-timeout-ms", "300000"))
        self.manager = self.sandbox.client("secretsmanager")
        self.environment = {**self.sandbox.environment(),
                            "TANDEM_DATABASE_CA": str(self.database.authority.ca)}

    def make(self, kind: str, *, function: bool) -> list[str]:
        """The secrets, one a pair of users; AWSPREVIOUS knows the inactive user's password."""
        with self.database.admin() as admin:
            return [self._make_one(admin, f"{kind}{number}", function)
                    for number in range(self.count)]

    def _make_one(self, admin: Any, name: str, function: bool) -> str:
        passwords = {user: secrets.token_urlsafe(18) for user in (name, f"{name}-clone")}
        self.database.create_users(admin, passwords)
        first, second = (json.dumps(application_secret(
            "aws", self.database, user, passwords[user], {"rotation_usernames": list(passwords)}))
            for user in reversed(passwords))
        self.manager.create_secret(Name=name, SecretString=first)
        self.manager.put_secret_value(SecretId=name, SecretString=second)
        if function:
            self.manager.rotate_secret(SecretId=name, RotationLambdaARN=FUNCTION_ARN,
                                       RotationRules={"AutomaticallyAfterDays": 30},
                                       RotateImmediately=False)
        return name

    def begin(self, actions: tuple[str, ...]) -> None:
        self.sandbox.clear_journal()
        self.sandbox.set_faults(*(
            {"action": action, "kind": "throttle", "times": -1, "probability": self.throttled}
            for action in actions))

    def end(self, kind: str, took: dict[str, float], problems: list[str]) -> int:
        """Prints what it came to; how many failed."""
        self.sandbox.set_faults()
        calls = [call for call in self.sandbox.journal() if call["service"] == "secretsmanager"]
        refused = sum(call["fault"] == "throttle" for call in calls)
        for secret in took:
            problems += [f"{secret}: {problem}" for problem in self._look_at(secret)]
        problems += self._no_storm(calls)
        for problem in problems:
            print(f"FAILED {kind}: {problem}")
        failed = len({problem.partition(":")[0] for problem in problems})
        print(f"{kind:16} {self.count:4} rotations {len(calls):5} calls {refused:5} throttled,"
              f" {statistics.median(took.values()):5.1f} s in the middle,"
              f" {max(took.values()):5.1f} s at the most", flush=True)
        return failed

    def _no_storm(self, calls: list[dict[str, Any]]) -> list[str]:
        """What is wrong when the program was not hindered as it should have been."""
        exposed = [call for call in calls if call["action"] in STEPS_CALL]
        refused = sum(call["fault"] == "throttle" for call in exposed)
        expected = len(exposed) * self.throttled
        chance = CHANCE * math.sqrt(expected * (1 - self.throttled))
        if refused and abs(refused - expected) <= chance:
            return []
        return [f"no storm: {refused} of {len(exposed)} calls of the steps were throttled, not"
                f" {expected:.0f} (or {chance:.0f} more or less)"]

    def _look_at(self, secret: str) -> Iterator[str]:
        for stage, user in (("AWSCURRENT", f"{secret}-clone"), ("AWSPREVIOUS", secret)):
            value = json.loads(self.manager.get_secret_value(
                SecretId=secret, VersionStage=stage)["SecretString"])
            if value["username"] != user:
                yield f"{stage} is {value['username']}"
                continue
            try:
                self.database.connect(user, value["password"]).close()
            except DatabaseError as error:
                yield f"{stage} does not log in: {error}"

    def commands(self) -> int:
        """Fifty processes, started one after the other as fast as that goes."""
        names = self.make("command", function=False)
        self.begin(("*",))
        running = {}
        for name in names:
            running[name] = (time.monotonic(), subprocess.Popen(
                [program(self.build), "rotate", name], env=clean_environment(self.environment),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True))
        took, problems = {}, []
        try:
            wait_for(lambda: [name for name, (begun, process) in running.items()
                              if name not in took and process.poll() is not None],
                     lambda name: took.update({name: time.monotonic() - running[name][0]}), names)
        finally:
            for name, (begun, process) in running.items():
                process.kill()
                _, error = process.communicate()
                took.setdefault(name, time.monotonic() - begun)
                if process.returncode != 0:
                    problems.append(f"{name}: exit status {process.returncode}: {error.strip()}")
        return self.end("tandem rotate", took, problems)

    def function(self) -> int:
        """RotateSecret for all; Secrets Manager calls the function in its own time."""
        with ExitStack() as stack:
            for number in range(FUNCTIONS):
                stack.enter_context(Lambda(self.folder, self.build, self.sandbox, self.environment))
            names = self.make("function", function=True)
            wait_for(lambda: [] if self._running() else names, lambda name: None, names)
            self.begin(STEPS_CALL)
            begun = {name: time.monotonic() for name in names}
            tokens = {self.manager.rotate_secret(SecretId=name)["VersionId"]: name
                      for name in names}
            took: dict[str, float] = {}
            wait_for(lambda: [tokens[rotation["token"]] for rotation in self.sandbox.rotations()
                              if rotation["token"] in tokens and rotation["state"] != "running"
                              and tokens[rotation["token"]] not in took],
                     lambda name: took.update({name: time.monotonic() - begun[name]}), names)
            for name in names:
                took.setdefault(name, time.monotonic() - begun[name])
            problems = [f"{tokens[rotation['token']]}: {rotation['state']} in {rotation['step']}:"
                        f" {rotation['error']}" for rotation in self.sandbox.rotations()
                        if rotation["token"] in tokens and rotation["state"] != "succeeded"]
            problems += [f"{name}: took {rotation['attempts']} attempts"
                         for rotation in self.sandbox.rotations()
                         if (name := tokens.get(rotation["token"])) and rotation["attempts"] > 1]
            return self.end("RotateSecret", took, problems)

    def _running(self) -> bool:
        return any(rotation["state"] == "running" for rotation in self.sandbox.rotations())


def wait_for(ended: Callable[[], list[str]], note: Callable[[str], None], names: list[str]) -> None:
    """Until all have ended, or nobody has any more patience."""
    until, left = time.monotonic() + PATIENCE, set(names)
    while left and time.monotonic() < until:
        for name in ended():
            note(name)
            left.discard(name)
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"), help="default: build")
    parser.add_argument("--rotations", type=int, default=50, help="at once; default: 50")
    parser.add_argument("--throttled", type=float, default=0.5, help="of all calls; default: 0.5")
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    options = parser.parse_args()
    end_on_signals()
    if left_out(options.engine, "storm"):
        return 0
    with ExitStack() as stack:
        storm = Storm(stack, options.build_dir, options.rotations, options.throttled,
                      options.engine)
        failed = storm.commands() + storm.function()
    print(f"storm: {2 * options.rotations - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
