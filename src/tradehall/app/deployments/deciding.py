"""Deciding: a look of one program, its deployment's facts, and what is to be done about it."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.deployments.evaluations import Evaluation
from tradehall.app.deployments.facts import facts_of, floating_of
from tradehall.app.deployments.ledger import Ledger
from tradehall.app.deployments.signals import Moment, bar_to_opening, signals_of
from tradehall.app.records.deployments import Deployment, DeploymentState, Mode
from tradehall.domain.account import AccountStatus
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.domain.position import PositionSide
from tradehall.domain.strategy import TradingState
from tradehall.engine.state import State
from tradehall.ports.deployments import Signal, SignalOutcome
from tradehall.strategies.decisions import bar_to_opening as bar_of_add_ons
from tradehall.strategies.decisions import decide, stop_of
from tradehall.strategies.intents import Facts, Held, Stop
from tradehall.strategies.program import Program, Signals

# What a deployment that only tells would hold by now, had it traded; by symbol.
Imagined = dict[str, PositionSide]


class Decided(Struct, frozen=True):
    """What came of a look: signals to write down, a stop, and the evaluation to keep."""

    evaluation: Evaluation
    signals: tuple[Signal, ...] = ()
    stop: Stop | None = None


class Decider:
    """Decides; reads the state and changes nothing but what notifying deployments imagine."""

    def __init__(self, state: Callable[[], State], quotes: Mapping[str, Quote]) -> None:
        self._state = state
        self._quotes = quotes
        self._imagined: dict[int, Imagined] = {}

    def decide(
        self, deployment: Deployment, ledger: Ledger, program: Program, signals: Signals, *, now: int,
        bar_number: int | None, bar_at: int, stale: str = "",
    ) -> Decided:  # fmt: skip
        """What a look comes to at `now`. `stale`: why it may open nothing, where it comes too late."""
        facts = self.facts(deployment, ledger, program, now)
        own_limits = stale or self.own_block(deployment, ledger, now)
        quote = self._quotes.get(program.symbol)
        evaluation = Evaluation(
            program.symbol, signals.at, now, bar_number, signals.verdicts,
            quote_age_ns=None if quote is None else max(0, now - quote.received_at),
        )  # fmt: skip
        if deployment.state is not DeploymentState.RUNNING:
            return Decided(replace(evaluation, blocks=(f"it is {deployment.state}",)))
        decision = decide(program, signals, facts, barred=own_limits)
        stop = next((intent for intent in decision.intents if isinstance(intent, Stop)), None)
        moment = Moment(program.symbol, bar_at, now, ZERO if quote is None else quote.bid)
        made = signals_of(deployment, moment, decision.intents, self._state(), self._quotes.get)
        self._imagine(deployment, made)
        blocks = tuple(each for each in (own_limits,) if each)
        return Decided(replace(evaluation, outcomes=decision.outcomes, blocks=blocks), tuple(made), stop)

    def stop_of(self, deployment: Deployment, ledger: Ledger, program: Program, now: int) -> Stop | None:
        """Whether its add-ons end it now, between two bars."""
        return stop_of(program.definition.add_ons, self.facts(deployment, ledger, program, now))

    def facts(self, deployment: Deployment, ledger: Ledger, program: Program, now: int) -> Facts:
        """What it may look at. One that only tells looks at what it would hold."""
        facts = facts_of(ledger, program.traded, self._state(), self._quotes.get, now)
        if deployment.mode is not Mode.NOTIFY:
            return facts
        imagined = self._imagined.get(deployment.deployment_id, {})
        books = {
            symbol: replace(book, held={imagined[symbol]: Held(deployment.size)} if symbol in imagined else {})
            for symbol, book in facts.books.items()
        }
        return replace(facts, books=books)

    def remember(self, deployment_id: int, signals: list[Signal]) -> None:
        """What a notifying deployment told before this start, oldest first."""
        self._imagined[deployment_id] = {}
        for signal in signals:
            _imagine(self._imagined[deployment_id], signal)

    def forget(self, deployment_id: int) -> None:
        """It is over."""
        self._imagined.pop(deployment_id, None)

    def own_block(self, deployment: Deployment, ledger: Ledger, now: int) -> str:
        """Why the deployment's own limits let it open nothing now."""
        limits = deployment.limits
        if limits.max_open_positions is None and limits.max_daily_loss is None:
            return ""
        floating: Decimal = floating_of(ledger, self._state(), self._quotes.get)
        return bar_to_opening(deployment, ledger, floating, now)

    def blocks(self, deployment: Deployment, ledger: Ledger, program: Program, now: int) -> list[str]:
        """Everything that keeps it from opening a position at this moment, each in a sentence."""
        found = [_state_block(deployment), *_account_blocks(deployment, self._state())]
        found.append(self.own_block(deployment, ledger, now))
        found.append(bar_of_add_ons(program.definition.add_ons, self.facts(deployment, ledger, program, now)))
        if program.symbol not in self._quotes:
            found.append(f"there is no quote of {program.symbol} yet")
        return [each for each in found if each]

    def _imagine(self, deployment: Deployment, signals: list[Signal]) -> None:
        if deployment.mode is Mode.NOTIFY:
            imagined = self._imagined.setdefault(deployment.deployment_id, {})
            for signal in signals:
                _imagine(imagined, signal)


def _imagine(imagined: Imagined, signal: Signal) -> None:
    if signal.outcome is not SignalOutcome.NOTIFIED:
        return
    if signal.action.startswith("open"):
        imagined[signal.symbol] = PositionSide(signal.side)
    elif signal.action.startswith("close"):
        imagined.pop(signal.symbol, None)


def _state_block(deployment: Deployment) -> str:
    if deployment.state is DeploymentState.RUNNING:
        return ""
    return f"the deployment is {deployment.state}" + (f": {deployment.state_reason}" if deployment.state_reason else "")


def _account_blocks(deployment: Deployment, state: State) -> list[str]:
    account = state.accounts.get(deployment.account_id)
    if account is None:
        return [f"there is no account {deployment.account_id}"]
    found = []
    if account.terms.status is not AccountStatus.ACTIVE:
        found.append(f"the account is {account.terms.status.lower()}")
    if account.trading_state is not TradingState.NORMAL:
        found.append(_halted("the account", account.trading_state, account.state_reason))
    book = account.books.get(deployment.keygen)
    if book is None:
        return found
    if book.trading_state is not TradingState.NORMAL:
        found.append(_halted("the strategy", book.trading_state, book.state_reason))
    found += [
        f"its budget is used up: {budget.reserved} of {budget.allocated} {budget.currency} are reserved"
        for budget in book.budgets()
        if budget.available <= 0
    ]
    return found


def _halted(who: str, trading_state: TradingState, reason: str) -> str:
    word = "halted" if trading_state is TradingState.HALTED else "only reducing"
    return f"{who} is {word}" + (f": {reason}" if reason else "")
