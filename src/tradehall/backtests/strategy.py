"""Strategies: what a person writes. One looks at every bar or quote, or says ahead of time at which bars it will."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tradehall.backtests.broker import Broker
from tradehall.backtests.seen import BarColumns, BarSeen, QuoteSeen
from tradehall.domain.fill import Fill
from tradehall.engine.events import AnyEvent


class Strategy:
    """Base of strategies: override what you need. What is not overridden costs nothing.

    The same object sees one run, from `on_start` to `on_end`, in the order of time.
    """

    def on_start(self, broker: Broker) -> None:
        """Before the first price; accounts are funded, nothing can be traded yet."""

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """A bar is over."""

    def on_quote(self, quote: QuoteSeen, broker: Broker) -> None:
        """A quote came, and has filled what it fills."""

    def on_fill(self, fill: Fill, broker: Broker) -> None:
        """One of the run's orders filled, wholly or in part."""

    def on_event(self, event: AnyEvent, broker: Broker) -> None:
        """Anything the engine decided: refusals, expiries, margin calls …"""

    def on_end(self, broker: Broker) -> None:
        """After the last price."""


class StrategyFailed(Exception):
    """The strategy threw while `during` was called; the cause is what it threw."""

    def __init__(self, during: str) -> None:
        super().__init__(during)
        self.during = during


@runtime_checkable
class Planned(Protocol):
    """A strategy whose signals are known ahead of time."""

    def plan(self, bars: Mapping[str, BarColumns]) -> Mapping[str, NDArray[np.bool_]]:
        """Per symbol, at which of its bars `on_bar` is to be called; a symbol that is left out is never looked at.

        `bars` are whole columns of the run's period: this alone takes memory that grows with the history
        (48 bytes a bar).
        """
        ...
