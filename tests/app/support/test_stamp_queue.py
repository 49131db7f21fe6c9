"""Stamps wait in the order of the journal, and of too many the oldest are forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from tradehall.app.support.executions import NO_STAMPS, Stamps
from tradehall.app.support.stamp_queue import StampQueue


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=200))
def test_each_decision_finds_its_own_stamps_and_others_none(steps):
    queue, noted, told, asked = StampQueue(), {}, 0, 0
    for is_told, gap in steps:
        if is_told:
            told += gap
            noted[told] = Stamps(told + 1, told + 2, told + 3)
            queue.add(told, told + 1, told + 2, told + 3)
        elif asked < told:
            asked += 1
            assert queue.take(asked) == noted.get(asked, NO_STAMPS)
            assert len(queue) == sum(seq > asked for seq in noted)


def test_of_too_many_the_oldest_are_forgotten():
    queue = StampQueue(most=3)
    for seq in range(1, 11):
        queue.add(seq, seq, seq, seq)
    assert len(queue) == 3
    assert [queue.take(seq) for seq in (1, 7, 8, 9, 10)] == [
        NO_STAMPS,
        NO_STAMPS,
        *(Stamps(n, n, n) for n in (8, 9, 10)),
    ]


def test_what_was_taken_leaves_no_trace():
    queue = StampQueue(most=10)
    for seq in range(1, 1_001):
        queue.add(seq, seq, seq, seq)
        queue.take(seq)
    assert (len(queue), len(queue._figures) <= 4 * 11) == (0, True)
