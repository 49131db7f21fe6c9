"""Stamps wait in the order of the journal, and of too many the oldest are forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from tradehall.analytics.latency import NEVER
from tradehall.app.support.executions import Stamps
from tradehall.app.support.stamp_queue import StampQueue

UNKNOWN = Stamps()


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from(["decide", "ask", "journal", "lose", "take", "hand over"])), max_size=200),
)
def test_each_decision_finds_its_own_stamps_and_others_none(durable, steps):
    queue, head, taken = StampQueue(durable), durable, 0
    other, others, ends = StampQueue(), 0, [0, 0]
    asked: dict[int, tuple[int, int]] = {}
    journaled: dict[int, int] = {}
    for number, (step,) in enumerate(steps):
        if step == "decide":
            head += 1
            asked.pop(head, None)
        elif step == "ask":
            head += 1
            asked[head] = (number, number + 1)
            queue.ask(head, *asked[head])
        elif step == "journal" and head > durable:
            journaled |= dict.fromkeys(range(durable + 1, head + 1), number)
            durable = head
            queue.journal(durable, number)
            ends.append(durable)
        elif step == "lose":
            head = durable
        elif step == "hand over":
            others = max(others, ends[-1 - number % 2])
            other.take_over(queue.hand_over(others))
        elif step == "take" and taken < durable:
            taken += 1
            stamps = (other if taken <= others else queue).take(taken)
            assert stamps.journaled == journaled.get(taken, NEVER)
            if taken in asked:
                assert (stamps.signal, stamps.received) == asked[taken]


def test_of_too_many_the_oldest_are_forgotten():
    queue = StampQueue(most=3)
    for seq in range(1, 11):
        queue.ask(seq, seq, seq)
        queue.journal(seq, seq)
    assert len(queue) == 3
    assert [queue.take(seq) for seq in (1, 7, 8, 9, 10)] == [UNKNOWN, UNKNOWN, *(Stamps(n, n, n) for n in (8, 9, 10))]


def test_of_too_many_that_were_handed_over_the_oldest_are_forgotten():
    queue, other = StampQueue(), StampQueue(most=3)
    for seq in range(1, 11):
        queue.ask(seq, seq, seq)
        queue.journal(seq, seq)
        other.take_over(queue.hand_over(seq))
    assert (len(queue), len(other)) == (0, 3)
    assert [other.take(seq) for seq in (1, 7, 8, 9, 10)] == [UNKNOWN, UNKNOWN, *(Stamps(n, n, n) for n in (8, 9, 10))]


def test_what_was_taken_leaves_no_trace():
    queue = StampQueue(most=10)
    for seq in range(1, 1_001):
        queue.ask(seq, seq, seq)
        queue.journal(seq, seq)
        queue.take(seq)
    assert (len(queue), len(queue._asked._figures) <= 3 * 11) == (1, True)
