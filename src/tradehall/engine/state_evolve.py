"""`evolve`: the only function that changes the State. Everything is rebuilt by folding events through it."""

from collections.abc import Callable
from typing import Any, Final, get_args

from tradehall.domain.account import Account
from tradehall.domain.calendar import next_rollover
from tradehall.domain.order import Side
from tradehall.engine import events as ev
from tradehall.engine.state import ConservationError, Peak, State, peak_key
from tradehall.engine.state_orders import (
    order_accepted,
    order_amended,
    order_cancelled,
    order_expired,
    order_failed,
    order_filled,
    order_opened,
    order_rejected,
    order_triggered,
)
from tradehall.engine.state_positions import position_changed, position_closed, position_opened, units_split
from tradehall.engine.state_strategies import (
    book_filled,
    budget_removed,
    budget_set,
    order_hold_changed,
    part_changed,
    part_closed,
    part_opened,
    strategy_limits_set,
    strategy_registered,
    trading_state_set,
)


def evolve(state: State, event: ev.AnyEvent, now: int) -> None:
    """Make `event`, which happened at `now` [ns UTC], true in `state`."""
    _EVOLVERS[type(event)](state, event, now)


def begin_record(state: State, now: int) -> None:
    """Record number `state.seq + 1` begins, at `now` [ns UTC]."""
    state.seq += 1
    state.now = now
    state.ended_now.clear()


def _instrument_listed(state: State, event: ev.InstrumentListed, now: int) -> None:
    state.instruments[event.instrument.symbol] = event.instrument
    state.rollover_at = state.rollover_at or next_rollover(now)


def _account_opened(state: State, event: ev.AccountOpened, now: int) -> None:
    state.accounts[event.terms.account_id] = Account(terms=event.terms, opened_at=now)


def _account_updated(state: State, event: ev.AccountUpdated, now: int) -> None:
    state.accounts[event.terms.account_id].terms = event.terms


def _balance_changed(state: State, event: ev.BalanceChanged, now: int) -> None:
    account = state.accounts[event.account_id]
    account.ledger_total += event.amount
    account.balance = event.balance
    if account.ledger_total != account.balance:
        raise ConservationError(
            f"account {event.account_id}: ledger sums to {account.ledger_total}, balance says {account.balance}, "
            f"after {event.entry} of {event.amount}"
        )
    account.ledger_total = account.balance  # Equal, and one number in memory: most of many accounts are idle.


def _margin_state_changed(state: State, event: ev.MarginStateChanged, now: int) -> None:
    state.accounts[event.account_id].margin_state = event.state


def _trailing_peak_moved(state: State, event: ev.TrailingPeakMoved, now: int) -> None:
    peaks = state.peaks.setdefault(peak_key(event.symbol, event.side), [])
    is_sell = event.side is Side.SELL
    # A better price hides every worse one before it: what stays is a staircase, best first.
    while peaks and (peaks[-1].price <= event.price if is_sell else peaks[-1].price >= event.price):
        peaks.pop()
    peaks.append(Peak(now, event.price))


def _rollover_booked(state: State, event: ev.RolloverBooked, now: int) -> None:
    state.rollover_at = next_rollover(event.at)


def _nothing_to_do(state: State, event: ev.AnyEvent, now: int) -> None:
    """Facts that change no state: refusals, double exits, unmatched reports."""


_EVOLVERS: Final[dict[type, Callable[[State, Any, int], None]]] = {
    ev.InstrumentListed: _instrument_listed,
    ev.AccountOpened: _account_opened,
    ev.AccountUpdated: _account_updated,
    ev.RequestRefused: _nothing_to_do,
    ev.OrderRejected: order_rejected,
    ev.OrderAccepted: order_accepted,
    ev.OrderOpened: order_opened,
    ev.OrderAmended: order_amended,
    ev.OrderTriggered: order_triggered,
    ev.OrderFilled: order_filled,
    ev.OrderCancelled: order_cancelled,
    ev.OrderExpired: order_expired,
    ev.OrderFailed: order_failed,
    ev.PositionOpened: position_opened,
    ev.PositionChanged: position_changed,
    ev.PositionClosed: position_closed,
    ev.BalanceChanged: _balance_changed,
    ev.MarginStateChanged: _margin_state_changed,
    ev.OcoDoubleExit: _nothing_to_do,
    ev.ReportUnmatched: _nothing_to_do,
    ev.TrailingPeakMoved: _trailing_peak_moved,
    ev.RolloverBooked: _rollover_booked,
    ev.StrategyRegistered: strategy_registered,
    ev.BudgetSet: budget_set,
    ev.BudgetRemoved: budget_removed,
    ev.OrderHoldChanged: order_hold_changed,
    ev.StrategyLimitsSet: strategy_limits_set,
    ev.TradingStateSet: trading_state_set,
    ev.BookFilled: book_filled,
    ev.PartOpened: part_opened,
    ev.PartChanged: part_changed,
    ev.PartClosed: part_closed,
    ev.UnitsSplit: units_split,
}
assert _EVOLVERS.keys() == set(get_args(ev.AnyEvent))
