"""What the gateway counts, under the names that gateways of this kind publish."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final

from tradehall.app.desk import Desk
from tradehall.domain.order import OrderStatus
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.faces.kit import Metrics

# Order event → its word in the metric; a fill is counted by what it made of its order, which only its moment tells.
WORD_OF_EVENT: Final[Mapping[type, str]] = {
    ev.OrderAccepted: "created",
    ev.OrderAmended: "modified",
    ev.OrderCancelled: "cancelled",
    ev.OrderRejected: "rejected",
    ev.OrderFailed: "rejected",
    ev.OrderExpired: "expired",
}
_ALWAYS_ZERO: Final = {
    "gateway_critical_notifications_dropped_total": "Trading frames lost: none ever is, the client is let go instead",
    "gateway_broker_disconnections_total": "Times the provider was lost",
    "gateway_broker_reconnect_attempts_total": "Attempts to reach the provider again",
    "gateway_broker_reconnections_total": "Times the provider came back",
    "gateway_broker_reconnect_failures_total": "Times reaching the provider was given up",
}


class Counters:
    """Counts what happens to orders, whoever asked for it, once it is durable: a decision listener for fills."""

    hears: Final = frozenset({ev.OrderFilled})

    def __init__(self, metrics: Metrics, platform: str, desk: Desk) -> None:
        per_platform = ("platform",)
        self._platform = platform
        self._desk = desk
        submitted = metrics.counter("gateway_orders_submitted_total", "Orders sent", per_platform)
        took = metrics.histogram("gateway_order_submit_duration_seconds", "Until durable", per_platform)
        self._submitted = submitted.cell(platform)
        self._took = took.buckets(platform)
        self._events = metrics.counter("gateway_order_events_total", "Order events", ("platform", "event_type"))
        self._double_exits = metrics.counter("gateway_oco_double_exit_total", "OCO double exits", per_platform)
        self.connections = metrics.gauge("gateway_ws_connections_active", "Open streams")
        self.slow_clients = metrics.counter("gateway_ws_slow_consumer_disconnects", "Streams that fell behind")
        self._limited = metrics.counter("gateway_rate_limit_events_total", "Limits", ("platform", "event_type"))
        self._completions = metrics.counter(
            "gateway_backtest_completions_total", "Backtests that ran to their end", per_platform
        )
        self._completions.add(platform, by=0)
        self.breaker_resets = metrics.counter("gateway_circuit_breaker_resets_total", "Circuit breaker resets")
        for name, meaning in _ALWAYS_ZERO.items():
            metrics.counter(name, meaning, per_platform).add(platform, by=0)

    def submitted(self, took_ns: int) -> None:
        """An order was decided and made durable, or refused."""
        self._submitted.value += 1
        self._took.observe(took_ns / NS_PER_SECOND)

    def backtest_completed(self) -> None:
        """A backtest ran to its end."""
        self._completions.add(self._platform)

    def limited(self, word: str) -> None:
        """A caller came near his limit (`warning`), or met it (`hit`)."""
        self._limited.add(self._platform, word)

    def count(self, records: Sequence[Record]) -> None:
        """These have become durable: count all that happened but fills."""
        kinds = Counter(map(type, chain.from_iterable(map(_events_of, records))))
        for kind, times in kinds.items():
            if (word := WORD_OF_EVENT.get(kind)) is not None:
                self._events.add(self._platform, word, by=times)
            elif kind is ev.OcoDoubleExit:
                self._double_exits.add(self._platform, by=times)

    def capture(self, record: Record) -> list[str]:
        """What a decision's fills made of their orders."""
        orders = (
            self._desk.state.order(event.fill.order_id) for event in record.events if type(event) is ev.OrderFilled
        )
        return [
            "filled" if order is not None and order.status is OrderStatus.FILLED else "partially_filled"
            for order in orders
        ]

    def release(self, words: list[str]) -> None:
        """The fills are durable."""
        for word in words:
            self._events.add(self._platform, word)


_events_of: Final = attrgetter("events")
