"""python3 -m unittest discover -s tests/demo -t tests -p '*_test.py'"""

import unittest

from demo.record import Record, Span, Step, per_bucket, user_states


def step(name: str, begin: float, end: float, failed: bool = False) -> Step:
    return Step(1, name, "app-clone", begin, end, failed)


class BucketTest(unittest.TestCase):
    def test_every_time_is_in_exactly_one_bucket(self) -> None:
        self.assertEqual(per_bucket([0, 0.99, 1, 2.5, 3.999], 4, 4), [2, 1, 1, 1])

    def test_a_time_at_or_beyond_the_end_is_in_the_last_bucket(self) -> None:
        self.assertEqual(per_bucket([4, 4.01], 4, 4), [0, 0, 0, 2])


class UserStatesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.record = Record(("app", "app-clone"), ())
        self.record.end = 10

    def test_finished_rotation_swaps_active_and_previous_when_the_label_has_moved(self) -> None:
        self.record.steps = [step("setSecret", 1, 2), step("finishSecret", 4, 5)]
        self.assertEqual(user_states(self.record, "app"),
                         [Span(0, 5, "active"), Span(5, 10, "previous")])
        self.assertEqual(user_states(self.record, "app-clone"),
                         [Span(0, 1, "waiting"), Span(1, 5, "changing"), Span(5, 10, "active")])

    def test_failed_finish_leaves_the_active_user(self) -> None:
        self.record.steps = [step("setSecret", 1, 2), step("finishSecret", 4, 5, failed=True)]
        self.assertEqual(user_states(self.record, "app"), [Span(0, 10, "active")])
        self.assertEqual(user_states(self.record, "app-clone"),
                         [Span(0, 1, "waiting"), Span(1, 10, "changing")])
