"""The stand-in for RDS Proxy in front of MariaDB and MySQL. No program of Debian's ends MySQL's
authentication as RDS Proxy does, so this is the least that does.

What it shares with RDS Proxy: clients must use TLS; it knows exactly the users that AWSCURRENT of
its secrets names, checks clients against those passwords itself and logs in at the database with
the same ones; it learns of a change late (follower.py). A client is let in before the database is
asked: its first command opens the one session that it keeps, and every byte after that is relayed.
A client that only connects has therefore proven nothing about the database, here as there.

The errors are those of "Troubleshooting RDS Proxy issues with RDS for MySQL": 3159 without TLS;
1045 for a credential, of the client at once, with its address, and of a secret that the database
refuses at the first command, with '%' for the host; 9501 when the database cannot be reached,
said at once where RDS Proxy waits out its ConnectionBorrowTimeout.

What it does not share: there is no pool, so no old session hides a password that no longer fits;
COM_CHANGE_USER is relayed and not understood.

The file is also the program, in a process of its own: `python3 -m stack.mysql_proxy SETTINGS`. It
reads the users anew for each login, so nothing need tell it of a change.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import select
import socket
import ssl
import string
import sys
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Sequence

from .certificates import LOCAL, Authority
from .follower import Follower
from .mysql_packets import (CACHING, COMMAND_MOST, FAST_AUTH_SUCCEEDED, LONG_PASSWORD, OK, SSL,
                            Channel, Greeting, Login, Malformed, Refused, error, log_in, scramble,
                            switch_to)
from .postgres import DBNAME, HOST
from .process import Folder, Process, Server, answers, on_free_port

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from .libmariadb import Connection

LOGIN_SECONDS = 10
COM_QUIT = b"\x01"


class MySqlProxy(Server):
    """Ready when the constructor returns, with the users its secrets hold at that moment.

    `plugin` is how clients prove their password; unless told, the `proxy_plugin` of the database,
    which is caching_sha2_password for one that does not say.
    """

    def __init__(self, folder: Folder, database: Any, secrets_manager: BaseClient,
                 secret_ids: Sequence[str], *, poll: float = 1.0, delay: float = 0.5,
                 hosts: tuple[str, ...] = LOCAL,
                 on_pickup: Callable[[str], None] = lambda user: None,
                 plugin: str | None = None) -> None:
        self.folder = folder.make("mysql-proxy")
        self.authority = Authority(folder.path, "proxy-ca")
        self.log = folder.path / "mysql-proxy.log"
        self._database = database
        self._plugin = plugin or getattr(database, "proxy_plugin", CACHING)
        self._hosts = hosts  # the names in its certificate
        self._users = self.folder / "users.json"
        self._follower = Follower(secrets_manager, secret_ids, poll=poll, delay=delay,
                                  take_over=self._write_users, on_pickup=on_pickup)
        self._write_users()
        self.process, self.port = on_free_port(self._start, answers)
        self._follower.start()

    def known_users(self) -> dict[str, str]:
        """User and password pairs that it takes from clients and offers to the database."""
        return self._follower.users()

    def connect(self, user: str, password: str) -> Connection:
        from .libmariadb import Connection
        return Connection(host=HOST, port=self.port, dbname=DBNAME, user=user, password=password,
                          ca=str(self.authority.ca))

    def environment(self) -> dict[str, str]:
        return {"STACK_PROXY_HOST": HOST, "STACK_PROXY_PORT": str(self.port),
                "STACK_PROXY_CA": str(self.authority.ca), "STACK_PROXY_LOG": str(self.log)}

    def __exit__(self, *error: object) -> None:
        self._follower.stop()
        self.process.stop()

    def _start(self, port: int) -> Process:
        certificate = self.authority.issue("proxy", self._hosts)
        settings = self.folder / "settings.json"
        settings.write_text(json.dumps({
            "port": port, "plugin": self._plugin, "users": str(self._users),
            "certificate": str(certificate.certificate), "key": str(certificate.key),
            "database_port": self._database.port,
            "database_ca": str(self._database.authority.ca)}))
        tests = Path(__file__).resolve().parents[1]
        return Process("the proxy", [sys.executable, "-m", "stack.mysql_proxy", settings], self.log,
                       env={**os.environ, "PYTHONPATH": str(tests)})

    def _write_users(self) -> None:
        """Atomically: a login may read at any time."""
        fresh = self._users.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self.known_users(), file)
        fresh.replace(self._users)


class NotAdmitted(Exception):
    """The client was told `packet`; the text is for the log."""

    def __init__(self, packet: bytes, reason: str) -> None:
        super().__init__(reason)
        self.packet = packet


@dataclass(frozen=True)
class Proxy:
    """What the sessions of the process share."""

    plugin: str
    users: Path
    client_tls: ssl.SSLContext
    database_tls: ssl.SSLContext
    database_port: int

    def serve(self, sock: socket.socket, address: str) -> None:
        """One client, from its first byte to its last. It never raises."""
        client = Channel(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(LOGIN_SECONDS)
            login, password = self._admit(client, address)
            client.sock.settimeout(None)
            client.sequence = 0
            if (command := client.read(COMMAND_MOST)) != COM_QUIT:
                with closing(self._open(login, password)) as database:
                    database.write(command)
                    relay(client.sock, database.sock)
        except NotAdmitted as refusal:
            say(str(refusal))
            with suppress(OSError):
                client.write(refusal.packet)
        except EOFError:
            pass  # somebody who looked whether the port is open, or a client that just left
        except (Malformed, OSError) as problem:
            say(f"session ended: {problem}")
        finally:
            client.close()

    def _admit(self, client: Channel, address: str) -> tuple[Login, str]:
        nonce = "".join(secrets.choice(string.ascii_letters) for _ in range(20)).encode()
        client.write(Greeting(nonce, self.plugin).packet())
        first = client.read()
        if not int.from_bytes(first[:4], "little") & SSL:
            raise NotAdmitted(error(3159, "HY000", "This RDS Proxy requires TLS connections."),
                              "login without TLS refused")
        if len(first) != 32:
            raise Malformed("no request for TLS")
        client.start_tls(self.client_tls)
        login = Login.parse(client.read())
        answer = login.answer
        if login.plugin != self.plugin:
            client.write(switch_to(self.plugin, nonce))
            answer = client.read()
        password = json.loads(self.users.read_text()).get(login.user, "")
        right = scramble(self.plugin, password, nonce)
        if not right or not hmac.compare_digest(answer, right):
            raise NotAdmitted(access_denied(login.user, address, bool(answer)),
                              f"login user={printable(login.user)} refused: "
                              + ("wrong password" if password else "no secret names it"))
        if self.plugin == CACHING:
            client.write(FAST_AUTH_SUCCEEDED)
        say(f"login user={printable(login.user)} accepted")
        client.write(OK)
        return login, password

    def _open(self, login: Login, password: str) -> Channel:
        """The client's own session of the database, ready for its first command."""
        channel = Channel(socket.socket())
        try:
            channel.sock.settimeout(LOGIN_SECONDS)
            channel.sock.connect(("127.0.0.1", self.database_port))
            channel.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            log_in(channel, login, password, self.database_tls)
        except Refused as refusal:
            channel.close()
            raise NotAdmitted(
                access_denied(login.user, "%") if refusal.code == 1045 else refusal.packet,
                f"database user={printable(login.user)} refused: {refusal}") from None
        except (Malformed, EOFError, OSError) as problem:
            channel.close()
            reason = str(problem) or "closed"
            raise NotAdmitted(
                error(9501, "HY000", "Timed-out waiting to acquire database connection"),
                f"database user={printable(login.user)} failed: {reason}") from None
        channel.sequence = 0
        return channel


def access_denied(user: str, host: str, with_password: bool = True) -> bytes:
    return error(1045, "28000", f"Access denied for user '{user}'@'{host}'"
                                f" (using password: {'YES' if with_password else 'NO'})")


def relay(one: ssl.SSLSocket, other: ssl.SSLSocket) -> None:
    """Until either closes. Commands and answers alternate, so that who sends may block: two peers
    that both send and never read would stop each other."""
    ways = {one.fileno(): (one, other), other.fileno(): (other, one)}
    poll = select.poll()
    for number in ways:
        poll.register(number, select.POLLIN)
    ready = list(ways)  # TLS may hold bytes already that poll() does not see
    while True:
        for source, target in (ways[number] for number in ready):
            while (data := whatever_came(source)) is not None:
                if not data:
                    return
                target.sendall(data)
        ready = [number for number, _ in poll.poll()]


def whatever_came(sock: ssl.SSLSocket) -> bytes | None:
    """None: nothing for us yet, though perhaps TLS's own; empty: closed."""
    sock.settimeout(0)
    try:
        return sock.recv(1 << 16)
    except ssl.SSLWantReadError:
        return None
    finally:
        sock.settimeout(None)


def printable(user: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in user)


def say(line: str) -> None:
    """In one write, whole among the other threads' lines."""
    sys.stdout.write(f"{datetime.now().isoformat(' ', 'milliseconds')} {line}\n")
    sys.stdout.flush()


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    client_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_tls.load_cert_chain(settings["certificate"], settings["key"])
    proxy = Proxy(settings["plugin"], Path(settings["users"]), client_tls,
                  ssl.create_default_context(cafile=settings["database_ca"]),
                  settings["database_port"])
    with socket.create_server(("127.0.0.1", settings["port"]), backlog=128) as listener:
        while True:
            sock, (address, _) = listener.accept()
            threading.Thread(target=proxy.serve, args=(sock, address), daemon=True).start()


if __name__ == "__main__":
    main()
