"""The words of this door, from the house's: statuses, sources and codes of refusals, directions of signals."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from tradehall.app.records.deployments import DeploymentState
from tradehall.domain.order import WORKING, Order, OrderStatus
from tradehall.domain.rejection import RejectCode
from tradehall.faces.kit import BadRequest
from tradehall.ports.house_views import OrderEnd, end_of

PENDING: Final = "PENDING"
ACCEPTED: Final = "ACCEPTED"
TRIGGERED: Final = "TRIGGERED"
SUBMITTED: Final = "SUBMITTED"

_OF_STATUS: Final = {
    OrderStatus.PENDING: PENDING,
    OrderStatus.OPEN: ACCEPTED,
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
}
assert _OF_STATUS.keys() == WORKING
_OF_END: Final = {
    OrderEnd.FILLED: "FILLED",
    OrderEnd.CANCELLED: "CANCELED",
    OrderEnd.EXPIRED: "EXPIRED",
    OrderEnd.REJECTED: "REJECTED",
    OrderEnd.DENIED: "DENIED",
}
assert _OF_END.keys() == set(OrderEnd)

# What a filter may name: our words, those of engines of this kind, and another spelling of one. Words for moments
# that no order of ours is ever seen in find nothing.
FILTER_WORDS: Final[dict[str, str]] = {
    **{word: word for word in (*_OF_STATUS.values(), TRIGGERED, *_OF_END.values())},
    SUBMITTED: PENDING,
    "CANCELLED": "CANCELED",
    **dict.fromkeys(("INITIALIZED", "EMULATED", "RELEASED", "PENDING_UPDATE", "PENDING_CANCEL"), ""),
}


def status_word(order: Order) -> str:
    """Where an order is in its life."""
    if order.status not in WORKING:
        return _OF_END[end_of(order)]
    if order.is_triggered and order.status is OrderStatus.OPEN:
        return TRIGGERED
    return _OF_STATUS[order.status]


def engine_status(order: Order) -> str:
    """The same in the engine's finer words."""
    word = status_word(order)
    return SUBMITTED if word == PENDING else word


class Statuses(NamedTuple):
    """A status filter, as the house looks for it; `is_triggered` as in HouseOrderWish."""

    working: frozenset[OrderStatus]
    is_triggered: bool | None
    ends: frozenset[OrderEnd] | None


EVERYTHING: Final = Statuses(WORKING, None, None)


def statuses(texts: Iterable[str]) -> Statuses:
    """A filter of words, repeated or separated by commas, in any case; none of them: everything."""
    words = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not words:
        return EVERYTHING
    wanted = {_filter_word(word) for word in words}
    working = {status for status, word in _OF_STATUS.items() if word in wanted}
    ends = frozenset(end for end, word in _OF_END.items() if word in wanted)
    is_triggered = None
    if (TRIGGERED in wanted) is not (ACCEPTED in wanted):
        is_triggered = TRIGGERED in wanted
        working.add(OrderStatus.OPEN)
    return Statuses(frozenset(working), is_triggered, ends)


def _filter_word(text: str) -> str:
    found = FILTER_WORDS.get(text.upper())
    if found is None:
        known = ", ".join(sorted(FILTER_WORDS))
        raise BadRequest("status", f"status was {text[:40]!r}, must be one of {known}", found=text[:40], place="query")
    return found


class Refusal(NamedTuple):
    """Who said no, and the code that this door has for it."""

    source: str
    code: str


_BUDGET, _RISK, _ENGINE, _VENUE = "BUDGET", "RISK", "ENGINE", "VENUE"
_SAME: Final = {
    _ENGINE: (
        RejectCode.ACCOUNT_UNKNOWN, RejectCode.ACCOUNT_DISABLED, RejectCode.ACCOUNT_READ_ONLY,
        RejectCode.ACCOUNT_CLOSE_ONLY, RejectCode.ACCOUNT_EXISTS, RejectCode.IDEMPOTENCY_MISMATCH,
        RejectCode.STRATEGY_UNKNOWN, RejectCode.MARKET_CLOSED, RejectCode.QUOTE_MISSING, RejectCode.QUOTE_STALE,
        RejectCode.DISPLAY_QUANTITY_INVALID, RejectCode.PRICE_MISSING, RejectCode.PRICE_NOT_ALLOWED,
        RejectCode.PRICE_NOT_POSITIVE, RejectCode.PRICE_WRONG_SIDE, RejectCode.EXITS_WRONG_SIDE,
        RejectCode.TRAILING_INVALID, RejectCode.TIME_IN_FORCE_INVALID, RejectCode.PRICE_DEVIATES,
        RejectCode.POST_ONLY_WOULD_TAKE, RejectCode.POSITION_UNKNOWN, RejectCode.POSITION_SIDE,
        RejectCode.MARGIN_MODE_MISMATCH, RejectCode.HEDGE_PROHIBITED, RejectCode.OLDER_POSITION_FIRST,
        RejectCode.PARTIAL_CLOSE_PROHIBITED, RejectCode.REMAINDER_TOO_SMALL, RejectCode.CONVERSION_MISSING,
        RejectCode.ORDER_UNKNOWN, RejectCode.ORDER_ENDED, RejectCode.QUANTITY_BELOW_FILLED,
        RejectCode.AMEND_NOT_ALLOWED, RejectCode.EXIT_LEG_MISSING,
    ),
    _RISK: (
        RejectCode.TRADING_HALTED, RejectCode.TRADING_REDUCING, RejectCode.ORDER_RATE_EXCEEDED,
        RejectCode.TOO_MANY_POSITIONS, RejectCode.TOO_MANY_ORDERS, RejectCode.LEVERAGE_TOO_HIGH,
    ),
    _BUDGET: (
        RejectCode.BUDGET_UNPRICED, RejectCode.BUDGET_NOT_CONFIGURED, RejectCode.BUDGET_EXCEEDED,
        RejectCode.BUDGET_UNKNOWN, RejectCode.BUDGET_IN_USE,
    ),
    _VENUE: (RejectCode.VENUE_REJECTED,),
}  # fmt: skip

REFUSALS: Final[dict[RejectCode, Refusal]] = {
    **{code: Refusal(source, code.value) for source, codes in _SAME.items() for code in codes},
    RejectCode.MARGIN_INSUFFICIENT: Refusal(_RISK, "NOTIONAL_EXCEEDS_FREE_BALANCE"),
    RejectCode.BALANCE_INSUFFICIENT: Refusal(_RISK, "CUM_NOTIONAL_EXCEEDS_FREE_BALANCE"),
    RejectCode.NOTIONAL_ABOVE_MAX: Refusal(_RISK, "NOTIONAL_GREATER_THAN_MAX_FOR_INSTRUMENT"),
    RejectCode.QUANTITY_ABOVE_MAX: Refusal(_RISK, "QUANTITY_EXCEEDS_MAXIMUM"),
    RejectCode.QUANTITY_BELOW_MIN: Refusal(_RISK, "QUANTITY_BELOW_MINIMUM"),
    RejectCode.QUANTITY_STEP: Refusal(_ENGINE, "QUANTITY_PRECISION"),
    RejectCode.PRICE_OFF_TICK: Refusal(_ENGINE, "PRICE_PRECISION"),
    RejectCode.EXPIRY_IN_PAST: Refusal(_ENGINE, "GTD_EXPIRED"),
    RejectCode.SYMBOL_UNKNOWN: Refusal(_ENGINE, "INSTRUMENT_NOT_FOUND"),
    RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE: Refusal(_RISK, "REDUCE_ONLY_WOULD_INCREASE"),
}
assert REFUSALS.keys() == set(RejectCode), f"no row for {set(RejectCode) ^ REFUSALS.keys()}"

# A deployment's state as that of its strategy; the first of these that any deployment is in.
STRATEGY_WORDS: Final = {
    DeploymentState.RUNNING: "RUNNING",
    DeploymentState.STARTING: "RUNNING",
    DeploymentState.PAUSED: "DEGRADED",
    DeploymentState.STOPPING: "DEGRADED",
    DeploymentState.FAILED: "FAULTED",
    DeploymentState.STOPPED: "STOPPED",
}
assert STRATEGY_WORDS.keys() == set(DeploymentState)
STRATEGY_STATUSES: Final = ("INITIALIZED", "RUNNING", "STOPPED", "DEGRADED", "FAULTED")
