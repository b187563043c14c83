"""Static analysis of src/: gcc -fanalyzer and clang's analyzer. What they say must be false and explained.

    ci/analyze.py [--jobs N]

Neither knows that an out-parameter is set where a struct status is OK, nor __attribute__((cleanup)).
So each false report stands in analyze.known: file, the line's text, who reports it, why it is false.
An entry that nobody reports any more is an error, as is a report without an entry.

cppcheck was tried and left out: it found nothing that these two or clang-tidy do not.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KNOWN = Path(__file__).resolve().with_suffix(".known")
PACKAGES = ("libcjson", "libcurl", "expat", "libcrypto", "libssl", "libpq", "libmariadb")

GCC = ["gcc", "-fanalyzer", "-c", "-o", "/dev/null"]
# Not asked: snprintf and memcpy themselves (it wants C11's Annex K, which no libc here has), and
# stores that only a cleanup reads.
CLANG = ["clang", "--analyze", "-Xclang", "-analyzer-output=text", "-Xclang",
         "-analyzer-checker=core,deadcode,nullability,security,unix", "-Xclang",
         "-analyzer-disable-checker=deadcode.DeadStores", "-Xclang", "-analyzer-disable-checker="
         "security.insecureAPI.DeprecatedOrUnsafeBufferHandling"]

REPORT = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: warning: (?P<text>.*) "
                    r"\[(?:-W)?(?P<checker>[\w.-]+)\]$", re.MULTILINE)


class Key(NamedTuple):
    path: str
    line: str  # its text, so that an entry goes with the code
    checker: str


class Finding(NamedTuple):
    key: Key
    number: int
    text: str


def flags() -> list[str]:
    libraries = subprocess.run(["pkg-config", "--cflags", *PACKAGES], check=True,
                               capture_output=True, text=True).stdout
    return ["-std=gnu2x", "-D_GNU_SOURCE", '-DTANDEM_VERSION="0"', "-Isrc", *shlex.split(libraries)]


def analyze(command: list[str], path: str) -> Iterator[Finding]:
    done = subprocess.run([*command, path], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"analyze: {shlex.join(command)} {path} failed:\n{done.stderr}")
    for report in REPORT.finditer(done.stderr):
        where, number = os.path.relpath(ROOT / report["path"], ROOT), int(report["line"])
        text = (ROOT / where).read_text().splitlines()[number - 1].strip()
        yield Finding(Key(where, text, report["checker"]), number, report["text"])


def read_known() -> dict[Key, str]:
    """Blocks: file, the line's text, checkers, the reason."""
    reasons: dict[Key, str] = {}
    for block in KNOWN.read_text().split("\n\n"):
        lines = [line.strip() for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        if len(lines) < 4:
            sys.exit(f"analyze: {KNOWN.name}: not a file, a line, checkers, a reason:\n{block}")
        for checker in lines[2].split():
            reasons[Key(lines[0], lines[1], checker)] = " ".join(lines[3:])
    return reasons


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    options = parser.parse_args()

    begun = time.monotonic()
    paths = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "src").rglob("*.c"))]
    known = read_known()
    reported: set[Key] = set()
    failed = 0
    for name, command in (("gcc -fanalyzer", [*GCC, *flags()]), ("clang --analyze", [*CLANG, *flags()])):
        with ThreadPoolExecutor(options.jobs) as pool:
            found = {finding for findings in pool.map(lambda path: list(analyze(command, path)), paths)
                     for finding in findings}
        reported |= {finding.key for finding in found}
        new = sorted(finding for finding in found if finding.key not in known)
        failed += len(new)
        print(f"{name}: {len(paths)} files, {len(found) - len(new)} known false reports, {len(new)} new")
        for key, number, text in new:
            print(f"  {key.path}:{number}: {text}\n    {key.line}\n    {key.checker}")
    for key in sorted(known.keys() - reported):
        failed += 1
        print(f"stale in {KNOWN.name}: nobody reports it\n  {key.path}\n  {key.line}\n  {key.checker}")
    print(f"({time.monotonic() - begun:.0f} s)")
    print(f"analyze: {2 * len(paths)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
