"""Ledgers: what each deployment's own orders left open and brought, folded from the engine's events.

An account's book of a strategy is shared by all its deployments there; the ledger parts it. On a netting
account a deployment's holding is the sum of its own fills; on a hedging account it is the positions that it
opened. What is closed by others (by hand, by a margin call) is taken from the oldest holding first.
"""

from decimal import Decimal

from msgspec import Struct, field

from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ONE, ZERO, round_floating
from tradehall.domain.order import OrderRole, OrderTerms, Side
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.events import BookFilled


class Holding(Struct, omit_defaults=True):
    """What a deployment has open: `quantity` [units], `cost` [quote currency], both positive.

    `position_id`: the position, on a hedging account. `net_pnl` [account currency]: what its fills came to, fees
    included, so far.
    """

    symbol: str
    side: PositionSide
    quantity: Decimal
    cost: Decimal
    opened_at: int
    currency: str
    position_id: PositionId | None = None
    net_pnl: Decimal = ZERO

    @property
    def entry_price(self) -> Decimal:
        """Volume-weighted [quote currency per unit], at most 10 decimals."""
        return round_floating(self.cost / self.quantity)


class OrderNote(Struct, omit_defaults=True):
    """A working order of a deployment. `position_id`: the position it acts on; `rest` [units]: not filled yet."""

    symbol: str
    side: Side
    role: OrderRole
    rest: Decimal
    position_id: PositionId | None = None
    has_filled: bool = False


class Tally(Struct, omit_defaults=True):
    """Round trips that are over; money in account currency, net of fees."""

    count: int = 0
    wins: int = 0
    losses: int = 0
    gross_profit: Decimal = ZERO
    gross_loss: Decimal = ZERO
    holding_ns: int = 0

    def add(self, net_pnl: Decimal, holding_ns: int) -> None:
        """One more."""
        self.count += 1
        self.wins += net_pnl > 0
        self.losses += net_pnl < 0
        self.gross_profit += max(net_pnl, ZERO)
        self.gross_loss += min(net_pnl, ZERO)
        self.holding_ns += holding_ns


class Ledger(Struct, omit_defaults=True):
    """One deployment's ledger; encodable, so that a fold can be kept. Money in account currency.

    `entries`: how many of its entry orders filled; `day` [days since 1970], `day_entries`, `day_pnl`: of the
    last day on which something filled. `takes_all`: every order of the book is its own, as of a program that
    trades through the gateway. `capital`: the account's balance when it first began. `rates`: account currency
    per unit of each quote currency, as last booked.
    """

    account_id: AccountId
    keygen: str
    holdings: list[Holding] = field(default_factory=list)
    orders: dict[OrderId, OrderNote] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    net_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    entries: int = 0
    day: int = 0
    day_entries: int = 0
    day_pnl: Decimal = ZERO
    takes_all: bool = False
    capital: Decimal = ZERO
    rates: dict[str, Decimal] = field(default_factory=dict)

    def held(self, symbol: str, side: PositionSide) -> list[Holding]:
        """What is open in a symbol on one side, oldest first."""
        return [each for each in self.holdings if each.symbol == symbol and each.side is side]

    def entries_on(self, day: int) -> int:
        """Entry orders that filled on a day [days since 1970]."""
        return self.day_entries if day == self.day else 0

    def pnl_on(self, day: int) -> Decimal:
        """What was booked on a day [account currency]."""
        return self.day_pnl if day == self.day else ZERO

    def accept(self, order_id: OrderId, terms: OrderTerms, role: OrderRole) -> None:
        """An order of the deployment works from now on."""
        self.orders[order_id] = OrderNote(terms.symbol, terms.side, role, terms.quantity, terms.position_id)

    def book(self, filled: BookFilled, at: int, *, is_hedging: bool) -> None:
        """A fill of one of its own orders."""
        note = self.orders[filled.order_id]
        if note.role is OrderRole.ENTRY and not note.has_filled:
            self._count_entry(at)
        note.has_filled = True
        position_id = (note.position_id or filled.order_id) if is_hedging else None
        self._book(filled, filled.quantity, at, position_id=position_id)

    def take(self, filled: BookFilled, quantity: Decimal, at: int, position_id: PositionId | None) -> Decimal:
        """Somebody else closed up to `quantity` of what it holds; how much of it was its own."""
        opposite = PositionSide.SHORT if filled.side is Side.BUY else PositionSide.LONG
        own = [each for each in self.held(filled.symbol, opposite) if position_id in (None, each.position_id)]
        mine = min(quantity, sum((each.quantity for each in own), ZERO))
        if mine:
            self._book(filled, mine, at, position_id=position_id)
        return mine

    def _book(self, filled: BookFilled, quantity: Decimal, at: int, *, position_id: PositionId | None) -> None:
        self._note_rate(filled)
        fees = self._in_account(filled.fees * quantity / filled.quantity, filled.currency)
        self.fees += fees
        rest, gross = quantity, ZERO
        opposite = PositionSide.SHORT if filled.side is Side.BUY else PositionSide.LONG
        for holding in self.held(filled.symbol, opposite):
            if position_id not in (None, holding.position_id) or not rest:
                continue
            part = min(rest, holding.quantity)
            gross += self._closed(holding, part, filled, fees * part / quantity, at)
            rest -= part
        if rest:
            self._opened(filled, rest, at, position_id, fees * rest / quantity)
        self._earn(gross - fees, at)

    def _closed(self, holding: Holding, part: Decimal, filled: BookFilled, fees: Decimal, at: int) -> Decimal:
        cost = holding.cost * part / holding.quantity
        value = part * filled.price
        quote_pnl = value - cost if holding.side is PositionSide.LONG else cost - value
        gross = self._in_account(quote_pnl, filled.currency)
        holding.quantity -= part
        holding.cost -= cost
        holding.net_pnl += gross - fees
        if not holding.quantity:
            self.holdings.remove(holding)
            self.tally.add(holding.net_pnl, at - holding.opened_at)
        return gross

    def _opened(
        self, filled: BookFilled, quantity: Decimal, at: int, position_id: PositionId | None, fees: Decimal
    ) -> None:
        side = PositionSide.LONG if filled.side is Side.BUY else PositionSide.SHORT
        for holding in self.held(filled.symbol, side):
            if holding.position_id == position_id:
                holding.quantity += quantity
                holding.cost += quantity * filled.price
                holding.net_pnl -= fees
                return
        self.holdings.append(
            Holding(
                filled.symbol,
                side,
                quantity,
                quantity * filled.price,
                at,
                filled.currency,
                position_id,
                net_pnl=-fees,
            )
        )

    def _count_entry(self, at: int) -> None:
        self._begin_day(at)
        self.entries += 1
        self.day_entries += 1

    def _earn(self, amount: Decimal, at: int) -> None:
        self._begin_day(at)
        self.net_pnl += amount
        self.day_pnl += amount

    def _begin_day(self, at: int) -> None:
        day = at // NS_PER_DAY
        if day != self.day:
            self.day, self.day_entries, self.day_pnl = day, 0, ZERO

    def _note_rate(self, filled: BookFilled) -> None:
        booked = filled.realized_pnl - filled.fees
        if booked and filled.net_pnl:
            self.rates[filled.currency] = filled.net_pnl / booked

    def _in_account(self, amount: Decimal, currency: str) -> Decimal:
        return round_floating(amount * self.rates.get(currency, ONE))
