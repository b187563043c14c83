"""strace.py on a program of its own: who is frozen, and who is woken."""

from __future__ import annotations

import signal
import sys
import unittest

from stack.process import Folder
from torture.strace import OUTWARD, Frozen, Point, Weapon, why_not

# Two threads, one after the other, connect twice.
PROGRAM = """
import socket, threading
def connect_twice():
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
            made.connect(("127.0.0.1", 9))
first = threading.Thread(target=connect_twice)
first.start()
first.join()
connect_twice()
"""


class FrozenTest(unittest.TestCase):
    def setUp(self) -> None:
        reason = why_not()
        if reason is not None:
            self.skipTest(reason)

    def freeze(self, folder: Folder, point: Point) -> Frozen:
        frozen = Frozen([sys.executable, "-c", PROGRAM], {}, folder.path / "strace", point,
                        Weapon(signal.SIGSTOP, OUTWARD))
        self.addCleanup(frozen.stop)
        return frozen

    def test_stays_until_it_is_woken(self) -> None:
        with Folder() as folder:
            frozen = self.freeze(folder, Point("connect", 2))
            self.assertTrue(frozen.is_frozen)
            self.assertFalse(frozen.wait(0.3))
            frozen.wake()
            self.assertTrue(frozen.wait(10))

    def test_second_thread_at_the_point_is_woken_too(self) -> None:
        with Folder() as folder:
            frozen = self.freeze(folder, Point("connect", 2))
            frozen.wake()
            self.assertTrue(frozen.wait(10))
            self.assertEqual(frozen.trace.read_text().count("--- SIGSTOP {"), 2)

    def test_program_that_does_not_get_there_ends(self) -> None:
        with Folder() as folder:
            self.assertFalse(self.freeze(folder, Point("connect", 3)).is_frozen)


if __name__ == "__main__":
    unittest.main()
