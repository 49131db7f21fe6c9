"""The house's nouns → the terminal's words: tickets, lots and money as numbers, instants in milliseconds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from tradehall.app.projections.tickets import asked_price, pending_kind
from tradehall.app.tickets import entry_price, open_ticket
from tradehall.domain.account import Account, AccountStatus, PositionMode, Valuation
from tradehall.domain.calendar import MINUTES_PER_WEEK, is_open
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.market import TIMEFRAME_NS, Bar, Quote, Timeframe
from tradehall.domain.money import round_up_to
from tradehall.domain.order import Order, OrderRole, OrderStatus, OrderType, Side
from tradehall.domain.position import Position
from tradehall.domain.strategy import TradingState
from tradehall.domain.time import NS_PER_MS, to_rfc3339
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.state import State
from tradehall.faces.terminal import schemas
from tradehall.ports.deals import Deal, DealEntry
from tradehall.ports.tickets import Ticket, TicketKind

MINUTES_PER_DAY: Final = 24 * 60

SIDE_WORD: Final[Mapping[Side, schemas.SideWord]] = {Side.BUY: "buy", Side.SELL: "sell"}
assert SIDE_WORD.keys() == set(Side)

# (buy, sell); types that this door lacks are shown as stops, their name tells.
TYPE_NUMBER: Final[Mapping[OrderType, tuple[int, int]]] = {
    OrderType.MARKET: (0, 1),
    OrderType.LIMIT: (2, 3),
    OrderType.STOP: (4, 5),
    OrderType.STOP_LIMIT: (4, 5),
    OrderType.TRAILING_STOP: (4, 5),
}
assert TYPE_NUMBER.keys() == set(OrderType)

STATE_WORD: Final[Mapping[OrderStatus, schemas.OrderState]] = {
    OrderStatus.PENDING: "placed",
    OrderStatus.OPEN: "placed",
    OrderStatus.PARTIALLY_FILLED: "placed",
    OrderStatus.FILLED: "filled",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
}
assert STATE_WORD.keys() == set(OrderStatus)

GROUP: Final[Mapping[AssetClass, str]] = {
    AssetClass.STOCK: "Stocks",
    AssetClass.FOREX: "Forex",
    AssetClass.CRYPTO: "Crypto",
    AssetClass.FUTURES: "Futures",
}
assert GROUP.keys() == set(AssetClass)

ENTRY_WORD: Final[Mapping[DealEntry, Any]] = {
    DealEntry.IN: "in",
    DealEntry.OUT: "out",
    DealEntry.BALANCE: "balance",
}
assert ENTRY_WORD.keys() == set(DealEntry)

_REASON_OF_ROLE: Final[Mapping[OrderRole, schemas.ReasonWord]] = {
    OrderRole.STOP_LOSS: "sl",
    OrderRole.TAKE_PROFIT: "tp",
    OrderRole.LIQUIDATION: "stop_out",
}
# Doors of programs; behind the others sits a person.
_PROGRAMS: Final = frozenset({"gateway", "terminal"})
# A name of the module: an enum's attribute is found slowly, and lists are long.
_BUY: Final = TicketKind.BUY


def number(value: Decimal | None) -> float:
    """As a JSON number; nothing is 0."""
    return float(value) if value else 0.0


def whole(value: Decimal) -> float:
    """As a JSON number, without a fraction where it has none."""
    return int(value) if value == value.to_integral_value() else float(value)


def millis(at: int | None) -> int:
    """Unix milliseconds; never is 0."""
    return at // NS_PER_MS if at else 0


def reason_word(role: OrderRole | None, source: str, strategy_id: str | None) -> schemas.ReasonWord:
    """Why a deal happened."""
    if role is not None and role in _REASON_OF_ROLE:
        return _REASON_OF_ROLE[role]
    if strategy_id is not None:
        return "strategy"
    return "api" if source in _PROGRAMS else "manual"


# Accounts and deals.


def to_account(account: Account, value: Valuation, *, server: str, is_connected: bool, now: int) -> schemas.Account:
    """An account at the latest quotes."""
    terms = account.terms
    level = value.margin_level
    return schemas.Account(
        login=terms.account_id,
        name=terms.name,
        server=server,
        currency=terms.currency,
        leverage=whole(terms.leverage),
        mode="hedging" if terms.position_mode is PositionMode.HEDGING else "netting",
        balance=number(value.balance),
        credit=0.0,
        equity=number(value.equity),
        profit=number(value.unrealized_pnl),
        margin=number(value.margin_used),
        free_margin=number(value.margin_available),
        margin_level=None if level is None else round(float(level), 2),
        trade_allowed=terms.status is AccountStatus.ACTIVE and account.trading_state is TradingState.NORMAL,
        connected=is_connected,
        time=millis(now),
    )


def to_deal(deal: Deal) -> schemas.Deal:
    """A deal."""
    return schemas.Deal(
        deal=deal.deal,
        ticket=deal.ticket,
        order=deal.order_id,
        symbol=deal.symbol or None,
        side=None if deal.side is None else SIDE_WORD[deal.side],
        entry=ENTRY_WORD[deal.entry],
        volume=number(deal.lots),
        price=number(deal.price),
        profit=number(deal.profit),
        commission=number(deal.commission),
        swap=number(deal.swap),
        reason=reason_word(deal.role, deal.source, deal.strategy_id),
        comment=deal.comment,
        time=millis(deal.at),
    )


# Positions and orders.


def to_position(state: State, position: Position, quote_of: QuoteOf) -> schemas.Position:
    """An open position at the latest quote."""
    return _shown(open_ticket(state, position, quote_of))


def _shown(ticket: Ticket) -> schemas.Position:
    is_buy = ticket.kind is _BUY
    # In the order of the fields: each keyword would cost a walk through them.
    return schemas.Position(
        ticket.ticket,
        ticket.symbol,
        0 if is_buy else 1,
        "buy" if is_buy else "sell",
        number(ticket.lots),
        number(ticket.open_price),
        number(ticket.close_price),
        number(ticket.stop_loss),
        number(ticket.take_profit),
        number(ticket.profit),
        number(ticket.swap),
        number(ticket.commission),
        millis(ticket.opened_at),
        ticket.comment,
        ticket.client_order_id,
        ticket.magic,
    )


def to_closed_position(ticket: Ticket, reason: schemas.ReasonWord) -> schemas.ClosedPosition:
    """The last part of a position that went flat."""
    shown = _shown(ticket)
    fields = {name: getattr(shown, name) for name in shown.__struct_fields__}
    return schemas.ClosedPosition(**fields, close_price=number(ticket.close_price), reason=reason)


def to_order(state: State, order: Order) -> schemas.Order:
    """An order, pending or ended."""
    terms = order.terms
    is_working = order.is_working
    quantity = order.remaining_quantity if is_working else terms.quantity
    price = entry_price(state, order) if is_working else asked_price(terms)
    shown = schemas.Order(
        ticket=order.order_id,
        symbol=terms.symbol,
        type=type_number(order),
        type_name=type_name(order),
        side=SIDE_WORD[terms.side],
        volume=number(quantity / state.instruments[terms.symbol].contract_size),
        price=number(price),
        sl=number(terms.stop_loss),
        tp=number(terms.take_profit),
        expiration=millis(terms.expires_at),
        state=STATE_WORD[order.status],
        created_time=millis(order.created_at),
        comment=terms.comment,
        client_order_id=terms.client_order_id,
        magic=terms.magic,
    )
    if not order.filled_quantity or order.position_id is None:
        return shown
    return msgspec.structs.replace(shown, position_ticket=order.position_id)


def type_number(order: Order) -> int:
    """0 and 1 at market, 2 and 3 limits, 4 and 5 stops of all kinds."""
    return TYPE_NUMBER[order.terms.type][order.terms.side is Side.SELL]


def type_name(order: Order) -> str:
    """`buy_limit`, `sell_trailing_stop`, or just the side at market."""
    if order.terms.type is OrderType.MARKET:
        return SIDE_WORD[order.terms.side]
    return pending_kind(order).lower()


# The market.


def to_listed_symbol(instrument: Instrument, quote: Quote | None, now: int) -> schemas.ListedSymbol:
    """An instrument and its quote."""
    return schemas.ListedSymbol(**_symbol_fields(instrument, quote, now))


def to_symbol(instrument: Instrument, quote: Quote | None, now: int) -> schemas.Symbol:
    """With its sessions."""
    return schemas.Symbol(**_symbol_fields(instrument, quote, now), sessions=sessions_by_day(instrument))


def _symbol_fields(instrument: Instrument, quote: Quote | None, now: int) -> dict[str, Any]:
    lot, tick, step = instrument.contract_size, instrument.tick_size, instrument.lot_step
    return {
        "symbol": instrument.symbol,
        "description": instrument.description,
        "group": GROUP[instrument.asset_class],
        "base": instrument.base_currency,
        "quote": instrument.quote_currency,
        "digits": instrument.digits,
        "point": number(tick),
        "contract_size": whole(lot),
        "volume_min": number(volume_min(instrument)),
        "volume_max": number(instrument.quantity_max / lot),
        "volume_step": number(step),
        "stops_level": instrument.stops_level,
        "bid": None if quote is None else number(quote.bid),
        "ask": None if quote is None else number(quote.ask),
        "spread": None if quote is None else spread_points(quote, instrument),
        "trade_mode": "full",
        "market_open": is_open(instrument.sessions, now),
        "swap_long": number(instrument.swap_long / tick),
        "swap_short": number(instrument.swap_short / tick),
    }


def volume_min(instrument: Instrument) -> Decimal:
    """The fewest lots that can be ordered: the minimum, on the grid."""
    least = instrument.quantity_min / instrument.contract_size
    return max(instrument.lot_step, round_up_to(least, instrument.lot_step))


def spread_points(quote: Quote, instrument: Instrument) -> int:
    """The spread in ticks, rounded."""
    return round((quote.ask - quote.bid) / instrument.tick_size)


def sessions_by_day(instrument: Instrument) -> list[list[list[int]]]:
    """Sessions cut at midnight, Monday first; [] for a market that never closes."""
    if not instrument.sessions:
        return []
    days: list[list[list[int]]] = [[] for _ in range(MINUTES_PER_WEEK // MINUTES_PER_DAY)]
    for start, end in instrument.sessions:
        for day, spans in enumerate(days):
            first, last = day * MINUTES_PER_DAY, (day + 1) * MINUTES_PER_DAY
            if start < last and end > first:
                spans.append([max(start, first) - first, min(end, last) - first])
    return days


def to_quote(quote: Quote, instrument: Instrument) -> schemas.Quote:
    """A quote."""
    return schemas.Quote(
        quote.symbol, number(quote.bid), number(quote.ask), spread_points(quote, instrument), millis(quote.at)
    )


def to_candle(bar: Bar, now: int) -> schemas.Candle:
    """A bar; one whose span is not over says so."""
    is_running = bar.at + TIMEFRAME_NS[bar.timeframe] > now
    return schemas.Candle(
        millis(bar.at),
        number(bar.open),
        number(bar.high),
        number(bar.low),
        number(bar.close),
        number(bar.volume),
        False if is_running else msgspec.UNSET,
    )


TIMEFRAMES: Final[Mapping[str, Timeframe]] = {
    spelling: timeframe
    for timeframe in (
        Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4, Timeframe.D1,
        Timeframe.W1,
    )
    for spelling in (timeframe.upper(), timeframe[-1].upper() + timeframe[:-1])
}  # fmt: skip


# ISO twins.

INSTANTS: Final = frozenset(
    {"time", "open_time", "created_time", "expiration", "created_at", "last_used_at", "expires_at", "revoked_at"}
)


def with_iso(value: Any) -> Any:
    """A built value with a `*_iso` twin beside each instant; 0 and null have null."""
    if isinstance(value, list):
        return [with_iso(each) for each in value]
    if not isinstance(value, dict):
        return value
    twinned: dict[str, Any] = {}
    for name, each in value.items():
        twinned[name] = with_iso(each)
        if name in INSTANTS:
            twinned[f"{name}_iso"] = to_rfc3339(each * NS_PER_MS) if each else None
    return twinned
