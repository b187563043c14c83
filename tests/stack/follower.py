"""Which users a stand-in for RDS Proxy knows: it follows its secrets, and learns of a change late.

RDS Proxy publishes no bound for "late": here a secret is read every `poll` seconds, with
credentials of its own, and what was read counts after a further `delay`. A secret that cannot be
read leaves its last user in place.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Callable, Sequence

from .pickup import Credential, Pickup

if TYPE_CHECKING:
    from botocore.client import BaseClient


class Follower:
    """Knows the users of this moment when the constructor returns; follows changes from `start`.

    A change is first told by `take_over`, then user by user by `on_pickup`; both in its thread.
    """

    def __init__(self, secrets_manager: BaseClient, secret_ids: Sequence[str], *, poll: float,
                 delay: float, take_over: Callable[[], None],
                 on_pickup: Callable[[str], None]) -> None:
        self._secrets_manager = secrets_manager
        self._secret_ids = secret_ids
        self._poll = poll
        self._take_over = take_over
        self._on_pickup = on_pickup
        self._pickup = Pickup(delay)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="proxy-users")

        self._read_secrets()
        self._pickup.apply(time.monotonic() + delay)

    def users(self) -> dict[str, str]:
        return self._pickup.users()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Once started."""
        self._stopping.set()
        self._thread.join()

    def _follow(self) -> None:
        next_poll = time.monotonic() + self._poll
        while True:
            wake = min(next_poll, self._pickup.next_change() or next_poll)
            if self._stopping.wait(max(0.0, wake - time.monotonic())):
                return
            if time.monotonic() >= next_poll:
                self._read_secrets()
                next_poll = time.monotonic() + self._poll
            changed = self._pickup.apply(time.monotonic())
            if changed:
                self._take_over()
            for user in changed:
                self._on_pickup(user)

    def _read_secrets(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # not every user has botocore
        for secret_id in self._secret_ids:
            try:
                value = json.loads(self._secrets_manager.get_secret_value(
                    SecretId=secret_id, VersionStage="AWSCURRENT")["SecretString"])
                credential = Credential(value["username"], value["password"])
            except (BotoCoreError, ClientError, ValueError, KeyError, TypeError):
                continue  # the last user stays, as in a proxy that cannot read its secret
            self._pickup.saw(secret_id, credential, time.monotonic())
