"""After a rotation no password is left in the function's memory, freed or not.

Reads /proc/PID/mem of the idle function; that takes root, or CAP_SYS_PTRACE. For the release build:
a sanitizer's allocator keeps freed memory on purpose.
"""

from __future__ import annotations

import os
import re
import unittest

import support
from stack.sandbox import ACCESS_KEY


def memory_of(pid: int) -> bytes:
    """All that the process may write to: heap, stack, libraries' data."""
    content = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if found and "[vvar]" not in line:
                begin, end = (int(part, 16) for part in found.groups())
                memory.seek(begin)
                content.append(memory.read(end - begin))
    return b"".join(content)


@unittest.skipUnless(os.geteuid() == 0, "reading another process's memory takes root")
class Residue(support.World):
    def test_memory_holds_no_password_after_rotations(self) -> None:
        for extra in ({}, {"masterarn": self.admin_secret("residue")}):
            pair = self.pair()
            pair.create_secret(**extra)
            words = {f"first password of {user}": word for user, word in pair.passwords.items()}
            for turn in range(2):
                self.assertEqual(self.rotate(pair)["state"], "succeeded")
                words[f"new password {turn}"] = pair.read()["password"]
            words["admin's password"] = self.postgres.admin_password
            content = memory_of(self.function.process.pid)
            # The look works: the key is in the environment and, as a copy, on the heap.
            self.assertGreaterEqual(content.count(ACCESS_KEY.encode()), 2)
            left = {name: content.count(word.encode()) for name, word in words.items()}
            self.assertEqual({name: count for name, count in left.items() if count}, {})


if __name__ == "__main__":
    support.main()
