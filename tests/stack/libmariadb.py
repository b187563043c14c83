"""A client of MariaDB and MySQL of one page: libmariadb through ctypes.

It is in Debian's libmariadb3 and knows the login of both servers. Calls release the interpreter's
lock: threads really log in at the same time. It reads no option file.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import re

from . import mysql_hash
from .session import DatabaseError, Row, Session

CONNECT_TIMEOUT, CHARACTER_SET, PROTOCOL, VERIFY_CERTIFICATE, CA = 0, 7, 9, 21, 27  # MYSQL_OPT_…
TCP = 1  # MYSQL_PROTOCOL_TCP
DENIED = 1045  # ER_ACCESS_DENIED_ERROR


@functools.cache
def library() -> ctypes.CDLL:
    mysql = ctypes.CDLL("libmariadb.so.3")
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint
    long = ctypes.c_ulong
    for name, result, arguments in (
            ("mysql_init", handle, [handle]),
            ("mysql_options", ctypes.c_int, [handle, ctypes.c_int, handle]),
            ("mysql_real_connect", handle, [handle, text, text, text, text, number, text, long]),
            ("mysql_errno", number, [handle]),
            ("mysql_error", text, [handle]),
            ("mysql_sqlstate", text, [handle]),
            ("mysql_get_server_info", text, [handle]),
            ("mysql_real_escape_string", long, [handle, text, text, long]),
            ("mysql_real_query", ctypes.c_int, [handle, text, long]),
            ("mysql_field_count", number, [handle]),
            ("mysql_store_result", handle, [handle]),
            ("mysql_num_fields", number, [handle]),
            ("mysql_fetch_row", ctypes.POINTER(handle), [handle]),
            ("mysql_fetch_lengths", ctypes.POINTER(long), [handle]),
            ("mysql_free_result", None, [handle]),
            ("mysql_close", None, [handle])):
        function = getattr(mysql, name)
        function.restype, function.argtypes = result, arguments
    return mysql


class Connection(Session):
    """A session of MariaDB or of MySQL, which the server tells apart, logged in."""

    def __init__(self, *, host: str, port: int, dbname: str, user: str, password: str, ca: str,
                 timeout: int = 10) -> None:
        self._mysql = library()
        self._handle = self._mysql.mysql_init(None)
        for option, value in ((CONNECT_TIMEOUT, ctypes.c_uint(timeout)),
                              (PROTOCOL, ctypes.c_uint(TCP)),
                              (VERIFY_CERTIFICATE, ctypes.c_byte(1))):
            self._mysql.mysql_options(self._handle, option, ctypes.addressof(value))
        for option, text in ((CA, ca.encode()), (CHARACTER_SET, b"utf8mb4")):
            self._mysql.mysql_options(self._handle, option, ctypes.cast(text, ctypes.c_void_p))
        if not self._mysql.mysql_real_connect(self._handle, host.encode(), user.encode(),
                                              password.encode(), dbname.encode(), port, None, 0):
            error = self._error()
            self.close()
            raise error
        self._mariadb = "MariaDB" in self._server_info()

    def _error(self) -> DatabaseError:
        number = self._mysql.mysql_errno(self._handle)
        return DatabaseError(self._mysql.mysql_error(self._handle).decode(errors="replace"),
                             self._mysql.mysql_sqlstate(self._handle).decode(), number=number,
                             denied=number == DENIED)

    def _server_info(self) -> str:
        return self._mysql.mysql_get_server_info(self._handle).decode()

    def query(self, sql: str, *parameters: str) -> list[Row]:
        if parameters:
            sql = re.sub(r"\$(\d+)", lambda found: self._quoted(parameters[int(found[1]) - 1]), sql)
        text = sql.encode()
        if self._mysql.mysql_real_query(self._handle, text, len(text)) != 0:
            raise self._error()
        result = self._mysql.mysql_store_result(self._handle)
        if not result:
            if self._mysql.mysql_field_count(self._handle):
                raise self._error()
            return []
        try:
            return self._rows(result)
        finally:
            self._mysql.mysql_free_result(result)

    def _rows(self, result: int) -> list[Row]:
        rows, columns = [], self._mysql.mysql_num_fields(result)
        while row := self._mysql.mysql_fetch_row(result):
            sizes = self._mysql.mysql_fetch_lengths(result)
            rows.append(tuple(
                None if row[at] is None
                else ctypes.string_at(row[at], sizes[at]).decode(errors="replace")
                for at in range(columns)))
        return rows

    def _quoted(self, value: str) -> str:
        text = value.encode()
        room = ctypes.create_string_buffer(2 * len(text) + 1)
        self._mysql.mysql_real_escape_string(self._handle, room, text, len(text))
        return f"'{room.value.decode()}'"

    def verifier(self, user: str, password: str) -> str:
        """The hash for the plugin that each server's users have here."""
        return (mysql_hash.native if self._mariadb else mysql_hash.caching_sha2)(password)

    def _identified(self, user: str, password: str) -> str:
        words = ("VIA mysql_native_password USING" if self._mariadb
                 else "WITH caching_sha2_password AS")
        return f"IDENTIFIED {words} '{self.verifier(user, password)}'"

    def stored_verifier(self, user: str) -> str | None:
        rows = self.query("SELECT authentication_string FROM mysql.user"
                          " WHERE user = $1 AND host = '%'", user)
        return rows[0][0] if rows else None

    def create_user(self, user: str, password: str) -> None:
        self.query(f"CREATE USER '{user}'@'%' {self._identified(user, password)}")

    def set_password(self, user: str, password: str) -> None:
        self.query(f"ALTER USER '{user}'@'%' {self._identified(user, password)}")

    def relate(self, base: str, clones: list[str]) -> None:
        """By the same grants: there is no acting as somebody else."""
        database = self.query("SELECT DATABASE()")[0][0]
        for user in (base, *clones):
            self.query(f"GRANT ALL ON `{database}`.* TO '{user}'@'%'")

    def drop_user(self, user: str) -> None:
        self.query(f"DROP USER '{user}'@'%'")

    def rename_user(self, user: str, name: str) -> None:
        self.query(f"RENAME USER '{user}'@'%' TO '{name}'@'%'")

    def make_admin(self, user: str) -> None:
        self.query(f"GRANT ALL PRIVILEGES ON *.* TO '{user}'@'%' WITH GRANT OPTION")

    def waits(self, users: list[str]) -> bool:
        names = [hashlib.sha256(user.encode()).hexdigest()[:48] for user in users]
        waiting = self.query("SELECT info FROM information_schema.processlist"
                             " WHERE state = 'User lock'")
        return any(name in (info or "") for (info,) in waiting for name in names)

    def user(self) -> str:
        return self.query("SELECT SUBSTRING_INDEX(USER(), '@', 1)")[0][0]

    def create_login_table(self, owner: str) -> None:
        """Without an owner: there are none, and relate() has granted what is needed."""
        self.query("CREATE TABLE login (id INT AUTO_INCREMENT PRIMARY KEY,"
                   " at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, client TEXT, as_user TEXT)")

    def record_login(self, client: str) -> str:
        self.query("INSERT INTO login (client, as_user)"
                   " VALUES ($1, SUBSTRING_INDEX(USER(), '@', 1))", client)
        return self.query("SELECT as_user FROM login WHERE id = LAST_INSERT_ID()")[0][0]

    def server_version(self) -> str:
        return re.search(r"\d+\.\d+\.\d+", self._server_info())[0]

    def close(self) -> None:
        if self._handle:
            self._mysql.mysql_close(self._handle)
            self._handle = None
