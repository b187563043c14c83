"""A whole installation to rotate: database, proxy, users, secrets; everything but Tandem itself."""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable

from .certificates import Authority
from .database import ADMIN, DBNAME, ENGINES, HOST, Database
from .process import Folder
from .sandbox import Sandbox

USERS = ("app", "app-clone")  # the ring; [0] owns the table
SHAPES = ("aws", "rds-proxy")
SECRET = "app"
ADMIN_SECRET = "app-admin"


def proxy_secret(user: str) -> str:
    return f"proxy-{user}"


def application_secret(shape: str, database: Database, user: str, password: str,
                       extra: dict[str, Any]) -> dict[str, Any]:
    """The value in one of the two public shapes; both carry `extra` as it is."""
    if shape == "aws":
        return {"engine": database.engine, "host": HOST, "port": database.port, "dbname": DBNAME,
                "username": user, "password": password, **extra}
    return {"engine": database.engine, "rotation_type": "AWS RDS", "database_host": HOST,
            "database_port": database.port, "database_name": DBNAME,
            "username": user, "password": password, **extra}


class Application:
    """Starts the database, the sandbox and the proxy, and creates users and secrets in them.

    `passwords` is what the users begin with. AWSCURRENT of the secret `app` names the first user;
    the secret has a rotation function but no rotation has begun. With `tls` the sandbox speaks TLS,
    which a Lambda runtime does not: its Runtime API is plain HTTP.
    """

    def __init__(self, folder: Folder, build: Path, *, engine: str = "postgres", shape: str = "aws",
                 with_admin: bool = False, poll: float = 1.0, delay: float = 0.5, tls: bool = False,
                 on_pickup: Callable[[str], None] = lambda user: None) -> None:
        self.passwords = {user: secrets.token_urlsafe(18) for user in USERS}
        with ExitStack() as stack:
            self.engine = ENGINES[engine]
            self.database = stack.enter_context(self.engine.database()(folder))
            self.sandbox = stack.enter_context(self._start_sandbox(folder, build, tls))
            self.secrets_manager = self.sandbox.client("secretsmanager")
            with self.database.admin() as admin:
                self.database.create_users(admin, self.passwords)
                self.database.create_table(admin, USERS[0])
            for user, password in self.passwords.items():
                self._create(proxy_secret(user),
                             {"username": user, "password": password, **self.place()})
            proxy_role = self.sandbox.client("secretsmanager", role="rds-proxy")
            self.proxy = stack.enter_context(self.engine.proxy()(
                folder, self.database, proxy_role, [proxy_secret(user) for user in USERS],
                poll=poll, delay=delay, on_pickup=on_pickup))
            self._create_application_secret(shape, with_admin)
            self._stack = stack.pop_all()

    @staticmethod
    def _start_sandbox(folder: Folder, build: Path, tls: bool) -> Sandbox:
        if not tls:
            return Sandbox(folder, build)
        authority = Authority(folder.make("aws"), "aws-ca")
        return Sandbox(folder, build, certificate=authority.issue("aws"), ca=authority.ca)

    def _create_application_secret(self, shape: str, with_admin: bool) -> None:
        extra: dict[str, Any] = {
            "rotation_usernames": list(USERS),
            "proxy_secret_ids": [proxy_secret(user) for user in USERS],
            "proxy_endpoints": [f"{HOST}:{self.proxy.port}"]}
        if with_admin:
            arn = self._create(ADMIN_SECRET, {
                "engine": self.database.engine, "host": HOST, "port": self.database.port,
                "dbname": DBNAME, "username": ADMIN, "password": self.database.admin_password})
            extra["masterarn" if shape == "aws" else "admin_secret_id"] = arn
        self._create(SECRET, application_secret(shape, self.database, USERS[0],
                                                self.passwords[USERS[0]], extra))

    def place(self) -> dict[str, Any]:
        """What a proxy secret must say of its database, where the database cannot prove itself."""
        return {} if self.engine.proves else {"host": HOST, "port": self.database.port}

    def _create(self, name: str, value: dict[str, Any]) -> str:
        """The new secret's ARN."""
        return self.secrets_manager.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]

    def tandem_environment(self) -> dict[str, str]:
        """What Tandem must be told. The two authorities differ, as those of RDS and its proxy."""
        return {**self.sandbox.environment(),
                "TANDEM_DATABASE_CA": str(self.database.authority.ca),
                "TANDEM_PROXY_CA": str(self.proxy.authority.ca)}

    def environment(self) -> dict[str, str]:
        """The same for a command under with_stack.py, with the addresses of the parts."""
        return {**self.tandem_environment(), **self.database.environment(),
                **self.sandbox.stack_environment(), **self.proxy.environment(),
                "STACK_SECRET": SECRET}

    def __enter__(self) -> Application:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)
