"""Name servers that do not help, and a way to let one program alone ask them.

The program runs in a mount namespace of its own in which /etc/resolv.conf names such a server and
/etc/hosts is empty, so that even `localhost` must be asked for. That takes root.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

# Loopback addresses that nobody else listens on; glibc asks port 53 only.
ADDRESSES = {"silent": "127.77.53.1", "servfail": "127.77.53.2", "no-such-name": "127.77.53.3"}
CODES = {"servfail": 2, "no-such-name": 3}

ENTER = ('mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && shift 2 &&'
         ' exec "$@"')


class NameServers:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "hosts").write_text("")
        self._sockets: dict[str, socket.socket] = {}
        for mode, address in ADDRESSES.items():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((address, 53))
            server.settimeout(0.2)
            self._sockets[mode] = server
            (folder / f"resolv-{mode}.conf").write_text(f"nameserver {address}\n")
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=(mode,), daemon=True)
                         for mode in CODES]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def missing() -> str | None:
        """Why this cannot be done here."""
        if os.geteuid() != 0:
            return "a name server of one's own needs root"
        if shutil.which("unshare") is None:
            return "unshare is not installed"
        return None

    def wrap(self, mode: str) -> list[str]:
        """What to put before a command, so that it asks this server."""
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh",
                str(self._folder / f"resolv-{mode}.conf"), str(self._folder / "hosts")]

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
