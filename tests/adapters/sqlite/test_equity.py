"""What accounts were worth: minutes of a day, hours of two months, whatever the length of the run."""

import pytest

from tradehall.adapters.sqlite.equity import SqliteEquity
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from tradehall.ports.equity import HOURS_KEPT, MINUTES_KEPT, Worth

START = 1_750_000_000_000_000_000 // NS_PER_HOUR * NS_PER_HOUR


@pytest.fixture
def records(tmp_path):
    store = SqliteRecords(tmp_path / "records.db")
    yield store
    store.close()


def test_points_are_found_again_oldest_first(records):
    line = [Worth(START + number * NS_PER_MINUTE, 100.0 + number) for number in range(90)]
    for each in line:
        SqliteEquity(records).keep({1: each, 2: each})
    assert SqliteEquity(records).points(1) == line
    assert SqliteEquity(records).points(3) == []


def test_minutes_of_a_day_and_the_first_of_each_hour_before_are_kept(records):
    store = SqliteEquity(records)
    minutes = 3 * MINUTES_KEPT
    line = [Worth(START + number * NS_PER_MINUTE, float(number)) for number in range(minutes)]
    for each in line:
        store.keep({1: each})
    earlier = [each for each in line[:-MINUTES_KEPT] if each.at % NS_PER_HOUR == 0]
    assert store.points(1) == [*earlier, *line[-MINUTES_KEPT:]]


def test_hours_take_the_places_of_those_two_months_ago(records):
    store = SqliteEquity(records)
    line = [Worth(START + number * NS_PER_HOUR, float(number)) for number in range(HOURS_KEPT + 100)]
    for each in line:
        store.keep({1: each})
    assert store.points(1) == line[-HOURS_KEPT:]


def test_accounts_that_were_not_seen_for_the_longest_are_forgotten(records):
    store = SqliteEquity(records, accounts_max=2)
    for login in (1, 2, 3):
        store.keep({login: Worth(START + login * NS_PER_DAY, 1.0)})
    assert [bool(store.points(login)) for login in (1, 2, 3)] == [False, True, True]
