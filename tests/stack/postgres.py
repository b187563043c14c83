"""A private PostgreSQL cluster that accepts nothing but SCRAM over TLS.

It logs every statement and every connection, so a test can look for a password in the log and
count logins. It is as fast and as forgetful as a test wants: nothing is ever synced to disk.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
from pathlib import Path

from .certificates import Authority, Certificate
from .database import ADMIN, DBNAME, HOST, Database
from .libpq import Connection
from .process import SERVER_USER, Folder, Process, StackError, give, on_free_port, run
from .session import DatabaseError

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = 16MB
ssl = on
ssl_cert_file = '{certificate}'
ssl_key_file = '{key}'
password_encryption = 'scram-sha-256'
log_statement = all
log_connections = on
log_line_prefix = '%m [%p] %u@%d '
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
"""

# Only TLS, only SCRAM, only from this machine.
ACCESS = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


def binaries() -> Path:
    """The programs in STACK_PG_BIN, to try another version; else the newest that is installed.

    PATH is not asked: it may hold something else.
    """
    if os.environ.get("STACK_PG_BIN"):
        return Path(os.environ["STACK_PG_BIN"])
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise StackError("no PostgreSQL server in /usr/lib/postgresql: install postgresql")
    return max(found, key=lambda path: [int(part) for part in re.findall(r"\d+", str(path))])


class PostgreSQL(Database):
    """Its administrator is a superuser."""

    engine = "postgres"
    title = "PostgreSQL"
    login = "TLS and SCRAM only"

    def __init__(self, folder: Folder, authority: Authority | None = None,
                 certificate: Certificate | None = None) -> None:
        self.folder = folder.make("postgres", SERVER_USER)
        self.authority = authority or Authority(folder.path, "database-ca")
        self.admin_password = secrets.token_urlsafe(18)
        certificate = certificate or self.authority.issue("database", owner=SERVER_USER)
        data = self.folder / "data"
        self._initialise(data, certificate)
        self.log = folder.path / "postgres.log"
        self.process, self.port = on_free_port(
            lambda port: Process(
                "PostgreSQL", [binaries() / "postgres", "-D", data, "-p", str(port)], self.log,
                user=SERVER_USER, stop_signal=signal.SIGQUIT),  # at once: the data goes away anyway
            self._ready)
        try:
            with self.connect(ADMIN, self.admin_password, "postgres") as admin:
                admin.query(f"CREATE DATABASE {DBNAME}")
                self.version = admin.server_version()
        except BaseException:
            self.process.stop()
            raise

    def connect(self, user: str, password: str, dbname: str = DBNAME) -> Connection:
        return Connection(host=HOST, port=self.port, dbname=dbname, user=user, password=password,
                          ca=str(self.authority.ca))

    @classmethod
    def missing(cls) -> str | None:
        try:
            binaries()
            return None
        except StackError as error:
            return str(error)

    def logins(self, log: bytes) -> int:
        return log.count(b"connection authorized:")

    def client_command(self, user: str, password: str) -> str:
        return (f'PGUSER={user} PGPASSWORD={password} psql "host={HOST} port={self.port}'
                f' dbname={DBNAME} sslmode=verify-full sslrootcert={self.authority.ca}"')

    def environment(self) -> dict[str, str]:
        return {"STACK_CA": str(self.authority.ca), "STACK_PG_HOST": HOST,
                "STACK_PG_PORT": str(self.port), "STACK_PG_DBNAME": DBNAME,
                "STACK_PG_ADMIN_USER": ADMIN, "STACK_PG_ADMIN_PASSWORD": self.admin_password,
                "STACK_PG_LOG": str(self.log)}

    def _initialise(self, data: Path, certificate: Certificate) -> None:
        password = self.folder / "admin-password"
        password.touch(0o600)
        password.write_text(self.admin_password)
        give(password, SERVER_USER)
        run([binaries() / "initdb", "-D", data, "-U", ADMIN, "--pwfile", password, "-E", "UTF8",
             "--locale=C", "--auth=scram-sha-256", "--no-sync", "--no-instructions"], SERVER_USER)
        password.unlink()
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(certificate=certificate.certificate,
                                           key=certificate.key))
        (data / "pg_hba.conf").write_text(ACCESS)

    def _ready(self, port: int) -> bool:
        self.port = port
        try:
            self.connect(ADMIN, self.admin_password, "postgres").close()
            return True
        except DatabaseError:
            return False
