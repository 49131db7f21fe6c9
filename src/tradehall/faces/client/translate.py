"""The house's values → this door's: JSON numbers, unix seconds, hundredths of a lot."""

from decimal import Decimal
from typing import Any, Final

from tradehall.domain.account import Account
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import HUNDRED, ZERO, round_money, trimmed
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.conversion import QuoteOf
from tradehall.engine.state import State
from tradehall.engine.valuation import value_account
from tradehall.faces.client.schemas import Balance
from tradehall.faces.client.words import CMD, LEVEL, STATE, reason_of
from tradehall.ports.tickets import Ticket, TicketTotals

# The columns of a list of tickets, in their order.
TICKET_COLUMNS: Final = (
    "order", "login", "cmd", "state", "symbol", "reason", "volume", "open_time", "close_time", "open_price",
    "close_price", "sl", "tp", "profit", "net_profit", "commission", "storage", "comment", "digits", "expiration",
)  # fmt: skip
# The history has no net profit.
NET_PROFIT: Final = TICKET_COLUMNS.index("net_profit")
HISTORY_COLUMNS: Final = tuple(name for name in TICKET_COLUMNS if name != "net_profit")


def second(at: int) -> int:
    """An instant [ns UTC] in whole seconds."""
    return at // NS_PER_SECOND


def price(value: Decimal | None) -> float:
    """A price; 0 for none."""
    return float(value or 0)


def cents(value: Decimal) -> float:
    """Money to the cent; less than half a cent of loss is nothing, and nothing has no sign."""
    return float(round(value, 2)) + 0.0


def volume(lots: Decimal) -> int | float:
    """Lots in hundredths: whole, or as a decimal number where another door was finer."""
    hundredths = lots * HUNDRED
    whole = int(hundredths)
    return whole if whole == hundredths else float(hundredths)


def units(hundredths: int, instrument: Instrument) -> Decimal:
    """Hundredths of a lot in units."""
    return trimmed(Decimal(hundredths) / HUNDRED * instrument.contract_size)


def lot_step(instrument: Instrument) -> Decimal:
    """The step of this door in units."""
    return instrument.lot_step * instrument.contract_size


def ticket_row(ticket: Ticket) -> list[Any]:
    """A ticket under TICKET_COLUMNS."""
    profit, commission, swap = cents(ticket.profit), cents(ticket.commission), cents(ticket.swap)
    return [
        ticket.ticket, ticket.account_id, CMD[ticket.kind], STATE[ticket.state], ticket.symbol,
        reason_of(ticket.source), volume(ticket.lots), second(ticket.opened_at), second(ticket.closed_at),
        price(ticket.open_price), price(ticket.close_price), price(ticket.stop_loss), price(ticket.take_profit),
        profit, cents(ticket.net_profit), commission, swap, ticket.comment, ticket.digits,
        second(ticket.expires_at),
    ]  # fmt: skip


def history_row(ticket: Ticket) -> list[Any]:
    """A ticket under HISTORY_COLUMNS."""
    row = ticket_row(ticket)
    del row[NET_PROFIT]
    return row


def totals_of(totals: TicketTotals) -> dict[str, Any]:
    """Sums over a filter, as members of the answer."""
    return {
        "count": totals.count,
        "total_profit": cents(totals.profit),
        "total_net_profit": cents(totals.net_profit),
        "total_storage": cents(totals.swap),
        "total_commission": cents(totals.commission),
        "total_volume": volume(totals.lots),
    }


def to_balance(state: State, account: Account, quote_of: QuoteOf) -> Balance:
    """What an account is worth: its figures add up to the cent. There is no credit yet."""
    value = value_account(state, account, quote_of)
    profit = round_money(value.unrealized_pnl, value.currency)
    equity = value.balance + profit
    used = value.margin_used
    positions = account.positions.values()
    return Balance(
        login=account.terms.account_id,
        balance=float(value.balance),
        credit=0.0,
        profit=float(profit) + 0.0,
        commission=cents(sum((-each.commission for each in positions), ZERO)),
        storage=cents(sum((each.swap for each in positions), ZERO)),
        margin=float(used),
        margin_free=float(equity - used),
        margin_level=cents(equity * HUNDRED / used) if used else 0.0,
        equity=float(equity),
        level_type=LEVEL[account.margin_state],
    )
