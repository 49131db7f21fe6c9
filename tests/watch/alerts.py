"""Alerts and quotes with a default for everything, and the watch done the slow way: alert by alert."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec.structs import replace

from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_SECOND, from_rfc3339
from tradehall.watch.alert import AlertState, AlertStatus, Firing, PriceAlert, QuoteSide, SeenPrice
from tradehall.watch.armed import ArmedAlerts
from tradehall.watch.conditions import Condition, Memory, Trigger, step

NOON = from_rfc3339("2025-01-15T12:00:00Z")


def at_s(seconds: float) -> int:
    """An instant so many seconds after noon."""
    return NOON + round(seconds * NS_PER_SECOND)


def a_trigger(condition: Condition, *, target="0", low="0", high="0", threshold="0") -> Trigger:
    return Trigger(condition, Decimal(target), Decimal(low), Decimal(high), Decimal(threshold))


def an_alert(
    condition: Condition = Condition.CROSSING_UP,
    *,
    alert_id: int = 1,
    symbol: str = "EURUSD",
    side: QuoteSide = QuoteSide.BID,
    repeats: bool = False,
    expires_at: int | None = None,
    reference: str | None = None,
    **numbers: str,
) -> PriceAlert:
    state = AlertState(reference=None if reference is None else Decimal(reference))
    return PriceAlert(alert_id, symbol, side, a_trigger(condition, **numbers), repeats, expires_at, state)


def a_quote(bid: str | Decimal, *, ask: str | Decimal | None = None, at: int = NOON, symbol: str = "EURUSD") -> Quote:
    price = Decimal(bid)
    return Quote(symbol, price, price + Decimal("0.1") if ask is None else Decimal(ask), at, at)


class SlowWatch:
    """The same promises as ArmedAlerts, kept by looking at every alert at every quote."""

    def __init__(self, alerts: Iterable[PriceAlert] = ()) -> None:
        self._alerts: dict[int, tuple[PriceAlert, Memory]] = {}
        for alert in alerts:
            self.arm(alert)

    def arm(self, alert: PriceAlert) -> None:
        self._alerts[alert.alert_id] = (alert, Memory(reference=alert.state.reference))

    def disarm(self, alert_id: int) -> None:
        self._alerts.pop(alert_id, None)

    def blindfold(self) -> Callable[[], None]:
        """Nobody sees anything until what is returned is called."""
        kept, self._alerts = self._alerts, {}
        return lambda: self._alerts.update(kept)

    def on_quote(self, quote: Quote) -> list[tuple[int, Decimal, int, AlertStatus]]:
        fired = []
        for alert_id, (alert, before) in sorted(self._alerts.items()):
            if alert.symbol != quote.symbol or (alert.expires_at or quote.received_at + 1) <= quote.received_at:
                continue
            price = quote.bid if alert.side is QuoteSide.BID else quote.ask
            is_firing, memory = step(alert.trigger, before, price, quote.received_at)
            self._alerts[alert_id] = (alert, memory)
            if is_firing and not alert.repeats:
                self.disarm(alert_id)
            if is_firing:
                status = AlertStatus.ACTIVE if alert.repeats else AlertStatus.TRIGGERED
                fired.append((alert_id, price, quote.received_at, status))
        return fired


class Store:
    """What outlives a crash of the watch: written as `take_changes` and the firings say, and read again."""

    def __init__(self) -> None:
        self.alerts: dict[int, PriceAlert] = {}
        self.seen: dict[tuple[str, QuoteSide], SeenPrice] = {}

    def write(self, armed: ArmedAlerts, firings: Iterable[Firing] = ()) -> None:
        seen, states = armed.take_changes()
        self.seen.update({(price.symbol, price.side): price for price in seen})
        for alert_id, state in states.items():
            self.alerts[alert_id] = replace(self.alerts[alert_id], state=state)
        for firing in firings:
            if firing.status is AlertStatus.TRIGGERED:
                del self.alerts[firing.alert_id]

    def restart(self) -> ArmedAlerts:
        armed = ArmedAlerts(self.seen.values())
        for alert in self.alerts.values():
            armed.arm(alert)
        return armed


def told(firings: Iterable[Firing]) -> list[tuple[int, Decimal, int, AlertStatus]]:
    return [(firing.alert_id, firing.price, firing.at, firing.status) for firing in firings]
