"""A run of a program that does not get past its n-th call, by strace's fault injection.

strace sends the signal when the call is entered. SIGKILL takes effect there: the call is not made,
so dying at call n+1 is dying after call n was answered and before anything came of it, and the
last call counted is exit_group, so that the last death is the one after everything. A SIGTERM or
SIGSTOP takes effect when the call returns: the call was made.

Which calls count: all that send, receive or wait (CALLS). Between two of them a process can change
nothing but its own memory, which dies with it. Left out are calls on files, which only read
libraries and settings, and close(), which a death does by itself; `uncounted` finds a socket that
is read like a file.

strace counts each thread's calls by themselves, and the signal ends them all. In a program of one
thread n counts everything. libcurl resolves host names in a second thread, which changes nothing
outside and for which the first one waits; where a name has to be resolved, some n strike there.
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
from typing import Mapping, Sequence

from stack.process import Process
from stack.tandem import clean_environment

# `?`: no error on machines that lack the call.
CALLS = ("%network,write,writev,?poll,?ppoll,?select,?pselect6,?epoll_wait,?epoll_pwait,"
         "?epoll_pwait2,exit_group")
UNCOUNTED = ("read", "readv", "close")  # traced all the same: see uncounted()
RUN_MAX = 90  # seconds
ENTERED = re.compile(r"^(\d+) +(\w+)\((.*)", re.M)


@dataclass(frozen=True)
class Run:
    """`struck`: the signal ended it, at call `call`; else it came to its end with `status`."""

    struck: bool
    status: int
    call: str
    in_main_thread: bool
    output: str
    errors: str


def why_not() -> str | None:
    """The reason why nothing can be traced here; None when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run([*tracer(Path("/dev/null"), 1, signal.SIGKILL), "true"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if tried.returncode != -signal.SIGKILL:
        return f"strace cannot kill here: {' '.join(tried.stderr.split()) or 'no ptrace?'}"
    return None


def tracer(trace: Path, at: int, number: signal.Signals) -> list[str]:
    """The command that goes before the program's own. (With --seccomp-bpf nothing is injected.)"""
    return ["strace", "-f", "-qq", "-I2", "-e", "signal=all", "-o", str(trace),
            "-e", f"trace={CALLS},{','.join(UNCOUNTED)}",
            "-e", f"inject={CALLS}:signal={number.name.removeprefix('SIG')}:when={at}"]


def run_struck(argv: Sequence[str | Path], variables: Mapping[str, str], trace: Path, at: int,
               number: signal.Signals) -> Run:
    """Runs the program to its end, which comes at call `at` unless it makes fewer."""
    done = subprocess.run([*tracer(trace, at, number), *map(str, argv)], stdin=subprocess.DEVNULL,
                          env=clean_environment(variables), capture_output=True, text=True,
                          timeout=RUN_MAX, check=False)
    struck = done.returncode == -number
    call, main = which(trace, at) if struck else ("", True)
    return Run(struck, done.returncode, call, main, done.stdout, done.stderr)


def calls_in(trace: Path) -> list[tuple[str, str]]:
    """Thread and name of each counted call, in the order in which they were entered."""
    return [(thread, call) for thread, call, _ in ENTERED.findall(trace.read_text(errors="replace"))
            if call not in UNCOUNTED]


def which(trace: Path, at: int) -> tuple[str, bool]:
    """The call at which the signal struck, and whether the main thread made it."""
    made: Counter[str] = Counter()
    calls = calls_in(trace)
    for thread, call in calls:
        made[thread] += 1
        if made[thread] == at:
            return call, thread == calls[0][0]
    return "?", True


def count(trace: Path) -> int:
    """The most calls that one thread made."""
    return max(Counter(thread for thread, _ in calls_in(trace)).values(), default=0)


def uncounted(trace: Path) -> list[str]:
    """Calls that received something and were not counted, because files are read by them too."""
    sockets: set[str] = set()
    found = []
    for _, call, rest in ENTERED.findall(trace.read_text(errors="replace")):
        descriptor = re.split(r"\D", rest, maxsplit=1)[0]
        if call == "socket" and (made := re.search(r"= (\d+)$", rest)):
            sockets.add(made[1])
        elif call == "close":
            sockets.discard(descriptor)
        elif call in UNCOUNTED and descriptor in sockets:
            found.append(f"{call}({rest}")
    return found


class Frozen:
    """A run that SIGSTOP freezes after call `at`, until `wake`."""

    def __init__(self, argv: Sequence[str | Path], variables: Mapping[str, str], trace: Path,
                 at: int) -> None:
        self.trace = trace
        trace.write_text("")
        self._process = Process("tandem", [*tracer(trace, at, signal.SIGSTOP), *argv],
                                trace.with_suffix(".log"), env=clean_environment(variables))
        self.is_frozen = self._until_frozen()

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

    def wake(self) -> None:
        threads = {int(thread) for thread in re.findall(r"^(\d+) ", self.trace.read_text(), re.M)}
        for thread in threads:
            with suppress(ProcessLookupError):
                os.kill(thread, signal.SIGCONT)

    def wait(self, seconds: float) -> bool:
        """Has it come to its end within the time?"""
        deadline = time.monotonic() + seconds
        while self._process.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> None:
        self._process.stop()
