"""A round trip with a default for everything, and short words for instants."""

from decimal import Decimal
from typing import Any, Final

from tests.builders import LOGIN, TUESDAY_10H, typed
from tradehall.analytics.round_trips import RoundTrip
from tradehall.domain.time import NS_PER_HOUR

HOUR: Final = NS_PER_HOUR


def a_trip(net_pnl: str = "10.00", **changes: Any) -> RoundTrip:
    """Long 10,000 EURUSD from Tuesday 10:00 for an hour, which brought `net_pnl`; amounts are written as text."""
    plain: dict[str, Any] = {
        "round_trip_id": 1, "account_id": LOGIN, "symbol": "EURUSD", "side": "LONG", "quantity": "10000",
        "entry_price": "1.10000", "exit_price": "1.10100", "opened_at": TUESDAY_10H, "closed_at": TUESDAY_10H + HOUR,
        "currency": "USD", "gross_pnl": net_pnl, "net_pnl": net_pnl, "traded_value": "22010",
    }  # fmt: skip
    return RoundTrip(**typed(RoundTrip, plain | changes))


def money(text: str) -> Decimal:
    """An amount."""
    return Decimal(text)
