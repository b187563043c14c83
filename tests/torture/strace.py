"""A run of a program that does not get past one of its system calls, by strace's fault injection.

strace sends the signal when the call is entered. SIGKILL takes effect there: the call is not made,
so dying at one call is dying after the one before it was answered and before anything came of it,
and exit_group counts, so that the last death is the one after everything. A SIGTERM or SIGSTOP
takes effect when the call returns: the call was made.

Which calls count: OUTWARD, all that send something or wait for something. Between two of them a
process can change nothing but its own memory, which dies with it; what it has received meanwhile it
has not acted upon. EVERY adds all that touch a socket, mostly to receive what is there already: it
differs in what the peer sees of the death, a reset or an end. Left out are calls on files, which
only read libraries and settings, and close(), which a death does by itself.

strace counts the calls of each name by themselves (given a list, it strikes at the first call of
the list that is the n-th of its own name, and never at the first sendto behind a poll). So a point
is a name and a number: the 7th sendto. It counts each thread's by themselves too, and the signal
ends them all. libcurl resolves host names in a second thread, which changes nothing outside and for
which the first one waits; where a name has to be resolved, some points are struck there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Sequence

from stack.process import Process
from stack.tandem import clean_environment

# `?`: no error on machines that lack the call.
OUTWARD = ("connect,sendto,sendmsg,sendmmsg,shutdown,write,writev,?poll,?ppoll,?select,?pselect6,"
           "?epoll_wait,?epoll_pwait,?epoll_pwait2,exit_group")
EVERY = f"%network,{OUTWARD}"
RUN_MAX = 90  # seconds
STRUCK = re.compile(r"^\d+ +--- SIGSTOP \{", re.M)
ENTERED = re.compile(r"^(\d+) +(\w+)\(", re.M)


@dataclass(frozen=True)
class Run:
    """`struck`: the signal ended it; else it came to its end with `status`."""

    struck: bool
    status: int
    in_main_thread: bool
    output: str
    errors: str


@dataclass(frozen=True)
class Point:
    """The `at`-th call of this name."""

    call: str
    at: int

    def __str__(self) -> str:
        return f"{self.call}:{self.at}"


NOWHERE = Point("exit_group", 2)


class Points:
    """The calls of one program to strike: of each name the n-th, n = `first`, `first` + `stride`,
    … until a run makes fewer, and the undisturbed run did not make more. `current` is None when
    there is none left.

    `calls` are the names of an undisturbed run's calls; `first` is asked for each. How often a run
    polls differs from run to run: so a run that makes fewer calls is not the end by itself.
    """

    def __init__(self, calls: Sequence[str], stride: int, first: Callable[[], int]) -> None:
        self._counts = Counter(calls)
        self._names = iter(sorted(self._counts))
        self._stride = stride
        self._first = first
        self.current: Point | None = None
        self.missed()

    def struck(self) -> None:
        self.current = Point(self.current.call, self.current.at + self._stride)

    def missed(self) -> None:
        if self.current and self.current.at + self._stride <= self._counts[self.current.call]:
            self.struck()
            return
        self.current = None
        for name in self._names:
            first = self._first()
            # A sample does not look for calls that are probably not made.
            if self._stride == 1 or first <= self._counts[name]:
                self.current = Point(name, first)
                return


class OnePoint:
    """The same for a single point."""

    def __init__(self, point: Point) -> None:
        self.current: Point | None = point

    def struck(self) -> None:
        self.current = None

    missed = struck


@dataclass(frozen=True)
class Weapon:
    """Which signal strikes, and the calls that are traced."""

    number: signal.Signals
    calls: str

    def command(self, trace: Path, point: Point) -> list[str]:
        """What goes before the program's own. (With --seccomp-bpf nothing would be injected.)"""
        return ["strace", "-f", "-qq", "-I2", "-e", "signal=all", "-o", str(trace),
                "-e", f"trace={self.calls}", "-e", f"inject={point.call}:"
                f"signal={self.number.name.removeprefix('SIG')}:when={point.at}"]


def why_not() -> str | None:
    """The reason why nothing can be killed here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    weapon = Weapon(signal.SIGKILL, EVERY)
    tried = subprocess.run([*weapon.command(Path("/dev/null"), Point("exit_group", 1)), "true"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if tried.returncode != -signal.SIGKILL:
        return f"strace cannot kill here: {' '.join(tried.stderr.split()) or 'no ptrace?'}"
    return None


def run_struck(argv: Sequence[str | Path], variables: Mapping[str, str], trace: Path,
               point: Point, weapon: Weapon) -> Run:
    """Runs the program to its end, which comes at the point if it gets there."""
    with subprocess.Popen([*weapon.command(trace, point), *map(str, argv)],
                          env=clean_environment(variables), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            output, errors = process.communicate(timeout=RUN_MAX)
        except BaseException:
            end_session(process.pid)
            raise
    return Run(process.returncode == -weapon.number, process.returncode,
               in_main_thread(trace, point), output, errors)


def end_session(leader: int) -> None:
    """strace and what it traces: that would stay behind, stopped or running, if only strace died."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def calls_in(trace: Path) -> list[tuple[str, str]]:
    """Thread and name of each call, in the order in which they were entered."""
    return ENTERED.findall(trace.read_text(errors="replace"))


def in_main_thread(trace: Path, point: Point) -> bool:
    """Whether the first thread was the one that got to the point, or nobody did."""
    calls = calls_in(trace)
    made: Counter[str] = Counter()
    for thread, call in calls:
        made[thread] += call == point.call
        if made[thread] == point.at:
            return thread == calls[0][0]
    return True


class Frozen:
    """A run that SIGSTOP freezes after the call of the point, until `wake` and `wait`."""

    def __init__(self, argv: Sequence[str | Path], variables: Mapping[str, str], trace: Path,
                 point: Point, weapon: Weapon) -> None:
        self.trace = trace
        trace.write_text("")
        self._process = Process("tandem", [*weapon.command(trace, point), *argv],
                                trace.with_suffix(".log"), env=clean_environment(variables))
        self.is_frozen = self._until_frozen()
        self._woken = self._strikes()

    def _until_frozen(self) -> bool:
        """False: it came to its end before."""
        deadline = time.monotonic() + RUN_MAX
        while time.monotonic() < deadline:
            running = self._process.running()
            if "--- stopped by SIGSTOP ---" in self.trace.read_text(errors="replace"):
                return True
            if not running:
                return False
            time.sleep(0.002)
        raise TimeoutError(f"not frozen in {RUN_MAX} s")

    def _strikes(self) -> int:
        return len(STRUCK.findall(self.trace.read_text(errors="replace")))

    def wake(self) -> None:
        self._woken = self._strikes()
        threads = {int(thread) for thread in re.findall(r"^(\d+) ", self.trace.read_text(), re.M)}
        for thread in threads:
            with suppress(ProcessLookupError):
                os.kill(thread, signal.SIGCONT)

    def wait(self, seconds: float) -> bool:
        """Has it come to its end within the time? Each of its threads may get to the point and is
        frozen there: whoever is after the first `wake` is woken at once."""
        deadline = time.monotonic() + seconds
        while self._process.running():
            if time.monotonic() > deadline:
                return False
            if self._strikes() > self._woken:
                self.wake()
            time.sleep(0.01)
        return True

    def stop(self) -> None:
        end_session(self._process.pid)
        self._process.stop()
