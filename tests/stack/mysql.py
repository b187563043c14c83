"""Private MariaDB and MySQL servers that accept nothing but TLS.

Their general log has every statement and every connection, so a test can look for a password in the
log and count logins; what goes wrong is in the same file. They are as fast and as forgetful as a
test wants: nothing is ever synced to disk. All users but `admin` and the locked ones of the server
itself are gone before the first connection is accepted, and no password is ever in a file: the
administrator's is set by its hash.

MariaDB is Debian's mariadb-server-core. Debian 12 has no MySQL: that of Debian sid is unpacked in a
folder by ci/fetch_mysql.sh, and run there with the loader and the libraries of its own release.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
from abc import abstractmethod
from pathlib import Path

from . import mysql_hash
from .certificates import Authority, Certificate
from .database import ADMIN, DBNAME, HOST, Database
from .libmariadb import Connection
from .process import (SERVER_USER, Folder, Process, StackError, give, on_free_port, required, run)
from .session import DatabaseError

MYSQL_FOLDER = Path(os.environ.get("TANDEM_MYSQL_DIR", "/var/cache/tandem/mysql"))
MARIADB_SQL = Path("/usr/share/mysql")

# In the general log. One that is refused has both lines.
LOGIN = re.compile(rb" Connect\t[^\n]* using ")
REFUSED = re.compile(rb" (?:Connect|Init DB)\tAccess denied")

SETTINGS = """
[mysqld]
datadir = {folder}/data
tmpdir = {folder}
socket = {folder}/socket
pid_file = {folder}/pid
bind_address = 127.0.0.1
skip_name_resolve = ON
max_connections = 200
require_secure_transport = ON
ssl_ca = {ca}
ssl_cert = {certificate}
ssl_key = {key}
general_log = ON
general_log_file = {log}
character_set_server = utf8mb4
skip_log_bin
innodb_flush_log_at_trx_commit = 0
innodb_flush_method = nosync
innodb_doublewrite = OFF
innodb_use_native_aio = OFF
innodb_buffer_pool_size = 16M
key_buffer_size = 1M
"""


class MySqlFamily(Database):
    """What the two have in common. Settings are in a file of ours: no other is read."""

    settings: str      # what only this one knows
    proxy_plugin: str  # how its users prove their passwords; so do those of its proxy
    login = "TLS only"

    def __init__(self, folder: Folder, authority: Authority | None = None,
                 certificate: Certificate | None = None) -> None:
        reason = self.missing()
        if reason is not None:
            raise StackError(reason)
        self.folder = folder.make(self.engine, SERVER_USER)
        self.authority = authority or Authority(folder.path, f"{self.engine}-ca")
        self.admin_password = secrets.token_urlsafe(18)
        self.log = folder.path / f"{self.engine}.log"
        certificate = certificate or self.authority.issue(self.engine, owner=SERVER_USER)
        self._settings = self._write("settings", (SETTINGS + self.settings).format(
            folder=self.folder, log=self.log, ca=self.authority.ca,
            certificate=certificate.certificate, key=certificate.key))
        self._first = self._write("first.sql", "\n".join(self._first_statements()) + "\n")
        self._initialise()
        self.process, self.port = on_free_port(self._start, self._ready)
        try:
            with self.connect(ADMIN, self.admin_password) as admin:
                self.version = admin.server_version()
        except BaseException:
            self.process.stop()
            raise

    @abstractmethod
    def _program(self) -> list[str | Path]:
        """The server's command line, up to its options."""

    @abstractmethod
    def _initialise(self) -> None:
        """Makes the data folder."""

    @abstractmethod
    def _identified(self) -> str:
        """The administrator's IDENTIFIED … of CREATE USER."""

    def connect(self, user: str, password: str, dbname: str = DBNAME) -> Connection:
        return Connection(host=HOST, port=self.port, dbname=dbname, user=user, password=password,
                          ca=str(self.authority.ca))

    def logins(self, log: bytes) -> int:
        return len(LOGIN.findall(log)) - len(REFUSED.findall(log))

    def client_command(self, user: str, password: str) -> str:
        return (f"MYSQL_PWD={password} mariadb --no-defaults --user={user} --host={HOST}"
                f" --port={self.port} --protocol=tcp --ssl-ca={self.authority.ca}"
                f" --ssl-verify-server-cert {DBNAME}")

    def environment(self) -> dict[str, str]:
        return {"STACK_MYSQL_CA": str(self.authority.ca), "STACK_MYSQL_HOST": HOST,
                "STACK_MYSQL_PORT": str(self.port), "STACK_MYSQL_DBNAME": DBNAME,
                "STACK_MYSQL_ADMIN_USER": ADMIN,
                "STACK_MYSQL_ADMIN_PASSWORD": self.admin_password,
                "STACK_MYSQL_LOG": str(self.log), "STACK_MYSQL_FLAVOR": self.engine,
                "STACK_MYSQL_VERSION": self.version}

    def _first_statements(self) -> list[str]:
        """What the server does before it accepts connections, one a line."""
        return [f"CREATE DATABASE {DBNAME};",
                f"CREATE USER '{ADMIN}'@'%' {self._identified()};",
                f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION;"]

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        give(path, SERVER_USER)
        return path

    def _start(self, port: int) -> Process:
        self.log.touch(0o600)
        give(self.log, SERVER_USER)
        return Process(self.title, [*self._program(), f"--port={port}",
                                    f"--init-file={self._first}"], self.log, user=SERVER_USER,
                       stop_signal=signal.SIGKILL)  # at once: the data goes away anyway

    def _ready(self, port: int) -> bool:
        self.port = port
        try:
            self.connect(ADMIN, self.admin_password).close()
            return True
        except DatabaseError:
            return False


class MariaDB(MySqlFamily):
    """Its users log in by mysql_native_password, as is usual there."""

    engine = "mariadb"
    title = "MariaDB"
    proxy_plugin = "mysql_native_password"
    settings = """
innodb_log_file_size = 8M
innodb_log_buffer_size = 2M
aria_pagecache_buffer_size = 1M
performance_schema = OFF
"""

    @classmethod
    def missing(cls) -> str | None:
        try:
            required("mariadbd")
            return None
        except StackError:
            return "mariadbd is not installed: install mariadb-server-core"

    def _program(self) -> list[str | Path]:
        return [required("mariadbd"), f"--defaults-file={self._settings}"]

    def _initialise(self) -> None:
        """As mariadb-install-db does, which needs programs of the whole mariadb-server package;
        without its help texts, which would take most of the time."""
        (self.folder / "data").mkdir()
        give(self.folder / "data", SERVER_USER)
        tables = ("mysql_system_tables.sql", "mysql_performance_tables.sql",
                  "mysql_system_tables_data.sql")
        script = self._write("bootstrap.sql", "\n".join(
            ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket = NULL;",
             *((MARIADB_SQL / name).read_text() for name in tables),
             # Several without a password, and with the names of this machine.
             "DELETE FROM global_priv WHERE user = 'root';", "DELETE FROM proxies_priv;\n"]))
        with script.open("rb") as statements:
            run([*self._program(), "--bootstrap", "--skip-general-log", "--log-warnings=0",
                 "--enforce-storage-engine="], SERVER_USER, statements)

    def _identified(self) -> str:
        return ("IDENTIFIED VIA mysql_native_password USING"
                f" '{mysql_hash.native(self.admin_password)}'")


class MySQL(MySqlFamily):
    """Its users log in by caching_sha2_password, which is all that MySQL 9 has."""

    engine = "mysql"
    title = "MySQL"
    proxy_plugin = "caching_sha2_password"
    settings = """
mysqlx = OFF
secure_file_priv = NULL
innodb_redo_log_capacity = 32M
innodb_log_buffer_size = 2M
"""

    @classmethod
    def missing(cls) -> str | None:
        if not (MYSQL_FOLDER / "usr/sbin/mysqld").exists():
            return f"no MySQL in {MYSQL_FOLDER}: run ci/fetch_mysql.sh"
        return None

    def _program(self) -> list[str | Path]:
        loader = next((MYSQL_FOLDER / "usr").glob("lib/*-linux-gnu*/ld-linux-*.so.*"))
        return [loader, "--library-path", loader.parent, MYSQL_FOLDER / "usr/sbin/mysqld",
                f"--defaults-file={self._settings}", f"--basedir={MYSQL_FOLDER / 'usr'}",
                f"--plugin-dir={MYSQL_FOLDER / 'usr/lib/mysql/plugin'}",
                f"--lc-messages-dir={MYSQL_FOLDER / 'usr/share/mysql'}",
                f"--character-sets-dir={MYSQL_FOLDER / 'usr/share/mysql/charsets'}"]

    def _initialise(self) -> None:
        run([*self._program(), "--initialize-insecure", "--skip-general-log"], SERVER_USER)

    def _first_statements(self) -> list[str]:
        return [*super()._first_statements(), "DROP USER 'root'@'localhost';"]

    def _identified(self) -> str:
        return ("IDENTIFIED WITH caching_sha2_password AS"
                f" '{mysql_hash.caching_sha2(self.admin_password)}'")
