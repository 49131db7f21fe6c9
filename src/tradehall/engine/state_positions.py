"""How events change positions, and the check that they follow from fills."""

from decimal import Decimal
from typing import Final

from tradehall.domain.account import Account, BookUnits
from tradehall.domain.ids import PositionId
from tradehall.domain.order import MarginMode
from tradehall.domain.position import LONG, Position
from tradehall.engine import events as ev
from tradehall.engine.state import ConservationError, State
from tradehall.engine.state_strategies import check_books


def position_opened(state: State, event: ev.PositionOpened, now: int) -> None:
    position = event.position
    account = state.accounts[position.account_id]
    state.position_count += 1
    _replace_position(account, position.position_id, None, position)
    account.exposures[position.symbol].position_id = position.position_id


def position_changed(state: State, event: ev.PositionChanged, now: int) -> None:
    account = state.accounts[event.position.account_id]
    before = account.positions[event.position.position_id]
    _replace_position(account, before.position_id, before, event.position)


def position_closed(state: State, event: ev.PositionClosed, now: int) -> None:
    account = state.accounts[event.position.account_id]
    before = account.positions[event.position.position_id]
    state.position_count -= 1
    _replace_position(account, before.position_id, before, None)
    exposure = account.exposures[before.symbol]
    if exposure.position_id == before.position_id:
        exposure.position_id = None
    if exposure.net_filled or exposure.long_quantity or exposure.short_quantity:
        return
    # Isolated positions may cancel out in all sums: only the positions themselves tell that none is left.
    if not any(position.symbol == before.symbol for position in account.positions.values()):
        del account.exposures[before.symbol]


def units_split(state: State, event: ev.UnitsSplit, now: int) -> None:
    """What fills brought counts in new units from now on; positions follow."""
    account = state.accounts[event.account_id]
    if event.symbol in account.exposures:
        account.exposures[event.symbol].net_filled *= event.ratio
    units = account.book_units.get(event.symbol)
    if units is not None:
        account.book_units[event.symbol] = BookUnits(units.filled * event.ratio, units.held)


def _replace_position(
    account: Account, position_id: PositionId, before: Position | None, after: Position | None
) -> None:
    if before is not None:
        _add_exposure(account, before, -before.quantity, -before.cost, -before.margin)
    if after is not None:
        _add_exposure(account, after, after.quantity, after.cost, after.margin)
        account.positions[position_id] = after  # In the place it has: the oldest position stays first.
    else:
        del account.positions[position_id]


_ISOLATED: Final = MarginMode.ISOLATED


def _add_exposure(account: Account, position: Position, quantity: Decimal, cost: Decimal, margin: Decimal) -> None:
    exposure = account.exposures[position.symbol]
    account.margin_used += margin
    if position.margin_mode is _ISOLATED:
        account.margin_isolated += margin
        exposure.isolated_net += quantity if position.side is LONG else -quantity
    elif position.side is LONG:
        exposure.long_quantity += quantity
        exposure.long_cost += cost
    else:
        exposure.short_quantity += quantity
        exposure.short_cost += cost


def check_conservation(account: Account, symbol: str) -> None:
    """Units of all positions in `symbol` must be those of all fills. ConservationError otherwise."""
    if account.books:
        check_books(account, symbol)
    exposure = account.exposures.get(symbol)
    if exposure is None:
        return  # Flat: it was dropped when all its sums were zero.
    held = exposure.long_quantity - exposure.short_quantity + exposure.isolated_net
    if held != exposure.net_filled:
        raise ConservationError(
            f"account {account.terms.account_id}: positions in {symbol} come to {held}, fills to {exposure.net_filled}"
        )
