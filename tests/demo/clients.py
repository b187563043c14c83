"""The three applications that log in while passwords rotate.

A login is a new TLS connection, the password's proof, and a row inserted under the user that the
secret names. Each client has a thread of its own and never pauses; the database's library leaves
the interpreter while it works.

How long may an application keep a credential? Rotation N made user A active. N+1 changes the other
user and makes A's credential AWSPREVIOUS. Only the setSecret of N+2 changes A. So an application
that reads AWSCURRENT once per rotation, whenever it likes, is never locked out. `holding` does it
as late as that allows: it keeps what it read through all of the next rotation and the time after,
until the one that will change its user is about to be started.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Callable, NamedTuple

from stack.application import SECRET
from stack.session import DatabaseError, Session

from .record import Hold, Login, Record

if TYPE_CHECKING:
    from botocore.client import BaseClient

Connect = Callable[[str, str], Session]


class Credential(NamedTuple):
    user: str
    password: str


def read_current(secrets_manager: BaseClient) -> Credential:
    value = json.loads(secrets_manager.get_secret_value(
        SecretId=SECRET, VersionStage="AWSCURRENT")["SecretString"])
    return Credential(value["username"], value["password"])


class Client(threading.Thread):
    """Reads AWSCURRENT before every login. `connects` take turns."""

    def __init__(self, name: str, record: Record, secrets_manager: BaseClient,
                 *connects: Connect) -> None:
        super().__init__(name=name)
        self._record = record
        self._secrets_manager = secrets_manager
        self._connects = connects
        self._stopping = threading.Event()

    def run(self) -> None:
        turn = 0
        while not self._stopping.is_set():
            self._log_in(self._connects[turn % len(self._connects)])
            turn += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def credential(self) -> Credential:
        return read_current(self._secrets_manager)

    def _log_in(self, connect: Connect) -> None:
        begin, user, error = self._record.now(), "?", None
        try:
            user, password = self.credential()
            with connect(user, password) as session:
                writer = session.record_login(self.name)
            if writer != user:
                error = f"logged in as {writer}, not as {user}"
        except DatabaseError as refused:
            error = str(refused)
        except Exception as unexpected:  # whatever it is, the application had no database
            error = f"{type(unexpected).__name__}: {unexpected}"
        end = self._record.now()
        self._record.logins.append(Login(end, end - begin, self.name, user, error))
        if error is not None:
            self._stopping.wait(0.05)


class HoldingClient(Client):
    """Keeps one credential until it is told to read again."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._held: Credential | None = None
        self._renew = threading.Event()
        self._renewed = threading.Event()

    def credential(self) -> Credential:
        if self._held is None or self._renew.is_set():
            self._held = super().credential()
            self._record.holds.append(Hold(self._record.now(), self._held.user))
            self._renew.clear()
            self._renewed.set()
        return self._held

    def renew(self) -> None:
        """Returns when the last login with the old credential is over."""
        self._renewed.clear()
        self._renew.set()
        if not self._renewed.wait(30):
            raise RuntimeError("the holding client could not read AWSCURRENT in 30 s")
