"""What of src/ the tests reach: lines and branches by file, and every branch of the steps and the core not taken.

    ci/coverage.py [--build-dir FOLDER]        its own build, with gcc --coverage

Runs the unit tests, the PostgreSQL client's test against a real server, and the integration suites
that are quick. A branch of src/steps or src/core that nothing took must be in coverage.justified, as
it is printed here, with a line that says why it cannot be taken. An entry that fits no such branch
any more is an error.

A cleanup attribute makes no branch, and a macro makes its own on the line where it is used: TRY has
one for failing. Branches are counted once for each line, wherever a header's code was inlined.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
JUSTIFIED = Path(__file__).resolve().with_suffix(".justified")
STRICT = ("src/steps/", "src/core/")
QUICK = ("rotation_test.py", "lambda_test.py", "cli_test.py", "proxy_test.py", "tls_test.py",
         "credentials_test.py")


class Key(NamedTuple):
    """Branches of a line that nothing took. Who takes one of them more, or one less, or writes the
    same line in another function, has something else to justify."""
    place: str  # file:function
    missed: int
    line: str

    def __str__(self) -> str:
        return f"{self.place}\n{self.missed}: {self.line}"


@dataclass
class Line:
    function: str = ""
    count: int = 0
    branches: list[int] = field(default_factory=list)  # how often each was taken

    def add(self, count: int, branches: list[int]) -> None:
        self.count += count
        if len(self.branches) != len(branches):
            self.branches += [0] * (len(branches) - len(self.branches))
        for i, taken in enumerate(branches):
            self.branches[i] += taken


def checked(argv: list[str], **options) -> None:
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"coverage: {' '.join(argv)} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def build(folder: Path, jobs: int) -> None:
    """-O0: what the compiler folds away could not be told from what no test took."""
    checked(["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
             "-DCMAKE_C_FLAGS=--coverage -fprofile-update=atomic -fno-inline"])
    checked(["ninja", "-C", str(folder), f"-j{jobs}"])
    for old in folder.rglob("*.gcda"):
        old.unlink()


def run_tests(folder: Path, jobs: int) -> None:
    units = [[str(test)] for test in sorted((folder / "tests").glob("*_test"))
             if test.name not in ("postgres_test", "mysql_test")]
    others = [[sys.executable, "tests/stack/with_stack.py", f"--{server}", "--",
               str(folder / "tests" / test)]
              for server, test in (("postgres", "postgres_test"), ("mariadb", "mysql_test"),
                                   ("mysql", "mysql_test"))]
    others += [[sys.executable, f"tests/integration/{name}", "--build-dir", str(folder)]
               for name in QUICK]

    def run(argv: list[str]) -> None:
        done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:  # the tests have their own place to fail; what ran has run
            print(f"note: {' '.join(argv)} failed here", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, [*others, *units]))


def read_counts(folder: Path) -> dict[str, dict[int, Line]]:
    """By file and line. An object linked into many programs has one count for all of them."""
    files: dict[str, dict[int, Line]] = defaultdict(lambda: defaultdict(Line))
    counts = sorted(folder.glob("src/**/*.gcda"))
    if not counts:
        sys.exit("coverage: nothing was counted")
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(["gcov", "--branch-probabilities", "--json-format",
                               "--preserve-paths", *map(str, counts)], cwd=scratch,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"coverage: gcov failed:\n{done.stderr}")
        for report in sorted(Path(scratch).glob("*.gcov.json.gz")):
            for each in json.loads(gzip.decompress(report.read_bytes()))["files"]:
                path = os.path.relpath(each["file"], ROOT)
                if not path.startswith("src/"):
                    continue
                for line in each["lines"]:
                    counted = files[path][line["line_number"]]
                    counted.function = line.get("function_name", "")
                    counted.add(line["count"], [branch["count"] for branch in line["branches"]])
    return files


def uncovered(files: dict[str, dict[int, Line]]) -> dict[Key, int]:
    """Branches that no test took, where both ways are ours to prove; and the number of a line."""
    missed: Counter[tuple[str, str]] = Counter()
    numbers: dict[tuple[str, str], int] = {}
    for path in sorted(path for path in files if path.startswith(STRICT)):
        text = (ROOT / path).read_text().splitlines()
        for number, line in sorted(files[path].items()):
            where = (f"{path}:{line.function}", text[number - 1].strip())
            missed[where] += sum(taken == 0 for taken in line.branches)
            numbers.setdefault(where, number)
    return {Key(place, count, line): numbers[place, line]
            for (place, line), count in missed.items() if count > 0}


def read_justified() -> dict[Key, str]:
    """Blocks: file and function, how many branches of which line, the reason."""
    reasons: dict[Key, str] = {}
    for block in JUSTIFIED.read_text().split("\n\n") if JUSTIFIED.exists() else ():
        lines = [line.strip() for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        missed = re.fullmatch(r"(\d+): (.+)", lines[1]) if len(lines) >= 3 else None
        if missed is None:
            sys.exit(f"coverage: {JUSTIFIED.name}: not a place, 'number: line', a reason:\n{block}")
        reasons[Key(lines[0], int(missed[1]), missed[2])] = " ".join(lines[2:])
    return reasons


def table(files: dict[str, dict[int, Line]]) -> None:
    def row(name: str, lines: list[Line]) -> str:
        branches = [taken for line in lines for taken in line.branches]
        covered, taken = sum(line.count > 0 for line in lines), sum(t > 0 for t in branches)
        return (f"{name:40}{covered:>6} of {len(lines):>5} lines {100 * covered / len(lines):6.1f} %"
                f"{taken:>8} of {len(branches):>5} branches"
                f" {100 * taken / max(1, len(branches)):6.1f} %")

    for path in sorted(files):
        print(row(path, list(files[path].values())))
    for name in ("src/core", "src/steps", "src/clients", "src/runtime", "src"):
        print(row(name, [line for path in files if path.startswith(name + "/")
                         for line in files[path].values()]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build-coverage")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    options = parser.parse_args()
    folder = options.build_dir.resolve()

    begun = time.monotonic()
    build(folder, options.jobs)
    run_tests(folder, options.jobs)
    files = read_counts(folder)
    table(files)
    reasons, used, failed = read_justified(), set(), 0
    for key, number in uncovered(files).items():
        if key in reasons:
            used.add(key)
            continue
        failed += 1
        print(f"\nnot taken: line {number}\n{key}")
    for key in sorted(reasons.keys() - used):
        failed += 1
        print(f"\nstale in {JUSTIFIED.name}: every branch of it is taken, or there is no such line\n{key}")
    strict = sum(len(line.branches) > 0 for path in files if path.startswith(STRICT)
                 for line in files[path].values())
    print(f"({time.monotonic() - begun:.0f} s; {len(used)} lines of the steps and the core justified)")
    print(f"coverage: {max(0, strict - failed)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
