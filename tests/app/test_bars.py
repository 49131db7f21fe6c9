"""Bars from quotes: bids, aligned, final once closed, joined to what came before."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.market_fakes import NOON, a_print, a_quote
from tradehall.app.bars import BARS_KEPT_MAX, BarBook, aggregate
from tradehall.domain.market import TIMEFRAME_NS, Bar, Timeframe, bar_start
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.feed import BAR_GRACE_NS
from tradehall.ports.history import Ahead, BarWindow, NoHistory, Steps, at_once

S, MIN, H = NS_PER_SECOND, NS_PER_MINUTE, NS_PER_HOUR


def a_book(quotes: Iterable[tuple[int, str]]) -> BarBook:
    book = BarBook(NoHistory())
    for offset, bid in quotes:
        book.on_quote(a_quote(bid, at=NOON + offset))
    return book


def read(book: BarBook, timeframe: Timeframe = Timeframe.M1, **window) -> list[tuple[int, str]]:
    """(start, "open high low close volume") of each bar."""
    bars = book.bars(BarWindow("AAPL", timeframe, **window))
    return [(bar.at - NOON, f"{bar.open} {bar.high} {bar.low} {bar.close} {bar.volume}") for bar in bars]


def test_a_bar_takes_bids_from_its_start_until_before_its_end():
    book = a_book([(0, "10"), (20 * S, "12"), (40 * S, "9"), (MIN - 1, "11"), (MIN, "50")])
    assert read(book) == [(0, "10 12 9 11 0"), (MIN, "50 50 50 50 0")]


def test_prints_are_the_volume_of_their_minute():
    book = a_book([(0, "10")])
    for at in (NOON, NOON + MIN - 1, NOON + MIN, NOON - 1):
        book.on_print(a_print("1.5", at=at))
    assert read(book) == [(0, "10 10 10 10 3.0")]


def test_a_minute_without_quotes_has_no_bar():
    assert [at for at, _ in read(a_book([(0, "10"), (5 * MIN, "11")]))] == [0, 5 * MIN]


def test_a_late_quote_changes_no_closed_bar():
    book = a_book([(0, "10"), (MIN, "11")])
    before = read(book)
    assert book.on_quote(a_quote("99", at=NOON + 30 * S)) == []
    assert (read(book), book.late_quotes) == (before, 1)


def test_a_bar_that_is_over_waits_for_its_grace_and_closes_without_a_quote():
    book = a_book([(0, "10"), (50 * S, "12")])
    assert book.next_close_at == NOON + MIN + BAR_GRACE_NS
    assert book.close_by_time(NOON + MIN + BAR_GRACE_NS - 1) == []
    (closed,) = book.close_by_time(NOON + MIN + BAR_GRACE_NS)
    assert (closed.at, closed.timeframe, closed.close) == (NOON, Timeframe.M1, Decimal(12))
    assert read(book) == [(0, "10 12 10 12 0")]
    assert book.over_until("AAPL") == NOON + MIN


@pytest.mark.parametrize("told", [False, True], ids=["nobody looked at the clock", "it was closed"])
def test_a_quote_that_comes_after_the_grace_changes_no_bar(told):
    book = a_book([(0, "10")])
    late = a_quote("99", at=NOON + 59 * S, received_at=NOON + MIN + BAR_GRACE_NS)
    closed = book.close_by_time(late.received_at) if told else []
    closed += book.on_quote(late)
    assert [(bar.at, bar.high) for bar in closed] == [(NOON, Decimal(10))]
    assert (read(book), book.late_quotes) == ([(0, "10 10 10 10 0")], 1)


def test_a_quote_within_the_grace_is_in_its_bar_and_the_next_one_begins_the_next():
    book = a_book([(0, "10")])
    assert book.on_quote(a_quote("11", at=NOON + 59 * S, received_at=NOON + MIN + BAR_GRACE_NS - 1)) == []
    assert [bar.close for bar in book.on_quote(a_quote("12", at=NOON + MIN))] == [Decimal(11)]
    assert read(book) == [(0, "10 11 10 11 0"), (MIN, "12 12 12 12 0")]


def test_what_a_symbol_s_last_quote_took_to_come_is_waited_for_too():
    book = BarBook(NoHistory())
    years = 10**17  # Of a recording whose quotes keep their times.
    book.on_quote(a_quote("10", at=NOON, received_at=NOON + years))
    assert book.close_by_time(NOON + MIN + BAR_GRACE_NS + years - 1) == []
    assert [bar.at for bar in book.close_by_time(NOON + MIN + BAR_GRACE_NS + years)] == [NOON]


def test_longer_bars_close_by_time_when_no_minute_of_theirs_comes_any_more():
    book = a_book([(0, "10")])
    book.close_by_time(NOON + MIN + BAR_GRACE_NS)
    assert book.close_by_time(NOON + 2 * MIN + BAR_GRACE_NS - 1) == []
    (two,) = book.close_by_time(NOON + 2 * MIN + BAR_GRACE_NS)
    assert two.timeframe is Timeframe.M2
    assert [bar.timeframe for bar in book.close_by_time(NOON + H + BAR_GRACE_NS)] == [
        frame for frame in Timeframe if 2 * MIN < TIMEFRAME_NS[frame] <= H
    ]
    assert book.over_until("AAPL") == NOON + H
    assert book.on_quote(a_quote("11", at=NOON + H - 1)) == []
    assert book.late_quotes == 1


def test_between_two_minutes_a_longer_bar_is_still_forming_and_goes_on():
    book = a_book([(0, "10")])
    book.close_by_time(NOON + MIN + BAR_GRACE_NS)
    book.on_print(a_print("5", at=NOON + 30 * S))
    assert read(book, Timeframe.M5) == [(0, "10 10 10 10 0")]
    assert book.on_quote(a_quote("12", at=NOON + 3 * MIN)) == book.bars(BarWindow("AAPL", Timeframe.M2))[:1]
    assert read(book, Timeframe.M5) == [(0, "10 12 10 12 0")]


def test_a_book_without_a_grace_closes_by_quotes_alone():
    book = BarBook(NoHistory(), None)
    book.on_quote(a_quote("10", at=NOON))
    assert book.close_by_time(NOON + 100 * H) == []
    assert book.on_quote(a_quote("11", at=NOON + 59 * S, received_at=NOON + H)) == []
    assert book.late_quotes == 0


@given(
    st.lists(st.tuples(st.integers(0, 180), st.integers(0, 40)), min_size=1, max_size=60),
    st.lists(st.integers(0, 30 * 60 + 40), max_size=60),
)
def test_bars_are_the_same_however_often_somebody_looks_at_the_clock(quotes, looks):
    def told(looks: list[int]) -> list[Bar]:
        book, closed, now = BarBook(NoHistory()), list[Bar](), NOON
        steps = [(NOON + (10 * at + late) * S, 10 * at * S) for at, late in quotes]
        heard = [*sorted(steps), (NOON + 2 * H, -1)]
        waiting = sorted(looks)
        for received_at, offset in heard:
            while waiting and NOON + waiting[0] * S <= received_at:
                closed += book.close_by_time(NOON + waiting.pop(0) * S)
            if offset >= 0:
                closed += book.on_quote(a_quote(f"{10 + offset % 7}", at=NOON + offset, received_at=received_at))
            now = received_at
        return closed + book.close_by_time(now)

    ours, theirs = told(looks), told([])
    assert sorted(ours, key=order_of) == sorted(theirs, key=order_of)


def order_of(bar: Bar) -> tuple[int, int]:
    return TIMEFRAME_NS[bar.timeframe], bar.at


def test_a_quote_closes_every_timeframe_that_is_over_shortest_first():
    book = a_book([(0, "10")])
    closed = book.on_quote(a_quote("11", at=NOON + H))
    assert [bar.timeframe for bar in closed] == [frame for frame in Timeframe if TIMEFRAME_NS[frame] <= H]
    assert {bar.at for bar in closed} == {NOON}


@pytest.mark.parametrize(("what", "window", "starts"), [
    ("the last, without start",       {"limit": 2},                                    [3, 4]),
    ("all there are",                 {"limit": 100},                                  [0, 1, 2, 3, 4]),
    ("the first from start",          {"start": NOON + MIN, "limit": 2},               [1, 2]),
    ("start and end are inclusive",   {"start": NOON + MIN, "end": NOON + 3 * MIN},    [1, 2, 3]),
    ("start between two bars",        {"start": NOON + MIN + 1, "limit": 1},           [2]),
    ("the last before end",           {"end": NOON + 3 * MIN - 1, "limit": 2},         [1, 2]),
    ("start after end",               {"start": NOON + 3 * MIN, "end": NOON + MIN},    []),
    ("after everything",              {"start": NOON + 9 * MIN},                       []),
    ("before everything",             {"end": NOON - 1},                               []),
])  # fmt: skip
def test_a_window_chooses(what, window, starts):
    book = a_book([(minute * MIN, "10") for minute in range(5)])
    assert [at // MIN for at, _ in read(book, **window)] == starts, what


def test_an_unknown_symbol_has_no_bars():
    assert a_book([]).bars(BarWindow("AAPL", Timeframe.M1)) == []


@given(st.lists(st.tuples(st.integers(0, 50 * H), st.integers(1, 9)), min_size=1, max_size=80))
def test_longer_bars_are_the_minutes_put_together(steps):
    book = a_book((at, str(bid)) for at, bid in sorted(steps))
    minutes = book.bars(BarWindow("AAPL", Timeframe.M1, limit=10_000))
    for timeframe in Timeframe:
        bars = book.bars(BarWindow("AAPL", timeframe, limit=10_000))
        assert bars == list(aggregate(minutes, timeframe))
        assert all(bar.at == bar_start(bar.at, timeframe) for bar in bars)
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


@given(st.lists(st.tuples(st.integers(0, 5 * H), st.integers(1, 9)), min_size=2, max_size=60))
def test_what_was_told_as_closed_is_what_is_read_for_ever(steps):
    book, told = BarBook(NoHistory()), list[Bar]()
    for at, bid in steps:
        told += book.on_quote(a_quote(str(bid), at=NOON + at))
    for bar in told:
        assert book.bars(BarWindow("AAPL", bar.timeframe, start=bar.at, end=bar.at)) == [bar]


class Recorded:
    """A history of minutes that ends where the quotes begin."""

    reaches_now = False

    def __init__(self, minutes: list[Bar]) -> None:
        self.minutes = minutes

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        yield Ahead.FILE
        bars = aggregate((bar for bar in self.minutes if bar.at < before), window.timeframe)
        found = [bar for bar in bars if window.holds(bar.at)]
        return found[: window.limit] if window.start is not None else found[-window.limit :]


def a_minute(at: int, price: str) -> Bar:
    bid = Decimal(price)
    return Bar("AAPL", Timeframe.M1, at, bid, bid, bid, bid, Decimal(2))


@given(
    st.integers(1, 6),
    st.sampled_from([Timeframe.M1, Timeframe.M5, Timeframe.H1]),
    st.integers(1, 300),
    st.integers(0, 400),
)
def test_history_and_live_bars_are_one_series(seconds, timeframe, limit, start):
    """Cut anywhere, the two halves read as the whole does, by every window."""
    minutes = [a_minute(NOON + index * MIN, str(1 + index * 7 % 11)) for index in range(400)]
    cut = 50 * seconds
    book = BarBook(Recorded(minutes))
    for bar in minutes[cut:]:
        book.on_quote(a_quote(str(bar.open), at=bar.at + seconds * S))
        book.on_print(a_print("2", at=bar.at + seconds * S))
    for window in (
        BarWindow("AAPL", timeframe, limit=limit),
        BarWindow("AAPL", timeframe, start=NOON + start * MIN, limit=limit),
        BarWindow("AAPL", timeframe, end=NOON + start * MIN, limit=limit),
    ):
        assert book.bars(window) == at_once(Recorded(minutes).read(window, before=NOON + 400 * MIN))


def test_a_longer_bar_that_began_before_the_first_quote_is_told_whole():
    book = BarBook(Recorded([a_minute(NOON, "5")]))
    book.on_quote(a_quote("10", at=NOON + MIN))
    minute, two_minutes = book.on_quote(a_quote("11", at=NOON + 2 * MIN))
    assert [str(price) for price in (minute.open, two_minutes.open, two_minutes.close)] == ["10", "5", "10"]
    assert book.bars(BarWindow("AAPL", Timeframe.M2, start=NOON, end=NOON)) == [two_minutes]


def test_the_oldest_bars_are_forgotten():
    book = a_book((minute * MIN, "10") for minute in range(BARS_KEPT_MAX + 5))
    starts = [at // MIN for at, _ in read(book, limit=BARS_KEPT_MAX)]
    assert (len(starts), starts[0], starts[-1]) == (BARS_KEPT_MAX, 5, BARS_KEPT_MAX + 4)


def test_bars_that_began_before_the_first_quote_close_without_a_read_once_prepared():
    class Counted(Recorded):
        reads = 0

        def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
            self.reads += 1
            return super().read(window, before=before)

    history = Counted([a_minute(NOON - 3 * MIN + index * MIN, str(2 + index)) for index in range(3)])
    told = []
    for is_prepared in (True, False):
        book = BarBook(history)
        book.on_quote(a_quote("9", at=NOON))
        if is_prepared:
            at_once(book.prepared())
        history.reads = 0
        told.append([bar for hour in range(1, 200) for bar in book.on_quote(a_quote("9", at=NOON + hour * H))])
        assert (history.reads == 0) is is_prepared
    assert told[0] == told[1]
    assert any(bar.open == 2 for bar in told[0])
