"""Servers of MySQL's protocol that are wrong on purpose, for network.py and for MariaDB too.

They have the certificate that a server of this name should have, so that what was heard inside TLS
was said to whom the program takes for the database. It may then be told what proves the password,
but not by a way that shows it where the program lets in only those that do not.
"""

from __future__ import annotations

import ssl

from stack.mysql_packets import (NATIVE, OFFERED, OK, SSL, Greeting, error, switch_to)

from .impostor import Script, Session

NONCE = b"abcdefghijklmnopqrst"
QUESTION = 36  # bytes of the request for TLS, which is the beginning of a login without the user
DEPRECATE_EOF, SESSION_TRACK = 1 << 24, 1 << 23
CAPABILITIES = OFFERED & ~DEPRECATE_EOF & ~SESSION_TRACK
FILE = "/etc/passwd"   # that every machine has
IN_FILE = b"root:"     # and what is in it
DENIED = error(1045, "28000", "Access denied for user 'app'@'localhost' (using password: YES)")
DENIED_EARLY = b"\xff\x15\x04Access denied for user 'app'@'localhost' (using password: YES)"
EOF = b"\xfe\x00\x00\x02\x00"


def packet(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number % 256]) + payload


def packets(number: int, *payloads: bytes) -> bytes:
    return b"".join(packet(number + at, payload) for at, payload in enumerate(payloads))


def greeting(plugin: str = NATIVE, capabilities: int = CAPABILITIES) -> bytes:
    return Greeting(NONCE, plugin, capabilities).packet()


def column(name: bytes = b"1") -> bytes:
    """Protocol::ColumnDefinition41 of an integer."""
    texts = (b"def", b"", b"", b"", name, b"")
    return (b"".join(bytes([len(text)]) + text for text in texts)
            + b"\x0c\x3f\x00\x01\x00\x00\x00\x03\x81\x00\x00\x00\x00")


HEAD = (b"\x01", column(), EOF)  # of an answer with one column; it has three packets
ROW = b"\x011"


def take(session: Session) -> bytes:
    return session.exactly(int.from_bytes(session.exactly(4)[:3], "little"))


def agree(session: Session, context: ssl.SSLContext, hello: bytes = greeting()) -> None:
    """Up to the client's login, which is packet 2."""
    session.send(packet(0, hello))
    session.exactly(QUESTION)
    session.shake_hands(context)
    take(session)


def let_in(session: Session, context: ssl.SSLContext) -> None:
    """Up to the first question that is no SET, which is packet 0."""
    agree(session, context)
    session.send(packet(3, OK))
    while take(session)[:4].upper() in (b"\x03SET", b"\x0e"):
        session.send(packet(1, OK))


def only_handshake(session: Session, context: ssl.SSLContext) -> None:
    session.send(packet(0, greeting()))
    session.exactly(QUESTION)
    session.shake_hands(context)
    session.listen()


# What a script is made of -----------------------------------------------------------------------

def first(data: bytes) -> Script:
    """In the greeting's place."""
    def script(session: Session, _: ssl.SSLContext) -> None:
        session.send(data)
        session.listen()
    return script


def instead_of_tls(data: bytes) -> Script:
    def script(session: Session, _: ssl.SSLContext) -> None:
        session.send(packet(0, greeting()))
        session.exactly(QUESTION)
        session.send(data)
        session.listen()
    return script


def to_login(*payloads: bytes, hello: bytes = greeting()) -> Script:
    def script(session: Session, context: ssl.SSLContext) -> None:
        agree(session, context, hello)
        session.send(packets(3, *payloads))
        session.listen()
    return script


def to_question(*payloads: bytes, number: int = 1) -> Script:
    def script(session: Session, context: ssl.SSLContext) -> None:
        let_in(session, context)
        session.send(packets(number, *payloads))
        session.listen()
    return script


def asks_by(plugin: str) -> Script:
    """Its answer is kept, and whoever gave one is let in."""
    def script(session: Session, context: ssl.SSLContext) -> None:
        agree(session, context)
        session.send(packet(3, switch_to(plugin, NONCE)))
        take(session)
        session.send(packet(5, OK))
        session.listen()
    return script


# Scripts that are more than an answer -------------------------------------------------------------

def enormous_greeting(session: Session, _: ssl.SSLContext) -> None:
    session.send(b"\xff\xff\xff\x00")
    session.flood(b"\x0a" * 65536)


def no_tls(session: Session, _: ssl.SSLContext) -> None:
    session.send(packet(0, greeting(capabilities=CAPABILITIES & ~SSL)))
    session.listen()


def injected(session: Session, context: ssl.SSLContext) -> None:
    """Bytes from the way, a whole login and an answer, which a careless client takes for the
    server's."""
    session.send(packet(0, greeting()) + packet(3, OK) + packets(1, *HEAD, ROW, EOF))
    session.exactly(QUESTION)
    session.shake_hands(context)
    session.listen()


def closed_before_tls(session: Session, _: ssl.SSLContext) -> None:
    session.send(packet(0, greeting()))
    session.exactly(QUESTION)


def enormous_packet(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    session.send(b"\xff\xff\xff\x03")
    session.flood(b"\0" * 65536)


def endless_switches(session: Session, context: ssl.SSLContext) -> None:
    agree(session, context)
    for number in range(3, 1 << 20, 2):
        session.send(packet(number, switch_to(NATIVE, NONCE)))
        take(session)


def endless_progress(session: Session, context: ssl.SSLContext) -> None:
    """MariaDB's reports of how far a statement is, which come before the answer."""
    let_in(session, context)
    report = b"\xff\xff\xff\x01\x01\x02\x00\x00\x00\x04work"
    session.flood(packets(1, *[report] * 255))


def endless_columns(session: Session, context: ssl.SSLContext) -> None:
    let_in(session, context)
    session.send(packet(1, b"\xfe" + b"\xff" * 7 + b"\x7f"))
    session.flood(packets(2, *[column()] * 256))


def endless_rows(session: Session, context: ssl.SSLContext) -> None:
    let_in(session, context)
    session.send(packets(1, *HEAD))
    session.flood(packets(4, *[ROW] * 4096))


def long_rows(session: Session, context: ssl.SSLContext) -> None:
    let_in(session, context)
    session.send(packets(1, *HEAD))
    for number in range(4, 1000):
        session.send(packet(number, b"\xfd\xf0\xff\x0f" + b"x" * 0x0FFFF0))
