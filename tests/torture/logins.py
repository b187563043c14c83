"""Clients that log in all the time while processes die, each with AWSCURRENT read that moment.

The applications of the proof: one at the database, one through the proxy. A login is a new TLS
connection, the password's proof, and a statement, which through the proxy needs a session at the
database too.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator

from stack.session import Session

Connect = Callable[[str, str], Session]
SETTLE_MAX = 30  # seconds
REST = 0.03      # seconds between two logins, unless somebody waits for the next one


@dataclass(frozen=True)
class Credential:
    version: str
    user: str
    password: str


@dataclass(frozen=True)
class Failure:
    client: str
    user: str
    error: str

    def __str__(self) -> str:
        return f"AWSCURRENT ({self.user}) did not log in, {self.client}: {self.error}"


def log_in(connect: Connect, credential: Credential) -> None:
    """An exception when the credential does not log in, or as somebody else."""
    with connect(credential.user, credential.password) as session:
        user = session.user()
    if user != credential.user:
        raise RuntimeError(f"logged in as {user}, not as {credential.user}")


class Client(threading.Thread):
    """Reads AWSCURRENT before every login; `tries` counts, `failures` keeps what went wrong."""

    def __init__(self, name: str, read_current: Callable[[], Credential], connect: Connect) -> None:
        super().__init__(name=name, daemon=True)
        self.tries: Counter[str] = Counter()
        self.failures: list[Failure] = []
        self._read_current = read_current
        self._connect = connect
        self._turn = threading.Condition()
        self._begun = self._ended = self._wanted = 0
        self._paused = self._stopping = False

    def run(self) -> None:
        while self._begin():
            self._log_in()
            with self._turn:
                self._ended = self._begun
                self._turn.notify_all()

    def _begin(self) -> bool:
        with self._turn:
            self._turn.wait_for(lambda: self._stopping or self._wanted > self._ended, REST)
            self._turn.wait_for(lambda: self._stopping or not self._paused)
            self._begun += not self._stopping
            return not self._stopping

    def settle(self) -> None:
        """Returns when a login that began after this call is over, and with it every older one."""
        with self._turn:
            self._wanted = self._begun + 1
            self._turn.notify_all()
            self._wait_for(self._wanted)

    def pause(self) -> None:
        """No login until `resume`; the one under way ends first."""
        with self._turn:
            self._paused = True
            self._wait_for(self._begun)

    def resume(self) -> None:
        with self._turn:
            self._paused = False
            self._turn.notify_all()

    def stop(self) -> None:
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        self.join()

    def _wait_for(self, login: int) -> None:
        if not self._turn.wait_for(lambda: self._ended >= login, SETTLE_MAX):
            raise TimeoutError(f"the {self.name} client did not log in for {SETTLE_MAX} s")

    def _log_in(self) -> None:
        user = "?"
        try:
            credential = self._read_current()
            user = credential.user
            self.tries[user] += 1
            log_in(self._connect, credential)
        except Exception as error:  # whatever it is, the application had no database
            self.failures.append(Failure(self.name, user, str(error)))


class Clients:
    """All of them, for a `with`."""

    def __init__(self, read_current: Callable[[], Credential],
                 connects: dict[str, Connect]) -> None:
        self._clients = [Client(name, read_current, connect) for name, connect in connects.items()]
        self._told: Counter[str] = Counter()

    def settle(self) -> None:
        for client in self._clients:
            client.settle()

    @contextmanager
    def paused(self) -> Iterator[None]:
        for client in self._clients:
            client.pause()
        yield
        for client in self._clients:
            client.resume()

    def new_failures(self) -> list[str]:
        """Those that nobody was told of yet."""
        new = []
        for client in self._clients:
            at = self._told[client.name]
            new += map(str, client.failures[at:])
            self._told[client.name] += len(client.failures[at:])
        return new

    def logins(self) -> int:
        return sum(client.tries.total() for client in self._clients)

    def failed(self) -> int:
        return sum(len(client.failures) for client in self._clients)

    def __enter__(self) -> Clients:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.stop()
