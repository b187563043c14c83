#!/usr/bin/env python3
"""Fuzzes every parser that takes bytes from outside: tests/fuzz/fuzz.py SECONDS [TARGET…].

Builds the targets with clang into --build-dir and runs each for SECONDS, beginning with its seeds,
its past finds and what earlier runs in this folder collected. With 0 seconds only these inputs are
run: the regression test. A find is kept under --build-dir, and how to repeat it is printed; once
mended, it belongs into tests/fuzz/finds/TARGET/.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ONE_INPUT_SECONDS = 25  # a busy machine is no find
MEMORY_MB = 2048


@dataclass
class Outcome:
    target: str
    runs: int = 0
    per_second: int = 0
    edges: int = 0
    corpus: int = 0
    find: Path | None = None
    error: str = ""

    def row(self) -> str:
        result = "FOUND" if self.find else "FAILED" if self.error else "ok"
        return (f"{self.target:<16}{self.runs:>12}{self.per_second:>9}{self.edges:>7}"
                f"{self.corpus:>8}  {result}")


def build(folder: Path) -> None:
    """Quiet while it works; all that was said when it does not."""
    for step in (["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_C_COMPILER=clang",
                  "-DTANDEM_FUZZ=ON"],
                 ["cmake", "--build", folder, "--target", "fuzz-all"]):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}{done.stderr}\nfuzz: the targets cannot be built")


def inputs(target: str) -> list[Path]:
    """What is committed; a target without a seed would test nothing."""
    found = [HERE / kind / target for kind in ("seeds", "finds")]
    return [folder for folder in found if folder.is_dir()]


def figure(text: str, pattern: str) -> int:
    """The last one that was told."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def run(folder: Path, target: str, seconds: int) -> Outcome:
    corpus, finds = folder / "corpus" / target, folder / "finds" / target
    for path in (corpus, finds):
        path.mkdir(parents=True, exist_ok=True)
    program = folder / "targets" / target
    dictionary = HERE / f"{target}.dict"
    arguments: list[str | Path] = [
        "-print_final_stats=1", f"-timeout={ONE_INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={finds}/"]
    if seconds > 0:
        arguments.append(f"-max_total_time={seconds}")
        arguments += [f"-dict={dictionary}"] if dictionary.exists() else []
        arguments.append(corpus)
    else:
        arguments.append("-runs=0")
    done = subprocess.run(["nice", program, *arguments, *inputs(target)], capture_output=True,
                          text=True, errors="replace", check=False)
    outcome = Outcome(target, figure(done.stderr, r"stat::number_of_executed_units:\s+(\d+)"),
                      figure(done.stderr, r"stat::average_exec_per_sec:\s+(\d+)"),
                      figure(done.stderr, r"\bcov: (\d+)"), figure(done.stderr, r"\bcorp: (\d+)/"))
    if done.returncode != 0:
        kept = re.search(r"Test unit written to (.+)", done.stderr)
        outcome.find = Path(kept[1]) if kept else None
        outcome.error = done.stderr or f"exit status {done.returncode}"
    elif outcome.runs <= 1:  # libFuzzer always runs the empty input
        outcome.error = f"{target} ran no input: are there seeds in {HERE / 'seeds' / target}?"
    return outcome


def tell(folder: Path, outcome: Outcome) -> None:
    """What went wrong, and the one command that shows it again."""
    lines = outcome.error.splitlines()
    begin = next((i for i, line in enumerate(lines)
                  if re.search(r"does not hold|runtime error|ERROR: ", line)), 0)
    print(f"\n{outcome.target}:", *lines[begin:begin + 25], sep="\n    ")
    if outcome.find:
        command = [folder / "targets" / outcome.target, outcome.find]
        print(f"    kept: {outcome.find}\n    again: {shlex.join(map(str, command))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build-fuzz")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="targets at a time")
    parser.add_argument("seconds", type=int, help="for each target; 0: past inputs only")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    folder = options.build_dir.resolve()
    known = sorted(path.stem for path in (HERE / "seeds").iterdir())
    unknown = set(options.targets) - set(known)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    build(folder)
    print(f"{'target':<16}{'runs':>12}{'exec/s':>9}{'edges':>7}{'corpus':>8}  result")
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        outcomes = []
        for outcome in pool.map(lambda target: run(folder, target, options.seconds),
                                options.targets or known):
            outcomes.append(outcome)
            print(outcome.row(), flush=True)
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        tell(folder, outcome)
    print(f"fuzz: {len(outcomes) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
