"""When a proxy learns of a new password: some time after its secret changed, never at once.

Kept apart from the process and the clock, so that a test can make the time pass.
"""

from __future__ import annotations

from typing import NamedTuple


class Credential(NamedTuple):
    user: str
    password: str


class Pickup:
    """Which users a proxy knows, given what it has read from its secrets and when."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._read: dict[str, Credential] = {}
        self._waiting: list[tuple[float, str, Credential]] = []
        self._known: dict[str, Credential] = {}

    def saw(self, secret: str, credential: Credential, now: float) -> None:
        """A secret was read. One that cannot be read is not seen: its last user stays."""
        if self._read.get(secret) != credential:
            self._read[secret] = credential
            self._waiting.append((now + self._delay, secret, credential))

    def apply(self, now: float) -> list[str]:
        """Takes over what has waited long enough; the users that changed by it."""
        due = [entry for entry in self._waiting if entry[0] <= now]
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        for _, secret, credential in due:
            self._known[secret] = credential
        return [credential.user for _, _, credential in due]

    def next_change(self) -> float | None:
        return min((entry[0] for entry in self._waiting), default=None)

    def users(self) -> dict[str, str]:
        return {credential.user: credential.password for credential in self._known.values()}
