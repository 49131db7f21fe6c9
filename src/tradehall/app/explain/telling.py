"""A record → the steps in which it concerns one order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tradehall.app.explain.checks import asked
from tradehall.app.explain.events import said_of, terms_after
from tradehall.app.explain.history import names, wished_about
from tradehall.app.explain.scene import Scene
from tradehall.app.explain.sentences import quoted
from tradehall.app.explain.shapes import Step
from tradehall.app.explain.wishes import said_by
from tradehall.domain.time import to_rfc3339
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.state import State

# Door → what its stream says of an event, by the event's type.
Streams = Mapping[str, Mapping[type, str]]

# Why a decision came about, whatever order it is about.
_REASONS: Final = (ev.MarginStateChanged, ev.TradingStateSet)
_MAKING: Final = (cmd.PlaceOrder, cmd.ClosePosition)


def steps_of(scene: Scene, state: State | None, streams: Streams) -> Iterator[Step]:
    """The steps of a record, in the order in which things happened; `state`: before it, None: not known."""
    record = scene.record

    def step(kind: str, text: str, data: Any) -> Step:
        return Step(record.now, record.seq, kind, text, readable(data))

    yield step(*said_by(scene), record.command)
    if record.quotes:
        said = "; ".join(quoted(quote, record.now) for quote in record.quotes)
        yield step("quotes", f"Quotes used: {said}", {"quotes": record.quotes})
    checks = None if state is None else asked(scene, state)
    if checks is not None:
        yield step("checks", *checks)
    told = _concerning(scene)
    for event in told:
        if (found := said_of(event, scene)) is not None:
            yield step(*found, event)
        scene = terms_after(event, scene)
    if frames := _frames(told, streams):
        listed = "; ".join(f"{door}: {', '.join(words)}" for door, words in frames.items())
        yield step("stream", f"Told to those who listened: {listed}", {"frames": frames})


def _concerning(scene: Scene) -> Sequence[ev.AnyEvent]:
    """Of a decision about the order itself all events are its own affair; of others, those that name it."""
    record, order_id = scene.record, scene.order_id
    if wished_about(record) == order_id or isinstance(record.command, _MAKING):
        return record.events
    return [event for event in record.events if names(event, order_id) or isinstance(event, _REASONS)]


def _frames(events: Sequence[ev.AnyEvent], streams: Streams) -> dict[str, list[str]]:
    """What each door's stream says of the events, each thing once."""
    said = {door: [says[type(event)] for event in events if type(event) in says] for door, says in streams.items()}
    return {door: list(dict.fromkeys(words)) for door, words in said.items() if words}


_INSTANTS: Final = frozenset({"at", "received_at", "created_at", "updated_at", "opened_at", "closed_at", "expires_at"})


def readable(data: Any) -> Any:
    """Facts as JSON: decimals and instants as text."""
    return _with_instants(msgspec.to_builtins(data))


def _with_instants(data: Any, name: str = "") -> Any:
    if isinstance(data, dict):
        return {key: _with_instants(value, key) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_with_instants(value) for value in data]
    return to_rfc3339(data) if name in _INSTANTS and isinstance(data, int) else data
