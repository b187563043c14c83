"""python3 -m unittest discover -s tests/stack -t tests -p '*_test.py'"""

import unittest

from stack.pickup import Credential, Pickup

OLD, NEW = Credential("app", "old"), Credential("app", "new")


class PickupTest(unittest.TestCase):
    def setUp(self) -> None:
        self.pickup = Pickup(delay=2)
        self.pickup.saw("proxy-app", OLD, now=0)
        self.pickup.apply(now=2)

    def test_changed_password_before_the_delay_is_not_known(self) -> None:
        self.pickup.saw("proxy-app", NEW, now=10)
        self.assertEqual(self.pickup.apply(now=11.9), [])
        self.assertEqual(self.pickup.users(), {"app": "old"})

    def test_changed_password_after_the_delay_replaces_the_old_one(self) -> None:
        self.pickup.saw("proxy-app", NEW, now=10)
        self.assertEqual(self.pickup.apply(now=12), ["app"])
        self.assertEqual(self.pickup.users(), {"app": "new"})

    def test_password_read_again_keeps_its_first_due_time(self) -> None:
        self.pickup.saw("proxy-app", NEW, now=10)
        self.pickup.saw("proxy-app", NEW, now=11)
        self.assertEqual(self.pickup.next_change(), 12)
        self.assertEqual(self.pickup.apply(now=12), ["app"])
        self.assertIsNone(self.pickup.next_change())

    def test_other_user_in_the_same_secret_replaces_the_first(self) -> None:
        self.pickup.saw("proxy-app", Credential("other", "x"), now=10)
        self.pickup.apply(now=12)
        self.assertEqual(self.pickup.users(), {"other": "x"})

    def test_two_changes_within_the_delay_arrive_in_order(self) -> None:
        self.pickup.saw("proxy-app", NEW, now=10)
        self.pickup.saw("proxy-app", Credential("app", "newest"), now=11)
        self.pickup.apply(now=12)
        self.assertEqual(self.pickup.users(), {"app": "new"})
        self.pickup.apply(now=13)
        self.assertEqual(self.pickup.users(), {"app": "newest"})
