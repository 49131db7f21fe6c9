"""Fill by fill: what the oracle did against what we did, and which differences are conventions."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field, structs

from tests.oracle.half_cents import half_cents
from tests.oracle.our_side import Filled, House, Outcome
from tests.oracle.plan import Job, Step, TraderPlan

WORKING: Final = frozenset({"ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED", "PENDING_UPDATE", "PENDING_CANCEL"})
# The oracle keeps entry prices as binary floats; we keep ten decimals.
ENTRY_TOLERANCE: Final = Decimal("1E-8")
CENT: Final = Decimal("0.01")

BEYOND_ITS_STOP: Final = "stop-limit with its limit beyond its stop"
STOP_BEFORE_LIMIT: Final = "pair of a sell stop and a buy limit, both reached by one quote"
AGREES_ALONE: Final = "the oracle, asked for this order alone, does as we do"


Fills = dict[str, list[Filled]]


class Report(Struct):
    """What a comparison found. `differing`: orders without a reason; `differences`: in money. `orders`: by type and
    whether filled; `money`: how traders' money was compared.
    """

    differing: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    orders: Counter[str] = field(default_factory=Counter)
    fills_equal: int = 0
    conventions: Counter[str] = field(default_factory=Counter)
    money: Counter[str] = field(default_factory=Counter)

    @property
    def unexplained(self) -> list[str]:
        """A sentence for everything that must not be."""
        return [f"{key}: {text}" for key, text in self.differing.items()] + self.differences

    def __str__(self) -> str:
        filled = ", ".join(f"{count} {what}" for what, count in sorted(self.orders.items()))
        told = f"{self.conventions.total()} {dict(self.conventions)}"
        return "\n".join(
            (
                f"  orders and filled exits {self.orders.total()}: {filled}",
                f"  fills equal in price, quantity and quote {self.fills_equal}; explained {told}",
                f"  traders by what was compared at the end: {dict(self.money)}",
                f"  unexplained differences {len(self.unexplained)}",
            )
        )


def compare(job: Job, ours: list[Outcome], answer: dict[str, Any]) -> Report:
    """All traders of a job."""
    report, instants = Report(), [at for at, _, _ in job.quotes]
    orders = {step.key: step for step in job.placed()}
    pair_of = {one.key: other for trader in job.traders for _, step in trader.steps for one, other in _mates(step)}
    assert [trader["name"] for trader in answer["traders"]] == [outcome.name for outcome in ours]
    for outcome, theirs in zip(ours, answer["traders"], strict=True):
        told: Fills = {}
        for key, quantity, price, at in theirs["fills"]:
            told.setdefault(key, []).append(Filled(quantity, price, bisect_right(instants, at) - 1))
        before = report.conventions.total() + len(report.differing)
        for key in sorted(outcome.fills.keys() | told.keys()):
            mine, other = outcome.fills.get(key, []), told.get(key, [])
            if mine == other:
                report.fills_equal += len(mine)
            elif (why := _convention(job, orders.get(key), pair_of.get(key), outcome, told)) is not None:
                report.conventions[why] += 1
            else:
                report.differing[key] = f"ours {mine}, the oracle's {other}, asked {orders.get(key)}"
        _compare_ends(outcome, theirs, report)
        all_equal = before == report.conventions.total() + len(report.differing)
        _compare_money(job, outcome, theirs, report, all_equal=all_equal)
    _count_orders(ours, orders, report)
    return report


def settle(job: Job, ours: list[Outcome], report: Report, ask: Callable[[Job], dict[str, Any]]) -> None:
    """Ask the oracle again for each order that differs, and for nothing else on the account.

    Within one quote its engine lets the fill of a limit or stop-limit move the market that other orders see
    (docs/oracle.md). Where alone it agrees with what we did in the crowd, it has contradicted itself, not us.
    """
    if not report.differing:
        return
    again = alone(job, report.differing)
    ours_again = House(again).run()
    second = compare(again, ours_again, ask(again))
    in_crowd = {key: fills for outcome in ours for key, fills in outcome.fills.items()}
    for outcome in ours_again:
        keys = [key for key in report.differing if root_of(job, key) == outcome.name]
        same = outcome.fills == {key: fills for key, fills in in_crowd.items() if root_of(job, key) == outcome.name}
        if same and not any(key in second.differing for key in keys) and not second.differences:
            for key in keys:
                del report.differing[key]
                report.conventions[AGREES_ALONE] += 1


def alone(job: Job, keys: Iterable[str]) -> Job:
    """A job in which each of these orders has an account to itself, with all that was done to it."""
    traders = []
    for root in sorted({root for key in keys if (root := root_of(job, key)) is not None}):
        trader = next(one for one in job.traders if any(root_of(job, step.key) == root for _, step in one.steps))
        steps = [(at, step) for at, step in trader.steps if root_of(job, step.key) == root]
        traders.append(TraderPlan(root, trader.mode, steps))
    return structs.replace(job, traders=traders)


def root_of(job: Job, key: str) -> str | None:
    """The order, or first of a pair, that `key` belongs to; None where orders depend on what became of others."""
    if key.startswith("turns"):
        return None
    trader, number, *_ = key.split("-")
    for _, step in next(one.steps for one in job.traders if one.name in (trader, f"{trader}-{number}")):
        if step.do == "pair" and f"{trader}-{number}" in (order.key for order in step.orders):
            return step.key
    return f"{trader}-{number}"


def _mates(step: Step) -> Iterator[tuple[Step, Step]]:
    if step.do == "pair":
        first, second = step.orders
        yield first, second
        yield second, first


def _convention(job: Job, order: Step | None, mate: Step | None, ours: Outcome, theirs: Fills) -> str | None:
    """The documented reason why one order's fills differ; None: there is none, or it is an exit."""
    if order is None:
        return None
    mine, other = ours.fills.get(order.key, []), theirs.get(order.key, [])
    if order.type == "STOP_LIMIT" and len(mine) == len(other) == 1:
        return BEYOND_ITS_STOP if _is_beyond_its_stop(job, order, mine[0], other[0]) else None
    if mate is None:
        return None
    stop, limit = (order, mate) if order.type == "STOP" else (mate, order)
    by_us, by_them = ours.fills.get(stop.key, []), theirs.get(limit.key, [])
    if len(by_us) == len(by_them) == 1 and not ours.fills.get(limit.key) and not theirs.get(stop.key):
        return STOP_BEFORE_LIMIT if _reaches_both(job, stop, limit, by_us[0], by_them[0]) else None
    return None


def _is_beyond_its_stop(job: Job, order: Step, ours: Filled, theirs: Filled) -> bool:
    """Triggered and filled at once: we pay the touch, the oracle the stop price. Resting after a jump over the
    limit: we fill at the limit, as all limits that rest, the oracle at the touch (never better than the stop).
    """
    assert order.stop is not None and order.limit is not None
    is_buy = order.side == "BUY"
    if (ours.quantity, ours.quote) != (theirs.quantity, theirs.quote) or (order.limit > order.stop) is not is_buy:
        return False
    _, bid, ask = job.quotes[ours.quote]
    at_once = ours.price == (ask if is_buy else bid) and theirs.price == order.stop
    later = ours.price == order.limit and theirs.price == (max(ask, order.stop) if is_buy else min(bid, order.stop))
    return at_once or later


def _reaches_both(job: Job, stop: Step, limit: Step, ours: Filled, theirs: Filled) -> bool:
    """One quote reaches both orders: we take stops first, the oracle buys first."""
    if (stop.side, stop.type, limit.side, limit.type) != ("SELL", "STOP", "BUY", "LIMIT") or ours.quote != theirs.quote:
        return False
    assert stop.stop is not None and limit.limit is not None
    _, bid, ask = job.quotes[ours.quote]
    return bid <= stop.stop and ask <= limit.limit and ours.price == bid and theirs.price == limit.limit


def _compare_ends(ours: Outcome, theirs: dict[str, Any], report: Report) -> None:
    """Who still works at the end."""
    working = {key for key, status in theirs["statuses"].items() if status in WORKING}
    for key in sorted(working ^ ours.working):
        said = theirs["statuses"].get(key)
        if key not in report.differing:
            report.differing[key] = f"works {'with us' if key in ours.working else 'there'} only, there it is {said}"


def _compare_money(job: Job, ours: Outcome, theirs: dict[str, Any], report: Report, *, all_equal: bool) -> None:
    """Net positions, entry prices, realised P&L and balance, where every fill was the same."""
    if not all_equal:
        report.money["not compared: a fill differs"] += 1
        return
    mine = sorted((one.quantity, one.entry) for one in ours.positions)
    other = sorted((quantity, Decimal(entry)) for quantity, entry in theirs["positions"])
    if [quantity for quantity, _ in mine] != [quantity for quantity, _ in other]:
        report.differences.append(f"{ours.name}: we hold {mine}, the oracle {other}")
    elif ours.mode == "NETTING" and ours.sequence != [key for key, *_ in theirs["fills"]]:
        _compare_equity(job, ours, theirs, report)
    else:
        for (quantity, entry), (_, theirs_entry) in zip(mine, other, strict=True):
            if abs(entry - theirs_entry) > ENTRY_TOLERANCE:
                report.differences.append(f"{ours.name}: {quantity} entered at {entry}, the oracle's at {theirs_entry}")
        ties = half_cents(job, ours, {step.key: step for step in job.placed()})
        for what, amount in (("realized", ours.realized), ("balance", ours.balance)):
            if abs(amount - Decimal(theirs[what])) > CENT * ties:
                report.differences.append(f"{ours.name}: {what} {amount}, the oracle's {theirs[what]}")
        report.money[f"positions, realised P&L and balance{', but for a half cent' if ties else ''}"] += 1


def _compare_equity(job: Job, ours: Outcome, theirs: dict[str, Any], report: Report) -> None:
    """Fills of one quote booked in another order share the P&L otherwise between realised and open: the sum stays,
    but for half a cent that each booking rounds.
    """
    mine = _equity(job, ours.balance, [(one.quantity, one.entry) for one in ours.positions])
    other = _equity(job, Decimal(theirs["balance"]), [(q, Decimal(entry)) for q, entry in theirs["positions"]])
    if abs(mine - other) > CENT * len(ours.sequence):
        report.differences.append(f"{ours.name}: equity {mine}, the oracle's {other}")
    report.money["positions and equity: fills of one quote booked in another order"] += 1


def _equity(job: Job, balance: Decimal, positions: list[tuple[int, Decimal]]) -> Decimal:
    """Balance and open P&L at the last bid."""
    bid = Decimal(job.quotes[-1][1]).scaleb(-job.price_digits)
    return balance + sum((Decimal(q).scaleb(-job.size_digits) * (bid - entry) for q, entry in positions), Decimal(0))


def _count_orders(ours: list[Outcome], orders: dict[str, Step], report: Report) -> None:
    filled = {key for outcome in ours for key in outcome.fills}
    for key, order in orders.items():
        name = f"{order.type}{' with exits' if order.stop_loss is not None else ''}"
        report.orders[f"{name} {'filled' if key in filled else 'not filled'}"] += 1
    for key in filled - orders.keys():
        report.orders[f"exit {key.rpartition('-')[2]} filled"] += 1
