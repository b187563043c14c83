"""Nothing is left behind: no password and no key in memory, output, logs or files.

Looks into the process while it is idle between two invocations, as whoever gets hold of the machine
would: heap, stacks of all threads, data, freed or not. Reading /proc/PID/mem takes root, or
CAP_SYS_PTRACE. For the release build: a sanitizer's allocator keeps freed memory on purpose.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import support
from stack import mysql_hash
from stack.certificates import Authority
from stack.database import HOST
from stack.process import SERVER_USER, required
from stack.sandbox import ACCOUNT, REGION
from stack.session import Session
from stack.tandem import Lambda, clean_environment, program

PR_SET_DUMPABLE = 4  # of prctl()
PIECE = 12  # bytes of a word that nobody writes by chance

# Every way to make, open or change a file, or to say something; "?": where the machine knows it.
WRITING = ",".join("?" + name for name in (
    "open openat openat2 creat write pwrite64 writev pwritev pwritev2 sendfile copy_file_range"
    " splice rename renameat renameat2 link linkat symlink symlinkat mkdir mkdirat mknod mknodat"
    " truncate ftruncate fallocate memfd_create open_by_handle_at").split())


class Relay:
    """TLS in front of the sandbox, which speaks plain HTTP, as the Runtime API must: what libcurl
    and OpenSSL keep of a request differs between the two. `sent` is what the product said."""

    def __init__(self, folder: Path, port: int) -> None:
        authority = Authority(folder, "aws-ca")
        certificate = authority.issue("aws-relay")
        self.ca = authority.ca
        self.sent = b""
        self._server_port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        """One direction at a time is enough: a request, then its answer."""
        try:
            with (self._context.wrap_socket(peer, server_side=True) as client,
                  socket.create_connection(("127.0.0.1", self._server_port)) as server):
                back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
                back.start()
                self._copy(client, server, listen=True)
                back.join()
        except OSError:
            peer.close()

    def _copy(self, source: socket.socket, sink: socket.socket, listen: bool = False) -> None:
        try:
            while data := source.recv(65536):
                if listen:
                    self.sent += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Map(NamedTuple):
    """A piece of a process's memory, as /proc/PID/maps has it."""

    begin: int
    end: int
    access: str
    name: str


def maps_of(pid: int) -> list[Map]:
    found = re.findall(r"(?m)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$",
                       Path(f"/proc/{pid}/maps").read_text())
    return [Map(int(begin, 16), int(end, 16), access, name or "anonymous")
            for begin, end, access, name in found]


def memory_of(pid: int) -> dict[str, bytes]:
    """All that the process may write to, by the name of its map; its environment block apart."""
    content: dict[str, list[bytes]] = {"environment": []}
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    environment = range(int(fields[47]), int(fields[48]))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, access, name in maps_of(pid):
            if "r" not in access or name in ("[vvar]", "[vsyscall]"):
                continue
            if "w" not in access and name != "anonymous":
                continue  # a file's own bytes
            memory.seek(begin)
            data = memory.read(end - begin)
            if begin <= environment.start < end:
                low, high = environment.start - begin, environment.stop - begin
                content["environment"].append(data[low:high])
                data = data[:low] + data[high:]
            content.setdefault(name, []).append(data)
    return {name: b"\0".join(parts) for name, parts in content.items()}


@contextlib.contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        while not all(re.search(r"(?m)^State:\tT", status.read_text())
                      for status in Path(f"/proc/{pid}/task").glob("*/status")):
            time.sleep(0.005)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def planted_at(pid: int, address: int, word: bytes) -> Iterator[None]:
    """For a process that stands still: what was there comes back before it goes on."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        before = memory.read(len(word))
        memory.seek(address)
        memory.write(word)
        try:
            yield
        finally:
            memory.seek(address)
            memory.write(before)


def forms(word: str) -> dict[str, bytes]:
    """A word as it may be written down, and whichever of its ends is left of it."""
    raw = word.encode()
    escaped = json.dumps(word)[1:-1]
    written = {"as it is": raw, "in JSON": escaped.encode(),
               "in JSON in JSON": json.dumps(escaped)[1:-1].encode(),
               "percent-encoded": urllib.parse.quote(word, safe="").encode(),
               "in base64": base64.b64encode(raw).rstrip(b"="), "in hex": raw.hex().encode()}
    whole = len(raw) - PIECE
    return {**written, "its beginning": raw[:PIECE], "its end": raw[-PIECE:],
            "its middle": raw[whole // 2:whole // 2 + PIECE]}


def scram_keys(password: str, verifier: str) -> dict[str, bytes]:
    """What logs in as well as the password does (RFC 5802), with its verifier's salt; empty when it
    is another password's verifier."""
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):.*", verifier)
    assert found is not None, "not a SCRAM verifier"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(found[2]),
                                 int(found[1]))
    client = hmac.digest(salted, b"Client Key", "sha256")
    if hashlib.sha256(client).digest() != base64.b64decode(found[3]):
        return {}
    return {"SaltedPassword": salted, "ClientKey": client}


def native_keys(password: str, verifier: str) -> dict[str, bytes]:
    """The same of mysql_native_password: a client needs no more than the first hash."""
    if mysql_hash.native(password) != verifier:
        return {}
    return {"SHA-1": hashlib.sha1(password.encode()).digest()}


def caching_sha2_keys(password: str, verifier: str) -> dict[str, bytes]:
    """The same of caching_sha2_password, of its short way, which the server takes from who has
    logged in before."""
    found = re.fullmatch(r"\$A\$([0-9A-F]{3})\$(.{20})(.{43})", verifier, re.DOTALL)
    assert found is not None, "not a verifier of caching_sha2_password"
    if mysql_hash.sha256_crypt(password.encode(), found[2].encode(),
                               int(found[1], 16) * 1000) != found[3]:
        return {}
    return {"SHA-256": hashlib.sha256(password.encode()).digest()}


def signing_keys(secret_key: str, service: str = "secretsmanager") -> dict[str, bytes]:
    """What signs for a day as well as the key does: each step of SigV4's derivation."""
    key, derived = b"AWS4" + secret_key.encode(), {}
    for part in (datetime.now(timezone.utc).strftime("%Y%m%d"), REGION, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
        derived[f"signing key after {part}"] = key
    return derived


def end(strace: subprocess.Popen[bytes]) -> None:
    """And what it traces, which would stay behind, stopped, if only strace died."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(strace.pid, signal.SIGKILL)
    strace.wait()


class Stopped:
    """A command that is about to exit: to be looked at, then to be ended."""

    def __init__(self, strace: subprocess.Popen[bytes], pid: int, trace: Path) -> None:
        self.pid = pid
        self._strace, self._trace = strace, trace

    def end(self) -> tuple[bytes, bytes, list[str]]:
        """What it said, and the calls it made."""
        os.kill(self.pid, signal.SIGKILL)
        output, errors = self._strace.communicate(timeout=10)
        return output, errors, self._trace.read_text(errors="replace").splitlines()


def written_file(call: str) -> Path | None:
    """The file that an openat() of `writes_a_file` made or opened."""
    found = re.search(r" = \d+<([^>]+)>$", call)
    return Path(found[1]) if found is not None else None


def writes_a_file(call: str) -> bool:
    """`1234 openat(AT_FDCWD</>, "/etc/x", O_RDONLY) = 3</etc/x>` does not; a socket is no file."""
    found = re.fullmatch(r"\d+ +(\w+)\((.*)", call)
    if found is None and re.match(r"\d+ +<\.\.\. \w+ resumed>", call):
        return False  # another thread's call came in between; its beginning has its own line
    assert found is not None, call
    name, arguments = found.groups()
    if name.startswith("open"):
        return re.search(r"O_(WRONLY|RDWR|CREAT|TMPFILE|TRUNC|APPEND)", arguments) is not None
    if "write" in name:
        return re.match(r"\d+<(pipe|TCP|TCPv6|UDP|UDPv6|socket|anon_inode)", arguments) is None
    return name != "exit_group"


class Secrets:
    """Every word that must not be found, by what it is."""

    def __init__(self) -> None:
        self.words: dict[str, bytes] = {}

    def add(self, name: str, word: str) -> None:
        for form, written in forms(word).items():
            self.words[f"{name}, {form}"] = written

    def add_keys(self, name: str, keys: dict[str, bytes]) -> None:
        for kind, key in keys.items():
            self.words[f"{name}, {kind}"] = key
            self.words[f"{name}, {kind}, in base64"] = base64.b64encode(key)

    def found_in(self, content: dict[str, bytes]) -> dict[str, list[str]]:
        """What is there, and where."""
        hits = {name: [place for place, data in content.items() if word in data]
                for name, word in self.words.items()}
        return {name: places for name, places in hits.items() if places}


def memory_is_closed() -> str | None:
    """Why a process like Tandem, which may not be dumped, cannot be looked into here."""
    undumpable = (f"import ctypes; ctypes.CDLL(None).prctl({PR_SET_DUMPABLE}, 0);"
                  " print(flush=True); input()")
    with subprocess.Popen([sys.executable, "-c", undumpable], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        try:
            memory_of(child.pid)
        except OSError as error:
            return f"another process's memory takes root, or CAP_SYS_PTRACE: {error}"
        finally:
            child.kill()
    return None if os.geteuid() == 0 else "becoming another user takes root"


class Residue(support.World):
    with_lambda = False
    lambda_variables = {"EXCLUDE_CHARACTERS": ":/@'"}  # quotes and backslashes must be escaped
    sandbox_arguments = ("--retry-delay-ms", "10")
    keys_of = staticmethod(scram_keys)
    # How a password goes by in the database's log: as a verifier, which logs nobody in.
    changed = rb"(ALTER|CREATE) ROLE \"%s\"[^\n]* PASSWORD 'SCRAM-SHA-256\$"

    @classmethod
    def log_all_there_is(cls, admin: Session) -> None:
        """Whatever could write down a statement or its parameters does."""
        for setting in ("log_min_duration_statement = 0", "log_parameter_max_length = -1",
                        "log_parameter_max_length_on_error = -1",
                        "log_error_verbosity = verbose", "log_min_error_statement = debug5",
                        "debug_print_parse = on"):
            admin.query(f"ALTER SYSTEM SET {setting}")
        admin.query("SELECT pg_reload_conf()")

    @classmethod
    def setUpClass(cls) -> None:
        if (reason := memory_is_closed()) is not None:
            print(f"skip: residue: {reason}", flush=True)
            raise unittest.SkipTest(reason)
        super().setUpClass()
        cls.relay = Relay(cls.folder.path, cls.sandbox.port)
        cls.stack.callback(cls.relay.close)
        keys = cls.sandbox.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/tandem", RoleSessionName="tandem")["Credentials"]
        cls.access_key = keys["AccessKeyId"]
        cls.environment = {
            **cls.environment, "AWS_CA_BUNDLE": str(cls.relay.ca),
            "TANDEM_PROXY_CA": str(cls.database.authority.ca),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": cls.relay.url, "AWS_ACCESS_KEY_ID": cls.access_key,
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"], "RESIDUE_MARKER": "a variable of the test"}
        cls.aws = Secrets()
        cls.aws.add("AWS secret key", keys["SecretAccessKey"])
        cls.aws.add("AWS session token", keys["SessionToken"])
        cls.aws.add_keys("AWS", signing_keys(keys["SecretAccessKey"]))
        with cls.database.admin() as admin:
            cls.log_all_there_is(admin)
        cls.function = cls.stack.enter_context(
            Lambda(cls.folder, support.BUILD, cls.sandbox, cls.environment))

    def setUp(self) -> None:
        super().setUp()
        self.passwords = Secrets()
        self.passwords.add("admin's password", self.database.admin_password)

    def versions(self, pair: support.Pair) -> list[dict[str, str]]:
        """Every value that the secret has or had."""
        found = self.manager.list_secret_version_ids(SecretId=pair.secret, IncludeDeprecated=True)
        values = []
        for version in found["Versions"]:
            try:
                values.append(json.loads(self.manager.get_secret_value(
                    SecretId=pair.secret, VersionId=version["VersionId"])["SecretString"]))
            except self.manager.exceptions.ResourceNotFoundException:
                continue  # RotateSecret made it, and nothing put a value there
        return values

    def learn(self, pair: support.Pair) -> None:
        """Takes down every password there is or was, and what logs in as well as those do."""
        words = [("admin", self.database.admin_password), *pair.passwords.items(),
                 *((value["username"], value["password"]) for value in self.versions(pair))]
        with self.database.admin() as admin:
            verifiers = {user: verifier for user in {user for user, _ in words}
                         if (verifier := admin.stored_verifier(user)) is not None}
        keys = {user: {} for user, _ in words}
        for number, (user, word) in enumerate(words):
            self.passwords.add(f"{user}'s password {number}", word)
            if user in verifiers:
                keys[user] = keys[user] or self.keys_of(word, verifiers[user])
                self.passwords.add_keys(user, keys[user])
        self.assertTrue(all(keys[user] for user in keys if user in verifiers), "a word is missing")
        # What a rotation was told to prove itself with is as secret while that goes on.
        for token in set(re.findall(rb'"RotationToken":"([^"]+)"', self.relay.sent)):
            self.passwords.add("rotation token", token.decode())

    def assert_nothing_left(self, pid: int) -> None:
        content = memory_of(pid)
        self.assertEqual(self.passwords.found_in(content), {}, "in the memory")
        # AWS itself puts its keys into the environment; nowhere else may they be.
        del content["environment"]
        self.assertEqual(self.aws.found_in(content), {}, "in the memory")

    def assert_nothing_told(self, **texts: bytes) -> None:
        self.assertEqual(self.passwords.found_in(texts), {})
        self.assertEqual(self.aws.found_in(texts), {})

    def run_until_exit(self, *arguments: str) -> Stopped:
        """`tandem arguments…` as another user, held in the moment it wants to exit."""
        copy = self.folder.path / "tandem"
        if not copy.exists():
            shutil.copy(program(support.BUILD), copy)
            copy.chmod(0o755)
        return self.hold(copy, *arguments, user=SERVER_USER)

    def hold(self, *argv: str | Path, user: str) -> Stopped:
        """A program, held by strace when it wants to exit."""
        trace = self.folder.make(f"trace-{uuid.uuid4().hex}") / "calls"
        trace.touch()
        strace = subprocess.Popen(
            [required("strace"), "-f", "-qq", "-yy", "-s", "512", "-u", user, "-o", trace,
             "-e", f"trace={WRITING},exit_group", "-e", "signal=none",
             "-e", "inject=exit_group:retval=0:signal=SIGSTOP", *argv],
            env=clean_environment(self.environment), cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(end, strace)
        deadline = time.monotonic() + 60
        while True:
            children = Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()
            if children and "exit_group" in trace.read_text(errors="replace"):
                return Stopped(strace, int(children[0]), trace)
            self.assertIsNone(strace.poll(), "strace ended")
            self.assertLess(time.monotonic(), deadline, "it did not come to its end")
            time.sleep(0.02)

    def proxied(self, pair: support.Pair) -> dict[str, list[str]]:
        """With a proxy: the server plays it too, since what is said to one is said to the other."""
        return {"proxy_secret_ids": pair.proxy_secrets(),
                "proxy_endpoints": [f"{HOST}:{self.database.port}"]}

    def each_plan(self) -> Iterator[tuple[str, support.Pair]]:
        """A secret for each way to rotate."""
        for kind in ("plain", "admin", "proxies", "admin, proxies", "missing clone"):
            pair = self.pair(missing_clone=kind == "missing clone")
            extra = self.proxied(pair) if "proxies" in kind else {}
            if "admin" in kind or kind == "missing clone":
                extra["masterarn"] = self.admin_secret(pair.base)
            pair.create_secret(previous=kind != "missing clone", **extra)
            self.learn(pair)
            yield kind, pair

    def marker(self, word: str | None = None) -> tuple[str, Secrets]:
        """A word like a password, or this one, to be found as passwords are looked for."""
        planted = Secrets()
        planted.add("marker", word := word or secrets.token_urlsafe(18))
        return word, planted

    def assert_found(self, planted: Secrets, place: str, content: dict[str, bytes]) -> None:
        found = planted.found_in(content)
        for form in ("as it is", "its beginning", "its middle", "its end"):
            self.assertIn(place, found.get(f"marker, {form}", []))

    def test_marker_in_any_piece_of_memory_is_found(self) -> None:
        pair = self.pair()
        pair.create_secret()
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        pid = self.function.process.pid
        word, planted = self.marker("a variable of the test")
        self.assert_found(planted, "environment", memory_of(pid))
        with standing_still(pid):
            places = [piece for piece in maps_of(pid) if "w" in piece.access]
            for piece in places:
                word, planted = self.marker()
                # The last bytes that there are; of the stack the first, for the others are set.
                at = piece.begin if piece.name == "[stack]" else piece.end - len(word)
                with planted_at(pid, at, word.encode()):
                    self.assert_found(planted, piece.name, memory_of(pid))
                self.assertEqual(planted.found_in(memory_of(pid)), {})
            # However it is written there.
            heap = next(piece for piece in places if piece.name == "[heap]")
            for form, written in forms(word := 'say "marker\\" 1234567890').items():
                planted = self.marker(word)[1]
                with planted_at(pid, heap.end - len(written), written):
                    found = planted.found_in(memory_of(pid))
                    self.assertEqual(found.get(f"marker, {form}"), ["[heap]"])
        # The heap, the stack, the program's own data, and what has no name: bss, threads' stacks.
        self.assertLessEqual({"[heap]", "[stack]", "anonymous", str(program(support.BUILD))},
                             {piece.name for piece in places})
        self.assertEqual(self.rotate(pair)["state"], "succeeded")

    def test_marker_in_what_is_said_or_written_is_found(self) -> None:
        pair = self.pair()
        pair.create_secret()
        _, name = self.marker(pair.secret)
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        self.assert_found(name, "log", {"log": self.function.log.read_bytes()})
        stopped = self.run_until_exit("status", pair.secret)
        line = Path(f"/proc/{stopped.pid}/cmdline").read_bytes()
        output, _, _ = stopped.end()
        self.assert_found(name, "output", {"output": output})
        self.assert_found(name, "command line", {"command line": line})
        _, errors, _ = self.run_until_exit(
            "step", "testSecret", f"no/{pair.secret}", str(uuid.uuid4())).end()
        self.assert_found(name, "errors", {"errors": errors})
        # What a server logs of a statement, and of its parameters.
        word, planted = self.marker()
        with self.database.admin() as admin:
            admin.query(f"SELECT '{word}'")
        self.assert_found(planted, "database", {"database": self.database.log.read_bytes()})
        # And in a file, by what strace tells of it.
        word, planted = self.marker()
        file = self.folder.make("written", SERVER_USER) / "file"
        _, _, calls = self.hold("/bin/sh", "-c", f"echo {word} > {file}", user=SERVER_USER).end()
        written = {path for path in map(written_file, filter(writes_a_file, calls)) if path}
        self.assertEqual(written, {file})
        self.assert_found(planted, "file", {"file": b"".join(map(Path.read_bytes, written))})

    def test_rotations_leave_nothing(self) -> None:
        for kind, pair in self.each_plan():
            with self.subTest(kind):
                for active in (pair.clone, pair.base):
                    self.assertEqual(self.rotate(pair)["state"], "succeeded")
                    self.learn(pair)
                    self.assert_nothing_left(self.function.process.pid)
                    log = self.database.log.read_bytes()
                    self.assertRegex(log, self.changed % active.encode())
                    self.assert_nothing_told(database=log)
        self.assert_nothing_told(log=self.function.log.read_bytes())

    def test_each_step_leaves_nothing_for_the_next(self) -> None:
        pair = self.pair()
        pair.create_secret(**self.proxied(pair))
        event = {"SecretId": pair.secret, "ClientRequestToken": str(uuid.uuid4())}
        # As if createSecret had been interrupted: nobody else's rotation calls the steps.
        pending = pair.read() | {"username": pair.clone, "password": secrets.token_urlsafe(18)}
        self.manager.put_secret_value(
            SecretId=pair.secret, ClientRequestToken=event["ClientRequestToken"],
            SecretString=json.dumps(pending), VersionStages=["AWSPENDING"])
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            with self.subTest(step):
                done = self.sandbox.invoke(json.dumps({**event, "Step": step}).encode())
                self.assertEqual(done["outcome"], "response", done)
                self.learn(pair)
                self.assert_nothing_left(self.function.process.pid)
        self.assert_rotated(pair, pair.clone)

    def test_failed_steps_leave_nothing(self) -> None:
        faults = {
            "cut answer": {"action": "GetSecretValue", "kind": "cut", "bytes": 200, "times": -1},
            "lost answer": {"action": "PutSecretValue", "kind": "drop-after", "times": 1},
            "denied": {"action": "UpdateSecretVersionStage", "kind": "error", "times": -1,
                       "type": "AccessDeniedException", "status": 400},
            "too late": {"action": "GetSecretValue", "kind": "delay", "delay_ms": 12000,
                         "times": 1},
        }
        for kind in ("wrong password", *faults):
            with self.subTest(kind):
                pair = self.pair()
                pair.create_secret()
                self.learn(pair)
                if kind == "wrong password":
                    with self.database.admin() as admin:
                        admin.set_password(pair.clone, "changed by hand")
                    pair.passwords[pair.clone] = "changed by hand"
                else:
                    self.sandbox.set_faults(faults[kind])
                self.rotate(pair, seconds=90)
                self.sandbox.set_faults()
                self.learn(pair)
                self.assert_nothing_left(self.function.process.pid)
        self.assert_nothing_told(log=self.function.log.read_bytes())

    def test_command_about_to_exit_has_forgotten_all(self) -> None:
        pair = self.pair()
        pair.create_secret(rotation=False, **self.proxied(pair))
        self.assert_command_forgets(pair, "finishSecret", "rotate", pair.secret)
        self.assert_rotated(pair, pair.clone)

    def test_commands_that_look_only_have_forgotten_all(self) -> None:
        pair = self.pair()
        pair.create_secret(masterarn=self.admin_secret(pair.base), **self.proxied(pair))
        self.assertEqual(self.rotate(pair)["state"], "succeeded")
        for arguments in (("status", pair.secret), ("status", "--json", pair.secret),
                          ("check", pair.secret)):
            with self.subTest(arguments):
                self.assert_command_forgets(pair, pair.base, *arguments)

    def test_commands_that_fail_have_forgotten_all(self) -> None:
        pair = self.pair()
        pair.create_secret()
        token = str(uuid.uuid4())
        pending = pair.read() | {"username": pair.clone, "password": secrets.token_urlsafe(18)}
        self.manager.put_secret_value(
            SecretId=pair.secret, ClientRequestToken=token, SecretString=json.dumps(pending),
            VersionStages=["AWSPENDING"])
        pair.passwords[pair.clone] = secrets.token_urlsafe(18)
        with self.database.admin() as admin:
            admin.set_password(pair.clone, pair.passwords[pair.clone])
        for arguments in (("step", "setSecret", pair.secret, token),
                          ("step", "testSecret", pair.secret, token),
                          ("status", pair.secret), ("check", pair.secret)):
            with self.subTest(arguments):
                self.assert_command_forgets(pair, pair.clone, *arguments)

    def assert_command_forgets(self, pair: support.Pair, says: str, *arguments: str) -> None:
        self.learn(pair)
        stopped = self.run_until_exit(*arguments)
        self.learn(pair)
        self.assertIn(b"RESIDUE_MARKER=a variable of the test",
                      memory_of(stopped.pid)["environment"])
        self.assert_nothing_left(stopped.pid)
        self.assert_no_core_and_no_debugger(stopped.pid)
        line = Path(f"/proc/{stopped.pid}/cmdline").read_bytes()
        self.assertIn(pair.secret.encode(), line)
        output, errors, calls = stopped.end()
        self.assertIn(says.encode(), output + errors)
        self.assert_nothing_told(output=output, errors=errors, command_line=line)
        self.assert_wrote_no_file(calls)

    def assert_no_core_and_no_debugger(self, pid: int) -> None:
        limits = Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        # The kernel gives what it tells of a process to root when that may not be dumped.
        owner = Path(f"/proc/{pid}/status").read_text()
        self.assertNotRegex(owner, r"Uid:\t0\t")
        self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)

    def assert_wrote_no_file(self, calls: list[str]) -> None:
        self.assertGreater(len([call for call in calls if " openat(" in call]), 10)
        self.assertTrue(any(" write(" in call for call in calls))
        self.assertEqual([call for call in calls if writes_a_file(call)], [])

    def test_look_at_calls_finds_a_written_file(self) -> None:
        calls = ("7 openat(AT_FDCWD</>, \"/tmp/x\", O_WRONLY|O_CREAT, 0600) = 3</tmp/x>",
                 "7 write(3</tmp/x>, \"a\", 1) = 1", "7 memfd_create(\"x\", 0) = 4</memfd:x>",
                 "7 rename(\"a\", \"b\") = 0")
        self.assertTrue(all(map(writes_a_file, calls)))


class ResidueMariaDB(Residue):
    engine = "mariadb"
    keys_of = staticmethod(native_keys)
    changed = rb"(ALTER|CREATE) USER [^\n]*['`]%s['`]@[^\n]*'\*[0-9A-F]{40}'"
    more: tuple[str, ...] = ("log_warnings = 9",)

    @classmethod
    def log_all_there_is(cls, admin: Session) -> None:
        """The general log has every statement already; so has now the log of the slow ones."""
        for setting in ("slow_query_log_file = '" + str(cls.database.log) + "'",
                        "slow_query_log = ON", "long_query_time = 0", *cls.more):
            admin.query(f"SET GLOBAL {setting}")


class ResidueMySQL(ResidueMariaDB):
    engine = "mysql"
    keys_of = staticmethod(caching_sha2_keys)
    # RETAIN CURRENT PASSWORD is to be had with the password itself only: the server masks it.
    changed = rb"(ALTER|CREATE) USER [^\n]*['`]%s['`]@[^\n]* BY <secret>"
    more = ("log_error_verbosity = 3",)

    def test_server_that_would_log_a_password_is_sent_none(self) -> None:
        with self.database.admin() as admin:
            admin.query("SET GLOBAL log_raw = ON")
        try:
            for kind, pair in self.each_plan():
                with self.subTest(kind):
                    begun = len(self.database.log.read_bytes())
                    ended = self.rotate(pair)
                    self.assertEqual((ended["state"], ended["step"]), ("failed", "setSecret"))
                    self.assertIn("set log_raw = OFF", ended["error"])
                    self.learn(pair)
                    log = self.database.log.read_bytes()[begun:]
                    self.assertNotRegex(log, rb"(ALTER|CREATE) USER [^\n]* BY ")
                    self.assert_nothing_told(database=log, error=ended["error"].encode())
                    self.assertEqual(pair.read()["username"], pair.base)
                    self.assertTrue(pair.logs_in())
        finally:
            with self.database.admin() as admin:
                admin.query("SET GLOBAL log_raw = OFF")


if __name__ == "__main__":
    support.main()
