"""Quotes over 100,000 armed price alerts of one symbol."""

import gc
import random
import time
from collections.abc import Callable, Iterable
from decimal import Decimal

from bench.figures import Figure, Options
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_SECOND
from tradehall.watch.alert import AlertState, PriceAlert, QuoteSide, SeenPrice
from tradehall.watch.armed import ArmedAlerts
from tradehall.watch.conditions import Condition, Trigger

ALERTS = 100_000
PRICE, TICK = Decimal("1.10000"), Decimal("0.00001")
AROUND_TICKS = 11_000  # One percent, either way.
SILENT_BOUND_US = 50.0
NOON = 1_750_000_000 * NS_PER_SECOND


def run(options: Options) -> list[Figure]:
    """µs per quote: those that fire nothing (median and p99), gaps that fire nothing, and 1 % that fire."""
    count = options.scaled(20_000)
    figures = []
    for steps in (1, 20):
        silent = sorted(_walk(_mixed(), steps, count))
        what = f"a quote that fires nothing, steps of up to {steps} ticks"
        figures.append(Figure(f"{what}: median", silent[len(silent) // 2], "µs", SILENT_BOUND_US))
        figures.append(Figure(f"{what}: p99", silent[len(silent) * 99 // 100], "µs", SILENT_BOUND_US))
    figures.append(Figure("a fall across 100,000 bounds that a rise would fire", _gap(_crossing_up, -6_000), "µs"))
    figures.append(Figure("a gap over 100,000 whole channels", _gap(_narrow_channel, 6_000), "µs"))
    figures.append(Figure("a quote that fires 1,000 alerts, once", _firing(repeats=False), "µs"))
    figures.append(Figure("a quote that fires 1,000 alerts, repeating", _firing(repeats=True), "µs"))
    return figures


def _quote(ticks: int, at: int) -> Quote:
    bid = PRICE + TICK * ticks
    return Quote("EURUSD", bid, bid + 8 * TICK, at, at)


def _armed(alerts: Iterable[PriceAlert]) -> ArmedAlerts:
    """As after a start: all have seen the price before, on both sides."""
    armed = ArmedAlerts(SeenPrice("EURUSD", side, PRICE, NOON) for side in QuoteSide)
    for alert in alerts:
        armed.arm(alert)
    return armed


def _alert(alert_id: int, trigger: Trigger, *, side: QuoteSide = QuoteSide.BID, repeats: bool = True) -> PriceAlert:
    state = AlertState(has_seen=True, reference=PRICE)
    return PriceAlert(alert_id, "EURUSD", side, trigger, repeats, state=state)


def _mixed() -> ArmedAlerts:
    """All conditions, both sides, half of them repeating."""
    dice = random.Random(1)

    def trigger(condition: Condition) -> Trigger:
        low = PRICE + TICK * dice.randint(-AROUND_TICKS, AROUND_TICKS)
        is_percent = condition in (Condition.MOVING_UP_PERCENT, Condition.MOVING_DOWN_PERCENT)
        threshold = Decimal(dice.randint(1, 100)) / 100 if is_percent else TICK * dice.randint(20, AROUND_TICKS)
        return Trigger(condition, low, low, low + TICK * dice.randint(5, 500), threshold)

    return _armed(
        _alert(number, trigger(Condition(number % 13)), side=QuoteSide(number // 13 % 2), repeats=number % 2 == 0)
        for number in range(ALERTS)
    )


def _walk(armed: ArmedAlerts, steps: int, count: int) -> list[float]:
    """µs of each quote that fired nothing, 5 ms apart; what has to be stored is taken in between.

    So each quote has to find out anew whether a start without it could go another way.
    """
    dice, place, silent = random.Random(2), 0, []
    for number in range(count):
        place += dice.randint(-steps, steps)
        took, fired = _timed(armed, _quote(place, NOON + number * NS_PER_SECOND // 200))
        armed.take_changes()
        if not fired:
            silent.append(took)
    return silent


def _crossing_up(number: int) -> Trigger:
    return Trigger(Condition.CROSSING_UP, target=PRICE - TICK * (1 + number % 5_000))


def _narrow_channel(number: int) -> Trigger:
    low = PRICE + TICK * (1 + number % 5_000)
    return Trigger(Condition.ENTERING_CHANNEL, low=low, high=low + 3 * TICK)


def _gap(trigger: Callable[[int], Trigger], ticks: int) -> float:
    """µs of the first quote beyond them all: with cold caches, as gaps come."""
    armed = _armed(_alert(number, trigger(number)) for number in range(ALERTS))
    took, fired = _timed(armed, _quote(ticks, NOON + NS_PER_SECOND))
    assert not fired, f"{fired} alerts fired across the gap"
    return took


def _firing(*, repeats: bool) -> float:
    """µs of a quote that passes 1,000 of the bounds."""
    armed = _armed(
        _alert(number, Trigger(Condition.CROSSING_UP, target=PRICE + TICK * (1 + number // 1_000)), repeats=repeats)
        for number in range(ALERTS)
    )
    took, fired = _timed(armed, _quote(1, NOON + NS_PER_SECOND))
    assert fired == 1_000, f"{fired} alerts fired, expected 1,000"
    return took


def _timed(armed: ArmedAlerts, quote: Quote) -> tuple[float, int]:
    gc.disable()
    started = time.thread_time_ns()
    firings = armed.on_quote(quote)
    took = time.thread_time_ns() - started
    gc.enable()
    return took / 1_000, len(firings)
