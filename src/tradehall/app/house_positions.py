"""Open positions of the house by whose they are: each strategy's parts, and what is in no book."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.ids import AccountId
from tradehall.domain.position import Position, PositionSide, floating_pnl
from tradehall.engine.books import unattributed_units
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.state import State
from tradehall.engine.valuation import value_position


class Held(Struct, frozen=True):
    """Units that one owner holds: `position` with their quantity and cost; its money is in `currency`.

    `strategy_id` None: they are in no book. `unrealized_pnl` None: there is no quote.
    """

    position: Position
    strategy_id: str | None
    currency: str
    last_price: Decimal | None
    unrealized_pnl: Decimal | None


def held_by(state: State, account: Account, quote_of: QuoteOf) -> Iterator[Held]:
    """What an account holds, by owner."""
    for strategy_id, book in account.books.items():
        for part in book.parts.values():
            yield held_part(state, part, strategy_id, quote_of)
    is_netting = account.terms.position_mode is PositionMode.NETTING
    for position in account.positions.values():
        loose = _loose(account, position) if is_netting and account.books else position
        if loose is not None and (is_netting or position.strategy_id not in account.books):
            yield held_loose(state, account, loose, quote_of)


def held_part(state: State, part: Position, strategy_id: str, quote_of: QuoteOf) -> Held:
    """A part of a strategy's book, in quote currency."""
    quote = quote_of(part.symbol)
    currency = state.instruments[part.symbol].quote_currency
    if quote is None:
        return Held(part, strategy_id, currency, None, None)
    pnl = floating_pnl(side=part.side, quantity=part.quantity, cost=part.cost, bid=quote.bid, ask=quote.ask)
    return Held(part, strategy_id, currency, quote.bid if part.side is PositionSide.LONG else quote.ask, pnl)


def held_loose(state: State, account: Account, position: Position, quote_of: QuoteOf) -> Held:
    """What is in no book, in the account's currency."""
    if quote_of(position.symbol) is None:
        return Held(position, None, account.terms.currency, None, None)
    value = value_position(state, position, quote_of)
    return Held(position, None, account.terms.currency, value.current_price, value.unrealized_pnl)


def _loose(account: Account, position: Position) -> Position | None:
    """The share of a netting account's position that is in no book; None where all of it is."""
    units = unattributed_units(account, position.symbol)
    if not units:
        return None
    quantity = abs(units)
    side = PositionSide.LONG if units > 0 else PositionSide.SHORT
    if quantity == position.quantity and side is position.side:
        return position
    share = quantity / position.quantity
    return replace(
        position, side=side, quantity=quantity, cost=position.cost * share, commission=position.commission * share
    )


def loose_units(account: Account, position: Position) -> Decimal:
    """How many units of a position are in no book, whatever their side."""
    if account.terms.position_mode is PositionMode.NETTING and account.books:
        return abs(unattributed_units(account, position.symbol))
    return position.quantity


def held_of(state: State, accounts: list[Account], quote_of: QuoteOf) -> Iterator[Held]:
    """What all these accounts hold."""
    for account in accounts:
        if account.positions or account.books:
            yield from held_by(state, account, quote_of)


def accounts_of(state: State, account_id: AccountId | None) -> list[Account]:
    """All accounts, or the one that is asked for, if there is one."""
    if account_id is None:
        return list(state.accounts.values())
    account = state.accounts.get(account_id)
    return [] if account is None else [account]
