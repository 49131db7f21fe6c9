"""An order's life on the wire: the same body at every door that explains."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from tradehall.app.audit_lines import shown_order
from tradehall.app.explain import Explainer
from tradehall.app.past import TooManyTravellers
from tradehall.domain.order import Order
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit.as_of import too_busy

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ExplainedStep(Struct, frozen=True):
    """One thing that happened. `seq`: the journal's record; null for lines of the audit trail."""

    at: Instant
    seq: int | None
    kind: str
    text: str
    data: dict[str, Any]


class DecidedOtherwise(Struct, frozen=True):
    """A record that today's rules would decide otherwise."""

    seq: int
    expected: list[dict[str, Any]]
    found: list[dict[str, Any]]
    error: str | None


class Redecision(Struct, frozen=True):
    """Every decision about the order made again, on the state of then: `decided` of them, all but `left_out`."""

    same: bool
    differences: list[DecidedOtherwise]
    decided: int
    left_out: list[int]


class Explained(Struct, frozen=True):
    """The life of one order, oldest step first. `user_id`: the owner, where the door knows people."""

    order_id: str
    user_id: int | None
    account_login: int
    outcome: str
    text: str
    steps: list[ExplainedStep]
    redecided: Redecision


async def explained(
    explainer: Explainer, order: Order, *, user_id: int | None = None, for_owner: bool = False
) -> Explained:
    """Explain a durable order; UNAVAILABLE with a Retry-After while too many look into the past."""
    try:
        found = await explainer.explain(order, for_owner=for_owner)
    except TooManyTravellers as error:
        raise too_busy(error) from None
    again = found.redecided
    return Explained(
        order_id=shown_order(found.order_id),
        user_id=user_id,
        account_login=found.account_id,
        outcome=found.outcome,
        text=found.text,
        steps=[
            ExplainedStep(to_rfc3339(step.at), step.seq or None, step.kind, step.text, step.data)
            for step in found.steps
        ],
        redecided=Redecision(
            again.same,
            [DecidedOtherwise(each.seq, each.expected, each.found, each.error) for each in again.differences],
            again.decided,
            again.left_out,
        ),
    )
