"""What a strategy has lost: realised, less fees, and floating, in its account's currency."""

from decimal import Decimal

from tradehall.domain.account import Account
from tradehall.domain.money import ONE, ZERO
from tradehall.domain.position import Position, floating_pnl
from tradehall.domain.strategy import StrategyBook, TradingState
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.conversion import QuoteOf, conversion_rate
from tradehall.engine.state import State

STRICTNESS = {TradingState.NORMAL: 0, TradingState.REDUCE_ONLY: 1, TradingState.HALTED: 2}
assert STRICTNESS.keys() == set(TradingState)


def floating_of_part(state: State, account: Account, part: Position, quote_of: QuoteOf) -> Decimal:
    """Unrealised P&L [account currency] of a part; 0 while there is no quote, or no path to the currency."""
    quote = quote_of(part.symbol)
    source, target = state.instruments[part.symbol].quote_currency, account.terms.currency
    rate = ONE if source == target else conversion_rate(source, target, quote_of)
    if quote is None or rate is None:
        return ZERO
    return rate * floating_pnl(side=part.side, quantity=part.quantity, cost=part.cost, bid=quote.bid, ask=quote.ask)


def is_watched(book: StrategyBook) -> bool:
    """Whether a loss would change what the strategy may do."""
    limits = book.limits
    if limits.loss_max is None and limits.daily_loss_max is None:
        return False
    return STRICTNESS[book.trading_state] < STRICTNESS[limits.on_loss]


def loss_limits(book: StrategyBook, floating: Decimal, now: int) -> list[tuple[str, Decimal, Decimal]]:
    """Each loss limit: its name, the P&L it looks at and the limit; it is reached when both come to 0 or less.

    The P&L of the day is what was realised since 00:00 UTC, and all that is floating, whenever it was opened.
    """
    found = []
    limits = book.limits
    if limits.daily_loss_max is not None:
        pnl = floating + (book.day_pnl if book.day == now // NS_PER_DAY else ZERO)
        found.append(("daily loss", pnl, limits.daily_loss_max))
    if limits.loss_max is not None:
        pnl = floating + book.net_pnl
        found.append(("loss", pnl, limits.loss_max))
    return found
