"""Claims about the form of a wish: does it say all that its type needs, and nothing that contradicts?"""

from decimal import Decimal
from typing import Final

from tradehall.domain.money import HUNDRED, ZERO
from tradehall.domain.order import OrderTerms, TimeInForce, TrailingType
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine.draft import OrderDraft
from tradehall.engine.order_types import SHAPES
from tradehall.engine.traits import EXITS, PRICED, TIMED, TRAILING_STOP, UNUSUAL, WAITING, about

_PRICES: Final = ("limit_price", "stop_price", "trailing_distance", "stop_loss", "take_profit", "leverage")


@about(WAITING | UNUSUAL)
def prices_are_there(draft: OrderDraft) -> Rejection | None:
    """A LIMIT has its limit price, a STOP its stop price, a TRAILING_STOP its distance."""
    terms = draft.terms
    shape = SHAPES[terms.type]
    if shape.limit_price and terms.limit_price is None:
        return _price_missing(terms, "limit_price")
    if shape.stop_price and terms.stop_price is None:
        return _price_missing(terms, "stop_price")
    if shape.trailing_distance and (terms.trailing_distance is None or terms.trailing_type is None):
        name = "trailing_distance" if terms.trailing_distance is None else "trailing_type"
        return _price_missing(terms, name)
    return None


def _price_missing(terms: OrderTerms, name: str) -> Rejection:
    """An order has every price that its type needs."""
    return Rejection(RejectCode.PRICE_MISSING, f"{name} is required for {terms.type} orders")


@about(WAITING | UNUSUAL)
def prices_are_allowed(draft: OrderDraft) -> Rejection | None:
    """No price that the type does not know."""
    terms = draft.terms
    shape = SHAPES[terms.type]
    if terms.limit_price is not None and not shape.limit_price:
        return _price_not_allowed(terms, "limit_price", terms.limit_price)
    if terms.stop_price is not None and not shape.stop_price:
        return _price_not_allowed(terms, "stop_price", terms.stop_price)
    if terms.trailing_distance is not None and not shape.trailing_distance:
        return _price_not_allowed(terms, "trailing_distance", terms.trailing_distance)
    return None


def _price_not_allowed(terms: OrderTerms, name: str, value: Decimal) -> Rejection:
    """An order has no price that its type does not know."""
    return Rejection(RejectCode.PRICE_NOT_ALLOWED, f"{name} is not allowed on {terms.type} orders", {name: value})


@about(PRICED | EXITS | UNUSUAL)
def prices_are_positive(draft: OrderDraft) -> Rejection | None:
    """Every price, distance and leverage that is given is above zero."""
    terms = draft.terms
    for name in _PRICES:
        value: Decimal | None = getattr(terms, name)
        if value is not None and value <= ZERO:
            return Rejection(RejectCode.PRICE_NOT_POSITIVE, f"{name} was {value}, must be positive", {name: value})
    return None


@about(TRAILING_STOP)
def trailing_is_valid(draft: OrderDraft) -> Rejection | None:
    """A distance in percent stays below 100."""
    distance = draft.terms.trailing_distance
    if distance is None or draft.terms.trailing_type is not TrailingType.PERCENT or distance < HUNDRED:
        return None
    return Rejection(
        RejectCode.TRAILING_INVALID,
        f"trailing_distance was {distance} percent, must be below 100",
        {"trailing_distance": distance},
    )


@about(UNUSUAL)
def display_quantity_is_valid(draft: OrderDraft) -> Rejection | None:
    """An iceberg shows more than nothing and less than all, and its type can rest at a price."""
    terms = draft.terms
    shown = terms.display_quantity
    if shown is None or (0 < shown < terms.quantity and SHAPES[terms.type].may_be_displayed_in_part):
        return None
    return Rejection(
        RejectCode.DISPLAY_QUANTITY_INVALID,
        f"display_quantity was {shown}, must be above 0, below the quantity {terms.quantity}, on a limit order",
        {"display_quantity": shown, "quantity": terms.quantity},
    )


_GTD: Final = TimeInForce.GTD
_DAY: Final = TimeInForce.DAY


@about(TIMED | UNUSUAL)
def time_in_force_fits(draft: OrderDraft) -> Rejection | None:
    """GTD says until when, the others do not; post-only goes with orders that may rest at a price."""
    terms = draft.terms
    tif = terms.time_in_force
    if (tif is _GTD) != (terms.expires_at is not None) and tif is not _DAY:
        return Rejection(RejectCode.TIME_IN_FORCE_INVALID, f"time_in_force {tif} and an expiry do not fit together")
    if not terms.post_only:
        return None
    if not SHAPES[terms.type].may_be_post_only:
        return Rejection(RejectCode.TIME_IN_FORCE_INVALID, f"post_only is not allowed on {terms.type} orders")
    if tif in (TimeInForce.IOC, TimeInForce.FOK):
        return Rejection(RejectCode.TIME_IN_FORCE_INVALID, f"post_only and {tif} contradict each other")
    return None


@about(TIMED)
def expiry_is_ahead(draft: OrderDraft) -> Rejection | None:
    """An expiry lies in the future."""
    expires_at = draft.terms.expires_at
    if expires_at is None or expires_at > draft.context.now:
        return None
    return Rejection(
        RejectCode.EXPIRY_IN_PAST,
        "the expiry is not in the future",
        {"expires_at": Decimal(expires_at), "now": Decimal(draft.context.now)},
    )
