"""Figures of strategies for /metrics: how quick their orders are, and what their positions bring.

    figures = Figures(metrics, desk.clock, name_of)
    desk.writer.hear_records(figures.measure)

Microseconds, by strategy and instrument. Orders of no strategy are not measured: that would cost each of them a tenth.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tradehall.domain.fill import Fill
from tradehall.domain.time import NS_PER_US
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.faces.kit import Metrics
from tradehall.ports.clock import Clock

LABELS: Final = ("strategy", "instrument")
MICROSECONDS: Final = (50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 50_000.0, 250_000.0, 1_000_000.0)
MONEY: Final = (-1_000.0, -100.0, -10.0, -1.0, 0.0, 1.0, 10.0, 100.0, 1_000.0)


class Figures:
    """Measures records that have become durable."""

    def __init__(self, metrics: Metrics, clock: Clock, name_of: Callable[[str | None], str | None]) -> None:
        self._clock = clock
        self._name_of = name_of
        self._latency = metrics.histogram(
            "strategy_latency_us", "From the newest quote that was read to the order", LABELS, MICROSECONDS
        )
        self._ack = metrics.histogram(
            "order_ack_rtt_us", "From the order to its durable acceptance", LABELS, MICROSECONDS
        )
        self._lag = metrics.histogram("fill_report_lag_us", "From a fill to its durable report", LABELS, MICROSECONDS)
        self._pnl = metrics.histogram(
            "trade_pnl_usdt", "Realised by fills that closed, gross, in the account's currency", LABELS, MONEY
        )

    def measure(self, records: Sequence[Record]) -> None:
        """These have just become durable."""
        now = self._clock.now()
        for record in records:
            for event in record.events:
                if type(event) is ev.OrderAccepted:
                    if event.terms.strategy_id is not None:
                        self._accepted(event, record, now)
                elif type(event) is ev.OrderFilled and event.fill.strategy_id is not None:
                    self._filled(event.fill, now)

    def _accepted(self, event: ev.OrderAccepted, record: Record, now: int) -> None:
        labels = (self._name(event.terms.strategy_id), event.terms.symbol)
        self._ack.observe(_us(now - record.now), *labels)
        read_at = max((quote.received_at for quote in record.quotes), default=None)
        if read_at is not None:
            self._latency.observe(_us(record.now - read_at), *labels)

    def _filled(self, fill: Fill, now: int) -> None:
        labels = (self._name(fill.strategy_id), fill.symbol)
        self._lag.observe(_us(now - fill.at), *labels)
        if fill.closed_quantity:
            self._pnl.observe(float(fill.realized_pnl), *labels)

    def _name(self, strategy_id: str | None) -> str:
        return self._name_of(strategy_id) or ""


def _us(span_ns: int) -> float:
    return max(0, span_ns) / NS_PER_US
