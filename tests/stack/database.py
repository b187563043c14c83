"""The engines, and what the servers of all of them have in common.

A test that is not about one engine gets its server and its proxy from ENGINES. The two classes of
each row are loaded when they are asked for: nobody needs the parts of an engine that is not run.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from .certificates import Authority
from .process import Server
from .session import Session

HOST = "localhost"  # the name in the certificate
DBNAME = "app"
ADMIN = "admin"


class Database(Server, ABC):
    """A private server, ready with the database `app` and the administrator `admin`.

    Every subclass takes (folder, authority=None, certificate=None).
    """

    engine: str            # as a secret names it
    title: str             # as people name it
    login: str             # how a login looks, for people
    port: int
    authority: Authority   # its clients trust it
    log: Path              # every statement and every connection
    version: str
    admin_password: str

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Why it cannot run here, or None when it can."""

    @abstractmethod
    def connect(self, user: str, password: str, dbname: str = DBNAME) -> Session: ...

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What a test program is told (with_stack.py)."""

    @abstractmethod
    def logins(self, log: bytes) -> int:
        """How many sessions began in this part of the log; a refused login is none."""

    @abstractmethod
    def client_command(self, user: str, password: str) -> str:
        """How a person calls the engine's own client; both are words of a shell."""

    def admin(self) -> Session:
        return self.connect(ADMIN, self.admin_password)

    @staticmethod
    def create_users(admin: Session, passwords: Mapping[str, str], *, related: bool = True) -> None:
        """The ring's users; `related` clones may do what the first one, the base, may."""
        for user, password in passwords.items():
            admin.create_user(user, password)
        base, *clones = passwords
        admin.relate(base, clones if related else [])

    @staticmethod
    def create_table(admin: Session, owner: str) -> None:
        admin.create_login_table(owner)


@dataclass(frozen=True)
class Engine:
    name: str          # the value of "engine" in a secret
    default_port: int
    optional: bool     # not in Debian: who has not fetched it skips its tests
    proves: bool       # a server can show that it knows a password without being told it
    proxy_program: str | None  # of the stand-in for RDS Proxy, where it is one with a version
    _database: str     # module:class
    _proxy: str

    def database(self) -> type[Database]:
        return loaded(self._database)

    def proxy(self) -> type[Any]:
        """Constructed as PgBouncer is."""
        return loaded(self._proxy)

    def may_be_skipped(self) -> str | None:
        """Why its tests do not run here. One that belongs to the setup must be there: None."""
        return self.database().missing() if self.optional else None


def left_out(engine: str, proof: str) -> bool:
    """Whether it cannot run with this engine here; then it has said why, and so that ci/ counts it."""
    reason = ENGINES[engine].may_be_skipped()
    if reason is not None:
        print(f"skip: {proof}, {engine}: {reason}")
        print(f"{proof}: 0 passed, 0 failed, 1 skipped")
    return reason is not None


def loaded(name: str) -> type[Any]:
    module, _, kind = name.partition(":")
    return getattr(importlib.import_module(module, __package__), kind)


ENGINES = {engine.name: engine for engine in (
    Engine("postgres", 5432, False, True, "pgbouncer", ".postgres:PostgreSQL", ".pgbouncer:PgBouncer"),
    Engine("mariadb", 3306, False, False, None, ".mysql:MariaDB", ".mysql_proxy:MySqlProxy"),
    Engine("mysql", 3306, True, False, None, ".mysql:MySQL", ".mysql_proxy:MySqlProxy"),
)}
