"""How events change the books of strategies. Other `engine.state_*` modules call these, and nobody else."""

from decimal import Decimal

from tradehall.domain.account import NO_UNITS, Account, BookUnits
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Hold, Order, OrderRole, signed
from tradehall.domain.position import Position, PositionSide
from tradehall.domain.strategy import BookResult, StrategyBook
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine import events as ev
from tradehall.engine.state import ConservationError, State


def strategy_registered(state: State, event: ev.StrategyRegistered, now: int) -> None:
    book = StrategyBook(strategy_id=event.strategy_id, registered_at=now)
    state.accounts[event.account_id].books[event.strategy_id] = book


def budget_set(state: State, event: ev.BudgetSet, now: int) -> None:
    _book(state, event.account_id, event.strategy_id).allocated[event.currency] = event.allocated


def budget_removed(state: State, event: ev.BudgetRemoved, now: int) -> None:
    del _book(state, event.account_id, event.strategy_id).allocated[event.currency]


def strategy_limits_set(state: State, event: ev.StrategyLimitsSet, now: int) -> None:
    _book(state, event.account_id, event.strategy_id).limits = event.limits


def trading_state_set(state: State, event: ev.TradingStateSet, now: int) -> None:
    account = state.accounts[event.account_id]
    subject = account if event.strategy_id is None else account.books[event.strategy_id]
    subject.trading_state = event.trading_state
    subject.state_reason = event.reason


def order_hold_changed(state: State, event: ev.OrderHoldChanged, now: int) -> None:
    order = state.orders[event.order_id]
    order.updated_at = now
    hold_changed(state, order, event.hold)


def strategy_order_accepted(state: State, order: Order, hold: Hold | None, now: int) -> None:
    """An order of a strategy, not yet in the state, begins to work."""
    hold_changed(state, order, hold)
    if order.role is not OrderRole.ENTRY or order.terms.reduce_only:
        return
    assert order.terms.strategy_id is not None, "called for orders of strategies"
    book = _book(state, order.terms.account_id, order.terms.strategy_id)
    if now - book.window_at >= book.limits.orders_interval_ns:
        book.window_at, book.window_orders = now, 0
    book.window_orders += 1


def hold_changed(state: State, order: Order, hold: Hold | None) -> None:
    """The order keeps `hold` of its strategy's budget from now on."""
    if order.hold == hold:
        return
    assert order.terms.strategy_id is not None, f"order {order.order_id} holds a budget of nobody"
    book = _book(state, order.terms.account_id, order.terms.strategy_id)
    if order.hold is not None:
        _reserve(book, order.hold.currency, -order.hold.amount)
    if hold is not None:
        _reserve(book, hold.currency, hold.amount)
    order.hold = hold


def book_filled(state: State, event: ev.BookFilled, now: int) -> None:
    account = state.accounts[event.account_id]
    book = account.books[event.strategy_id]
    before = book.results.get(event.currency) or BookResult()
    book.results[event.currency] = BookResult(
        before.realized_pnl + event.realized_pnl, before.fees + event.fees, before.fill_count + 1
    )
    book.net_pnl += event.net_pnl
    today = now // NS_PER_DAY
    if book.day != today:
        book.day, book.day_pnl = today, ZERO
    book.day_pnl += event.net_pnl
    _add_units(account, event.symbol, filled=signed(event.side, event.quantity))


def part_opened(state: State, event: ev.PartOpened, now: int) -> None:
    _replace_part(state, event.part, None, event.part)


def part_changed(state: State, event: ev.PartChanged, now: int) -> None:
    _replace_part(state, event.part, _part_before(state, event.part), event.part)


def part_closed(state: State, event: ev.PartClosed, now: int) -> None:
    _replace_part(state, event.part, _part_before(state, event.part), None)


def _part_before(state: State, part: Position) -> Position:
    return _book_of(state, part).parts[part.position_id]


def _replace_part(state: State, part: Position, before: Position | None, after: Position | None) -> None:
    account, book = state.accounts[part.account_id], _book_of(state, part)
    currency = state.instruments[part.symbol].quote_currency
    if before is not None:
        _reserve(book, currency, -before.margin)
        _add_units(account, part.symbol, held=-signed_units(before))
    if after is None:
        del book.parts[part.position_id]
        return
    _reserve(book, currency, after.margin)
    _add_units(account, part.symbol, held=signed_units(after))
    book.parts[part.position_id] = after  # In the place it has: the oldest part stays first.


def signed_units(position: Position) -> Decimal:
    """Units of a position or part, negative when it is short."""
    return position.quantity if position.side is PositionSide.LONG else -position.quantity


def reserved_by_currency(state: State, account: Account, book: StrategyBook) -> dict[str, Decimal]:
    """What working orders hold and open parts tie, added up anew: it must be `book.reserved`."""
    sums = dict.fromkeys(book.reserved, ZERO)
    for order in state.orders_of_strategy(account.terms.account_id, book.strategy_id):
        if order.hold is not None:
            sums[order.hold.currency] = sums.get(order.hold.currency, ZERO) + order.hold.amount
    for part in book.parts.values():
        currency = state.instruments[part.symbol].quote_currency
        sums[currency] = sums.get(currency, ZERO) + part.margin
    return sums


def check_books(account: Account, symbol: str) -> None:
    """The parts of all books in `symbol` must be those of the books' fills. ConservationError otherwise."""
    units = account.book_units.get(symbol, NO_UNITS)
    if units.held != units.filled:
        raise ConservationError(
            f"account {account.terms.account_id}: the books' parts in {symbol} come to {units.held}, "
            f"their fills to {units.filled}"
        )


def _book(state: State, account_id: AccountId, strategy_id: str) -> StrategyBook:
    return state.accounts[account_id].books[strategy_id]


def _book_of(state: State, part: Position) -> StrategyBook:
    assert part.strategy_id is not None, f"part {part.position_id} is in no book"
    return _book(state, part.account_id, part.strategy_id)


def _reserve(book: StrategyBook, currency: str, change: Decimal) -> None:
    """Add to what is reserved; what has come to nothing is forgotten."""
    total = book.reserved.get(currency, ZERO) + change
    if total:
        book.reserved[currency] = total
    else:
        book.reserved.pop(currency, None)


def _add_units(account: Account, symbol: str, *, filled: Decimal = ZERO, held: Decimal = ZERO) -> None:
    """The same for what is in books."""
    units = account.book_units.get(symbol, NO_UNITS)
    units = BookUnits(units.filled + filled, units.held + held)
    if units.filled or units.held:
        account.book_units[symbol] = units
    else:
        account.book_units.pop(symbol, None)
