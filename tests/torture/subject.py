"""An application secret under rotation, looked at from outside: does every promise hold right now?

Everything is judged by what Secrets Manager, the database and the proxy show; nothing by what the
program says of itself.
"""

from __future__ import annotations

import json
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable

from stack.application import Application, application_secret, proxy_secret
from stack.session import DatabaseError, Session

from .logins import Clients, Connect, Credential, log_in

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
Shape = dict[str, list[tuple[str, ...]]]  # of each secret: the labels of each version that has one


class Subject:
    """`proxied`: with a proxy secret for each user and logins through the proxy. `missing_clone`:
    every rotation begins without the second user."""

    def __init__(self, app: Application, admin: Session, secret: str, users: tuple[str, str], *,
                 proxied: bool, extra: dict[str, Any], missing_clone: bool = False) -> None:
        self.secret = secret
        self.users = users
        self.proxy_secrets = {user: proxy_secret(user) for user in users} if proxied else {}
        self.missing_clone = missing_clone
        self.connects: dict[str, Connect] = {"direct": app.database.connect}
        if proxied:
            self.connects["through the proxy"] = app.proxy.connect
        self._app = app
        self._admin = admin
        self._extra = {"rotation_usernames": list(users), **extra}
        if proxied:
            self._extra["proxy_secret_ids"] = list(self.proxy_secrets.values())
            self._extra["proxy_endpoints"] = [f"localhost:{app.proxy.port}"]
        self._manager = app.secrets_manager
        self._pool = ThreadPoolExecutor(len(self.connects))

    def clients(self) -> Clients:
        return Clients(lambda: self.read("AWSCURRENT"), self.connects)

    def read(self, stage: str, secret: str | None = None) -> Credential:
        answer = self._manager.get_secret_value(SecretId=secret or self.secret, VersionStage=stage)
        value = json.loads(answer["SecretString"])
        return Credential(answer["VersionId"], value["username"], value["password"])

    def labels(self, secret: str) -> dict[str, list[str]]:
        return self._manager.describe_secret(SecretId=secret).get("VersionIdsToStages", {})

    def verifier(self, user: str) -> str | None:
        return self._admin.stored_verifier(user)

    def shape(self, token: str, active: str) -> Shape:
        """The labels of every version that has one, without what differs between rotations."""
        named = {"application secret": self.secret}
        for user, secret in self.proxy_secrets.items():
            turn = "active" if user == active else "inactive"
            named[f"proxy secret of the {turn} user"] = secret
        return {name: sorted(("new" if version == token else "old", *sorted(labels))
                             for version, labels in self.labels(secret).items() if labels)
                for name, secret in named.items()}

    def refusals(self, what: str, credential: Credential,
                 places: Iterable[str] | None = None) -> list[str]:
        """Where it does not log in; everywhere unless told, at the same time."""
        def tried(place: str) -> str | None:
            try:
                log_in(self.connects[place], credential)
                return None
            except (DatabaseError, RuntimeError) as error:
                return f"{what} ({credential.user}) did not log in, {place}: {error}"

        return [said for said in self._pool.map(tried, places or self.connects) if said is not None]

    def set_password(self, user: str, password: str) -> None:
        self._admin.set_password(user, password)

    def put(self, user: str, password: str, label: str = "AWSCURRENT") -> None:
        value = application_secret("aws", self._app.database, user, password, self._extra)
        self._manager.put_secret_value(SecretId=self.secret, SecretString=json.dumps(value),
                                       VersionStages=[label])

    def promote(self, version: str, instead_of: str) -> None:
        self._manager.update_secret_version_stage(
            SecretId=self.secret, VersionStage="AWSCURRENT", MoveToVersionId=version,
            RemoveFromVersionId=instead_of)

    def put_proxy_secret(self, user: str, password: str) -> None:
        self._manager.put_secret_value(SecretId=self.proxy_secrets[user], SecretString=json.dumps(
            {"username": user, "password": password, **self._app.place()}))

    def begin_anew(self) -> None:
        """New passwords everywhere: whatever a rotation left is gone. No client may be at work.

        Leaves the first user active, and the second one's password in AWSPREVIOUS.
        """
        for version, labels in self.labels(self.secret).items():
            if "AWSPENDING" in labels:
                self._manager.update_secret_version_stage(
                    SecretId=self.secret, VersionStage="AWSPENDING", RemoveFromVersionId=version)
        for user in reversed(self.users):
            password = secrets.token_urlsafe(18)
            if self.verifier(user) is not None:
                self.set_password(user, password)
            if self.proxy_secrets:
                self.put_proxy_secret(user, password)
            self.put(user, password)
        for secret in self.proxy_secrets.values():
            self.until_proxy_takes(self.read("AWSCURRENT", secret))

    def until_proxy_takes(self, credential: Credential, *, taken: bool = True) -> None:
        """Waits; `taken` False: until it refuses it."""
        self._app.proxy.process.wait(
            lambda: taken != bool(self.refusals("", credential, ["through the proxy"])))

    def prepare(self, clients: Clients) -> None:
        """Before each rotation; for a rotation that makes the clone, there must be none."""
        base, clone = self.users
        if not self.missing_clone:
            return
        current = self.read("AWSCURRENT")
        if current.user == clone:
            self.put(base, self.read("AWSPREVIOUS").password)
            clients.settle()
        if self.verifier(clone) is not None:
            self._admin.drop_user(clone)

    def close(self) -> None:
        self._pool.shutdown()


class Rotation:
    """One rotation, from what there was before it; `wrong_…` lists what is not as promised.

    The one before must have ended with wrong_at_end(): then no client still holds a credential that
    this one will replace.
    """

    def __init__(self, subject: Subject, clients: Clients) -> None:
        self.subject = subject
        self.token = str(uuid.uuid4())
        self.clients = clients
        subject.prepare(clients)
        self.active = subject.read("AWSCURRENT")
        self.inactive = next(user for user in subject.users if user != self.active.user)
        self._retired = None if subject.missing_clone else subject.read("AWSPREVIOUS")
        self._verifier = subject.verifier(self.active.user)

    def wrong_now(self, step: str) -> list[str]:
        """While `step` is under way, at whatever point."""
        subject = self.subject
        self.clients.settle()
        wrong = self.clients.new_failures() + self._wrong_active_user()
        current = subject.read("AWSCURRENT")
        if current.version == self.token:
            if step != STEPS[3]:
                wrong.append(f"AWSCURRENT moved during {step}")
            return wrong + subject.refusals("AWSPREVIOUS", subject.read("AWSPREVIOUS"))
        if current != self.active:
            wrong.append("AWSCURRENT is another version than before the rotation")
        if step == STEPS[0] and self._retired is not None:
            wrong += subject.refusals("AWSPREVIOUS", subject.read("AWSPREVIOUS"))
        return wrong + self._wrong_proxy_secret()

    def _wrong_proxy_secret(self) -> list[str]:
        """The proxy may not be told a password that the database does not take."""
        secret = self.subject.proxy_secrets.get(self.inactive)
        if secret is None:
            return []
        told = self.subject.read("AWSCURRENT", secret)
        if told.version != self.token:
            return []
        return self.subject.refusals("AWSCURRENT of the proxy secret", told, ["direct"])

    def _wrong_active_user(self) -> list[str]:
        if self.subject.verifier(self.active.user) == self._verifier:
            return []
        return [f"the active user {self.active.user} has another password verifier than before"]

    def learn_token(self) -> None:
        """Of a rotation that somebody else began."""
        for version, labels in self.subject.labels(self.subject.secret).items():
            if "AWSPENDING" in labels and version != self.active.version:
                self.token = version

    def finished(self) -> bool:
        return self.subject.read("AWSCURRENT").version == self.token

    def shape(self) -> Shape:
        return self.subject.shape(self.token, self.active.user)

    def wrong_shape(self, wanted: Shape) -> list[str]:
        found = self.shape()
        return [f"labels of the {name}: {found[name]}, but {labels} after an undisturbed run"
                for name, labels in wanted.items() if found[name] != labels]

    def wrong_at_end(self) -> list[str]:
        subject = self.subject
        self.clients.settle()
        wrong = self.clients.new_failures() + self._wrong_active_user()
        current, previous = subject.read("AWSCURRENT"), subject.read("AWSPREVIOUS")
        if (current.version, current.user) != (self.token, self.inactive):
            wrong.append(f"AWSCURRENT is {current.user}'s version {current.version},"
                         f" not {self.inactive}'s {self.token}")
        if previous != self.active:
            wrong.append("AWSPREVIOUS is not what AWSCURRENT was before the rotation")
        for credential in (current, previous):
            if credential.user in subject.proxy_secrets:
                held = subject.read("AWSCURRENT", subject.proxy_secrets[credential.user])
                if (held.user, held.password) != (credential.user, credential.password):
                    wrong.append(f"the proxy secret of {credential.user} holds {held.user}'s"
                                 " credential, or another password")
        if self._retired is not None and self._retired.password == current.password:
            wrong.append("the new password is the old one")
        return wrong + subject.refusals("AWSPREVIOUS", previous)
