"""python3 -m unittest discover -s tests/stack -t tests -p '*_test.py'"""

import subprocess
import unittest

from stack import mysql_hash


class MySqlHashTest(unittest.TestCase):
    def test_native_of_a_known_password(self) -> None:
        self.assertEqual(mysql_hash.native("password"),
                         "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19")

    def test_sha256_crypt_is_that_of_openssl_for_salts_it_takes(self) -> None:
        for password in ("a", "secret", "ünd so weiter", "x" * 31, "x" * 32, "x" * 33, "long" * 30):
            with self.subTest(password=password):
                made = mysql_hash.sha256_crypt(password.encode(), b"sixteen.letters.", 5000)
                wanted = subprocess.run(
                    ["openssl", "passwd", "-5", "-salt", "sixteen.letters.", "-stdin"],
                    input=password, capture_output=True, text=True, check=True).stdout.strip()
                self.assertEqual(f"$5$sixteen.letters.${made}", wanted)

    def test_caching_sha2_has_twenty_characters_of_salt_and_needs_no_escape(self) -> None:
        made = mysql_hash.caching_sha2("secret")
        self.assertRegex(made, r"^\$A\$005\$[A-Za-z0-9]{20}[A-Za-z0-9./]{43}$")
        self.assertNotEqual(made, mysql_hash.caching_sha2("secret"), "salted anew")


if __name__ == "__main__":
    unittest.main()
