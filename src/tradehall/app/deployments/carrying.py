"""Carrying out: signals that were written down become commands, each under its own name, so that twice is once."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Protocol

from msgspec.structs import replace

from tradehall.app.deployments.errands import Errand
from tradehall.app.deployments.facts import part_of
from tradehall.app.deployments.ledger import Holding, Ledger
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.signals import SOURCE, side_of
from tradehall.app.outcome import Outcome, request_digest
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderRole, OrderStatus, OrderTerms, OrderType, Side
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import AnyCommand, CancelOrder, ClosePosition, PlaceOrder, SetPositionExits
from tradehall.engine.state import State
from tradehall.ports.clock import Clock
from tradehall.ports.deployments import Signal, SignalOutcome

# An entry that was decided longer ago than this is not made any more; an exit always is.
ENTRY_FRESH_NS: Final = 60 * NS_PER_SECOND
# Names of closings that were refused are used up: each attempt has its own.
ATTEMPTS_PER_TURN_MAX: Final = 100

# What passes by itself: a closing that meets it is tried again.
_PASSING: Final = frozenset(
    {RejectCode.MARKET_CLOSED, RejectCode.QUOTE_MISSING, RejectCode.QUOTE_STALE, RejectCode.ORDER_RATE_EXCEEDED}
)


class Counter(Protocol):
    """What is read before a wish is made: the desk, or a session that is run again."""

    @property
    def state(self) -> State:
        """As it is now."""
        ...

    @property
    def quotes(self) -> Mapping[str, Quote]:
        """The latest of each symbol."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is there."""
        ...

    def ended_order(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """The order that ended under that name; None: there is none."""
        ...


class Carrier:
    """Carries signals out, as errands: whoever runs them asks the desk."""

    def __init__(self, desk: Counter, ledgers: Ledgers) -> None:
        self._desk = desk
        self._ledgers = ledgers

    def carry_out(self, signal: Signal, *, is_strict: bool = True) -> Errand[Signal]:
        """The signal with what became of it; still pending where it is to be tried again.

        `is_strict`: an entry whose exits stand on the wrong side of the market by now is refused.
        """
        if signal.symbol not in self._desk.quotes and self._is_fresh(signal):
            return signal  # After a start: the market has not spoken yet.
        if signal.terms is not None:
            return (yield from self._open(signal, signal.terms, is_strict=is_strict))
        ledger = self._ledgers.get(signal.deployment_id)
        if ledger is None:
            return replace(signal, outcome=SignalOutcome.IDLE, reason="nothing is open")
        if signal.action.startswith("close"):
            return (yield from self._close(signal, ledger))
        if signal.action == "cancel":
            return (yield from self._cancel(signal, ledger))
        return (yield from self._move(signal, ledger))

    def cancel_entries(self, deployment_id: int) -> Errand[bool]:
        """Take a deployment's working entry orders out; whether none is left."""
        ledger = self._ledgers.get(deployment_id)
        for order_id in [] if ledger is None else _entries(ledger, None, None):
            assert ledger is not None
            yield CancelOrder(ledger.account_id, order_id, "the deployment stops")
        return ledger is None or not _entries(ledger, None, None)

    def flatten(self, deployment_id: int, stamp: int) -> Errand[bool]:
        """Close all that a deployment holds; whether nothing is left. `stamp` names the attempt for ever."""
        ledger = self._ledgers.get(deployment_id)
        for number, holding in enumerate([] if ledger is None else list(ledger.holdings)):
            assert ledger is not None
            name = f"dep{deployment_id}-{holding.symbol}-{stamp}:stop.{number}"
            yield from self._close_holding(ledger, holding, name)
        return ledger is None or not ledger.holdings

    def _is_fresh(self, signal: Signal) -> bool:
        return self._desk.clock.now() - signal.at <= ENTRY_FRESH_NS or signal.terms is None

    def _open(self, signal: Signal, terms: OrderTerms, *, is_strict: bool) -> Errand[Signal]:
        if not self._is_fresh(signal):
            return self.given_up(signal, "the house was away for too long")
        outcome = yield PlaceOrder(terms, digest=request_digest(terms), is_strict=is_strict)
        return _told(signal, [outcome])

    def given_up(self, signal: Signal, reason: str) -> Signal:
        """An entry that is not made any more; it may have been before the house went down."""
        state = self._desk.state
        account = state.accounts.get(signal.account_id)
        order = None if account is None else state.order_by_client_id(account, signal.client_order_id)
        order = order or self._desk.ended_order(signal.account_id, signal.client_order_id)
        if order is not None:
            return replace(signal, outcome=SignalOutcome.SENT, order_ids=(order.order_id,), terms=None)
        return replace(signal, outcome=SignalOutcome.MISSED, reason=reason, terms=None)

    def _close(self, signal: Signal, ledger: Ledger) -> Errand[Signal]:
        side = side_of(signal)
        holdings = [each for each in ledger.holdings if each.symbol == signal.symbol and side in (None, each.side)]
        if not holdings:
            return replace(signal, outcome=SignalOutcome.IDLE, reason="nothing is open")
        told = signal
        for number, holding in enumerate(holdings):
            outcomes = yield from self._close_holding(ledger, holding, f"{signal.client_order_id}.{number}")
            told = _told(told, outcomes)
            if outcomes and _is_passing(outcomes[-1].rejection):
                return replace(told, outcome=SignalOutcome.PENDING)
        return told

    def _close_holding(self, ledger: Ledger, holding: Holding, name: str) -> Errand[list[Outcome]]:
        """Close one holding, by its position or part, and beyond that by an order of its own."""
        outcomes: list[Outcome] = []
        part = part_of(holding, ledger.account_id, ledger.keygen, self._desk.state)
        wanted = holding.quantity
        if part is not None:
            quantity = min(wanted, part.quantity)
            if part.quantity > wanted:
                # Others share the part: only the exits of this deployment go.
                yield from self._cancel_exits(ledger, holding)
            outcomes.append(
                (
                    yield from _named(
                        lambda text: ClosePosition(
                            ledger.account_id,
                            part.position_id,
                            quantity,
                            client_order_id=text,
                            source=SOURCE,
                            strategy_id=ledger.keygen,
                        ),
                        name,
                    )
                )
            )
            wanted -= quantity
        if wanted > ZERO and holding.position_id is None:
            rest = yield from _named(lambda text: _opposite(ledger, holding, wanted, text), f"{name}.rest")
            outcomes.append(rest)
        return outcomes

    def _cancel_exits(self, ledger: Ledger, holding: Holding) -> Errand[None]:
        opposite = holding.side.exit_side
        legs = [
            order_id
            for order_id, note in ledger.orders.items()
            if note.symbol == holding.symbol and note.side is opposite
            and note.role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
        ]  # fmt: skip
        for order_id in legs:
            yield CancelOrder(ledger.account_id, order_id, "position closed")

    def _cancel(self, signal: Signal, ledger: Ledger) -> Errand[Signal]:
        side = side_of(signal)
        orders = _entries(ledger, signal.symbol, None if side is None else side.entry_side)
        outcomes: list[Outcome] = []
        for order_id in orders:
            outcomes += [(yield CancelOrder(ledger.account_id, order_id))]
        return _told(signal, outcomes) if outcomes else replace(signal, outcome=SignalOutcome.IDLE)

    def _move(self, signal: Signal, ledger: Ledger) -> Errand[Signal]:
        side = side_of(signal)
        outcomes = []
        for holding in [each for each in ledger.holdings if each.symbol == signal.symbol and each.side is side]:
            part = part_of(holding, ledger.account_id, ledger.keygen, self._desk.state)
            if part is not None:
                command = SetPositionExits(
                    ledger.account_id, part.position_id, stop_loss=signal.stop_loss, take_profit=signal.take_profit,
                    strategy_id=ledger.keygen,
                )  # fmt: skip
                outcomes.append((yield command))
        if not outcomes:
            return replace(signal, outcome=SignalOutcome.IDLE, reason="nothing is open")
        return _told(signal, outcomes)


def _named(command: Callable[[str], AnyCommand], name: str) -> Errand[Outcome]:
    """Ask under the first name that is not used up by a refusal."""
    outcome = yield command(name)
    for attempt in range(1, ATTEMPTS_PER_TURN_MAX):
        if not _was_refused_before(outcome):
            break
        outcome = yield command(f"{name}.{attempt}")
    return outcome


def _entries(ledger: Ledger, symbol: str | None, side: Side | None) -> list[int]:
    return [
        order_id
        for order_id, note in ledger.orders.items()
        if note.role is OrderRole.ENTRY and symbol in (None, note.symbol) and side in (None, note.side)
    ]


def _opposite(ledger: Ledger, holding: Holding, quantity: Decimal, name: str) -> PlaceOrder:
    terms = OrderTerms(
        account_id=ledger.account_id, symbol=holding.symbol, side=holding.side.exit_side, type=OrderType.MARKET,
        quantity=quantity, client_order_id=name, strategy_id=ledger.keygen, source=SOURCE,
    )  # fmt: skip
    return PlaceOrder(terms, digest=request_digest(terms))


def _told(signal: Signal, outcomes: list[Outcome]) -> Signal:
    """The signal with the orders it led to, and the last refusal."""
    orders = dict.fromkeys((*signal.order_ids, *_order_ids(outcomes)))
    refused = [outcome for outcome in outcomes if _refusal(outcome)]
    done = replace(signal, order_ids=tuple(orders), terms=None, outcome=SignalOutcome.SENT, reason="")
    if not refused:
        return done
    return replace(done, outcome=SignalOutcome.REFUSED, reason=_refusal(refused[-1]))


def _refusal(outcome: Outcome) -> str:
    if outcome.rejection is not None:
        return outcome.rejection.message
    if outcome.order is not None and _was_refused_before(outcome):
        return outcome.order.reject_message or "refused"
    return ""


def _was_refused_before(outcome: Outcome) -> bool:
    return outcome.is_repeat and outcome.order is not None and outcome.order.status is OrderStatus.REJECTED


def _order_ids(outcomes: list[Outcome]) -> Iterator[int]:
    for outcome in outcomes:
        if outcome.order is not None:
            yield outcome.order.order_id


def _is_passing(rejection: Rejection | None) -> bool:
    return rejection is not None and rejection.code in _PASSING
