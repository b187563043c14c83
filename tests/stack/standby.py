"""A hot standby of a private PostgreSQL: real replication, read only, late by as much as a test wants.

It stands in for an RDS read replica, and for an Aurora reader. Its certificate is its primary's, whose
name is the same: on this machine a standby differs from it in its port.
"""

from __future__ import annotations

import signal

from .postgres import PostgreSQL, binaries
from .database import ADMIN, DBNAME, HOST
from .libpq import Connection
from .process import SERVER_USER, Folder, Process, Server, give, on_free_port, run
from .session import DatabaseError


class Standby(Server):
    """Ready, and behind by `delay_ms`, when the constructor returns."""

    def __init__(self, folder: Folder, primary: PostgreSQL, delay_ms: int = 0) -> None:
        self.primary = primary
        place = folder.make("standby", SERVER_USER)
        passwords = place / "passwords"
        passwords.touch(0o600)
        passwords.write_text(f"{HOST}:{primary.port}:*:{ADMIN}:{primary.admin_password}\n")
        give(passwords, SERVER_USER)
        self._allow_replication()
        run([binaries() / "pg_basebackup", "-D", place / "data", "-R", "-X", "stream",
             "--checkpoint=fast", "--no-sync", "-d",
             f"host={HOST} port={primary.port} user={ADMIN} passfile={passwords}"
             f" sslmode=verify-full sslrootcert={primary.authority.ca} sslcert={place}/none"],
            SERVER_USER)
        self.log = folder.path / "standby.log"
        self.process, self.port = on_free_port(
            lambda port: Process(
                "the standby", [binaries() / "postgres", "-D", place / "data", "-p", str(port),
                                "-c", f"recovery_min_apply_delay={delay_ms}ms"], self.log,
                user=SERVER_USER, stop_signal=signal.SIGQUIT), self._ready)

    def connect(self, user: str, password: str) -> Connection:
        return Connection(host=HOST, port=self.port, dbname=DBNAME, user=user, password=password,
                          ca=str(self.primary.authority.ca))

    def _allow_replication(self) -> None:
        with (self.primary.folder / "data" / "pg_hba.conf").open("a") as access:
            access.write(f"hostssl replication {ADMIN} 127.0.0.1/32 scram-sha-256\n")
        with self.primary.admin() as admin:
            admin.query("SELECT pg_reload_conf()")

    def _ready(self, port: int) -> bool:
        self.port = port
        try:
            self.connect(ADMIN, self.primary.admin_password).close()
            return True
        except DatabaseError:
            return False
