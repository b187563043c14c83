"""Can the proof fail? Each sabotage breaks one promise behind Tandem's back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from .modes import Installation, Plan, StepByStep
from .strace import OnePoint, Point
from .subject import Rotation

POINT = Point("sendto", 1)  # any: the sabotage is done after the kill


@dataclass(frozen=True)
class Sabotage:
    name: str
    step: str
    do: Callable[[Rotation], None]
    noticed: tuple[str, ...]  # in what is found wrong; empty: nothing may be
    by_salt: bool = False  # only a salt tells that anything was done


def change_active_user(rotation: Rotation) -> None:
    rotation.subject.set_password(rotation.active.user, "sabotaged")


def rewrite_active_user(rotation: Rotation) -> None:
    """The same password under a new salt: everybody still logs in."""
    rotation.subject.set_password(rotation.active.user, rotation.active.password)


def spoil_proxy_secret(rotation: Rotation) -> None:
    rotation.subject.put_proxy_secret(rotation.active.user, "sabotaged")
    rotation.subject.until_proxy_takes(rotation.active, taken=False)


def change_inactive_user(rotation: Rotation) -> None:
    rotation.subject.set_password(rotation.inactive, "sabotaged")


def move_label_early(rotation: Rotation) -> None:
    rotation.subject.promote(rotation.token, rotation.active.version)


def stray_label(rotation: Rotation) -> None:
    rotation.subject.put(rotation.active.user, rotation.active.password, "STRAY")


SABOTAGES = (
    Sabotage("nothing", "setSecret", lambda rotation: None, ()),
    Sabotage("the active user is changed", "createSecret", change_active_user,
             ("did not log in, direct", "another password verifier")),
    Sabotage("the active user is rewritten", "finishSecret", rewrite_active_user,
             ("another password verifier",), by_salt=True),
    Sabotage("the proxy has a wrong password", "testSecret", spoil_proxy_secret,
             ("did not log in, through the proxy",)),
    Sabotage("the inactive user is changed early", "createSecret", change_inactive_user,
             ("AWSPREVIOUS (", "did not log in, direct")),
    Sabotage("nobody knows the inactive password", "setSecret", change_inactive_user,
             ("ended with status 1",)),
    Sabotage("AWSCURRENT moves early", "setSecret", move_label_early,
             ("AWSCURRENT moved during setSecret",)),
    Sabotage("a version keeps a label", "setSecret", stray_label,
             ("labels of the application secret",)),
)


def self_test(installation: Installation, plan: Plan) -> tuple[int, int]:
    """How many were noticed, and how many were not."""
    failed = 0
    with installation.app.database.admin() as admin:
        salted = admin.verifier("app", "?") != admin.verifier("app", "?")
    sabotages = [each for each in SABOTAGES if salted or not each.by_salt]
    for sabotage in sabotages:
        with installation.subject(plan.subject) as subject, subject.clients() as clients:
            mode = StepByStep(installation, plan, subject, clients, (sabotage.step,),
                              lambda calls, most, seconds: OnePoint(POINT))
            mode.sabotage = sabotage.do
            mode.run()
            found = [problem for kill in mode.kills for problem in kill.problems]
        missed = [part for part in sabotage.noticed if not any(part in each for each in found)]
        good = len(mode.kills) == 1 and not missed and bool(found) == bool(sabotage.noticed)
        failed += not good
        print(f"{'ok' if good else 'FAILED':8}{sabotage.name}")
        for problem in [] if good else [*found, *(f"not noticed: {part}" for part in missed)]:
            print(f"        {problem}")
    return len(sabotages) - failed, failed
