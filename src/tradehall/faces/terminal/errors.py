"""How the terminal door says no: `{"success": false, "error": "text", "code": "WORD"}`, for every status."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.domain.money import ONE
from tradehall.domain.order import Order
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.faces.kit import STATUS, BadRequest, Problem, ProblemKind, Request, Response, json_response, plain
from tradehall.faces.terminal.schemas import Error

STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "INVALID_PARAMETER": 400,
    "INVALID_VOLUME": 400,
    "INVALID_STOPS": 400,
    "INVALID_PRICE": 400,
    "INVALID_EXPIRATION": 400,
    "INSUFFICIENT_MARGIN": 400,
    "MARKET_CLOSED": 400,
    "TRADE_DISABLED": 400,
    "NO_QUOTE": 400,
    "HEDGE_PROHIBITED": 400,
    "TOO_MANY_ORDERS": 400,
    "ALREADY_CLOSED": 400,
    "REJECTED": 400,
    "IDEMPOTENCY_MISMATCH": 400,
    "UNAUTHORIZED": 401,
    "INVALID_API_KEY": 403,
    "SCOPE_DENIED": 403,
    "FORBIDDEN": 403,
    "SYMBOL_NOT_FOUND": 404,
    "POSITION_NOT_FOUND": 404,
    "ORDER_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "PAYLOAD_TOO_LARGE": 413,
    "URI_TOO_LONG": 414,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "UPGRADE_REQUIRED": 426,
    "RATE_LIMITED": 429,
    "HEADERS_TOO_LARGE": 431,
    "INTERNAL_ERROR": 500,
    "TIMEOUT": 500,
    "NOT_CONNECTED": 503,
}

CODE_OF_KIND: Final[Mapping[ProblemKind, str]] = {
    ProblemKind.MALFORMED: "INVALID_PARAMETER",
    ProblemKind.INVALID: "INVALID_PARAMETER",
    ProblemKind.UNAUTHENTICATED: "UNAUTHORIZED",
    ProblemKind.FORBIDDEN: "FORBIDDEN",
    ProblemKind.FOREIGN_ORIGIN: "FORBIDDEN",
    ProblemKind.NOT_FOUND: "NOT_FOUND",
    ProblemKind.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    ProblemKind.CONFLICT: "REJECTED",
    ProblemKind.BODY_TOO_LARGE: "PAYLOAD_TOO_LARGE",
    ProblemKind.URI_TOO_LONG: "URI_TOO_LONG",
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    ProblemKind.UPGRADE_REQUIRED: "UPGRADE_REQUIRED",
    ProblemKind.RATE_LIMITED: "RATE_LIMITED",
    ProblemKind.HEADERS_TOO_LARGE: "HEADERS_TOO_LARGE",
    ProblemKind.INTERNAL: "INTERNAL_ERROR",
    ProblemKind.UNAVAILABLE: "NOT_CONNECTED",
}
assert CODE_OF_KIND.keys() == set(ProblemKind)

NOT_CONNECTED: Final = "Not connected to trading server"


class Refusal(Struct, frozen=True, gc=False):
    """What a RejectCode is here: the door's code, and its text, which names numbers of the rejection.

    `{message}` is the engine's own sentence. Numbers of VOLUMES are shown in lots.
    """

    code: str
    text: str


# What the engine's sentences call fields that have another name here.
FIELDS: Final = {"stop_loss": "sl", "take_profit": "tp", "limit_price": "price", "stop_price": "price"}
VOLUMES: Final = frozenset(
    {"quantity", "quantity_min", "quantity_max", "quantity_step", "display_quantity", "filled_quantity", "remainder"}
)
# Of these codes the number that would have passed is a volume too.
_VOLUME_CODES: Final = frozenset({"INVALID_VOLUME"})

REFUSALS: Final[Mapping[RejectCode, Refusal]] = {
    RejectCode.ACCOUNT_UNKNOWN: Refusal("NOT_FOUND", "Account not found"),
    RejectCode.ACCOUNT_DISABLED: Refusal("TRADE_DISABLED", "Trading is disabled: the account is disabled"),
    RejectCode.ACCOUNT_READ_ONLY: Refusal("TRADE_DISABLED", "Trading is disabled: the account is read-only"),
    RejectCode.ACCOUNT_CLOSE_ONLY: Refusal("TRADE_DISABLED", "Trading is disabled: positions can only be closed"),
    RejectCode.ACCOUNT_EXISTS: Refusal("REJECTED", "The account exists already"),
    RejectCode.IDEMPOTENCY_MISMATCH: Refusal(
        "IDEMPOTENCY_MISMATCH", "The client_order_id was used before for another request"
    ),
    RejectCode.STRATEGY_UNKNOWN: Refusal("NOT_FOUND", "Strategy not found"),
    RejectCode.SYMBOL_UNKNOWN: Refusal("SYMBOL_NOT_FOUND", "Symbol not found"),
    RejectCode.MARKET_CLOSED: Refusal("MARKET_CLOSED", "Market is closed"),
    RejectCode.QUOTE_MISSING: Refusal("NO_QUOTE", "No quote yet"),
    RejectCode.QUOTE_STALE: Refusal("NO_QUOTE", "No quote: the last one is too old"),
    RejectCode.QUANTITY_BELOW_MIN: Refusal(
        "INVALID_VOLUME", "Invalid volume: {quantity} is below the minimum {would_pass}"
    ),
    RejectCode.QUANTITY_ABOVE_MAX: Refusal(
        "INVALID_VOLUME", "Invalid volume: {quantity} is above the maximum {quantity_max}"
    ),
    RejectCode.QUANTITY_STEP: Refusal(
        "INVALID_VOLUME", "Invalid volume: {quantity} is not a multiple of {quantity_step}"
    ),
    RejectCode.DISPLAY_QUANTITY_INVALID: Refusal("INVALID_VOLUME", "Invalid volume: {display_quantity} to be shown"),
    RejectCode.NOTIONAL_ABOVE_MAX: Refusal("INVALID_VOLUME", "Invalid volume: the order is worth too much"),
    RejectCode.PRICE_MISSING: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.PRICE_NOT_ALLOWED: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.PRICE_NOT_POSITIVE: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.PRICE_OFF_TICK: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.PRICE_WRONG_SIDE: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.EXITS_WRONG_SIDE: Refusal("INVALID_STOPS", "Invalid stops: {message}"),
    RejectCode.TRAILING_INVALID: Refusal("INVALID_PRICE", "Invalid price: {message}"),
    RejectCode.TIME_IN_FORCE_INVALID: Refusal("INVALID_EXPIRATION", "Invalid expiration: {message}"),
    RejectCode.EXPIRY_IN_PAST: Refusal("INVALID_EXPIRATION", "Invalid expiration: it is not in the future"),
    RejectCode.PRICE_DEVIATES: Refusal("REJECTED", "The price {price} is off by more than the deviation"),
    RejectCode.POST_ONLY_WOULD_TAKE: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE: Refusal("REJECTED", "Rejected: nothing to reduce"),
    RejectCode.POSITION_UNKNOWN: Refusal("POSITION_NOT_FOUND", "Position {position_id} not found"),
    RejectCode.POSITION_SIDE: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.MARGIN_MODE_MISMATCH: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.HEDGE_PROHIBITED: Refusal("HEDGE_PROHIBITED", "Hedging is prohibited: position {position_id} is open"),
    RejectCode.TOO_MANY_POSITIONS: Refusal("TOO_MANY_ORDERS", "Too many positions: at most {positions_max}"),
    RejectCode.OLDER_POSITION_FIRST: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.PARTIAL_CLOSE_PROHIBITED: Refusal("INVALID_VOLUME", "Invalid volume: only {would_pass} can be closed"),
    RejectCode.REMAINDER_TOO_SMALL: Refusal("INVALID_VOLUME", "Invalid volume: {remainder} would be left, too little"),
    RejectCode.LEVERAGE_TOO_HIGH: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.TOO_MANY_ORDERS: Refusal("TOO_MANY_ORDERS", "Too many orders"),
    RejectCode.CONVERSION_MISSING: Refusal("NO_QUOTE", "No quote to convert to the account's currency"),
    RejectCode.MARGIN_INSUFFICIENT: Refusal("INSUFFICIENT_MARGIN", "Insufficient margin"),
    RejectCode.BALANCE_INSUFFICIENT: Refusal("INSUFFICIENT_MARGIN", "Insufficient margin"),
    RejectCode.TRADING_HALTED: Refusal("TRADE_DISABLED", "Trading is disabled: {message}"),
    RejectCode.TRADING_REDUCING: Refusal("TRADE_DISABLED", "Trading is disabled: {message}"),
    RejectCode.ORDER_RATE_EXCEEDED: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.BUDGET_UNPRICED: Refusal("NO_QUOTE", "No quote yet"),
    RejectCode.BUDGET_NOT_CONFIGURED: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.BUDGET_EXCEEDED: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.BUDGET_UNKNOWN: Refusal("NOT_FOUND", "Budget not found"),
    RejectCode.BUDGET_IN_USE: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.ORDER_UNKNOWN: Refusal("ORDER_NOT_FOUND", "Order not found"),
    RejectCode.ORDER_ENDED: Refusal("ALREADY_CLOSED", "The order has ended already"),
    RejectCode.QUANTITY_BELOW_FILLED: Refusal("INVALID_VOLUME", "Invalid volume: {filled_quantity} has filled already"),
    RejectCode.AMEND_NOT_ALLOWED: Refusal("REJECTED", "Rejected: {message}"),
    RejectCode.EXIT_LEG_MISSING: Refusal("INVALID_STOPS", "Invalid stops: {message}"),
    RejectCode.VENUE_REJECTED: Refusal("REJECTED", "Rejected: {message}"),
}
assert REFUSALS.keys() == set(RejectCode), f"no row for {set(RejectCode) ^ REFUSALS.keys()}"
assert all(refusal.code in STATUS_OF_CODE for refusal in REFUSALS.values())

_IDENTITY: Final[Mapping[IdentityCode, str]] = dict.fromkeys(IdentityCode, "REJECTED") | {
    IdentityCode.INVALID_FIELD: "INVALID_PARAMETER",
    IdentityCode.KEY_NOT_FOUND: "NOT_FOUND",
    IdentityCode.KEY_CLOSED: "ALREADY_CLOSED",
    IdentityCode.USER_DISABLED: "FORBIDDEN",
}


class TerminalProblem(Problem):
    """A refusal in the terminal's own words; its code decides the status."""

    def __init__(self, code: str, message: str, detail: str | None = None) -> None:
        details = None if detail is None else {"detail": detail}
        super().__init__(_KIND_OF_STATUS[STATUS_OF_CODE[code]], message, code=code, details=details)


# Kinds are the kit's; a status that several of them have goes under the first.
_KIND_OF_STATUS: Final = {STATUS[kind]: kind for kind in reversed(ProblemKind) if STATUS[kind] != 409}


def refusal_of(rejection: Rejection, contract_size: Decimal = ONE) -> TerminalProblem:
    """The engine's no in the door's words; `contract_size` of the symbol turns its units into lots."""
    refusal = REFUSALS[rejection.code]
    return TerminalProblem(refusal.code, _text(refusal, rejection, contract_size))


def refusal_of_order(order: Order, contract_size: Decimal) -> TerminalProblem:
    """The refusal that an order was listed with: the first answer, also when it is asked for again."""
    assert order.reject_code is not None, f"order {order.order_id} was not refused"
    numbers = {name: Decimal(text) for name, text in (order.reject_numbers or {}).items()}
    return refusal_of(Rejection(RejectCode(order.reject_code), order.reject_message or "", numbers), contract_size)


def _text(refusal: Refusal, rejection: Rejection, contract_size: Decimal) -> str:
    message = rejection.message
    for field, here in FIELDS.items():
        message = message.replace(field, here)
    words = _Words(message=message)
    for name, number in rejection.numbers.items():
        is_volume = name in VOLUMES or (name == "would_pass" and refusal.code in _VOLUME_CODES)
        words[name] = shown(number / contract_size if is_volume else number)
    return refusal.text.format_map(words)


def shown(number: Decimal) -> str:
    """A number for people: plain, without trailing zeros."""
    return plain(number.normalize())


class _Words(dict[str, str]):
    """What a refusal's text names. A number that the engine had no use for is not worth failing for."""

    def __missing__(self, name: str) -> str:
        return "what is allowed"


def refusal_of_identity(refused: IdentityRefused) -> Problem:
    """A refusal about keys."""
    if refused.field:
        return BadRequest(refused.field, refused.message)
    return TerminalProblem(_IDENTITY[refused.code], _sentence(refused.message))


def position_not_found(ticket: object) -> TerminalProblem:
    """No such open position on this account."""
    return TerminalProblem("POSITION_NOT_FOUND", f"Position {ticket} not found")


def order_not_found(ticket: object) -> TerminalProblem:
    """No such order on this account."""
    return TerminalProblem("ORDER_NOT_FOUND", f"Order {ticket} not found")


def symbol_not_found(symbol: str) -> TerminalProblem:
    """No instrument has this name."""
    return TerminalProblem("SYMBOL_NOT_FOUND", f"Symbol {symbol} not found")


class TerminalErrors:
    """The terminal's ErrorDialect."""

    body: type = Error

    def status(self, kind: ProblemKind) -> int:
        """The status of this door's answers; it has no 409."""
        return STATUS_OF_CODE[CODE_OF_KIND[kind]]

    def render(self, problem: Problem, request: Request) -> Response:
        """The error body."""
        code = problem.code or CODE_OF_KIND[problem.kind]
        error, detail = problem.message, (problem.details or {}).get("detail")
        if isinstance(problem, BadRequest):
            error, detail = f"Invalid parameter: {problem.field or problem.place}", problem.message
        elif problem.code is None and problem.kind is ProblemKind.MALFORMED:
            error, detail = "Invalid parameter: body", problem.message
        elif problem.code is None and problem.kind is ProblemKind.UNAVAILABLE:
            error, detail = NOT_CONNECTED, problem.message
        body = Error(False, error, code, None if detail is None else str(detail))
        return json_response(body, STATUS_OF_CODE[code], code=code)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
