"""Who may write the application secret, and read no other, must not be told anybody's password.

He writes a host of his own into it, with a certificate that our CA signed, as everybody's RDS
instance has one, and asks every visitor for the password in clear text. What he hears is kept.
"""

from __future__ import annotations

import json
import ssl
import uuid
from typing import Any

import support
from stack.database import ADMIN, HOST
from torture.impostor import (Scripted, cleartext, md5, md5_answer, no_password,
                              server_context)

COMMANDS = (("status",), ("check",), ("rotate",))


def plaintext(session: Any, _: ssl.SSLContext) -> None:
    """No TLS at all: the startup packet, a request for the password, the answer."""
    session.receive()
    session.send(b"R\0\0\0\x08\0\0\0\x03")
    session.listen()


class ForgedSecret(support.World):
    with_lambda = False

    def setUp(self) -> None:
        super().setUp()
        certificate = self.database.authority.issue(f"impostor-{uuid.uuid4().hex[:8]}")
        self.context = server_context(certificate.certificate, certificate.key)

    def impostor(self, script=cleartext) -> Scripted:
        return self.enterContext(Scripted(script, self.context))

    def victims(self, pair: support.Pair) -> dict[str, str]:
        """Everybody whose password the writer does not know: he put the active user's himself."""
        return {pair.clone: pair.passwords[pair.clone], ADMIN: self.database.admin_password}

    def assert_told_nothing(self, pair: support.Pair, impostor: Scripted, what: str,
                            more: dict[str, str]) -> None:
        """`more`: passwords of other users. Whatever name is logged in with, none may be heard, nor
        what answers a request for MD5."""
        heard = bytes(impostor.clear + impostor.secure)
        victims = {**self.victims(pair), **more}
        for whose, password in victims.items():
            self.assertNotIn(password.encode(), heard, f"{what}: the password of {whose}")
            for user in (pair.base, *victims):
                self.assertNotIn(md5_answer(user, password), heard, f"{what}: MD5 of {whose}")

    def forge(self, pair: support.Pair, port: int, *, times: int = 1, **changes: Any) -> None:
        """AWSCURRENT as the writer wants it; twice, and AWSPREVIOUS is his as well."""
        value = json.loads(pair.value(pair.base, **changes))
        for _ in range(times):
            self.manager.put_secret_value(SecretId=pair.secret, SecretString=json.dumps(
                {**value, "host": HOST, "port": port, **changes}))

    def try_everything(self, pair: support.Pair, impostor: Scripted, what: str,
                       more: dict[str, str] | None = None) -> None:
        for command in COMMANDS:
            done = self.tandem(*command, pair.secret, TANDEM_TIMEOUT="8",
                               TANDEM_PROXY_CA=str(self.database.authority.ca))
            if command == ("rotate",):
                self.assertEqual(done.returncode, 1, f"{what}: {done.stdout}")
            self.assert_told_nothing(pair, impostor, f"{what}: {command}", more or {})

    def proxy_secrets(self, pair: support.Pair, **extra: Any) -> list[str]:
        return [self.manager.create_secret(
            Name=f"{pair.base}/proxy-{user}", SecretString=json.dumps(
                {"username": user, "password": pair.passwords[user], **extra}))["ARN"]
            for user in (pair.base, pair.clone)]

    def test_the_impostor_hears_what_it_is_told(self) -> None:
        """Or the tests below would prove nothing: the writer's own password is sent to it."""
        pair = self.pair()
        pair.create_secret(rotation=False)
        own = pair.passwords[pair.base]
        for script, heard in ((cleartext, own.encode()), (md5, md5_answer(pair.base, own))):
            with self.subTest(script=script.__name__):
                impostor = self.impostor(script)
                self.forge(pair, impostor.port)
                self.tandem("status", pair.secret)
                self.assertIn(heard, bytes(impostor.secure))

    def test_forged_host_is_not_told_the_admins_password(self) -> None:
        for script in (cleartext, md5, no_password):
            with self.subTest(script=script.__name__):
                pair = self.pair()
                admin = self.admin_secret(pair.base)
                pair.create_secret(rotation=False, masterarn=admin)
                impostor = self.impostor(script)
                self.forge(pair, impostor.port, times=2, masterarn=admin)
                self.try_everything(pair, impostor, "admin")
                done = self.tandem("rotate", pair.secret)
                self.assertIn("its password will not be sent there", done.stderr)

    def test_forged_host_is_not_told_the_inactive_users_password(self) -> None:
        for times, script in ((1, cleartext), (2, cleartext), (2, md5)):
            with self.subTest(times=times, script=script.__name__):
                pair = self.pair()
                pair.create_secret(rotation=False)
                impostor = self.impostor(script)
                self.forge(pair, impostor.port, times=times)
                self.try_everything(pair, impostor, "self")

    def test_forged_host_is_not_told_what_a_proxy_secret_holds(self) -> None:
        for extra, message in (({}, "does not say for which"),
                               ({"host": HOST, "port": self.database.port}, "will not be sent")):
            with self.subTest(extra=extra):
                pair = self.pair()
                ids = self.proxy_secrets(pair, **extra)
                pair.create_secret(rotation=False, proxy_secret_ids=ids)
                impostor = self.impostor()
                self.forge(pair, impostor.port, times=2, proxy_secret_ids=ids)
                self.try_everything(pair, impostor, "proxy secret")
                self.assertIn(message, self.tandem("rotate", pair.secret).stderr)

    def test_poisoned_list_of_proxy_secrets_reveals_no_other_applications_password(self) -> None:
        """The list names another application's secret, and the ring its user."""
        pair, other = self.pair(), self.pair()
        pair.create_secret(rotation=False)
        own = self.manager.create_secret(Name=f"{pair.base}/own", SecretString=json.dumps(
            {"username": pair.base, "password": "known to the writer"}))["ARN"]
        theirs = self.manager.create_secret(Name=f"{other.base}/theirs", SecretString=json.dumps(
            {"username": other.base, "password": other.passwords[other.base]}))["ARN"]
        impostor = self.impostor()
        self.forge(pair, impostor.port, times=2, proxy_secret_ids=[own, theirs],
                   rotation_usernames=[pair.base, other.base])
        self.try_everything(pair, impostor, "poisoned list",
                            {other.base: other.passwords[other.base]})

    def test_forged_proxy_is_not_told_what_is_kept_elsewhere(self) -> None:
        """The right host, a proxy endpoint of his own: status and check look at that, too."""
        for stranger in (False, True):
            with self.subTest(stranger=stranger):
                pair, other = self.pair(), self.pair()
                ids, ring = self.proxy_secrets(pair, host=HOST, port=self.database.port), {}
                more: dict[str, str] = {}
                if stranger:
                    ids[1] = self.proxy_secrets(other)[0]
                    ring = {"rotation_usernames": [pair.base, other.base]}
                    more = {other.base: other.passwords[other.base]}
                pair.create_secret(rotation=False, proxy_secret_ids=ids, **ring)
                impostor = self.impostor()
                self.forge(pair, self.database.port, proxy_secret_ids=ids, **ring,
                           proxy_endpoints=[f"{HOST}:{impostor.port}"])
                for command in ("status", "check"):
                    self.tandem(command, pair.secret, TANDEM_TIMEOUT="8",
                                TANDEM_PROXY_CA=str(self.database.authority.ca))
                    self.assert_told_nothing(pair, impostor, f"forged proxy: {command}", more)
                self.assertIn(pair.passwords[pair.base].encode(), bytes(impostor.secure),
                              "the writer's own: or nobody came here at all")

    def test_poisoned_admin_of_another_database_is_not_told(self) -> None:
        """`masterarn` names the admin of somebody else's database."""
        pair = self.pair()
        theirs = self.admin_secret(f"{pair.base}-theirs", port=1, username="their-admin",
                                   password="another admin's")
        pair.create_secret(rotation=False)
        impostor = self.impostor()
        self.forge(pair, impostor.port, times=2, masterarn=theirs)
        self.try_everything(pair, impostor, "poisoned admin",
                            {"their-admin": "another admin's"})

    def test_tls_switched_off_in_the_secret_does_not_switch_it_off_for_others(self) -> None:
        """The right host and port, but who is on the way may listen: here, at the port itself."""
        impostor = self.impostor(plaintext)
        for extra in ({}, {"masterarn": ""}):
            with self.subTest(extra=extra):
                pair = self.pair()
                if extra:
                    extra = {"masterarn": self.admin_secret(pair.base, port=impostor.port)}
                pair.create_secret(rotation=False, port=impostor.port, **extra)
                self.forge(pair, impostor.port, ssl=False, **extra)
                self.try_everything(pair, impostor, "no TLS")

    def test_right_host_still_rotates(self) -> None:
        """With proxy secrets that name no host: the real server proves that it knows them."""
        pair = self.pair()
        pair.create_secret(rotation=False, proxy_secret_ids=self.proxy_secrets(pair))
        done = self.tandem("rotate", pair.secret)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_rotated(pair, pair.clone)


if __name__ == "__main__":
    support.main()
