"""The product: as the Lambda function behind the sandbox, or one command of its CLI."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, Callable, Mapping

from .process import Folder, Process, Server, StackError
from .sandbox import Sandbox


def program(build: Path) -> Path:
    found = build.resolve() / "tandem"
    if not found.exists():
        raise StackError(f"{found} is missing: run ci/run.sh build")
    return found


def clean_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Only these, and what the sanitizers are told: a person's settings must not decide a test."""
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {"PATH": os.defpath, "HOME": "/nonexistent", **kept, **variables}


class Lambda(Server):
    """Tandem in its Lambda mode, called by the sandbox; it polls when the constructor returns.

    `variables`: settings on top of what Lambda sets. `on_line` gets each JSON log line as it comes
    (in a thread of its own); everything it writes is also in `log`.
    """

    def __init__(self, folder: Folder, build: Path, sandbox: Sandbox, variables: Mapping[str, str],
                 on_line: Callable[[dict[str, Any]], None] = lambda line: None) -> None:
        self.log = folder.path / "tandem.log"
        self._on_line = on_line
        environment = clean_environment({
            **sandbox.environment(), "AWS_LAMBDA_RUNTIME_API": sandbox.address,
            "AWS_LAMBDA_FUNCTION_NAME": "tandem", "AWS_LAMBDA_LOG_FORMAT": "JSON", **variables})
        self.process = Process("tandem", [program(build)], self.log, env=environment,
                               pipe_stderr=True)
        self._reader = threading.Thread(target=self._read_log, name="tandem-log")
        self._reader.start()
        try:
            self.process.wait(lambda: sandbox.function()["waiting"])
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(self, *error: object) -> None:
        self.process.stop()
        self._reader.join()
        self.process.stderr.close()

    def _read_log(self) -> None:
        with self.log.open("ab", buffering=0) as log:
            for line in self.process.stderr:
                log.write(line)
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # not a log line: a sanitizer's report, a library's message
                if isinstance(entry, dict):
                    self._on_line(entry)


def command(build: Path, variables: Mapping[str, str], *arguments: str,
            timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs `tandem arguments…` to its end."""
    return subprocess.run([program(build), *arguments], env=clean_environment(variables),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False)
