"""A price alert as the watch knows it, and what the watch says about it."""

from decimal import Decimal
from enum import IntEnum

from msgspec import Struct

from tradehall.watch.conditions import Trigger


class QuoteSide(IntEnum):
    """Which price of a quote is watched; the numbers are those of the broker client API."""

    BID = 0
    ASK = 1


class AlertStatus(IntEnum):
    """Where an alert is in its life; the numbers are those of the broker client API. Only active ones fire."""

    ACTIVE = 0
    TRIGGERED = 1
    DISABLED = 2
    DELETED = 3
    EXPIRED = 4


class AlertState(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one alert must not forget over a restart, beside the last price its side has seen.

    `has_seen`: a price since it was activated. `reference`: what a move is measured from, once known.
    `fired_at` [ns UTC]: the last firing. `is_owed`: its condition became true in the quiet span after a
    firing, and it fires at the end of that if the condition is still true.
    """

    has_seen: bool = False
    reference: Decimal | None = None
    fired_at: int | None = None
    is_owed: bool = False


class PriceAlert(Struct, frozen=True, gc=False):
    """What to watch: one price of one symbol. `alert_id` is not negative.

    `expires_at` [ns UTC]: from then on it does not fire; None: never. `state` is the default when the alert
    is activated, but for a reference that was given.
    """

    alert_id: int
    symbol: str
    side: QuoteSide
    trigger: Trigger
    repeats: bool
    expires_at: int | None = None
    state: AlertState = AlertState()


class SeenPrice(Struct, frozen=True, gc=False):
    """The last price of a side that all its alerts have been compared with, at `at` [ns UTC]."""

    symbol: str
    side: QuoteSide
    price: Decimal
    at: int


class Firing(Struct, frozen=True, gc=False):
    """An alert fired: the price that did it, when [ns UTC], and what the alert is now."""

    alert_id: int
    price: Decimal
    at: int
    status: AlertStatus
    state: AlertState


class Expiry(Struct, frozen=True, gc=False):
    """An alert's time was over at `at` [ns UTC]; it is no longer watched."""

    alert_id: int
    at: int
