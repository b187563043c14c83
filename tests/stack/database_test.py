"""Each engine's server keeps what the others rely on; a class an engine.

python3 -m unittest discover -s tests/stack -t tests -p '*_test.py'
"""

import unittest

from stack.certificates import Authority
from stack.database import ENGINES
from stack.process import Folder
from stack.session import DatabaseError

PASSWORDS = {"base": "it's \\ a \"password\" € ", "base-clone": "another-password"}


class Promises:
    engine: str

    @classmethod
    def setUpClass(cls) -> None:
        if (reason := ENGINES[cls.engine].may_be_skipped()) is not None:
            print(f"skip: {cls.__name__}: {reason}", flush=True)
            raise unittest.SkipTest(reason)
        cls.folder = cls.enterClassContext(Folder())
        cls.database = cls.enterClassContext(ENGINES[cls.engine].database()(cls.folder))
        cls.admin = cls.enterClassContext(cls.database.admin())
        cls.database.create_users(cls.admin, PASSWORDS)
        cls.database.create_table(cls.admin, "base")

    def test_users_of_a_ring_write_to_the_table(self) -> None:
        for user, password in PASSWORDS.items():
            with self.database.connect(user, password) as session:
                self.assertEqual(session.user(), user)
                self.assertEqual(session.record_login("test"), user)

    def test_wrong_password_is_denied(self) -> None:
        with self.assertRaises(DatabaseError) as caught:
            self.database.connect("base", "wrong")
        self.assertTrue(caught.exception.denied, caught.exception)

    def test_changed_password_replaces_the_old_one(self) -> None:
        self.database.create_users(self.admin, {"changed": "first-password"})
        before = self.admin.stored_verifier("changed")
        self.admin.set_password("changed", "second-password")
        self.assertNotEqual(self.admin.stored_verifier("changed"), before)
        self.database.connect("changed", "second-password").close()
        with self.assertRaises(DatabaseError):
            self.database.connect("changed", "first-password")

    def test_dropped_user_is_gone(self) -> None:
        self.database.create_users(self.admin, {"dropped": "a-password"}, related=False)
        self.admin.drop_user("dropped")
        self.assertIsNone(self.admin.stored_verifier("dropped"))

    def test_parameters_are_no_part_of_the_statement(self) -> None:
        rows = self.admin.query("SELECT $1, $2, NULL", "it's \\ €", "$1")
        self.assertEqual(rows, [("it's \\ €", "$1", None)])

    def test_error_of_a_statement_has_an_sqlstate(self) -> None:
        with self.assertRaises(DatabaseError) as caught:
            self.admin.query("SELEC")
        self.assertIn(caught.exception.sqlstate, ("42601", "42000"))

    def test_certificate_of_another_authority_is_refused(self) -> None:
        ours = self.database.authority
        self.database.authority = Authority(self.folder.path, "another")
        try:
            with self.assertRaises(DatabaseError) as caught:
                self.database.connect("base", PASSWORDS["base"])
        finally:
            self.database.authority = ours
        self.assertRegex(str(caught.exception), "certificate")
        self.assertFalse(caught.exception.denied)

    def test_logins_are_counted_and_refused_ones_are_not(self) -> None:
        begin = self.database.log.stat().st_size
        for user, password in (*PASSWORDS.items(), ("base", "wrong"), ("nobody", "wrong")):
            try:
                with self.database.connect(user, password) as session:
                    session.user()
            except DatabaseError:
                continue
        self.assertEqual(self.database.logins(self.database.log.read_bytes()[begin:]), 2)

    def test_log_has_the_statements_and_no_password(self) -> None:
        log = self.database.log.read_bytes()
        self.assertRegex(log, rb"CREATE (USER|ROLE) .base-clone.")
        for word in (*PASSWORDS.values(), self.database.admin_password, "second-password"):
            self.assertNotIn(word.encode(), log)


class PostgreSQLTest(Promises, unittest.TestCase):
    engine = "postgres"


class MariaDBTest(Promises, unittest.TestCase):
    engine = "mariadb"

    def test_nobody_is_without_a_password(self) -> None:
        users = self.admin.query("SELECT user FROM mysql.user WHERE authentication_string = ''")
        self.assertEqual(users, [("mariadb.sys",)], "which is locked")


class MySQLTest(Promises, unittest.TestCase):
    engine = "mysql"

    def test_nobody_is_without_a_password(self) -> None:
        users = self.admin.query("SELECT user FROM mysql.user WHERE authentication_string = ''")
        self.assertEqual(users, [])

    def test_administrator_passes_on_dynamic_privileges(self) -> None:
        grants = " ".join(row[0] for row in self.admin.query("SHOW GRANTS"))
        self.assertRegex(grants, r"APPLICATION_PASSWORD_ADMIN.* WITH GRANT OPTION")


if __name__ == "__main__":
    unittest.main()
