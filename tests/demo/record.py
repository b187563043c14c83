"""What happened during the demo, and what follows from it. Times are seconds since its start."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple


class Login(NamedTuple):
    at: float    # its end
    took: float  # reading the secret included
    client: str
    user: str
    error: str | None


class Step(NamedTuple):
    rotation: int
    name: str  # createSecret …
    user: str
    begin: float
    end: float
    failed: bool


class Pickup(NamedTuple):
    at: float
    user: str


class Hold(NamedTuple):
    """From here on the holding client uses this user's credential."""
    at: float
    user: str


class Span(NamedTuple):
    begin: float
    end: float
    state: str


@dataclass
class Rotation:
    number: int
    begin: float
    end: float | None = None
    state: str = "running"


@dataclass
class Record:
    """Filled by several threads: appending is all they do."""

    users: tuple[str, ...]    # [0] is active in the beginning
    clients: tuple[str, ...]
    logins: list[Login] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    pickups: list[Pickup] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)
    end: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _started: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        """Time begins to count here, not while servers were starting."""
        self._started = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._started

    def failures(self) -> list[Login]:
        return failed(self.logins)

    def latest_user(self) -> str:
        """The user of the newest step: finishSecret does not always name one."""
        return self.steps[-1].user if self.steps else ""

    def of(self, client: str) -> list[Login]:
        return [login for login in self.logins if login.client == client]


def failed(logins: list[Login]) -> list[Login]:
    return [login for login in logins if login.error is not None]


def duration(seconds: float) -> str:
    if seconds < 0.001:
        return "<1 ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def user_states(record: Record, user: str) -> list[Span]:
    """What `user` was, from the first moment to the last, without a gap.

    waiting: not used yet; changing: from setSecret until finishSecret has moved AWSCURRENT;
    active: AWSCURRENT names it; previous: AWSPREVIOUS does, and its password still works.
    """
    state = "active" if user == record.users[0] else "waiting"
    changes = [(0.0, state)]
    for step in record.steps:
        if step.name == "setSecret" and step.user == user:
            changes.append((step.begin, "changing"))  # also when it failed: it may have got so far
        elif step.name == "finishSecret" and not step.failed:
            changes.append((step.end, "active" if step.user == user else "previous"))
    spans: list[Span] = []
    for index, (begin, state) in enumerate(changes):
        end = changes[index + 1][0] if index + 1 < len(changes) else record.end
        if end > begin:
            spans.append(Span(begin, end, state))
    return spans


def per_bucket(times: list[float], end: float, buckets: int) -> list[int]:
    """How many of the times fall into each of `buckets` equal parts of 0…end, its end included."""
    counts = [0] * buckets
    for at in times:
        counts[min(max(int(at * buckets / end), 0), buckets - 1)] += 1
    return counts
