"""All armed price alerts, so arranged that a quote costs only what it fires.

Why a quote need not look at the alerts it does not fire: take an alert that has seen the price p before,
and the price c now. A crossing or a channel step fires by the step p → c alone. A level or a zone fires
when it becomes true: while it was true at p it has fired already (or is *owed*, see below), and it is
rearmed if it was false. A move is a level at its bound, which is beyond p, or else it had fired. So each of
them fires exactly if the step from p to c passes a bound (and, of a channel, lands on the right side of the
other bound): that is a range of a sorted shelf. Nothing in an alert changes when it does not fire, neither
in memory nor in the store: what it knows of the past is the one price p that its side has seen.

Two kinds of alerts stand apart. *Fresh* ones have not seen a price since they were activated; the next
quote looks at each. *Owed* ones became true in the quiet span after a firing: they wait for its end in a
heap, and fire then if they are still true; what happens meanwhile makes no difference to them, for a level
that is left and reached again is as true and as rearmed as before. `tests/watch/test_armed.py` holds all
this against `conditions.step`, alert by alert and quote by quote.

Around the price seen last a side knows a *calm* range without any bound. It grows by the steps that passed
nothing; a quote that stays within asks no shelf.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Final

from msgspec.structs import replace

from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.watch.alert import AlertState, AlertStatus, Expiry, Firing, PriceAlert, QuoteSide, SeenPrice
from tradehall.watch.conditions import LASTING, MOVES, QUIET_NS, Memory, holds, step
from tradehall.watch.due import DueHeap
from tradehall.watch.grid import Grid
from tradehall.watch.ladder import DIGITS, Ladder, Rung, rungs

_NEVER: Final = 1 << 64


@dataclass(slots=True)
class _Armed:
    """One alert and what changes of it; `rungs` are its places on the ladder, none while it is fresh.

    `heeds_from` [ns UTC]: a bound that is passed before means nothing to it.
    """

    alert: PriceAlert
    state: AlertState
    is_move: bool
    is_lasting: bool
    rungs: tuple[Rung, ...] = ()
    heeds_from: int = 0

    def become(self, state: AlertState) -> None:
        """Whoever is owed a firing fires by time; what does not last is gone if it comes in the quiet span."""
        self.state = state
        if state.is_owed:
            self.heeds_from = _NEVER
        elif state.fired_at is None or self.is_lasting:
            self.heeds_from = 0
        else:
            self.heeds_from = state.fired_at + QUIET_NS


class _Side:
    """The bids or the asks of one symbol. No bound lies between `calm_low`, the price seen last, and `calm_high`."""

    __slots__ = ("calm_high", "calm_low", "fresh", "has_strayed", "ladder", "must_keep", "owed", "seen", "stored")

    def __init__(self) -> None:
        self.seen: SeenPrice | None = None
        self.stored: SeenPrice | None = None
        self.calm_low = self.calm_high = ZERO
        self.must_keep = False
        self.has_strayed = False  # Some step since the stored price passed a bound.
        self.ladder = Ladder[_Armed](Grid(DIGITS))
        self.fresh: dict[int, Decimal | None] = {}
        self.owed = DueHeap()

    def see(self, current: SeenPrice) -> None:
        """Note the price, and no more of what lies around it."""
        self.seen = current
        self.calm_low = self.calm_high = current.price

    def is_worth_storing(self) -> bool:
        """Whether a restart from the stored price could go another way than from the one seen last."""
        if self.seen is None or self.seen is self.stored:
            return False
        if self.must_keep:
            return True
        # Without a stored price nobody has seen one yet.
        return self.stored is not None and self.ladder.is_between(*self.lines_of(self.stored.price, self.seen.price))

    def settle(self, armed: _Armed) -> None:
        """Put an alert where the steps that fire it will find it."""
        assert self.seen is not None, "an alert that has seen no price has no place"
        self.ladder.remove(armed.alert.alert_id, armed.rungs)
        self._hang_up(armed)
        self.calm_low = self.calm_high = self.seen.price

    def lines_of(self, one: Decimal, other: Decimal) -> tuple[int, int]:
        """The lines of two prices; if one lies between two lines, all bounds move to a grid that is fine enough."""
        grid = self.ladder.grid
        line, other_line = grid.line(one), grid.line(other)
        if line is None or other_line is None:
            hanging = self.ladder.things()
            self.ladder = Ladder(Grid.with_lines_at(one, other))
            for armed in hanging:
                self._hang_up(armed)
            return self.lines_of(one, other)
        return line, other_line

    def _hang_up(self, armed: _Armed) -> None:
        armed.rungs = rungs(armed.alert.trigger, armed.state.reference, self.ladder.grid)
        self.ladder.add(armed.alert.alert_id, armed, armed.rungs)


class ArmedAlerts:
    """The armed alerts of all symbols. Its time stands still while quotes are a little older than those before.

    A clock that was set back farther is followed, for nobody may be quiet until it has caught up.

    `seen`: the prices stored last; an alert whose state says that it has seen one continues from it, so
    that a step made while nobody watched fires at the first quote.
    """

    def __init__(self, seen: Iterable[SeenPrice] = ()) -> None:
        self._alerts: dict[int, _Armed] = {}
        self._sides: dict[str, tuple[_Side, _Side]] = {}
        self._expiries = DueHeap()
        self._changed: dict[int, None] = {}
        self._is_behind = False
        self._now = 0
        for price in seen:
            side = self._side(price.symbol, price.side)
            side.see(price)
            side.stored = price
            self._now = max(self._now, price.at)

    def __len__(self) -> int:
        return len(self._alerts)

    def arm(self, alert: PriceAlert, *, seen: Decimal | None = None) -> None:
        """Watch an alert, in place of the one of that number if there is one.

        One that has seen a price goes on from the last one of its side, or, with the next quote, from `seen`.
        """
        self.disarm(alert.alert_id)
        side = self._side(alert.symbol, alert.side)
        condition = alert.trigger.condition
        armed = _Armed(alert, alert.state, is_move=condition in MOVES, is_lasting=condition in LASTING)
        armed.become(alert.state)
        self._alerts[alert.alert_id] = armed
        if alert.expires_at is not None:
            self._expiries.add(alert.expires_at, alert.alert_id)
        if side.seen is None or not alert.state.has_seen:
            side.fresh[alert.alert_id] = None
            return
        if seen is not None and seen != side.seen.price:
            side.fresh[alert.alert_id] = seen
            return
        side.settle(armed)
        if alert.state.is_owed:
            side.owed.add(_quiet_until(alert.state), alert.alert_id)

    def disarm(self, alert_id: int) -> bool:
        """Watch it no longer; False if nobody did."""
        armed = self._alerts.pop(alert_id, None)
        if armed is None:
            return False
        side = self._side(armed.alert.symbol, armed.alert.side)
        side.ladder.remove(alert_id, armed.rungs)
        side.fresh.pop(alert_id, None)
        side.owed.discard(alert_id)
        self._expiries.discard(alert_id)
        self._changed.pop(alert_id, None)
        return True

    def on_quote(self, quote: Quote) -> list[Firing]:
        """What a quote fires, by number of the alert. An alert whose time is over does not fire."""
        if quote.received_at < self._now - QUIET_NS:
            self._turn_back(quote.received_at)
        at = self._now = max(self._now, quote.received_at)
        sides = self._sides.get(quote.symbol)
        if sides is None:
            return []
        firings: list[Firing] = []
        self._look(sides[0], SeenPrice(quote.symbol, QuoteSide.BID, quote.bid, at), firings)
        self._look(sides[1], SeenPrice(quote.symbol, QuoteSide.ASK, quote.ask, at), firings)
        if len(firings) > 1:
            firings.sort(key=lambda firing: firing.alert_id)
        return firings

    def on_time(self, now: int) -> list[Expiry]:
        """Alerts whose time is over; they are disarmed."""
        expiries = [Expiry(alert_id, now) for alert_id in self._expiries.take(now)]
        for expiry in expiries:
            self.disarm(expiry.alert_id)
        return expiries

    def next_deadline(self) -> int | None:
        """When `on_time` has something to do [ns UTC]."""
        return self._expiries.first()

    def seen(self, symbol: str, which: QuoteSide) -> Decimal | None:
        """The price seen last; None if nobody ever looked."""
        sides = self._sides.get(symbol)
        seen = None if sides is None else sides[which].seen
        return None if seen is None else seen.price

    def state_of(self, alert_id: int) -> AlertState | None:
        """What an armed alert must not forget; None if it is not armed."""
        armed = self._alerts.get(alert_id)
        return None if armed is None else armed.state

    @property
    def is_behind(self) -> bool:
        """Whether `take_changes` may have something to store: what was stored may let a restart go another way."""
        return self._is_behind

    def take_changes(self) -> tuple[list[SeenPrice], dict[int, AlertState]]:
        """What has to be stored, all of it together, so that a restart goes on from here.

        A price is among it only if some bound lies between it and the one stored before.
        """
        seen: list[SeenPrice] = []
        for side in chain.from_iterable(self._sides.values()):
            if side.is_worth_storing():
                assert side.seen is not None
                seen.append(side.seen)
                side.stored, side.must_keep = side.seen, False
            side.has_strayed = False
        states = {alert_id: self._alerts[alert_id].state for alert_id in self._changed}
        self._changed.clear()
        self._is_behind = False
        return seen, states

    def _side(self, symbol: str, which: QuoteSide) -> _Side:
        sides = self._sides.get(symbol)
        if sides is None:
            sides = self._sides[symbol] = (_Side(), _Side())
        return sides[which]

    def _turn_back(self, now: int) -> None:
        """Whoever has fired in what is the future now is quiet for a second from now on."""
        self._now = now
        for armed in self._alerts.values():
            if armed.state.fired_at is not None and armed.state.fired_at > now:
                side = self._side(armed.alert.symbol, armed.alert.side)
                self._change(side, armed, replace(armed.state, fired_at=now))
                if armed.state.is_owed:
                    side.owed.add(_quiet_until(armed.state), armed.alert.alert_id)

    def _look(self, side: _Side, current: SeenPrice, firings: list[Firing]) -> None:
        if side.calm_low <= current.price <= side.calm_high:
            side.seen = current
        else:
            self._on_step(side, current, firings)
        for alert_id in side.owed.take(current.at):
            self._on_owed(side, self._alerts[alert_id], current, firings)
        if side.fresh:
            fresh, side.fresh = side.fresh, {}
            for alert_id, previous in fresh.items():
                self._on_first_price(side, self._alerts[alert_id], previous, current, firings)

    def _on_step(self, side: _Side, current: SeenPrice, firings: list[Firing]) -> None:
        """Out of what is known to be calm: who is passed, and if nobody is, more is known to be calm."""
        previous = side.seen
        if previous is None:
            side.see(current)
            return
        before, line = side.lines_of(previous.price, current.price)
        passed = side.ladder.passed(before, line)
        if not passed and not side.ladder.is_between(before, line):
            side.seen = current
            side.calm_low, side.calm_high = min(side.calm_low, current.price), max(side.calm_high, current.price)
            return
        side.see(current)
        if not side.has_strayed:
            side.has_strayed = self._is_behind = True
        at = current.at
        for armed in [armed for armed in passed if armed.heeds_from <= at]:
            fired_at = armed.state.fired_at
            if fired_at is None or at >= fired_at + QUIET_NS:
                self._fire(side, armed, current, firings)
            else:
                self._owe(side, armed)

    def _on_owed(self, side: _Side, armed: _Armed, current: SeenPrice, firings: list[Firing]) -> None:
        if holds(armed.alert.trigger, current.price, armed.state.reference):
            self._fire(side, armed, current, firings)
        else:
            # Its state may go on saying that it is owed: to whoever begins with it, it is as ready to fire.
            armed.heeds_from = 0

    def _on_first_price(
        self, side: _Side, armed: _Armed, previous: Decimal | None, current: SeenPrice, firings: list[Firing]
    ) -> None:
        alert, state = armed.alert, armed.state
        # What was true at a price it has seen before it has fired then, unless it was owed.
        was_true = previous is not None and armed.is_lasting and holds(alert.trigger, previous, state.reference)
        memory = Memory(previous, state.reference, is_rearmed=state.is_owed or not was_true, fired_at=state.fired_at)
        may_be_owed = armed.is_lasting and memory.is_rearmed
        is_firing, memory = step(alert.trigger, memory, current.price, current.at)
        reference = state.reference if is_firing else memory.reference
        self._change(side, armed, AlertState(has_seen=True, reference=reference, fired_at=state.fired_at))
        side.settle(armed)
        if is_firing:
            self._fire(side, armed, current, firings)
        elif may_be_owed and holds(alert.trigger, current.price, reference):
            self._owe(side, armed)

    def _owe(self, side: _Side, armed: _Armed) -> None:
        """It is true, but the quiet span after its last firing is not over: look again then."""
        side.owed.add(_quiet_until(armed.state), armed.alert.alert_id)
        self._change(side, armed, replace(armed.state, is_owed=True))

    def _fire(self, side: _Side, armed: _Armed, current: SeenPrice, firings: list[Firing]) -> None:
        alert = armed.alert
        if alert.expires_at is not None and alert.expires_at <= current.at:
            return  # It will be told as an expiry.
        reference = current.price if armed.is_move else armed.state.reference
        state = AlertState(has_seen=True, reference=reference, fired_at=current.at)
        status = AlertStatus.ACTIVE if alert.repeats else AlertStatus.TRIGGERED
        firings.append(Firing(alert.alert_id, current.price, current.at, status, state))
        self._change(side, armed, state)
        if not alert.repeats:
            self.disarm(alert.alert_id)
        elif armed.is_move:
            side.settle(armed)

    def _change(self, side: _Side, armed: _Armed, state: AlertState) -> None:
        armed.become(state)
        self._changed[armed.alert.alert_id] = None
        side.must_keep = self._is_behind = True


def _quiet_until(state: AlertState) -> int:
    assert state.fired_at is not None, "nothing is owed before the first firing"
    return state.fired_at + QUIET_NS
