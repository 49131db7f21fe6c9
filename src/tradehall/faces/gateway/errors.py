"""How the gateway says no: flat `{code, message, details}`, for every status and every path."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.faces.gateway.schemas import Error, RejectReason
from tradehall.faces.kit import (
    STATUS,
    BadRequest,
    Problem,
    ProblemKind,
    RateLimited,
    Request,
    Response,
    json_response,
)

STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "INVALID_REQUEST": 400,
    "INVALID_VALUE": 400,
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "ORDER_NOT_FOUND": 404,
    "POSITION_NOT_FOUND": 404,
    "SYMBOL_NOT_FOUND": 404,
    "STRATEGY_NOT_FOUND": 404,
    "OCO_GROUP_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "ORDER_NOT_MODIFIABLE": 409,
    "IDEMPOTENCY_MISMATCH": 409,
    "RESET_COOLDOWN": 409,
    "PAYLOAD_TOO_LARGE": 413,
    "URI_TOO_LONG": 414,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "ORDER_REJECTED": 422,
    "UPGRADE_REQUIRED": 426,
    "RATE_LIMITED": 429,
    "HEADERS_TOO_LARGE": 431,
    "INTERNAL_ERROR": 500,
    "UNSUPPORTED_OPERATION": 501,
    "PROVIDER_ERROR": 502,
    "PROVIDER_UNAVAILABLE": 503,
    "SHUTTING_DOWN": 503,
}

CODE_OF_KIND: Final[Mapping[ProblemKind, str]] = {
    ProblemKind.MALFORMED: "INVALID_REQUEST",
    ProblemKind.INVALID: "INVALID_REQUEST",
    ProblemKind.UNAUTHENTICATED: "UNAUTHORIZED",
    ProblemKind.FORBIDDEN: "FORBIDDEN",
    ProblemKind.FOREIGN_ORIGIN: "FORBIDDEN",
    ProblemKind.NOT_FOUND: "NOT_FOUND",
    ProblemKind.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    ProblemKind.CONFLICT: "CONFLICT",
    ProblemKind.BODY_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    ProblemKind.URI_TOO_LONG: "URI_TOO_LONG",
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    ProblemKind.UPGRADE_REQUIRED: "UPGRADE_REQUIRED",
    ProblemKind.RATE_LIMITED: "RATE_LIMITED",
    ProblemKind.HEADERS_TOO_LARGE: "HEADERS_TOO_LARGE",
    ProblemKind.INTERNAL: "INTERNAL_ERROR",
    ProblemKind.UNAVAILABLE: "PROVIDER_UNAVAILABLE",
}
assert CODE_OF_KIND.keys() == set(ProblemKind)
assert all(STATUS_OF_CODE[code] == STATUS[kind] for kind, code in CODE_OF_KIND.items())


class Refusal(Struct, frozen=True, gc=False):
    """What a RejectCode is here when a request is refused without an order: the gateway's code.

    A refused *order* is always 422 ORDER_REJECTED, with `reject_code` and `reject_reason` in the details.
    """

    code: str
    reject_code: str
    reason: RejectReason


_R = RejectReason

REFUSALS: Final[Mapping[RejectCode, Refusal]] = {
    # our reason                              refused request         reject_code               reject_reason
    RejectCode.ACCOUNT_UNKNOWN: Refusal("FORBIDDEN", "ACCOUNT_UNKNOWN", _R.UNKNOWN),
    RejectCode.ACCOUNT_DISABLED: Refusal("ORDER_REJECTED", "ACCOUNT_DISABLED", _R.UNKNOWN),
    RejectCode.ACCOUNT_READ_ONLY: Refusal("ORDER_REJECTED", "ACCOUNT_READ_ONLY", _R.UNKNOWN),
    RejectCode.ACCOUNT_CLOSE_ONLY: Refusal("ORDER_REJECTED", "ACCOUNT_CLOSE_ONLY", _R.UNKNOWN),
    RejectCode.ACCOUNT_EXISTS: Refusal("CONFLICT", "ACCOUNT_EXISTS", _R.UNKNOWN),
    RejectCode.IDEMPOTENCY_MISMATCH: Refusal("IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_MISMATCH", _R.UNKNOWN),
    RejectCode.STRATEGY_UNKNOWN: Refusal("STRATEGY_NOT_FOUND", "STRATEGY_UNKNOWN", _R.UNKNOWN),
    RejectCode.SYMBOL_UNKNOWN: Refusal("SYMBOL_NOT_FOUND", "INVALID_SYMBOL", _R.SYMBOL_NOT_TRADEABLE),
    RejectCode.MARKET_CLOSED: Refusal("ORDER_REJECTED", "MARKET_CLOSED", _R.MARKET_CLOSED),
    RejectCode.QUOTE_MISSING: Refusal("ORDER_REJECTED", "QUOTE_MISSING", _R.SYMBOL_NOT_TRADEABLE),
    RejectCode.QUOTE_STALE: Refusal("ORDER_REJECTED", "QUOTE_STALE", _R.SYMBOL_NOT_TRADEABLE),
    RejectCode.QUANTITY_BELOW_MIN: Refusal("INVALID_VALUE", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.QUANTITY_ABOVE_MAX: Refusal("INVALID_VALUE", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.QUANTITY_STEP: Refusal("INVALID_VALUE", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.DISPLAY_QUANTITY_INVALID: Refusal("INVALID_VALUE", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.NOTIONAL_ABOVE_MAX: Refusal("ORDER_REJECTED", "NOTIONAL_ABOVE_MAX", _R.INVALID_QUANTITY),
    RejectCode.PRICE_MISSING: Refusal("INVALID_VALUE", "PRICE_MISSING", _R.INVALID_PRICE),
    RejectCode.PRICE_NOT_ALLOWED: Refusal("INVALID_VALUE", "PRICE_NOT_ALLOWED", _R.INVALID_PRICE),
    RejectCode.PRICE_NOT_POSITIVE: Refusal("INVALID_VALUE", "PRICE_NOT_POSITIVE", _R.INVALID_PRICE),
    RejectCode.PRICE_OFF_TICK: Refusal("INVALID_VALUE", "PRICE_OFF_TICK", _R.INVALID_PRICE),
    RejectCode.PRICE_WRONG_SIDE: Refusal("INVALID_VALUE", "PRICE_WRONG_SIDE", _R.INVALID_PRICE),
    RejectCode.EXITS_WRONG_SIDE: Refusal("INVALID_VALUE", "EXITS_WRONG_SIDE", _R.INVALID_PRICE),
    RejectCode.TRAILING_INVALID: Refusal("INVALID_VALUE", "TRAILING_INVALID", _R.INVALID_PRICE),
    RejectCode.TIME_IN_FORCE_INVALID: Refusal("INVALID_VALUE", "TIME_IN_FORCE_INVALID", _R.UNKNOWN),
    RejectCode.EXPIRY_IN_PAST: Refusal("INVALID_VALUE", "EXPIRY_IN_PAST", _R.UNKNOWN),
    RejectCode.PRICE_DEVIATES: Refusal("ORDER_REJECTED", "PRICE_DEVIATES", _R.INVALID_PRICE),
    RejectCode.POST_ONLY_WOULD_TAKE: Refusal("ORDER_REJECTED", "POST_ONLY_WOULD_TAKE", _R.POST_ONLY_VIOLATED),
    RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE: Refusal(
        "ORDER_REJECTED", "REDUCE_ONLY_NOTHING_TO_REDUCE", _R.REDUCE_ONLY_VIOLATED
    ),
    RejectCode.POSITION_UNKNOWN: Refusal("POSITION_NOT_FOUND", "POSITION_UNKNOWN", _R.UNKNOWN),
    RejectCode.POSITION_SIDE: Refusal("ORDER_REJECTED", "POSITION_SIDE", _R.REDUCE_ONLY_VIOLATED),
    RejectCode.MARGIN_MODE_MISMATCH: Refusal("ORDER_REJECTED", "MARGIN_MODE_MISMATCH", _R.UNKNOWN),
    RejectCode.HEDGE_PROHIBITED: Refusal("ORDER_REJECTED", "HEDGE_PROHIBITED", _R.UNKNOWN),
    RejectCode.TOO_MANY_POSITIONS: Refusal("ORDER_REJECTED", "TOO_MANY_POSITIONS", _R.UNKNOWN),
    RejectCode.OLDER_POSITION_FIRST: Refusal("ORDER_REJECTED", "OLDER_POSITION_FIRST", _R.UNKNOWN),
    RejectCode.PARTIAL_CLOSE_PROHIBITED: Refusal("ORDER_REJECTED", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.REMAINDER_TOO_SMALL: Refusal("ORDER_REJECTED", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.LEVERAGE_TOO_HIGH: Refusal("ORDER_REJECTED", "LEVERAGE_TOO_HIGH", _R.UNKNOWN),
    RejectCode.TOO_MANY_ORDERS: Refusal("ORDER_REJECTED", "TOO_MANY_ORDERS", _R.RATE_LIMITED),
    RejectCode.CONVERSION_MISSING: Refusal("ORDER_REJECTED", "CONVERSION_MISSING", _R.SYMBOL_NOT_TRADEABLE),
    RejectCode.MARGIN_INSUFFICIENT: Refusal("ORDER_REJECTED", "INSUFFICIENT_FUNDS", _R.INSUFFICIENT_MARGIN),
    RejectCode.BALANCE_INSUFFICIENT: Refusal("ORDER_REJECTED", "INSUFFICIENT_FUNDS", _R.INSUFFICIENT_BALANCE),
    RejectCode.TRADING_HALTED: Refusal("ORDER_REJECTED", "TRADING_HALTED", _R.UNKNOWN),
    RejectCode.TRADING_REDUCING: Refusal("ORDER_REJECTED", "TRADING_REDUCING", _R.UNKNOWN),
    RejectCode.ORDER_RATE_EXCEEDED: Refusal("ORDER_REJECTED", "ORDER_RATE_EXCEEDED", _R.RATE_LIMITED),
    RejectCode.BUDGET_UNPRICED: Refusal("ORDER_REJECTED", "BUDGET_UNPRICED", _R.SYMBOL_NOT_TRADEABLE),
    RejectCode.BUDGET_NOT_CONFIGURED: Refusal("ORDER_REJECTED", "BUDGET_NOT_CONFIGURED", _R.INSUFFICIENT_BALANCE),
    RejectCode.BUDGET_EXCEEDED: Refusal("ORDER_REJECTED", "BUDGET_EXCEEDED", _R.INSUFFICIENT_BALANCE),
    RejectCode.BUDGET_UNKNOWN: Refusal("STRATEGY_NOT_FOUND", "BUDGET_UNKNOWN", _R.UNKNOWN),
    RejectCode.BUDGET_IN_USE: Refusal("CONFLICT", "BUDGET_IN_USE", _R.UNKNOWN),
    RejectCode.ORDER_UNKNOWN: Refusal("ORDER_NOT_FOUND", "ORDER_UNKNOWN", _R.UNKNOWN),
    RejectCode.ORDER_ENDED: Refusal("ORDER_NOT_MODIFIABLE", "ORDER_ENDED", _R.UNKNOWN),
    RejectCode.QUANTITY_BELOW_FILLED: Refusal("INVALID_VALUE", "INVALID_QUANTITY", _R.INVALID_QUANTITY),
    RejectCode.AMEND_NOT_ALLOWED: Refusal("ORDER_NOT_MODIFIABLE", "AMEND_NOT_ALLOWED", _R.UNKNOWN),
    RejectCode.EXIT_LEG_MISSING: Refusal("ORDER_NOT_MODIFIABLE", "EXIT_LEG_MISSING", _R.UNKNOWN),
    RejectCode.VENUE_REJECTED: Refusal("ORDER_REJECTED", "VENUE_REJECTED", _R.UNKNOWN),
}
assert REFUSALS.keys() == set(RejectCode), f"no row for {set(RejectCode) ^ REFUSALS.keys()}"
assert all(refusal.code in STATUS_OF_CODE for refusal in REFUSALS.values())


class GatewayProblem(Problem):
    """A refusal in the gateway's own words; its code decides the status."""

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(_KIND_OF_STATUS[STATUS_OF_CODE[code]], message, code=code, details=details)


# Kinds are the kit's; a status that none of them has goes under the nearest.
_KIND_OF_STATUS: Final = dict.fromkeys(STATUS_OF_CODE.values(), ProblemKind.CONFLICT) | {
    STATUS[kind]: kind for kind in ProblemKind
}


def bad_value(field: str, message: str, provided: object = None) -> GatewayProblem:
    """A value that the field, or the combination, does not allow."""
    text = None if provided is None else str(provided)
    return GatewayProblem("INVALID_VALUE", message, {"field": field, "provided": text})


def bad_word(field: str, found: str, words: object) -> BadRequest:
    """A word that is none of the closed list."""
    shown = found if len(found) <= 40 else found[:37] + "..."
    return BadRequest(field, f"{field} was {shown!r}, must be one of {words}", found=shown)


def order_not_found(text: str) -> GatewayProblem:
    """No such order on this account, whatever the id looks like."""
    return _not_found("ORDER_NOT_FOUND", "order", text)


def position_not_found(text: str) -> GatewayProblem:
    """No such open position on this account."""
    return _not_found("POSITION_NOT_FOUND", "position", text)


def strategy_not_found(text: str) -> GatewayProblem:
    """No such strategy of this account."""
    return _not_found("STRATEGY_NOT_FOUND", "strategy", text)


def symbol_not_found(symbol: str) -> GatewayProblem:
    """No instrument has this name."""
    return GatewayProblem("SYMBOL_NOT_FOUND", f"Symbol not found: {symbol}", {"symbol": symbol})


def _not_found(code: str, resource: str, text: str) -> GatewayProblem:
    message = f"{resource.capitalize()} not found: {text}"
    return GatewayProblem(code, message, {"resource": resource, "id": text})


class GatewayErrors:
    """The gateway's ErrorDialect. `on_rate_limit` is told of each request that was limited."""

    body: type = Error

    def __init__(self, on_rate_limit: Callable[[Request, int], None] | None = None) -> None:
        self._on_rate_limit = on_rate_limit

    def status(self, kind: ProblemKind) -> int:
        """Every kind has its usual status here: a malformed body is 400, never 422."""
        return STATUS[kind]

    def render(self, problem: Problem, request: Request) -> Response:
        """The flat error body."""
        code = problem.code or _code_of(problem)
        details = _details_of(problem, request)
        if isinstance(problem, RateLimited) and self._on_rate_limit is not None:
            self._on_rate_limit(request, problem.retry_after_s)
        body = Error(code, without_secrets(problem.message), _clean(details))
        return json_response(body, STATUS_OF_CODE[code], code=code)


# The kit's words for a value of the right kind but the wrong size.
_SIZE_WORDS: Final = ("of length", "significant digits", "magnitude", "matching regex", " >= ", " <= ")


def _code_of(problem: Problem) -> str:
    if isinstance(problem, BadRequest) and any(word in problem.message for word in _SIZE_WORDS):
        return "VALIDATION_ERROR"
    return CODE_OF_KIND[problem.kind]


def _details_of(problem: Problem, request: Request) -> Any:
    if isinstance(problem, BadRequest):
        details = {"field": problem.field or None, "provided": problem.found}
        if _code_of(problem) == "VALIDATION_ERROR" and problem.field:
            details[problem.field] = problem.message
        return details
    if isinstance(problem, RateLimited):
        wait = problem.retry_after_s
        reset_at = to_rfc3339(request.received_at + wait * NS_PER_SECOND)
        return {"retry_after_seconds": wait, "reset_at": reset_at}
    return problem.details


_secret: Final = re.compile(
    r"(?i)(api[ _-]?key|secret|token|password|authorization)(\"?\s*[=:]\s*\"?)(?:bearer\s+)?[^\s\"&,;]+"
)


def without_secrets(text: str) -> str:
    """`text` with the values of `key=value` shaped secrets starred out."""
    return _secret.sub(r"\1\2***", text) if "=" in text or ":" in text else text


def _clean(details: Any) -> Any:
    if isinstance(details, str):
        return without_secrets(details)
    if isinstance(details, Mapping):
        return {key: _clean(value) for key, value in details.items()}
    return details
