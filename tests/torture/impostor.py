"""Servers that are wrong on purpose, behind a gate in the place of the real ones.

Scripted follows a function, here one that speaks PostgreSQL's first words; those for MySQL and
MariaDB are in mysql_impostor.py. HttpsImpostor stands in front of Secrets Manager and answers one
action itself. Each keeps what it was sent, apart for clear text and for what came
out of TLS, because what was sent to whom is the question.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Callable

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PATIENCE = 8   # seconds that a server which only listens goes on listening
SALT = b"salt"  # of MD5
FLOOD_SECONDS = 12  # longer than any deadline of the test


def server_context(certificate: Path, key: Path, *, old: bool = False) -> ssl.SSLContext:
    """`old`: TLS 1.0 and 1.1 only, which OpenSSL speaks at security level 0 alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.load_cert_chain(certificate, key)
    return context


class Impostor:
    """Accepts on a free port; `serve` has each connection in a thread of its own."""

    def __init__(self) -> None:
        self.clear = bytearray()   # what came before or without TLS
        self.secure = bytearray()  # what came out of TLS
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._closing = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name="impostor", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()

    def __enter__(self):  # -> Self, which this Python has no name for
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(client,), daemon=True).start()

    def _run(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        session = Session(self, client)
        try:
            self.serve(session)
        except (OSError, EOFError, ValueError):
            pass  # the client turned away: nearly always the right thing to do
        finally:
            session.end.close()

    def serve(self, session: Session) -> None:
        raise NotImplementedError


class Session:
    """One connection: `end` is the socket, inside TLS after `shake_hands`."""

    def __init__(self, impostor: Impostor, client: socket.socket) -> None:
        self.impostor = impostor
        self.end = client
        self._kept = impostor.clear

    def shake_hands(self, context: ssl.SSLContext) -> None:
        self.end = context.wrap_socket(self.end, server_side=True)
        self._kept = self.impostor.secure

    def receive(self, most: int = 65536) -> bytes:
        data = self.end.recv(most)
        if not data:
            raise EOFError
        self._kept += data
        return data

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.receive(count - len(data))
        return data

    def send(self, data: bytes) -> None:
        self.end.sendall(data)

    def listen(self) -> None:
        """Keeps whatever else comes."""
        while True:
            self.receive()

    def flood(self, piece: bytes) -> None:
        """Without an end, but not so fast that nobody else gets a turn."""
        until = time.monotonic() + FLOOD_SECONDS
        while time.monotonic() < until:
            self.send(piece)
            time.sleep(0.005)


class Scripted(Impostor):
    """Does with each connection what a function says."""

    def __init__(self, script: Script, context: ssl.SSLContext) -> None:
        self._script, self._context = script, context
        super().__init__()

    def serve(self, session: Session) -> None:
        self._script(session, self._context)


Script = Callable[[Session, ssl.SSLContext], None]


# PostgreSQL -----------------------------------------------------------------------------------

def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def error(sqlstate: str, text: str) -> bytes:
    fields = b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0M" + text.encode() + b"\0\0"
    return message(b"E", fields)


def authentication(kind: int, more: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!i", kind) + more)


WELCOME = authentication(0) + message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I")
ROW = (message(b"T", struct.pack("!h", 1) + b"?column?\0"
               + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0)),
       message(b"D", struct.pack("!hi", 1, 1) + b"1"))
SELECTED = ROW[0] + ROW[1] + message(b"C", b"SELECT 1\0") + message(b"Z", b"I")


def take(session: Session) -> None:
    """The startup packet, or a typed message of the client."""
    session.exactly(struct.unpack("!i", session.exactly(4))[0] - 4)


def take_typed(session: Session) -> None:
    session.exactly(1)
    take(session)


def agree(session: Session, context: ssl.SSLContext) -> None:
    session.exactly(8)
    session.send(b"S")
    session.shake_hands(context)
    take(session)


def refuse_tls(session: Session, _: ssl.SSLContext) -> None:
    session.exactly(8)
    session.send(b"N")
    session.listen()


def error_in_clear(session: Session, _: ssl.SSLContext) -> None:
    """What anybody on the way can forge: 'wrong password', before there is any TLS."""
    session.exactly(8)
    session.send(error("28P01", "password authentication failed for user \"app\""))
    session.listen()


def injected(session: Session, context: ssl.SSLContext) -> None:
    """Bytes from the way, which a careless client takes for the server's (CVE-2021-23222)."""
    session.exactly(8)
    session.send(b"S" + WELCOME)
    session.shake_hands(context)
    session.listen()


def plaintext_after_yes(session: Session, _: ssl.SSLContext) -> None:
    session.exactly(8)
    session.send(b"S")
    session.send(authentication(3))
    session.listen()


def closed_after_yes(session: Session, _: ssl.SSLContext) -> None:
    session.exactly(8)
    session.send(b"S")


def no_password(session: Session, context: ssl.SSLContext) -> None:
    """Lets everybody in: whoever 'logs in' here has proven nothing."""
    agree(session, context)
    session.send(WELCOME)
    take_typed(session)
    session.send(SELECTED)
    session.listen()


def cleartext(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.send(authentication(3))
    take_typed(session)
    session.send(WELCOME)
    take_typed(session)
    session.send(SELECTED)
    session.listen()


def md5(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.send(authentication(5, SALT))
    take_typed(session)
    session.send(WELCOME)
    take_typed(session)
    session.send(SELECTED)
    session.listen()


def begin_scram(session: Session, mechanisms: bytes, rounds: int) -> None:
    """Up to where the client has to compute its proof, in so many rounds."""
    session.send(authentication(10, mechanisms + b"\0"))
    first = session.receive()
    nonce = first[first.rindex(b"r=") + 2:]
    session.send(authentication(11, b"r=%bx,s=c2FsdHNhbHRzYWx0c2FsdA==,i=%d" % (nonce, rounds)))


def scram_forged(session: Session, context: ssl.SSLContext) -> None:
    """Goes through SCRAM without knowing the verifier: its last word cannot be right."""
    agree(session, context)
    begin_scram(session, b"SCRAM-SHA-256\0", 4096)
    take_typed(session)
    session.send(authentication(12, b"v=" + b"A" * 43 + b"=") + WELCOME)
    session.listen()


def scram_skipped(session: Session, context: ssl.SSLContext) -> None:
    """Asks for SCRAM and says yes before its own proof was due."""
    agree(session, context)
    session.send(authentication(10, b"SCRAM-SHA-256\0\0"))
    take_typed(session)
    session.send(WELCOME)
    take_typed(session)
    session.send(SELECTED)
    session.listen()


def scram_endless(session: Session, context: ssl.SSLContext) -> None:
    """Asks for so many rounds that the answer takes the better part of an hour."""
    agree(session, context)
    begin_scram(session, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0", 2 ** 31 - 1)
    session.end.settimeout(None)  # it computes, and is ended
    session.listen()


def unknown_authentication(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.send(authentication(99))
    session.listen()


def enormous_message(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.send(b"R" + struct.pack("!i", 0x7FFFFFFF))
    session.flood(b"\0" * 65536)


def endless_notices(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.flood(message(b"N", b"SNOTICE\0C00000\0M" + b"x" * 8000 + b"\0\0"))


def copies(session: Session, context: ssl.SSLContext) -> None:
    """Begins a COPY where rows were asked for, and waits."""
    agree(session, context)
    session.send(authentication(5, SALT))
    take_typed(session)
    session.send(WELCOME)
    take_typed(session)
    session.send(message(b"G", struct.pack("!bh", 0, 0)))
    session.listen()


def endless_rows(session: Session, context: ssl.SSLContext) -> None:
    """Only after a login, which here is MD5: any server of a valid certificate may do it."""
    agree(session, context)
    session.send(authentication(5, SALT))
    take_typed(session)
    session.send(WELCOME)
    take_typed(session)
    session.send(ROW[0])
    session.flood(ROW[1] * 4096)


def md5_answer(user: str, password: str) -> bytes:
    """What who knows the password answers to the request for MD5; it can be searched offline."""
    inner = hashlib.md5((password + user).encode()).hexdigest().encode()
    return hashlib.md5(inner + SALT).hexdigest().encode()


def only_handshake(session: Session, context: ssl.SSLContext) -> None:
    """PostgreSQL with this certificate; whatever the client says then is kept."""
    session.exactly(8)
    session.send(b"S")
    session.shake_hands(context)
    session.listen()


# HTTPS ----------------------------------------------------------------------------------------

class HttpsImpostor(Impostor):
    """Hands every request on to `upstream` as it came, but answers `action` itself with `answer`.

    Without an action it only shakes hands and listens.
    """

    def __init__(self, context: ssl.SSLContext, upstream: int = 0, ca: Path | None = None,
                 action: str = "", answer: Callable[[Session], None] | None = None) -> None:
        self._context, self._upstream, self._ca = context, upstream, ca
        self._action, self._answer = action, answer
        self.answered = 0
        super().__init__()

    def serve(self, session: Session) -> None:
        session.shake_hands(self._context)
        if not self._action:
            session.listen()
        trust = ssl.create_default_context(cafile=str(self._ca))
        with socket.create_connection(("127.0.0.1", self._upstream), timeout=5) as plain, \
                trust.wrap_socket(plain, server_hostname="localhost") as server:
            while True:
                head, body = self._request(session)
                if f"secretsmanager.{self._action}\r\n".encode() in head:
                    self.answered += 1
                    assert self._answer is not None
                    self._answer(session)
                    return
                server.sendall(head + body)
                session.send(whole_message(server.recv))

    def _request(self, session: Session) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += session.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        while len(body) < content_length(head):
            body += session.receive()
        return head + b"\r\n\r\n", body


def content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def whole_message(receive: Callable[[int], bytes]) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data or \
            len(data.partition(b"\r\n\r\n")[2]) < content_length(data.partition(b"\r\n\r\n")[0]):
        piece = receive(65536)
        if not piece:
            raise EOFError
        data += piece
    return data
