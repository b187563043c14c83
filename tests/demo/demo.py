"""Rotates real passwords of a real database while three clients log in without pause.

    python3 tests/demo/demo.py --build-dir build [--engine mariadb] [--rotations 4] [--svg FILE]
        [--keep]

The database is real and private to this run; a pooler stands in for RDS Proxy, tandem-sandbox for
AWS; Tandem runs as it would in Lambda. Exit status 0: every rotation succeeded and not one login
failed. Everything started here is ended and removed, unless --keep leaves it until Ctrl-C; after a
failure the logs stay.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

# As a script, this folder is first in the module path; its parent is what imports need.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from demo.clients import Client, Credential, HoldingClient, read_current  # noqa: E402
from demo.console import Console  # noqa: E402
from demo.record import Pickup, Record, Rotation, Step  # noqa: E402
from demo.timeline import write_svg  # noqa: E402
from stack.application import SECRET, USERS, Application  # noqa: E402
from stack.database import ENGINES  # noqa: E402
from stack.process import Folder, StackError, end_on_signals  # noqa: E402
from stack.sandbox import FUNCTION_ARN  # noqa: E402
from stack.session import DatabaseError  # noqa: E402
from stack.tandem import Lambda  # noqa: E402

CLIENTS = ("direct", "proxied", "holding")
BETWEEN_ROTATIONS = 0.75  # seconds in which the clients go on with what the last one left
ROTATION_MAX = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=Path("build"))
    parser.add_argument("--engine", choices=ENGINES, default="postgres", help="default: postgres")
    parser.add_argument("--rotations", type=int, default=4)
    parser.add_argument("--svg", type=Path, help="default: timeline.svg in the build folder")
    parser.add_argument("--keep", action="store_true", help="leave it running, say how to call it")
    options = parser.parse_args()
    end_on_signals()
    try:
        with Folder() as folder:
            return Demo(folder, options).run()
    except StackError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


class Demo:
    def __init__(self, folder: Folder, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.record = Record(USERS, CLIENTS)
        self.console = Console(self.record, options.rotations)
        self.problems: list[str] = []
        self.history: list[Credential] = []  # what AWSCURRENT was, oldest first

    def run(self) -> int:
        started = time.monotonic()
        try:
            build = self.options.build_dir
            with Application(self.folder, build, engine=self.options.engine,
                             on_pickup=self.on_pickup) as app, \
                    Lambda(self.folder, build, app.sandbox, app.tandem_environment(),
                           self.on_line) as tandem:
                self.console.header(app, build)
                self.rotate_under_load(app, tandem)
                self.console.counts(time.monotonic() - started)
                self.check_retired(app)
                self.check_logs(app)
                self.draw()
                self.console.verdict(self.problems)
                if self.options.keep:
                    self.console.how_to_call(app, build)
                    wait_for_signal()
        except BaseException as error:
            self.folder.keep = not isinstance(error, SystemExit)
            if self.folder.keep:
                self.console.logs_stay(self.folder.path)
            raise
        if self.problems:
            self.folder.keep = True
            self.console.logs_stay(self.folder.path)
            return 1
        return 0

    def rotate_under_load(self, app: Application, tandem: Lambda) -> None:
        direct, proxied = app.database.connect, app.proxy.connect
        holding = HoldingClient("holding", self.record, app.secrets_manager, direct, proxied)
        clients = [Client("direct", self.record, app.secrets_manager, direct),
                   Client("proxied", self.record, app.secrets_manager, proxied), holding]
        self.record.start()
        self.console.columns()
        for client in clients:
            client.start()
        try:
            for number in range(1, self.options.rotations + 1):
                time.sleep(BETWEEN_ROTATIONS)
                if number > 1:
                    holding.renew()
                self.history.append(read_current(app.secrets_manager))
                if not self.rotate(app, tandem, number):
                    break
            self.history.append(read_current(app.secrets_manager))
            time.sleep(BETWEEN_ROTATIONS)
        finally:
            for client in clients:
                client.stop()
            self.record.end = self.record.now()
        for failed in self.record.failures()[:5]:
            self.problems.append(f"login failed: client {failed.client}, {failed.at:.3f} s,"
                                 f" user {failed.user}: {failed.error}")

    def rotate(self, app: Application, tandem: Lambda, number: int) -> bool:
        """One RotateSecret, as anybody would call it; then waits until it has an end."""
        rotation = Rotation(number, self.record.now())
        self.record.rotations.append(rotation)
        token = app.secrets_manager.rotate_secret(
            SecretId=SECRET, RotationLambdaARN=FUNCTION_ARN,
            RotationRules={"AutomaticallyAfterDays": 30})["VersionId"]
        deadline, error = time.monotonic() + ROTATION_MAX, None
        while time.monotonic() < deadline and tandem.process.running():
            seen = app.sandbox.rotation(token)
            if seen is not None and seen["state"] != "running":
                rotation.state, error = seen["state"], seen["error"]
                break
            time.sleep(0.02)
        rotation.end = self.record.now()
        if rotation.state == "succeeded":
            return True
        reason = error or f"no end within {ROTATION_MAX} s"
        if not tandem.process.running():
            reason = "tandem has ended"
        self.problems.append(f"rotation {number} {rotation.state}: {reason}")
        return False

    def on_line(self, line: dict[str, Any]) -> None:
        """A log line of Tandem. The ones about a step's end are the timeline."""
        if "step" not in line or "outcome" not in line or not self.record.rotations:
            return
        end = self.record.now()
        number = 0 if self.record.end else self.record.rotations[-1].number  # 0: somebody else's
        failed = line.get("level") in ("ERROR", "FATAL")
        user = line.get("user") or self.record.latest_user()
        step = Step(number, line["step"], user, end - line.get("durationMs", 0) / 1000, end, failed)
        self.record.steps.append(step)
        self.console.step(step, line.get("message" if failed else "outcome", ""))

    def on_pickup(self, user: str) -> None:
        pickup = Pickup(self.record.now(), user)
        self.record.pickups.append(pickup)
        self.console.pickup(pickup)

    def check_retired(self, app: Application) -> None:
        """A demo in which nothing rotates must not pass: replaced passwords must be refused."""
        expected = 1 + sum(rotation.state == "succeeded" for rotation in self.record.rotations)
        passwords = {credential.password for credential in self.history}
        if len(passwords) != expected:
            self.problems.append(f"AWSCURRENT had {len(passwords)} passwords, not {expected}")
        kept = {credential.user: credential for credential in self.history}  # the last of each user
        initial = [Credential(*pair) for pair in app.passwords.items()]
        retired = set(self.history + initial) - set(kept.values())
        refused = sum(self.refuses(app, credential) for credential in retired)
        if refused != len(retired) or any(self.refuses(app, each) for each in kept.values()):
            self.problems.append("the database must take each user's newest password, no other")
        self.console.proof(f"{refused} of {len(retired)} replaced passwords are refused by now")

    @staticmethod
    def refuses(app: Application, credential: Credential) -> bool:
        try:
            app.database.connect(*credential).close()
            return False
        except DatabaseError as error:
            if error.denied:
                return True
            raise

    def check_logs(self, app: Application) -> None:
        """No password may be in what any part wrote; the database logs every statement here."""
        passwords = [credential.password for credential in self.history] + [*app.passwords.values()]
        logs = sorted(self.folder.path.glob("*.log"))
        leaking = [log.stem for log in logs
                   if any(password.encode() in log.read_bytes() for password in passwords)]
        if leaking:
            self.problems.append(f"a password is in the log of {', '.join(leaking)}")
        self.console.proof(f"{len(leaking)} of {len(logs)} logs hold a password"
                           f" ({', '.join(log.stem for log in logs)})")

    def draw(self) -> None:
        svg = self.options.svg or self.options.build_dir / "timeline.svg"
        try:
            write_svg(self.record, svg)
            self.console.proof(f"timeline: {svg}")
        except OSError as error:
            self.problems.append(f"the timeline could not be written: {error}")


def wait_for_signal() -> None:
    """Until somebody stops it, which then is no failure."""
    try:
        while True:
            time.sleep(3600)
    except SystemExit:
        pass


if __name__ == "__main__":
    sys.exit(main())
