"""The view of closings: what went out of strategies' books, and what went out beside them."""

from decimal import Decimal

from tradehall.app.projections.facts import Facts
from tradehall.app.projections.ledger import ENTRIES_PER_RECORD_BITS
from tradehall.domain.money import ZERO, round_floating, round_money
from tradehall.domain.position import ClosedPart, Position
from tradehall.engine.books import unattributed_units
from tradehall.engine.events import PartChanged, PartClosed, PositionChanged, PositionClosed
from tradehall.engine.state import State
from tradehall.ports.house_views import Closing
from tradehall.ports.views import ViewRows


def project_closing_of_part(
    event: PartChanged | PartClosed, index: int, facts: Facts, state: State, rows: ViewRows
) -> None:
    """A row for what went out of a book."""
    if event.closed is not None:
        currency = state.instruments[event.part.symbol].quote_currency
        closing = _closing(event.part, event.closed, event.closed.quantity, currency, event.part.strategy_id)
        _add(facts, index, closing, rows, is_last=type(event) is PartClosed)


def project_loose_closing(
    event: PositionChanged | PositionClosed, index: int, facts: Facts, state: State, rows: ViewRows
) -> None:
    """A row for what went out of a position and was in no book."""
    position, part = event.position, event.part
    if part is None:
        return
    account = state.accounts[position.account_id]
    loose = loose_quantity(facts, state, position, part)
    if not loose:
        return
    closing = _closing(position, part, loose, account.terms.currency, strategy_id=None)
    is_last = type(event) is PositionClosed or (
        bool(account.books) and not unattributed_units(account, position.symbol)
    )
    _add(facts, index, closing, rows, is_last=is_last)


def loose_quantity(facts: Facts, state: State, position: Position, part: ClosedPart) -> Decimal:
    """Units of a closing that were in no book, by the record that tells of it; 0: none."""
    if not state.accounts[position.account_id].books:
        return part.quantity
    return max(ZERO, part.quantity - _in_books(facts, state, position, part))


def _in_books(facts: Facts, state: State, position: Position, part: ClosedPart) -> Decimal:
    """Units that the same fill took from books on the position's side; what a strategy trades is all in its book."""
    order = state.order(part.order_id)
    if order is not None and order.terms.strategy_id is not None:
        return part.quantity
    return sum(
        (
            event.closed.quantity
            for event in facts.events
            if (type(event) is PartChanged or type(event) is PartClosed)
            and event.closed is not None
            and event.closed.order_id == part.order_id
            and event.part.account_id == position.account_id
            and event.part.symbol == position.symbol
            and event.part.side is position.side
        ),
        ZERO,
    )


def _closing(
    position: Position, part: ClosedPart, quantity: Decimal, currency: str, strategy_id: str | None
) -> Closing:
    pnl, fees = part.realized_pnl, part.commission
    if quantity != part.quantity:
        pnl, fees = (round_money(amount * quantity / part.quantity, currency) for amount in (pnl, fees))
    # In the order of the fields: each keyword would cost a walk through them.
    return Closing(
        position.position_id,
        position.account_id,
        position.symbol,
        position.side,
        quantity,
        round_floating(part.entry_price),
        part.exit_price,
        currency,
        position.opened_at,
        part.closed_at,
        part.order_id,
        # Profit, fees, the peak. A default is left out by identity: live and folded zeros must be one.
        pnl or ZERO,
        fees or ZERO,
        position.peak_quantity or ZERO,
        strategy_id,
    )


def _add(facts: Facts, index: int, closing: Closing, rows: ViewRows, *, is_last: bool) -> None:
    rows.closings.append(((facts.seq << ENTRIES_PER_RECORD_BITS) + index, closing, is_last))
