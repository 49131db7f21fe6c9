"""What a run does besides trading: it tells, it counts, it forgets nothing, and it survives its strategy."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from tests.backtests.dice_trader import DiceTrader
from tests.backtests.tapes import BEGIN, bars_of, quotes_of, random_tape
from tradehall.analytics.round_trips import round_trips_of
from tradehall.backtests import (
    AccountSetup,
    ArrayTape,
    BacktestSettings,
    BarColumns,
    BarSeen,
    Block,
    Broker,
    QuoteSeen,
    Strategy,
    run,
)
from tradehall.backtests.tape import windows
from tradehall.domain.fill import Fill
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.engine.replay import fold, redecide
from tradehall.engine.state import State

BARS = ((100.0, 101.0, 99.0, 100.0), (102.0, 103.0, 101.5, 102.5), (102.5, 104.0, 102.0, 103.0))


class Idle(Strategy):
    """Looks at every bar and does nothing."""

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        pass


class Diary(Strategy):
    """Notes everything it is told."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    def on_start(self, broker: Broker) -> None:
        self.lines.append("start")

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        self.lines.append((bar.number, bar.at - BEGIN, bar.open, bar.high, bar.low, bar.close))
        if bar.number == 0:
            broker.buy(1)

    def on_fill(self, fill: Fill, broker: Broker) -> None:
        self.lines.append(("fill", fill.price, broker.net()))

    def on_end(self, broker: Broker) -> None:
        self.lines.append("end")


def test_a_strategy_is_told_in_the_order_of_time():
    diary = Diary()
    run(diary, [bars_of(*BARS)])
    assert diary.lines == [
        "start",
        (0, 0, *BARS[0]),
        ("fill", 102, 1),
        (1, NS_PER_MINUTE, *BARS[1]),
        (2, 2 * NS_PER_MINUTE, *BARS[2]),
        "end",
    ]


def test_bars_of_several_symbols_that_end_together_are_seen_when_all_are_over():
    class Both(Strategy):
        seen: list[tuple[str, Decimal]] = []

        def on_bar(self, bar: BarSeen, broker: Broker) -> None:
            other = broker.quote("AAPL" if bar.symbol == "EURUSD" else "EURUSD")
            assert other is not None
            self.seen.append((bar.symbol, other.bid))

    prices = (1.1, 1.2, 1.0, 1.15)
    run(Both(), [bars_of(*BARS[:1]), bars_of(prices, symbol="EURUSD")])
    assert Both.seen == [("AAPL", Decimal("1.15")), ("EURUSD", 100)]


def test_a_quote_is_seen_after_it_filled_what_it_fills():
    class Limit(Strategy):
        held: list[Decimal] = []

        def on_quote(self, quote: QuoteSeen, broker: Broker) -> None:
            if quote.number == 0:
                broker.buy(1, limit="99")
            self.held.append(broker.net())

    run(Limit(), [quotes_of((100, 101), (98, 99), (97, 98))])
    assert Limit.held == [0, 1, 1]


def test_a_plan_says_at_which_bars_the_strategy_looks():
    class Third(Strategy):
        seen: list[int] = []

        def plan(self, bars: Mapping[str, BarColumns]) -> dict[str, np.ndarray]:
            return {"EURUSD": np.arange(bars["EURUSD"].close.size) % 3 == 2}

        def on_bar(self, bar: BarSeen, broker: Broker) -> None:
            self.seen.append(bar.number)

    result = run(Third(), [random_tape("EURUSD", 10, 1)])
    assert (Third.seen, result.counters.looks) == ([2, 5, 8], 3)


@pytest.mark.parametrize(("plan", "complaint"), [
    ({"GBPUSD": np.zeros(3, bool)}, "the plan names GBPUSD: expected one of AAPL"),
    ({"AAPL": np.zeros(4, bool)}, "the plan of AAPL was bool of shape \\(4,\\): expected a mask of 3 bars"),
    ({"AAPL": np.zeros(3)}, "the plan of AAPL was float64"),
])  # fmt: skip
def test_a_plan_that_does_not_fit_is_refused(plan, complaint):
    class Wrong(Strategy):
        def plan(self, bars):
            return plan

    with pytest.raises(ValueError, match=complaint):
        run(Wrong(), [bars_of(*BARS)])


def test_calls_at_an_instant_come_in_the_order_of_time_behind_its_prices():
    class Timer(Strategy):
        calls: list[tuple[int, Decimal]] = []

        def on_start(self, broker: Broker) -> None:
            for seconds in (2, 1):
                broker.at(BEGIN + seconds * NS_PER_SECOND, self.note)

        def note(self, broker: Broker) -> None:
            quote = broker.quote()
            assert quote is not None
            self.calls.append((broker.now - BEGIN, quote.bid))

    result = run(Timer(), [quotes_of((100, 101), (102, 103), (104, 105))])
    assert Timer.calls == [(NS_PER_SECOND, 102), (2 * NS_PER_SECOND, 104)]
    assert result.counters.looks == 0


def test_a_call_at_an_instant_that_is_over_is_refused():
    class Late(Strategy):
        def on_bar(self, bar: BarSeen, broker: Broker) -> None:
            broker.at(bar.at, lambda broker: None)

    failure = run(Late(), [bars_of(*BARS)]).failure
    assert failure is not None and "is over" in failure.error


# ---------------------------------------------------------------- failing


class Breaks(Strategy):
    """Buys, and throws at the third bar."""

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        if bar.number == 0:
            broker.buy(5, stop_loss="90")
        if bar.number == 2:
            raise RuntimeError("what now?")


def test_a_strategy_that_throws_ends_the_run_with_its_traceback_and_the_state_of_that_moment():
    result = run(Breaks(), [bars_of(*BARS, BARS[0])])
    failure = result.failure
    assert failure is not None and not result.is_complete
    assert (failure.during, failure.error) == ("on_bar", "RuntimeError: what now?")
    assert "in on_bar" in failure.traceback
    assert failure.at == BEGIN + 3 * NS_PER_MINUTE - 1_000
    (account,) = failure.state.accounts
    assert [position.quantity for position in account.positions.values()] == [5]
    assert len(account.orders) == 1
    assert result.counters.fills == 1


@pytest.mark.parametrize("hook", ["on_start", "on_fill", "on_event", "on_end"])
def test_every_other_call_may_throw_as_well(hook):
    def fail(self, *arguments):
        raise KeyError(hook)

    kind = type("Failing", (Diary,), {hook: fail})
    failure = run(kind(), [bars_of(*BARS)]).failure
    assert failure is not None and failure.during == hook


def test_a_plan_may_throw_before_anything_was_shown():
    class Wrong(Strategy):
        def plan(self, bars):
            raise KeyError("close")

    result = run(Wrong(), [bars_of(*BARS)])
    assert result.failure is not None and result.failure.during == "plan"
    assert result.counters.shown == {}


def test_symbols_must_differ_and_there_must_be_some():
    with pytest.raises(ValueError, match="tapes were of nothing"):
        run(Idle(), [])
    with pytest.raises(ValueError, match="tapes were of AAPL, AAPL: expected one for each symbol"):
        run(Idle(), [bars_of(*BARS), bars_of(*BARS)])


# ---------------------------------------------------------------- what is kept


def test_records_go_to_the_sink_as_they_come_and_fold_to_the_same_state():
    taken: list[Record] = []
    tape = random_tape("EURUSD", 400, 5)
    result = run(DiceTrader(5, 0.2), [tape], sink=taken.append)
    assert result.records == []
    assert result.counters.records == len(taken) > 100
    state = State()
    for record in taken:
        fold(state, record)
    account = state.accounts[700_100]
    assert account.balance == result.accounts[0].balance
    assert len(account.positions) == result.accounts[0].open_positions


def test_the_records_are_a_journal_that_is_decided_the_same_again():
    result = run(DiceTrader(9, 0.2), [random_tape("EURUSD", 400, 9)])
    assert len(result.records) > 50
    assert [difference for difference in redecide(result.records) if difference is not None] == []


def test_round_trips_and_costs_are_those_of_the_events():
    result = run(DiceTrader(6, 0.2), [random_tape("EURUSD", 400, 6)])
    events = [event for record in result.records for event in record.events]
    assert result.round_trips == round_trips_of(events)
    fills = [event.fill for event in events if isinstance(event, ev.OrderFilled)]
    assert result.counters.fills == len(fills)
    assert result.paid.commission == sum(fill.commission for fill in fills)


def test_the_curve_ends_with_what_the_engine_says_and_stays_within_its_bound():
    tape = random_tape("EURUSD", 1_000, 7)
    full = run(DiceTrader(7, 0.2), [tape])
    (curve,) = full.curves
    assert curve.at.size == 1_000
    assert curve.equity[-1] == pytest.approx(float(full.accounts[0].equity))
    (small,) = run(DiceTrader(7, 0.2), [tape], BacktestSettings(curve_points_max=100)).curves
    assert 50 <= small.at.size <= 100
    assert small.equity[-1] == curve.equity[-1]
    assert (small.low.min(), small.high.max()) == (curve.equity.min(), curve.equity.max())


def test_equity_in_another_currency_is_converted_at_mid():
    tapes = [random_tape("USDJPY", 50, 8), random_tape("EURJPY", 50, 9)]

    class Buy(Strategy):
        def on_bar(self, bar: BarSeen, broker: Broker) -> None:
            if bar.symbol == "EURJPY" and bar.number == 5:
                broker.buy(10_000, "EURJPY")

    result = run(Buy(), tapes, BacktestSettings(accounts=(AccountSetup(leverage=Decimal(20)),)))
    assert result.counters.fills == 1
    assert result.curves[0].equity[-1] == pytest.approx(float(result.accounts[0].equity), abs=0.01)


def test_progress_goes_up_to_all_rows():
    told: list[tuple[int, int]] = []
    run(Idle(), [random_tape("EURUSD", 20_000, 3)], on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (20_000, 20_000)
    assert len(told) > 3 and told == sorted(told)


def test_a_period_leaves_out_what_lies_outside():
    tape = bars_of(*BARS, *BARS)
    chosen = BacktestSettings(begins_at=BEGIN + NS_PER_MINUTE, ends_at=BEGIN + 4 * NS_PER_MINUTE)
    result = run(Idle(), [tape], chosen)
    assert result.counters.bars == result.counters.looks == 3
    shown = run(Idle(), [tape], msgspec.structs.replace(chosen, skips=False)).counters
    assert (shown.prices, shown.skipped) == (12, 0)
    assert result.began_at == BEGIN + NS_PER_MINUTE


def test_two_runs_are_the_same_to_the_byte():
    tapes = [random_tape("EURUSD", 300, 2), random_tape("GBPUSD", 300, 3, kind="quotes")]
    assert run(DiceTrader(1), tapes).records == run(DiceTrader(1), tapes).records


# ---------------------------------------------------------------- windows


class InSmallBlocks:
    """A tape that comes in blocks of so many rows."""

    def __init__(self, tape: ArrayTape, rows: int) -> None:
        self.instrument, self.span_ns, self.length = tape.instrument, tape.span_ns, tape.length
        self._tape, self._rows = tape, rows

    def blocks(self):
        for block in self._tape.blocks():
            for start in range(0, len(block), self._rows):
                yield block.part(start, min(len(block), start + self._rows))


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_it_does_not_matter_in_which_blocks_the_past_comes(rows):
    tapes = [
        random_tape("EURJPY", 300, 1, volatility=2e-3),
        random_tape("USDJPY", 400, 2, kind="quotes"),
        random_tape("EURUSD", 10, 3, kind="quote_bars", span_ns=NS_PER_HOUR // 2),
    ]
    whole = run(DiceTrader(4, 0.2), tapes)
    parts = run(DiceTrader(4, 0.2), [InSmallBlocks(tape, rows) for tape in tapes])
    assert whole.counters.fills > 20
    assert whole.records == parts.records
    assert (whole.curves[0].at[-1], whole.curves[0].equity[-1]) == (parts.curves[0].at[-1], parts.curves[0].equity[-1])


def test_memory_holds_a_few_blocks_however_long_the_past_is():
    class Endless:
        instrument, span_ns, length = bars_of(*BARS).instrument, None, 10_000_000

        def blocks(self):
            for number in range(100):
                at = BEGIN + np.arange(1_000, dtype=np.int64) * NS_PER_SECOND + number * NS_PER_DAY
                yield Block(at, (np.full(1_000, 100.0),), (np.full(1_000, 100.1),))

    sizes = [len(rows) for window in windows([Endless()]) for rows in window.rows if rows is not None]
    assert sum(sizes) == 100_000
    assert max(sizes) <= 2_000
