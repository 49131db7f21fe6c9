"""Strategies of an account: their registration, budgets, limits and states, and the kill switch."""

from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.order import Order, OrderRole
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.strategy import Budget, StrategyBook, TradingState
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.events import Emit
from tradehall.engine.handlers.account import account_unknown
from tradehall.engine.handlers.close_position import close_all_positions, close_position
from tradehall.engine.handlers.exits import EXIT_ROLES
from tradehall.engine.losses import floating_of_part, is_watched, loss_limits
from tradehall.engine.rules.strategy import strategy_unknown
from tradehall.engine.state import State


def register_strategy(state: State, command: cmd.RegisterStrategy, context: Context, emit: Emit) -> None:
    """Give a strategy a book on the account; one that has it keeps it."""
    account = state.accounts.get(command.account_id)
    if account is None:
        emit(ev.RequestRefused(command.account_id, account_unknown(command.account_id)))
    elif command.strategy_id not in account.books:
        emit(ev.StrategyRegistered(command.account_id, command.strategy_id))


def set_budget(state: State, command: cmd.SetBudget, context: Context, emit: Emit) -> None:
    """Allocate; the same again changes nothing, and less than is reserved closes nothing."""
    book = _book(state, command.account_id, command.strategy_id, emit)
    if book is None:
        return
    before = book.allocated.get(command.currency)
    if before != command.allocated:
        emit(
            ev.BudgetSet(
                command.account_id,
                command.strategy_id,
                command.currency,
                allocated=command.allocated,
                before=before,
                reason=command.reason,
                actor=command.actor,
            )
        )


def remove_budget(state: State, command: cmd.RemoveBudget, context: Context, emit: Emit) -> None:
    """Take a budget away: what works and what is open stays as it is."""
    book = _book(state, command.account_id, command.strategy_id, emit)
    if book is None:
        return
    budget = book.budget(command.currency)
    if budget is None:
        emit(ev.RequestRefused(command.account_id, _budget_unknown(book, command.currency)))
    elif budget.reserved and not command.force:
        emit(ev.RequestRefused(command.account_id, _budget_in_use(budget)))
    else:
        emit(
            ev.BudgetRemoved(
                command.account_id,
                command.strategy_id,
                command.currency,
                before=budget.allocated,
                reason=command.reason,
                actor=command.actor,
            )
        )


def _budget_unknown(book: StrategyBook, currency: str) -> Rejection:
    """Only a budget that there is can be taken away."""
    return Rejection(
        RejectCode.BUDGET_UNKNOWN, f"strategy {book.strategy_id} has no budget in {currency}", currency=currency
    )


def _budget_in_use(budget: Budget) -> Rejection:
    """A budget in use is taken away by force alone."""
    return Rejection(
        RejectCode.BUDGET_IN_USE,
        f"{budget.reserved} {budget.currency} of the budget is reserved",
        {"reserved": budget.reserved, "allocated": budget.allocated},
        budget.currency,
    )


def set_strategy_limits(state: State, command: cmd.SetStrategyLimits, context: Context, emit: Emit) -> None:
    """Replace the limits; the same again changes nothing."""
    book = _book(state, command.account_id, command.strategy_id, emit)
    if book is not None and book.limits != command.limits:
        emit(
            ev.StrategyLimitsSet(
                command.account_id,
                command.strategy_id,
                command.limits,
                reason=command.reason,
                actor=command.actor,
            )
        )


def set_trading_state(state: State, command: cmd.SetTradingState, context: Context, emit: Emit) -> None:
    """Halt, let only reduce, or let go on; what works already goes on working."""
    _change_state(
        state,
        command.account_id,
        command.strategy_id,
        command.trading_state,
        reason=command.reason,
        actor=command.actor,
        emit=emit,
    )


def kill_switch(state: State, command: cmd.KillSwitch, context: Context, emit: Emit) -> None:
    """Halt, then cancel, then close: one decision, its steps in this order.

    A close that cannot be (the market is closed) is there as a rejected order.
    """
    account = _change_state(
        state,
        command.account_id,
        command.strategy_id,
        TradingState.HALTED,
        reason=command.reason,
        actor=command.actor,
        emit=emit,
    )
    if account is None:
        return
    for order in list(account.orders.values()):
        if _is_killed(order, command):
            emit(ev.OrderCancelled(command.account_id, order.order_id, command.reason))
    if command.flatten:
        _flatten(state, account, command, context, emit)


def _is_killed(order: Order, command: cmd.KillSwitch) -> bool:
    if order.role is OrderRole.LIQUIDATION or command.strategy_id not in (None, order.terms.strategy_id):
        return False
    return command.flatten or order.role not in EXIT_ROLES


def _flatten(state: State, account: Account, command: cmd.KillSwitch, context: Context, emit: Emit) -> None:
    strategy_id = command.strategy_id
    close_all_positions(
        state, cmd.CloseAllPositions(command.account_id, strategy_id=strategy_id, source="engine"), context, emit
    )
    if strategy_id is not None:
        return
    held = {position.symbol for position in account.positions.values()}
    for book in account.books.values():
        # Where books cancel out there is no position to close: each closes its own.
        for part in [each for each in book.parts.values() if each.symbol not in held]:
            wish = cmd.ClosePosition(
                command.account_id, part.position_id, source="engine", strategy_id=book.strategy_id
            )
            close_position(state, wish, context, emit)


def check_losses(state: State, command: cmd.CheckLosses, context: Context, emit: Emit) -> None:
    """Hold a strategy's losses against its limits; at one of them it falls to `on_loss`, and what would open goes."""
    book = state.book(command.account_id, command.strategy_id)
    if book is None or not is_watched(book):
        return
    account = state.accounts[command.account_id]
    floating = sum((floating_of_part(state, account, part, context.quote) for part in book.parts.values()), ZERO)
    reached = [(name, pnl, most) for name, pnl, most in loss_limits(book, floating, context.now) if pnl + most <= 0]
    if not reached:
        return
    (name, pnl, most), currency = reached[0], account.terms.currency
    why = f"{name} of {round_money(-pnl, currency)} {currency}, at most {most} is allowed"
    emit(
        ev.TradingStateSet(
            command.account_id,
            command.strategy_id,
            book.limits.on_loss,
            before=book.trading_state,
            reason=why,
            actor="engine",
        )
    )
    for order in state.orders_of_strategy(command.account_id, command.strategy_id):
        if order.hold is not None:
            emit(ev.OrderCancelled(command.account_id, order.order_id, why))


def _change_state(
    state: State,
    account_id: AccountId,
    strategy_id: str | None,
    trading_state: TradingState,
    *,
    reason: str,
    actor: str,
    emit: Emit,
) -> Account | None:
    """The account, its state or its strategy's changed; None if it, or the strategy, is not known."""
    account = state.accounts.get(account_id)
    subject: Account | StrategyBook | None = account
    if account is None:
        emit(ev.RequestRefused(account_id, account_unknown(account_id)))
    elif strategy_id is not None:
        subject = _book(state, account_id, strategy_id, emit)
    if account is None or subject is None:
        return None
    if subject.trading_state is not trading_state:
        emit(
            ev.TradingStateSet(
                account_id,
                strategy_id,
                trading_state,
                before=subject.trading_state,
                reason=reason,
                actor=actor,
            )
        )
    return account


def _book(state: State, account_id: AccountId, strategy_id: str, emit: Emit) -> StrategyBook | None:
    """The book, or a refusal: the account or the strategy is not known."""
    account = state.accounts.get(account_id)
    if account is None:
        emit(ev.RequestRefused(account_id, account_unknown(account_id)))
        return None
    book = account.books.get(strategy_id)
    if book is None:
        emit(ev.RequestRefused(account_id, strategy_unknown(strategy_id)))
    return book
