"""What a deployment dealt, in its session and in a re-run of its program: order by order, under the names it gave."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import zip_longest
from statistics import median
from typing import Final

from msgspec import Struct, field

from tradehall.app.deployments.names import deployment_of
from tradehall.backtests.parity.divergence import Difference
from tradehall.domain.fill import Fill
from tradehall.domain.ids import OrderId
from tradehall.domain.order import Side
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, to_rfc3339
from tradehall.engine.events import OrderAccepted, OrderFilled, OrderRejected
from tradehall.engine.record import Record
from tradehall.ports.deployments import Signal, SignalOutcome

# What a program wishes so shortly before the house goes down is not sent any more.
SENT_WITHIN_NS: Final = 2 * NS_PER_SECOND


class Deal(Struct):
    """An order of a deployment. `name`: its client order id, or that of its entry and what it exits by.

    `refusal`: why the engine refused it; "" where it did not. `at` [ns UTC]: when it was decided.
    """

    name: str
    symbol: str
    side: Side
    quantity: Decimal
    at: int
    refusal: str = ""
    fills: list[Fill] = field(default_factory=list)


class DealDifference(Struct, frozen=True):
    """Something in which the two differ; `at` [ns UTC] is the session's where it has the order."""

    name: str
    at: int
    difference: Difference
    session: str
    rerun: str
    cause: str


class DealComparison(Struct, frozen=True):
    """`orders`, `fills`: how many are the same. `latency_ns`: by how much later the session's orders came."""

    orders: int
    fills: int
    differences: list[DealDifference]
    latency_ns: list[int]

    @property
    def latency_sentence(self) -> str:
        """In words."""
        if not self.latency_ns:
            return "no order came in both"
        least, middle, most = (
            each / NS_PER_MS for each in (min(self.latency_ns), median(self.latency_ns), max(self.latency_ns))
        )
        return f"the session's orders came {least:.1f} to {most:.1f} ms later than at once, {middle:.1f} in the middle"


class Deals:
    """Collects the deals of one deployment from records, in order."""

    def __init__(self, deployment_id: int) -> None:
        self.by_name: dict[str, Deal] = {}
        self._deployment_id = deployment_id
        self._names: dict[OrderId, str] = {}

    def take(self, record: Record) -> None:
        """Note what of a record is the deployment's."""
        for event in record.events:
            if isinstance(event, OrderAccepted | OrderRejected):
                self._begin(event, record.now)
            elif isinstance(event, OrderFilled) and (name := self._names.get(event.fill.order_id)) is not None:
                self.by_name[name].fills.append(event.fill)

    def _begin(self, event: OrderAccepted | OrderRejected, now: int) -> None:
        terms, name = event.terms, event.terms.client_order_id
        if isinstance(event, OrderAccepted) and event.parent_order_id in self._names:
            name = f"{self._names[event.parent_order_id]} {event.role}"
        elif deployment_of(name) != self._deployment_id:
            return
        assert name is not None, "an order of a deployment has a name"
        self._names[event.order_id] = name
        refusal = event.rejection.message if isinstance(event, OrderRejected) else ""
        self.by_name[name] = Deal(name, terms.symbol, terms.side, terms.quantity, now, refusal)


def compared(
    session: Deals, rerun: Deals, was: Iterable[Signal], came: Iterable[Signal], ends: Iterable[int]
) -> DealComparison:
    """Hold both against each other. `was`, `came`: the signals of the session and of the re-run.

    `ends` [ns UTC]: when the house went down; what the program alone wished shortly before is left out.
    """
    downs = list(ends)
    said, says = ({each.client_order_id: each for each in signals} for signals in (was, came))
    names = sorted(
        session.by_name.keys() | rerun.by_name.keys(),
        key=lambda name: (session.by_name.get(name) or rerun.by_name[name]).at,
    )
    found: list[DealDifference] = []
    latency: list[int] = []
    orders = fills = 0
    for name in names:
        ours, theirs = session.by_name.get(name), rerun.by_name.get(name)
        if ours is not None and theirs is not None:
            differences = list(_of_deals(ours, theirs))
            orders += not differences
            fills += 0 if differences else len(ours.fills)
            latency.append(ours.at - theirs.at)
            found += differences
        elif ours is not None or not any(0 <= end - rerun.by_name[name].at <= SENT_WITHIN_NS for end in downs):
            found.append(_alone(name, ours, theirs, said, says))
    return DealComparison(orders, fills, found, latency)


def _of_deals(ours: Deal, theirs: Deal) -> Iterator[DealDifference]:
    late = ours.at - theirs.at
    cause = f"the session's order came {late / NS_PER_MS:.1f} ms after what it looked at, and met another market"

    def differ(difference: Difference, left: str, right: str, why: str = cause) -> DealDifference:
        return DealDifference(ours.name, ours.at, difference, left, right, why)

    if bool(ours.refusal) != bool(theirs.refusal):
        difference = Difference.EXTRA_REJECTION if theirs.refusal else Difference.MISSING_REJECTION
        yield differ(
            difference, ours.refusal or "accepted", theirs.refusal or "accepted", ours.refusal or theirs.refusal
        )
        return
    if ours.quantity != theirs.quantity:
        yield differ(Difference.OTHER_QUANTITY, str(ours.quantity), str(theirs.quantity))
    for left, right in zip_longest(ours.fills, theirs.fills):
        if left is None or right is None:
            difference = Difference.EXTRA_FILL if left is None else Difference.MISSING_FILL
            yield differ(difference, _shown(left), _shown(right))
        elif left.price != right.price:
            yield differ(Difference.OTHER_PRICE, _shown(left), _shown(right))
        elif left.commission != right.commission:
            yield differ(Difference.OTHER_FEE, _shown(left), _shown(right))


def _alone(
    name: str, ours: Deal | None, theirs: Deal | None, said: Mapping[str, Signal], says: Mapping[str, Signal]
) -> DealDifference:
    deal = ours or theirs
    assert deal is not None
    shown = f"{deal.side} {deal.quantity} {deal.symbol} at {to_rfc3339(deal.at)}"
    if ours is None:
        cause = _why_not(
            _signal_of(name, said), "the session did not signal there: it was away, or its bar was another"
        )
        return DealDifference(name, deal.at, Difference.EXTRA_ORDER, "–", shown, cause)
    cause = _why_not(_signal_of(name, says), "the program does not signal there over what was recorded")
    return DealDifference(name, deal.at, Difference.MISSING_ORDER, shown, "–", cause)


def _signal_of(name: str, signals: Mapping[str, Signal]) -> Signal | None:
    """The signal an order came of; closings and exits add something to its name."""
    plain = name.partition(" ")[0]
    while plain not in signals and "." in plain.partition(":")[2]:
        plain = plain.rpartition(".")[0]
    return signals.get(plain)


def _why_not(signal: Signal | None, otherwise: str) -> str:
    if signal is None:
        return otherwise
    if signal.outcome is SignalOutcome.MISSED:
        return f"late bar: {signal.reason}"
    return f"it was {signal.outcome}: {signal.reason}" if signal.reason else f"it was {signal.outcome}"


def _shown(fill: Fill | None) -> str:
    if fill is None:
        return "–"
    return f"{fill.side} {fill.quantity} at {fill.price}, {to_rfc3339(fill.at)}, fee {fill.commission}"
