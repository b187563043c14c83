"""A PostgreSQL client of one page: libpq through ctypes.

libpq is there wherever PostgreSQL is, for every Python, so tests need no driver package. Calls
release the interpreter's lock: threads really log in at the same time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools

from .session import DatabaseError, Row, Session

SQLSTATE = ord("C")  # PG_DIAG_SQLSTATE
COMMAND_OK, TUPLES_OK = 1, 2
DENIED = "password authentication failed"  # of a login that failed libpq keeps the words only


@functools.cache
def library() -> ctypes.CDLL:
    pq = ctypes.CDLL("libpq.so.5")
    handle, text, texts = ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)
    number = ctypes.c_int
    for name, result, arguments in (
            ("PQconnectdbParams", handle, [texts, texts, number]),
            ("PQstatus", number, [handle]),
            ("PQerrorMessage", text, [handle]),
            ("PQfinish", None, [handle]),
            ("PQserverVersion", number, [handle]),
            ("PQexecParams", handle, [handle, text, number, handle, texts, handle, handle, number]),
            ("PQexec", handle, [handle, text]),
            ("PQresultStatus", number, [handle]),
            ("PQresultErrorField", text, [handle, number]),
            ("PQresultErrorMessage", text, [handle]),
            ("PQntuples", number, [handle]),
            ("PQnfields", number, [handle]),
            ("PQgetisnull", number, [handle, number, number]),
            ("PQgetvalue", text, [handle, number, number]),
            ("PQclear", None, [handle]),
            ("PQencryptPasswordConn", handle, [handle, text, text, text]),
            ("PQfreemem", None, [handle])):
        function = getattr(pq, name)
        function.restype, function.argtypes = result, arguments
    return pq


def strings(values: list[str | None]) -> ctypes.Array:
    encoded = [None if value is None else value.encode() for value in values]
    return (ctypes.c_char_p * len(encoded))(*encoded)


class Connection(Session):
    """A session of PostgreSQL, logged in."""

    def __init__(self, *, host: str, port: int, dbname: str, user: str, password: str, ca: str,
                 timeout: int = 10) -> None:
        # Everything a person's environment or files could change is given a value here.
        options = {"host": host, "port": str(port), "dbname": dbname, "user": user,
                   "password": password, "sslmode": "verify-full", "sslrootcert": ca,
                   "sslcert": "/nonexistent", "sslcrl": "", "gssencmode": "disable",
                   "connect_timeout": str(timeout), "application_name": "tandem-test"}
        self._pq = library()
        self._handle = self._pq.PQconnectdbParams(
            strings([*options, None]), strings([*options.values(), None]), 0)
        if self._pq.PQstatus(self._handle) != 0:
            said = self._pq.PQerrorMessage(self._handle).decode(errors="replace")
            error = DatabaseError(said, denied=DENIED in said)
            self.close()
            raise error

    def query(self, sql: str, *parameters: str) -> list[Row]:
        if parameters:
            result = self._pq.PQexecParams(self._handle, sql.encode(), len(parameters), None,
                                           strings(list(parameters)), None, None, 0)
        else:
            result = self._pq.PQexec(self._handle, sql.encode())
        try:
            if self._pq.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
                state = self._pq.PQresultErrorField(result, SQLSTATE)
                message = (self._pq.PQresultErrorMessage(result)
                           or self._pq.PQerrorMessage(self._handle))
                raise DatabaseError(message.decode(errors="replace"), state and state.decode())
            return [tuple(self._value(result, row, column)
                          for column in range(self._pq.PQnfields(result)))
                    for row in range(self._pq.PQntuples(result))]
        finally:
            self._pq.PQclear(result)

    def _value(self, result: int, row: int, column: int) -> str | None:
        if self._pq.PQgetisnull(result, row, column):
            return None
        return self._pq.PQgetvalue(result, row, column).decode()

    def verifier(self, user: str, password: str) -> str:
        """For SCRAM."""
        made = self._pq.PQencryptPasswordConn(self._handle, password.encode(), user.encode(),
                                              b"scram-sha-256")
        if not made:
            raise DatabaseError(self._pq.PQerrorMessage(self._handle).decode(errors="replace"))
        try:
            return ctypes.string_at(made).decode()
        finally:
            self._pq.PQfreemem(made)

    def stored_verifier(self, user: str) -> str | None:
        rows = self.query("SELECT rolpassword FROM pg_authid WHERE rolname = $1", user)
        return rows[0][0] if rows else None

    def create_user(self, user: str, password: str) -> None:
        self.query(f"""CREATE ROLE "{user}" LOGIN PASSWORD '{self.verifier(user, password)}'""")

    def set_password(self, user: str, password: str) -> None:
        self.query(f"""ALTER ROLE "{user}" PASSWORD '{self.verifier(user, password)}'""")

    def relate(self, base: str, clones: list[str]) -> None:
        """The clones act as the base from their first moment; anybody may use the database."""
        for clone in clones:
            self.query(f'GRANT "{base}" TO "{clone}"')
            self.query(f'ALTER ROLE "{clone}" SET role = "{base}"')

    def drop_user(self, user: str) -> None:
        self.query(f'DROP ROLE "{user}"')

    def rename_user(self, user: str, name: str) -> None:
        self.query(f'ALTER ROLE "{user}" RENAME TO "{name}"')

    def make_admin(self, user: str) -> None:
        self.query(f'ALTER ROLE "{user}" SUPERUSER')

    def waits(self, users: list[str]) -> bool:
        """Or for what whoever has it has changed already."""
        locks = " OR ".join(f"objid = hashtext('{user}')::oid" for user in users)
        return self.query("SELECT FROM pg_locks WHERE NOT granted AND"
                          f" (locktype <> 'advisory' OR {locks})") != []

    def user(self) -> str:
        return self.query("SELECT session_user")[0][0]

    def create_login_table(self, owner: str) -> None:
        self.query('CREATE TABLE login (at timestamptz DEFAULT now(), client text,'
                   ' as_user text DEFAULT session_user)')
        self.query(f'ALTER TABLE login OWNER TO "{owner}"')

    def record_login(self, client: str) -> str:
        return self.query("INSERT INTO login (client) VALUES ($1) RETURNING as_user", client)[0][0]

    def server_version(self) -> str:
        major, minor = divmod(self._pq.PQserverVersion(self._handle), 10000)
        return f"{major}.{minor}"

    def close(self) -> None:
        if self._handle:
            self._pq.PQfinish(self._handle)
            self._handle = None
