"""The engine: a command in, events out."""

from collections.abc import Callable
from typing import Any, Final, get_args

from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.handlers import (
    account,
    amend_order,
    cancel_order,
    check_margin,
    close_position,
    corporate_action,
    place_order,
    position_exits,
    report_execution,
    strategies,
    tick,
)
from tradehall.engine.state import State
from tradehall.engine.state_evolve import begin_record, evolve
from tradehall.engine.state_positions import check_conservation

Handler = Callable[[State, Any, Context, Callable[[ev.AnyEvent], None]], None]

HANDLERS: Final[dict[type, Handler]] = {
    cmd.ListInstrument: account.list_instrument,
    cmd.OpenAccount: account.open_account,
    cmd.UpdateAccount: account.update_account,
    cmd.MoveFunds: account.move_funds,
    cmd.PlaceOrder: place_order.place_order,
    cmd.AmendOrder: amend_order.amend_order,
    cmd.CancelOrder: cancel_order.cancel_order,
    cmd.CancelAllOrders: cancel_order.cancel_all_orders,
    cmd.ClosePosition: close_position.close_position,
    cmd.CloseAllPositions: close_position.close_all_positions,
    cmd.SetPositionExits: position_exits.set_position_exits,
    cmd.ReportExecution: report_execution.report_execution,
    cmd.CheckMargin: check_margin.check_margin,
    cmd.Tick: tick.tick,
    cmd.RegisterStrategy: strategies.register_strategy,
    cmd.SetBudget: strategies.set_budget,
    cmd.RemoveBudget: strategies.remove_budget,
    cmd.SetStrategyLimits: strategies.set_strategy_limits,
    cmd.SetTradingState: strategies.set_trading_state,
    cmd.KillSwitch: strategies.kill_switch,
    cmd.BookCorporateAction: corporate_action.book_corporate_action,
    cmd.CheckLosses: strategies.check_losses,
}
assert HANDLERS.keys() == set(get_args(cmd.AnyCommand))


class Engine:
    """One shard's trading state and the only code that may change it."""

    def __init__(self, state: State) -> None:
        self.state = state

    def apply(self, command: cmd.AnyCommand, context: Context) -> tuple[ev.AnyEvent, ...]:
        """Decide `command` and return what happened, in order; () when nothing did.

        A refusal is an event too, so it is journaled and audited as a fill is. A decision that made
        events is record number `state.seq`. An AssertionError from here is our own bug: it stops the shard.
        """
        state, now = self.state, context.now
        events: list[ev.AnyEvent] = []

        def emit(event: ev.AnyEvent) -> None:
            if not events:
                begin_record(state, now)
            evolve(state, event, now)  # The one place where state changes.
            events.append(event)

        HANDLERS[type(command)](state, command, context, emit)
        for event in events:
            if type(event) is ev.OrderFilled:
                check_conservation(state.accounts[event.fill.account_id], event.fill.symbol)
        return tuple(events)

    def next_deadline(self) -> int | None:
        """When a Tick is due [ns UTC]; None while nothing waits for time."""
        state = self.state
        expiry = state.first_expiry() if state.expiries else None
        if not state.position_count:
            return expiry
        return state.rollover_at if expiry is None else min(expiry, state.rollover_at)
