"""Replay: records → state; and records → would we decide the same again?"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.engine.context import Context
from tradehall.engine.engine import Engine
from tradehall.engine.events import AnyEvent, OrderFilled
from tradehall.engine.record import Record, RecordFacts
from tradehall.engine.state import Snapshot, State
from tradehall.engine.state_evolve import begin_record, evolve
from tradehall.engine.state_positions import check_conservation


def fold(state: State, facts: Record | RecordFacts) -> None:
    """Make the record that follows `state.seq` true in `state`. Asserts that it does follow."""
    assert facts.seq == state.seq + 1, f"record {facts.seq} cannot follow {state.seq}"
    begin_record(state, facts.now)
    for event in facts.events:
        evolve(state, event, facts.now)
    for event in facts.events:
        if type(event) is OrderFilled:
            check_conservation(state.accounts[event.fill.account_id], event.fill.symbol)


class Difference(Struct, frozen=True):
    """A record that would be decided differently today; `found` is what today's rules make of it.

    `error`: the decision broke off.
    """

    seq: int
    expected: tuple[AnyEvent, ...]
    found: tuple[AnyEvent, ...]
    error: str | None = None


def redecide(records: Iterable[Record]) -> Iterator[Difference | None]:
    """Decide history again, each decision on the quotes it read: a Difference, or None, per record.

    `records` begin with the first. After a difference the state goes on from what the record says, so that
    a changed rule is told where it bites, and not in all that follows.
    """
    told = State()  # What the journal says; the engine's state is what we would say.
    engine = Engine(State())
    for record in records:
        difference = decide_again(engine, record)
        fold(told, record)
        yield difference
        if difference is not None:
            engine = Engine(_copy(told))


def decide_again(engine: Engine, record: Record) -> Difference | None:
    """Decide `record` on the state before it, with the quotes that it read; None: the same events again."""
    context = Context(record.now, {quote.symbol: quote for quote in record.quotes})
    try:
        found = engine.apply(record.command, context)
    except Exception as error:
        return Difference(record.seq, record.events, (), repr(error))
    return None if found == record.events else Difference(record.seq, record.events, found)


def _copy(state: State) -> State:
    return State.restore(decode_snapshot(encode_snapshot(state.snapshot())))


encode_snapshot: Final = msgspec.json.Encoder().encode
decode_snapshot: Final = msgspec.json.Decoder(Snapshot).decode
