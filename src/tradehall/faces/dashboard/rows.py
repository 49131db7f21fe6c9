"""More of the house's nouns → this door's rows: budgets, accounts, the market, the audit trail, strategies."""

import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from tradehall.app.records.strategies import Strategy
from tradehall.domain.account import Account
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Bar, Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import WORKING, Order, OrderStatus
from tradehall.domain.strategy import BookResult, StrategyBook
from tradehall.domain.time import to_rfc3339
from tradehall.engine.state import State
from tradehall.engine.valuation import value_account
from tradehall.faces.dashboard import schemas
from tradehall.faces.dashboard.translate import Instruments, NameOf, instrument_id, maybe, number
from tradehall.faces.dashboard.words import status_word
from tradehall.ports.audit import AuditEntry
from tradehall.ports.deployments import Signal

# Budgets.


def to_budget(strategy_id: str, currency: str, books: list[StrategyBook]) -> schemas.Budget:
    """A strategy's entry in one currency, over all accounts that it trades."""
    allocated = sum((book.allocated.get(currency, ZERO) for book in books), ZERO)
    reserved = sum((book.reserved.get(currency, ZERO) for book in books), ZERO)
    result = result_of(books, currency)
    return schemas.Budget(
        strategy_id=strategy_id,
        currency=currency,
        allocated=number(allocated),
        reserved=number(reserved),
        available=number(allocated - reserved),
        realized_pnl=number(result.realized_pnl),
        total_fees=number(result.fees),
    )


def result_of(books: list[StrategyBook], currency: str) -> BookResult:
    """What a strategy's fills in one currency came to, over all accounts that it trades."""
    found = [book.results[currency] for book in books if currency in book.results]
    return BookResult(
        sum((each.realized_pnl for each in found), ZERO),
        sum((each.fees for each in found), ZERO),
        sum(each.fill_count for each in found),
    )


def to_currency_pnl(result: BookResult) -> schemas.CurrencyPnl:
    """The same as a row."""
    return schemas.CurrencyPnl(
        realized_pnl=number(result.realized_pnl),
        total_fees=number(result.fees),
        net_pnl=number(result.realized_pnl - result.fees),
        fill_count=result.fill_count,
    )


# All else.


def to_account(state: State, account: Account, quotes: Mapping[str, Quote], day_pnl: float) -> schemas.Account:
    """An account and what it is worth."""
    value, terms = value_account(state, account, quotes.get), account.terms
    return schemas.Account(
        account_id=str(terms.account_id),
        currency=terms.currency,
        position_mode=terms.position_mode.value,
        balance=number(value.balance),
        equity=number(value.equity),
        margin_used=number(value.margin_used),
        margin_free=number(value.margin_available),
        margin_level=maybe(value.margin_level),
        unrealized_pnl=number(value.unrealized_pnl),
        day_pnl=round(day_pnl, 8),
        trading_state=account.trading_state.value,
        state_reason=account.state_reason,
        status=terms.status.value,
        leverage=number(terms.leverage),
    )


def to_quote(quote: Quote) -> schemas.Quote:
    """A quote."""
    return schemas.Quote(symbol=quote.symbol, bid=number(quote.bid), ask=number(quote.ask), ts=to_rfc3339(quote.at))


def to_bar(bar: Bar) -> schemas.Bar:
    """A bar."""
    return schemas.Bar(
        ts=to_rfc3339(bar.at), open=number(bar.open), high=number(bar.high), low=number(bar.low),
        close=number(bar.close), volume=number(bar.volume),
    )  # fmt: skip


def to_instrument(instrument: Instrument) -> schemas.Instrument:
    """What can be traded."""
    return schemas.Instrument(
        symbol=instrument.symbol,
        instrument_id=f"{instrument.symbol}.{instrument.venue}",
        description=instrument.description,
        tick_size=number(instrument.tick_size),
        quantity_step=maybe(instrument.quantity_step),
        contract_size=number(instrument.contract_size),
        currency=instrument.quote_currency,
    )


# Amounts are kept as text in the trail; those of budgets are numbers at this door, as in its lists.
_AMOUNTS: Final = frozenset({"allocated", "reserved", "available", "required", "would_pass"})


def to_audit_row(entry: AuditEntry) -> schemas.AuditRow:
    """One entry of the audit trail."""
    line = entry.line
    return schemas.AuditRow(
        id=entry.entry_id,
        seq=entry.seq,
        entity_type=line.kind,
        entity_id=line.key,
        action=line.action if "." in line.action else f"{line.kind}.{line.action}",
        severity=line.severity,
        actor=line.actor,
        role=line.role,
        ip=line.ip,
        request_id=line.request_id,
        reason=line.reason,
        outcome=line.outcome,
        error_code=line.error_code or None,
        before=_amounts(line.before) or None,
        after=_amounts(line.after) or None,
        message=line.note or None,
        created_at=to_rfc3339(line.at),
    )


def _amounts(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: number(Decimal(value)) if name in _AMOUNTS and isinstance(value, str) else value
        for name, value in fields.items()
    }


_SIGNALS: Final = {"open": "ENTRY", "close": "EXIT", "set": "EXITS", "cancel": "CANCEL"}


def signal_type(signal: Signal) -> str:
    """What a signal asks for: ENTRY, EXIT, EXITS (stop loss and take profit), CANCEL."""
    return _SIGNALS.get(signal.action.partition("_")[0], "OTHER")


def to_signal(signal: Signal, instruments: Instruments, name_of: NameOf) -> schemas.Signal:
    """A rule that spoke; rules either speak or do not, so their strength is whole."""
    is_entry = signal_type(signal) == "ENTRY"
    return schemas.Signal(
        id=str(signal.signal_id),
        strategy_id=signal.keygen,
        strategy_name=name_of(signal.keygen),
        instrument_id=instrument_id(signal.symbol, instruments),
        signal_type=signal_type(signal),
        direction=("LONG" if signal.action.endswith("long") else "SHORT") if is_entry else "FLAT",
        strength=1.0,
        price=number(signal.price),
        client_order_id=signal.client_order_id or None,
        ts_event=to_rfc3339(signal.at),
    )


def to_strategy(
    strategy: Strategy, instruments: Instruments, *, status: str, open_orders: int, open_positions: int,
    account_id: int | None, trading_state: schemas.StateWord,
) -> schemas.Strategy:  # fmt: skip
    """A strategy."""
    instrument = instruments.get(strategy.symbol)
    shown = strategy.instrument_id or (instrument_id(strategy.symbol, instruments) if strategy.symbol else "")
    config: dict[str, Any] = {"program": strategy.program.value}
    config |= {"timeframe": strategy.timeframe} if strategy.timeframe else {}
    config |= {"version": strategy.definition_version} if strategy.definition_version else {}
    return schemas.Strategy(
        id=strategy.keygen,
        strategy_id=strategy.shown_id,
        name=strategy.name,
        venue=instrument.venue if instrument is not None else shown.rpartition(".")[2],
        instrument_id=shown,
        status=status,
        config=config | strategy.add_ons,
        open_orders=open_orders,
        open_positions=open_positions,
        created_at=to_rfc3339(strategy.created_at),
        updated_at=to_rfc3339(strategy.updated_at),
        account_id=None if account_id is None else str(account_id),
        trading_state=trading_state,
    )


def life_of(order: Order) -> Iterator[schemas.AuditRow]:
    """The life of an order in rows as the trail would have them, newest first: the journal has it, `seq` is 0."""
    word = status_word(order)
    if order.status not in WORKING and order.status is not OrderStatus.REJECTED:
        yield _stage(order, word.lower(), order.updated_at)
    if order.status is not OrderStatus.REJECTED:
        yield _stage(order, "accepted", order.created_at)
    yield _stage(order, "submitted", order.created_at)


def _stage(order: Order, stage: str, at: int) -> schemas.AuditRow:
    name = f"ord_{order.order_id}"
    return schemas.AuditRow(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name}:{stage}")), seq=0, entity_type="order", entity_id=name,
        action=f"order.{stage}", severity="INFO", actor=order.terms.source or "house", role="", ip="", request_id="",
        reason="", outcome="ok", error_code=None, before=None, after=None, message=order.end_reason,
        created_at=to_rfc3339(at),
    )  # fmt: skip
