"""What a login of MySQL's protocol 4.1 is made of: packets, a greeting, the answer, two scrambles.

Only what the stand-in for RDS Proxy needs, and strictly: whatever is not exactly what was expected
is Malformed. The names and the layout are those of MySQL's "Client/Server Protocol"; MariaDB
documents the same bytes. No message here holds what a packet held.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass

NATIVE, CACHING = "mysql_native_password", "caching_sha2_password"
LOGIN_MOST = 1 << 16    # bytes of one packet of a login
COMMAND_MOST = 0xFFFFFF  # what three bytes of length can say

LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SSL = 1, 1 << 3, 1 << 9, 1 << 11
SECURE_CONNECTION, PLUGIN_AUTH, CONNECT_ATTRS = 1 << 15, 1 << 19, 1 << 20
# What MySQL and MariaDB both speak and a login does not depend on: FOUND_ROWS, LONG_FLAG,
# IGNORE_SPACE, INTERACTIVE, TRANSACTIONS, MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS,
# SESSION_TRACK, DEPRECATE_EOF. Not offered: compression, LOCAL_FILES. Connection attributes are
# offered, for there are clients that send them to everybody, and dropped.
RELAYED = sum(1 << bit for bit in (1, 2, 8, 10, 13, 16, 17, 18, 23, 24))
NEEDED = PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | SSL
OFFERED = LONG_PASSWORD | CONNECT_WITH_DB | NEEDED | CONNECT_ATTRS | RELAYED

OK = b"\x00\x00\x00\x02\x00\x00\x00"  # no rows, no id, autocommit, no warnings
FAST_AUTH_SUCCEEDED, FULL_AUTH_WANTED = b"\x01\x03", b"\x01\x04"


class Malformed(Exception):
    """Not what the protocol allows here, or not what this file speaks."""


class Refused(Exception):
    """The server's ERR packet; `packet` is the whole of it."""

    def __init__(self, packet: bytes) -> None:
        self.code = int.from_bytes(packet[1:3], "little")
        super().__init__(f"error {self.code}")
        self.packet = packet


class Channel:
    """A socket that speaks packets: counts them and can begin TLS between two of them.

    It reads no byte more than it was asked for: what follows is TLS's, or is relayed.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sequence = 0

    def read(self, most: int = LOGIN_MOST) -> bytes:
        """EOFError when the peer had closed before."""
        header = self._exactly(4, first=True)
        length = int.from_bytes(header[:3], "little")
        if header[3] != self.sequence:
            raise Malformed(f"packet {header[3]} where {self.sequence} was due")
        if length > most:
            raise Malformed(f"a packet of {length} bytes where {most} are the most")
        self.sequence = (self.sequence + 1) % 256
        return self._exactly(length)

    def write(self, payload: bytes) -> None:
        header = len(payload).to_bytes(3, "little") + bytes([self.sequence])
        self.sequence = (self.sequence + 1) % 256
        self.sock.sendall(header + payload)

    def start_tls(self, context: ssl.SSLContext, server: str | None = None) -> None:
        """As the client of `server`, or as a server."""
        self.sock = context.wrap_socket(self.sock, server_side=server is None,
                                        server_hostname=server)

    def close(self) -> None:
        self.sock.close()

    def _exactly(self, length: int, *, first: bool = False) -> bytes:
        data = bytearray()
        while len(data) < length:
            more = self.sock.recv(length - len(data))
            if not more and first and not data:
                raise EOFError
            if not more:
                raise Malformed("closed in the middle of a packet")
            data += more
        return bytes(data)


class Fields:
    """Takes a packet apart from its beginning."""

    def __init__(self, packet: bytes) -> None:
        self._left = packet

    def take(self, length: int) -> bytes:
        if length > len(self._left):
            raise Malformed("a packet ended too early")
        taken, self._left = self._left[:length], self._left[length:]
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def text(self) -> str:
        """Up to a NUL."""
        value, _, _ = self._left.partition(b"\0")
        self.take(len(value) + 1)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Malformed("a name that is not UTF-8") from None

    def end(self) -> None:
        if self._left:
            raise Malformed(f"{len(self._left)} bytes too many in a packet")


@dataclass(frozen=True)
class Greeting:
    """Protocol::HandshakeV10, by which a server begins."""

    nonce: bytes  # 20 bytes, none of them 0
    plugin: str
    capabilities: int = OFFERED
    version: str = "8.0.28"  # of the stand-in; a client that wants the database's must ask for it

    def packet(self) -> bytes:
        low, high = (self.capabilities & 0xFFFF), self.capabilities >> 16
        return (b"\x0a" + self.version.encode() + b"\0" + bytes(4) + self.nonce[:8] + b"\0"
                + low.to_bytes(2, "little") + b"\x2d\x02\x00" + high.to_bytes(2, "little")
                + bytes([len(self.nonce) + 1]) + bytes(10) + self.nonce[8:] + b"\0"
                + self.plugin.encode() + b"\0")

    @classmethod
    def parse(cls, packet: bytes) -> Greeting:
        if packet[:1] == b"\xff":
            raise Refused(packet)  # too many connections, for one
        fields = Fields(packet)
        if fields.number(1) != 10:
            raise Malformed("a greeting of another version than 10")
        version = fields.text()
        fields.take(4)
        nonce = fields.take(8)
        fields.take(1)
        capabilities = fields.number(2)
        fields.take(3)
        capabilities |= fields.number(2) << 16
        if capabilities & NEEDED != NEEDED:
            raise Malformed("a server without TLS or without plugins")
        if fields.number(1) != 21:
            raise Malformed("a nonce that is not 20 bytes long")
        fields.take(10)
        nonce += fields.take(12)
        fields.take(1)
        return cls(nonce, fields.text(), capabilities, version)


@dataclass(frozen=True)
class Login:
    """Protocol::HandshakeResponse41, by which a client answers."""

    capabilities: int
    most: int  # the longest packet it wants
    collation: int
    user: str
    answer: bytes
    database: str
    plugin: str

    def request_tls(self) -> bytes:
        """Protocol::SSLRequest: the beginning of the same packet."""
        return (self.capabilities.to_bytes(4, "little") + self.most.to_bytes(4, "little")
                + bytes([self.collation]) + bytes(23))

    def packet(self) -> bytes:
        database = self.database.encode() + b"\0" if self.capabilities & CONNECT_WITH_DB else b""
        return (self.request_tls() + self.user.encode() + b"\0" + bytes([len(self.answer)])
                + self.answer + database + self.plugin.encode() + b"\0")

    @classmethod
    def parse(cls, packet: bytes) -> Login:
        fields = Fields(packet)
        capabilities = fields.number(4) & OFFERED
        if capabilities & NEEDED != NEEDED:
            raise Malformed("a client without TLS or without plugins")
        most, collation = fields.number(4), fields.number(1)
        fields.take(23)
        user = fields.text()
        answer = fields.take(fields.number(1))
        database = fields.text() if capabilities & CONNECT_WITH_DB else ""
        plugin = fields.text()
        if capabilities & CONNECT_ATTRS:
            length = fields.number(1)
            fields.take(fields.number(2) if length == 0xFC else length)
        fields.end()
        return cls(capabilities & ~CONNECT_ATTRS, most, collation, user, answer, database, plugin)


def error(code: int, state: str, message: str) -> bytes:
    return b"\xff" + code.to_bytes(2, "little") + f"#{state}{message}".encode()


def switch_to(plugin: str, nonce: bytes) -> bytes:
    return b"\xfe" + plugin.encode() + b"\0" + nonce + b"\0"


def scramble(plugin: str, password: str, nonce: bytes) -> bytes:
    """What proves the password; nothing for an empty one."""
    if plugin not in (NATIVE, CACHING):
        raise Malformed("a plugin that is not spoken here")
    if not password:
        return b""
    if plugin == NATIVE:
        once = hashlib.sha1(password.encode()).digest()
        mask = hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest()
    else:
        once = hashlib.sha256(password.encode()).digest()
        twice = hashlib.sha256(once).digest()
        mask = hashlib.sha256(twice + nonce).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


def log_in(channel: Channel, login: Login, password: str, tls: ssl.SSLContext) -> None:
    """As a client, over TLS that must be `localhost`'s. Refused when the server says no.

    `login` says who and how; its answer and its plugin are made here.
    """
    greeting = Greeting.parse(channel.read())
    # MariaDB does not offer LONG_PASSWORD: to have it or not tells MySQL's dialect from its own.
    if login.capabilities & ~greeting.capabilities & ~LONG_PASSWORD:
        raise Malformed("the server lacks what the client was offered")
    plugin, nonce = greeting.plugin, greeting.nonce
    if plugin not in (NATIVE, CACHING):
        plugin = NATIVE  # the server will switch to the user's
    channel.write(login.request_tls())
    channel.start_tls(tls, "localhost")
    channel.write(Login(login.capabilities, login.most, login.collation, login.user,
                        scramble(plugin, password, nonce), login.database, plugin).packet())
    while (packet := channel.read())[:1] != b"\x00":
        if packet[:1] == b"\xff":
            raise Refused(packet)
        if packet[:1] == b"\xfe":
            fields = Fields(packet[1:])
            plugin, nonce = fields.text(), fields.take(20)
            channel.write(scramble(plugin, password, nonce))
        elif packet == FULL_AUTH_WANTED:
            channel.write(password.encode() + b"\0")
        elif packet != FAST_AUTH_SUCCEEDED:
            raise Malformed("an unexpected packet in a login")
