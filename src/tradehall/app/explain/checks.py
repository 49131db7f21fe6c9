"""The checks that a wish was put to, asked once more on the state as it was."""

from collections.abc import Sequence
from typing import Any, Final

from tradehall.app.explain.history import terms_made
from tradehall.app.explain.scene import Scene
from tradehall.app.explain.sentences import amount, money
from tradehall.engine import commands as cmd
from tradehall.engine.asking import Answer, answers
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.handlers.amend_order import amended_terms
from tradehall.engine.handlers.place_order import with_position_mode
from tradehall.engine.rules import AMEND_ORDER_CHECKS, PLACE_ORDER_CHECKS, SHAPE_CHECKS, Check
from tradehall.engine.state import State

_TO_PLACE: Final = (*SHAPE_CHECKS, *PLACE_ORDER_CHECKS)
_TO_AMEND: Final = (*SHAPE_CHECKS, *AMEND_ORDER_CHECKS)
_CLOSES: Final = (cmd.ClosePosition, cmd.CloseAllPositions, cmd.KillSwitch)

Said = tuple[str, dict[str, Any]]


def asked(scene: Scene, state: State) -> Said | None:
    """Sentence and data of the checks behind a record; None where none were asked about the order.

    `state` is as before the record: of several orders that one wish made, all are asked on it.
    """
    found = _draft(scene, state)
    if found is None:
        return None
    checks, draft = found
    told = answers(checks, draft)
    data = {"checks": [_shown(answer) for answer in told], "count": len(checks)}
    return _sentence(told, checks, draft, scene), data


def _draft(scene: Scene, state: State) -> tuple[Sequence[Check], OrderDraft] | None:
    record, account = scene.record, state.accounts.get(scene.terms.account_id)
    if account is None:
        return None
    context = Context(record.now, {quote.symbol: quote for quote in record.quotes})
    command = record.command
    if isinstance(command, cmd.AmendOrder):
        order = state.order(scene.order_id)
        if command.order_id != scene.order_id or order is None or not order.is_working:
            return None
        wish = cmd.PlaceOrder(amended_terms(order.terms, command), is_strict=command.is_strict)
        return _TO_AMEND, OrderDraft(state, account, wish, context, working=order)
    terms = terms_made(scene.record, scene.order_id)
    if terms is None:
        return None
    if isinstance(command, cmd.PlaceOrder):
        return _TO_PLACE, OrderDraft(state, account, with_position_mode(command, account), context)
    if isinstance(command, _CLOSES):
        wish = cmd.PlaceOrder(terms, lot_step=getattr(command, "lot_step", None))
        return _TO_PLACE, OrderDraft(state, account, wish, context)
    return None


def _shown(answer: Answer) -> dict[str, Any]:
    figures = {name: value if isinstance(value, str) else f"{value:f}" for name, value in answer.figures.items()}
    return {"claim": answer.claim, "passed": answer.rejection is None, "figures": figures}


def _sentence(told: Sequence[Answer], checks: Sequence[Check], draft: OrderDraft, scene: Scene) -> str:
    last = told[-1]
    if last.rejection is not None:
        return f"{len(told) - 1} checks passed, the next of {len(checks)} did not hold: {last.claim}"
    said = f"All {len(checks)} checks passed; {money(draft.margin_required, scene.currency)} of margin required"
    if draft.margin_required:
        said += f", {amount(draft.margin_available())} free"
    return said if draft.hold is None else f"{said}; {money(draft.hold.amount, draft.hold.currency)} of budget required"
