"""How the client door says no: `{error, message, code}`, for every status and every path."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.principal import TokenFault
from tradehall.app.records.alerts import AlertRefusal, AlertRefusalCode
from tradehall.domain.rejection import RejectCode, Rejection
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


class Error(Struct, frozen=True, omit_defaults=True):
    """A refusal: `error` for programs, `message` for people, `code` the number of a RET_* code."""

    error: str
    message: str = ""
    code: int = 0


STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "INVALID_DATA": 400,
    "INVALID_LOGIN": 400,
    "INVALID_USER": 400,
    "INVALID_TARGET_PRICE": 400,
    "INVALID_CHANNEL": 400,
    "INVALID_MOVE_THRESHOLD": 400,
    "INVALID_EXPIRES_AT": 400,
    "RET_INVALID_DATA": 400,
    "RET_TRADE_BAD_PRICES": 400,
    "RET_TRADE_BAD_STOPS": 400,
    "RET_TRADE_BAD_VOLUME": 400,
    "RET_TRADE_EXPIRATION_DENIED": 400,
    "RET_TRADE_NO_MONEY": 400,
    "INVALID_TOKEN": 401,
    "UPDATE_PASSWORD_ERROR": 401,
    "USER_DISABLED": 402,
    "PERMISSION_DENIED": 403,
    "SIGN_UP_DISABLED": 403,
    "USER_NOT_FOUND_OR_INCORRECT": 403,
    "MODIFY_TRADE_ERROR": 403,
    "RET_ACCOUNT_DISABLED": 403,
    "RET_TRADE_DISABLE": 403,
    "RET_TRADE_HEDGE_PROHIBITED": 403,
    "RET_TRADE_PROHIBITED_BY_FIFO": 403,
    "RET_TRADE_READ_ONLY": 403,
    "RET_TRADE_TOO_MANY_ORDERS": 403,
    "GROUP_NOT_FOUND": 404,
    "SCRIPT_NOT_FOUND": 404,
    "NOT_FOUND": 404,
    "RET_ERR_NOTFOUND": 404,
    "RET_SYMBOL_NOT_FOUND": 404,
    "RET_TRADE_INCORRECT_ORDER": 404,
    "METHOD_NOT_ALLOWED": 405,
    "RET_TRADE_INCORRECT_CMD": 409,
    "RET_TRADE_INCORRECT_STATE": 409,
    "RET_ERR_DUPLICATE": 409,
    "RET_TOO_FREQUENT": 429,
    "RET_ERROR": 500,
    "INVALID_ADD_SCRIPT": 500,
    "INVALID_UPDATE_SCRIPT": 500,
    "INVALID_ADD_SYMBOL_TO_MARKET_WATCH": 500,
    "RET_TRADE_MARKET_CLOSED": 503,
    "RET_TRADE_OFFQUOTES": 503,
    "RET_TRADE_BROKER_BUSY": 503,
}

# The numbers that go with RET_* codes; 135, price changed, is an OFFQUOTES of its own.
NUMBER_OF_CODE: Final[Mapping[str, int]] = {
    "RET_INVALID_DATA": 3,
    "RET_TOO_FREQUENT": 8,
    "RET_ERR_NOTFOUND": 23,
    "RET_ERR_DUPLICATE": 26,
    "RET_SYMBOL_NOT_FOUND": 34,
    "RET_ACCOUNT_DISABLED": 133,
    "RET_TRADE_BAD_PRICES": 129,
    "RET_TRADE_BAD_STOPS": 130,
    "RET_TRADE_BAD_VOLUME": 131,
    "RET_TRADE_MARKET_CLOSED": 132,
    "RET_TRADE_DISABLE": 133,
    "RET_TRADE_NO_MONEY": 134,
    "RET_TRADE_OFFQUOTES": 136,
    "RET_TRADE_EXPIRATION_DENIED": 152,
    "RET_TRADE_TOO_MANY_ORDERS": 153,
    "RET_TRADE_HEDGE_PROHIBITED": 154,
    "RET_TRADE_PROHIBITED_BY_FIFO": 155,
    "RET_TRADE_READ_ONLY": 160,
    "RET_TRADE_INCORRECT_STATE": 161,
    "RET_TRADE_INCORRECT_CMD": 162,
    "RET_TRADE_INCORRECT_ORDER": 163,
}
assert NUMBER_OF_CODE.keys() <= STATUS_OF_CODE.keys()
PRICE_CHANGED: Final = 135

CODE_OF_KIND: Final[Mapping[ProblemKind, str]] = {
    ProblemKind.MALFORMED: "INVALID_DATA",
    ProblemKind.INVALID: "INVALID_DATA",
    ProblemKind.UNAUTHENTICATED: "INVALID_TOKEN",
    ProblemKind.FORBIDDEN: "PERMISSION_DENIED",
    ProblemKind.FOREIGN_ORIGIN: "PERMISSION_DENIED",
    ProblemKind.NOT_FOUND: "NOT_FOUND",
    ProblemKind.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    ProblemKind.CONFLICT: "RET_ERR_DUPLICATE",
    ProblemKind.BODY_TOO_LARGE: "INVALID_DATA",
    ProblemKind.URI_TOO_LONG: "INVALID_DATA",
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: "INVALID_DATA",
    ProblemKind.UPGRADE_REQUIRED: "INVALID_DATA",
    ProblemKind.RATE_LIMITED: "RET_TOO_FREQUENT",
    ProblemKind.HEADERS_TOO_LARGE: "INVALID_DATA",
    ProblemKind.INTERNAL: "RET_ERROR",
    ProblemKind.UNAVAILABLE: "RET_TRADE_BROKER_BUSY",
}
assert CODE_OF_KIND.keys() == set(ProblemKind)

_KIND_OF_STATUS: Final = {STATUS[kind]: kind for kind in reversed(ProblemKind)}


class ClientProblem(Problem):
    """A refusal with one of this door's own codes."""

    def __init__(self, code: str, message: str, *, number: int | None = None) -> None:
        kind = _KIND_OF_STATUS.get(STATUS_OF_CODE[code], ProblemKind.FORBIDDEN)
        super().__init__(kind, message, code=code)
        self.number = NUMBER_OF_CODE.get(code, 0) if number is None else number


class ClientErrors:
    """The door's dialect."""

    body: type = Error

    def status(self, kind: ProblemKind) -> int:
        """The kit's own statuses: a body that is too large is 413, with this door's words."""
        return STATUS[kind]

    def render(self, problem: Problem, request: Request) -> Response:
        """The answer to any problem."""
        code = problem.code or CODE_OF_KIND[problem.kind]
        is_own = isinstance(problem, ClientProblem)
        status = STATUS_OF_CODE[code] if is_own else STATUS[problem.kind]
        number = problem.number if isinstance(problem, ClientProblem) else NUMBER_OF_CODE.get(code, 0)
        return json_response(Error(code, _sentence(problem), number), status, code=code)


def _sentence(problem: Problem) -> str:
    """What is wrong, and in which field: this door has no other place to name it."""
    field = problem.field if isinstance(problem, BadRequest) else ""
    return problem.message if field in problem.message else f"{field}: {problem.message}"


# ------------------------------------------------------------------ the engine's reasons

CODE_OF_REJECTION: Final[Mapping[RejectCode, str]] = {
    RejectCode.ACCOUNT_UNKNOWN: "RET_ERR_NOTFOUND",
    RejectCode.ACCOUNT_DISABLED: "RET_ACCOUNT_DISABLED",
    RejectCode.ACCOUNT_READ_ONLY: "RET_TRADE_READ_ONLY",
    RejectCode.ACCOUNT_CLOSE_ONLY: "RET_TRADE_DISABLE",
    RejectCode.ACCOUNT_EXISTS: "RET_ERR_DUPLICATE",
    RejectCode.IDEMPOTENCY_MISMATCH: "RET_ERR_DUPLICATE",
    RejectCode.STRATEGY_UNKNOWN: "RET_INVALID_DATA",
    RejectCode.SYMBOL_UNKNOWN: "RET_SYMBOL_NOT_FOUND",
    RejectCode.MARKET_CLOSED: "RET_TRADE_MARKET_CLOSED",
    RejectCode.QUOTE_MISSING: "RET_TRADE_OFFQUOTES",
    RejectCode.QUOTE_STALE: "RET_TRADE_OFFQUOTES",
    RejectCode.QUANTITY_BELOW_MIN: "RET_TRADE_BAD_VOLUME",
    RejectCode.QUANTITY_ABOVE_MAX: "RET_TRADE_BAD_VOLUME",
    RejectCode.QUANTITY_STEP: "RET_TRADE_BAD_VOLUME",
    RejectCode.DISPLAY_QUANTITY_INVALID: "RET_TRADE_BAD_VOLUME",
    RejectCode.NOTIONAL_ABOVE_MAX: "RET_TRADE_BAD_VOLUME",
    RejectCode.PRICE_MISSING: "RET_TRADE_BAD_PRICES",
    RejectCode.PRICE_NOT_ALLOWED: "RET_TRADE_BAD_PRICES",
    RejectCode.PRICE_NOT_POSITIVE: "RET_TRADE_BAD_PRICES",
    RejectCode.PRICE_OFF_TICK: "RET_TRADE_BAD_PRICES",
    RejectCode.PRICE_WRONG_SIDE: "RET_TRADE_BAD_PRICES",
    RejectCode.EXITS_WRONG_SIDE: "RET_TRADE_BAD_STOPS",
    RejectCode.TRAILING_INVALID: "RET_TRADE_BAD_PRICES",
    RejectCode.TIME_IN_FORCE_INVALID: "RET_TRADE_EXPIRATION_DENIED",
    RejectCode.EXPIRY_IN_PAST: "RET_TRADE_EXPIRATION_DENIED",
    RejectCode.PRICE_DEVIATES: "RET_TRADE_OFFQUOTES",
    RejectCode.POST_ONLY_WOULD_TAKE: "RET_TRADE_BAD_PRICES",
    RejectCode.REDUCE_ONLY_NOTHING_TO_REDUCE: "RET_TRADE_INCORRECT_STATE",
    RejectCode.POSITION_UNKNOWN: "RET_TRADE_INCORRECT_ORDER",
    RejectCode.POSITION_SIDE: "RET_TRADE_INCORRECT_STATE",
    RejectCode.MARGIN_MODE_MISMATCH: "RET_INVALID_DATA",
    RejectCode.HEDGE_PROHIBITED: "RET_TRADE_HEDGE_PROHIBITED",
    RejectCode.TOO_MANY_POSITIONS: "RET_TRADE_TOO_MANY_ORDERS",
    RejectCode.OLDER_POSITION_FIRST: "RET_TRADE_PROHIBITED_BY_FIFO",
    RejectCode.PARTIAL_CLOSE_PROHIBITED: "RET_TRADE_BAD_VOLUME",
    RejectCode.REMAINDER_TOO_SMALL: "RET_TRADE_BAD_VOLUME",
    RejectCode.LEVERAGE_TOO_HIGH: "RET_INVALID_DATA",
    RejectCode.TOO_MANY_ORDERS: "RET_TRADE_TOO_MANY_ORDERS",
    RejectCode.CONVERSION_MISSING: "RET_TRADE_OFFQUOTES",
    RejectCode.MARGIN_INSUFFICIENT: "RET_TRADE_NO_MONEY",
    RejectCode.BALANCE_INSUFFICIENT: "RET_TRADE_NO_MONEY",
    RejectCode.TRADING_HALTED: "RET_TRADE_DISABLE",
    RejectCode.TRADING_REDUCING: "RET_TRADE_DISABLE",
    RejectCode.ORDER_RATE_EXCEEDED: "RET_TOO_FREQUENT",
    RejectCode.BUDGET_UNPRICED: "RET_TRADE_OFFQUOTES",
    RejectCode.BUDGET_NOT_CONFIGURED: "RET_TRADE_NO_MONEY",
    RejectCode.BUDGET_EXCEEDED: "RET_TRADE_NO_MONEY",
    RejectCode.BUDGET_UNKNOWN: "RET_ERR_NOTFOUND",
    RejectCode.BUDGET_IN_USE: "RET_TRADE_INCORRECT_STATE",
    RejectCode.ORDER_UNKNOWN: "RET_TRADE_INCORRECT_ORDER",
    RejectCode.ORDER_ENDED: "RET_TRADE_INCORRECT_STATE",
    RejectCode.QUANTITY_BELOW_FILLED: "RET_TRADE_BAD_VOLUME",
    RejectCode.AMEND_NOT_ALLOWED: "MODIFY_TRADE_ERROR",
    RejectCode.EXIT_LEG_MISSING: "MODIFY_TRADE_ERROR",
    RejectCode.VENUE_REJECTED: "RET_TRADE_OFFQUOTES",
}
assert CODE_OF_REJECTION.keys() == set(RejectCode), f"no row for {set(RejectCode) ^ CODE_OF_REJECTION.keys()}"
assert set(CODE_OF_REJECTION.values()) <= STATUS_OF_CODE.keys()

_EXITS: Final = frozenset({"stop_loss", "take_profit"})


def refused(rejection: Rejection) -> ClientProblem:
    """The engine's no in this door's words; a fault of a stop is one of stops, whatever its kind."""
    code = CODE_OF_REJECTION[rejection.code]
    if code == "RET_TRADE_BAD_PRICES" and _EXITS & rejection.numbers.keys():
        code = "RET_TRADE_BAD_STOPS"
    number = PRICE_CHANGED if rejection.code is RejectCode.PRICE_DEVIATES else None
    return ClientProblem(code, rejection.message, number=number)


def symbol_not_found(symbol: str) -> ClientProblem:
    """No instrument has that name."""
    return ClientProblem("RET_SYMBOL_NOT_FOUND", f"there is no symbol {symbol[:40]!r}")


def incorrect_order(ticket: int) -> ClientProblem:
    """The caller has no such ticket, or it has ended: one answer for both, and for other people's."""
    return ClientProblem("RET_TRADE_INCORRECT_ORDER", f"there is no open ticket {ticket}")


def incorrect_cmd(message: str) -> ClientProblem:
    """The ticket is of another kind than the request is for."""
    return ClientProblem("RET_TRADE_INCORRECT_CMD", message)


def invalid_data(message: str) -> ClientProblem:
    """A request that cannot be meant."""
    return ClientProblem("INVALID_DATA", message)


# ------------------------------------------------------------------ identity's reasons

CODE_OF_IDENTITY: Final[Mapping[IdentityCode, str]] = {
    IdentityCode.INVALID_FIELD: "INVALID_DATA",
    IdentityCode.CREDENTIALS_WRONG: "USER_NOT_FOUND_OR_INCORRECT",
    IdentityCode.USER_DISABLED: "USER_DISABLED",
    IdentityCode.SIGN_IN_LOCKED: "RET_TOO_FREQUENT",
    IdentityCode.BUSY: "RET_TOO_FREQUENT",
    IdentityCode.SIGN_UP_DISABLED: "SIGN_UP_DISABLED",
    IdentityCode.GROUP_NOT_FOUND: "GROUP_NOT_FOUND",
    IdentityCode.EMAIL_TAKEN: "RET_ERR_DUPLICATE",
    IdentityCode.LOGIN_TAKEN: "RET_ERR_DUPLICATE",
    IdentityCode.PASSWORD_WRONG: "UPDATE_PASSWORD_ERROR",
    IdentityCode.PASSWORD_CHANGE_FORBIDDEN: "PERMISSION_DENIED",
    IdentityCode.USER_NOT_FOUND: "INVALID_USER",
    IdentityCode.USER_INACTIVE: "USER_DISABLED",
    IdentityCode.VERSION_MISMATCH: "RET_ERR_DUPLICATE",
    IdentityCode.RESET_NOT_FOUND: "NOT_FOUND",
    IdentityCode.PHONE_NOT_VERIFIED: "INVALID_DATA",
    IdentityCode.DELIVERY_UNAVAILABLE: "RET_TRADE_BROKER_BUSY",
    IdentityCode.RATE_LIMITED: "RET_TOO_FREQUENT",
    IdentityCode.KEY_NOT_FOUND: "NOT_FOUND",
    IdentityCode.KEY_CLOSED: "NOT_FOUND",
    IdentityCode.TOO_MANY_KEYS: "RET_ERR_DUPLICATE",
    IdentityCode.DOMAIN_NOT_FOUND: "NOT_FOUND",
    IdentityCode.DOMAIN_TAKEN: "RET_ERR_DUPLICATE",
}
assert CODE_OF_IDENTITY.keys() == set(IdentityCode), f"no row for {set(IdentityCode) ^ CODE_OF_IDENTITY.keys()}"
assert set(CODE_OF_IDENTITY.values()) <= STATUS_OF_CODE.keys()


def refused_by_identity(refusal: IdentityRefused) -> Problem:
    """Identity's no in this door's words, with the time to wait where waiting helps."""
    if refusal.retry_after_s:
        return RateLimited(refusal.retry_after_s, refusal.message)
    return ClientProblem(CODE_OF_IDENTITY[refusal.code], refusal.message)


CODE_OF_TOKEN_FAULT: Final[Mapping[TokenFault, str]] = {
    TokenFault.MISSING: "INVALID_TOKEN",
    TokenFault.INVALID: "INVALID_TOKEN",
    TokenFault.EXPIRED: "INVALID_TOKEN",
    TokenFault.TOO_LONG: "INVALID_TOKEN",
    TokenFault.USER_DISABLED: "USER_DISABLED",
}
assert CODE_OF_TOKEN_FAULT.keys() == set(TokenFault)

CODE_OF_ALERT: Final[Mapping[AlertRefusalCode, str]] = {
    AlertRefusalCode.NOT_FOUND: "NOT_FOUND",
    AlertRefusalCode.INVALID_FIELD: "INVALID_DATA",
    AlertRefusalCode.UNKNOWN_SYMBOL: "RET_SYMBOL_NOT_FOUND",
    AlertRefusalCode.INVALID_TARGET_PRICE: "INVALID_TARGET_PRICE",
    AlertRefusalCode.INVALID_CHANNEL: "INVALID_CHANNEL",
    AlertRefusalCode.INVALID_MOVE_THRESHOLD: "INVALID_MOVE_THRESHOLD",
    AlertRefusalCode.INVALID_EXPIRES_AT: "INVALID_EXPIRES_AT",
    AlertRefusalCode.TOO_MANY_ALERTS: "INVALID_DATA",
}
assert CODE_OF_ALERT.keys() == set(AlertRefusalCode)


def refused_alert(refusal: AlertRefusal) -> ClientProblem:
    """The watch's no in this door's words."""
    return ClientProblem(CODE_OF_ALERT[refusal.code], refusal.message)
