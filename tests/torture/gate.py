"""A TCP gate between the product and a server: what a hostile network does, at an exact byte.

The gate listens on a port of its own and forwards each connection to `target`. A fault strikes a
connection when so many bytes have passed in one direction, and stays until another one is set. What
the client sent, and in what order the two sides spoke, is kept for whoever asks what crossed.
"""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from stack.process import free_port

UP, DOWN = "up", "down"  # to the server, to the client

# Those that need no position, and those that strike after `after` bytes in `direction`.
WHOLE = ("refuse", "unanswered", "silent", "delay", "drip", "trickle")
PLACED = ("reset", "cut", "half-open", "garbage", "flip")
CLOSED = ("refuse", "unanswered")  # nobody is let in

DELAY = 0.1       # seconds each piece is held
TRICKLE = 0.05    # seconds between two bytes: no exchange ends in time
FLOOD = 8 * 1024 * 1024  # the most bytes of garbage for one connection
KEPT = 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """`once`: only the first connection suffers it, so a client that tries again may succeed."""

    kind: str = "open"
    direction: str = DOWN
    after: int = 0
    once: bool = False


@dataclass
class Recording:
    """One connection: the bytes that came from the client, and from the server; the first KEPT."""

    sent: dict[str, bytearray] = field(default_factory=lambda: {UP: bytearray(), DOWN: bytearray()})
    turns: list[tuple[str, int]] = field(default_factory=list)  # who spoke, up to which byte

    def add(self, direction: str, data: bytes) -> None:
        if len(self.sent[direction]) < KEPT:
            self.sent[direction] += data
        if self.turns and self.turns[-1][0] == direction:
            self.turns.pop()
        self.turns.append((direction, len(self.sent[direction])))


class Gate:
    """Opens at once. `set` ends all connections that are there and rules the ones to come."""

    def __init__(self, target: int) -> None:
        self._server = target
        self._listener = listen_on_free_port()
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._wanted = threading.Condition(self._lock)
        self._closing = False
        self._listening = True
        self._idle = False  # the acceptor waits for a listener
        self._filling: list[socket.socket] = []
        self._epoch = 0
        self.set(Fault())
        self._acceptor = threading.Thread(target=self._accept, name="gate", daemon=True)
        self._acceptor.start()

    def set(self, fault: Fault, target: int | None = None) -> None:
        """The fault from now on, in front of `target` instead of the server."""
        with self._lock:
            self._epoch += 1
            self.fault = fault
            self._target = target if target is not None else self._server
            self.recordings: list[Recording] = []
            if self._filling:
                self._empty_queue()
            if (fault.kind not in CLOSED) != self._listening:
                self._listening = not self._listening
                if self._listening:
                    self._listener.listen(64)
                    self._wanted.notify_all()
                else:  # the port stays ours, and the kernel answers with a reset
                    self._listener.shutdown(socket.SHUT_RDWR)
                    self._wanted.wait_for(lambda: self._idle)
            if fault.kind == "unanswered":
                self._fill_queue()

    def _fill_queue(self) -> None:
        """Where as many wait to be accepted as may, Linux drops who comes then: a SYN without an
        answer, as behind a security group."""
        self._listener.listen(0)
        while True:
            end = socket.socket()
            self._filling.append(end)
            end.settimeout(0.2)
            try:
                end.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return

    def _empty_queue(self) -> None:
        for end in self._filling:
            end.close()
        self._filling = []
        self._listener.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self.set(Fault())

    def close(self) -> None:
        with self._lock:
            self._epoch += 1
            self._closing = True
            if self._listening:
                self._listener.shutdown(socket.SHUT_RDWR)
            self._wanted.notify_all()
        self._acceptor.join()
        for end in self._filling:
            end.close()
        self._listener.close()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            with self._lock:
                while not self._listening and not self._closing:
                    self._idle = True
                    self._wanted.notify_all()
                    self._wanted.wait()
                self._idle = False
                if self._closing:
                    return
            try:
                client, _ = self._listener.accept()
            except OSError:
                continue  # it stopped listening
            with self._lock:
                recording = Recording()
                self.recordings.append(recording)
                fault = self.fault
                if fault.once and len(self.recordings) > 1:
                    fault = Fault()
                connection = Connection(self, client, self._target, fault, recording, self._epoch)
            threading.Thread(target=connection.run, name="gate-connection", daemon=True).start()

    def epoch(self) -> int:
        return self._epoch


class Connection:
    def __init__(self, gate: Gate, client: socket.socket, target: int, fault: Fault,
                 recording: Recording, epoch: int) -> None:
        self._gate, self._client, self._target = gate, client, target
        self._fault, self._recording, self._epoch = fault, recording, epoch
        self._passed = {UP: 0, DOWN: 0}

    def run(self) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            hang_up(self._client)
            return
        for end in (self._client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.settimeout(5)
        try:
            self._forward(server)
        except OSError:
            pass  # one side is gone
        finally:
            hang_up(self._client)
            hang_up(server)

    def _current(self) -> bool:
        return self._gate.epoch() == self._epoch

    def _forward(self, server: socket.socket) -> None:
        ways = {self._client: (UP, server), server: (DOWN, self._client)}
        if self._fault.kind == "silent":
            return self._swallow(ways)
        if self._due() and not self._strike(ways):
            return
        while self._current():
            for source in select.select(list(ways), [], [], 0.05)[0]:
                direction, sink = ways[source]
                data = source.recv(65536)
                if not data:  # each protocol here ends with its first end
                    return
                self._recording.add(direction, data)
                if not self._pass(direction, data, sink, ways):
                    return

    def _due(self) -> bool:
        fault = self._fault
        return fault.kind in PLACED and self._passed[fault.direction] == fault.after

    def _pass(self, direction: str, data: bytes, sink: socket.socket,
              ways: dict[socket.socket, tuple[str, socket.socket]]) -> bool:
        """Hands on what the fault lets through. False: nothing more is to be done."""
        kind = self._fault.kind
        if kind in PLACED and direction == self._fault.direction:
            room = self._fault.after - self._passed[direction]
            if 0 <= room < len(data) and kind == "flip":
                data = data[:room] + bytes([data[room] ^ 0xFF]) + data[room + 1:]
            elif 0 <= room <= len(data) and kind != "flip":
                sink.sendall(data[:room])
                self._passed[direction] += room
                return self._strike(ways)
        if kind == "delay":
            time.sleep(DELAY)
        if kind in ("drip", "trickle"):
            for byte in data:
                if not self._current():
                    return False
                sink.sendall(bytes([byte]))
                if kind == "trickle":
                    time.sleep(TRICKLE)
        else:
            sink.sendall(data)
        self._passed[direction] += len(data)
        return True

    def _strike(self, ways: dict[socket.socket, tuple[str, socket.socket]]) -> bool:
        """Does what the fault is. True: the connection goes on."""
        if self._fault.kind == "flip":
            return True
        if self._fault.kind == "reset":
            for end in ways:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif self._fault.kind == "cut":
            self._client.shutdown(socket.SHUT_WR)
            next(sink for direction, sink in ways.values() if direction == UP).close()
            self._swallow({self._client: ways[self._client]}, until_end=True)
        elif self._fault.kind == "half-open":
            self._swallow(ways)
        elif self._fault.kind == "garbage":
            self._flood()
        return False

    def _swallow(self, ways: dict[socket.socket, tuple[str, socket.socket]], *,
                 until_end: bool = False) -> None:
        """Reads, forwards nothing, closes nothing; not even the peer's close is passed on."""
        listened_to = dict(ways)
        while self._current() and (listened_to or not until_end):
            if not listened_to:
                time.sleep(0.05)
                continue
            for source in select.select(list(listened_to), [], [], 0.05)[0]:
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                if data:
                    self._recording.add(listened_to[source][0], data)
                else:
                    del listened_to[source]

    def _flood(self) -> None:
        noise = random.Random(self._fault.after).randbytes(65536)
        left = FLOOD
        self._client.setblocking(False)
        while self._current() and left > 0:
            readable, writable, _ = select.select([self._client], [self._client], [], 0.05)
            if readable:
                data = self._client.recv(65536)
                if not data:
                    return
                self._recording.add(UP, data)
            if writable:
                left -= self._client.send(noise)


def listen_on_free_port() -> socket.socket:
    """A socket that was bound to a port by number keeps it when it stops listening."""
    for _ in range(20):
        try:
            return socket.create_server(("127.0.0.1", free_port()), backlog=64)
        except OSError:
            continue  # somebody else was faster
    raise OSError("no free port")


def hang_up(end: socket.socket) -> None:
    """Closes; unread bytes would make that a reset, which is another fault."""
    try:
        end.setblocking(False)
        while end.recv(65536):
            pass
    except OSError:
        pass
    end.close()
