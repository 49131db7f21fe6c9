"""Facts: what a deployment's program may look at besides the bars, taken from its ledger and the engine's state."""

from collections.abc import Iterable
from decimal import Decimal

from tradehall.app.deployments.ledger import Holding, Ledger
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, ZERO, round_floating, round_money
from tradehall.domain.order import OrderRole, Side
from tradehall.domain.position import Position, PositionSide, floating_pnl
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.conversion import QuoteOf, conversion_rate
from tradehall.engine.state import State
from tradehall.strategies.intents import BookFacts, Facts, Held

_ENTRY_SIDES = {Side.BUY: PositionSide.LONG, Side.SELL: PositionSide.SHORT}


def facts_of(ledger: Ledger, symbols: Iterable[str], state: State, quote_of: QuoteOf, now: int) -> Facts:
    """The facts of one decision on `symbols`."""
    return Facts(
        now=now,
        books={symbol: _book_facts(ledger, symbol, state, quote_of(symbol)) for symbol in symbols},
        trades_today=ledger.entries_on(now // NS_PER_DAY),
        trades=ledger.entries,
        profit=ledger.net_pnl + floating_of(ledger, state, quote_of),
    )


def floating_of(ledger: Ledger, state: State, quote_of: QuoteOf) -> Decimal:
    """Unrealised P&L of all that a deployment holds [account currency]; without a quote it counts as flat."""
    if not ledger.holdings:
        return ZERO
    account = state.accounts.get(ledger.account_id)
    currency = None if account is None else account.terms.currency
    return round_floating(sum((value_of(holding, currency, quote_of) for holding in ledger.holdings), ZERO))


def value_of(holding: Holding, currency: str | None, quote_of: QuoteOf) -> Decimal:
    """Unrealised P&L of one holding, in `currency`."""
    quote = quote_of(holding.symbol)
    if quote is None or currency is None:
        return ZERO
    pnl = floating_pnl(side=holding.side, quantity=holding.quantity, cost=holding.cost, bid=quote.bid, ask=quote.ask)
    rate = ONE if holding.currency == currency else conversion_rate(holding.currency, currency, quote_of)
    return ZERO if rate is None else pnl * rate


def reserved_of(ledger: Ledger, state: State, currency: str) -> Decimal:
    """What a deployment's own holdings and working orders tie up of its strategy's budget [`currency`]."""
    total = ZERO
    for holding in ledger.holdings:
        part = part_of(holding, ledger.account_id, ledger.keygen, state)
        if part is not None and holding.currency == currency:
            total += part.margin * min(holding.quantity, part.quantity) / part.quantity
    for order_id in ledger.orders:
        order = state.orders.get(order_id)
        if order is not None and order.hold is not None and order.hold.currency == currency:
            total += order.hold.amount
    return round_money(total, currency)


def part_of(holding: Holding, account_id: AccountId, keygen: str, state: State) -> Position | None:
    """What the engine closes to close a holding: its position, or on a netting account the strategy's part."""
    book = state.book(account_id, keygen)
    if book is None:
        return None
    if holding.position_id is not None:
        return book.parts.get(holding.position_id)
    found = (part for part in book.parts.values() if part.symbol == holding.symbol and part.side is holding.side)
    return next(found, None)


def is_hedging(account_id: AccountId, state: State) -> bool:
    """Whether each entry is a position of its own there."""
    account = state.accounts.get(account_id)
    return account is not None and account.terms.position_mode is PositionMode.HEDGING


def _book_facts(ledger: Ledger, symbol: str, state: State, quote: Quote | None) -> BookFacts:
    working = (note for note in ledger.orders.values() if note.symbol == symbol and note.role is OrderRole.ENTRY)
    return BookFacts(
        tick_size=state.instruments[symbol].tick_size,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        held={side: held for side in PositionSide if (held := _held(ledger, symbol, side, state)) is not None},
        entries=frozenset(_ENTRY_SIDES[note.side] for note in working),
    )


def _held(ledger: Ledger, symbol: str, side: PositionSide, state: State) -> Held | None:
    holdings = ledger.held(symbol, side)
    if not holdings:
        return None
    prices: dict[OrderRole, Decimal | None] = {}
    part = part_of(holdings[0], ledger.account_id, ledger.keygen, state)
    for order in [] if part is None else state.bound_orders(part):
        price = order.terms.stop_price if order.role is OrderRole.STOP_LOSS else order.terms.limit_price
        prices.setdefault(order.role, price)
    return Held(
        sum((holding.quantity for holding in holdings), ZERO),
        prices.get(OrderRole.STOP_LOSS),
        prices.get(OrderRole.TAKE_PROFIT),
    )
