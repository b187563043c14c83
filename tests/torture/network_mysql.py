"""The cases of network.py that only MySQL's and MariaDB's protocol has: servers that lie in it."""

from __future__ import annotations

from typing import Iterator

from stack.mysql_packets import CACHING, FULL_AUTH_WANTED, NATIVE, OK, error, switch_to

from . import mysql_impostor as impostor
from .impostor import Script
from .mysql_impostor import (CAPABILITIES, DENIED, DENIED_EARLY, EOF, FILE, HEAD, NONCE,
                             QUESTION, ROW, SESSION_TRACK, asks_by, column, first, greeting,
                             instead_of_tls, packet, to_login, to_question)
from .network_cases import DONE, INVALID, PLACE_WORDS, UNAVAILABLE, Case, Dialect

REFUSED = "DENIED"  # the class

# By these the password is shown, inside TLS, to who has the right certificate: with
# caching_sha2_password every server may ask for all of it. The other lies must hear none.
SHOWN_TO_WHO_IS_VERIFIED = ("asks-all-of-it", "asks-sha256")

LIES: dict[str, tuple[str, Script]] = {
    "http": (UNAVAILABLE, first(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
    "ssh": (UNAVAILABLE, first(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
    "old-protocol": (UNAVAILABLE, first(packet(0, b"\x09" + greeting()[1:]))),
    "new-protocol": (UNAVAILABLE, first(packet(0, b"\x0b" + greeting()[1:]))),
    "too-many-connections": (UNAVAILABLE, first(packet(0, b"\xff\x10\x04Too many connections"))),
    "error-in-clear": (UNAVAILABLE, first(packet(0, DENIED_EARLY))),
    "short-error-in-clear": (UNAVAILABLE, first(packet(0, b"\xff"))),
    "empty-greeting": (UNAVAILABLE, first(packet(0, b""))),
    "short-greeting": (UNAVAILABLE, first(packet(0, greeting()[:30]))),
    "endless-version": (UNAVAILABLE, first(packet(0, b"\x0a" + b"8" * 60000))),
    "greeting-number": (UNAVAILABLE, first(packet(7, greeting()))),
    "enormous-greeting": (UNAVAILABLE, impostor.enormous_greeting),
    "no-tls": (INVALID, impostor.no_tls),
    "injected-before-tls": (UNAVAILABLE, impostor.injected),
    "error-for-tls": (INVALID, instead_of_tls(packet(2, DENIED))),
    "cleartext-for-tls": (INVALID, instead_of_tls(
        packet(2, switch_to("mysql_clear_password", NONCE)))),
    "welcome-for-tls": (INVALID, instead_of_tls(packet(2, OK))),
    "closed-for-tls": (UNAVAILABLE, impostor.closed_before_tls),
    "silent-for-login": (UNAVAILABLE, to_login()),
    "denied": (REFUSED, to_login(DENIED)),
    "short-error": (UNAVAILABLE, to_login(b"\xff")),
    "empty-answer": (UNAVAILABLE, to_login(b"")),
    "asks-cleartext": (INVALID, asks_by("mysql_clear_password")),
    "greets-cleartext": (INVALID, to_login(b"\x01\x04", hello=greeting("mysql_clear_password"))),
    "asks-dialog": (INVALID, asks_by("dialog")),
    "asks-old-password": (INVALID, to_login(b"\xfe")),
    "asks-unknown": (INVALID, asks_by("no_such_plugin")),
    "asks-path": (INVALID, asks_by("../../../../tmp/evil")),
    "asks-gssapi": (INVALID, asks_by("auth_gssapi_client")),
    "asks-nothing": (UNAVAILABLE, to_login(switch_to("", NONCE))),
    "short-switch": (UNAVAILABLE, to_login(b"\xfe" + NATIVE.encode())),
    "asks-all-of-it": (UNAVAILABLE, to_login(FULL_AUTH_WANTED, hello=greeting(CACHING))),
    "asks-sha256": (UNAVAILABLE, asks_by("sha256_password")),
    "unknown-data": (UNAVAILABLE, to_login(b"\x01\x99")),
    "asks-for-file-at-login": (UNAVAILABLE, to_login(b"\xfb" + FILE.encode())),
    "enormous-packet": (UNAVAILABLE, impostor.enormous_packet),
    "endless-switches": (UNAVAILABLE, impostor.endless_switches),
    "lying-session-state": (UNAVAILABLE, to_login(
        b"\x00\x00\x00\x02\x40\x00\x00\x00\xfd\xff\xff\xff\x00\xfd\xff\xff\xff",
        hello=greeting(capabilities=CAPABILITIES | SESSION_TRACK))),
    "silent-for-question": (UNAVAILABLE, to_question()),
    "short-error-for-rows": (UNAVAILABLE, to_question(b"\xff\x15")),
    "no-rows": (UNAVAILABLE, to_question(OK)),
    "more-results": (UNAVAILABLE, to_question(b"\x00\x00\x00\x0a\x00\x00\x00")),
    "asks-for-file": (UNAVAILABLE, to_question(b"\xfb" + FILE.encode())),
    "endless-progress": (UNAVAILABLE, impostor.endless_progress),
    "endless-columns": (UNAVAILABLE, impostor.endless_columns),
    "short-column": (UNAVAILABLE, to_question(b"\x01", b"\x03de", EOF)),
    "lying-column": (UNAVAILABLE, to_question(b"\x01", b"\xfd\xff\xff\xffdef", EOF)),
    "two-columns": (UNAVAILABLE, to_question(
        b"\x02", column(), column(), EOF, b"\x011\x012", EOF)),
    "empty-row": (UNAVAILABLE, to_question(*HEAD, b"", EOF)),
    "lying-row": (UNAVAILABLE, to_question(*HEAD, b"\xfd\xff\xff\xff1", EOF)),
    "row-number": (UNAVAILABLE, to_question(*HEAD, number=9)),
    "error-in-rows": (UNAVAILABLE, to_question(*HEAD, ROW, error(1317, "70100", "interrupted"))),
    "silent-in-rows": (UNAVAILABLE, to_question(*HEAD, ROW)),
    "endless-rows": (UNAVAILABLE, impostor.endless_rows),
    "long-rows": (UNAVAILABLE, impostor.long_rows),
}



def mysql(place: str, step: str) -> Iterator[Case]:
    for name, (end, _) in LIES.items():
        ends = (end,)
        if name == "endless-version":  # Connector/C reads on behind it, whatever is there
            ends = UNAVAILABLE, INVALID
        yield Case(place, step, name, None, ends, (PLACE_WORDS[place],), actor="lie", script=name,
                   seconds=3.0)


def ssl_request(said: bytes) -> int:
    """The beginning of a login, without the user: 19 zeros are where the rest would begin."""
    if not b"\x20\0\0".startswith(said[:3]) or any(said[13:32]):
        raise ValueError
    return QUESTION


DIALECT = Dialect(
    "nothing answers", ssl_request, impostor.only_handshake,
    {name: script for name, (_, script) in LIES.items()}, mysql,
    # Half of what the proof is made of is said in clear: if it is changed, so is the answer.
    flipped_in_clear=(DONE, UNAVAILABLE, INVALID, REFUSED),
    rarely=(REFUSED,))  # the twenty that the password is proven with
