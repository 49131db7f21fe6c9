"""How this door says no: `{"detail": "…"}`, and for a request of the wrong shape a list of what is wrong where."""

from typing import Any, Final

from msgspec import Struct

from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.faces.dashboard.words import REFUSALS
from tradehall.faces.kit import STATUS, BadRequest, Problem, ProblemKind, Request, Response, json_response


class Detail(Struct, frozen=True):
    """The body of a refusal: a sentence, or for a request of the wrong shape `[{"loc", "msg", "type"}]`."""

    detail: str | list[dict[str, Any]]


_STATUS: Final = {**STATUS, ProblemKind.INVALID: 422, ProblemKind.MALFORMED: 422}


class DashboardErrors:
    """The dialect."""

    body: type = Detail

    def status(self, kind: ProblemKind) -> int:
        """See ErrorDialect."""
        return _STATUS[kind]

    def render(self, problem: Problem, request: Request) -> Response:
        """See ErrorDialect."""
        status = problem.own_status if isinstance(problem, Refused) else _STATUS[problem.kind]
        headers = ((b"www-authenticate", b"Bearer"),) if status == 401 else ()
        code = problem.code or problem.kind.value
        return json_response(Detail(_detail(problem)), status, code=code, headers=headers)


class Refused(Problem):
    """The engine, or a room, said no: 409 or 422, with its code and its numbers in the sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(ProblemKind.CONFLICT, message, code=code)
        self.own_status = status


def _detail(problem: Problem) -> str | list[dict[str, Any]]:
    if isinstance(problem, BadRequest):
        where = [part for part in problem.field.replace("[", ".").replace("]", "").split(".") if part]
        return [{"loc": [problem.place, *where], "msg": problem.message, "type": _kind(problem.message)}]
    if problem.kind is ProblemKind.MALFORMED:
        return [{"loc": ["body"], "msg": problem.message, "type": "json_invalid"}]
    return problem.message


_KINDS: Final = (
    ("missing required field", "missing"),
    ("unknown field", "extra_forbidden"),
    (" >= ", "greater_than_equal"),
    (" <= ", "less_than_equal"),
    ("Expected `int`", "int_parsing"),
    ("Expected `bool`", "bool_parsing"),
    ("of length", "string_length"),
    ("matching regex", "string_pattern_mismatch"),
)


def _kind(message: str) -> str:
    return next((kind for part, kind in _KINDS if part in message), "value_error")


_CONFLICTS: Final = frozenset(
    {RejectCode.BUDGET_IN_USE, RejectCode.ORDER_ENDED, RejectCode.ACCOUNT_EXISTS, RejectCode.IDEMPOTENCY_MISMATCH,
     RejectCode.AMEND_NOT_ALLOWED, RejectCode.EXIT_LEG_MISSING}
)  # fmt: skip
_UNKNOWN: Final = {
    RejectCode.ACCOUNT_UNKNOWN: "Account not found",
    RejectCode.STRATEGY_UNKNOWN: "Strategy not found",
    RejectCode.BUDGET_UNKNOWN: "No budget for strategy",
    RejectCode.ORDER_UNKNOWN: "Order not found",
    RejectCode.POSITION_UNKNOWN: "Position not found",
    RejectCode.SYMBOL_UNKNOWN: "Instrument not found",
}


def refusal_of(rejection: Rejection) -> Problem:
    """What a refused wish is answered with."""
    code = REFUSALS[rejection.code].code
    if rejection.code in _UNKNOWN:
        return Problem(ProblemKind.NOT_FOUND, _UNKNOWN[rejection.code], code=code)
    if rejection.code is RejectCode.BUDGET_IN_USE:
        reserved = f"{float(rejection.numbers['reserved'])} {rejection.currency}"
        return Refused(409, code, f"Budget in use: reserved={reserved}")
    return Refused(409 if rejection.code in _CONFLICTS else 422, code, f"{code}: {rejection.message}")


def not_found(what: str) -> Problem:
    """Order, strategy, account … not found."""
    return Problem(ProblemKind.NOT_FOUND, f"{what} not found")
