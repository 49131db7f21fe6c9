"""What is due, and what no longer is."""

from tradehall.watch.due import DEAD_KEPT, DueHeap


def test_only_what_was_noted_last_is_due():
    due = DueHeap()
    due.add(5, 1)
    due.add(7, 1)
    due.add(6, 2)
    assert (due.take(5), due.first()) == ([], 6)
    assert (due.take(7), due.first()) == ([2, 1], None)


def test_what_is_forgotten_is_not_due_even_if_it_is_noted_again():
    due = DueHeap()
    due.add(5, 1)
    due.discard(1)
    due.add(5, 1)
    assert due.take(9) == [1]


def test_notes_that_come_and_go_for_years_ahead_take_no_room():
    due = DueHeap()
    for _ in range(1_000):
        due.add(10**18, 1)
        due.discard(1)
    assert due.entry_count <= DEAD_KEPT + 1
