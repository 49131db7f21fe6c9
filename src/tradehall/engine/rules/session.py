"""Claims about the market: is it open, does it quote, is the quote fresh?"""

from decimal import Decimal
from typing import Final

from tradehall.domain.calendar import is_open
from tradehall.domain.order import OrderType, TimeInForce
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.traits import MARKET, TIMED, TRAILING_STOP, about

_MARKET: Final = OrderType.MARKET
_AT_ONCE: Final = frozenset({TimeInForce.IOC, TimeInForce.FOK})


@about(MARKET | TIMED)
def session_is_open(draft: OrderDraft) -> Rejection | None:
    """Orders that must execute now need an open session; others may rest until it opens."""
    if is_open(draft.instrument.sessions, draft.context.now) or not _executes_now(draft):
        return None
    return Rejection(RejectCode.MARKET_CLOSED, f"the market of {draft.terms.symbol} is closed")


@about(MARKET | TRAILING_STOP | TIMED)
def quote_is_known(draft: OrderDraft) -> Rejection | None:
    """Orders that are priced by the market need a quote."""
    if draft.quote is not None or not (_executes_now(draft) or draft.reference_price is None):
        return None
    return Rejection(RejectCode.QUOTE_MISSING, f"there is no quote of {draft.terms.symbol} yet")


@about(MARKET | TIMED)
def quote_is_fresh(draft: OrderDraft) -> Rejection | None:
    """Orders that must execute now need a quote that is not too old."""
    if draft.quote is None or not _executes_now(draft):
        return None
    age, most = draft.context.now - draft.quote.received_at, draft.instrument.quote_age_ns_max
    if age <= most:
        return None
    return Rejection(
        RejectCode.QUOTE_STALE,
        f"the last quote of {draft.terms.symbol} is {age} ns old, at most {most} are allowed",
        {"quote_age_ns": Decimal(age), "quote_age_ns_max": Decimal(most)},
    )


def _executes_now(draft: OrderDraft) -> bool:
    """Whether an order needs a live market now."""
    return draft.terms.type is _MARKET or draft.terms.time_in_force in _AT_ONCE
