"""The run: prices, time and the strategy take turns, in the order of time."""

import traceback
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from tradehall.analytics.thinning import Thinned
from tradehall.backtests.broker import Broker
from tradehall.backtests.curve import Closes, CurveMaker
from tradehall.backtests.ears import Ears
from tradehall.backtests.kernels import CAN_SEARCH
from tradehall.backtests.line import Line
from tradehall.backtests.looks import NOTHING, Key, Looks
from tradehall.backtests.market import AFTER_ALL, BEFORE_ALL
from tradehall.backtests.plans import wants_of
from tradehall.backtests.result import AccountResult, Counters, Failure, Result
from tradehall.backtests.settings import BacktestSettings
from tradehall.backtests.setup import instrument_for, metric_settings, venue_for
from tradehall.backtests.strategy import Strategy, StrategyFailed
from tradehall.backtests.tape import Tape, Window, windows
from tradehall.backtests.world import Due, World
from tradehall.domain.money import ZERO
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.engine.valuation import value_account

# Looks between two words about progress.
LOOKS_PER_STEP: Final = 4_096
DEFAULTS: Final = BacktestSettings()
_BEFORE_TIME: Final = -(2**62)


def run(
    strategy: Strategy,
    tapes: Sequence[Tape],
    settings: BacktestSettings = DEFAULTS,
    *,
    sink: Callable[[Record], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run `strategy` over `tapes`, one per symbol, and return what it found.

    `sink` is given each record as it is made, and the result keeps none; `on_progress` is told how many rows
    are done, and of how many. An exception of the strategy ends the run: the result then has a `failure`.
    ValueError for settings, tapes and plans that do not go together.
    """
    names = [tape.instrument.symbol for tape in tapes]
    if not tapes or len(set(names)) != len(names):
        raise ValueError(f"tapes were of {', '.join(names) or 'nothing'}: expected one for each symbol")
    kept: list[Record] = []
    made = Run(strategy, tapes, settings, kept.append if sink is None else sink, on_progress)
    failure = made.go()
    return made.result(kept, failure)


class Run:
    """One run from its start to its end."""

    def __init__(
        self,
        strategy: Strategy,
        tapes: Sequence[Tape],
        settings: BacktestSettings,
        sink: Callable[[Record], None],
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        kind = type(strategy)
        hears = kind.on_fill is not Strategy.on_fill or kind.on_event is not Strategy.on_event
        self.strategy = strategy
        self.tapes = tapes
        self.settings = settings
        self.ears = Ears(sink, keeps_events=hears)
        lines = [
            Line(tape, number, instrument_for(tape, settings), settings.fills.path, settings.costs)
            for number, tape in enumerate(tapes)
        ]
        self.world = World(lines, settings, venue_for(settings), self.ears)
        self.wants = NOTHING
        self._open_accounts()
        self.broker = Broker(self.world, settings, settings.accounts[0].account_id)
        points_max = settings.curve_points_max
        self._curves = {
            account_id: CurveMaker(account, points_max) for account_id, account in self.world.state.accounts.items()
        }
        self._equity = metric_settings([line.instrument for line in lines], settings).curve()
        self._prices = {line.symbol: Thinned() for line in lines}
        self._on_progress = on_progress
        self._total = sum(tape.length for tape in tapes)
        self._since = _BEFORE_TIME
        self._look_count = 0
        self._began_at: int | None = None
        self._ended_at = 0

    def go(self) -> Failure | None:
        """Run to the end, or to where the strategy throws."""
        try:
            self.wants = wants_of(self.strategy, self.tapes, self.settings)
            self._call("on_start", self.strategy.on_start, self.broker)
            for window in windows(self.tapes, self.settings.begins_at, self.settings.ends_at):
                self._through(window)
            self._end()
        except StrategyFailed as failed:
            return self._failure(failed)
        return None

    def _open_accounts(self) -> None:
        self.world.market.move((self.settings.begins_at or 0) - 1, AFTER_ALL)  # Before the first price.
        for line in self.world.lines:
            self.world.submit(cmd.ListInstrument(line.instrument))
        for account in self.settings.accounts:
            self.world.submit(cmd.OpenAccount(account.terms(), account.cash))

    # Along the time.

    def _through(self, window: Window) -> None:
        world, lines = self.world, self.world.lines
        world.load(window)
        self._note_period()
        closes = Closes(lines, self._since, window.until)
        looks = Looks(lines, self._since, window.until, self.wants)
        self._play(looks, self._ended_at + 1 if window.until is None else window.until)
        self._value(closes)
        if window.until is not None:
            world.leave(window.until)
            self._since = window.until

    def _value(self, closes: Closes) -> None:
        """Keep what accounts and symbols were worth in this window."""
        values = [curve.add(closes) for curve in self._curves.values()]
        currencies = {account.currency for account in self.settings.accounts}
        self._equity.extend(closes.grid, values[0] if len(currencies) > 1 else np.sum(values, axis=0))
        for symbol, thinned in self._prices.items():
            at, bids = closes.bids(symbol)
            thinned.extend(at, bids)

    def _note_period(self) -> None:
        full = [line for line in self.world.lines if len(line)]
        if full and self._began_at is None:
            self._began_at = min(int(line.at[0]) for line in full)
            currency = self.settings.accounts[0].currency
            cash = sum((one.cash for one in self.settings.accounts if one.currency == currency), ZERO)
            self._equity.add(self._began_at, cash)
        ends = [int(line.at[-1]) + line.offsets[-1] for line in full]
        self._ended_at = max([self._ended_at, *ends])

    def _play(self, looks: Looks, until: int) -> None:
        """Everything before `until`: what comes first is done first."""
        key, act = self._next(until)
        while True:
            if self.world.is_stale:
                self.world.is_stale = False
                key, act = self._next(until)
            self._look(looks, key)
            if self.world.is_stale:
                continue
            if act is None:
                return
            act()
            self._settle()

    def _next(self, until: int) -> tuple[Key, Callable[[], None] | None]:
        """What comes next besides the strategy's looks."""
        world = self.world
        key: Key = (until, BEFORE_ALL, 0)
        act: Callable[[], None] | None = None
        if (due := world.next_due(until)) is not None:
            key, act = due.key, lambda: self._show(due)
        deadline = world.loop.next_deadline()
        if deadline is not None and (deadline, BEFORE_ALL, 0) < key:
            key, act = (deadline, BEFORE_ALL, 0), lambda: world.on_time(deadline)
        timer = world.timers.next_at
        if timer is not None and (timer, AFTER_ALL, 1) < key:
            key, act = (timer, AFTER_ALL, 1), lambda: self._wake(timer)
        return key, act

    def _show(self, due: Due) -> None:
        for _ in self.world.show(due):
            self._settle()
        if due.point[1] == 0:
            for _, fulfil in self.world.queue.take(due.line.symbol):
                fulfil()

    def _wake(self, at: int) -> None:
        """A call that the strategy asked for, behind its looks of the same instant."""
        self.world.market.move(max(at, self.world.market.at), AFTER_ALL)
        self.world.is_stale = True
        self._call("a call at an instant", self.world.timers.pop())

    def _look(self, looks: Looks, key: Key) -> None:
        """Let the strategy look, as often as it wants to before `key`, or until it does something."""
        if looks.is_behind(key):
            return
        stop = bisect_left(looks.at, key[0], looks.next)
        while stop < len(looks) and looks.key(stop) < key:
            stop += 1
        while looks.next < stop and not self.world.is_stale:
            self._look_at(looks, min(stop, looks.next + LOOKS_PER_STEP))
            self._settle()
            self._tell_progress(looks)

    def _look_at(self, looks: Looks, stop: int) -> None:
        world, market, broker = self.world, self.world.market, self.broker
        on_bar, on_quote, lines = self.strategy.on_bar, self.strategy.on_quote, world.lines
        start = index = looks.next
        try:
            for index in range(start, stop):
                order = looks.orders[index]
                if order == AFTER_ALL:
                    market.move(looks.at[index], AFTER_ALL)
                    on_bar(looks.seen[index], broker)
                else:
                    market.move(looks.at[index], order, lines[order], (looks.units[index], 0))
                    on_quote(looks.seen[index], broker)
                if world.is_stale:
                    break
        except Exception as error:
            raise StrategyFailed("on_bar" if looks.orders[index] == AFTER_ALL else "on_quote") from error
        looks.next = index + 1
        self._look_count += looks.next - start

    def _settle(self) -> None:
        """What has happened is noted, and told to the strategy, until nothing follows."""
        ears = self.ears
        self._note_equity()
        if not ears.keeps_events:
            return
        while ears.unheard:
            heard, ears.unheard = ears.unheard, []
            for event in heard:
                if isinstance(event, ev.OrderFilled):
                    self._call("on_fill", self.strategy.on_fill, event.fill, self.broker)
                self._call("on_event", self.strategy.on_event, event, self.broker)
            self._note_equity()

    def _note_equity(self) -> None:
        moved = self.ears.moved
        if moved:
            for account_id in moved:
                self._curves[account_id].note(self.world.market.at)
            moved.clear()

    def _call(self, name: str, method: Callable[..., Any], *arguments: Any) -> None:
        try:
            method(*arguments)
        except Exception as error:
            raise StrategyFailed(name) from error

    def _tell_progress(self, looks: Looks) -> None:
        if self._on_progress is not None:
            before = sum(line.base for line in self.world.lines)
            rows = sum(len(line) for line in self.world.lines)
            self._on_progress(before + rows * looks.next // max(1, len(looks)), self._total)

    # The end.

    def _end(self) -> None:
        self.world.market.move(self._ended_at, AFTER_ALL)
        if self.settings.closes_at_end:
            for account_id in self.world.state.accounts:
                self.world.submit(cmd.CloseAllPositions(account_id, source="backtest"))
            self._settle()
        self._call("on_end", self.strategy.on_end, self.broker)
        self._settle()
        if self._on_progress is not None:
            self._on_progress(self._total, self._total)

    def _failure(self, failed: StrategyFailed) -> Failure:
        error = failed.__cause__
        assert error is not None, "a strategy fails with what it threw"
        return Failure(
            at=self.world.market.at,
            during=failed.during,
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
            state=self.world.state.snapshot(),
        )

    def result(self, records: list[Record], failure: Failure | None) -> Result:
        """What was found so far."""
        world = self.world
        return Result(
            strategy=type(self.strategy).__name__,
            settings=self.settings,
            instruments=tuple(line.instrument for line in world.lines),
            began_at=self._began_at or 0,
            ended_at=self._ended_at if failure is None else failure.at,
            accounts=tuple(self._account(number) for number in range(len(self.settings.accounts))),
            round_trips=self.ears.round_trips,
            curves=tuple(curve.done() for curve in self._curves.values()),
            equity=self._equity,
            prices=self._prices,
            paid=self.ears.paid,
            counters=self._counters(),
            records=records,
            notes=tuple(self._notes()),
            failure=failure,
        )

    def _account(self, number: int) -> AccountResult:
        setup = self.settings.accounts[number]
        account = self.world.state.accounts[setup.account_id]
        return AccountResult(
            account_id=setup.account_id,
            currency=setup.currency,
            started_with=setup.cash,
            balance=account.balance,
            equity=value_account(self.world.state, account, self.world.market.get).equity,
            margin_state=account.margin_state,
            open_positions=len(account.positions),
            working_orders=len(account.orders),
        )

    def _counters(self) -> Counters:
        lines = self.world.lines
        return Counters(
            bars=sum(line.base + len(line) for line in lines if line.span_ns is not None),
            prices=sum((line.base + len(line)) * len(line.offsets) for line in lines),
            looks=self._look_count,
            shown={why.value: count for why, count in self.world.shown.items() if count},
            records=self.ears.record_count,
            fills=self.ears.fill_count,
        )

    def _notes(self) -> list[str]:
        notes = []
        if self.settings.skips and not CAN_SEARCH:
            notes.append("numba is not installed, so that every price was shown: pip install tradehall[fast]")
        waiting = sum(len(orders) for orders in self.world.queue.waiting.values())
        if waiting:
            notes.append(f"{waiting} orders still waited for an open that did not come")
        return notes
