"""The view of deals: a fill as what it closed and what it opened, and every movement of funds."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tradehall.app.projections.facts import Facts
from tradehall.app.projections.ledger import ENTRIES_PER_RECORD_BITS
from tradehall.domain.fill import Fill
from tradehall.domain.ids import PositionId
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.order import Order
from tradehall.domain.position import ClosedPart
from tradehall.engine.events import BalanceChanged, EntryKind, OrderFilled, PositionChanged, PositionClosed
from tradehall.engine.state import State
from tradehall.ports.deals import Deal, DealEntry
from tradehall.ports.views import ViewRows

# Names of the module: an enum's attribute is found slowly.
_IN: Final = DealEntry.IN
_OUT: Final = DealEntry.OUT

FUNDS: Final = frozenset({EntryKind.DEPOSIT, EntryKind.WITHDRAWAL, EntryKind.ADJUSTMENT})


def project_deals_of_fill(event: OrderFilled, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """Rows for what a fill closed and opened, numbered by their places in the journal."""
    for offset, deal in enumerate(_of_fill(facts, state, index, event.fill)):
        _add(facts, index + offset, deal, rows)


def project_funds_deal(event: BalanceChanged, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row for a movement of funds, numbered by its place in the journal."""
    if event.entry in FUNDS:
        _add(facts, index, _of_funds(facts, index, event), rows)


def _of_fill(facts: Facts, state: State, index: int, fill: Fill) -> Iterator[Deal]:
    """Every deal of a fill has an event of its own after the fill's, so their keys never meet others'."""
    order = state.order(fill.order_id)
    left, unpaid = fill.quantity, fill.commission
    for event in facts.events[index + 1 :]:
        if type(event) is PositionClosed or type(event) is PositionChanged:
            part = event.part
            if part is None or part.order_id != fill.order_id:
                continue
            left -= part.quantity
            share = _share(fill, part.quantity) if left else unpaid
            unpaid -= share
            yield _deal(state, fill, order, event.position.position_id, share, part)
    if left and fill.position_id is not None:
        yield _deal(state, fill, order, fill.position_id, unpaid, None, left)


def _share(fill: Fill, quantity: Decimal) -> Decimal:
    return round_money(fill.commission * quantity / fill.quantity, fill.commission_currency)


def _deal(
    state: State, fill: Fill, order: Order | None, position_id: PositionId, commission: Decimal,
    part: ClosedPart | None, opened: Decimal = ZERO,
) -> Deal:  # fmt: skip
    # In the order of the fields: each keyword would cost a walk through them.
    return Deal(
        fill.fill_id,
        fill.account_id,
        _IN if part is None else _OUT,
        fill.at,
        position_id,
        fill.order_id,
        fill.symbol,
        fill.side,
        (opened if part is None else part.quantity) / state.instruments[fill.symbol].contract_size,
        fill.price,
        # Profit, commission, swap. A default is left out by identity: live and folded zeros must be one.
        ZERO if part is None else part.realized_pnl or ZERO,
        -commission if commission else ZERO,
        ZERO if part is None else part.swap or ZERO,
        None if order is None else order.role,
        "" if order is None else order.terms.source,
        fill.strategy_id,
        "" if order is None else order.terms.comment,
    )


def _of_funds(facts: Facts, index: int, event: BalanceChanged) -> Deal:
    return Deal(
        deal=(facts.seq << ENTRIES_PER_RECORD_BITS) + index,
        account_id=event.account_id,
        entry=DealEntry.BALANCE,
        at=facts.now,
        profit=event.amount,
        comment=event.comment,
    )


def _add(facts: Facts, index: int, deal: Deal, rows: ViewRows) -> None:
    rows.deals.append(((facts.seq << ENTRIES_PER_RECORD_BITS) + index, deal))
