#!/usr/bin/env python3
"""Checks the model of the rotation with spin: every plan to the last state, and every seeded fault.

    tests/model/model.py              all runs that CI makes
    tests/model/model.py --long       with the runs that take minutes and gigabytes
    tests/model/model.py --only WORD  the runs whose name has this word
    tests/model/model.py --trail NAME what happens in an expected failure, step by step

A run must either be exhaustive without an error, or fail with the promise it is there to break.
Needs spin and gcc. Ends with "model: N passed, N failed".
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = ("tandem.pml", "steps.pml", "faults.pml", "single.pml")
MEMORY_LIMIT_MB = 3500
LONG_MEMORY_LIMIT_MB = 12000
SEARCH_DEPTH = 200000  # a search that is cut there fails the run
LONG_SEARCH_DEPTH = 4000000
TIME_LIMIT_S = 300
LONG_TIME_LIMIT_S = 3600

PLANS = {
    "self": "",
    "self, proxy": "-DPROXY",
    "admin": "-DADMIN",
    "admin, proxy": "-DADMIN -DPROXY",
}
NORMAL_ENDS = ("self",)  # the other plans' with --long
PROMISES = {
    1: "I1 AWSCURRENT logs in at the database",
    2: "I2 AWSCURRENT logs in through the proxy",
    3: "I3 only what is proven becomes AWSCURRENT",
    4: "I4 AWSPREVIOUS works until the next setSecret",
    5: "I5 it ends, and ends in the same state",
    6: "I6 the active user is not altered",
    7: "an edit by hand is not undone",
    8: "(not vacuous)",
    11: "S1 only what the database accepts becomes AWSCURRENT",
    12: "S2 AWSCURRENT is refused during the change only",
    13: "S3 any step makes it accepted again",
    14: "S4 with two passwords nothing is refused",
    15: "S5 it ends, and ends in the same state",
}
SILENT = ("(1)", "else", "(!(calm))", ".(goto)")  # statements of a trail that say nothing
ACTS = "-DACT_GIVE_UP -DACT_EDIT -DACT_PASSWORD"


@dataclass(frozen=True)
class Run:
    name: str
    defines: str
    breaks: int = 0  # the promise it must break; 0: none, every state is visited
    long: bool = False
    ends: bool = False  # with the formula of its file, which looks for cycles
    model: str = "tandem.pml"


ENGINES = {
    "one password": "",
    "two passwords": "-DKEEPS",
    "two passwords, not for it": "-DKEEPS -DMAY_NOT_KEEP",
    "no password twice": "-DNO_REUSE",
    "not the password it has": "-DNO_REPEAT",
}
NORMAL_ENGINES = ("one password", "two passwords")  # the others given up with --long


def single_runs() -> list[Run]:
    """Of a secret with a single user."""
    runs = []

    def add(name: str, defines: str, breaks: int = 0, **more: bool) -> None:
        runs.append(Run(f"single: {name}", defines, breaks, model="single.pml", **more))

    for engine, defines in ENGINES.items():
        add(engine, defines)
        add(f"{engine}, given up", f"{defines} -DHANDS=1", long=engine not in NORMAL_ENGINES)
        add(f"{engine}, three at a time", f"{defines} -DWORKERS=3 -DROTATIONS=1", long=True)
        add(f"{engine}, every rotation ends", f"{defines} -DENDS -DHANDS=1", long=True, ends=True)
        add(f"{engine}: two rotations are finished", f"{defines} -DVACUITY", 8, long=engine not in NORMAL_ENGINES)
    add("two passwords, admin", "-DKEEPS -DADMIN")
    add("two passwords, admin, given up", "-DKEEPS -DADMIN -DIN_ORDER -DHANDS=1")
    add("one rotation, every rotation ends", "-DENDS -DROTATIONS=1", ends=True)
    # By then the password is put back: it is refused, until the next rotation, which the old one still lets in.
    add("outside: the label moves after its answer was given up", "-DOUTSIDE_LATE_LABEL -DNEVER_CALM", 11)
    add("a label that moved late is made good", "-DOUTSIDE_LATE_LABEL -DROTATIONS=1 -DMADE_GOOD")
    add("fault: the label before the change", "-DFAULT_LABEL_FIRST", 11)
    add("fault: the change in setSecret", "-DFAULT_CHANGE_IN_SET", 12)
    add("fault: finishSecret takes nothing back", "-DFAULT_NO_RESTORE", 12)
    add("fault: the other steps do not settle", "-DFAULT_NO_SETTLE", 13)
    add("fault: the lock ends with the commit", "-DFAULT_UNLOCK_AT_COMMIT", 11)
    add("fault: no lock at all", "-DFAULT_NO_LOCK", 11)
    add("fault: no last look before putting back", "-DFAULT_NO_LOOK", 12)
    add("fault: keep the newest beside the new one, logged in with the kept one",
        "-DKEEPS -DFAULT_RETAIN_KEPT", 14)
    add("fault: promote what was proven without the lock",
        "-DKEEPS -DMAY_NOT_KEEP -DFAULT_PROMOTE_UNLOCKED", 11)
    add("fault: go forward without the lock", "-DNO_REPEAT -DFAULT_FORWARD_UNLOCKED", 11)
    add("outside: it stood still for longer than its lock lives", "-DOUTSIDE_STOOD_STILL", 11)
    add("outside: given up while AWSCURRENT is refused", "-DOUTSIDE_GIVE_UP -DHANDS=1", 12)
    add("outside: two passwords, admin, and setSecret of the second is left out",
        "-DKEEPS -DADMIN -DHANDS=1", 14)
    return runs


def all_runs() -> list[Run]:
    runs = []
    for plan, defines in PLANS.items():
        runs.append(Run(f"{plan}: scheduled", defines))
        runs.append(Run(f"{plan}: by hand", f"{defines} -DBY_HAND"))
        runs.append(Run(f"{plan}: scheduled, operator", f"{defines} -DIN_ORDER -DHANDS=1 {ACTS}"))
        runs.append(Run(f"{plan}: by hand, operator", f"{defines} -DBY_HAND -DIN_ORDER -DHANDS=1 {ACTS}",
                        long=plan not in NORMAL_ENDS))
        runs.append(Run(f"{plan}: scheduled, operator twice", f"{defines} -DHANDS=2 {ACTS}", long=True))
        runs.append(Run(f"{plan}: scheduled, three at a time", f"{defines} -DWORKERS=3", long=True))
        runs.append(Run(f"{plan}: every rotation ends", f"{defines} -DENDS -DIN_ORDER -DHANDS=1 {ACTS}",
                        long=plan not in NORMAL_ENDS, ends=True))
        runs.append(Run(f"{plan}: two rotations are finished", f"{defines} -DVACUITY", breaks=8))
    runs += [
        Run("fault: promote before test", "-DFAULT_UNTESTED", breaks=1),
        Run("fault: promote before test, what was set", "-DFAULT_UNTESTED -DIN_ORDER", breaks=3),
        Run("fault: alter the active user", "-DADMIN -DFAULT_ALTER_ACTIVE", breaks=6),
        # What is promoted too late cannot be proven at the proxy; without that proof too it does harm.
        Run("fault: promote the primary before its copies", "-DPROXY -DFAULT_PRIMARY_FIRST", breaks=5),
        Run("fault: the same, and do not ask the proxy",
            "-DPROXY -DFAULT_PRIMARY_FIRST -DFAULT_PROXY_UNTESTED", breaks=2),
        Run("fault: do not ask the proxy", "-DPROXY -DFAULT_PROXY_UNTESTED", breaks=2),
        Run("fault: a new password on a retry of createSecret", "-DFAULT_REGENERATE", breaks=1),
        Run("fault: put without comparing, two begin at once", "-DBY_HAND -DFAULT_PLAIN_CLAIM -DNEVER_CALM", breaks=1),
        Run("fault: take the label of a rotation under way",
            "-DBY_HAND -DFAULT_TAKE_PENDING -DNEVER_CALM", breaks=1),
        Run("fault: claim for a value of long ago", "-DBY_HAND -DFAULT_CLAIM_OLD", breaks=5),
        Run("fault: no last look before the change",
            "-DFAULT_NO_LOOK -DHANDS=1 -DACT_GIVE_UP", breaks=4),
        Run("fault: no lock from the look to the change",
            "-DFAULT_NO_LOCK -DHANDS=1 -DACT_GIVE_UP", breaks=1),
        Run("fault: do not try the pending password", "-DFAULT_NO_FALLBACK", breaks=5),
        Run("fault: do not look into older versions",
            "-DFAULT_NO_SEARCH -DHANDS=1 -DACT_GIVE_UP", breaks=5),
        Run("fault: try one older version only", f"-DOLDER_TRIES=1 -DHANDS=1 {ACTS}", breaks=5),
        Run("fault: drop an edit", "-DFAULT_DROP_EDIT -DHANDS=1 -DACT_EDIT", breaks=5),
        Run("fault: drop an edit, and rotate again for ever",
            "-DENDS -DFAULT_DROP_EDIT -DIN_ORDER -DHANDS=1 -DACT_EDIT", breaks=5, ends=True),
        Run("fault: finishSecret does not compare", "-DFAULT_FINISH_BLINDLY", breaks=5),
        Run("fault: finishSecret does not ask for the label",
            "-DFAULT_FINISH_UNASKED -DHANDS=1 -DACT_GIVE_UP -DNEVER_CALM", breaks=6),
        Run("fault: finishSecret trusts a proof older than an edit",
            "-DFAULT_PROVEN_BEFORE_EDIT -DHANDS=1 -DACT_EDIT", breaks=7),
        Run("outside: the next begins while finishSecret of one given up runs",
            "-DOUTSIDE_LATE_FINISH -DHANDS=1 -DACT_GIVE_UP -DNEVER_CALM", breaks=6),
        Run("outside: the next begins while createSecret of one given up runs",
            "-DOUTSIDE_LATE_CREATE -DHANDS=1 -DACT_GIVE_UP -DNEVER_CALM", breaks=1),
        Run("outside: by hand, the label is taken off while finishSecret runs",
            "-DBY_HAND -DIN_ORDER -DOUTSIDE_LATE_FINISH -DHANDS=1 -DACT_GIVE_UP -DNEVER_CALM", breaks=1),
        Run("outside: rolled back after its end, AWSPENDING left on it",
            "-DIN_ORDER -DHANDS=1 -DACT_ROLL_BACK -DNEVER_CALM", breaks=5),
        Run("outside: a password set by hand after its proof",
            "-DADMIN -DOUTSIDE_PASSWORD -DHANDS=1 -DACT_PASSWORD", breaks=1),
        Run("given up by putting AWSCURRENT once more, finishSecret still runs",
            "-DIN_ORDER -DOUTSIDE_LATE_FINISH -DHANDS=1 -DACT_EDIT"),
        # Then AWSPREVIOUS has to do: without it this breaks I5 at once.
        Run("self: may not list the versions", "-DFAULT_NO_SEARCH"),
        # It may need to be given up, but nothing breaks.
        Run("an old AWSCURRENT is read: self", "-DLATE_READS -DNEVER_CALM"),
        Run("an old AWSCURRENT is read: admin, proxy", "-DADMIN -DPROXY -DLATE_READS -DNEVER_CALM"),
    ]
    return runs + single_runs()


@dataclass
class Result:
    run: Run
    passed: bool
    seconds: float
    told: str  # what became of it
    states: int = 0
    depth: int = 0
    memory_mb: float = 0.0
    lines: frozenset[str] = frozenset()  # of the model that this run has
    reached: frozenset[str] = frozenset()  # of those, the ones it came to


def shell(folder: Path, *command: str, limit: int = TIME_LIMIT_S) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit, check=False)
    return done.stdout + done.stderr


def build(run: Run, folder: Path, shortest: bool = False) -> str:
    """Makes `pan`, the verifier of this run. Returns what went wrong, "" if nothing."""
    for source in SOURCES:
        shutil.copy(HERE / source, folder)
    said = shell(folder, "spin", "-a", *run.defines.split(), run.model)
    if not (folder / "pan.c").exists() or "Error" in said:
        return f"spin: {said.strip()}"
    memory = LONG_MEMORY_LIMIT_MB if run.long else MEMORY_LIMIT_MB
    # Breadth first finds the shortest trail, and needs no speed; but no cycles.
    if run.ends:
        how = ["-O1"]
    elif run.breaks or shortest:
        how = ["-O0", "-DSAFETY", "-DBFS"]
    else:
        how = ["-O1", "-DSAFETY"]
    if run.long and not run.ends:
        how += ["-DCOLLAPSE"]  # every state still, in a third of the memory
    said = shell(folder, "gcc", *how, "-w", f"-DMEMLIM={memory}", "-o", "pan", "pan.c")
    return "" if (folder / "pan").exists() else f"gcc: {said.strip()}"


def search(run: Run) -> list[str]:
    depth = LONG_SEARCH_DEPTH if run.long else SEARCH_DEPTH
    return [f"-m{depth}", "-w20"] + (["-a"] if run.ends else [])


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else 0.0


def lines_of(folder: Path, said: str) -> tuple[frozenset[str], frozenset[str]]:
    """The model's lines in this run, and those that were reached."""
    at: dict[tuple[str, str], str] = {}
    process = ""
    for line in shell(folder, "./pan", "-d").splitlines():
        if line.startswith(("proctype", "init")):
            process = line.split()[-1]
        found = re.search(r"state\s+(\d+) -\(.* (\w+\.pml:\d+) => (.*)", line)
        if found and found.group(3) != "-end-":
            at[(process, found.group(1))] = found.group(2)
    missed = set()
    for line in said.splitlines():
        if line.startswith("unreached in"):
            process = line.split()[-1]
        found = re.match(r"\s+\w+\.pml:\d+, state (\d+),", line)
        if found:
            missed.add((process, found.group(1)))
    return frozenset(at.values()), frozenset(line for key, line in at.items() if key not in missed)


def judge(run: Run, folder: Path, said: str, seconds: float) -> Result:
    result = Result(
        run, False, seconds, "",
        states=int(number(r"(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored", said)),
        depth=int(number(r"depth reached (\d+)", said)),
        memory_mb=number(r"([\d.]+)\s+total actual memory usage", said),
    )
    violated = re.search(r"assertion violated .*\|\|\s*!\((\d+)\)\)", said)
    broken = int(violated.group(1)) if violated else 5 if "acceptance cycle" in said else 0
    if run.breaks:
        result.passed = broken == run.breaks
        result.told = f"found: {PROMISES[broken]}" if broken else "NOT FOUND"
        if not result.passed:
            result.told += f"; expected: {PROMISES[run.breaks]}"
        return result
    if broken:
        result.told = f"BROKEN: {PROMISES[broken]}"
    elif "max search depth too small" in said or "Search not completed" in said:
        result.told = "NOT COMPLETED"
    elif "errors: 0" not in said:
        result.told = "ERROR: " + " ".join(said.split())[:200]
    else:
        result.passed = True
        result.told = "verified"
        result.lines, result.reached = lines_of(folder, said)
    return result


def execute(run: Run) -> Result:
    begun = time.monotonic()
    limit = LONG_TIME_LIMIT_S if run.long else TIME_LIMIT_S
    with tempfile.TemporaryDirectory(prefix="tandem-model-") as name:
        folder = Path(name)
        try:
            wrong = build(run, folder)
            if wrong:
                return Result(run, False, time.monotonic() - begun, wrong)
            said = shell(folder, "./pan", *search(run), limit=limit)
        except subprocess.TimeoutExpired:
            return Result(run, False, time.monotonic() - begun, f"NOT COMPLETED within {limit} s")
        return judge(run, folder, said, time.monotonic() - begun)


def show_trail(run: Run) -> int:
    """The shortest way to the broken promise: one line a statement that says something."""
    with tempfile.TemporaryDirectory(prefix="tandem-model-") as name:
        folder = Path(name)
        wrong = build(run, folder, shortest=True)
        if wrong:
            print(wrong)
            return 1
        shell(folder, "./pan", *search(run))
        for line in shell(folder, "spin", "-t", "-p", *run.defines.split(), run.model).splitlines():
            found = re.match(r"\s*\d+:\s+proc\s+(\d+) \((\w+):\d+\) (\w+\.pml:\d+) .*?\[(.*)\]", line)
            if found and "assert(" not in line and found.group(4) not in SILENT:
                who = f"{found.group(2)} {found.group(1)}"
                print(f"{who:14}{found.group(3):18}{found.group(4)}")
            elif "text of failed assertion" in line:
                print(line)
    return 0


def never_reached(results: list[Result]) -> list[str]:
    """Of the model as it is, and of each fault that must break it: spin gives other numbers to what is
    left of a step that is cut off and breaks nothing."""
    lines, reached = set(), set()
    for result in results:
        if result.run.breaks or "FAULT" not in result.run.defines:
            lines |= result.lines
        reached |= result.reached
    return sorted(lines - reached)


def main() -> int:
    parser = argparse.ArgumentParser(description="checks the model of the rotation")
    parser.add_argument("--long", action="store_true", help="also the runs that take minutes and gigabytes")
    parser.add_argument("--only", default="", help="the runs whose name has this word")
    parser.add_argument("--trail", metavar="NAME", help="show the way to one expected failure")
    arguments = parser.parse_args()

    missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
    if missing:
        print(f"model: {' and '.join(missing)} not installed: ci/run.sh setup")
        return 1
    if arguments.trail:
        named = [run for run in all_runs() if run.name == arguments.trail]
        return show_trail(named[0]) if named else parser.error(f"no run is named '{arguments.trail}'")

    runs = [run for run in all_runs() if arguments.only in run.name and (arguments.long or not run.long)]
    if not runs:
        parser.error(f"no run has '{arguments.only}' in its name" + ("" if arguments.long else "; with --long?"))
    begun = time.monotonic()
    results = []
    print(f"{'run':68} {'states':>9} {'depth':>6} {'s':>5} {'MiB':>5}  result")
    # The long ones one at a time: each may need all the memory there is.
    with concurrent.futures.ThreadPoolExecutor(1 if arguments.long else os.cpu_count()) as pool:
        for result in pool.map(execute, runs):
            results.append(result)
            print(f"{result.run.name:68} {result.states:9} {result.depth:6} {result.seconds:5.1f} "
                  f"{result.memory_mb:5.0f}  {'' if result.passed else 'FAILED: '}{result.told}", flush=True)
    failed = sum(not result.passed for result in results)
    passed = len(results) - failed
    if not arguments.only:
        unreached = never_reached(results)
        failed += bool(unreached)
        passed += not unreached
        print("every line of the model is reached by a run" if not unreached else
              "FAILED: no run reaches " + ", ".join(unreached))
    print(f"all in {time.monotonic() - begun:.0f} s")
    print(f"model: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
