"""Kills the rotation of a single user at every system call that leaves the process.

    python3 tests/torture/kill_single.py --build-dir build                every call of every step
    python3 tests/torture/kill_single.py --build-dir build --seconds 30   a sample; [--seed N]

The password of a single user changes under the application (docs/guarantees.md, "One user"). So
AWSCURRENT may be refused after a kill: in finishSecret only, and only where the database has the
pending password instead. Then one more step of the rotation, whichever it is, must make AWSCURRENT
log in again, and the rotation must come to its end. MySQL is asked twice: as a user who may keep a
second password nobody is ever refused.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Iterator

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.application import Application, application_secret  # noqa: E402
from stack.database import ENGINES  # noqa: E402
from stack.process import Folder, StackError, end_on_signals  # noqa: E402
from stack.session import DatabaseError  # noqa: E402
from stack.tandem import clean_environment, program  # noqa: E402
from torture import strace  # noqa: E402

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
SECRET = USER = "solo"
WEAPON = strace.Weapon(signal.SIGKILL, strace.OUTWARD)


@dataclass
class Tally:
    """What one way came to."""

    title: str
    kills: int = 0
    refused: int = 0  # after the kill, until the next step
    problems: list[str] = field(default_factory=list)


class Single:
    """One user and its secret, in an installation of one engine."""

    def __init__(self, folder: Folder, build: Path, engine: str) -> None:
        self.app = Application(folder, build, engine=engine, tls=True)
        self.program = program(build)
        self.trace = folder.path / "strace"
        self.variables = {**self.app.tandem_environment(), "TANDEM_TIMEOUT": "30"}
        self.password = secrets.token_urlsafe(18)
        with self.app.database.admin() as admin:
            self.app.database.create_users(admin, {USER: self.password})
        self.app.secrets_manager.create_secret(Name=SECRET, SecretString=json.dumps(
            application_secret("aws", self.app.database, USER, self.password, {})))

    def let_it_keep_passwords(self) -> None:
        with self.app.database.admin() as admin:
            admin.query(f"GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO '{USER}'@'%'")

    def argv(self, step: str, token: str) -> list[str]:
        return [str(self.program), "step", step, SECRET, token]

    def step(self, step: str, token: str) -> list[str]:
        """Undisturbed; what is wrong when it fails."""
        done = subprocess.run(self.argv(step, token), env=clean_environment(self.variables),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=strace.RUN_MAX, check=False)
        return [] if done.returncode == 0 else [f"{step}: {' '.join(done.stderr.split())}"]

    def strike(self, step: str, token: str, point: strace.Point) -> strace.Run:
        return strace.run_struck(self.argv(step, token), self.variables, self.trace, point, WEAPON)

    def read(self, stage: str) -> tuple[str, str]:
        """Version and password."""
        answer = self.app.secrets_manager.get_secret_value(SecretId=SECRET, VersionStage=stage)
        return answer["VersionId"], json.loads(answer["SecretString"])["password"]

    def logs_in(self, stage: str = "AWSCURRENT") -> bool:
        try:
            self.app.database.connect(USER, self.read(stage)[1]).close()
            return True
        except DatabaseError:
            return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"))
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--seconds", type=float, help="a sample that takes about so long")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    end_on_signals()
    reason = ENGINES[options.engine].may_be_skipped() or strace.why_not()
    if reason is not None:
        print(f"skip: kill, one user: {reason}")
        print("kill, one user: 0 passed, 0 failed, 1 skipped")
        return 0
    try:
        with Folder() as folder:
            single = Single(folder, options.build_dir, options.engine)
            with single.app:
                return torture(single, options)
    except StackError as error:
        print(f"kill, one user: {error}", file=sys.stderr)
        return 1


def torture(single: Single, options: argparse.Namespace) -> int:
    titles = ["one password"]
    if options.engine == "mysql":
        titles = ["two passwords not allowed", "two passwords"]
    draw = random.Random(options.seed)
    if options.seconds:
        print(f"a sample, --seed {options.seed}")
    tallies = []
    for title in titles:
        if title == "two passwords":
            single.let_it_keep_passwords()
        tally = Tally(title)
        tallies.append(tally)
        run(single, tally, options.seconds and options.seconds / len(titles), draw)
        print(f"{title:28} {tally.kills} kills, {tally.refused} times AWSCURRENT was refused until"
              f" the next step, {len(tally.problems)} problems", flush=True)
        for problem in tally.problems:
            print(f"FAILED: {title}: {problem}")
        if title != "two passwords" and not options.seconds and not tally.refused:
            tally.problems.append("no kill hit the moment between the change and the label")
            print(f"FAILED: {title}: {tally.problems[-1]}")
    failed = sum(len(tally.problems) for tally in tallies)
    print(f"kill, one user: {sum(tally.kills for tally in tallies) - failed} passed,"
          f" {failed} failed")
    return 1 if failed else 0


def run(single: Single, tally: Tally, seconds: float | None, draw: random.Random) -> None:
    """Each point of each step, in a rotation of its own; a sample draws them."""
    ends_at = time.monotonic() + (seconds or float("inf"))
    menders = cycle(STEPS)
    points = [(step, point) for step in STEPS for point in points_of(single, tally, step)]
    if seconds:
        # Half of them in the step that matters most.
        points = draw.choices(points, [3 if step == "finishSecret" else 1 for step, _ in points],
                              k=len(points))
    for step, point in points:
        if time.monotonic() > ends_at or len(tally.problems) > 5:
            return
        tally.problems += [f"{step}, {point}: {problem}"
                           for problem in strike(single, tally, step, point, next(menders))]


def points_of(single: Single, tally: Tally, wanted: str) -> Iterator[strace.Point]:
    """Of an undisturbed rotation, which ends."""
    token = str(uuid.uuid4())
    for step in STEPS:
        if step != wanted:
            tally.problems += single.step(step, token)
            continue
        ran = single.strike(step, token, strace.NOWHERE)
        if ran.status != 0:
            tally.problems.append(f"undisturbed {step}: {ran.errors}")
        calls = [call for _, call in strace.calls_in(single.trace)]
        found = [strace.Point(name, number) for name in sorted(set(calls))
                 for number in range(1, calls.count(name) + 1)]
    yield from found


def strike(single: Single, tally: Tally, step: str, point: strace.Point,
           mender: str) -> Iterator[str]:
    """A rotation whose `step` is killed there; what is wrong after it."""
    token = str(uuid.uuid4())
    for before in STEPS[:STEPS.index(step)]:
        yield from single.step(before, token)
    if not single.strike(step, token, point).struck:
        yield from end(single, token, STEPS[STEPS.index(step) + 1:])
        return
    tally.kills += 1
    if not single.logs_in():
        tally.refused += 1
        if tally.title == "two passwords" or step != "finishSecret":
            yield "AWSCURRENT does not log in"
        elif not single.logs_in("AWSPENDING"):
            yield "neither AWSCURRENT nor AWSPENDING logs in"
        yield from single.step(mender, token)
        if not single.logs_in():
            yield f"{mender} did not make AWSCURRENT log in again"
    yield from end(single, token, STEPS[STEPS.index(step):])


def end(single: Single, token: str, steps: tuple[str, ...]) -> Iterator[str]:
    for step in steps:
        yield from single.step(step, token)
    if single.read("AWSCURRENT")[0] != token:
        yield "the rotation did not come to its end"
    if not single.logs_in():
        yield "at the end AWSCURRENT does not log in"


if __name__ == "__main__":
    sys.exit(main())
