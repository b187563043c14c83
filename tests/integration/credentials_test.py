"""Every source of AWS credentials, used by the product against the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import support
from stack.sandbox import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

ROLE = f"arn:aws:iam::{ACCOUNT}:role/rotator"


class Credentials(support.World):
    with_lambda = False

    def setUp(self) -> None:
        super().setUp()
        self.secret = self.pair()
        self.secret.create_secret(rotation=False)
        self.sandbox.clear_journal()

    def ask(self, **variables: str) -> str:
        """`tandem status` with these variables only; the access key the sandbox saw."""
        bare = {name: value for name, value in self.environment.items()
                if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        done = support.command(support.BUILD, {**bare, **variables}, "status", self.secret.secret,
                               "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        calls = [call for call in self.sandbox.journal() if call["service"] == "secretsmanager"]
        return calls[-1]["access_key"]

    def write(self, name: str, text: str) -> str:
        path = Path(self.folder.path) / name
        path.write_text(text)
        return str(path)

    def test_environment(self) -> None:
        self.assertEqual(self.ask(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY),
                         ACCESS_KEY)

    def test_web_identity(self) -> None:
        token = self.write("token", "sandbox-web-identity-token\n")
        key = self.ask(AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN=ROLE)
        self.assertTrue(key.startswith("ASIA"), key)

    def test_profile_with_a_role_and_its_source(self) -> None:
        credentials = self.write("credentials", "[base]\naws_access_key_id = " + ACCESS_KEY +
                                 "\naws_secret_access_key = " + SECRET_KEY + "\n")
        config = self.write("config", f"[profile rotator]\nrole_arn = {ROLE}\n"
                            f"source_profile = base\nexternal_id = x-1\nregion = {REGION}\n")
        files = {"AWS_SHARED_CREDENTIALS_FILE": credentials, "AWS_CONFIG_FILE": config}
        self.assertEqual(self.ask(AWS_PROFILE="base", **files), ACCESS_KEY)
        self.assertTrue(self.ask(AWS_PROFILE="rotator", **files).startswith("ASIA"))

    def test_container(self) -> None:
        url = f"{self.sandbox.url}/v2/credentials/sandbox-auth"
        token = self.write("container-token", "sandbox-container-token")
        for variables in ({"AWS_CONTAINER_AUTHORIZATION_TOKEN": "sandbox-container-token"},
                          {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token,
                           "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong"}):
            key = self.ask(AWS_CONTAINER_CREDENTIALS_FULL_URI=url, **variables)
            self.assertTrue(key.startswith("ASIA"), key)

    def test_container_elsewhere_is_refused(self) -> None:
        done = support.command(support.BUILD, {
            "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/credentials"},
            "check", "x", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("AWS_CONTAINER_CREDENTIALS_FULL_URI", done.stdout)

    def test_instance_metadata(self) -> None:
        key = self.ask(AWS_EC2_METADATA_DISABLED="false",
                       AWS_EC2_METADATA_SERVICE_ENDPOINT=self.sandbox.url)
        self.assertTrue(key.startswith("ASIA"), key)

    def test_assumed_role_on_top(self) -> None:
        key = self.ask(AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY,
                       TANDEM_ASSUME_ROLE_ARN=ROLE, TANDEM_ASSUME_ROLE_EXTERNAL_ID="x-1")
        self.assertTrue(key.startswith("ASIA"), key)
        self.assertIn("AssumeRole", [call["action"] for call in self.sandbox.journal()])

    def test_no_credentials_at_all_says_where_they_were_looked_for(self) -> None:
        done = support.command(support.BUILD, {"AWS_REGION": REGION,
                                               "AWS_EC2_METADATA_DISABLED": "true"},
                               "check", "x", "--json")
        self.assertEqual(done.returncode, 1)
        text = " ".join(f.get("detail", "") for f in json.loads(done.stdout)["findings"])
        self.assertIn("AWS_ACCESS_KEY_ID", text)


if __name__ == "__main__":
    support.main()
