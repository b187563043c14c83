"""What MySQL and MariaDB keep of a password, made here: no statement of ours has to hold one.

caching_sha2_password is SHA-crypt with SHA-256, but its salt has 20 characters where crypt(3) takes
16, so libc cannot make it.
"""

from __future__ import annotations

import hashlib
import secrets
import string

ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALT = 20
ROUNDS = 5  # thousands
LAST = (None, 31, 30)  # the bytes of the digest that make its last three characters
ORDER = ((0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26),
         (27, 7, 17), (18, 28, 8), (9, 19, 29), LAST)


def native(password: str) -> str:
    """Of mysql_native_password: no salt, always the same."""
    inner = hashlib.sha1(password.encode()).digest()
    return "*" + hashlib.sha1(inner).hexdigest().upper()


def caching_sha2(password: str, salt: str | None = None) -> str:
    """Of caching_sha2_password; only letters, digits, `$`, `.` and `/`, so any quoting will do."""
    salt = salt or "".join(secrets.choice(string.ascii_letters + string.digits)
                           for _ in range(SALT))
    digest = sha256_crypt(password.encode(), salt.encode(), ROUNDS * 1000)
    return f"$A${ROUNDS:03X}${salt}{digest}"


def sha256_crypt(password: bytes, salt: bytes, rounds: int) -> str:
    """Ulrich Drepper's SHA-crypt, without its prefix and its limit for the salt."""
    size = len(password)
    other = hashlib.sha256(password + salt + password).digest()
    mixed = password + salt + repeated(other, size)
    bits = size
    while bits:
        mixed += other if bits & 1 else password
        bits >>= 1
    result = hashlib.sha256(mixed).digest()
    by_password = repeated(hashlib.sha256(password * size).digest(), size)
    by_salt = repeated(hashlib.sha256(salt * (16 + result[0])).digest(), len(salt))
    for turn in range(rounds):
        text = by_password if turn & 1 else result
        text += by_salt if turn % 3 else b""
        text += by_password if turn % 7 else b""
        text += result if turn & 1 else by_password
        result = hashlib.sha256(text).digest()
    return "".join(encoded(result, places) for places in ORDER)


def repeated(text: bytes, size: int) -> bytes:
    return (text * (size // len(text) + 1))[:size]


def encoded(digest: bytes, places: tuple[int | None, ...]) -> str:
    value = 0
    for place in places:
        value = value << 8 | (0 if place is None else digest[place])
    return "".join(ITOA64[value >> 6 * at & 63] for at in range(3 if places is LAST else 4))
