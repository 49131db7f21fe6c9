"""Tables of what deployments leave behind, and of answers that are given again: what they keep, and how much."""

from decimal import Decimal

import pytest

from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.deployments import PRUNE_EVERY, SqliteDeployments
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.ports.answers import ANSWERS_KEPT_MAX, KeptAnswer
from tradehall.ports.deployments import (
    EQUITY_POINTS_KEPT_MAX,
    MATCHES_KEPT_MAX,
    SIGNALS_KEPT_MAX,
    BarCursor,
    EquityPoint,
    EquityQuery,
    Match,
    MatchQuery,
    Signal,
    SignalOutcome,
    SignalQuery,
)


@pytest.fixture
def records(tmp_path):
    store = SqliteRecords(tmp_path / "records.db")
    yield store
    store.close()


@pytest.fixture
def tables(records):
    return SqliteDeployments(records)


def a_signal(number: int = 0, deployment_id: int = 1, **fields) -> Signal:
    return Signal(
        **{
            "deployment_id": deployment_id, "keygen": "k", "account_id": 7, "symbol": "EURUSD", "bar_at": number,
            "at": number, "rule": 0, "action": "open_long", "price": Decimal(1), "client_order_id": f"dep1-{number}",
            **fields,
        }
    )  # fmt: skip


def a_match(number: int, **fields) -> Match:
    return Match(
        **{
            "scanner_id": 1, "symbol": "EURUSD", "timeframe": "1m", "pattern": "CDLHAMMER", "bar_at": number,
            "at": number, "price": Decimal(1), **fields,
        }
    )  # fmt: skip


def test_what_was_decided_is_pending_until_it_is_settled(tables):
    (number,) = tables.keep([BarCursor("EURUSD", "1m", 60)], [a_signal(1)])
    left = tables.load()
    assert (left.cursors, [each.signal_id for each in left.pending]) == ([BarCursor("EURUSD", "1m", 60)], [number])
    tables.settle([a_signal(1, signal_id=number, outcome=SignalOutcome.SENT, order_ids=(5,))])
    assert tables.load().pending == []
    (found,), total = tables.signals(SignalQuery(keygen="k"))
    assert (found.outcome, found.order_ids, total) == (SignalOutcome.SENT, (5,), 1)


def test_a_cursor_goes_on_and_ledgers_are_replaced(tables):
    assert tables.load().ledger_seq is None
    for at in (60, 120):
        tables.keep([BarCursor("EURUSD", "1m", at)], [])
    tables.keep_ledgers(7, {1: b"one", 2: b"two"})
    tables.keep_ledgers(9, {2: b"more"})
    left = tables.load()
    assert (left.cursors, left.ledger_seq) == ([BarCursor("EURUSD", "1m", 120)], 9)
    assert left.ledgers == {1: b"one", 2: b"more"}


def test_only_so_many_signals_points_and_matches_are_kept_of_one(tables):
    tables.keep([], [a_signal(0, deployment_id=2)])
    tables.keep([], [a_signal(number) for number in range(SIGNALS_KEPT_MAX + 5)])
    found, total = tables.signals(SignalQuery(deployment_id=1, limit=1, offset=SIGNALS_KEPT_MAX - 1))
    assert (found[0].at, total) == (5, SIGNALS_KEPT_MAX)
    assert tables.signals(SignalQuery(deployment_id=2))[1] == 1
    money = (Decimal(1), Decimal(0), Decimal(0))
    tables.add_equity([EquityPoint(1, at, *money) for at in range(EQUITY_POINTS_KEPT_MAX + 5)])
    assert tables.equity(EquityQuery(deployment_id=1))[1] == EQUITY_POINTS_KEPT_MAX
    tables.add_matches([a_match(number) for number in range(MATCHES_KEPT_MAX + 5)])
    assert tables.matches(MatchQuery(scanner_id=1))[1] == MATCHES_KEPT_MAX


def test_what_comes_bit_by_bit_is_pruned_from_time_to_time(tables):
    tables.keep([], [a_signal(number) for number in range(SIGNALS_KEPT_MAX)])
    totals = []
    for number in range(PRUNE_EVERY + 10):
        tables.keep([], [a_signal(SIGNALS_KEPT_MAX + number)])
        totals.append(tables.signals(SignalQuery(deployment_id=1))[1])
    assert max(totals) < SIGNALS_KEPT_MAX + PRUNE_EVERY
    assert SIGNALS_KEPT_MAX in totals[1:]


def test_a_match_is_kept_once(tables):
    assert [each.bar_at for each in tables.add_matches([a_match(1), a_match(1), a_match(2)])] == [1, 2]
    assert tables.add_matches([a_match(2, at=9)]) == []


def test_an_answer_is_given_again_in_its_space_and_its_time(records):
    answers = SqliteAnswers(records)
    kept = KeptAnswer(100, b"wish", 201, b"application/json", b"{}")
    answers.keep_answer("mira", "k", kept, since=0)
    assert answers.answer("mira", "k", since=100) == kept
    assert answers.answer("otto", "k", since=0) is None
    assert answers.answer("mira", "k", since=101) is None
    answers.keep_answer("mira", "l", KeptAnswer(200, b"", 200, b"", b""), since=101)
    assert answers.answer("mira", "k", since=0) is None


def test_no_more_answers_are_kept_than_there_is_room_for(records):
    answers = SqliteAnswers(records)
    with records.transaction() as db:
        rows = ((f"{number}", number) for number in range(ANSWERS_KEPT_MAX))
        db.executemany("INSERT INTO kept_answer VALUES ('mira', ?, ?, x'', 200, x'', x'')", rows)
    answers.keep_answer("mira", "new", KeptAnswer(ANSWERS_KEPT_MAX, b"", 200, b"", b""), since=0)
    assert records.rows("SELECT count(*) FROM kept_answer")[0][0] == ANSWERS_KEPT_MAX
    assert answers.answer("mira", "0", since=0) is None
