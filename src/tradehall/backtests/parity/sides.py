"""Sides: what became of each order from the first difference on, in the session and in its re-run.

Numbers of orders may shift once one side has an order more. So an order is known by how it came to be: by which
wish, as whose exit, or as which of the house's own.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.money import ZERO
from tradehall.domain.order import signed
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.record import Record

Key = tuple[Any, ...]
# Whom an event that is no order's is about: account, symbol, kind of event.
Subject = tuple[AccountId | None, str | None, str]

# Commands that the engine and the venue give themselves; all others come from outside.
OWN_COMMANDS: Final = frozenset({cmd.ReportExecution, cmd.CheckMargin, cmd.CheckLosses, cmd.Tick})

ACCEPTED: Final = "accepted"


class Step(NamedTuple):
    """Something that happened to an order, in words; without instant and record for comparing."""

    text: str
    at: int
    seq: int


@dataclass(slots=True)
class Life:
    """An order from the first difference on; `verdict` None: it was there before."""

    account_id: AccountId
    order_id: OrderId | None
    symbol: str | None
    at: int
    seq: int
    verdict: str | None = None
    fills: list[tuple[Fill, int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    end: Step | None = None


class Side:
    """The session's side or the re-run's; `take` its records in order."""

    def __init__(self) -> None:
        self.lives: dict[Key, Life] = {}
        self.others: dict[Subject, list[Step]] = {}
        self.cash: defaultdict[AccountId, Decimal] = defaultdict(Decimal)
        self.units: defaultdict[tuple[AccountId, str], Decimal] = defaultdict(Decimal)
        self.last_at: dict[AccountId, tuple[int, int]] = {}
        self.record_count = 0
        self._keys: dict[OrderId, Key] = {}
        self._ids: dict[Key, OrderId] = {}
        self._ordinals: Counter[Key] = Counter()

    def key(self, order_id: OrderId) -> Key:
        """How order (or position) `order_id` of this side came to be."""
        return self._keys.get(order_id) or ("before", order_id)

    def order_id(self, key: Key) -> OrderId | None:
        """The number that this side gave; None if it has no such order."""
        return key[1] if key[0] == "before" else self._ids.get(key)

    def take(self, record: Record, wish: int | None) -> None:
        """Note a record; `wish`: the session's number of the wish that it decides, None if it is the house's own."""
        self.record_count += 1
        for event in record.events:
            account_id = getattr(event, "account_id", None)
            if account_id is not None:
                self.last_at[account_id] = (record.now, record.seq)
            self._take(event, record, wish)

    def _take(self, event: ev.AnyEvent, record: Record, wish: int | None) -> None:
        if isinstance(event, ev.OrderAccepted | ev.OrderRejected):
            self._begin(event, record, wish)
        elif isinstance(event, ev.RequestRefused):
            key = self._numbered(("wish", wish))
            self.lives[key] = Life(
                event.account_id, event.order_id, None, record.now, record.seq, str(event.rejection.code)
            )
        elif isinstance(event, ev.OrderFilled):
            self._fill(event.fill, record)
        elif isinstance(event, ev.OrderCancelled | ev.OrderExpired | ev.OrderFailed):
            self._life(event, record).end = Step(_told(event), record.now, record.seq)
        elif isinstance(event, ev.OrderTriggered | ev.OrderOpened | ev.OrderAmended):
            self._life(event, record).steps.append(Step(_told(event), record.now, record.seq))
        elif isinstance(event, ev.BalanceChanged):
            self.cash[event.account_id] += event.amount
            self.last_at[event.account_id] = (record.now, record.seq)
            if event.order_id is None:
                self._other(event.account_id, event, record)
        elif not isinstance(event, _FOLLOW_FILLS):
            self._other(getattr(event, "account_id", None), event, record)

    def _begin(self, event: ev.OrderAccepted | ev.OrderRejected, record: Record, wish: int | None) -> None:
        terms = event.terms
        if isinstance(event, ev.OrderAccepted) and event.parent_order_id is not None:
            key = self._numbered(("exit of", self.key(event.parent_order_id), event.role))
        elif wish is not None:
            key = self._numbered(("wish", wish))
        elif terms.client_order_id is not None:
            key = ("named", terms.account_id, terms.client_order_id)
        else:
            key = self._numbered(("house", terms.account_id, terms.symbol))
        self._keys[event.order_id] = key
        self._ids[key] = event.order_id
        verdict = ACCEPTED if isinstance(event, ev.OrderAccepted) else str(event.rejection.code)
        self.lives[key] = Life(terms.account_id, event.order_id, terms.symbol, record.now, record.seq, verdict)

    def _fill(self, fill: Fill, record: Record) -> None:
        life = self._life(fill, record)
        life.symbol = fill.symbol
        life.fills.append((fill, record.seq))
        self.last_at[fill.account_id] = (record.now, record.seq)
        self.units[fill.account_id, fill.symbol] += signed(fill.side, fill.quantity)

    def _life(self, event: Any, record: Record) -> Life:
        order_id: OrderId = event.order_id
        key = self.key(order_id)
        life = self.lives.get(key)
        if life is None:
            account_id = event.terms.account_id if isinstance(event, ev.OrderAmended) else event.account_id
            life = self.lives[key] = Life(account_id, order_id, None, record.now, record.seq)
        return life

    def _numbered(self, key: Key) -> Key:
        self._ordinals[key] += 1
        return (*key, self._ordinals[key])

    def _other(self, account_id: AccountId | None, event: ev.AnyEvent, record: Record) -> None:
        symbol = event.instrument.symbol if isinstance(event, ev.InstrumentListed) else getattr(event, "symbol", None)
        step = Step(_shown(event), record.now, record.seq)
        self.others.setdefault((account_id, symbol, type(event).__name__), []).append(step)


# What a fill brings with it: it differs where the fill does.
_FOLLOW_FILLS: Final = (
    ev.PositionOpened, ev.PositionChanged, ev.PositionClosed, ev.PartOpened, ev.PartChanged, ev.PartClosed,
    ev.BookFilled, ev.OrderHoldChanged,
)  # fmt: skip

_NUMBERS: Final = ("order_id", "position_id", "fill_id", "first_order_id", "second_order_id")


def _told(event: Any) -> str:
    """An event of an order in words, without numbers that may shift."""
    if isinstance(event, ev.OrderCancelled):
        return f"cancelled: {event.reason}"
    if isinstance(event, ev.OrderFailed):
        return f"failed: {event.rejection.code}"
    if isinstance(event, ev.OrderTriggered):
        return f"triggered at {event.price}"
    if isinstance(event, ev.OrderAmended):
        terms = event.terms
        prices = (terms.limit_price, terms.stop_price, terms.stop_loss, terms.take_profit, terms.expires_at)
        return f"amended to {terms.quantity} {prices}"
    return "expired" if isinstance(event, ev.OrderExpired) else "opened"


def _shown(event: ev.AnyEvent) -> str:
    facts = {name: value for name, value in msgspec.to_builtins(event).items() if name not in _NUMBERS}
    return msgspec.json.encode(facts).decode()


def difference_of(session: Mapping[Any, Decimal], rerun: Mapping[Any, Decimal]) -> dict[Any, Decimal]:
    """By what the sums of the re-run differ from the session's; only what is not nothing."""
    sums = {key: rerun.get(key, ZERO) - session.get(key, ZERO) for key in session.keys() | rerun.keys()}
    return {key: amount for key, amount in sums.items() if amount}
