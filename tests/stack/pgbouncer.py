"""PgBouncer as the stand-in for RDS Proxy.

What it shares with RDS Proxy: clients must use TLS; it knows exactly the users that AWSCURRENT of
its secrets names, checks clients against those passwords itself and logs in at the database with
the same ones; it learns of a change late (follower.py).

pool_mode is transaction, as RDS Proxy shares connections between transactions. Its pool is warm
between changes, but taking over new users replaces every server connection (PgBouncer 1.18 does so
on each reload when it uses TLS), so a password that does not fit the database is not hidden by an
old session. A warm pool also keeps the stand-in honest the other way round: that same reload breaks
off server logins under way and then refuses clients for a moment, which is no fault of a rotation;
a pool that opened a connection per transaction always had one under way.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Callable, Sequence

from .certificates import LOCAL, Authority
from .follower import Follower
from .libpq import Connection
from .postgres import DBNAME, HOST, PostgreSQL
from .process import SERVER_USER, Folder, Process, Server, answers, give, on_free_port, required

if TYPE_CHECKING:
    from botocore.client import BaseClient

SETTINGS = """
[databases]
{dbname} = host=127.0.0.1 port={database_port} dbname={dbname}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
client_tls_sslmode = require
client_tls_cert_file = {certificate}
client_tls_key_file = {key}
server_tls_sslmode = verify-full
server_tls_ca_file = {database_ca}
pool_mode = transaction
default_pool_size = 5
max_db_connections = 20
max_client_conn = 100
server_lifetime = 60
server_login_retry = 0.1
query_wait_timeout = 10
"""


class PgBouncer(Server):
    """Ready when the constructor returns, with the users its secrets hold at that moment."""

    def __init__(self, folder: Folder, postgres: PostgreSQL, secrets_manager: BaseClient,
                 secret_ids: Sequence[str], *, poll: float = 1.0, delay: float = 0.5,
                 hosts: tuple[str, ...] = LOCAL,
                 on_pickup: Callable[[str], None] = lambda user: None) -> None:
        self.folder = folder.make("pgbouncer", SERVER_USER)
        self.authority = Authority(folder.path, "proxy-ca")
        self.log = folder.path / "pgbouncer.log"
        self._hosts = hosts  # the names in its certificate
        self._users = self.folder / "userlist.txt"
        self._written = 0  # when, as it is told
        self._follower = Follower(secrets_manager, secret_ids, poll=poll, delay=delay,
                                  take_over=self._take_over, on_pickup=on_pickup)
        self._write_users()
        self._database = postgres
        self.process, self.port = on_free_port(self._start, answers)
        self._follower.start()

    def known_users(self) -> dict[str, str]:
        """User and password pairs that it takes from clients and offers to the database."""
        return self._follower.users()

    def connect(self, user: str, password: str) -> Connection:
        return Connection(host=HOST, port=self.port, dbname=DBNAME, user=user, password=password,
                          ca=str(self.authority.ca))

    def environment(self) -> dict[str, str]:
        return {"STACK_PROXY_HOST": HOST, "STACK_PROXY_PORT": str(self.port),
                "STACK_PROXY_CA": str(self.authority.ca), "STACK_PROXY_LOG": str(self.log)}

    def __exit__(self, *error: object) -> None:
        self._follower.stop()
        self.process.stop()

    def _start(self, port: int) -> Process:
        certificate = self.authority.issue("proxy", self._hosts, owner=SERVER_USER)
        settings = self.folder / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(
            dbname=DBNAME, database_port=self._database.port, port=port, users=self._users,
            certificate=certificate.certificate, key=certificate.key,
            database_ca=self._database.authority.ca))
        return Process("PgBouncer", [required("pgbouncer"), settings], self.log, user=SERVER_USER,
                       stop_signal=signal.SIGTERM)

    def _take_over(self) -> None:
        self._write_users()
        self.process.signal(signal.SIGHUP)

    def _write_users(self) -> None:
        """Atomically: PgBouncer reads the file whenever it likes.

        It takes a file of the same inode, size and time in whole seconds for the one it has read,
        and an inode is used again at once. So each is a second younger than the one before.
        """
        fresh = self._users.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            for user, password in sorted(self.known_users().items()):
                file.write(f"{quoted(user)} {quoted(password)}\n")
        give(fresh, SERVER_USER)
        self._written = max(self._written + 1, int(time.time()))
        os.utime(fresh, (self._written, self._written))
        fresh.replace(self._users)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
