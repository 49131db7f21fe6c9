"""The simulated market: seeded, steady, sane, one with its history."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.app.market_fakes import NOON, Ear, FakeClock
from tradehall.adapters.feeds.price_path import PricePath
from tradehall.adapters.feeds.shapes import DEMO_SHAPES
from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.app.bars import BarBook
from tradehall.app.market import MarketBoard
from tradehall.domain.market import Bar, Depth, Print, Quote, Timeframe, bar_start
from tradehall.domain.money import is_multiple
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND, from_rfc3339
from tradehall.ports.feed import FeedError
from tradehall.ports.history import BarWindow, NoHistory, at_once

MIN, S = NS_PER_MINUTE, NS_PER_SECOND


class Tape:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.prints: list[Print] = []

    def on_quote(self, quote: Quote) -> None:
        self.quotes.append(quote)

    def on_print(self, printed: Print) -> None:
        self.prints.append(printed)

    def on_depth(self, depth: Depth) -> None:
        raise AssertionError(depth)

    def on_end(self, symbols) -> None:
        raise AssertionError(symbols)


def run(feed: SimulatedFeed, clock: FakeClock, sink, *, seconds: float, step_s: float = 0.1) -> None:
    for _ in range(round(seconds / step_s)):
        feed.step(sink)
        clock.pass_s(step_s)


def a_market(clock: FakeClock, seed: int = 7, state_file: Path | None = None) -> tuple[SimulatedFeed, MarketBoard]:
    feed = SimulatedFeed(clock, seed=seed, state_file=state_file)
    return feed, MarketBoard(feed.instruments, feed.history, clock, feed.stale_after_ns)


def test_the_first_step_quotes_every_symbol_at_about_its_start_price():
    clock, tape = FakeClock(NOON + 31 * S), Tape()
    feed = SimulatedFeed(clock, seed=7)
    feed.step(tape)
    quoted = {quote.symbol: float(quote.bid) for quote in tape.quotes}
    assert quoted == pytest.approx({
        "AAPL": 150, "MSFT": 400, "GOOG": 170, "AMZN": 180, "TSLA": 250, "NVDA": 800,
        "BTCUSD": 50_000, "ETHUSD": 3_000, "EURUSD": 1.087, "GBPUSD": 1.27, "USDJPY": 150,
    }, rel=0.005)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_quotes_are_sane_on_the_tick_and_at_least_one_a_second(seed):
    clock, tape = FakeClock(), Tape()
    feed = SimulatedFeed(clock, seed=seed)
    run(feed, clock, tape, seconds=180)
    for symbol, instrument in feed.instruments.items():
        quotes = [quote for quote in tape.quotes if quote.symbol == symbol]
        assert all(0 < quote.bid < quote.ask for quote in quotes)
        assert all(is_multiple(price, instrument.tick_size) for quote in quotes for price in (quote.bid, quote.ask))
        assert all(later.at > earlier.at for earlier, later in pairwise(quotes))
        assert all(later.received_at - earlier.received_at <= S for earlier, later in pairwise(quotes))
        assert 2 * 180 <= len(quotes) <= 4 * 180 + 1
        assert all(0 <= quote.received_at - quote.at <= 0.8 * S for quote in quotes)


def test_one_seed_is_one_market_and_another_is_another():
    def tape_of(seed: int) -> list[Quote]:
        clock, tape = FakeClock(), Tape()
        run(SimulatedFeed(clock, seed=seed), clock, tape, seconds=70)
        return tape.quotes

    assert tape_of(5) == tape_of(5)
    assert tape_of(5) != tape_of(6)


@pytest.mark.parametrize("seed", range(8))
def test_the_euro_stays_between_the_stop_and_the_target_of_the_sample_order(seed):
    shape = DEMO_SHAPES["EURUSD"]
    path = PricePath("EURUSD", shape, seed=seed, epoch=NOON)
    for month in range(-1, 12):
        start = NOON + month * 30 * NS_PER_DAY
        minutes = [path.minute(at) for at in range(start, start + NS_PER_DAY, MIN)]
        assert min(minute.low for minute in minutes) > 1_08000
        assert max(minute.high for minute in minutes) + shape.spread[1] < 1_09500
        assert len({minute.close for minute in minutes}) > 20, "it moves all the same"


def test_a_week_of_minutes_lies_before_the_first_quote_and_joins_it():
    clock = FakeClock(NOON + 31 * S)
    feed, board = a_market(clock)
    feed.step(board)
    for symbol in feed.instruments:
        bars = at_once(board.book.read(BarWindow(symbol, Timeframe.M1, end=NOON - 1, limit=10_000)))
        assert len(bars) == 10_000
        assert bars[-1].at == NOON - MIN
        assert all(here.at + MIN == there.at and here.close == there.open for here, there in pairwise(bars))
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
        forming = at_once(board.book.read(BarWindow(symbol, Timeframe.M1, limit=1)))[0]
        assert (forming.at, forming.open, forming.close) == (NOON, bars[-1].close, board.quotes[symbol].bid)
    oldest = at_once(board.book.read(BarWindow("AAPL", Timeframe.M1, start=0, limit=1)))
    assert oldest[0].at == NOON - 7 * NS_PER_DAY


@pytest.mark.parametrize("at", [from_rfc3339("0001-01-01T00:00:00Z"), from_rfc3339("9999-12-31T00:00:00Z")])
def test_windows_beyond_all_history_are_windows_too(at):
    feed, board = a_market(FakeClock())
    feed.step(board)
    assert len(at_once(board.book.read(BarWindow("AAPL", Timeframe.H1, start=at, limit=5)))) == (5 if at < 0 else 0)
    assert len(at_once(board.book.read(BarWindow("AAPL", Timeframe.H1, end=at, limit=5)))) == (0 if at < 0 else 5)


def test_history_is_what_was_streamed():
    """Bars built from the quotes and prints alone are those that history tells afterwards."""
    clock, told, book = FakeClock(), list[Bar](), BarBook(NoHistory())

    class Builder(Tape):
        def on_quote(self, quote: Quote) -> None:
            told.extend(book.on_quote(quote))

        def on_print(self, printed: Print) -> None:
            book.on_print(printed)

    feed = SimulatedFeed(clock, seed=7)
    run(feed, clock, Builder(), seconds=12 * 60)
    minutes = [bar for bar in told if bar.timeframe is Timeframe.M1 and bar.at >= NOON]
    assert len(minutes) >= 11 * 11
    for bar in minutes:
        assert at_once(
            feed.history.read(BarWindow(bar.symbol, Timeframe.M1, start=bar.at, end=bar.at), before=bar.at + MIN)
        ) == [bar]


def test_bars_told_are_bars_read_also_where_the_start_fell_into_the_middle_of_them():
    clock, ear = FakeClock(NOON + 31 * S), Ear()
    feed, board = a_market(clock)
    board.subscribe(ear)
    run(feed, clock, board, seconds=6 * 60)
    told = ear.bars()
    assert {bar.timeframe for bar in told} == {Timeframe.M1, Timeframe.M2, Timeframe.M5}
    for bar in told:
        assert at_once(board.book.read(BarWindow(bar.symbol, bar.timeframe, start=bar.at, end=bar.at))) == [bar]


@pytest.mark.parametrize("timeframe", Timeframe)
def test_bars_of_every_timeframe_are_aligned_and_windows_agree(timeframe):
    clock = FakeClock(NOON + 31 * S)
    feed, board = a_market(clock)
    feed.step(board)
    whole = at_once(board.book.read(BarWindow("BTCUSD", timeframe, limit=10_000)))
    assert all(bar.at == bar_start(bar.at, timeframe) for bar in whole)
    assert at_once(board.book.read(BarWindow("BTCUSD", timeframe, limit=3))) == whole[-3:]
    middle = whole[len(whole) // 2]
    assert (
        at_once(board.book.read(BarWindow("BTCUSD", timeframe, start=middle.at, limit=3)))
        == [bar for bar in whole if bar.at >= middle.at][:3]
    )
    assert at_once(board.book.read(BarWindow("BTCUSD", timeframe, end=middle.at, limit=3)))[-1] == middle
    assert at_once(board.book.read(BarWindow("BTCUSD", timeframe, start=middle.at, end=middle.at))) == [middle]


def test_a_restart_changes_nothing_of_the_past(tmp_path):
    clock, file = FakeClock(NOON + 10 * S), tmp_path / "market.json"
    feed, board = a_market(clock, state_file=file)
    run(feed, clock, board, seconds=200)
    window = BarWindow("AAPL", Timeframe.M1, end=NOON + 2 * MIN, limit=500)
    before = at_once(board.book.read(window))
    clock.pass_s(3 * 3600)
    reborn = SimulatedFeed(clock, seed=None, state_file=file)
    again = MarketBoard(reborn.instruments, reborn.history, clock, None)
    reborn.step(again)
    assert at_once(again.book.read(window)) == before
    recent = at_once(again.book.read(BarWindow("AAPL", Timeframe.M1, limit=200)))
    assert all(here.at + MIN == there.at for here, there in pairwise(recent)), "no hole"


def test_another_seed_begins_another_market(tmp_path):
    file = tmp_path / "deep" / "market.json"
    first = SimulatedFeed(FakeClock(), seed=1, state_file=file).anchor
    later = FakeClock(NOON + 5 * MIN)
    assert SimulatedFeed(later, seed=1, state_file=file).anchor == first
    assert SimulatedFeed(later, seed=2, state_file=file).anchor.epoch == NOON + 5 * MIN
    assert SimulatedFeed(later, state_file=file).anchor.seed == 2


@pytest.mark.parametrize("content", [b"", b"{}", b'{"seed":1,"epoch":7}', b'{"seed":"x","epoch":0}', b"\xff"])
def test_a_damaged_state_file_stops_the_start_with_a_sentence(tmp_path, content):
    file = tmp_path / "market.json"
    file.write_bytes(content)
    with pytest.raises(FeedError, match=r"market\.json.*expected"):
        SimulatedFeed(FakeClock(), state_file=file)


@pytest.mark.parametrize("jump_s", [-3600, -1, 600, 40 * 86_400])
def test_a_jump_of_the_clock_leaves_bars_whole_and_quotes_coming(jump_s):
    clock, ear = FakeClock(NOON + 5 * S), Ear()
    feed, board = a_market(clock)
    board.subscribe(ear)
    run(feed, clock, board, seconds=65)
    clock.pass_s(jump_s)
    received = board.received
    run(feed, clock, board, seconds=65)
    assert board.received - received > 11 * 2 * 60
    assert board.quotes["AAPL"].received_at > clock.now() - S
    for bar in ear.bars():
        if bar.at >= feed.history.first_minute(clock.now()):
            assert at_once(board.book.read(BarWindow(bar.symbol, bar.timeframe, start=bar.at, end=bar.at))) == [bar]


def test_every_price_agrees_with_its_last_print():
    clock, tape = FakeClock(), Tape()
    run(SimulatedFeed(clock, seed=3), clock, tape, seconds=30)
    assert tape.prints
    assert all(printed.size > 0 and isinstance(printed.price, Decimal) for printed in tape.prints)
    touches = {(quote.symbol, quote.at): (quote.bid, quote.ask) for quote in tape.quotes}
    for printed in tape.prints:
        assert printed.price == touches[printed.symbol, printed.at][bool(printed.buyer_took)]


def test_it_runs_until_cancelled():
    async def first_quotes() -> int:
        feed, board = a_market(FakeClock())
        task = asyncio.create_task(feed.run(board))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(board.quotes)

    assert asyncio.run(first_quotes()) == 11
