"""Recent records are given in their order, without gaps, and no more of them are kept than were agreed upon."""

from types import SimpleNamespace

from tradehall.app.support.recent_records import RecentRecords


def records(*numbers):
    return [SimpleNamespace(seq=number) for number in numbers]


def numbers(taken):
    return [record.seq for record in taken]


def test_what_follows_is_taken_once():
    recent = RecentRecords()
    recent.add(records(5, 6, 7))
    recent.add(records(8))
    assert numbers(recent.take(4, 3)) == [5, 6, 7]
    assert numbers(recent.take(7, 3)) == [8]
    assert recent.take(8, 3) == []


def test_what_was_read_elsewhere_is_passed_over():
    recent = RecentRecords()
    recent.add(records(5, 6, 7))
    assert numbers(recent.take(6, 9)) == [7]


def test_nothing_is_given_where_the_next_one_is_not_here():
    recent = RecentRecords()
    recent.add(records(5, 6))
    assert recent.take(3, 9) == []
    assert numbers(recent.take(4, 9)) == [5, 6]


def test_behind_a_gap_those_before_it_are_forgotten():
    recent = RecentRecords()
    recent.add(records(5, 6))
    recent.add([])
    recent.add(records(8, 9))
    assert recent.take(4, 9) == []
    assert numbers(recent.take(7, 9)) == [8, 9]


def test_beyond_the_most_the_oldest_are_forgotten():
    recent = RecentRecords(3)
    recent.add(records(1, 2, 3, 4))
    assert recent.take(0, 9) == []
    assert numbers(recent.take(1, 9)) == [2, 3, 4]
