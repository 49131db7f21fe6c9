"""Accounts, positions, orders and budgets as the support door shows them. Money and prices are decimal texts."""

from msgspec import Struct

from tradehall.faces.kit.pages import Page


class AccountShown(Struct, frozen=True, kw_only=True):
    """What an account is worth, in its currency. `margin_level` in percent, null where no margin is used."""

    login: int
    currency: str
    position_mode: str
    leverage: str
    status: str
    trading_state: str
    balance: str
    equity: str
    unrealized_pnl: str
    margin_used: str
    margin_available: str
    margin_level: str | None
    open_position_count: int
    working_order_count: int


class AccountPage(Page[AccountShown], frozen=True):
    """A page of accounts."""


class PositionShown(Struct, frozen=True, kw_only=True):
    """An open position; quantity in units, profit in the account's currency."""

    id: str
    ticket: int
    account_login: int
    symbol: str
    side: str
    quantity: str
    entry_price: str
    current_price: str
    unrealized_pnl: str
    opened_at: str
    updated_at: str


class PositionPage(Page[PositionShown], frozen=True):
    """A page of open positions."""


class OrderShown(Struct, frozen=True, kw_only=True):
    """An order. `strategy_id` is null for orders by hand; `reject_reason` says why it was refused."""

    id: str
    client_order_id: str | None
    account_login: int
    strategy_id: int | None
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    quantity: str
    filled_quantity: str
    limit_price: str | None
    stop_price: str | None
    average_fill_price: str | None
    position_id: str | None
    reduce_only: bool
    reject_code: str | None
    reject_reason: str | None
    created_at: str
    updated_at: str


class OrderPage(Page[OrderShown], frozen=True):
    """A page of orders."""


class AccountBudgetShown(Struct, frozen=True, kw_only=True):
    """A strategy's budget on an account, in one currency; `realized_pnl` is gross of `fees`."""

    account_login: int
    strategy_id: int | None
    strategy_keygen: str
    currency: str
    allocated: str
    reserved: str
    available: str
    realized_pnl: str
    fees: str


class BudgetPage(Page[AccountBudgetShown], frozen=True):
    """A page of budgets."""
