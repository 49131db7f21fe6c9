"""Draft: an order being decided, with the figures that checks share, each worked out once."""

from decimal import Decimal
from typing import Final

from tradehall.domain.account import NETTING, Account
from tradehall.domain.ids import PositionId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, ZERO, round_margin
from tradehall.domain.order import BUY, Hold, Order, OrderTerms, Side
from tradehall.domain.position import Position, side_opened_by
from tradehall.engine.booking import part_in, reducible_by
from tradehall.engine.commands import PlaceOrder
from tradehall.engine.context import Context
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.fees import can_be_charged, commission_currencies, leverage_of
from tradehall.engine.state import State
from tradehall.engine.traits import MEETING, REDUCING, traits_of
from tradehall.engine.valuation import cross_available


class OrderDraft:
    """What a check may look at; the symbol is known. `working`: the order being amended, None for a new one.

    `quantity` [units] is what may still fill; `available` [account currency] includes what the
    amended order holds already. `position`: the one the order would meet, a part of a book where it is
    bound to one. `hold`: what the order keeps of its strategy's budget, once that was asked about.
    """

    __slots__ = (
        "account",
        "command",
        "context",
        "hold",
        "instrument",
        "margin_required",
        "opening_quantity",
        "position",
        "quantity",
        "quote",
        "rate",
        "reference_price",
        "state",
        "terms",
        "traits",
        "working",
    )

    def __init__(
        self,
        state: State,
        account: Account,
        command: PlaceOrder,
        context: Context,
        working: Order | None = None,
    ) -> None:
        terms, quote = command.terms, context.quote(command.terms.symbol)
        instrument, position = state.instruments[terms.symbol], None
        traits = traits_of(command, account, instrument)
        self.state = state
        self.account = account
        self.command = command
        self.terms: OrderTerms = terms
        self.context = context
        self.working = working
        self.instrument: Instrument = instrument
        self.quote: Quote | None = quote
        self.quantity = terms.quantity if working is None else terms.quantity - working.filled_quantity
        if terms.position_id is not None:
            position = self._named_position(terms.position_id)
        elif account.positions and account.terms.position_mode is NETTING:
            position = state.net_position(account, terms.symbol)
        self.position: Position | None = position
        self.traits = traits if position is None else traits | MEETING
        self.opening_quantity = self._opening_quantity() if self.traits & _PARTLY else self.quantity
        # What it is reckoned at [quote currency per unit]: its own price, or what it would meet.
        self.reference_price = terms.limit_price or terms.stop_price or _touch(terms.side, quote)
        self.rate: Decimal | None = None
        self.margin_required = ZERO
        self.hold: Hold | None = None

    @property
    def is_by_book(self) -> bool:
        """Whether the order reduces its strategy's part, and not the account's position: on a netting account."""
        return self.terms.strategy_id is not None and self.account.terms.position_mode is NETTING

    @property
    def part(self) -> Position | None:
        """The part of its strategy's book that an order meets on a netting account."""
        strategy_id = self.terms.strategy_id
        return None if strategy_id is None else part_in(self.account, strategy_id, self.terms.symbol)

    @property
    def closes_whole(self) -> bool:
        """Whether all that may still fill closes the position it meets, to the last unit."""
        position = self.part if self.is_by_book else self.position
        is_opposite = position is not None and position.side.exit_side is self.terms.side
        return is_opposite and position is not None and position.quantity == self.quantity

    @property
    def leverage(self) -> Decimal:
        """Leverage that applies: the order's own or the account's, within the instrument's limit."""
        return leverage_of(self.terms, self.account, self.instrument)

    def price_margin(self) -> None:
        """Work out `rate` and `margin_required`; the checks before have made sure that there is a price."""
        instrument, account, price = self.instrument, self.account, self.reference_price
        source, fees, currency = instrument.quote_currency, instrument.commission, account.terms.currency
        rate = ONE if source == currency else conversion_rate(source, currency, self.context.quote)
        if rate is None:
            return
        if fees.currency != currency and not can_be_charged(fees, currency, self.context.quote):
            return
        self.rate = rate
        if price is None or not self.opening_quantity:
            return
        notional = self.opening_quantity * price
        if rate is not ONE:
            notional *= rate
        self.margin_required = round_margin(notional / leverage_of(self.terms, account, instrument), currency)

    def currency_without_path(self) -> str | None:
        """A currency that live quotes do not convert to the account's: the instrument's, or its commission's."""
        currency = self.account.terms.currency
        for source in commission_currencies(self.instrument):
            if conversion_rate(source, currency, self.context.quote) is None:
                return source
        return None

    def margin_available(self) -> Decimal:
        """What this order may draw on [account currency]."""
        available = cross_available(self.state, self.account, self.context.quote)
        return available if self.working is None else available + self.working.margin_held

    def _named_position(self, position_id: PositionId) -> Position | None:
        """A strategy may name what is its own, and nothing else."""
        strategy_id = self.terms.strategy_id
        if strategy_id is None:
            return self.account.positions.get(position_id)
        book = self.account.books.get(strategy_id)
        if book is None or position_id not in book.parts:
            return None
        return book.parts[position_id] if self.is_by_book else self.account.positions.get(position_id)

    def _opening_quantity(self) -> Decimal:
        terms, quantity = self.terms, self.quantity
        if terms.position_id is not None:
            return ZERO
        if terms.reduce_only:
            if not self.is_by_book:
                return ZERO
            # What reduces a book may open the account's position, where others hold the opposite.
            quantity = min(quantity, reducible_by(self.state, self.account, terms))
        if self.position is None or self.position.side is side_opened_by(terms.side):
            return quantity
        others = self.state.working_quantity(terms.account_id, terms.symbol, terms.side)
        if self.working is not None and not self.working.terms.reduce_only:
            others -= self.working.remaining_quantity
        # What other orders of this side will close is theirs: nothing closes the same units twice for free.
        return max(ZERO, quantity - max(ZERO, self.position.quantity - others))


# What may not open all of its quantity.
_PARTLY: Final = MEETING | REDUCING


def _touch(side: Side, quote: Quote | None) -> Decimal | None:
    """The price that an order of `side` would meet; None without a quote."""
    if quote is None:
        return None
    return quote.ask if side is BUY else quote.bid
