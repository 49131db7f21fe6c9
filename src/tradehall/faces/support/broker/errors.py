"""How the broker layer says no: one text; a list of what is wrong with the parameters."""

from typing import Any

from msgspec import Struct

from tradehall.faces.kit import Problem, Request, Response, json_response
from tradehall.faces.kit.envelope import CODE_OF_KIND, REQUEST_ID, EnvelopeProblem, request_id
from tradehall.faces.kit.errors import BadRequest, ProblemKind
from tradehall.faces.support.errors import SupportErrors, rate_headers


class BrokerError(Struct, frozen=True):
    """A refusal; the code stands in the header X-Error-Code."""

    error: str


class ParameterProblem(Struct, frozen=True):
    """Where and what is wrong."""

    loc: list[str]
    msg: str
    type: str


class BrokerValidation(Struct, frozen=True):
    """What is wrong with the parameters."""

    detail: list[ParameterProblem]


class BrokerErrors(SupportErrors):
    """The dialect."""

    body: type = BrokerError

    def render(self, problem: Problem, request: Request) -> Response:
        """See ErrorDialect."""
        status = problem.own_status if isinstance(problem, EnvelopeProblem) else self.status(problem.kind)
        code = problem.code or CODE_OF_KIND[problem.kind]
        headers = ((b"www-authenticate", b"Bearer"),) if status == 401 else ()
        named = ((REQUEST_ID, request_id(request).encode()), (b"x-error-code", code.encode()))
        response = json_response(_body(problem, status), status, code=code, headers=(*headers, *named))
        response.headers = (*response.headers, *rate_headers(request))
        return response


def _body(problem: Problem, status: int) -> BrokerError | BrokerValidation:
    if status != 422:
        return BrokerError(problem.message)
    if isinstance(problem, BadRequest):
        place = [problem.place] + ([problem.field] if problem.field else [])
        return BrokerValidation([ParameterProblem(place, problem.message, "value_error")])
    fields: list[dict[str, Any]] = (problem.details or {}).get("fields", [])
    found = [ParameterProblem(["query", each["field"]], each["problem"], "value_error") for each in fields]
    return BrokerValidation(found or [ParameterProblem(["query"], problem.message, "value_error")])


def not_found(what: str) -> Problem:
    """There is no such thing of that user."""
    return Problem(ProblemKind.NOT_FOUND, f"{what} not found")
