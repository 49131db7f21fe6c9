"""Books: what a fill does to the parts of strategies' books. Arithmetic only; nothing is decided here.

A fill of a strategy's order goes into its own book. One that nobody's order made moves what is in no book, unless it
closes: by hand, by an exit, by the house. A close takes what is in no book first, then the parts on the closed side,
oldest first; and when it leaves the account flat, every part in the symbol is flat with it, so that no
strategy goes on trading what is gone. docs/adr/0008-strategy-books.md tells why.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
from msgspec import Struct

from tradehall.domain.account import NO_UNITS, Account, PositionMode
from tradehall.domain.money import ONE, ZERO, round_margin, round_money
from tradehall.domain.order import Order, Side
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import events as ev
from tradehall.engine.booking import Booking, Closing, Execution, Opening, close, open_or_add, part_in
from tradehall.engine.state import State


class BookBooking(Struct, frozen=True, gc=False):
    """What a fill does to one strategy's book; `execution` is the strategy's side of it, in quote currency.

    `commission`: of that side, in account currency.
    """

    strategy_id: str
    execution: Execution
    booking: Booking
    commission: Decimal

    @property
    def closings(self) -> tuple[Closing, ...]:
        """Parts of the book that were reduced."""
        return self.booking.closings

    @property
    def opening(self) -> Opening | None:
        """The part of the book that grew."""
        return self.booking.opening


def book_strategies(state: State, account: Account, execution: Execution, booking: Booking) -> list[BookBooking]:
    """What `execution`, which does `booking` to the account's positions, does to the books of strategies."""
    currency = state.instruments[execution.order.terms.symbol].quote_currency
    if account.terms.position_mode is PositionMode.HEDGING:
        return list(_of_positions(account, execution, booking, currency))
    strategy_id = execution.order.terms.strategy_id
    if strategy_id is not None:
        return [_of_own_order(account, execution, strategy_id, currency)]
    if not execution.order.terms.reduce_only:
        return []
    return list(_of_foreign_close(account, execution, booking, currency))


def unattributed_units(account: Account, symbol: str) -> Decimal:
    """Units [signed] of a netting account's position that are in no book: account position = books + these."""
    exposure = account.exposures.get(symbol)
    net = ZERO if exposure is None else exposure.net_filled
    return net - account.book_units.get(symbol, NO_UNITS).filled


def _of_own_order(account: Account, execution: Execution, strategy_id: str, currency: str) -> BookBooking:
    """A strategy's own fill on a netting account: it closes the part it meets, and opens with the rest."""
    part = part_in(account, strategy_id, execution.order.terms.symbol)
    inside = _in_quote_currency(execution, execution.quantity, execution.commission, currency)
    left = execution.quantity
    closings: tuple[Closing, ...] = ()
    if part is not None and part.side.exit_side is execution.order.terms.side:
        closed = min(left, part.quantity)
        closings = (_reduced(part, closed, inside, currency),)
        left -= closed
        part = None
    opening = _grown(part, left, inside, currency, strategy_id) if left else None
    return BookBooking(strategy_id, inside, Booking(closings, opening), execution.commission)


def _of_foreign_close(account: Account, execution: Execution, booking: Booking, currency: str) -> Iterator[BookBooking]:
    """What a close that no strategy asked for takes from each book of a netting account."""
    shares = _shares(account, execution, booking)
    # Parts that go flat against one another share the commission with the units that the fill closed.
    total = max(execution.quantity, sum((quantity for _, quantity in shares), ZERO))
    for part, quantity in shares:
        assert part.strategy_id is not None, f"part {part.position_id} is in no book"
        share = execution.commission * quantity / total
        inside = _in_quote_currency(execution, quantity, share, currency)
        booked = Booking((_reduced(part, quantity, inside, currency),), None)
        yield BookBooking(part.strategy_id, inside, booked, share)


def _shares(account: Account, execution: Execution, booking: Booking) -> list[tuple[Position, Decimal]]:
    """Parts, oldest first, and how many units of each go."""
    terms = execution.order.terms
    parts = sorted(
        (part for book in account.books.values() for part in book.parts.values() if part.symbol == terms.symbol),
        key=lambda part: (part.opened_at, part.position_id),
    )
    if all(closing.after is None for closing in booking.closings):
        return [(part, part.quantity) for part in parts]
    loose = unattributed_units(account, terms.symbol)
    is_long = booking.closings[0].before.side is PositionSide.LONG
    left = execution.quantity - max(ZERO, loose if is_long else -loose)
    shares = []
    for part in parts:
        if left <= 0:
            break
        if part.side.exit_side is terms.side:
            shares.append((part, min(left, part.quantity)))
            left -= part.quantity
    return shares


def _of_positions(account: Account, execution: Execution, booking: Booking, currency: str) -> Iterator[BookBooking]:
    """On a hedging account a part is the strategy's position, and does what the position does."""
    closings: dict[str, list[Closing]] = {}
    units: dict[str, Decimal] = {}
    for closing in booking.closings:
        owner, quantity = closing.before.strategy_id, closing.part.quantity
        if owner is not None:
            inside = _in_quote_currency(execution, execution.quantity, execution.commission, currency)
            part = account.books[owner].parts[closing.before.position_id]
            closings.setdefault(owner, []).append(_reduced(part, quantity, inside, currency))
            units[owner] = units.get(owner, ZERO) + quantity
    opening = booking.opening
    owner = None if opening is None else opening.after.strategy_id
    if opening is not None and owner is not None:
        closings.setdefault(owner, [])
        units[owner] = units.get(owner, ZERO) + opening.quantity
    for strategy_id, of_book in closings.items():
        share = execution.commission * units[strategy_id] / execution.quantity
        inside = _in_quote_currency(execution, units[strategy_id], share, currency)
        grown = None
        if opening is not None and strategy_id == owner:
            before = account.books[owner].parts.get(opening.after.position_id)
            grown = _grown(before, opening.quantity, inside, currency, owner)
        yield BookBooking(strategy_id, inside, Booking(tuple(of_book), grown), share)


def _reduced(part: Position, quantity: Decimal, inside: Execution, currency: str) -> Closing:
    """A part with less in it, and less capital tied."""
    closing = close(part, quantity, inside, currency)
    if closing.after is None:
        return closing
    after = _with_capital(closing.after, part.leverage, currency)
    return Closing(closing.before, after, closing.part)


def _grown(before: Position | None, quantity: Decimal, inside: Execution, currency: str, strategy_id: str) -> Opening:
    """A part with more in it, and more capital tied. Of several leverages it keeps none, and ties a sum."""
    opening = open_or_add(before, quantity, inside, currency, strategy_id)
    is_even = before is None or before.leverage == inside.leverage
    after = _with_capital(opening.after, inside.leverage if is_even else None, currency)
    return Opening(opening.before, after, quantity)


def _with_capital(part: Position, leverage: Decimal | None, currency: str) -> Position:
    """The part at one leverage ties cost / leverage, rounded up once: parts of cents do not add up to cents."""
    margin = part.margin if leverage is None else round_margin(part.cost / leverage, currency)
    after: Position = msgspec.structs.replace(part, leverage=leverage, margin=margin)
    return after


def _in_quote_currency(execution: Execution, quantity: Decimal, commission: Decimal, currency: str) -> Execution:
    """A strategy's side of an execution: `commission` [account currency] is turned back into quote currency."""
    inside: Execution = msgspec.structs.replace(
        execution, quantity=quantity, rate=ONE, commission=round_money(commission / execution.rate, currency)
    )
    return inside


def _side(of_book: BookBooking) -> Side:
    """The side on which the book traded; parts that go flat with the account may be on the order's other side."""
    if of_book.opening is not None:
        return of_book.opening.after.side.entry_side
    return of_book.closings[0].before.side.exit_side


def book_filled(
    order: Order, of_book: BookBooking, execution: Execution, fill_id: int, account: Account, currency: str
) -> ev.BookFilled:
    """The event that tells a strategy's side of the fill `execution`."""
    inside, booking = of_book.execution, of_book.booking
    own = account.terms.currency
    net = round_money(booking.realized_pnl * execution.rate, own) - round_money(of_book.commission, own)
    return ev.BookFilled(
        account_id=account.terms.account_id,
        strategy_id=of_book.strategy_id,
        fill_id=fill_id,
        order_id=order.order_id,
        symbol=order.terms.symbol,
        side=_side(of_book),
        quantity=inside.quantity,
        price=inside.price,
        currency=currency,
        realized_pnl=booking.realized_pnl,
        fees=inside.commission,
        net_pnl=net,
        closed_quantity=booking.closed_quantity,
        is_own=order.terms.strategy_id == of_book.strategy_id,
    )
