"""One logged-in session, of whatever engine: what tests and the demo may ask of it.

No test names an engine's SQL where a method here says the same. Passwords go to the server as
verifiers only, so that one found in a log was put there by somebody else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

Row = tuple[str | None, ...]


class DatabaseError(Exception):
    """What the server or its client library said.

    `sqlstate` is None for a connection that failed in libpq; `number` is MySQL's and MariaDB's
    error number. `denied`: the server was there, and refused the user or the password.
    """

    def __init__(self, message: str, sqlstate: str | None = None, *, number: int | None = None,
                 denied: bool = False) -> None:
        super().__init__(" ".join(message.split()))
        self.sqlstate = sqlstate
        self.number = number
        self.denied = denied


class Session(ABC):
    """Over verified TLS. DatabaseError from every call that the server refuses. For a `with`."""

    @abstractmethod
    def query(self, sql: str, *parameters: str) -> list[Row]:
        """One statement, with $1, $2, … for the parameters; rows as text, none for a command."""

    @abstractmethod
    def verifier(self, user: str, password: str) -> str:
        """What a statement may hold in a password's place, in characters that need no escape."""

    @abstractmethod
    def stored_verifier(self, user: str) -> str | None:
        """What the server keeps of the user's password; None when there is no such user."""

    @abstractmethod
    def create_user(self, user: str, password: str) -> None:
        """One that may log in, and nothing else."""

    @abstractmethod
    def set_password(self, user: str, password: str) -> None: ...

    @abstractmethod
    def relate(self, base: str, clones: list[str]) -> None:
        """Lets the base user use the application's database, and the clones all that it may."""

    @abstractmethod
    def drop_user(self, user: str) -> None: ...

    @abstractmethod
    def rename_user(self, user: str, name: str) -> None: ...

    @abstractmethod
    def make_admin(self, user: str) -> None:
        """Lets a user that is there do all that an admin secret's may have to."""

    @abstractmethod
    def waits(self, users: list[str]) -> bool:
        """Does anybody wait for the program's lock on one of these users?"""

    @abstractmethod
    def user(self) -> str:
        """Who logged in, as the server tells it."""

    @abstractmethod
    def create_login_table(self, owner: str) -> None:
        """The table of record_login(); `owner` and its clones may write to it."""

    @abstractmethod
    def record_login(self, client: str) -> str:
        """Writes a row that says that this client is here; the user that the row was written by."""

    @abstractmethod
    def server_version(self) -> str: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self):  # -> Self, which this Python has no name for
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
