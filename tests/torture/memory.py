"""Takes the memory away: an allocation of the whole process fails, another one in each run.

    python3 tests/torture/memory.py --build-dir build           a sample, in less than a minute
    python3 tests/torture/memory.py --build-dir build --all     one of every kind; hours
    python3 tests/torture/memory.py --build-dir build --each    every single one; days
    python3 tests/torture/memory.py --build-dir build --plan proxy --step setSecret --at 57
    python3 tests/torture/memory.py --build-dir build --each --of libpq.so   only that library's
Each with --engine mariadb or mysql, too.

The program is the release build; the database is real, a pooler and the sandbox stand in for AWS;
TLS everywhere. no_memory.so, preloaded, fails the n-th malloc() of a step, whoever asks for it: the
program, libcurl, OpenSSL, libpq, libc. With --for-good every later one fails too, with --alternate
in every second rotation. The step may do its work or fail, but then as UNAVAILABLE, which is what
no memory is; no signal ends it, it prints no password, and every promise holds at that moment. If it
said that it was done it is not run again, else it must be done the second time; and
when the rotation is over everything must be right. Clients read AWSCURRENT and log in meanwhile.

A step makes tens of thousands of allocations, nearly all of them in SCRAM's 4096 rounds of the same
few. So they are told apart by their size and the sizes of those before: a kind is what has the
same, and of a kind the first one fails. Two runs are not quite alike: a run that ends before it gets
to the allocation is no strike, and no_memory.so says whether it got there.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.database import ENGINES, left_out  # noqa: E402
from stack.process import Folder, StackError, end_on_signals  # noqa: E402
from stack.tandem import clean_environment  # noqa: E402
from torture.modes import GivenUp, Installation, must_be_right  # noqa: E402
from torture.subject import STEPS, Rotation, Subject  # noqa: E402

PLANS = {"proxy": "users change themselves, proxy pair",
         "admin-clone": "admin secret, clone is missing"}
CONTEXT = 4        # allocations before one that make its kind
SECONDS = 40       # that a sample strikes for, all plans together
RUN_MAX = 60       # seconds for one run
FAILURES_MAX = 10  # in one plan; then it is given up
# Whoever has no memory should not make us wait: a step gives up soon.
LIMITS = {"TANDEM_TIMEOUT": "10", "TANDEM_PROXY_WAIT": "5"}
SAID = {0: "done", 1: "failed"}
ERROR_CLASS = "UNAVAILABLE"  # src/core/status.h: OUT_OF_MEMORY


@dataclass
class Strike:
    plan: str
    step: str
    at: int
    status: int
    said: str
    reached: bool  # whether the allocation was asked for, and failed
    for_good: bool = False
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        later = " and all after it" if self.for_good else ""
        return f"{self.plan}: {self.step}, allocation {self.at}{later}, exit status {self.status}"


@dataclass
class Result:
    plan: str
    counts: dict[str, int]  # allocations of each step
    kinds: dict[str, list[int]]  # the first of each kind
    strikes: list[Strike] = field(default_factory=list)
    logins: int = 0
    failed_logins: int = 0
    missed: int = 0  # runs that ended before their allocation
    seconds: float = 0
    given_up: str = ""


class Starved:
    """Runs steps of one subject, with an allocation failing or without."""

    def __init__(self, installation: Installation, plan: str, subject: Subject,
                 options: argparse.Namespace) -> None:
        self.installation = installation
        self.plan = plan
        self.subject = subject
        self.library = private_copy(options.build_dir / "tests" / "no_memory.so",
                                    installation.folder.path)
        self.for_good = options.for_good
        self.library_that_asks = options.of
        self.variables = {**installation.variables("127.0.0.1"), **LIMITS}
        self.known: dict[str, str] = {}  # the password of each version
        self.sizes = installation.folder.path / "allocations"
        self.struck = installation.folder.path / "struck"

    def run(self, step: str, rotation: Rotation,
            at: int | None = None) -> subprocess.CompletedProcess[str]:
        """`at` None: undisturbed; 0: only counted."""
        variables = dict(self.variables)
        if at is not None:
            variables |= {"LD_PRELOAD": str(self.library), "NO_MEMORY_AT": str(at),
                          "NO_MEMORY_SIZES": str(self.sizes),
                          "NO_MEMORY_STRUCK": str(self.struck)}
            variables |= {"NO_MEMORY_FOR_GOOD": "1"} if self.for_good else {}
            variables |= {"NO_MEMORY_OF": self.library_that_asks} if self.library_that_asks else {}
        return subprocess.run(
            [self.installation.program, "step", step, self.subject.secret, rotation.token,
             "--json"], env=clean_environment(variables), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=RUN_MAX, check=False)

    def must_do(self, step: str, rotation: Rotation, at: int | None = None) -> list[str]:
        ran = self.run(step, rotation, at)
        if ran.returncode == 0:
            return []
        return [f"{step} without a failure ended with status {ran.returncode}:"
                f" {' '.join(ran.stderr.split())}"]

    def look(self, step: str, rotation: Rotation) -> tuple[int, list[int]]:
        """How many allocations it makes, and the first of each kind, counted from 1."""
        must_be_right(self.must_do(step, rotation, 0))
        sizes = array("I", self.sizes.read_bytes())
        kinds: dict[tuple[int, ...], int] = {}
        for at in range(len(sizes)):
            kinds.setdefault(tuple(sizes[max(0, at - CONTEXT):at + 1]), at + 1)
        return len(sizes), list(kinds.values())

    def passwords(self) -> list[str]:
        """All that may not be seen. A version's value never changes, so each is read once."""
        manager = self.installation.app.secrets_manager
        for name in (self.subject.secret, *self.subject.proxy_secrets.values()):
            for version in self.subject.labels(name).keys() - self.known.keys():
                try:
                    value = manager.get_secret_value(SecretId=name, VersionId=version)
                    self.known[version] = json.loads(value["SecretString"])["password"]
                except manager.exceptions.ResourceNotFoundException:
                    pass  # a version without a value, as yet
        return [*self.known.values(), self.variables["AWS_SECRET_ACCESS_KEY"],
                self.installation.app.database.admin_password]

    def strike(self, step: str, rotation: Rotation, at: int) -> Strike:
        self.struck.unlink(missing_ok=True)
        try:
            ran = self.run(step, rotation, at)
        except subprocess.TimeoutExpired:
            return Strike(self.plan, step, at, 0, "neither", self.struck.exists(), self.for_good,
                          [f"did not end within {RUN_MAX} s"])
        strike = Strike(self.plan, step, at, ran.returncode,
                        SAID.get(ran.returncode, "neither"), self.struck.exists(), self.for_good)
        if not strike.reached and strike.said != "done":
            strike.problems.append("no allocation failed, and yet it was not done:"
                                   f" {' '.join(ran.stderr.split())}")
        if ran.returncode < 0:
            strike.problems.append(f"ended by {signal.Signals(-ran.returncode).name}:"
                                   f" {' '.join(ran.stderr.split())}")
        elif ran.returncode not in SAID:
            strike.problems.append(f"ended with status {ran.returncode}, which is neither done nor"
                                   f" failed: {' '.join(ran.stderr.split())}")
        if strike.said == "failed" and error_class(ran) != ERROR_CLASS:
            strike.problems.append(f"failed as {error_class(ran)}, not {ERROR_CLASS}:"
                                   f" {' '.join(ran.stderr.split())}")
        if strike.problems and strike.reached:
            strike.problems.append("asked for by " + who_asked(self.struck.read_text()))
        if any(password in ran.stdout + ran.stderr for password in self.passwords()):
            strike.problems.append("printed a password")
        strike.problems += rotation.wrong_now(step)
        return strike


def who_asked(trace: str) -> str:
    """The callers, the last one first, without no_memory's own and the first ones of all."""
    frames = re.findall(r"([\w.+-]+)\((\w*\+0x[0-9a-f]+)\)", trace)
    return ", ".join(f"{file}:{place}" for file, place in frames if "no_memory" not in file)[:600]


def error_class(ran: subprocess.CompletedProcess[str]) -> str:
    """As the program says it with --json; by its sentence when it could not even start."""
    found = re.search(r'"errorClass":"(\w+)"', ran.stdout)
    if found:
        return found[1]
    return ERROR_CLASS if "out of memory" in ran.stderr else "nothing"


def private_copy(library: Path, folder: Path) -> Path:
    """LD_PRELOAD is a list: in a path that is on it there can be no space and no colon."""
    if not library.exists():
        raise StackError(f"{library} is missing: run ci/run.sh build")
    if " " in str(folder) or ":" in str(folder):
        raise StackError(f"set TMPDIR to a path without spaces and colons: {folder}")
    return Path(shutil.copy(library, folder))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"))
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--plan", action="append", choices=PLANS)
    parser.add_argument("--step", action="append", choices=STEPS)
    parser.add_argument("--at", type=int, help="fail this allocation only")
    parser.add_argument("--all", action="store_true", help="fail one of every kind")
    parser.add_argument("--each", action="store_true", help="fail every single one")
    parser.add_argument("--of", metavar="LIBRARY", help="fail only what this library asks for")
    parser.add_argument("--for-good", action="store_true", help="and all after it")
    parser.add_argument("--alternate", action="store_true",
                        help="and all after it, in every second rotation")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for a sample")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    end_on_signals()
    if left_out(options.engine, "memory"):
        return 0
    try:
        with Folder() as folder, \
                Installation(folder, options.build_dir, options.engine) as installation:
            return torture(installation, options)
    except StackError as error:
        print(f"memory: {error}", file=sys.stderr)
        return 1


def torture(installation: Installation, options: argparse.Namespace) -> int:
    if options.at is None and not options.all and not options.each:
        print(f"a sample, --seed {options.seed}")
    print(f"{'survived / tried of kinds':40}" + "".join(f"{step:>19}" for step in STEPS)
          + f"{'logins':>9}{'failed':>8}{'s':>6}", flush=True)
    results = []
    for plan in options.plan or PLANS:
        results.append(run_plan(installation, plan, options))
        print_row(results[-1])
    strikes = [strike for result in results for strike in result.strikes]
    bad = [strike for strike in strikes if strike.problems]
    given_up = [result for result in results if result.given_up]
    for result in results:
        print(f"{PLANS[result.plan]}: allocations "
              + ", ".join(f"{step} {count}" for step, count in result.counts.items()))
    done = sum(strike.said == "done" for strike in strikes)
    print(f"{len(strikes)} runs without memory: {done} did their work all the same, of the others"
          f" {len(strikes) - done - len(bad)} said so and did it the second time;"
          f" {sum(result.missed for result in results)} more ended before their allocation")
    failed = len(bad) + len(given_up) + sum(bool(result.failed_logins) for result in results)
    print(f"memory: {len(strikes) - len(bad)} passed, {failed} failed")
    return 1 if failed or not strikes else 0


def run_plan(installation: Installation, plan: str, options: argparse.Namespace) -> Result:
    result = Result(plan, {}, {})
    begun = time.monotonic()
    with installation.subject(plan) as subject, subject.clients() as clients:
        starved = Starved(installation, plan, subject, options)
        try:
            for _ in range(2):  # until every label is where it will always be
                rotation = Rotation(subject, clients)
                for step in STEPS:
                    result.counts[step], result.kinds[step] = starved.look(step, rotation)
                must_be_right(rotation.wrong_at_end())
            chance = random.Random(f"{options.seed} {plan}")
            for turn, struck in enumerate(points(result, options, chance)):
                starved.for_good = options.for_good or (options.alternate and turn % 2 == 1)
                before = len(result.strikes)
                rotate(starved, Rotation(subject, clients), struck, result)
                latest = result.strikes[before:] or result.strikes[-1:]
                bad = [strike for strike in latest if strike.problems]
                if bad:
                    print_failures(bad, options)
                    with clients.paused():
                        subject.begin_anew()
                    clients.settle()
                    clients.new_failures()
                if sum(bool(strike.problems) for strike in result.strikes) >= FAILURES_MAX:
                    raise GivenUp(f"{FAILURES_MAX} failures in this plan")
            if not result.strikes:
                raise GivenUp("no run got to its allocation")
        except (GivenUp, TimeoutError, subprocess.TimeoutExpired) as error:
            result.given_up = str(error)
            print(f"GIVEN UP: {PLANS[plan]}: {error}", flush=True)
    result.logins, result.failed_logins = clients.logins(), clients.failed()
    result.seconds = time.monotonic() - begun
    return result


def points(result: Result, options: argparse.Namespace,
           chance: random.Random) -> Iterator[dict[str, int]]:
    """Which allocation of each step fails, one rotation after the other."""
    steps = options.step or STEPS
    if options.at is not None:
        yield {step: options.at for step in steps}
        return
    lists = {step: list(range(1, result.counts[step] + 1)) if options.each else result.kinds[step]
             for step in steps}
    end = None if options.each or options.all else (
        time.monotonic() + options.seconds / len(options.plan or PLANS))
    if end is not None:
        for kinds in lists.values():
            chance.shuffle(kinds)
    for turn in range(max(map(len, lists.values()))):
        if end is not None and time.monotonic() > end:
            return
        yield {step: kinds[turn] for step, kinds in lists.items() if turn < len(kinds)}


def rotate(starved: Starved, rotation: Rotation, struck: dict[str, int], result: Result) -> None:
    before = len(result.strikes)
    for step in STEPS:
        strike = starved.strike(step, rotation, struck[step]) if step in struck else None
        if strike is not None and (strike.reached or strike.problems):
            result.strikes.append(strike)
        elif strike is not None:
            result.missed += 1
        # What said that it is done needs no second run.
        if strike is None or strike.said != "done":
            blame(result, starved.must_do(step, rotation))
        if any(strike.problems for strike in result.strikes[before:]):
            return
    blame(result, rotation.wrong_at_end())


def blame(result: Result, wrong: list[str]) -> None:
    """The last strike for what was found wrong after it."""
    if not result.strikes:
        must_be_right(wrong)
    elif wrong:
        result.strikes[-1].problems += wrong


def print_row(result: Result) -> None:
    cells = []
    for step in STEPS:
        strikes = [strike for strike in result.strikes if strike.step == step]
        good = sum(not strike.problems for strike in strikes)
        cells.append(f"{good} / {len(strikes)} of {len(result.kinds[step])}" if strikes else "-")
    print(f"{PLANS[result.plan]:40}" + "".join(f"{cell:>19}" for cell in cells)
          + f"{result.logins:>9}{result.failed_logins:>8}{result.seconds:>6.0f}", flush=True)


def print_failures(bad: list[Strike], options: argparse.Namespace) -> None:
    for strike in bad:
        print(f"FAILED: {strike}")
        for problem in strike.problems:
            print(f"    {problem}")
        print(f"    again: python3 tests/torture/memory.py --build-dir '{options.build_dir}'"
              f" --engine {options.engine} --plan {strike.plan} --step {strike.step} --at {strike.at}"
              + (f" --of {options.of}" if options.of else "")
              + (" --for-good" if strike.for_good else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main())
