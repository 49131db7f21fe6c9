"""Valuation: what positions and accounts are worth at the latest quotes. Never stored, always computed."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.domain.account import Account, Valuation, margin_level
from tradehall.domain.money import HUNDRED, ONE, ZERO, round_floating
from tradehall.domain.order import MarginMode
from tradehall.domain.position import LONG, Position, floating_pnl
from tradehall.engine.conversion import QuoteOf, conversion_rate
from tradehall.engine.state import State

_ISOLATED: Final = MarginMode.ISOLATED


class PositionValue(Struct, frozen=True, gc=False):
    """`current_price`: what closing would fetch [quote currency]; `unrealized_pnl` [account currency]."""

    current_price: Decimal
    unrealized_pnl: Decimal


def value_position(state: State, position: Position, quote_of: QuoteOf) -> PositionValue:
    """A position at the latest quote; flat in profit while there is none, or no path to the account's currency."""
    quote = quote_of(position.symbol)
    if quote is None:
        return PositionValue(round_floating(position.average_entry_price), ZERO)
    is_long = position.side is LONG
    pnl = floating_pnl(side=position.side, quantity=position.quantity, cost=position.cost, bid=quote.bid, ask=quote.ask)
    rate = _rate(state, state.accounts[position.account_id], position.symbol, quote_of)
    return PositionValue(quote.bid if is_long else quote.ask, ZERO if rate is None else round_floating(pnl * rate))


def value_account(state: State, account: Account, quote_of: QuoteOf) -> Valuation:
    """An account at the latest quotes; positions without a quote count as flat in profit."""
    floating = cross_floating(state, account, quote_of) + isolated_floating(state, account, quote_of)
    unrealized = round_floating(floating)
    equity = account.balance + unrealized
    used = account.margin_used + account.margin_held
    return Valuation(
        currency=account.terms.currency,
        balance=account.balance,
        unrealized_pnl=unrealized,
        equity=equity,
        margin_used=used,
        margin_available=equity - used,
        margin_level=margin_level(equity, used),
    )


def value_cross(state: State, account: Account, quote_of: QuoteOf) -> Valuation:
    """An account without its isolated positions and the margin set aside for them: what a margin call looks at."""
    if not account.margin_isolated:
        return value_account(state, account, quote_of)
    unrealized = round_floating(cross_floating(state, account, quote_of))
    balance = account.balance - account.margin_isolated
    equity = balance + unrealized
    used = account.margin_used - account.margin_isolated + account.margin_held
    return Valuation(
        currency=account.terms.currency,
        balance=balance,
        unrealized_pnl=unrealized,
        equity=equity,
        margin_used=used,
        margin_available=equity - used,
        margin_level=margin_level(equity, used),
    )


def cross_floating(state: State, account: Account, quote_of: QuoteOf) -> Decimal:
    """Unrealised P&L [account currency] of all cross-margin positions, a step per symbol."""
    total = ZERO
    for symbol, exposure in account.exposures.items():
        quote = quote_of(symbol)
        rate = None if quote is None else _rate(state, account, symbol, quote_of)
        if quote is None or rate is None:
            continue
        pnl = ZERO
        if exposure.long_quantity:
            pnl = quote.bid * exposure.long_quantity - exposure.long_cost
        if exposure.short_quantity:
            pnl += exposure.short_cost - quote.ask * exposure.short_quantity
        total += pnl if rate is ONE else pnl * rate
    return total


def isolated_floating(state: State, account: Account, quote_of: QuoteOf) -> Decimal:
    """Unrealised P&L [account currency] of all isolated positions."""
    if not account.margin_isolated:
        return ZERO
    return sum(
        (value_position(state, position, quote_of).unrealized_pnl for position in isolated_positions(account)),
        ZERO,
    )


def isolated_positions(account: Account) -> list[Position]:
    """Positions that stand on their own margin, oldest first."""
    return [p for p in account.positions.values() if p.margin_mode is _ISOLATED]


def cross_available(state: State, account: Account, quote_of: QuoteOf) -> Decimal:
    """What new orders may draw on [account currency]: isolated profits and losses do not count, and none in cash."""
    free = account.balance
    if account.exposures and not account.terms.is_cash:
        free += cross_floating(state, account, quote_of)
    return round_floating(free) - account.margin_used - account.margin_held


def liquidation_price(state: State, account: Account, position: Position, quote_of: QuoteOf) -> Decimal | None:
    """Price at which this position alone would bring the stop-out, all else standing still.

    None where no positive price does. Isolated: its own margin; cross: the account's equity.
    """
    rate = _rate(state, account, position.symbol, quote_of)
    if rate is None:
        return None
    stop_out = account.terms.stop_out_level / HUNDRED
    value = value_position(state, position, quote_of)
    if position.margin_mode is _ISOLATED:
        slack = position.margin * (ONE - stop_out) + value.unrealized_pnl
    else:
        # Without what working orders hold: they are cancelled before a position has to go.
        slack = value_account(state, account, quote_of).equity - account.margin_used * stop_out
    move = slack / (position.quantity * rate)
    price = value.current_price - move if position.side is LONG else value.current_price + move
    return round_floating(price) if price > 0 else None


def _rate(state: State, account: Account, symbol: str, quote_of: QuoteOf) -> Decimal | None:
    """Account currency per quote currency of `symbol`; None without a path, as after a start before its quotes."""
    source = state.instruments[symbol].quote_currency
    if source == account.terms.currency:
        return ONE
    return conversion_rate(source, account.terms.currency, quote_of)
