"""TLS to Secrets Manager is verified and never dropped: against certificates that are wrong."""

from __future__ import annotations

import json
import unittest

import support
from stack.certificates import Authority, self_signed
from stack.process import Folder
from stack.sandbox import Sandbox
from stack.tandem import command


class ToSecretsManager(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(Folder())
        self.authority = Authority(self.folder.path, "aws-ca")

    def ask(self, certificate, **variables: str) -> dict:
        """The first finding of `tandem status x` against a sandbox with this certificate."""
        sandbox = self.enterContext(Sandbox(self.folder, support.BUILD, certificate=certificate,
                                            ca=self.authority.ca))
        done = command(support.BUILD, {**sandbox.environment(), "TANDEM_TIMEOUT": "10", **variables},
                       "status", "x", "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        return json.loads(done.stdout)["findings"][0]

    def test_right_certificate_is_accepted(self) -> None:
        self.assertEqual(self.ask(self.authority.issue("right"))["state"], "missing")

    def test_every_wrong_certificate_is_refused_and_names_the_setting(self) -> None:
        other = Authority(self.folder.path, "other-ca")
        for kind, certificate in (
                ("self-signed", self_signed(self.folder.path, "self")),
                ("other CA", other.issue("other")),
                ("other name", self.authority.issue("name", ("example.com",))),
                ("expired", self.authority.issue("old", expired=True)),
                ("not yet valid", self.authority.issue("early", not_yet=True)),
                ("not for a server", self.authority.issue("client", usage="clientAuth"))):
            with self.subTest(kind):
                finding = self.ask(certificate)
                self.assertEqual(finding["state"], "wrong", finding)
                self.assertIn("certificate", finding["detail"])
                self.assertIn("AWS_CA_BUNDLE", finding["detail"])

    def test_bundle_that_is_missing_is_told(self) -> None:
        finding = self.ask(self.authority.issue("right"), AWS_CA_BUNDLE="/no/such/file.pem")
        self.assertIn("AWS_CA_BUNDLE", finding["detail"])


if __name__ == "__main__":
    support.main()
