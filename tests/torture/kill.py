"""Kills Tandem at every system call that leaves the process, and looks whether anybody noticed.

    python3 tests/torture/kill.py --build-dir build                every call of every plan
    python3 tests/torture/kill.py --build-dir build --seconds 60   a sample; [--seed N] repeats it
    python3 tests/torture/kill.py --build-dir build --plan proxy --step setSecret --at sendto:7
    python3 tests/torture/kill.py --build-dir build --self-test    can it fail?
Each with --engine mariadb or mysql, too.

The program is the release build; the database is real, a pooler is in RDS Proxy's place, the
sandbox stands in for AWS; TLS everywhere. strace kills the program at its n-th connect, sendto,
poll and so on (strace.py says which calls count), n = 1, 2, 3, … until a run makes fewer. After
each kill, before anything mends it: a new login of every client, AWSPREVIOUS, the labels, the
active user's verifier. Then the step runs again and must leave exactly the labels that an
undisturbed one leaves; when the rotation is over, both credentials and both proxy secrets must be
right. Clients read AWSCURRENT and log in all the while, and one refused login is a failure.

A sample takes every k-th call of a name, the first by chance: over many runs every one is hit.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Sequence

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.database import ENGINES, left_out  # noqa: E402
from stack.process import Folder, StackError, end_on_signals  # noqa: E402
from torture import strace  # noqa: E402
from torture.modes import MODES, Choose, GivenUp, Installation, Kill, Plan  # noqa: E402
from torture.sabotage import self_test  # noqa: E402
from torture.subject import STEPS  # noqa: E402

PLANS = (
    Plan("proxy", "users change themselves, proxy pair", "steps", "proxy"),
    Plan("admin-proxy", "admin secret, proxy pair", "steps", "admin-proxy"),
    Plan("admin-clone", "admin secret, clone is missing", "steps", "admin-clone"),
    Plan("plain", "users change themselves, no proxy", "steps", "plain"),
    Plan("plain-term", "the same, twice by SIGTERM", "steps", "plain", signal.SIGTERM, times=2),
    Plan("rotate", "`tandem rotate`, proxy pair, host names", "rotate", "proxy", host="localhost"),
    Plan("lambda", "Lambda function, admin secret, proxy pair", "lambda", "admin-proxy"),
    Plan("zombie", "frozen, woken too late, proxy pair", "frozen", "proxy", signal.SIGSTOP),
)
COST = 2  # a rotation with kills takes so many times an undisturbed one, about


@dataclass
class Result:
    """What one plan came to."""

    plan: Plan
    again: str  # the command that repeats it, but for step and call
    kills: list[Kill] = field(default_factory=list)
    logins: int = 0
    failed_logins: int = 0
    late_failures: list[str] = field(default_factory=list)  # of logins after the last check
    seconds: float = 0.0
    given_up: str | None = None  # why

    def failures(self) -> int:
        return (sum(bool(kill.problems) for kill in self.kills) + (self.given_up is not None)
                + bool(self.failed_logins))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"))
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--plan", action="append", choices=[plan.name for plan in PLANS])
    parser.add_argument("--step", action="append", choices=STEPS,
                        help="kill in this step only, where steps are processes")
    parser.add_argument("--at", type=point, metavar="CALL:N", help="kill at this call only")
    parser.add_argument("--every-call", action="store_true",
                        help="count calls that only receive, too: three times as many")
    parser.add_argument("--stride", type=int, default=1, help="take every k-th call")
    parser.add_argument("--seconds", type=float, help="choose the stride to take about so long")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000),
                        help="of the first call, with --stride or --seconds")
    parser.add_argument("--json", type=Path, help="write every kill to this file")
    parser.add_argument("--self-test", action="store_true",
                        help="break the installation on purpose: each check must notice")
    options = parser.parse_args()
    end_on_signals()
    if left_out(options.engine, "kill"):
        return 0
    reason = strace.why_not()
    if reason is not None:
        print(f"skip: kill: {reason}")
        print("kill: 0 passed, 0 failed, 1 skipped")
        return 0
    try:
        with Folder() as folder:
            with Installation(folder, options.build_dir, options.engine) as installation:
                return torture(installation, options)
    except StackError as error:
        print(f"kill: {error}", file=sys.stderr)
        return 1


def torture(installation: Installation, options: argparse.Namespace) -> int:
    if options.self_test:
        passed, failed = self_test(installation, PLANS[0])
    else:
        print_header(options)
        results = []
        for plan in chosen(options):
            results.append(run_plan(installation, plan, options))
            print_row(results[-1])
        print_totals(results)
        passed = sum(len(result.kills) for result in results) - sum(
            bool(kill.problems) for result in results for kill in result.kills)
        failed = sum(result.failures() for result in results)
        if options.json:
            options.json.write_text(json.dumps(as_json(results, options.seed), indent=1) + "\n")
    print(f"kill: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def chosen(options: argparse.Namespace) -> list[Plan]:
    return [plan for plan in PLANS if not options.plan or plan.name in options.plan]


def chooser(plan: Plan, options: argparse.Namespace, ends_at: float) -> Choose:
    """Which calls a plan strikes, when it knows what there are and how long one takes."""
    draw = random.Random(f"{options.seed} {plan.name}")

    def choose(calls: Sequence[str], rotations: int, seconds: float) -> strace.Points:
        if options.at is not None:
            return strace.OnePoint(options.at)
        stride = options.stride
        if options.seconds is not None:
            left = max(1.0, ends_at - time.monotonic())
            # However slow the machine is, some are struck.
            most = max(Counter(calls).values()) // 3
            stride = max(1, min(most, math.ceil(rotations * seconds * COST / left)))
        return strace.Points(calls, stride, lambda: draw.randint(1, stride))

    return choose


def steps_of(plan: Plan, options: argparse.Namespace) -> Sequence[str]:
    """Waiting for a deadline takes its time in each step: a sample in seconds takes one of them."""
    if options.step or plan.mode != "frozen" or options.seconds is None:
        return options.step or STEPS
    return [random.Random(options.seed).choice(STEPS)]


def point(text: str) -> strace.Point:
    """CALL:N of the command line."""
    call, _, at = text.partition(":")
    return strace.Point(call, int(at))


def run_plan(installation: Installation, plan: Plan, options: argparse.Namespace) -> Result:
    result = Result(plan, f"python3 tests/torture/kill.py --build-dir '{options.build_dir}'"
                    f"{' --every-call' if options.every_call else ''} --engine {options.engine}"
                    f" --plan {plan.name}")
    begun = time.monotonic()
    with installation.subject(plan.subject) as subject, subject.clients() as clients:
        ends_at = begun + (options.seconds or 0) / len(chosen(options))
        mode = MODES[plan.mode](installation, plan, subject, clients, steps_of(plan, options),
                                chooser(plan, options, ends_at),
                                strace.EVERY if options.every_call else strace.OUTWARD)
        try:
            mode.run()
        except (GivenUp, TimeoutError, subprocess.TimeoutExpired) as error:
            result.given_up = str(error)
        result.kills = mode.kills
    result.logins, result.failed_logins = clients.logins(), clients.failed()
    result.late_failures = clients.new_failures()
    result.seconds = time.monotonic() - begun
    return result


def print_header(options: argparse.Namespace) -> None:
    if options.at is None and (options.seconds or options.stride > 1):
        print(f"a sample, --seed {options.seed}")
    print(f"{'survived / kills tried':44}" + "".join(f"{step:>14}" for step in STEPS)
          + f"{'logins':>9}{'failed':>8}{'s':>6}", flush=True)


def print_row(result: Result) -> None:
    cells = []
    for step in STEPS:
        kills = [kill for kill in result.kills if kill.step == step]
        good = sum(not kill.problems for kill in kills)
        cells.append(f"{good} / {len(kills)}" if kills else "-")
    print(f"{result.plan.title:44}" + "".join(f"{cell:>14}" for cell in cells)
          + f"{result.logins:>9}{result.failed_logins:>8}{result.seconds:>6.0f}", flush=True)


def print_totals(results: list[Result]) -> None:
    for result in results:
        print_troubles(result)
    kills = [kill for result in results for kill in result.kills]
    elsewhere = sum(not kill.in_main_thread for kill in kills)
    print(f"{len(kills)} kills, {elsewhere} of them in another thread than the first;"
          f" {sum(result.logins for result in results)} logins with AWSCURRENT,"
          f" {sum(result.failed_logins for result in results)} failed")


def print_troubles(result: Result) -> None:
    for kill in result.kills:
        if kill.problems:
            print(f"FAILED: {result.plan.title}: {kill.step}, {kill.point}:")
            for problem in kill.problems:
                print(f"    {problem}")
            print(f"    again: {result.again} --step {kill.step} --at {kill.point}")
    if result.failed_logins:
        print(f"FAILED: {result.plan.title}: {result.failed_logins} logins failed; after the last"
              f" check: {'; '.join(result.late_failures) or 'none'}")
    if result.given_up:
        print(f"GIVEN UP: {result.plan.title}: {result.given_up}")


def as_json(results: list[Result], seed: int) -> dict:
    return {"seed": seed, "plans": [
        {"name": result.plan.name, "title": result.plan.title, "signal": result.plan.number.name,
         "logins": result.logins, "failed_logins": result.failed_logins,
         "seconds": round(result.seconds, 1), "given_up": result.given_up,
         "kills": [{**asdict(kill), "point": str(kill.point)} for kill in result.kills]}
        for result in results]}


if __name__ == "__main__":
    sys.exit(main())
