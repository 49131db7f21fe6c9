"""Audience: who hears of a decision. A listener says of which kinds of events; that is looked up once for each kind."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

from tradehall.app.batch import Release
from tradehall.app.projections import leaves_rows
from tradehall.engine.record import Record

# Compositions of decisions whose listeners are remembered; there are some dozens.
COMPOSITIONS_MAX: Final = 1_024

Kinds = frozenset[type]
NOTHING: Final[Kinds] = frozenset()


class Hearing:
    """What a listener hears of, where that changes: nothing while nobody follows it, say."""

    def __init__(self, kinds: Kinds | None) -> None:
        self.kinds = kinds
        self.on_change: Callable[[], None] | None = None

    def change(self, kinds: Kinds | None) -> None:
        """From the next decision on it hears of these."""
        if kinds != self.kinds:
            self.kinds = kinds
            if self.on_change is not None:
                self.on_change()


class DecisionListener(Protocol):
    """Who needs the state as each decision left it, and may only tell once it is durable.

    Who needs no more than the records is told of whole batches: `Writer.hear_records`. `hears`: it hears of decisions
    with an event of these kinds; None: of every decision.
    """

    @property
    def hears(self) -> Kinds | Hearing | None:
        """See above; always the same, which itself may change if it is a Hearing."""
        ...

    def capture(self, record: Record) -> object | None:
        """Called at once, with the state exactly as after `record`; what it returns comes back in release."""
        ...

    def release(self, payload: Any) -> None:
        """The record of `payload` is durable. In the order of the records; must not raise."""
        ...


Capture = Callable[[Record], object | None]


class Following(NamedTuple):
    """What a decision has to be shown to: the projections, and who hears of it."""

    leaves_rows: bool
    listeners: tuple[tuple[Capture, Release], ...]


class Audience(dict[type | Kinds, Following]):
    """What follows a decision, by the kind of its one event or the kinds of its events; found out once for each."""

    def __init__(self) -> None:
        super().__init__()
        self._listeners: tuple[DecisionListener, ...] = ()

    def admit(self, listener: DecisionListener) -> None:
        """One more, told after those before."""
        self._listeners += (listener,)
        if isinstance(listener.hears, Hearing):
            listener.hears.on_change = self.clear
        self.clear()

    def __missing__(self, composition: type | Kinds) -> Following:
        if len(self) >= COMPOSITIONS_MAX:
            self.clear()
        kinds = frozenset({composition}) if isinstance(composition, type) else composition
        found = (each for each in self._listeners if _hears(each, kinds))
        self[composition] = made = Following(leaves_rows(kinds), tuple((each.capture, each.release) for each in found))
        return made


def _hears(listener: DecisionListener, kinds: Kinds) -> bool:
    hears = listener.hears.kinds if isinstance(listener.hears, Hearing) else listener.hears
    return hears is None or not hears.isdisjoint(kinds)
