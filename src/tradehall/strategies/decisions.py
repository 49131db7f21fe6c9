"""The decision step: what a program signals and the facts of its book become intents, and reasons for doing nothing."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tradehall.domain.money import HUNDRED, round_to
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND, to_rfc3339
from tradehall.strategies.definition import (
    Action,
    AddOns,
    Cancel,
    Close,
    Distance,
    DistanceUnit,
    Number,
    Open,
    SetStopLoss,
    SetTakeProfit,
)
from tradehall.strategies.intents import (
    BookFacts,
    CancelEntries,
    ClosePosition,
    Decision,
    Facts,
    Intent,
    MoveExit,
    OpenPosition,
    Outcome,
    Stop,
    StopReason,
)
from tradehall.strategies.program import Level, Program, Signals
from tradehall.strategies.text import action_text, days_text, distance_text, hours_text, number_text
from tradehall.strategies.verdicts import Verdict

_MINUTES_A_DAY: Final = 24 * 60
# 1970-01-01 was a Thursday.
_FIRST_WEEKDAY: Final = 3

Steps = list[Intent] | str


def decide(program: Program, signals: Signals, facts: Facts, *, barred: str = "") -> Decision:
    """What the program wants done now.

    Rules are read in order, all of them against the same facts: what one of them does is seen at the next
    look. A rule that opens does nothing while a position in its direction is open or on its way; one in the
    other direction is closed first. `barred`: a reason of the caller's why nothing may be opened now
    (it is paused, the bar closed long ago); closing and exits go on. When an add-on ends the program nothing
    else happens.
    """
    stop = stop_of(program.definition.add_ons, facts)
    if stop is not None:
        return Decision((stop,), ())
    return _Deciding(program, signals, facts, barred).run()


def stop_of(add_ons: AddOns, facts: Facts) -> Stop | None:
    """Whether an add-on ends the program now: cheap enough to be asked between bars, too."""
    if add_ons.expires_at is not None and facts.now >= add_ons.expires_at:
        return Stop(StopReason.EXPIRED, f"it ran until {to_rfc3339(add_ons.expires_at)}")
    profit = number_text(abs(facts.profit))
    if add_ons.profit_stop is not None and facts.profit >= add_ons.profit_stop:
        limit = number_text(add_ons.profit_stop)
        return Stop(StopReason.PROFIT_STOP, f"its profit is {profit}, its profit stop {limit}")
    if add_ons.loss_stop is not None and facts.profit <= -add_ons.loss_stop:
        return Stop(StopReason.LOSS_STOP, f"its loss is {profit}, its loss stop {number_text(add_ons.loss_stop)}")
    return None


def bar_to_opening(add_ons: AddOns, facts: Facts, opened: int = 0) -> str:
    """Why nothing may be opened now; "" if something may. `opened`: what this decision opens already."""
    if not is_in_hours(add_ons, facts.now):
        days = days_text(add_ons.weekdays) if add_ons.weekdays else "every day"
        hours = " or ".join(hours_text(window) for window in add_ons.hours_utc) or "all day"
        return f"it opens only {days}, {hours} UTC; it is {to_rfc3339(facts.now - facts.now % NS_PER_SECOND)}"
    daily, total = add_ons.max_trades_per_day, add_ons.max_trades
    if daily is not None and facts.trades_today + opened >= daily:
        return f"it opened {_times(facts.trades_today + opened)} today, its maximum is {daily}"
    if total is not None and facts.trades + opened >= total:
        return f"it opened {_times(facts.trades + opened)}, its maximum is {total}"
    return ""


def is_in_hours(add_ons: AddOns, now: int) -> bool:
    """Whether `now` [ns UTC] lies in a window of a day on which it may open."""
    day, minute = now // NS_PER_DAY, now % NS_PER_DAY // NS_PER_MINUTE
    for start, end in add_ons.hours_utc or ((0, _MINUTES_A_DAY),):
        if end > start:
            began = day if start <= minute < end else None
        else:
            # It ends tomorrow, or it began yesterday: the weekday is that on which it began.
            began = day if minute >= start else day - 1 if minute < end else None
        if began is not None and (not add_ons.weekdays or (began + _FIRST_WEEKDAY) % 7 in add_ons.weekdays):
            return True
    return False


class _Deciding:
    """One decision while it is made: what is closed and opened already, by symbol and side."""

    def __init__(self, program: Program, signals: Signals, facts: Facts, barred: str) -> None:
        self.program, self.signals, self.facts = program, signals, facts
        self.barred = barred
        self.levels = dict(zip(program.levels, signals.levels, strict=True))
        self.closed: set[tuple[str, PositionSide]] = set()
        self.opened: set[tuple[str, PositionSide]] = set()

    def run(self) -> Decision:
        intents: list[Intent] = []
        outcomes: list[Outcome] = []
        for path, key, action in self._called_for():
            text = action_text(action, self.program.inputs)
            steps = self._steps(action, f"{self.signals.at}:{key}")
            if isinstance(steps, str):
                outcomes.append(Outcome(path, text, is_done=False, reason=steps))
            else:
                intents += steps
                outcomes.append(Outcome(path, text, is_done=True))
        return Decision(tuple(intents), tuple(outcomes))

    def _called_for(self) -> Iterator[tuple[str, str, Action]]:
        for number, rule in enumerate(self.program.definition.rules):
            if self.signals.verdicts[number] is Verdict.MET:
                for place, action in enumerate(rule.do):
                    yield f"rules[{number}].do[{place}]", f"{number}.{place}", action

    def _steps(self, action: Action, key: str) -> Steps:
        """What an action comes to, or why to nothing."""
        symbol = action.symbol or self.program.symbol
        book = self.facts.books[symbol]
        if isinstance(action, Open):
            return self._open(action, key, symbol, book)
        if isinstance(action, Close):
            return self._close(action.side, key, symbol, book)
        if isinstance(action, Cancel):
            sides = book.entries if action.side is None else book.entries & {action.side}
            return [CancelEntries(key, symbol, action.side)] if sides else "no entry order is working"
        return self._move(action, key, symbol, book)

    def _open(self, action: Open, key: str, symbol: str, book: BookFacts) -> Steps:
        side = action.side
        reason = self.barred or bar_to_opening(self.program.definition.add_ons, self.facts, len(self.opened))
        if side in book.held:
            reason = f"a {side.lower()} position is open"
        elif side in book.entries:
            reason = f"an order for a {side.lower()} position is still working"
        elif (symbol, side) in self.opened or (symbol, _other(side)) in self.opened:
            reason = "an earlier rule opens a position at this bar"
        if reason:
            return reason
        price = book.ask if side is PositionSide.LONG else book.bid
        exits: list[Decimal | None] = []
        for distance, is_loss in ((action.stop_loss, True), (action.take_profit, False)):
            placed = None if distance is None else self._placed(distance, symbol, side, price, is_loss=is_loss)
            if isinstance(placed, str):
                return placed
            exits.append(placed)
        self.opened.add((symbol, side))
        closing = self._close(_other(side), f"{key}:close", symbol, book)
        opening = OpenPosition(key, symbol, side, action.size, exits[0], exits[1])
        return [*(closing if isinstance(closing, list) else []), opening]

    def _close(self, side: PositionSide | None, key: str, symbol: str, book: BookFacts) -> Steps:
        sides = [each for each in book.held if side in (None, each)]
        if not sides:
            return f"no {side.lower()} position is open" if side else "nothing is open"
        steps: list[Intent] = []
        for each in sides:
            if (symbol, each) not in self.closed:
                self.closed.add((symbol, each))
                steps.append(ClosePosition(f"{key}:{each.lower()}", symbol, each))
        return steps or "an earlier rule closes it at this bar"

    def _move(self, action: SetStopLoss | SetTakeProfit, key: str, symbol: str, book: BookFacts) -> Steps:
        if not book.held:
            return "nothing is open"
        is_loss = isinstance(action, SetStopLoss)
        steps: list[Intent] = []
        for side, held in book.held.items():
            price = book.bid if side is PositionSide.LONG else book.ask
            placed = self._placed(action.distance, symbol, side, price, is_loss=is_loss)
            if isinstance(placed, str):
                return placed
            if placed == (held.stop_loss if is_loss else held.take_profit) or (symbol, side) in self.closed:
                continue
            exits = (placed, None) if is_loss else (None, placed)
            steps.append(MoveExit(f"{key}:{side.lower()}", symbol, side, *exits))
        return steps or "it stands there already, or an earlier rule closes the position at this bar"

    def _placed(
        self, distance: Distance, symbol: str, side: PositionSide, price: Decimal | None, *, is_loss: bool
    ) -> Decimal | str:
        """The price of an exit on the instrument's tick, or why there is none."""
        tick = self.facts.books[symbol].tick_size
        level = self.program.level_of(distance, symbol)
        value = self._value(distance, level)
        if value is None:
            return f"{distance_text(distance, _named(symbol, self.program), self.program.inputs)} is not known yet"
        if distance.unit is not DistanceUnit.PRICE:
            if price is None:
                return f"there is no quote of {symbol} yet"
            away = _away(distance.unit, value, distance.amount, price, tick)
            is_below = is_loss == (side is PositionSide.LONG)
            value = price - away if is_below else price + away
        placed = round_to(value, tick)
        return placed if placed > 0 else f"an exit at {placed} is no price"

    def _value(self, distance: Distance, level: Level | None) -> Decimal | None:
        """The number a distance is made of: its own, or a level; None while that warms up."""
        if level is None:
            assert isinstance(distance.amount, Number)
            return distance.amount.value
        found = self.levels[level]
        return None if math.isnan(found) else Decimal(repr(found))


def _away(unit: DistanceUnit, value: Decimal, amount: object, price: Decimal, tick: Decimal) -> Decimal:
    if unit is DistanceUnit.PERCENT:
        return price * value / HUNDRED
    if unit is DistanceUnit.TICKS:
        return value * tick
    assert isinstance(amount, Number)
    return amount.value * value


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _other(side: PositionSide) -> PositionSide:
    return PositionSide.SHORT if side is PositionSide.LONG else PositionSide.LONG


def _named(symbol: str, program: Program) -> str | None:
    return None if symbol == program.symbol else symbol
