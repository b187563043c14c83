"""The cases of network.py: at which place, in which step, what goes wrong, and how that must end.

A case is named place/step/fault[/position]. Positions come from a clean run: the borders and the
middles of its TLS records, which are the handshake, each request and each answer.
"""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping

from . import impostor
from .gate import DOWN, PLACED, UP, WHOLE, Fault, Recording
from .impostor import Script, Session

AWS, DATABASE, PROXY = "secrets-manager", "database", "proxy"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
# finishSecret, run as a command, proves for itself what testSecret proved in another process.
TALKS_TO = {AWS: STEPS, DATABASE: STEPS[1:], PROXY: STEPS[2:]}

DONE, INVALID, UNAVAILABLE = "OK", "INVALID", "UNAVAILABLE"
GIVEN_UP = "exit status 1"  # nobody can say a class while it computes

# Names that only this test knows. The database is `localhost`, and so is the proxy where no name can
# be given to it: then no case needs one.
AWS_NAME, PROXY_NAME, DATABASE_NAME = "secretsmanager.tandem.test", "proxy.tandem.test", "localhost"

# What a message must name: the place, and the setting or the thing to look at.
PLACE_WORDS = {AWS: "Secrets Manager at 127.0.0.1", DATABASE: f"the database at {DATABASE_NAME}",
               PROXY: f"the proxy at ({PROXY_NAME}|localhost)"}
CA_WORDS = {AWS: "AWS_CA_BUNDLE", DATABASE: "TANDEM_DATABASE_CA", PROXY: "TANDEM_PROXY_CA"}
CLOSED_AWS = "VPC endpoint or NAT"

FINISHED = 80  # bytes: the client's last words of the handshake
RETRY = 500  # bytes: less is the yes to TLS, or a server that wants another key first
NEAR = 2    # bytes by which signatures alone do
HANDSHAKE = re.compile(rb"\x16\x03[\x01\x03]")  # how TLS begins
SLACK = 80  # bytes by which signatures and tickets make two runs differ


@dataclass(frozen=True)
class Case:
    place: str
    step: str
    fault: str
    position: int | None
    ends: tuple[str, ...]         # OK or error classes; more than one where both are right
    words: tuple[str, ...] = ()   # patterns of what the message of a failure holds
    gate: Fault = Fault()
    actor: str = ""               # which kind of impostor stands behind the gate, and
    script: str = ""              # what it does
    seconds: float = 1.0          # about so long
    computes: bool = False        # its deadline is one of the processor's time

    @property
    def name(self) -> str:
        parts = [self.place, self.step, self.fault]
        return "/".join(parts if self.position is None else [*parts, str(self.position)])


@dataclass(frozen=True)
class Dialect:
    """What is different with the protocol that the database and its proxy speak."""

    closed: str                   # what is said where nobody listens
    question: Callable[[bytes], int]  # how long what must come before TLS is; ValueError: not that
    handshake: Script             # up to TLS; whatever the client says then is kept
    scripts: Mapping[str, Script]
    lies: Callable[[str, str], Iterator[Case]]  # the cases of the scripts, by place and step
    flipped_in_clear: tuple[str, ...] = ()  # what a changed byte before TLS may lead to
    rarely: tuple[str, ...] = ()  # … which of these by so few bytes that a choice may miss them


# Transport ------------------------------------------------------------------------------------

def records(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where each TLS record begins and ends."""
    while start + 5 <= len(data):
        end = start + 5 + struct.unpack("!H", data[start + 3:start + 5])[0]
        yield start, min(end, len(data))
        start = end


def start_of_tls(recording: Recording, direction: str) -> int:
    """Its first record; Secrets Manager's is at the beginning."""
    return HANDSHAKE.search(recording.sent[direction]).start()


def positions(recording: Recording, direction: str, every: int) -> list[int]:
    data = bytes(recording.sent[direction])
    start = start_of_tls(recording, direction)
    marks = {0, 1, start, start + 3, len(data)} | set(range(0, len(data), every) if every else ())
    for begin, end in records(data, start):
        marks |= {(begin + end) // 2, end}
    return sorted(mark for mark in marks if mark <= len(data))


def spoken(turns: list[tuple[str, int]], direction: str) -> int:
    return max((end for way, end in turns if way == direction), default=0)


def needed(recording: Recording, direction: str, place: str) -> int:
    """Up to here each byte is needed; where a place is asked again, for the first answer only."""
    turns = recording.turns[:4] if place == AWS else recording.turns
    # What the client says last, goodbye, is answered by nobody.
    while turns and turns[-1][0] == UP:
        turns = turns[:-1]
    return spoken(turns, direction)


def placed(place: str, step: str, recording: Recording, every: int,
           dialect: Dialect) -> Iterator[Case]:
    for kind in PLACED:
        for direction in (DOWN,) if kind == "garbage" else (UP, DOWN):
            start = start_of_tls(recording, direction)
            need = needed(recording, direction, place) - SLACK
            handshake = end_of_handshake(recording, direction) + SLACK
            for position in positions(recording, direction, every):
                for once in (False, True) if place != DATABASE else (False,):
                    ends = ends_of(place, kind, once, position < need, position <= handshake)
                    if kind == "flip" and DONE in ends and not once and position <= handshake \
                            and not in_version(recording, direction, position):
                        ends = UNAVAILABLE, INVALID
                    if kind == "flip" and place != AWS and position < start:
                        ends = dialect.flipped_in_clear or ends
                    yield Case(place, step, f"{kind}-{direction}{'-once' if once else ''}",
                               position, ends, gate=Fault(kind, direction, position, once),
                               words=(PLACE_WORDS[place],) if ends == (UNAVAILABLE,) else (),
                               seconds=seconds_of(place, kind))


def end_of_handshake(recording: Recording, direction: str) -> int:
    """Where the first byte that is no handshake may come."""
    turn = next(i for i, (way, end) in enumerate(recording.turns) if way == DOWN and end > RETRY)
    if direction == DOWN:
        return recording.turns[turn][1]
    return spoken(recording.turns[:turn], UP) + FINISHED


def in_version(recording: Recording, direction: str, position: int) -> bool:
    """Two bytes of a record that nobody looks at; later ones may have moved by a few bytes."""
    return any(begin + 1 - NEAR <= position <= begin + 2 + NEAR for begin, _ in
               records(bytes(recording.sent[direction]), start_of_tls(recording, direction)))


def seconds_of(place: str, kind: str) -> float:
    if kind == "half-open":
        return 5.5
    return 0.7 if place == DATABASE else 2.0


def ends_of(place: str, kind: str, once: bool, is_needed: bool,
            in_handshake: bool) -> tuple[str, ...]:
    if kind == "flip" and in_handshake:  # a certificate may be hit
        return DONE, UNAVAILABLE, INVALID
    # A length that has grown is waited for like a peer that hangs.
    if kind == "flip" and once:
        return DONE, UNAVAILABLE
    if kind == "garbage" and in_handshake and place != AWS:
        return (DONE, UNAVAILABLE, INVALID) if once else (UNAVAILABLE, INVALID)
    if once:  # both are asked again, but a peer that hangs may cost all the time there is
        return (DONE, UNAVAILABLE) if kind == "half-open" else (DONE,)
    return (UNAVAILABLE,) if is_needed else (DONE, UNAVAILABLE)


def whole(place: str, step: str, dialect: Dialect) -> Iterator[Case]:
    closed = CLOSED_AWS if place == AWS else dialect.closed
    for kind in WHOLE:
        done = kind in ("delay", "drip")
        words = (closed,) if kind == "refuse" else (PLACE_WORDS[place],)
        yield Case(place, step, kind, None, (DONE,) if done else (UNAVAILABLE,),
                   () if done else words, Fault(kind), seconds=2.0 if done else 5.5)


# TLS ------------------------------------------------------------------------------------------

CERTIFICATES = ("expired", "self-signed", "other-ca", "other-name", "not-yet-valid", "client-usage",
                "tls-1.1")


def certificates(place: str, step: str) -> Iterator[Case]:
    for kind in CERTIFICATES:
        words = (PLACE_WORDS[place],) + (() if kind == "tls-1.1" else (CA_WORDS[place],))
        # libcurl does not tell an old server from one that broke off; asking again does no harm.
        end = UNAVAILABLE if kind == "tls-1.1" and place == AWS else INVALID
        yield Case(place, step, f"tls-{kind.removeprefix('tls-')}", None, (end,), words,
                   actor="certificate", script=kind)


# PostgreSQL -----------------------------------------------------------------------------------

POSTGRES: dict[str, tuple[str, Script]] = {
    "no-tls": (INVALID, impostor.refuse_tls),
    "error-in-clear": (UNAVAILABLE, impostor.error_in_clear),
    "injected-before-tls": (INVALID, impostor.injected),
    "plaintext-after-yes": (INVALID, impostor.plaintext_after_yes),
    "closed-after-yes": (UNAVAILABLE, impostor.closed_after_yes),
    "asks-no-password": (INVALID, impostor.no_password),
    "asks-cleartext": (INVALID, impostor.cleartext),
    "asks-md5": (INVALID, impostor.md5),
    "scram-skipped": (INVALID, impostor.scram_skipped),
    "scram-forged": (INVALID, impostor.scram_forged),
    "unknown-authentication": (INVALID, impostor.unknown_authentication),
    "enormous-message": (UNAVAILABLE, impostor.enormous_message),
    "endless-notices": (UNAVAILABLE, impostor.endless_notices),
    "endless-rows": (UNAVAILABLE, impostor.endless_rows),
    "copy-for-rows": (UNAVAILABLE, impostor.copies),
    "endless-scram": (GIVEN_UP, impostor.scram_endless),
}

# The proxy secrets of a lane name no host, so setSecret sends their passwords only to a server that
# proves that it knows them. Elsewhere a server with the right certificate may ask as it likes: the
# libpq of Debian 12 cannot refuse that, and MD5 must be possible.
ONLY_TO_WHO_PROVES = ("asks-cleartext", "asks-md5", "scram-skipped")


def postgres(place: str, step: str) -> Iterator[Case]:
    for name, (end, _) in POSTGRES.items():
        if name in ONLY_TO_WHO_PROVES and (place, step) != (DATABASE, "setSecret"):
            continue
        ends = (end,)
        if name == "plaintext-after-yes":  # libpq tells whether it came together with the yes
            ends = INVALID, UNAVAILABLE
        elif name in ("endless-rows", "copy-for-rows") and (place, step) == (DATABASE, "setSecret"):
            ends = (INVALID,)  # it asks for MD5 first
        computes = end == GIVEN_UP
        words = ("computed for longer than TANDEM_TIMEOUT",) if computes else (PLACE_WORDS[place],)
        yield Case(place, step, name, None, ends, words, actor="lie", script=name,
                   seconds=15.0 if computes else 3.0, computes=computes)


def ssl_request(said: bytes) -> int:
    if not impostor.SSL_REQUEST.startswith(said[:8]):
        raise ValueError
    return 8


POSTGRES_DIALECT = Dialect(
    "nothing listens", ssl_request, impostor.only_handshake,
    {name: script for name, (_, script) in POSTGRES.items()}, postgres)


# HTTP -----------------------------------------------------------------------------------------

ACTIONS = (("DescribeSecret", "createSecret"), ("GetSecretValue", "createSecret"),
           ("PutSecretValue", "createSecret"), ("BatchGetSecretValue", "setSecret"),
           ("UpdateSecretVersionStage", "setSecret"), ("GetSecretValue", "testSecret"),
           ("DescribeSecret", "finishSecret"), ("GetSecretValue", "finishSecret"),
           ("UpdateSecretVersionStage", "finishSecret"))
HTML = b"<html><body>Welcome to the hotel</body></html>"


def http(status: str, body: bytes = b"", *headers: str, length: str | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers,
             f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def said(data: bytes) -> Callable[[Session], None]:
    def answer(session: Session) -> None:
        session.send(data)
    return answer


def endless(head: bytes, piece: bytes) -> Callable[[Session], None]:
    def answer(session: Session) -> None:
        session.send(head)
        session.flood(piece)
    return answer


OPEN_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
ANSWERS: dict[str, tuple[str, Callable[[Session], None]]] = {
    "500-empty": (UNAVAILABLE, said(http("500 Internal Server Error"))),
    "500-html": (UNAVAILABLE, said(http("500 Internal Server Error", HTML))),
    "503-half-json": (UNAVAILABLE, said(http("503 Service Unavailable", b'{"__type":"Serv'))),
    "500-xml": (UNAVAILABLE, said(http("500 x", b"<ErrorResponse><Error><Code>x</Code>"))),
    "400-empty": (INVALID, said(http("400 Bad Request"))),
    "400-html": (INVALID, said(http("400 Bad Request", HTML))),
    "400-throttled": (UNAVAILABLE, said(http("400 x", b'{"__type":"ThrottlingException"}'))),
    "404-html": (INVALID, said(http("404 Not Found", HTML))),
    "200-empty": (INVALID, said(http("200 OK"))),
    "204": (INVALID, said(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")),
    "200-html": (INVALID, said(http("200 OK", HTML))),
    "200-half-json": (INVALID, said(http("200 OK", b'{"ARN":"arn:aws:secr'))),
    "200-no-fields": (INVALID, said(http("200 OK", b"{}"))),
    "200-list": (INVALID, said(http("200 OK", b"[]"))),
    "200-null": (INVALID, said(http("200 OK", b"null"))),
    "200-wrong-types": (INVALID, said(http("200 OK", b'{"ARN":7,"Name":[],"SecretString":{},'
                                                     b'"VersionId":0,"VersionIdsToStages":"x",'
                                                     b'"SecretValues":7,"VersionStages":{}}'))),
    "200-deep": (INVALID, said(http("200 OK", b'{"a":' * 100000))),
    "huge-header": (INVALID, said(http("200 OK", b"{}", "X-Long: " + "x" * 90000))),
    "endless-headers": (INVALID, endless(b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 1000 + b"\r\n")),
    "endless-100": (UNAVAILABLE, endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    "endless-body": (INVALID, endless(OPEN_END, b" " * 65536)),
    "shorter-than-told": (UNAVAILABLE, said(http("200 OK", b"{}", length="5000"))),
    "longer-than-told": (INVALID, said(http("200 OK", b'{"ARN":"x"}' * 99, length="5"))),
    "length-no-number": (UNAVAILABLE, said(http("200 OK", b"{}", length="many"))),
    "chunked-garbage": (UNAVAILABLE, said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                          b"zz\r\n{}\r\n0\r\n\r\n")),
    "not-http": (UNAVAILABLE, said(b"SSH-2.0-OpenSSH_9.2\r\n" + b"\0" * 300)),
    "no-answer": (UNAVAILABLE, said(b"")),
    "redirect-plaintext": (INVALID, said(b"")),   # both need the port that must not be asked
    "redirect-307": (INVALID, said(b"")),
}

# Where a batch is refused, each secret is read by itself: that is as good.
BATCH_REFUSED = ("400-empty", "400-html", "404-html", "redirect-plaintext", "redirect-307")


def redirect(status: str, port: int) -> bytes:
    return http(status, b"", f"Location: http://127.0.0.1:{port}/")


def answers() -> Iterator[Case]:
    for action, step in ACTIONS:
        for name, (end, _) in ANSWERS.items():
            if action == "BatchGetSecretValue" and name in BATCH_REFUSED:
                end = DONE
            yield Case(AWS, step, f"{name}:{action}", None, (end,),
                       (f"{action}|{PLACE_WORDS[AWS]}",), actor="http",
                       script=f"{name}:{action}", seconds=2.0 if end == UNAVAILABLE else 0.7)


# DNS ------------------------------------------------------------------------------------------

DNS = ("no-such-name", "servfail", "silent")
NAMES = {AWS: AWS_NAME, DATABASE: DATABASE_NAME, PROXY: PROXY_NAME}


def names(place: str, step: str) -> Iterator[Case]:
    """This place's name is not found; those of the others are."""
    words = {AWS: (AWS_NAME,)}.get(
        place, (f"looking for the {place} at {NAMES[place]}", f"name '{NAMES[place]}' cannot be"))
    for mode in DNS:
        yield Case(place, step, f"dns-{mode}", None, (UNAVAILABLE,), words,
                   actor="dns", script=mode, seconds=5.5 if mode == "silent" else 2.0)


def all_cases(clean: dict[tuple[str, str], Recording], every: int, dialect: Dialect) -> list[Case]:
    made: list[Case] = [*answers()]
    for (place, step), recording in clean.items():
        made += placed(place, step, recording, every, dialect)
        made += whole(place, step, dialect)
        made += certificates(place, step)
        made += names(place, step)
        if place != AWS:
            made += dialect.lies(place, step)
    return made


def listener() -> tuple[socket.socket, int]:
    """A port where nobody must ever call."""
    server = socket.create_server(("127.0.0.1", 0))
    return server, server.getsockname()[1]
