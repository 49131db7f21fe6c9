"""Two sides → divergences, in the order in which they came about, each with its cause."""

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

from tradehall.backtests.parity.divergence import Cause, CauseKind, Difference, Divergence
from tradehall.backtests.parity.rerun import Rerun
from tradehall.backtests.parity.sides import ACCEPTED, Key, Life, Step, difference_of
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.time import to_rfc3339
from tradehall.engine.record import encode_record

NOTHING: Final = "–"


class Raw(NamedTuple):
    """A divergence before its cause is known; `key`: of the order it is about."""

    at: int
    seq: int
    difference: Difference
    key: Key | None
    account_id: AccountId | None
    symbol: str | None
    order_id: OrderId | None
    session: str
    rerun: str
    is_of_session: bool


# What is known besides: what may explain a divergence that no input of its own record explains.
Explain = Callable[[Raw], Cause | None]


def divergences_of(rerun: Rerun, explain: Explain, first_number: int) -> list[Divergence]:
    """All that differs in a stretch, numbered from `first_number`; `explain` knows causes besides a record's own."""
    raws = sorted(_all(rerun), key=lambda raw: (raw.at, raw.difference in _SUMS)) or list(_of_records(rerun))
    found: list[Divergence] = []
    by_order: dict[Key, int] = {}
    by_account: dict[AccountId | None, int] = {}
    for number, raw in enumerate(raws, first_number):
        before = by_order.get(raw.key) if raw.key is not None else None
        cause = None if before is not None else _own_cause(rerun, raw) or explain(raw)
        before = before or by_account.get(raw.account_id) or by_account.get(None)
        if cause is None and before is not None:
            cause = Cause(CauseKind.FOLLOWS, f"it follows from divergence {before}", before)
        found.append(_divergence(number, raw, cause or _UNEXPLAINED))
        by_account.setdefault(raw.account_id, number)
        if raw.key is not None:
            by_order.setdefault(raw.key, number)
    return found


_SUMS: Final = frozenset({Difference.BALANCE, Difference.POSITION})
_UNEXPLAINED: Final = Cause(CauseKind.UNEXPLAINED, "please report this, with the recording and the journal")


def _own_cause(rerun: Rerun, raw: Raw) -> Cause | None:
    return rerun.causes.get(raw.seq) if raw.is_of_session else None


def _divergence(number: int, raw: Raw, cause: Cause) -> Divergence:
    return Divergence(
        number=number, difference=raw.difference, at=raw.at, seq=raw.seq, account_id=raw.account_id,
        symbol=raw.symbol, order_id=raw.order_id, session=raw.session, rerun=raw.rerun, cause=cause,
    )  # fmt: skip


def _all(rerun: Rerun) -> Iterator[Raw]:
    session, again = rerun.session, rerun.rerun
    for key in dict.fromkeys((*session.lives, *again.lives)):
        yield from _of_lives(key, session.lives.get(key), again.lives.get(key))
    for other in dict.fromkeys((*session.others, *again.others)):
        account_id, symbol, what = other
        was, came = session.others.get(other, []), again.others.get(other, [])
        yield from _of_steps(_Subject(None, account_id, symbol, None), Difference.OTHER_EVENT, was, came, what + " ")
    yield from _of_sums(rerun)


def _of_records(rerun: Rerun) -> Iterator[Raw]:
    """The first records that differ: for what no order, sum or event of its own shows."""
    was, came = (
        None if record is None else Step(encode_record(record).decode(), record.now, record.seq)
        for record in rerun.first
    )
    yield _Subject(None, None, None, None).raw(Difference.OTHER_EVENT, was, came, "record ")


class _Subject(NamedTuple):
    key: Key | None
    account_id: AccountId | None
    symbol: str | None
    order_id: OrderId | None

    def raw(self, difference: Difference, was: Step | None, came: Step | None, what: str = "") -> Raw:
        """A divergence about this: `was` in the session, `came` in the re-run."""
        where = was or came
        assert where is not None, "nothing differs"
        return Raw(
            where.at, where.seq, difference, *self, NOTHING if was is None else what + was.text,
            NOTHING if came is None else what + came.text, was is not None,
        )  # fmt: skip


def _of_lives(key: Key, was: Life | None, came: Life | None) -> Iterator[Raw]:
    known = was or came
    assert known is not None, "an order that neither side has"
    symbol = known.symbol or (came.symbol if came is not None else None)
    subject = _Subject(key, known.account_id, symbol, None if was is None else was.order_id)
    if was is None or came is None:
        yield from _of_one_life(subject, was, came)
        return
    if was.verdict != came.verdict:
        yield subject.raw(_verdict_difference(was, came), _verdict(was), _verdict(came))
    elif was.verdict is not None and was.at != came.at:
        yield subject.raw(Difference.OTHER_TIME, _verdict(was), _verdict(came))
    for ours, theirs in zip_longest(was.fills, came.fills):
        yield from _of_fills(subject, ours, theirs)
    yield from _of_steps(subject, Difference.OTHER_STEP, was.steps, came.steps)
    ends = ([] if was.end is None else [was.end], [] if came.end is None else [came.end])
    yield from _of_steps(subject, Difference.OTHER_END, *ends)


def _of_one_life(subject: _Subject, was: Life | None, came: Life | None) -> Iterator[Raw]:
    """An order that one side alone has, or alone touched since the first difference."""
    life = was or came
    assert life is not None
    if life.verdict is not None:
        difference = Difference.EXTRA_ORDER if was is None else Difference.MISSING_ORDER
        verdict = _verdict(life)
        yield subject.raw(difference, verdict if was else None, verdict if came else None)
    for fill in life.fills:
        yield from _of_fills(subject, fill if was else None, fill if came else None)
    yield from _of_steps(subject, Difference.OTHER_STEP, was.steps if was else [], came.steps if came else [])
    end = [] if life.end is None else [life.end]
    yield from _of_steps(subject, Difference.OTHER_END, end if was else [], end if came else [])


def _verdict(life: Life) -> Step:
    return Step(f"{life.verdict} at {to_rfc3339(life.at)}", life.at, life.seq)


def _verdict_difference(was: Life, came: Life) -> Difference:
    if was.verdict == ACCEPTED:
        return Difference.EXTRA_REJECTION
    return Difference.MISSING_REJECTION if came.verdict == ACCEPTED else Difference.OTHER_REJECTION


def _of_fills(subject: _Subject, was: tuple[Fill, int] | None, came: tuple[Fill, int] | None) -> Iterator[Raw]:
    ours, theirs = _fill_step(was), _fill_step(came)
    if was is None or came is None:
        yield subject.raw(Difference.EXTRA_FILL if was is None else Difference.MISSING_FILL, ours, theirs)
        return
    left, right = was[0], came[0]
    for difference, is_other in (
        (Difference.OTHER_PRICE, left.price != right.price),
        (Difference.OTHER_QUANTITY, left.quantity != right.quantity),
        (Difference.OTHER_TIME, left.at != right.at),
        (Difference.OTHER_FEE, left.commission != right.commission),
        (Difference.OTHER_PROFIT, left.realized_pnl != right.realized_pnl),
    ):
        if is_other:
            yield subject.raw(difference, ours, theirs)


def _fill_step(told: tuple[Fill, int] | None) -> Step | None:
    if told is None:
        return None
    fill, seq = told
    text = f"{fill.side} {fill.quantity} at {fill.price}, {to_rfc3339(fill.at)}, fee {fill.commission}"
    return Step(f"{text}, profit {fill.realized_pnl}" if fill.closed_quantity else text, fill.at, seq)


def _of_steps(
    subject: _Subject, difference: Difference, was: list[Step], came: list[Step], what: str = ""
) -> Iterator[Raw]:
    """The first of two lines of steps that differs: those behind it follow from it."""
    for ours, theirs in zip_longest(was, came):
        if ours is None or theirs is None or ours.text != theirs.text:
            yield subject.raw(difference, ours, theirs, what)
            return
        if ours.at != theirs.at:
            yield subject.raw(Difference.OTHER_TIME, _timed(ours), _timed(theirs), what)
            return


def _timed(step: Step) -> Step:
    return step._replace(text=f"{step.text}, {to_rfc3339(step.at)}")


def _of_sums(rerun: Rerun) -> Iterator[Raw]:
    session, again = rerun.session, rerun.rerun
    for account_id, amount in difference_of(session.cash, again.cash).items():
        at, seq = session.last_at.get(account_id) or again.last_at[account_id]
        came = Step(f"the balance is {amount:+} off", at, seq)
        yield _Subject(None, account_id, None, None).raw(Difference.BALANCE, None, came)
    for (account_id, symbol), units in difference_of(session.units, again.units).items():
        at, seq = session.last_at.get(account_id) or again.last_at[account_id]
        came = Step(f"the position is {units:+} units off", at, seq)
        yield _Subject(None, account_id, symbol, None).raw(Difference.POSITION, None, came)
