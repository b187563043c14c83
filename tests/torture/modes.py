"""The four ways a rotation is made to suffer: each step as a process, `tandem rotate`, a Lambda
function, and steps that are frozen and come back.

Every way is the same story: begin a rotation, strike, look at the world, let the step run again,
look again; `Kill` is one strike and what was found wrong after it.
"""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from stack.application import ADMIN_SECRET, SECRET, USERS, Application
from stack.process import Folder, Process
from stack.sandbox import FUNCTION_ARN
from stack.tandem import clean_environment, program

from . import strace
from .logins import Clients
from .relay import Relay
from .subject import STEPS, Rotation, Shape, Subject

WARM_UPS = 2        # rotations until every label is where it will always be
FAILURES_MAX = 10   # in one plan; then it is given up
ZOMBIES = 30        # frozen at the same time
ZOMBIE_TIMEOUT = 5  # seconds that a frozen step had for its work
WAKING_MAX = 30     # seconds in which a woken one must end
ROTATION_MAX = 60   # seconds


@dataclass(frozen=True)
class Plan:
    name: str
    title: str
    mode: str  # a key of MODES
    subject: str
    number: signal.Signals = signal.SIGKILL
    times: int = 1  # that a step is struck before it may finish
    host: str = "127.0.0.1"  # of the sandbox, as the program is told it


@dataclass(eq=False)
class Kill:
    plan: str
    step: str
    point: strace.Point
    in_main_thread: bool
    problems: list[str] = field(default_factory=list)


class GivenUp(Exception):
    """An undisturbed rotation does not do what it must: there is nothing to compare with."""


class Installation:
    """One of everything, and the secrets that the plans rotate. For a `with`."""

    def __init__(self, folder: Folder, build: Path, engine: str = "postgres") -> None:
        self.folder = folder
        self.program = program(build)
        self.app = Application(folder, build, engine=engine, with_admin=True, poll=0.05, delay=0.03,
                               tls=True)
        self.app.sandbox.set(retry_delay_ms=10)
        self._admin = self.app.database.admin()
        manager = self.app.secrets_manager
        self._masterarn = manager.describe_secret(SecretId=ADMIN_SECRET)["ARN"]
        self.app.database.create_users(self._admin, {"plain": "?", "plain-clone": "?"})
        self.app.database.create_users(self._admin, {"lone": "?"})
        for name in ("plain", "lone"):
            manager.create_secret(Name=name)

    @contextmanager
    def subject(self, name: str) -> Iterator[Subject]:
        by_admin = {"masterarn": self._masterarn}
        secret, users, options = {
            "proxy": (SECRET, USERS, {"proxied": True, "extra": {}}),
            "admin-proxy": (SECRET, USERS, {"proxied": True, "extra": by_admin}),
            "admin-clone": ("lone", ("lone", "lone-clone"),
                            {"proxied": False, "extra": by_admin, "missing_clone": True}),
            "plain": ("plain", ("plain", "plain-clone"), {"proxied": False, "extra": {}}),
        }[name]
        subject = Subject(self.app, self._admin, secret, users, **options)
        try:
            subject.begin_anew()
            yield subject
        finally:
            subject.close()

    def variables(self, host: str, **more: str) -> dict[str, str]:
        variables = {**self.app.tandem_environment(), "TANDEM_TIMEOUT": "30", **more}
        url = f"https://{host}:{self.app.sandbox.port}"
        return variables | {name: url for name in variables if name.startswith("AWS_ENDPOINT_URL")}

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, *error: Any) -> None:
        self._admin.close()
        self.app.__exit__(*error)


Choose = Callable[[Sequence[str], int, float], Any]  # -> Points or OnePoint


class Mode:
    """What the ways have in common. `choose` gets the calls of an undisturbed run, how many
    rotations striking all would take, and how long an undisturbed one took."""

    def __init__(self, installation: Installation, plan: Plan, subject: Subject, clients: Clients,
                 steps: Sequence[str], choose: Choose, calls: str = strace.OUTWARD) -> None:
        self.installation = installation
        self.plan = plan
        self.subject = subject
        self.clients = clients
        self.steps = steps
        self.choose = choose
        self.weapon = strace.Weapon(plan.number, calls)
        self.kills: list[Kill] = []
        self.sabotage: Callable[[Rotation], None] = lambda rotation: None
        self.trace = installation.folder.path / "strace"
        self.variables = installation.variables(plan.host)

    def run(self) -> None:
        """Fills `kills`. GivenUp when there is no sense in going on."""
        raise NotImplementedError

    def rotate(self) -> Rotation:
        """One undisturbed rotation."""
        raise NotImplementedError

    def warm_up(self) -> None:
        for _ in range(WARM_UPS):
            must_be_right(self.rotate().wrong_at_end())

    def begin(self) -> Rotation:
        return Rotation(self.subject, self.clients)

    def step(self, step: str, rotation: Rotation) -> list[str | Path]:
        return [self.installation.program, "step", step, self.subject.secret, rotation.token]

    def undisturbed(self, argv: Sequence[str | Path]) -> list[str]:
        """Runs it; what is wrong when it fails."""
        done = run(argv, self.variables)
        if done.returncode == 0:
            return []
        return [f"{words(argv)} ended with status {done.returncode}:"
                f" {' '.join(done.stderr.split())}"]

    def traced(self, argv: Sequence[str | Path]) -> list[str]:
        """The calls of an undisturbed run."""
        ran = strace.run_struck(argv, self.variables, self.trace, strace.NOWHERE, self.weapon)
        must_be_right([] if ran.status == 0 else [f"{words(argv)}: {ran.errors}"])
        return [call for _, call in strace.calls_in(self.trace)]

    def strike(self, argv: Sequence[str | Path], step: str, point: strace.Point) -> Kill | None:
        """None: it came to its end, and not by its own failure."""
        ran = strace.run_struck(argv, self.variables, self.trace, point, self.weapon)
        if not ran.struck and ran.status == 0:
            return None
        kill = Kill(self.plan.name, step, point, ran.in_main_thread)
        if not ran.struck:
            kill.problems.append(f"not killed, but ended with status {ran.status}: {ran.errors}")
        self.kills.append(kill)
        return kill

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Around a rotation with kills: after one that went wrong everything is made anew."""
        before = len(self.kills)
        yield
        if not any(kill.problems for kill in self.kills[before:]):
            return
        if sum(bool(kill.problems) for kill in self.kills) >= FAILURES_MAX:
            raise GivenUp(f"{FAILURES_MAX} failures in this plan")
        with self.clients.paused():
            self.subject.begin_anew()
        self.clients.settle()
        self.clients.new_failures()
        self.warm_up()


class StepByStep(Mode):
    """Each step is a process of its own. One rotation has kills in every step."""

    def run(self) -> None:
        self.warm_up()
        wanted, calls, seconds = self.reference()
        most = max(len(calls[step]) for step in self.steps)
        points = {step: self.choose(calls[step], most, seconds) for step in self.steps}
        while any(each.current for each in points.values()):
            with self.guarded():
                self.rotate_struck(points, wanted)

    def rotate(self) -> Rotation:
        rotation = self.begin()
        for step in STEPS:
            must_be_right(self.undisturbed(self.step(step, rotation)))
        return rotation

    def reference(self) -> tuple[dict[str, Shape], dict[str, list[str]], float]:
        """The labels after each step, its calls, and the seconds that a rotation took."""
        wanted, calls = {}, {}
        begun = time.monotonic()
        rotation = self.begin()
        for step in STEPS:
            calls[step] = self.traced(self.step(step, rotation))
            wanted[step] = rotation.shape()
        must_be_right(rotation.wrong_at_end())
        return wanted, calls, time.monotonic() - begun

    def rotate_struck(self, points: dict[str, Any], wanted: dict[str, Shape]) -> None:
        rotation = self.begin()
        before = len(self.kills)
        for step in STEPS:
            if step in points and points[step].current:
                self.strike_step(step, rotation, points[step])
            wrong = self.undisturbed(self.step(step, rotation))
            wrong += rotation.wrong_shape(wanted[step])
            self.blame(wrong)
            if any(kill.problems for kill in self.kills[before:]):
                return
        self.blame(rotation.wrong_at_end())

    def strike_step(self, step: str, rotation: Rotation, points: Any) -> None:
        point = points.current
        for turn in range(self.plan.times):
            kill = self.strike(self.step(step, rotation), step, point)
            if turn == 0:
                (points.missed if kill is None else points.struck)()
            if kill is None:
                return
            self.sabotage(rotation)
            kill.problems += rotation.wrong_now(step)

    def blame(self, wrong: list[str]) -> None:
        """The last kill, whatever step it was in; without any it is the installation."""
        if not self.kills:
            must_be_right(wrong)
        elif wrong:
            self.kills[-1].problems += wrong


class Rotate(Mode):
    """`tandem rotate`: the four steps in one process; the next one takes up what is pending."""

    def run(self) -> None:
        self.warm_up()
        begun = time.monotonic()
        rotation = self.rotate()
        must_be_right(rotation.wrong_at_end())
        wanted = rotation.shape()
        points = self.choose(self.calls, len(self.calls), time.monotonic() - begun)
        while points.current:
            with self.guarded():
                if self.rotate_struck(points.current, wanted):
                    points.struck()
                else:
                    points.missed()

    def rotate(self) -> Rotation:
        rotation = self.begin()
        self.calls = self.traced(self.argv())
        rotation.learn_token()
        return rotation

    def argv(self) -> list[str | Path]:
        return [self.installation.program, "rotate", self.subject.secret]

    def rotate_struck(self, point: strace.Point, wanted: Shape) -> bool:
        rotation = self.begin()
        ran = strace.run_struck(self.argv(), self.variables, self.trace, point, self.weapon)
        rotation.learn_token()
        if not ran.struck:
            must_be_right([] if ran.status == 0 else [ran.errors])
            must_be_right(rotation.wrong_at_end())
            return False
        # It prints a line for each step that is done.
        step = STEPS[min(len(ran.output.splitlines()), len(STEPS) - 1)]
        kill = Kill(self.plan.name, step, point, ran.in_main_thread)
        self.kills.append(kill)
        kill.problems += rotation.wrong_now(step)
        if not rotation.finished():  # after the end it would begin the next one
            kill.problems += self.undisturbed(self.argv())
            rotation.learn_token()
        if not kill.problems:
            kill.problems += rotation.wrong_shape(wanted) + rotation.wrong_at_end()
        return True


class Function:
    """Tandem in its Lambda mode, under strace or not; it may die at any moment. For a `with`."""

    def __init__(self, mode: Mode, runtime_api: str, point: strace.Point = strace.NOWHERE) -> None:
        variables = {**mode.variables, "AWS_LAMBDA_RUNTIME_API": runtime_api,
                     "AWS_LAMBDA_FUNCTION_NAME": "tandem"}
        mode.trace.write_text("")
        self._process = Process(
            "tandem", [*mode.weapon.command(mode.trace, point), mode.installation.program],
            mode.installation.folder.path / "tandem.log", env=clean_environment(variables))

    def dead(self) -> bool:
        return not self._process.running()

    def __enter__(self) -> Function:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
        strace.end_session(self._process.pid)


class AsFunction(Mode):
    """As in production: Secrets Manager calls the function, which dies; it calls the next one,
    beginning with createSecret again."""

    def run(self) -> None:
        sandbox = self.installation.app.sandbox
        with Relay(sandbox.port, sandbox.ca) as relay:
            self.runtime_api = relay.address
            try:
                self.run_behind_relay()
            finally:
                self.manager.cancel_rotate_secret(SecretId=self.subject.secret)

    def run_behind_relay(self) -> None:
        self.enable_rotation()
        self.warm_up()
        begun = time.monotonic()
        rotation = self.rotate()
        must_be_right(rotation.wrong_at_end())
        wanted = rotation.shape()
        calls = [call for _, call in strace.calls_in(self.trace)]
        points = self.choose(calls, len(calls), time.monotonic() - begun)
        while points.current:
            with self.guarded():
                if self.rotate_struck(points.current, wanted):
                    points.struck()
                else:
                    points.missed()

    def rotate(self) -> Rotation:
        rotation = self.begin()
        with Function(self, self.runtime_api) as function:
            self.start(rotation)
            must_be_right(self.wrong_outcome(rotation, function))
        return rotation

    @property
    def manager(self) -> Any:
        return self.installation.app.secrets_manager

    def enable_rotation(self) -> None:
        with Function(self, self.runtime_api):
            token = self.manager.rotate_secret(
                SecretId=self.subject.secret, RotationLambdaARN=FUNCTION_ARN,
                RotationRules={"AutomaticallyAfterDays": 30},
                RotateImmediately=False)["VersionId"]
            self.until(lambda: self.state(token) == "succeeded")

    def start(self, rotation: Rotation) -> None:
        self.manager.rotate_secret(SecretId=self.subject.secret, ClientRequestToken=rotation.token)

    def state(self, token: str) -> str | None:
        found = self.installation.app.sandbox.rotation(token)
        return found["state"] if found else None

    @staticmethod
    def until(true: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + ROTATION_MAX
        while not true():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def wrong_outcome(self, rotation: Rotation, function: Function) -> list[str]:
        """Waits for the end of the rotation, and until the function is idle again."""
        sandbox = self.installation.app.sandbox
        self.until(lambda: self.state(rotation.token) != "running" or function.dead())
        if not self.until(lambda: sandbox.function()["waiting"] or function.dead()):
            return ["the function does not come back for more"]
        found = sandbox.rotation(rotation.token)
        if found["state"] == "succeeded" or function.dead():
            return []
        return [f"the rotation is {found['state']} in {found['step']}: {found['error']}"]

    def rotate_struck(self, point: strace.Point, wanted: Shape) -> bool:
        rotation = self.begin()
        with Function(self, self.runtime_api, point) as function:
            self.start(rotation)
            problems = self.wrong_outcome(rotation, function)
            if not function.dead():
                must_be_right(problems)
                must_be_right(rotation.wrong_at_end())
                return False
        in_main = strace.in_main_thread(self.trace, point)
        step = self.installation.app.sandbox.rotation(rotation.token)["step"] or STEPS[0]
        kill = Kill(self.plan.name, step, point, in_main)
        self.kills.append(kill)
        kill.problems += rotation.wrong_now(step)
        with Function(self, self.runtime_api) as function:
            kill.problems += self.wrong_outcome(rotation, function)
            if function.dead():
                kill.problems.append("the new function ended by itself")
        if not kill.problems:
            kill.problems += rotation.wrong_shape(wanted) + rotation.wrong_at_end()
        return True


class Zombies(Mode):
    """Steps frozen for longer than they had time, woken when their rotation and two more are over.

    By then the passwords they know are old: whatever a woken step still does, it must change
    nothing. Several are frozen at a time, each after another call, and woken one after another.
    """

    def run(self) -> None:
        self.late = {**self.variables, "TANDEM_TIMEOUT": str(ZOMBIE_TIMEOUT)}
        self.warm_up()
        for step in self.steps:
            rotation = self.begin()
            self.finish(rotation, STEPS[:STEPS.index(step)])
            calls = self.traced(self.step(step, rotation))
            self.finish(rotation, STEPS[STEPS.index(step):])
            must_be_right(rotation.wrong_at_end())
            points = self.choose(calls, len(calls), ZOMBIE_TIMEOUT / ZOMBIES * len(STEPS))
            while points.current:
                with self.guarded():
                    self.raise_dead(step, points)

    def rotate(self) -> Rotation:
        rotation = self.begin()
        self.finish(rotation, STEPS)
        return rotation

    def finish(self, rotation: Rotation, steps: Iterable[str]) -> None:
        for step in steps:
            must_be_right(self.undisturbed(self.step(step, rotation)))

    def raise_dead(self, step: str, points: Any) -> None:
        rotation = self.begin()
        self.finish(rotation, STEPS[:STEPS.index(step)])
        with ExitStack() as stack:
            zombies: dict[Kill, strace.Frozen] = {}
            while points.current and len(zombies) < ZOMBIES:
                point = points.current
                frozen = strace.Frozen(self.step(step, rotation), self.late,
                                       self.trace.with_name(f"strace-{len(zombies)}"), point,
                                       self.weapon)
                stack.callback(frozen.stop)
                if not frozen.is_frozen:
                    points.missed()
                    continue
                points.struck()
                in_main = strace.in_main_thread(frozen.trace, point)
                zombies[Kill(self.plan.name, step, point, in_main)] = frozen
            awake_at = time.monotonic() + ZOMBIE_TIMEOUT + 0.5
            self.kills += zombies
            if not zombies:  # the last points were none: nothing may stay under way
                self.finish(rotation, STEPS[STEPS.index(step):])
                must_be_right(rotation.wrong_at_end())
                return
            last = [*zombies][-1]
            last.problems += rotation.wrong_now(step)
            self.finish(rotation, STEPS[STEPS.index(step):])
            last.problems += rotation.wrong_at_end()
            for _ in range(2):
                rotation = self.rotate()
                must_be_right(rotation.wrong_at_end())
            time.sleep(max(0.0, awake_at - time.monotonic()))
            for kill, frozen in zombies.items():
                before = self.everything()
                frozen.wake()
                if not frozen.wait(WAKING_MAX):
                    kill.problems.append(f"woken, it did not end in {WAKING_MAX} s")
                if self.everything() != before:
                    kill.problems.append("woken, it changed a label or a password")
                kill.problems += rotation.wrong_at_end()

    def everything(self) -> list[Any]:
        subject = self.subject
        return [*(subject.labels(secret)
                  for secret in (subject.secret, *subject.proxy_secrets.values())),
                *map(subject.verifier, subject.users)]


MODES = {"steps": StepByStep, "rotate": Rotate, "lambda": AsFunction, "frozen": Zombies}


def run(argv: Sequence[str | Path], variables: Mapping[str, str]) -> CompletedProcess[str]:
    return subprocess.run([*map(str, argv)], env=clean_environment(variables),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=strace.RUN_MAX, check=False)


def words(argv: Sequence[str | Path]) -> str:
    return f"`tandem {' '.join(map(str, argv[1:]))}`"


def must_be_right(problems: list[str]) -> None:
    if problems:
        raise GivenUp("undisturbed: " + "; ".join(problems))
