"""Two at once: the same step twice, an old rotation's, an operator's hand, anywhere in between.

Each test is a line of docs/concurrency.md, which says what happens, what still works meanwhile and
what to do. Nothing is left to luck: a function's call is held back at a gate (tests/stack/gate.py)
while somebody else acts, or somebody acts between two steps.
"""

from __future__ import annotations

import json
import queue
import re
import signal
import subprocess
import sys
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Callable, Iterator

from botocore.exceptions import ClientError

import support
from stack.database import ENGINES, HOST
from stack.gate import Function, Gate, Outcome
from stack.sandbox import FUNCTION_ARN
from stack.session import DatabaseError, Session
from stack.tandem import clean_environment, program

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "concurrency.md"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
AT_A_TIME = 12  # scenarios that do not know of each other
PATIENCE = 10   # seconds that the stand-in for the proxy may refuse for reasons of its own
Value = dict[str, Any]


class Secret(support.Pair):
    """A pair with its secrets. Plans: self, admin, missing clone (with an admin), proxy pair."""

    def __init__(self, world: Concurrency, plan: str) -> None:
        super().__init__(world, f"u{uuid.uuid4().hex[:12]}", missing_clone=plan == "missing clone")
        self.plan = plan
        self.function = world.second  # runs its steps
        world.pairs[self.secret] = self
        self.proxy_secrets: dict[str, str] = {}
        extra: dict[str, Any] = {}
        if plan in ("admin", "missing clone"):
            self.admin_secret = world.admin_secret(self.base)
            extra["masterarn"] = self.admin_secret
        if plan == "proxy pair":
            extra = world.attach_proxy(self)
        self.create_secret(previous=plan != "missing clone", rotation=False, **extra)
        self.changed_under: set[str | None] = set()

    def will_change(self) -> None:
        """A setSecret begins: whatever AWSPREVIOUS is now, it need not work any more; but where
        nobody may read, that step does not come so far."""
        try:
            self.changed_under.add(self.holder("AWSCURRENT"))
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise

    def promised(self, previous: bool = True) -> list[Value]:
        """What must log in now: AWSCURRENT, and AWSPREVIOUS until setSecret begins."""
        labels = ["AWSCURRENT"]
        if (previous and self.holder("AWSPREVIOUS")
                and self.holder("AWSCURRENT") not in self.changed_under):
            labels.append("AWSPREVIOUS")
        return [{"label": label, **self.read(label)} for label in labels]

    def holder(self, label: str, secret: str | None = None) -> str | None:
        """The version that has the label."""
        labels = self.world.manager.describe_secret(
            SecretId=secret or self.secret)["VersionIdsToStages"]
        return next((version for version, on in labels.items() if label in on), None)

    def take_label(self, label: str, secret: str | None = None) -> None:
        self.world.manager.update_secret_version_stage(
            SecretId=secret or self.secret, VersionStage=label,
            RemoveFromVersionId=self.holder(label, secret))

    def move_current(self, version: str, secret: str | None = None) -> None:
        self.world.manager.update_secret_version_stage(
            SecretId=secret or self.secret, VersionStage="AWSCURRENT", MoveToVersionId=version,
            RemoveFromVersionId=self.holder("AWSCURRENT", secret))

    def put(self, secret: str | None = None, **changes: Any) -> None:
        """PutSecretValue by hand: AWSCURRENT, with some of its keys changed."""
        secret = secret or self.secret
        value = json.loads(self.world.manager.get_secret_value(SecretId=secret)["SecretString"])
        self.world.manager.put_secret_value(SecretId=secret,
                                            SecretString=json.dumps({**value, **changes}))


class Watched(Function):
    """It tells the pair when a setSecret begins."""

    def __init__(self, world: type[Concurrency]) -> None:
        super().__init__(world.folder, support.BUILD, world.sandbox, world.environment)
        self._pairs = world.pairs

    def begin(self, step: str, secret: str, token: str, seconds: float = 30) -> None:
        if step == "setSecret" and secret in self._pairs:
            self._pairs[secret].will_change()
        super().begin(step, secret, token, seconds)


class Concurrency(support.World):
    """Some environments of the function, each of which can be held at a call."""

    with_lambda = False
    # Nobody answers the sandbox's own invocations: it gives up at once, and we call the steps.
    sandbox_arguments = ("--lambda-timeout-ms", "20", "--retry-delay-ms", "1")

    @classmethod
    def setUpClass(cls) -> None:
        """One world for every class of this file: its servers take longer than most tests."""
        if "stack" in vars(Concurrency):
            return
        Concurrency.engine = support.ENGINE or Concurrency.engine
        super(Concurrency, Concurrency).setUpClass()
        world = Concurrency
        world.sandbox.set(rotation_attempts=1)
        world.proxied = []
        world.pairs = {}
        world.proxy = world.stack.enter_context(ENGINES[world.engine].proxy()(
            world.folder, world.database,
            world.sandbox.client("secretsmanager", role="rds-proxy"), world.proxied,
            poll=0.1, delay=0.4))
        world.environment["TANDEM_PROXY_CA"] = str(world.proxy.authority.ca)
        world.first = world.new_function()
        world.others = [world.new_function() for _ in range(AT_A_TIME)]
        world.second = world.others[0]

    @classmethod
    def tearDownClass(cls) -> None:
        """Not yet: see tearDownModule()."""

    def setUp(self) -> None:
        super().setUp()
        for function in (self.first, *self.others):  # a test that failed must not spoil the next
            self.addCleanup(function.gate.release)

    @classmethod
    def new_function(cls) -> Function:
        return cls.stack.enter_context(Watched(cls))

    def attach_proxy(self, pair: Secret) -> dict[str, Any]:
        for user, password in pair.passwords.items():
            pair.proxy_secrets[user] = self.manager.create_secret(
                Name=f"{user}/proxy", SecretString=json.dumps(
                    {"username": user, "password": password, **self.place()}))["ARN"]
        # Only the last ones: what other tests left would be read again and again.
        self.proxied[:] = [*self.proxied, *pair.proxy_secrets.values()][-2 * AT_A_TIME:]
        for user, password in pair.passwords.items():
            self.assert_logs_in(self.proxy.connect, user, password, "a new proxy secret", late=True)
        return {"proxy_secret_ids": [*pair.proxy_secrets.values()],
                "proxy_endpoints": [f"{HOST}:{self.proxy.port}"]}

    def place(self) -> dict[str, Any]:
        """What a proxy secret must say where no server can prove that it knows a password."""
        return {} if ENGINES[self.engine].proves else {"host": HOST, "port": self.database.port}

    def detach_proxy(self, pair: Secret) -> None:
        """So that no more is read than must be."""
        gone = set(pair.proxy_secrets.values())
        self.proxied[:] = [secret for secret in self.proxied if secret not in gone]

    def begin(self, pair: Secret) -> str:
        """An empty AWSPENDING, as RotateSecret leaves it."""
        token = str(uuid.uuid4())
        self.manager.rotate_secret(SecretId=pair.secret, ClientRequestToken=token,
                                   RotationLambdaARN=FUNCTION_ARN,
                                   RotationRules={"AutomaticallyAfterDays": 30})
        self.wait_for_rotation(token)
        return token

    def run_step(self, pair: Secret, token: str, step: str) -> Outcome:
        return pair.function.run(step, pair.secret, token)

    def run_well(self, pair: Secret, token: str, *steps: str) -> None:
        for step in steps:
            self.assertEqual(self.run_step(pair, token, step), Outcome("OK"), step)

    def assert_fails(self, pair: Secret, token: str, step: str, error: str, part: str) -> None:
        outcome = self.run_step(pair, token, step)
        self.assertEqual(outcome.error, error, (step, outcome))
        self.assertIn(part, outcome.message)

    def assert_current_works(self, pair: Secret, *, previous: bool = True) -> None:
        """AWSCURRENT logs in, directly and through the proxy; and so does AWSPREVIOUS until setSecret
        begins, unless `previous` is False: then a hand is on it."""
        values = pair.promised(previous)
        self.assert_works(pair, values)
        if pair.proxy_secrets:
            value = values[0]
            copy = json.loads(self.manager.get_secret_value(
                SecretId=pair.proxy_secrets[value["username"]])["SecretString"])
            self.assertEqual(copy["password"], value["password"],
                             "the active user's proxy secret must hold its password")

    def assert_works(self, pair: Secret, values: list[Value], *, late: bool = False) -> None:
        """These log in everywhere; for when nobody can read the secret. `late`: the proxy may have to
        learn them first."""
        for value in values:
            user, password, label = value["username"], value["password"], value["label"]
            self.assert_logs_in(self.database.connect, user, password, f"{label}, direct")
            if pair.proxy_secrets:
                self.assert_logs_in(self.proxy.connect, user, password, f"{label}, by the proxy",
                                    late=late)

    def assert_logs_in(self, connect: Callable[[str, str], Session], user: str, password: str,
                       what: str, *, late: bool = False) -> None:
        """The stand-in refuses everybody for a moment when it takes over a user of any pair; but a
        password it knows it never calls wrong."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with connect(user, password) as session:
                    self.assertEqual(session.user(), user)
                return
            except DatabaseError as error:
                wrong = re.search("no such user|authentication failed|Access denied", str(error)) and not late
                if wrong or connect == self.database.connect or time.monotonic() > deadline:
                    self.fail(f"{what}: '{user}' must log in: {error}")
            time.sleep(0.05)

    def give_up(self, pair: Secret) -> None:
        """What the documents say how to give a rotation up."""
        if pair.holder("AWSPENDING") not in (None, pair.holder("AWSCURRENT")):
            pair.take_label("AWSPENDING")

    def rotate_anew(self, pair: Secret) -> None:
        """A rotation from its beginning, well to its end; both labels work then."""
        self.give_up(pair)
        active = pair.clone if pair.read()["username"] == pair.base else pair.base
        self.run_well(pair, self.begin(pair), *STEPS)
        self.assert_current_works(pair)
        self.assert_rotated(pair, active)

    def set_password(self, user: str, password: str) -> None:
        with self.database.admin() as admin:
            admin.set_password(user, password)

    def before_each_step(self, scenario: Callable[[Secret, str, str], None],
                         plans: tuple[str, ...] = ("self", "admin", "proxy pair"),
                         steps: tuple[str, ...] = STEPS, at_a_time: int = AT_A_TIME) -> None:
        """The scenario for rotations under way whose next step is each of `steps`.

        Several at a time, each with a function and a pair of its own: a step whose pending value is
        gone waits for it some seconds before it gives up.
        """
        free: queue.Queue[Function] = queue.Queue()
        for function in self.others:
            free.put(function)

        def run(plan: str, step: str) -> None:
            pair = Secret(self, plan)
            pair.function = free.get()
            try:
                token = self.begin(pair)
                self.run_well(pair, token, *STEPS[:STEPS.index(step)])
                scenario(pair, token, step)
            finally:
                free.put(pair.function)
                self.detach_proxy(pair)

        cases = [(plan, step) for plan in plans for step in steps]
        with ThreadPoolExecutor(at_a_time) as pool:
            running = [pool.submit(run, *case) for case in cases]
        for (plan, step), future in zip(cases, running):
            with self.subTest(plan=plan, before=step):
                future.result()

    def wait_or_block(self, pair: Secret, ended: Callable[[], bool]) -> None:
        """Until it has ended, or waits for the one that is held: then only that one can go on."""
        deadline = time.monotonic() + 30
        with self.database.admin() as watcher:
            while not ended() and not watcher.waits([pair.clone, pair.base]):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)

    def in_waves(self, scenario: Callable[[int, Function, Function], bool]) -> int:
        """For n = 1, 2, 3 … until there was no n-th call to hold, some at a time.

        How many there were. Each gets two functions of its own.
        """
        width = AT_A_TIME // 2
        with ThreadPoolExecutor(width) as pool:
            for number in count(1, width):
                wave = [pool.submit(scenario, number + i, *self.others[2 * i:2 * i + 2])
                        for i in range(width)]
                held = [future.result() for future in wave]
                if not all(held):
                    return number - 1 + sum(held)
        raise AssertionError("unreachable")


def tearDownModule() -> None:
    if "stack" in vars(Concurrency):
        Concurrency.stack.close()


class SameStep(Concurrency):
    def run_each_step_twice(self, plan: str) -> None:
        """One is held at its n-th call of each step while another one does the same step."""
        def scenario(number: int, *functions: Function) -> bool:
            pair = Secret(self, plan)
            token = self.begin(pair)
            held = [self.run_twice(pair, token, step, number, *functions) for step in STEPS]
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)
            return any(held)

        self.assertGreater(self.in_waves(scenario), 3, "so few calls prove nothing")

    def run_twice(self, pair: Secret, token: str, step: str, number: int,
                  first: Function, second: Function) -> bool:
        first.gate.hold(number)
        first.begin(step, pair.secret, token)
        held = first.gate.wait_held(first.ended)
        if held:
            second.begin(step, pair.secret, token)
            self.wait_or_block(pair, second.ended)
            self.assert_current_works(pair)
        first.gate.release()
        for function in (first, second)[:1 + held]:
            self.assertEqual(function.end(), Outcome("OK"), (pair.plan, step, number))
        self.assert_current_works(pair)
        return held

    def test_same_step_twice_without_an_admin_secret(self) -> None:
        self.run_each_step_twice("self")

    def test_same_step_twice_with_an_admin_secret(self) -> None:
        self.run_each_step_twice("admin")

    def test_same_step_twice_with_two_who_create_the_clone(self) -> None:
        self.run_each_step_twice("missing clone")

    def test_same_step_twice_with_a_proxy_pair(self) -> None:
        self.run_each_step_twice("proxy pair")


class OldRotation(Concurrency):
    def test_steps_of_a_rotation_that_was_given_up(self) -> None:
        """Before the new one, in the middle of it, after it."""
        def scenario(plan: str, functions: list[Function]) -> None:
            pair = Secret(self, plan)
            pair.function = functions[0]
            old = self.begin(pair)
            self.run_well(pair, old, "createSecret", "setSecret")
            self.give_up(pair)
            self.assert_all_refused(pair, old, functions)
            new = self.begin(pair)
            self.run_well(pair, new, "createSecret", "setSecret")
            self.assert_all_refused(pair, old, functions)
            self.run_well(pair, new, "testSecret", "finishSecret")
            self.assert_all_refused(pair, old, functions)
            self.assert_rotated(pair, pair.clone)
            self.rotate_anew(pair)

        self.for_each_plan(scenario)

    def assert_all_refused(self, pair: Secret, token: str, functions: list[Function]) -> None:
        """Two at once: the second and third wait for a value that might only be late."""
        for steps in (STEPS[1:3], STEPS[::3]):
            for function, step in zip(functions, steps):
                function.begin(step, pair.secret, token)
            for function, step in zip(functions, steps):
                outcome = function.end()
                self.assertEqual(outcome.error, "CONFLICT", (step, outcome))
        self.assert_current_works(pair)

    def for_each_plan(self, scenario: Callable[[str, list[Function]], None]) -> None:
        """At once; each has two functions of its own."""
        plans = ("self", "admin", "proxy pair")
        with ThreadPoolExecutor(len(plans)) as pool:
            running = [pool.submit(scenario, plan, self.others[2 * i:2 * i + 2])
                       for i, plan in enumerate(plans)]
        for plan, future in zip(plans, running):
            with self.subTest(plan=plan):
                future.result()

    def test_steps_of_a_rotation_that_has_finished(self) -> None:
        def scenario(plan: str, functions: list[Function]) -> None:
            pair = Secret(self, plan)
            pair.function = functions[0]
            old = self.begin(pair)
            self.run_well(pair, old, *STEPS)
            labels = pair.labels()
            self.run_well(pair, old, *STEPS)  # again: nothing is left to do
            self.assertEqual(pair.labels(), labels)
            new = self.begin(pair)
            for step in STEPS:
                self.run_well(pair, old, *STEPS)
                self.run_well(pair, new, step)
            self.assert_all_refused(pair, old, functions)
            self.assert_rotated(pair, pair.base)

        self.for_each_plan(scenario)

    def test_create_secret_that_comes_late_takes_the_label(self) -> None:
        """Held before its PutSecretValue, while its rotation is given up and another one ends."""
        pair = Secret(self, "self")
        old = self.begin(pair)
        self.first.gate.hold(4)
        self.first.begin("createSecret", pair.secret, old)
        self.assertTrue(self.first.gate.wait_held(self.first.ended))
        self.rotate_anew(pair)
        self.first.gate.release()
        self.assertEqual(self.first.end(), Outcome("OK"))
        self.assertEqual(self.first.gate.actions[-1], "PutSecretValue")
        self.assert_current_works(pair)
        for step in STEPS:
            self.assert_fails(pair, old, step, "CONFLICT", "take its pending label away")
            self.assert_current_works(pair)
        self.assert_rotated(pair, pair.clone)
        self.rotate_anew(pair)

    def test_set_secret_that_comes_late_changes_nothing(self) -> None:
        """Held at each of its calls, while its rotation is given up and another one ends."""
        for plan in ("self", "admin", "proxy pair"):
            with self.subTest(plan=plan):
                calls = self.in_waves(
                    lambda number, *functions: self.outlive(plan, number, *functions))
                self.assertGreater(calls, 2, "so few calls prove nothing")

    def outlive(self, plan: str, number: int, late: Function, new: Function) -> bool:
        pair = Secret(self, plan)
        pair.function = new
        old = self.begin(pair)
        self.run_well(pair, old, "createSecret")
        late.gate.hold(number)
        late.begin("setSecret", pair.secret, old)
        if not late.gate.wait_held(late.ended):
            late.gate.release()
            self.assertEqual(late.end(), Outcome("OK"))
            return False
        self.give_up(pair)
        token = self.begin(pair)
        self.run_well(pair, token, "createSecret")
        new.begin("setSecret", pair.secret, token)
        self.wait_or_block(pair, new.ended)
        waits = not new.ended()
        if not waits:
            self.assertEqual(new.end(), Outcome("OK"))
            self.run_well(pair, token, "testSecret", "finishSecret")
        late.gate.release()
        self.assertEqual(late.end().error, "CONFLICT", number)
        if waits:
            self.assertEqual(new.end(), Outcome("OK"))
            self.run_well(pair, token, "testSecret", "finishSecret")
        self.assert_rotated(pair, pair.clone)
        self.assert_current_works(pair)
        self.rotate_anew(pair)
        return True

    def test_process_that_is_continued_after_its_deadline_does_nothing(self) -> None:
        """Stopped by SIGSTOP inside a call, whose answer is there when it is continued."""
        cases = [("setSecret", "GetSecretValue"), ("setSecret", "DescribeSecret"),
                 ("finishSecret", "DescribeSecret")]
        began = time.monotonic()
        stopped = [self.stop_in(*case) for case in cases]
        try:
            for _, pair in stopped:
                self.rotate_anew(pair)
            time.sleep(max(0.0, began + 6 - time.monotonic()))  # each may take 5 s
        finally:
            for process, _ in stopped:
                process.send_signal(signal.SIGCONT)
        for process, pair in stopped:
            errors = process.communicate(timeout=30)[1]
            self.assertEqual(process.returncode, 1, errors)
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)

    def stop_in(self, step: str, action: str) -> tuple[subprocess.Popen[str], Secret]:
        pair = Secret(self, "admin")
        old = self.begin(pair)
        self.run_well(pair, old, *STEPS[:STEPS.index(step)])
        gate = self.enterContext(Gate(self.sandbox))
        gate.hold(1, action)
        process = start(self, gate, "step", step, pair.secret, old, TANDEM_TIMEOUT="5")
        self.assertTrue(gate.wait_held(lambda: process.poll() is not None))
        process.send_signal(signal.SIGSTOP)
        gate.release()
        return process, pair

    def test_finish_secret_that_comes_late_over_a_changed_password(self) -> None:
        """The one hole that is left: its request is on its way when the next setSecret runs."""
        pair = Secret(self, "admin")
        old = self.begin(pair)
        self.run_well(pair, old, *STEPS[:3])
        self.first.run("testSecret", pair.secret, old)
        self.first.gate.hold(1, "UpdateSecretVersionStage")
        self.first.begin("finishSecret", pair.secret, old)
        self.assertTrue(self.first.gate.wait_held(self.first.ended))
        self.give_up(pair)
        new = self.begin(pair)
        self.run_well(pair, new, "createSecret", "setSecret")
        self.first.gate.release()
        self.assertEqual(self.first.end(), Outcome("OK"))
        self.assertEqual(pair.logs_in(), self.engine == "mysql",  # which keeps the password before
                         "if it logs in, docs/concurrency.md has good news to tell")
        self.assertTrue(pair.logs_in("AWSPREVIOUS"))
        self.assert_fails(pair, new, "testSecret", "CONFLICT", "names the active user")
        pair.move_current(new)
        self.assert_current_works(pair, previous=False)
        self.rotate_anew(pair)

    def test_finish_secret_that_comes_late_over_a_value_put_once_more(self) -> None:
        """Given up by putting the current value once more, there is no hole."""
        pair = Secret(self, "admin")
        old = self.begin(pair)
        self.run_well(pair, old, *STEPS[:3])
        self.first.run("testSecret", pair.secret, old)
        self.first.gate.hold(1, "UpdateSecretVersionStage")
        self.first.begin("finishSecret", pair.secret, old)
        self.assertTrue(self.first.gate.wait_held(self.first.ended))
        pair.put()
        self.assertIsNone(pair.holder("AWSPENDING"))
        new = self.begin(pair)
        self.run_well(pair, new, "createSecret", "setSecret")
        self.first.gate.release()
        self.assertEqual(self.first.end().error, "CONFLICT")
        self.assert_current_works(pair)
        self.run_well(pair, new, "testSecret", "finishSecret")
        self.assert_rotated(pair, pair.clone)


def start(world: Concurrency, gate: Gate, *arguments: str, **variables: str) -> subprocess.Popen:
    """`tandem arguments…` behind a gate of its own; ended with the test, stopped or not."""
    process = subprocess.Popen(
        [program(support.BUILD), *arguments], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=clean_environment({**world.environment, **variables,
                               "AWS_ENDPOINT_URL_SECRETS_MANAGER": gate.url}))
    world.addCleanup(process.wait)
    world.addCleanup(process.kill)
    return process


class OtherVersion(Concurrency):
    def test_current_value_edited(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            pair.put(note="edited")
            self.assert_fails(pair, token, step, "CONFLICT", "start it again")
            self.assert_current_works(pair)
            self.rotate_anew(pair)
            self.assertEqual(pair.read()["note"], "edited", "the edit must not be undone")

        self.before_each_step(scenario)

    def test_garbage_put_as_the_current_value(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            good = pair.holder("AWSCURRENT")
            self.manager.put_secret_value(SecretId=pair.secret, SecretString="hello")
            outcome = self.run_step(pair, token, step)
            self.assertIn(outcome.error, ("CONFLICT", "INVALID"), outcome)
            self.assertTrue(pair.logs_in("AWSPREVIOUS"))
            self.assert_fails(pair, self.begin(pair), "createSecret", "INVALID", "not JSON")
            pair.move_current(good)
            self.assert_current_works(pair, previous=False)
            self.rotate_anew(pair)

        self.before_each_step(scenario, plans=("self",))

    def test_current_label_moved_by_hand(self) -> None:
        """UpdateSecretVersionStage to the version before: a roll back. AWSPENDING stays."""
        def scenario(pair: Secret, token: str, step: str) -> None:
            good = pair.holder("AWSCURRENT")
            pair.move_current(pair.holder("AWSPREVIOUS"))
            outcome = self.run_step(pair, token, step)
            self.assertEqual(outcome.error, "CONFLICT", outcome)
            self.assertIn("take its pending label away", outcome.message)
            pair.move_current(good)
            self.assert_current_works(pair)
            self.run_well(pair, token, *STEPS)
            self.assert_current_works(pair)
            self.rotate_anew(pair)

        self.before_each_step(scenario, steps=STEPS[1:])

    def test_current_label_moved_back_after_the_end(self) -> None:
        """A roll back of a rotation that has ended. AWSPENDING is still on its version."""
        for plan in ("self", "proxy pair"):
            with self.subTest(plan):
                pair = Secret(self, plan)
                token = self.begin(pair)
                self.run_well(pair, token, *STEPS)
                before = pair.holder("AWSPREVIOUS")
                pair.move_current(before)
                self.assert_current_works(pair)
                self.run_well(pair, token, *STEPS)
                self.assertEqual(pair.holder("AWSCURRENT"), token)
                pair.move_current(before)
                self.give_up(pair)
                self.assert_fails(pair, token, "finishSecret", "CONFLICT", "neither pending nor")
                self.assertEqual(pair.holder("AWSCURRENT"), before)
                self.assert_current_works(pair)
                self.rotate_anew(pair)

    def test_pending_value_put_by_hand_under_another_token(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.manager.put_secret_value(
                SecretId=pair.secret, SecretString='{"mine": true}', VersionStages=["AWSPENDING"])
            self.assert_fails(pair, token, step, "CONFLICT", "another")
            self.assert_current_works(pair)
            self.rotate_anew(pair)

        self.before_each_step(scenario, plans=("self",))

    def test_proxy_secret_edited(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            mine = pair.proxy_secrets[pair.clone]
            pair.put(mine, note="edited")
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)
            # createSecret copies it; between the two it stays behind; later it is on the new one.
            self.assertEqual([self.is_edited(mine, label) for label in
                              ("AWSCURRENT", "AWSPREVIOUS")],
                             {"createSecret": [True, True], "setSecret": [False, True]}.get(
                                 step, [True, False]))
            self.rotate_anew(pair)

        self.before_each_step(scenario, plans=("proxy pair",))

    def is_edited(self, secret: str, label: str) -> bool:
        return "note" in json.loads(self.manager.get_secret_value(
            SecretId=secret, VersionStage=label)["SecretString"])

    def test_proxy_secret_that_names_somebody_else(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            mine = pair.proxy_secrets[pair.clone]
            pair.put(mine, username="stranger")
            self.assert_fails(pair, token, step, "INVALID", "'stranger'")
            self.assert_current_works(pair, previous=False)
            pair.put(mine, username=pair.clone)
            self.run_well(pair, token, *STEPS)
            self.assert_current_works(pair)

        self.before_each_step(scenario, plans=("proxy pair",), steps=STEPS[:2])

    def test_proxy_secrets_pending_label_taken_away(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            pair.take_label("AWSPENDING", pair.proxy_secrets[pair.clone])
            self.run_well(pair, token, *STEPS[STEPS.index(step):])
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)

        self.before_each_step(scenario, plans=("proxy pair",), steps=STEPS[1:])


class Deleted(Concurrency):
    @contextmanager
    def deleted(self, secret: str) -> Iterator[None]:
        self.manager.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
        yield
        self.manager.restore_secret(SecretId=secret)

    def test_secret_deleted_and_restored(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            values = pair.promised()
            with self.deleted(pair.secret):
                self.assert_fails(pair, token, step, "INVALID", "marked for deletion: restore it")
                self.assert_works(pair, values)
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)

        self.before_each_step(scenario)

    def test_proxy_secret_deleted_and_restored(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            for user in (pair.base, pair.clone):
                values = pair.promised()
                with self.deleted(pair.proxy_secrets[user]):
                    self.assert_fails(pair, token, step, "INVALID", "marked for deletion")
                    self.assert_works(pair, values)
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)

        self.before_each_step(scenario, plans=("proxy pair",), steps=STEPS[:2])

    def test_admin_secret_deleted_and_restored(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            with self.deleted(pair.admin_secret):
                self.assert_fails(pair, token, step, "INVALID", "marked for deletion")
                self.assert_current_works(pair)
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario, plans=("admin",), steps=STEPS[1:2])


class DatabaseByHand(Concurrency):
    def test_inactive_users_password_changed(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.set_password(pair.clone, "by-hand")
            outcome = self.run_step(pair, token, step)
            if step == "setSecret" and pair.plan == "admin":
                self.assertEqual(outcome, Outcome("OK"))
            elif step == "finishSecret":
                # Proven a moment ago by this very process: it is not proven twice.
                self.assertEqual(outcome, Outcome("OK"))
                self.set_password(pair.clone, pair.read()["password"])
            else:
                self.assertEqual(outcome.error, "DENIED", outcome)
                self.assert_current_works(pair)
                if pair.plan != "admin":
                    self.assert_fails(pair, token, "setSecret", "DENIED", "set it to one of them")
                    self.set_password(pair.clone, pair.read("AWSPENDING")["password"])
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario, steps=STEPS[1:])

    def test_active_users_password_changed_without_the_secret(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.set_password(pair.base, "by-hand")
            outcome = self.run_step(pair, token, step)
            if step == "setSecret" and pair.plan == "admin":
                self.assertEqual(outcome.error, "DENIED", outcome)
                self.assertIn("the active credential works there", outcome.message)
                self.set_password(pair.base, pair.read()["password"])
            else:
                self.assertEqual(outcome, Outcome("OK"))
            if step == "createSecret" and pair.plan == "admin":
                self.set_password(pair.base, pair.read()["password"])
            self.run_well(pair, token, *STEPS[STEPS.index(step):])
            self.assert_current_works(pair, previous=False)

        self.before_each_step(scenario)

    def test_active_users_password_changed_with_the_secret(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.set_password(pair.base, "by-hand")
            if pair.proxy_secrets:
                pair.put(pair.proxy_secrets[pair.base], password="by-hand")
            pair.put(password="by-hand")
            self.assert_works(pair, pair.promised(previous=False), late=True)
            self.assert_fails(pair, token, step, "CONFLICT", "start it again")
            self.assert_current_works(pair, previous=False)
            self.rotate_anew(pair)

        self.before_each_step(scenario)

    def test_admins_password_changed(self) -> None:
        for with_secret in (False, True):
            def scenario(pair: Secret, token: str, step: str) -> None:
                admin = f"{pair.base}-admin"
                with self.database.admin() as real:
                    real.create_user(admin, "first")
                    real.make_admin(admin)
                pair.put(pair.admin_secret, username=admin, password="first")
                self.set_password(admin, "by-hand")
                if not with_secret:
                    self.assert_fails(pair, token, step, "DENIED", "logging in as the admin")
                    self.assert_current_works(pair)
                pair.put(pair.admin_secret, password="by-hand")
                self.run_well(pair, token, *STEPS)
                self.assert_rotated(pair, pair.clone)

            self.before_each_step(scenario, plans=("admin",), steps=STEPS[1:2])

    def test_grant_of_the_inactive_user_revoked(self) -> None:
        if self.engine != "postgres":
            self.skipTest("one user is a member of the other here; rotation_test.py has the others")

        def scenario(pair: Secret, token: str, step: str) -> None:
            with self.database.admin() as admin:
                admin.query(f'CREATE TABLE "t{pair.base}" (n int)')
                admin.query(f'GRANT SELECT ON "t{pair.base}" TO "{pair.base}"')
                admin.query(f'REVOKE "{pair.base}" FROM "{pair.clone}"')
                for before in STEPS[STEPS.index(step):2]:
                    self.run_well(pair, token, before)
                self.assert_fails(pair, token, "testSecret", "INVALID", f"public.t{pair.base}")
                self.assert_current_works(pair)
                admin.query(f'GRANT "{pair.base}" TO "{pair.clone}"')
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario, steps=STEPS[:3])

    def test_inactive_user_dropped(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            with self.database.admin() as admin:
                admin.drop_user(pair.clone)
                outcome = self.run_step(pair, token, step)
                if pair.plan == "admin" and step == "setSecret":
                    self.assertEqual(outcome, Outcome("OK"))
                else:
                    self.assertEqual(outcome.error, "DENIED", outcome)
                    self.assertIn("no such user", outcome.message)
                self.assert_current_works(pair)
                if pair.plan != "admin":
                    admin.create_user(pair.clone, pair.read("AWSPENDING")["password"])
                    admin.relate(pair.base, [pair.clone])
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario, steps=STEPS[1:3])

    def test_inactive_user_renamed(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            with self.database.admin() as admin:
                admin.rename_user(pair.clone, f"{pair.clone}-x")
                self.assert_fails(pair, token, step, "DENIED", "no such user")
                self.assert_current_works(pair)
                admin.rename_user(f"{pair.clone}-x", pair.clone)
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario, plans=("self", "proxy pair"), steps=STEPS[1:3])


class Stopped(Concurrency):
    def test_pending_label_taken_away(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            pair.take_label("AWSPENDING")
            self.assert_fails(pair, token, step, "CONFLICT", "start it again")
            self.assert_current_works(pair)
            self.rotate_anew(pair)

        self.before_each_step(scenario)

    def test_rotation_cancelled(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.manager.cancel_rotate_secret(SecretId=pair.secret)
            self.assert_current_works(pair)
            for next_step in STEPS[STEPS.index(step):]:
                self.run_well(pair, token, next_step)
                self.assert_current_works(pair)
            self.assert_rotated(pair, pair.clone)

        self.before_each_step(scenario)

    def test_rotation_cancelled_and_given_up(self) -> None:
        def scenario(pair: Secret, token: str, step: str) -> None:
            self.manager.cancel_rotate_secret(SecretId=pair.secret)
            pair.take_label("AWSPENDING")
            error, part = (("INVALID", "rotation is not enabled") if step == "createSecret"
                           else ("CONFLICT", "start it again"))
            self.assert_fails(pair, token, step, error, part)
            self.assert_current_works(pair)
            self.rotate_anew(pair)

        self.before_each_step(scenario, plans=("self", "proxy pair"))

    def test_permission_of_the_function_taken_away(self) -> None:
        reads = ("DescribeSecret", "GetSecretValue", "BatchGetSecretValue")
        writes = {"createSecret": "PutSecretValue", "setSecret": "UpdateSecretVersionStage",
                  "finishSecret": "UpdateSecretVersionStage"}

        def denied(pair: Secret, token: str, step: str, *actions: str) -> None:
            values = pair.promised(previous=actions == reads or step != "setSecret")
            self.sandbox.set(deny=[f"secretsmanager:{action}" for action in actions])
            try:
                outcome = self.run_step(pair, token, step)
                self.assert_works(pair, values)
            finally:
                self.sandbox.set(deny=[])
            self.assertEqual(outcome.error, "DENIED", outcome)
            self.assertRegex(outcome.message, "|".join(f"secretsmanager:{a}" for a in actions))
            self.assert_current_works(pair)

        def scenario(pair: Secret, token: str, step: str) -> None:
            denied(pair, token, step, *reads)
            if step in writes:
                denied(pair, token, step, writes[step])
            if step == "setSecret":  # the proxy secret could not be moved: the database was changed
                value = pair.read("AWSPENDING")
                self.assertTrue(self.logs_in(value["username"], value["password"]))
            self.run_well(pair, token, *STEPS)
            self.assert_rotated(pair, pair.clone)
            self.assert_current_works(pair)

        self.before_each_step(scenario, plans=("proxy pair",), at_a_time=1)  # deny: for all


class TwoCommands(Concurrency):
    PAIRS = 20

    def end(self, process: subprocess.Popen[str]) -> str:
        """"" when it went well, else what it said; only one thing may be said."""
        errors = process.communicate(timeout=60)[1]
        if process.returncode != 0:
            self.assertRegex(errors, "another rotation|another one took its place|labels moved")
            return errors
        return ""

    def assert_sound(self, pair: Secret) -> None:
        self.assert_current_works(pair)
        self.assertTrue(pair.logs_in("AWSPREVIOUS"))
        self.assertIn(pair.holder("AWSPENDING"), (None, pair.holder("AWSCURRENT")),
                      "whoever goes on must end")

    def test_two_commands_at_the_same_instant(self) -> None:
        def scenario(plan: str) -> None:
            pair = Secret(self, plan)
            with Gate(self.sandbox) as gate:
                for _ in range(self.PAIRS // 2):
                    processes = [start(self, gate, "rotate", pair.secret) for _ in range(2)]
                    self.assertIn("", [self.end(process) for process in processes])
                    self.assert_sound(pair)

        with ThreadPoolExecutor() as pool:
            for future in [pool.submit(scenario, plan) for plan in ("self", "admin")]:
                future.result()

    def test_two_commands_one_held_at_each_call(self) -> None:
        def scenario(number: int, *_: Function) -> bool:
            pair = Secret(self, "self")
            with Gate(self.sandbox) as gate, Gate(self.sandbox) as other:
                gate.hold(number)
                held = start(self, gate, "rotate", pair.secret)
                if not gate.wait_held(lambda: held.poll() is not None):
                    gate.release()
                    self.assertEqual(self.end(held), "")
                    return False
                rival = start(self, other, "rotate", pair.secret)
                self.wait_or_block(pair, lambda: rival.poll() is not None)
                gate.release()
                self.assertIn("", [self.end(held), self.end(rival)])
                self.assert_sound(pair)
                return True

        self.assertGreater(self.in_waves(scenario), 9, "so few calls prove nothing")


class Document(unittest.TestCase):
    """docs/concurrency.md and this file name the same tests."""

    def test_every_line_has_its_test_and_every_test_its_line(self) -> None:
        rows = [line.split("|")[1:-1] for line in DOCUMENT.read_text().splitlines()
                if line.startswith("|") and not re.match(r"\|[ -]*\|", line)]
        named = [name for row in rows for name in re.findall(r"`(test_\w+)`", row[-1])]
        self.assertEqual({len(row) for row in rows}, {5})
        for row in rows[1:]:
            if row[0].strip() != "situation":
                self.assertRegex(row[-1], "`test_", "a line without a test")
        module = sys.modules[__name__]
        written = [name for case in vars(module).values()
                   if isinstance(case, type) and issubclass(case, Concurrency)
                   for name in vars(case) if name.startswith("test_")]
        self.assertEqual(sorted(named), sorted(written))


if __name__ == "__main__":
    support.main()
