"""A private certificate authority, and server certificates good and bad.

Made with the openssl command, on P-256 because that takes milliseconds. Every certificate is for
`localhost` and 127.0.0.1 unless it is wrong on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .process import give, run

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
LOCAL = ("localhost", "127.0.0.1")


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
              owner: str | None = None) -> Certificate:
        """A server certificate; other `hosts` make a wrong name, `expired` ended yesterday."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request = self._folder / f"{name}.csr"
        extension = self._folder / f"{name}.ext"
        extension.write_text(subject_alternative_names(hosts) + "\nextendedKeyUsage=serverAuth\n")
        run(["openssl", "req", "-new", *NEW_KEY, "-subj", f"/CN={hosts[0]}",
             "-keyout", made.key, "-out", request])
        run(["openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key,
             "-days", "-1" if expired else "2", "-extfile", extension, "-out", made.certificate])
        return handed_to(owner, made)


def self_signed(folder: Path, name: str, *, owner: str | None = None) -> Certificate:
    """A certificate with the right name that nobody vouches for."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    run(["openssl", "req", "-x509", *NEW_KEY, "-subj", f"/CN={LOCAL[0]}", "-days", "2",
         "-addext", subject_alternative_names(LOCAL),
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
