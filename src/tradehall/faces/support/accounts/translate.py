"""Accounts and what is in them, valued at a moment, in the support door's words."""

from decimal import Context
from typing import Final

from tradehall.app.past import Moment
from tradehall.domain.account import Account
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order
from tradehall.domain.position import Position
from tradehall.domain.strategy import BookResult, StrategyBook
from tradehall.domain.time import to_rfc3339
from tradehall.engine.valuation import value_account, value_position
from tradehall.faces.kit import plain
from tradehall.faces.shown.texts import money, number
from tradehall.faces.support.accounts import schemas

_TO_28_DIGITS: Final = Context(prec=28)  # An average price is a quotient.


def account(found: Account, moment: Moment) -> schemas.AccountShown:
    """An account at the quotes of a moment."""
    terms, value = found.terms, value_account(moment.state, found, moment.quotes.get)
    return schemas.AccountShown(
        login=terms.account_id,
        currency=terms.currency,
        position_mode=terms.position_mode.value.lower(),
        leverage=plain(terms.leverage),
        status=terms.status.value.lower(),
        trading_state=found.trading_state.value.lower(),
        balance=money(value.balance),
        equity=money(value.equity),
        unrealized_pnl=money(value.unrealized_pnl),
        margin_used=money(value.margin_used),
        margin_available=money(value.margin_available),
        margin_level=None if value.margin_level is None else plain(round(value.margin_level, 2)),
        open_position_count=len(found.positions),
        working_order_count=len(found.orders),
    )


def position(found: Position, moment: Moment) -> schemas.PositionShown:
    """An open position at the quotes of a moment."""
    value = value_position(moment.state, found, moment.quotes.get)
    return schemas.PositionShown(
        id=f"pos_{found.position_id}",
        ticket=found.position_id,
        account_login=found.account_id,
        symbol=found.symbol,
        side=found.side.value.lower(),
        quantity=plain(found.quantity),
        entry_price=plain(_TO_28_DIGITS.plus(found.average_entry_price)),
        current_price=plain(value.current_price),
        unrealized_pnl=money(value.unrealized_pnl),
        opened_at=to_rfc3339(found.opened_at),
        updated_at=to_rfc3339(found.updated_at),
    )


def order(found: Order, strategy_id: int | None) -> schemas.OrderShown:
    """An order as it stands, or stood."""
    terms = found.terms
    return schemas.OrderShown(
        id=f"ord_{found.order_id}",
        client_order_id=terms.client_order_id,
        account_login=terms.account_id,
        strategy_id=strategy_id,
        symbol=terms.symbol,
        side=terms.side.value.lower(),
        type=terms.type.value.lower(),
        time_in_force=terms.time_in_force.value.lower(),
        status=found.status.value.lower(),
        quantity=plain(terms.quantity),
        filled_quantity=plain(found.filled_quantity),
        limit_price=number(terms.limit_price),
        stop_price=number(terms.stop_price),
        average_fill_price=number(found.average_fill_price),
        position_id=None if found.position_id is None else f"pos_{found.position_id}",
        reduce_only=terms.reduce_only,
        reject_code=found.reject_code,
        reject_reason=found.reject_message,
        created_at=to_rfc3339(found.created_at),
        updated_at=to_rfc3339(found.updated_at),
    )


def budget(login: int, book: StrategyBook, currency: str, strategy_id: int | None) -> schemas.AccountBudgetShown:
    """A strategy's budget on an account, in one currency."""
    allocated, reserved = book.allocated[currency], book.reserved.get(currency, ZERO)
    result = book.results.get(currency, BookResult())
    return schemas.AccountBudgetShown(
        account_login=login,
        strategy_id=strategy_id,
        strategy_keygen=book.strategy_id,
        currency=currency,
        allocated=money(allocated),
        reserved=money(reserved),
        available=money(allocated - reserved),
        realized_pnl=money(result.realized_pnl),
        fees=money(result.fees),
    )
