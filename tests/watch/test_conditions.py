"""The table of conditions, line by line, and when a firing may repeat."""

from decimal import Decimal

import pytest

from tests.watch.alerts import a_trigger, at_s
from tradehall.watch.conditions import Condition, Memory, step

LEVEL = {"target": "100"}
CHANNEL = {"low": "100", "high": "110"}
FIVE = {"threshold": "5"}


@pytest.mark.parametrize(("code", "numbers", "previous", "current", "fires"), [
    # code  numbers  previous  current   fires
    (0,     LEVEL,   "99",     "100",    True),
    (0,     LEVEL,   "99.99",  "250",    True),
    (0,     LEVEL,   "100",    "101",    False),
    (0,     LEVEL,   "101",    "99",     False),
    (0,     LEVEL,   None,     "101",    False),
    (1,     LEVEL,   "101",    "100",    True),
    (1,     LEVEL,   "100",    "99",     False),
    (1,     LEVEL,   "99",     "101",    False),
    (1,     LEVEL,   None,     "99",     False),
    (12,    LEVEL,   "99",     "100",    True),
    (12,    LEVEL,   "101",    "100",    True),
    (12,    LEVEL,   "100",    "101",    False),
    (12,    LEVEL,   "100",    "99",     False),
    (12,    LEVEL,   None,     "100",    False),
    (2,     LEVEL,   None,     "100.01", True),
    (2,     LEVEL,   "99",     "100",    False),
    (2,     LEVEL,   "100",    "101",    True),
    (3,     LEVEL,   None,     "99.99",  True),
    (3,     LEVEL,   "101",    "100",    False),
    (4,     CHANNEL, "99",     "100",    True),
    (4,     CHANNEL, "111",    "110",    True),
    (4,     CHANNEL, "99",     "111",    False),
    (4,     CHANNEL, "100",    "105",    False),
    (4,     CHANNEL, None,     "105",    False),
    (5,     CHANNEL, "100",    "99.99",  True),
    (5,     CHANNEL, "110",    "110.01", True),
    (5,     CHANNEL, "105",    "110",    False),
    (5,     CHANNEL, "99",     "111",    False),
    (5,     CHANNEL, None,     "99",     False),
    (6,     CHANNEL, None,     "100",    True),
    (6,     CHANNEL, None,     "110",    True),
    (6,     CHANNEL, None,     "110.01", False),
    (7,     CHANNEL, None,     "99.99",  True),
    (7,     CHANNEL, None,     "110.01", True),
    (7,     CHANNEL, None,     "100",    False),
])  # fmt: skip
def test_levels_and_channels(code, numbers, previous, current, fires):
    memory = Memory(previous=None if previous is None else Decimal(previous))
    assert step(a_trigger(Condition(code), **numbers), memory, Decimal(current), at_s(0))[0] is fires


@pytest.mark.parametrize(("code", "reference", "current", "fires"), [
    # code  reference  current          fires
    (8,     "100",     "105",           True),
    (8,     "100",     "104.99",        False),
    (8,     "100",     "90",            False),
    (9,     "100",     "95",            True),
    (9,     "100",     "95.01",         False),
    (10,    "200",     "210",           True),
    (10,    "200",     "209.99999999",  False),
    (10,    "0.3",     "0.315",         True),    # 0.3 × 1.05 as floats is 0.31500000000000006.
    (11,    "200",     "190",           True),
    (11,    "200",     "190.00000001",  False),
    (10,    "-200",    "-190",          True),    # An indicator may be negative,
    (10,    "0",       "1",             False),   # and of nothing there is no percentage.
    (8,     None,      "1000",          False),   # The first value becomes the reference.
    (11,    None,      "0.01",          False),
])  # fmt: skip
def test_moves_from_a_reference(code, reference, current, fires):
    memory = Memory(reference=None if reference is None else Decimal(reference))
    is_firing, memory = step(a_trigger(Condition(code), **FIVE), memory, Decimal(current), at_s(0))
    assert is_firing is fires
    assert memory.reference == Decimal(current if fires or reference is None else reference)


@pytest.mark.parametrize(("what", "code", "numbers", "steps"), [
    # what                                   code  numbers   (second, value, fires) …
    ("a level fires again once it was left",  2,    LEVEL,    [(0, 101, 1), (2, 102, 0), (3, 100, 0), (4, 101, 1)]),
    ("a zone fires again once it was left",   6,    CHANNEL,  [(0, 105, 1), (2, 106, 0), (3, 111, 0), (4, 110, 1)]),
    ("the outside is a zone, too",            7,    CHANNEL,  [(0, 99, 1), (2, 111, 0), (3, 110, 0), (4, 111, 1)]),
    ("a crossing fires at each crossing",     12,   LEVEL,    [(0, 99, 0), (2, 101, 1), (4, 99, 1), (6, 101, 1)]),
    ("a move goes on from where it fired",    8,    FIVE,     [(0, 100, 0), (2, 105, 1), (4, 109, 0), (6, 110, 1)]),
    ("at most one firing per second",         8,    FIVE,     [(0, 100, 0), (1, 105, 1), (1.999, 110, 0), (2, 110, 1)]),
    ("a crossing in that second is gone",     0,    LEVEL,    [(0, 99, 0), (1, 101, 1), (1.3, 99, 0), (1.6, 101, 0), (3, 102, 0)]),
    ("a level left in that second is armed",  3,    LEVEL,    [(0, 99, 1), (0.3, 100, 0), (0.6, 99, 0), (1, 99, 1)]),
])  # fmt: skip
def test_repeating(what, code, numbers, steps):
    memory, fired = Memory(), []
    for second, value, _ in steps:
        is_firing, memory = step(a_trigger(Condition(code), **numbers), memory, Decimal(value), at_s(second))
        fired.append(int(is_firing))
    assert fired == [fires for _, _, fires in steps], what
