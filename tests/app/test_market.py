"""The board: what it takes, what it refuses, whom it tells, and when a symbol is stale."""

from decimal import Decimal

import pytest

from tests.app.market_fakes import NOON, Ear, FakeClock, a_board, a_print, a_quote
from tradehall.app.market import MarketListener
from tradehall.app.staleness import DataStaleness, Freshness
from tradehall.domain.market import Bar, Depth, Quote, Timeframe
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND


@pytest.mark.parametrize(("what", "quote"), [
    ("crossed",           a_quote("150.02", "150.01")),
    ("locked",            a_quote("150.01", "150.01")),
    ("zero",              a_quote("0", "150.01")),
    ("negative",          a_quote("-1", "1")),
    ("not a number",      a_quote("150", "NaN")),
    ("a signalling one",  a_quote("sNaN", "150")),
    ("infinite",          a_quote("150", "Infinity")),
    ("an unknown symbol", a_quote(symbol="NOPE")),
])  # fmt: skip
def test_an_insane_quote_is_counted_and_goes_no_further(what, quote):
    board, ear = a_board(), Ear()
    board.subscribe(ear)
    board.on_quote(quote)
    assert (board.refused, board.quotes, ear.heard) == (1, {}, []), what


def test_a_quote_is_held_before_it_is_told():
    board = a_board()
    seen: list[Quote | None] = []

    class Peek(MarketListener):
        def on_quote(self, quote: Quote) -> None:
            seen.append(board.quotes.get(quote.symbol))

    board.subscribe(Peek())
    board.on_quote(a_quote())
    assert seen == [a_quote()]


def test_bars_that_a_quote_closes_are_told_before_it():
    board, ear = a_board(), Ear()
    board.subscribe(ear)
    board.on_quote(a_quote("150.00"))
    board.on_quote(a_quote("151.00", at=NOON + NS_PER_MINUTE))
    first, bar, second = ear.heard
    assert isinstance(bar, Bar)
    assert (bar.timeframe, bar.at, bar.close) == (Timeframe.M1, NOON, Decimal("150.00"))
    assert (first, second) == (a_quote("150.00"), a_quote("151.00", at=NOON + NS_PER_MINUTE))


def test_a_listener_hears_only_what_it_overrides():
    board = a_board()
    board.subscribe(MarketListener())
    board.on_quote(a_quote())
    board.on_print(a_print())
    board.on_depth(a_depth("150.00", "150.01"))
    assert not (board._on_quote or board._on_print or board._on_depth or board._on_bar or board._on_staleness)


def test_a_crossed_book_is_refused():
    board = a_board()
    board.on_depth(a_depth("150.02", "150.01"))
    assert (board.refused, board.depths) == (1, {})
    board.on_depth(a_depth("150.00", "150.01"))
    assert board.depths == {"AAPL": a_depth("150.00", "150.01")}


@pytest.mark.parametrize(
    "printed", [a_print("0"), a_print("-1"), a_print("NaN"), a_print(price="0"), a_print(symbol="NOPE")]
)
def test_an_insane_print_is_refused(printed):
    board = a_board()
    board.on_print(printed)
    assert (board.refused, board.prints) == (1, {})


def test_the_last_price_is_that_of_the_last_print_else_of_the_quote_else_its_middle():
    board = a_board()
    assert board.last("AAPL") is None
    board.on_quote(a_quote("150.00", "150.03"))
    assert board.last("AAPL") == Decimal("150.02")
    board.on_print(a_print(price="150.03"))
    assert board.last("AAPL") == Decimal("150.03")


def test_silence_makes_all_silent_symbols_stale_at_once():
    clock, ear = FakeClock(), Ear()
    board = a_board(clock)
    board.subscribe(ear)
    board.on_quote(a_quote())
    board.on_quote(a_quote(symbol="MSFT", at=NOON + NS_PER_SECOND))
    board.on_quote(a_quote(symbol="GOOG", at=NOON + 20 * NS_PER_SECOND))
    board.check_staleness(NOON + 30 * NS_PER_SECOND)
    assert ear.staleness() == []
    now = NOON + 32 * NS_PER_SECOND
    board.check_staleness(now)
    board.check_staleness(now)
    assert ear.staleness() == [DataStaleness(Freshness.STALE, ("AAPL", "MSFT"), NOON, now)]
    assert board.stale_symbols() == {"AAPL": NOON, "MSFT": NOON + NS_PER_SECOND}


def test_the_first_quote_after_silence_makes_its_symbol_fresh_with_the_old_stale_since():
    clock, ear = FakeClock(), Ear()
    board = a_board(clock)
    board.subscribe(ear)
    board.on_quote(a_quote())
    board.on_quote(a_quote(symbol="MSFT"))
    board.check_staleness(NOON + 31 * NS_PER_SECOND)
    heard_at = NOON + 40 * NS_PER_SECOND
    board.on_quote(a_quote(at=heard_at))
    board.on_quote(a_quote(at=heard_at))
    assert ear.staleness()[1:] == [DataStaleness(Freshness.FRESH, ("AAPL",), NOON, heard_at)]
    assert board.stale_symbols() == {"MSFT": NOON}


def test_the_end_of_a_feed_makes_its_quoted_symbols_stale_at_once():
    clock, ear = FakeClock(), Ear()
    board = a_board(clock, stale_after_s=None)
    board.subscribe(ear)
    board.on_quote(a_quote())
    clock.pass_s(1_000_000)
    board.check_staleness(clock.now())
    assert board.stale_symbols() == {}, "silence proves nothing for a recording"
    board.on_end(["AAPL", "MSFT"])
    assert ear.staleness() == [DataStaleness(Freshness.STALE, ("AAPL",), NOON, clock.now())]


def a_depth(bid: str, ask: str) -> Depth:
    return Depth("AAPL", ((Decimal(bid), Decimal(5)),), ((Decimal(ask), Decimal(7)),), NOON, NOON)
