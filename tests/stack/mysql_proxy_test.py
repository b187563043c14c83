"""python3 -m unittest discover -s tests/stack -t tests -p '*_test.py'"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from stack.certificates import Authority
from stack.mysql_packets import (CACHING, CONNECT_ATTRS, CONNECT_WITH_DB, FAST_AUTH_SUCCEEDED,
                                 FULL_AUTH_WANTED, NATIVE, OFFERED, OK, Channel, Greeting, Login,
                                 Malformed, Refused, error, log_in, scramble, switch_to)
from stack.mysql_proxy import MySqlProxy, access_denied
from stack.process import Folder, Process, Server, answers, free_port, on_free_port

NONCE = bytes(range(1, 21))
PASSWORD, OTHER = "correct horse", "battery staple"
SYSTEM_TABLES = Path("/usr/share/mysql")


def login(user: str, database: str = "app") -> Login:
    return Login(OFFERED & ~CONNECT_ATTRS, 1 << 24, 45, user, b"", database, NATIVE)


class Secrets:
    """Secrets Manager as far as a proxy uses it."""

    def __init__(self, **users: str) -> None:
        self.users = users

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"username": SecretId,
                                            "password": self.users[SecretId]})}


class Pair(unittest.TestCase):
    def setUp(self) -> None:
        sockets = socket.socketpair()
        for each in sockets:
            each.settimeout(5)
            self.addCleanup(each.close)
        self.raw, self.channel = sockets[0], Channel(sockets[1])


class ChannelTest(Pair):
    def test_packets_are_counted_and_cut_where_their_length_says(self) -> None:
        self.raw.sendall(b"\x02\x00\x00\x00ab\x00\x00\x00\x01\x01\x00\x00\x02c")
        self.assertEqual([self.channel.read() for _ in range(3)], [b"ab", b"", b"c"])
        self.channel.write(b"xyz")
        self.assertEqual(self.raw.recv(99), b"\x03\x00\x00\x03xyz")

    def test_packet_out_of_turn_is_malformed(self) -> None:
        self.raw.sendall(b"\x02\x00\x00\x01ab")
        self.assertRaisesRegex(Malformed, "packet 1 where 0 was due", self.channel.read)

    def test_packet_longer_than_a_login_is_malformed(self) -> None:
        self.raw.sendall(b"\x01\x00\x01\x00")
        self.assertRaisesRegex(Malformed, "65537 bytes", self.channel.read)

    def test_packet_that_breaks_off_is_malformed_but_an_end_between_packets_is_one(self) -> None:
        self.raw.sendall(b"\x02\x00\x00\x00a")
        self.raw.shutdown(socket.SHUT_WR)
        self.assertRaisesRegex(Malformed, "in the middle", self.channel.read)
        self.assertRaises(EOFError, self.channel.read)


class PacketsTest(unittest.TestCase):
    # The values were computed apart from this code, with openssl dgst, from MySQL's formulas.
    def test_scrambles_are_those_of_the_documented_formulas(self) -> None:
        self.assertEqual(scramble(NATIVE, "secret", NONCE).hex(),
                         "b32bb3a583e1340c0a1108d58b1be49781ad8c2f")
        self.assertEqual(scramble(CACHING, "secret", NONCE).hex(),
                         "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9")
        self.assertEqual(scramble(CACHING, "", NONCE), b"")
        self.assertRaises(Malformed, scramble, "sha256_password", "secret", NONCE)

    def test_greeting_and_login_are_read_as_they_were_written(self) -> None:
        greeting = Greeting(NONCE, CACHING)
        self.assertEqual(Greeting.parse(greeting.packet()), greeting)
        least = OFFERED & ~CONNECT_ATTRS & ~CONNECT_WITH_DB
        for wanted in (login("app"), replace(login("ä"), answer=b"x" * 32, database="",
                                             capabilities=least)):
            self.assertEqual(Login.parse(wanted.packet()), wanted)

    def test_connection_attributes_are_dropped_whatever_their_length(self) -> None:
        wanted = replace(login("app"), capabilities=OFFERED)
        for attributes in (b"\x00", b"\x02\x01a", b"\xfc\x00\x01" + bytes(256)):
            self.assertEqual(Login.parse(wanted.packet() + attributes), login("app"))
            self.assertRaises(Malformed, Login.parse, wanted.packet() + attributes[:-1])

    def test_greeting_has_the_documented_layout(self) -> None:
        packet = Greeting(NONCE, NATIVE).packet()
        self.assertEqual(packet[:1], b"\x0a")
        tail = packet[packet.index(b"\0") + 1:]
        self.assertEqual(tail[4:13], NONCE[:8] + b"\0")
        self.assertEqual(tail[20:31], b"\x15" + bytes(10))
        self.assertEqual(tail[31:], NONCE[8:] + b"\0" + NATIVE.encode() + b"\0")

    def test_login_cut_anywhere_or_too_long_is_malformed(self) -> None:
        packet = login("app").packet()
        for length in range(len(packet)):
            self.assertRaises(Malformed, Login.parse, packet[:length])
        self.assertRaises(Malformed, Login.parse, packet + b"\0")

    def test_error_has_its_code_its_state_and_its_words(self) -> None:
        self.assertEqual(access_denied("app", "%"), b"\xff\x15\x04#28000Access denied for user"
                                                    b" 'app'@'%' (using password: YES)")


class FullAuthentication(Server):
    """A MySQL whose cache is empty: it wants the password itself. Then it answers every command."""

    def __init__(self, folder: Folder) -> None:
        self.authority = Authority(folder.path, "database-ca")
        certificate = self.authority.issue("database")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.took: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                channel = Channel(self._listener.accept()[0])
            except OSError:
                return  # shut
            with suppress(OSError, EOFError), closing(channel):
                self._answer(channel)

    def _answer(self, channel: Channel) -> None:
        channel.write(Greeting(NONCE, NATIVE).packet())
        channel.read()
        channel.start_tls(self._tls)
        Login.parse(channel.read())
        channel.write(switch_to(CACHING, NONCE[::-1]))
        if channel.read() != scramble(CACHING, PASSWORD, NONCE[::-1]):
            channel.write(error(1045, "28000", "Access denied"))
            return
        channel.write(FULL_AUTH_WANTED)
        self.took.append(channel.read())
        channel.write(OK)
        while True:
            channel.sequence = 0
            self.took.append(channel.read())
            channel.write(b"an answer")

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class ProxyTest(unittest.TestCase):
    """The proxy's own process, asked by a client made of the same packets."""

    @classmethod
    def setUpClass(cls) -> None:
        folder = cls.enterClassContext(Folder())
        cls.database = cls.enterClassContext(FullAuthentication(folder))
        cls.secrets = Secrets(app=PASSWORD, stale=OTHER)
        cls.proxy = cls.enterClassContext(MySqlProxy(
            folder, cls.database, cls.secrets, ["app", "stale"], poll=0.1, delay=0.1))

    def open(self, proxy: MySqlProxy | None = None) -> Channel:
        channel = Channel(socket.create_connection(("127.0.0.1", (proxy or self.proxy).port), 5))
        self.addCleanup(channel.close)
        return channel

    def log_in(self, user: str, password: str, proxy: MySqlProxy | None = None) -> Channel:
        """Let in, and nothing asked of the database yet."""
        channel = self.open(proxy)
        log_in(channel, login(user), password,
               ssl.create_default_context(cafile=(proxy or self.proxy).authority.ca))
        channel.sequence = 0
        return channel

    def logged(self, line: str) -> int:
        return self.proxy.log.read_text().count(line + "\n")

    def test_command_reaches_the_database_after_full_authentication(self) -> None:
        before = self.logged("login user=app accepted")
        channel = self.log_in("app", PASSWORD)
        channel.write(b"\x0e")
        self.assertEqual(channel.read(), b"an answer")
        self.assertEqual(self.database.took[-2:], [PASSWORD.encode() + b"\0", b"\x0e"])
        self.assertEqual(self.logged("login user=app accepted"), before + 1)

    def test_two_commands_in_one_record_both_reach_the_database(self) -> None:
        channel = self.log_in("app", PASSWORD)
        channel.sock.sendall(b"\x01\x00\x00\x00\x0e\x01\x00\x00\x00\x0f")
        for _ in range(2):
            channel.sequence = 1
            self.assertEqual(channel.read(), b"an answer")
        self.assertEqual(self.database.took[-2:], [b"\x0e", b"\x0f"])

    def test_client_that_begins_with_the_other_plugin_is_switched(self) -> None:
        channel = self.open()
        nonce = Greeting.parse(channel.read()).nonce
        channel.write(login("app").request_tls())
        channel.start_tls(ssl.create_default_context(cafile=self.proxy.authority.ca), "localhost")
        channel.write(login("app").packet())
        self.assertEqual(channel.read(), switch_to(CACHING, nonce))
        channel.write(scramble(CACHING, PASSWORD, nonce))
        self.assertEqual([channel.read(), channel.read()], [FAST_AUTH_SUCCEEDED, OK])

    def test_wrong_password_and_unknown_user_are_refused_in_the_same_words(self) -> None:
        for user, password in (("app", OTHER), ("nobody", PASSWORD)):
            with self.assertRaises(Refused) as caught:
                self.log_in(user, password)
            self.assertEqual(caught.exception.packet, access_denied(user, "127.0.0.1"))
        for user in ("app", "nobody"):
            with self.assertRaises(Refused) as caught:
                self.log_in(user, "")
            self.assertEqual(caught.exception.packet, access_denied(user, "127.0.0.1", False))
        self.assertTrue(self.logged("login user=app refused: wrong password"))
        self.assertTrue(self.logged("login user=nobody refused: no secret names it"))

    def test_secret_that_the_database_refuses_is_told_at_the_first_command(self) -> None:
        channel = self.log_in("stale", OTHER)
        channel.write(b"\x0e")
        self.assertEqual(channel.read(), access_denied("stale", "%"))
        self.assertRaises(EOFError, channel.read)
        self.assertTrue(self.logged("database user=stale refused: error 1045"))

    def test_database_that_is_away_or_not_itself_is_told_at_the_first_command(self) -> None:
        for port, authority in ((free_port(), self.database.authority),
                                (self.database.port, self.proxy.authority)):
            folder = self.enterContext(Folder())
            database = SimpleNamespace(port=port, authority=authority)
            with MySqlProxy(folder, database, self.secrets, ["app"]) as proxy:
                channel = self.log_in("app", PASSWORD, proxy)
                channel.write(b"\x0e")
                self.assertEqual(channel.read(), error(
                    9501, "HY000", "Timed-out waiting to acquire database connection"))
                self.assertIn("database user=app failed: ", proxy.log.read_text())

    def test_client_without_tls_is_refused(self) -> None:
        channel = self.open()
        Greeting.parse(channel.read())
        wanted = login("app").packet()
        channel.write((int.from_bytes(wanted[:4], "little") & ~0x800).to_bytes(4, "little")
                      + wanted[4:])
        self.assertEqual(channel.read(), error(3159, "HY000",
                                               "This RDS Proxy requires TLS connections."))
        self.assertRaises(EOFError, channel.read)

    def test_login_in_clear_that_claims_tls_is_closed_and_logged(self) -> None:
        channel = self.open()
        channel.read()
        channel.write(login("app").packet())
        self.assertRaises(EOFError, channel.read)
        self.assertTrue(self.logged("session ended: no request for TLS"))

    def test_user_with_a_line_break_makes_no_line_of_its_own(self) -> None:
        self.assertRaises(Refused, self.log_in, "x\nlogin user=forged accepted", PASSWORD)
        self.assertNotIn("\nlogin user=forged", self.proxy.log.read_text())

    def test_log_has_no_password(self) -> None:
        self.log_in("app", PASSWORD)
        self.assertRaises(Refused, self.log_in, "app", OTHER)
        for password in (PASSWORD, OTHER):
            self.assertNotIn(password, self.proxy.log.read_text())


class MariaDB(Server):
    """The least that serves: two users and TLS."""

    proxy_plugin = NATIVE

    def __init__(self, folder: Folder) -> None:
        data = folder.make("mariadb")
        self.authority = Authority(folder.path, "database-ca")
        certificate = self.authority.issue("database")
        begin = folder.path / "begin.sql"
        begin.write_text(
            "CREATE DATABASE mysql;\nCREATE DATABASE app;\nUSE mysql;\n"
            + "".join((SYSTEM_TABLES / name).read_text()
                      for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql"))
            + "\nFLUSH PRIVILEGES;\n"
            + "".join(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
                      f"GRANT ALL ON *.* TO '{user}'@'%' WITH GRANT OPTION;\n"
                      for user in ("app", "admin")))
        common = [shutil.which("mariadbd", path="/usr/sbin"), "--no-defaults", "--datadir", data,
                  *(["--user=root"] if os.geteuid() == 0 else [])]
        log = folder.path / "mariadb.log"
        shell = Process("mariadbd", ["sh", "-c", '"$@" <"$0"', begin, *common, "--bootstrap"], log)
        while shell.running():
            time.sleep(0.02)
        self.process, self.port = on_free_port(lambda port: Process(
            "mariadbd", [*common, "--bind-address=127.0.0.1", "--port", str(port),
                         "--socket", data / "s", f"--ssl-cert={certificate.certificate}",
                         f"--ssl-key={certificate.key}", f"--ssl-ca={self.authority.ca}",
                         "--max-connections=200"], log), answers)


@unittest.skipUnless(shutil.which("mariadbd", path="/usr/sbin"), "mariadbd is not installed")
class LiveTest(unittest.TestCase):
    """libmariadb, an independent client, through the proxy to an independent server."""

    server = MariaDB
    plugin = NATIVE

    @classmethod
    def setUpClass(cls) -> None:
        try:
            from stack import libmariadb
        except ImportError as missing:
            raise unittest.SkipTest(str(missing)) from None
        cls.client = libmariadb
        folder = cls.enterClassContext(Folder())
        cls.database = cls.enterClassContext(cls.server(folder))
        cls.picked_up = threading.Event()
        cls.secrets = Secrets(app=PASSWORD, admin=PASSWORD)
        cls.proxy = cls.enterClassContext(MySqlProxy(
            folder, cls.database, cls.secrets, ["app", "admin"], poll=0.1, delay=0.1,
            on_pickup=lambda user: cls.picked_up.set(), plugin=cls.plugin))

    def test_users_are_who_they_are_in_the_database(self) -> None:
        with self.proxy.connect("app", PASSWORD) as session:
            self.assertEqual(session.query("SELECT CURRENT_USER(), DATABASE()"), [("app@%", "app")])

    def test_wrong_password_and_unknown_user_are_refused(self) -> None:
        for user, password in (("app", OTHER), ("nobody", PASSWORD)):
            with self.assertRaisesRegex(self.client.DatabaseError, f"denied for user '{user}'@"):
                self.proxy.connect(user, password)

    def test_twenty_megabytes_arrive_whole(self) -> None:
        with self.proxy.connect("app", PASSWORD) as session:
            rows = session.query(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)"
                " SELECT i, REPEAT(CHAR(65 + i % 26), 20000) FROM n")
            self.assertEqual(len(rows), 1000)
            for number, row in enumerate(rows):
                self.assertTrue(row == (str(number), chr(65 + number % 26) * 20000), number)

    def test_command_longer_than_a_packet_arrives_whole(self) -> None:
        with self.proxy.connect("app", PASSWORD) as session:
            session.query("SET GLOBAL max_allowed_packet = 1 << 26")
        with self.proxy.connect("app", PASSWORD) as session:
            self.assertEqual(session.query(f"SELECT LENGTH('{'x' * (17 << 20)}')"),
                             [(str(17 << 20),)])

    def test_fifty_clients_log_in_again_and_again(self) -> None:
        def client(number: int) -> None:
            for _ in range(10):
                with self.proxy.connect("app", PASSWORD) as session:
                    self.assertEqual(session.query(f"SELECT {number}"), [(str(number),)])

        before = self.proxy.log.read_text().count("login user=app accepted\n")
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(client, range(50)))
        self.assertEqual(self.proxy.log.read_text().count("login user=app accepted\n"),
                         before + 500)

    def test_changed_secret_is_picked_up_and_the_old_password_refused(self) -> None:
        with self.proxy.connect("admin", PASSWORD) as kept:
            self.picked_up.clear()
            kept.query(f"ALTER USER admin IDENTIFIED BY '{OTHER}'")
            with self.proxy.connect("admin", PASSWORD) as stale:
                with self.assertRaisesRegex(self.client.DatabaseError, "Access denied"):
                    stale.query("SELECT 1")
            self.secrets.users["admin"] = OTHER
            self.assertTrue(self.picked_up.wait(5))
            with self.proxy.connect("admin", OTHER) as session:
                self.assertEqual(session.query("SELECT 1"), [("1",)])
            with self.assertRaisesRegex(self.client.DatabaseError, "Access denied"):
                self.proxy.connect("admin", PASSWORD)
            self.assertEqual(kept.query("SELECT 2"), [("2",)])
            kept.query(f"ALTER USER admin IDENTIFIED BY '{PASSWORD}'")
        self.picked_up.clear()
        self.secrets.users["admin"] = PASSWORD
        self.assertTrue(self.picked_up.wait(5))


class LiveCachingTest(LiveTest):
    """The same, with the plugin of MySQL's clients in front and MariaDB's behind."""

    plugin = CACHING


if __name__ == "__main__":
    unittest.main()
