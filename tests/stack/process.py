"""Processes and the folder they live in: started here, ended by pid, nothing left behind.

Every child runs in a session of its own, so Ctrl-C reaches only us, and is told by the kernel to
stop should we be killed ourselves (that watch is on the starting thread: start servers from the
main thread). Nothing here waits for a fixed time: readiness is asked for until a deadline.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Callable, Mapping, Sequence

# PostgreSQL and PgBouncer refuse to run as root; Debian's postgresql package brings this user.
SERVER_USER = "postgres" if os.geteuid() == 0 else None


class StackError(Exception):
    """A server did not do what it must; the text says which and shows the end of its log."""


class Folder:
    """One private temporary folder. Other users may pass through it, not list it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="tandem-stack-"))
        self.path.chmod(0o711)
        self.keep = False  # set it to leave the logs to a person

    def make(self, name: str, owner: str | None = None) -> Path:
        """A folder inside, for one server; private to `owner`."""
        path = self.path / name
        path.mkdir(mode=0o700)
        give(path, owner)
        return path

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.keep:
            shutil.rmtree(self.path, ignore_errors=True)


def give(path: Path, owner: str | None) -> None:
    if owner is not None:
        shutil.chown(path, owner, owner)


class Process:
    """One running program. `stop` ends it; its output is in `log` unless `stderr` was a pipe."""

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path, *,
                 env: Mapping[str, str] | None = None, user: str | None = None,
                 stop_signal: signal.Signals = signal.SIGTERM, pipe_stderr: bool = False) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        watch = [required("setpriv"), f"--pdeathsig={stop_signal.name.removeprefix('SIG')}"]
        if user is not None:
            watch += ["--reuid", user, "--regid", user, "--init-groups"]
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [*watch, "--", *map(str, argv)], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.PIPE if pipe_stderr else subprocess.STDOUT,
                env=None if env is None else dict(env), cwd="/", start_new_session=True)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stderr(self) -> IO[bytes]:
        assert self._popen.stderr is not None
        return self._popen.stderr

    def running(self) -> bool:
        return self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self, ready: Callable[[], bool], seconds: float = 15) -> None:
        """Returns when `ready` says so; StackError when the process ended or time ran out."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running():
                raise StackError(f"{self.name} ended with status {self._popen.returncode}"
                                 f" instead of starting.\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready in {seconds:g} s.\n{self.log_end()}")
            time.sleep(0.01)

    def log_end(self, lines: int = 8) -> str:
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in text)

    def stop(self) -> None:
        """Ends it and waits until it has; twice is once."""
        if self.running():
            self._popen.send_signal(self._stop_signal)
            try:
                self._popen.wait(5)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()


class Server:
    """What the servers share: a process that is stopped at the end of the `with`."""

    process: Process

    def __enter__(self):  # -> Self, which this Python has no name for
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.process.stop()


def on_free_port(start: Callable[[int], Process], ready: Callable[[int], bool],
                 tries: int = 5) -> tuple[Process, int]:
    """Starts a server that must be told its port; another port when somebody else was faster."""
    for attempt in range(1, tries + 1):
        port = free_port()
        process = start(port)
        try:
            process.wait(lambda: ready(port))
            return process, port
        except StackError:
            process.stop()
            taken = "in use" in process.log.read_text(errors="replace")
            if not taken or attempt == tries:
                raise
            process.log.unlink()
        except BaseException:
            process.stop()
            raise
    raise AssertionError("unreachable")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    """Does somebody accept connections there?"""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def required(program: str) -> str:
    """Where the program is; /usr/sbin is searched too, which a normal user's PATH leaves out."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/bin")
    if found is None:
        raise StackError(f"{program} is not installed")
    return found


def run(argv: Sequence[str | Path], user: str | None = None,
        stdin: IO[bytes] | int = subprocess.DEVNULL) -> None:
    """Runs a helper program to its end; StackError with its output when it fails."""
    done = subprocess.run([str(arg) for arg in argv], user=user, group=user,
                          extra_groups=None if user is None else [], cwd="/",
                          stdin=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()}")


def end_on_signals() -> None:
    """Makes SIGINT, SIGTERM and SIGHUP end the program by an exception, so every `with` cleans up.

    A second one is ignored: it would interrupt the cleaning.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: object) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, end)
