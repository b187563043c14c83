"""A hostile network between Tandem and each place it talks to: Secrets Manager, database, proxy.

    python3 tests/torture/network.py --build-dir build                   a choice, about a minute
    python3 tests/torture/network.py --build-dir build --full            of every kind, ten minutes
    python3 tests/torture/network.py --build-dir build --only database/setSecret/half-open-down/1234
Each with --engine mariadb or mysql, too.

Each case begins a rotation, goes as far as the step in question, lets the network turn hostile,
runs that step, and asserts: it ended inside its deadline; with the right error class, and a message
that names the place; nothing but TLS was spoken and no password or key crossed in clear; AWSCURRENT
is still the old one, or in finishSecret the new one if that was proven, and logs in, directly and
through the proxy. Then the network heals, and the rotation must finish.

A kind is a place, a step and a fault, which strikes at a position; there are many. The short form
has a case of each place and fault, as far as its time goes; --full one of every kind, and others, by
chance, for as long as it may; nothing runs them all. Of each fault that strikes at a byte --full
also wants to have seen every way to end that is allowed. Lanes run cases side by side, each with
users, secrets, gates and a proxy of its own, because a case mostly waits.
"""

from __future__ import annotations

import argparse
import base64
import queue
import random
import re
import socket
import sys
import threading
import uuid
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from stack.database import ENGINES, left_out  # noqa: E402
from stack.process import end_on_signals  # noqa: E402
from torture import network_cases as cases  # noqa: E402
from torture import mysql_impostor, network_mysql  # noqa: E402
from torture.gate import PLACED, UP, Recording  # noqa: E402
from torture.impostor import HttpsImpostor, Impostor, Scripted, md5_answer  # noqa: E402
from torture.network_cases import (ANSWERS, AWS, DATABASE, DONE, PROXY, STEPS,  # noqa: E402
                                   TALKS_TO, Case)
from torture.network_lane import Broken, Ended, Lane, World  # noqa: E402

DEADLINE = 5       # seconds the step is given: TANDEM_TIMEOUT
# Seconds on top, to start the process and to let it end. On two cores with a load of ten the slowest
# needed 0.1 s; ten times that.
MARGIN = 1
EVERY = 97         # the full form goes through all bytes in such steps, besides the borders
SHORT, FULL = 45, 380  # seconds of cases, as estimated
OVERHEAD = 1.2     # seconds that a case takes besides its step
MEMORY_MIB = 64    # the most that a hostile answer may make the process grow to
MEMORY_SANITIZED_MIB = 512
DIALECTS = {"postgres": cases.POSTGRES_DIALECT, "mariadb": network_mysql.DIALECT,
            "mysql": network_mysql.DIALECT}


# One case -------------------------------------------------------------------------------------

def run_case(lane: Lane, case: Case) -> Ended:
    token = str(uuid.uuid4())
    before = lane.version()
    lane.go_to(case.step, token)
    if case.place == PROXY:
        lane.wait_for_proxy(token)
    gate = lane.gates[case.place]
    for other in lane.gates.values():
        other.open()
    with ExitStack() as stack:
        actor, variables, wrap = arm(stack, lane, case)
        gate.set(case.gate, actor.port if actor else None)
        ended = lane.run(case.step, token, DEADLINE, wrap, **variables)
        recordings = {place: gate.recordings for place, gate in lane.gates.items()}
    gate.open()

    for stage in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"):  # learn them, to look for them
        if lane.version(stage):
            lane.read(lane.secret, VersionStage=stage)
    check_crossing(lane, case, recordings[case.place], actor, ended)
    check_end(lane, case, ended)
    if case.step == "finishSecret":
        check_promoted(lane, case, ended, recordings, token)
    elif lane.version() != before:
        raise Broken("AWSCURRENT has moved")
    lane.check_current("after the fault")
    for step in STEPS:
        lane.must_run(step, token)
    if lane.version() != token:
        raise Broken("AWSCURRENT is not the new version at the end")
    lane.check_current("at the end")
    previous = lane.read(lane.secret, VersionStage="AWSPREVIOUS")
    if not lane.logs_in(lane.world.database.connect, previous):
        raise Broken("AWSPREVIOUS does not log in at the end")
    return ended


def arm(stack: ExitStack, lane: Lane, case: Case
        ) -> tuple[Impostor | None, dict[str, str], list[str] | None]:
    """Whoever stands behind the gate, and what the program must be told so that it goes there."""
    world, authority = lane.world, lane.authorities[case.place]
    dialect = DIALECTS[world.engine.name]
    if case.actor == "certificate":
        context = world.context(authority, case.script)
        if case.place == AWS:
            return stack.enter_context(HttpsImpostor(context)), {}, None
        return stack.enter_context(Scripted(dialect.handshake, context)), {}, None
    if case.actor == "lie":
        return stack.enter_context(Scripted(
            dialect.scripts[case.script], world.context(authority))), {}, None
    if case.actor == "http":
        name, _, action = case.script.partition(":")
        answer = ANSWERS[name][1]
        if name.startswith("redirect"):
            plain, port = cases.listener()
            stack.enter_context(plain)
            stack.callback(nobody_called, plain)
            status = "307 Temporary Redirect" if name == "redirect-307" else "302 Found"
            answer = cases.said(cases.redirect(status, port))
        return stack.enter_context(HttpsImpostor(
            world.context(authority), world.sandbox.port, authority.ca, action, answer)), {}, None
    if case.actor == "dns":
        variables = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": f"https://{cases.AWS_NAME}"} \
            if case.place == AWS else {}
        return None, variables, world.wrap(case.place, case.script)
    return None, {}, None


def nobody_called(plain: socket.socket) -> None:
    plain.setblocking(False)
    try:
        plain.accept()
    except BlockingIOError:
        return
    raise Broken("the redirect was followed, in plaintext")


def check_end(lane: Lane, case: Case, ended: Ended) -> None:
    if ended.seconds > DEADLINE + MARGIN and not case.computes:
        raise Broken(f"took {ended.seconds:.1f} s of {DEADLINE} s: {ended.result}: {ended.message}")
    if ended.result not in case.ends:
        raise Broken(f"ended {ended.result}, not {' or '.join(case.ends)}: {ended.message}")
    missing = [word for word in case.words if re.search(word, ended.message) is None]
    if ended.result != DONE and missing:
        raise Broken(f"the message does not say {missing}: {ended.message}")
    if ended.peak_mib > (MEMORY_SANITIZED_MIB if lane.world.sanitized else MEMORY_MIB):
        raise Broken(f"grew to {ended.peak_mib:.0f} MiB")


def check_promoted(lane: Lane, case: Case, ended: Ended, recordings: dict[str, list[Recording]],
                   token: str) -> None:
    """AWSCURRENT moves when finishSecret went well, or when only the answer to its last request was
    lost; and not before this process has gone through the whole proof at every login."""
    moved = lane.version() == token
    if not moved and ended.result == DONE:
        raise Broken("finishSecret went well, and AWSCURRENT has not moved")
    if not moved:
        return
    lost = case.place == AWS and case.gate.kind in PLACED and "promoting the new" in ended.message
    if ended.result != DONE and not lost:
        raise Broken(f"AWSCURRENT has moved, although: {ended.message}")
    for place in (DATABASE, PROXY):
        whole = lane.world.clean[place, "finishSecret"].sent
        if not any(all(len(recording.sent[way]) >= len(whole[way]) - cases.SLACK for way in whole)
                   for recording in recordings[place]):
            raise Broken(f"AWSCURRENT has moved, and nobody had proven it at the {place}")


def check_crossing(lane: Lane, case: Case, recordings: list[Recording], actor: Impostor | None,
                   ended: Ended) -> None:
    for recording in recordings:
        check_tls_only(lane, bytes(recording.sent[UP]), case.place)
        for data in recording.sent.values():
            check_no_secret(lane, bytes(data), "on the wire")
    check_no_secret(lane, ended.output.encode(), "in the output")
    if actor is None:
        return
    check_no_secret(lane, bytes(actor.clear), "in clear")
    if case.actor == "certificate" and actor.secure:
        raise Broken(f"took the certificate, and said {len(actor.secure)} bytes")
    if case.actor == "lie":
        if case.script not in network_mysql.SHOWN_TO_WHO_IS_VERIFIED:
            check_no_secret(lane, bytes(actor.secure), "as a password that was asked for")
        if mysql_impostor.IN_FILE in actor.secure:
            raise Broken("it sent a file that was asked for")
        if (case.place, case.step) == (DATABASE, "setSecret"):
            check_no_md5(lane, bytes(actor.secure))


def check_tls_only(lane: Lane, said: bytes, place: str) -> None:
    """Secrets Manager hears TLS; the others the question for it, and nothing before their yes."""
    if place != AWS:
        try:
            said = said[DIALECTS[lane.world.engine.name].question(said):]
        except ValueError:
            raise Broken(f"said {said[:8]!r} first") from None
    if not b"\x16\x03".startswith(said[:2]):
        raise Broken(f"said {said[:8]!r} in clear")


def check_no_secret(lane: Lane, data: bytes, where: str) -> None:
    for secret in lane.known:
        for form in (secret.encode(), base64.b64encode(secret.encode())):
            if form in data:
                raise Broken(f"a password or key is {where}")


def check_no_md5(lane: Lane, data: bytes) -> None:
    """Where a server must prove that it knows the password; elsewhere it may ask for MD5."""
    for password in lane.known:
        if any(md5_answer(user, password) in data for user in lane.users):
            raise Broken("an answer to the request for MD5 came from a password")


# All of them ----------------------------------------------------------------------------------

def measure(lane: Lane) -> dict[tuple[str, str], Recording]:
    """One rotation in peace: what crosses each gate in each step, on its first connection."""
    clean: dict[tuple[str, str], Recording] = {}
    token = str(uuid.uuid4())
    for step in STEPS:
        if step == "testSecret":
            lane.wait_for_proxy(token)
        for gate in lane.gates.values():
            gate.open()
        lane.must_run(step, token)
        for place, gate in lane.gates.items():
            if bool(gate.recordings) != (step in TALKS_TO[place]):
                raise Broken(f"{step} {'talks' if gate.recordings else 'never talks'} to {place}")
            if gate.recordings:
                clean[place, step] = gate.recordings[0]
    return clean


def kind_of(case: Case) -> tuple[str, str, str]:
    return case.place, case.step, case.fault


def choose(made: list[Case], seconds: float, lanes: int, seed: int, every_kind: bool) -> list[Case]:
    """A case of each place and fault first, then of each kind, then whatever the time allows; by the
    seed. `every_kind`: whatever time that takes."""
    shuffled = random.Random(seed).sample(made, len(made))
    seen: set[tuple[str, ...]] = set()
    rank: dict[str, int] = {}
    for case in shuffled:
        coarse = (case.place, case.fault)
        rank[case.name] = 0 if coarse not in seen else 1 if kind_of(case) not in seen else 2
        seen |= {coarse, kind_of(case)}
    chosen, left = [], seconds * lanes
    for case in sorted(shuffled, key=lambda case: rank[case.name]):
        if left > 0 or (every_kind and rank[case.name] < 2):
            chosen.append(case)
            left -= case.seconds + OVERHEAD
    # The long ones first, so that no lane is left alone with them.
    return sorted(chosen, key=lambda case: -case.seconds)


class Tally:
    """Counts and tells; shared by the lanes."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._allowed: dict[str, set[str]] = defaultdict(set)
        self._seen: dict[str, set[str]] = defaultdict(set)
        self.failed = 0
        self.slowest = 0.0

    def skip(self, case: Case) -> None:
        with self._lock:
            self._rows[row_of(case)][2] += 1

    def add(self, case: Case, result: str, seconds: float, problem: str | None) -> None:
        with self._lock:
            if case.gate.kind in PLACED:
                self._allowed[case.gate.kind].update(case.ends)
                self._seen[case.gate.kind].add(result)
            row = self._rows[row_of(case)]
            row[0] += 1
            row[1] += problem is None
            if not case.computes:
                self.slowest = max(self.slowest, seconds)
            if problem is not None:
                self.failed += 1
                print(f"FAILED {case.name}: {problem}\n"
                      f"  again: {self._command} --only '{case.name}'", flush=True)

    def lose(self, lane: Lane, case: Case, problem: str) -> None:
        """A lane that goes no further; the others take its cases."""
        with self._lock:
            self.failed += 1
            print(f"FAILED {lane.secret} cannot start over after {case.name}: {problem}",
                  flush=True)

    def end(self, chosen: int) -> bool:
        """Prints what it came to; True when every chosen case passed or was skipped, and not all
        were skipped."""
        cases_, passed, skipped = (sum(row[i] for row in self._rows.values()) for i in range(3))
        left = chosen - cases_ - skipped
        if left:
            self.failed += left
            print(f"FAILED {left} of {chosen} cases were not run")
        self._print_table()
        print(f"each cell: cases as expected / cases; the slowest step took {self.slowest:.1f} s"
              f" of {DEADLINE} + {MARGIN}")
        print(f"network: {passed} passed, {self.failed} failed"
              + (f", {skipped} skipped" if skipped else ""))
        return self.failed == 0 and passed > 0

    def check_ways(self, rarely: tuple[str, ...]) -> None:
        """Of each fault that strikes at a byte there are so many cases that every way to end that
        is allowed must be taken by one, but for those that are taken `rarely`: else it need not be
        allowed."""
        for fault, allowed in self._allowed.items():
            if never := sorted(allowed - self._seen[fault] - set(rarely)):
                self.failed += 1
                print(f"FAILED {fault}: no case ended {' or '.join(never)}")

    def _print_table(self) -> None:
        faults = sorted({fault for fault, _ in self._rows})
        places = tuple(TALKS_TO)
        print(f"\n{'fault':24}" + "".join(f"{place:>20}" for place in places))
        for fault in faults:
            cells = (self._rows.get((fault, place)) for place in places)
            print(f"{fault:24}" + "".join(f"{cell_of(row):>20}" for row in cells))


def row_of(case: Case) -> tuple[str, str]:
    return case.fault.partition(":")[0], case.place


def cell_of(row: list[int] | None) -> str:
    if row is None:
        return "-"
    return f"{row[1]}/{row[0]}" if row[0] else "skipped"


def work(lane: Lane, todo: queue.SimpleQueue[Case], tally: Tally) -> None:
    while True:
        try:
            case = todo.get_nowait()
        except queue.Empty:
            return
        problem, seconds, result = None, 0.0, ""
        try:
            ended = run_case(lane, case)
            seconds, result = ended.seconds, ended.result
        except Broken as broken:
            problem = str(broken)
        except Exception as error:  # whatever it was, the other cases go on
            problem = f"{type(error).__name__}: {error}"
        tally.add(case, result, seconds, problem)
        if problem is None:
            continue
        try:
            lane.start_over()
        except Exception as error:  # no case of this lane would prove anything now
            tally.lose(lane, case, f"{type(error).__name__}: {error}")
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"), help="default: build")
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--full", action="store_true",
                        help="every kind of case, and more positions")
    parser.add_argument("--only", metavar="CASE", help="a case's name, or how several names begin")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 6),
                        help="chooses the cases")
    parser.add_argument("--seconds", type=float, help="of cases, about")
    parser.add_argument("--lanes", type=int, default=10, help="cases side by side; default: 10")
    parser.add_argument("--every", type=int, help="also every so many bytes")
    options = parser.parse_args()
    command = (f"python3 tests/torture/network.py --build-dir '{options.build_dir}'"
               f" --engine {options.engine}")
    end_on_signals()
    if left_out(options.engine, "network"):
        return 0
    with ExitStack() as stack:
        world = World(stack, options.build_dir, options.engine)
        lanes = [Lane(stack, world, number)
                 for number in range(1 if options.only else options.lanes)]
        clean = world.clean = measure(lanes[0])
        chosen = select(options, clean, len(lanes))
        tally = Tally(command)
        todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
        for case in chosen:
            if case.actor == "dns" and world.no_names:
                tally.skip(case)
            else:
                todo.put(case)
        if world.no_names:
            print(f"skip: DNS: {world.no_names}")
        threads = [threading.Thread(target=work, args=(lane, todo, tally)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if options.full:
            tally.check_ways(DIALECTS[options.engine].rarely)
        return 0 if tally.end(len(chosen)) else 1


def select(options: argparse.Namespace, clean: dict[tuple[str, str], Recording],
           lanes: int) -> list[Case]:
    every = options.every or (EVERY if options.full else 0)
    made = cases.all_cases(clean, every, DIALECTS[options.engine])
    if options.only:
        chosen = [case for case in made if case.name.startswith(options.only)]
        return chosen or [placed_anew(options, clean)]
    seconds = options.seconds or (FULL if options.full else SHORT)
    chosen = choose(made, seconds, lanes, options.seed, options.full)
    kinds, there = len({*map(kind_of, chosen)}), len({*map(kind_of, made)})
    print(f"network: {len(chosen)} of {len(made)} cases,"
          f" {f'every one of {there}' if kinds == there else f'{kinds} of {there}'} kinds,"
          f" in {lanes} lanes, --seed {options.seed}", flush=True)
    return chosen


def placed_anew(options: argparse.Namespace, clean: dict[tuple[str, str], Recording]) -> Case:
    """A case by its position, which this run's own bytes would not have chosen."""
    name = options.only
    stem, _, position = name.rpartition("/")
    for case in cases.all_cases(clean, 1, DIALECTS[options.engine]):
        if case.name == name:
            return case
    raise SystemExit(f"network: there is no case {stem} at {position}")


if __name__ == "__main__":
    sys.exit(main())
