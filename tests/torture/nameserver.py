"""Name servers that do not help, and a way to let one program alone ask them.

The program runs in a mount namespace of its own, in which /etc/hosts has only the names it is told
to have, so that even `localhost` may have to be asked for, and /etc/resolv.conf names such a server.
That takes port 53 and what root may do, which root of a container may not: CannotServe says what is
refused.
"""

from __future__ import annotations

import random
import socket
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Collection

MODES = ("silent", "servfail", "no-such-name")
CODES = {"servfail": 2, "no-such-name": 3}

ENTER = ('mount --bind "$1" /etc/hosts && { [ -z "$2" ] || mount --bind "$2" /etc/resolv.conf; } &&'
         ' shift 2 && exec "$@"')


class CannotServe(Exception):
    """Why this cannot be done here."""


class NameServers:
    """Each on a loopback address of its own, by chance: glibc asks port 53 only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._sockets: dict[str, socket.socket] = {}
        with ExitStack() as stack:
            for mode in MODES:
                self._sockets[mode] = stack.enter_context(self._bound(mode))
            self._try()
            stack.pop_all()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=(mode,), daemon=True)
                         for mode in CODES]
        for thread in self._threads:
            thread.start()

    def _bound(self, mode: str) -> socket.socket:
        address = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            server.bind((address, 53))
        except OSError as error:
            server.close()
            raise CannotServe(f"a name server at {address}:53: {error.strerror}") from error
        server.settimeout(0.2)
        (self._folder / f"resolv-{mode}.conf").write_text(f"nameserver {address}\n")
        return server

    def _try(self) -> None:
        try:
            tried = subprocess.run([*self.wrap((), MODES[0]), "true"], stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise CannotServe(f"{error.filename} is not installed") from error
        if tried.returncode != 0:
            raise CannotServe(" ".join(tried.stderr.split()))

    def wrap(self, known: Collection[str], mode: str = "") -> list[str]:
        """What to put before a command, so that it finds these names, here, and asks this server, or
        the one it always asks, for all others."""
        resolver = str(self._folder / f"resolv-{mode}.conf") if mode else ""
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(self._hosts(known)), resolver]

    def _hosts(self, known: Collection[str]) -> Path:
        path = self._folder / "-".join(["hosts", *sorted(known)])
        with self._lock:
            if not path.exists():
                path.write_text("".join(f"127.0.0.1 {name}\n" for name in sorted(known)))
        return path

    def _serve(self, mode: str) -> None:
        server = self._sockets[mode]
        while not self._closing.is_set():
            try:
                question, client = server.recvfrom(4096)
            except TimeoutError:
                continue
            # The question comes back: an answer (QR), recursion available, the code, no records.
            head = question[:2] + bytes([0x81, 0x80 | CODES[mode]]) + question[4:6] + bytes(6)
            end = question.index(b"\0", 12) + 5
            server.sendto(head + question[12:end], client)

    def __enter__(self) -> NameServers:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()
        for server in self._sockets.values():
            server.close()
