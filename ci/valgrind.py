"""Runs everything once under valgrind: no bad access, no uninitialised read, no leak.

    ci/valgrind.py [--build-dir FOLDER] [NAME…]       a release build; NAME: only these checks

Every unit test program, the PostgreSQL client's against a real server, and two whole rotations by the
program itself, on the command line and as a Lambda function. What is reported is the product's or a
test's, but for the few lines of valgrind.suppressions.

Valgrind takes thirty times as long. So the clock that the PostgreSQL client's test gives its logins
goes slower, its tests that measure time are skipped, and of its longest table every sixth line is
tried; of torture_test, which runs the steps out of memory, the scenes below. A test that fails is a
failure, and every leak counts. Only for what TOO_SLOW names the program is run again without it,
because a test that was left in the middle has freed nothing.

The program brings its own free() (src/wipe_on_free.c); valgrind puts its own in that place too, or
it would not see what the program frees.
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
from typing import Callable, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from stack.application import SECRET, Application  # noqa: E402
from stack.process import Folder, StackError, end_on_signals, required  # noqa: E402
from stack.sandbox import FUNCTION_ARN  # noqa: E402
from stack.tandem import Lambda, command  # noqa: E402

# Looks for a text in all memory of its own process, so in what valgrind forbids to read: minutes of
# errors that mean nothing. The plain build runs it.
SKIPPED = "tls_answer_leaves_no_copy_behind"
# Gives a connection fifty milliseconds, and then expects more of them than a busy machine has left.
TOO_SLOW = {"exchange_plain_server_behind_https_is_never_sent_to"}
# All of them take ten minutes. These are ways that differ: who changes the password, where the last one
# is found, who is created, what was done before.
ARGUMENTS = {"torture_test": ["two users", "clone missing, proxy", "three users, proxy",
                              "password in an older version", "warm function, admin, proxy",
                              "step done before, proxy", "testSecret alone, proxy"]}
SUPPRESSIONS = Path(__file__).resolve().with_suffix(".suppressions")
CLIENTS = {"postgres_test": "postgres", "mysql_test": "mariadb"}  # with the server that each needs
SLOWNESS = "20"  # by this goes the clock of these slower: see postgres_support.h
WAIT = "60"  # for a command, and for a proxy: valgrind makes all of it some thirty times slower


def valgrind(log: Path, *, leaks: str = "all") -> list[str]:
    return [required("valgrind"), "--leak-check=full", f"--show-leak-kinds={leaks}",
            f"--errors-for-leak-kinds={leaks}", "--soname-synonyms=somalloc=NONE",
            "--num-callers=25", "--child-silent-after-fork=yes", f"--suppressions={SUPPRESSIONS}",
            f"--log-file={log}"]


class Check(NamedTuple):
    name: str
    run: Callable[[Path], str]  # given a folder for logs; what did not go as it should, "" = nothing


def errors(log: str) -> list[str]:
    """The reports in valgrind's log, each a paragraph that begins with what is wrong."""
    paragraphs = re.sub(r"(?m)^==\d+== ?", "", log).split("\n\n")
    return [text for text in paragraphs if re.search(r"(?m)^ {3}(at|by) 0x", text)
            and "of signal 15 (SIGTERM)" not in text]


def judge(folder: Path) -> list[str]:
    found = []
    logs = [log.read_text(errors="replace") for log in sorted(folder.glob("*.valgrind"))]
    for log in logs:
        found += errors(log)
        if "ERROR SUMMARY: " not in log:
            found.append("valgrind did not come to its end:\n" + log[-2000:])
    return found if logs else ["valgrind has not run"]


def run(argv: list[str], skipped: str = SKIPPED) -> str:
    """What to say of a test program that passed; what valgrind says of it stands in its log."""
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=1800, check=False,
                          env=os.environ | {"SKIP_TEST": skipped, "STACK_SLOWNESS": SLOWNESS})
    if done.returncode == 0:
        return ""
    failed = re.findall(r"\[  FAILED  \] ([^\n]+)\n(?=\[ RUN|\[====)", done.stdout)
    if len(failed) == 1 and failed[0] in TOO_SLOW - {skipped}:
        return run(argv, failed[0]) or f"too slow for {failed[0]}"
    raise StackError(f"exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")


def units(build: Path) -> list[Check]:
    return [Check(test.name, lambda folder, test=test:
                  run([*valgrind(folder / "unit.valgrind"), str(test),
                       *ARGUMENTS.get(test.name, [])]))
            for test in sorted((build / "tests").glob("*_test")) if test.name not in CLIENTS]


def clients(build: Path) -> list[Check]:
    return [Check(test, lambda folder, test=test, server=server: run(
        [sys.executable, "tests/stack/with_stack.py", f"--{server}", "--",
         *valgrind(folder / "client.valgrind"), str(build / "tests" / test)]))
            for test, server in CLIENTS.items()]


def wrapped(build: Path, folder: Path, leaks: str) -> Path:
    """A build folder whose program is the real one under valgrind."""
    script = folder / "tandem"
    argv = [*valgrind(folder / "%p.valgrind", leaks=leaks), str(build / "tandem")]
    script.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
    script.chmod(0o755)
    return folder


def rotate_by_command(build: Path, folder: Path) -> str:
    with Folder() as servers, Application(servers, build, with_admin=True) as application:
        variables = {**application.tandem_environment(), "TANDEM_TIMEOUT": "240",
                     "TANDEM_PROXY_WAIT": WAIT}
        program = wrapped(build, folder, "all")
        for _ in range(4):  # a login has three seconds; what was begun may be run again
            done = command(program, variables, "rotate", SECRET, timeout=240)
            if done.returncode == 0:
                break
        else:
            raise StackError(done.stdout + done.stderr)
        done = command(program, variables, "check", SECRET, timeout=240)
        if done.returncode not in (0, 1):  # 1: it found something, a slow login say
            raise StackError(done.stdout + done.stderr)
    return ""


def rotate_as_function(build: Path, folder: Path) -> str:
    """It is ended by a signal while it waits for work, with all its memory in use: that is no leak."""
    with Folder() as servers, Application(servers, build) as application:
        sandbox = application.sandbox
        variables = {**application.tandem_environment(), "TANDEM_PROXY_WAIT": WAIT}
        with Lambda(servers, wrapped(build, folder, "definite,indirect"), sandbox, variables):
            token = application.secrets_manager.rotate_secret(
                SecretId=SECRET, RotationLambdaARN=FUNCTION_ARN,
                RotationRules={"AutomaticallyAfterDays": 30})["VersionId"]
            deadline = time.monotonic() + 240
            while time.monotonic() < deadline:
                rotation = sandbox.rotation(token)
                if rotation is not None and rotation["state"] == "succeeded":
                    return ""
                time.sleep(0.1)
            raise StackError(f"the rotation did not succeed: {sandbox.rotation(token)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    build = options.build_dir.resolve()

    end_on_signals()
    checks = [*clients(build), *units(build)]
    # These start servers that the kernel ends with their starter: not in a thread of the pool.
    rotations = [Check("tandem rotate", lambda folder: rotate_by_command(build, folder)),
                 Check("a Lambda function", lambda folder: rotate_as_function(build, folder))]
    if unknown := set(options.names) - {check.name for check in (*checks, *rotations)}:
        parser.error(f"no check {', '.join(sorted(unknown))}; there are "
                     + ", ".join(check.name for check in (*checks, *rotations)))
    if options.names:
        checks = [check for check in checks if check.name in options.names]
        rotations = [check for check in rotations if check.name in options.names]

    def done(check: Check) -> bool:
        begun = time.monotonic()
        with Folder() as folder:
            try:
                said = check.run(folder.path)
                found = judge(folder.path)
            except (StackError, subprocess.TimeoutExpired) as error:
                said, found = "", [str(error), *judge(folder.path)]
        print(f"valgrind {'FAILED' if found else 'ok'}: {check.name}"
              f" ({time.monotonic() - begun:.0f} s)" + (f"; {said}" if said else "")
              + "".join(f"\n{text}" for text in found[:20]), flush=True)
        return not found

    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        waiting = pool.map(done, checks)
        results = [done(check) for check in rotations]
        results += waiting
    print(f"valgrind: {sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) and results else 1


if __name__ == "__main__":
    sys.exit(main())
