"""A private certificate authority, and server certificates good and bad.

Made with the openssl command, on P-256 because that takes milliseconds. Every certificate is for
`localhost` and 127.0.0.1 unless it is wrong on purpose.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .process import give, run

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
LOCAL = ("localhost", "127.0.0.1")
CA_SETTINGS = """
[ca]
default_ca = this
[this]
database = {database}
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


@dataclass(frozen=True)
class Certificate:
    certificate: Path  # PEM
    key: Path          # PEM, mode 0600


class Authority:
    """A CA named `name`; `ca` is the PEM file its clients trust."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.ca = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        run(["openssl", "req", "-x509", *NEW_KEY, "-subj", f"/CN=Tandem test CA {name}",
             "-addext", "basicConstraints=critical,CA:TRUE", "-days", "2",
             "-keyout", self._key, "-out", self.ca])
        self.ca.chmod(0o644)

    def issue(self, name: str, hosts: tuple[str, ...] = LOCAL, *, expired: bool = False,
              not_yet: bool = False, usage: str = "serverAuth",
              owner: str | None = None) -> Certificate:
        """A server certificate; other `hosts` make a wrong name, `expired` ended yesterday,
        `not_yet` begins tomorrow, another `usage` than serverAuth is none for a server."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request = self._folder / f"{name}.csr"
        extension = self._folder / f"{name}.ext"
        extension.write_text(subject_alternative_names(hosts) + f"\nextendedKeyUsage={usage}\n")
        run(["openssl", "req", "-new", *NEW_KEY, "-subj", f"/CN={hosts[0]}",
             "-keyout", made.key, "-out", request])
        if not_yet:
            self._sign_for_tomorrow(request, extension, made.certificate)
        else:
            run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key,
                 "-days", "-1" if expired else "2", "-extfile", extension,
                 "-out", made.certificate])
        return handed_to(owner, made)

    def _sign_for_tomorrow(self, request: Path, extension: Path, certificate: Path) -> None:
        """`openssl x509` begins now; only `openssl ca`, which wants a small database, can wait."""
        database = certificate.with_suffix(".db")
        database.touch()
        settings = certificate.with_suffix(".cnf")
        settings.write_text(CA_SETTINGS.format(database=database, folder=self._folder))
        begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))
                      for days in (1, 3))
        run(["openssl", "ca", "-batch", "-config", settings, "-in", request, "-out", certificate,
             "-cert", self.ca, "-keyfile", self._key, "-startdate", begin, "-enddate", end,
             "-extfile", extension, "-notext"])


def self_signed(folder: Path, name: str, hosts: tuple[str, ...] = LOCAL, *,
                owner: str | None = None) -> Certificate:
    """A certificate with the right names that nobody vouches for."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    run(["openssl", "req", "-x509", *NEW_KEY, "-subj", f"/CN={hosts[0]}", "-days", "2",
         "-addext", subject_alternative_names(hosts),
         "-keyout", made.key, "-out", made.certificate])
    return handed_to(owner, made)


def subject_alternative_names(hosts: tuple[str, ...]) -> str:
    kinds = ("IP" if host.replace(".", "").isdigit() else "DNS" for host in hosts)
    return "subjectAltName=" + ",".join(f"{kind}:{host}" for kind, host in zip(kinds, hosts))


def handed_to(owner: str | None, made: Certificate) -> Certificate:
    made.certificate.chmod(0o644)
    made.key.chmod(0o600)
    give(made.key, owner)
    return made
