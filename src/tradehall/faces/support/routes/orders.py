"""Orders of the domain's people, explained."""

from tradehall.app.outcome import ShardUnavailable
from tradehall.domain.order import Order
from tradehall.faces.kit import Problem, ProblemKind, Request, Response, explained, json_response
from tradehall.faces.kit.envelope import EnvelopeProblem
from tradehall.faces.shown.asked import number_in_path
from tradehall.faces.support.auth import domain_of
from tradehall.faces.support.support import Support


async def get_explanation(support: Support, request: Request) -> Response:
    """Why an order became what it is, step by step, from the journal; refused orders too.

    `{id}` as `ord_{n}` or the number. `redecided` tells whether the rules, on the state of then, decide the same again.
    """
    order, user_id = _find(support, request)
    try:
        await support.desk.settled()
    except ShardUnavailable as unavailable:
        raise Problem(ProblemKind.UNAVAILABLE, unavailable.reason, headers=[(b"retry-after", b"1")]) from None
    return json_response(await explained(support.explainer, order, user_id=user_id))


def _find(support: Support, request: Request) -> tuple[Order, int]:
    """The order and its owner; another tenant's is not there."""
    text = request.params["id"]
    number = number_in_path(text.removeprefix("ord_"))
    order = support.desk.order(number)
    owner = None if order is None else support.identity.book.user_of_login(order.terms.account_id)
    if order is None or owner is None or owner.domain != domain_of(request):
        raise EnvelopeProblem("ORDER_NOT_FOUND", 404, "There is no such order")
    return order, owner.user_id
