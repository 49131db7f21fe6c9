"""Walking through the journal: the state before each of a few records, by way of the snapshots."""

from itertools import islice
from typing import Final

from tradehall.app.recovery import collector_paused, unhurried
from tradehall.app.snapshots import Snapshots
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record, decode_facts
from tradehall.engine.replay import Difference, decide_again, fold
from tradehall.engine.state import State
from tradehall.ports.journal import Entries

# Records folded for one explanation, half a second's worth: two decisions, each as far from a snapshot as can be.
FOLDED_MAX: Final = 55_000


class Walk:
    """A state of its own that goes forward; once it has come to the first record, at most FOLDED_MAX in all."""

    def __init__(self, journal: Entries, snapshots: Snapshots) -> None:
        self._journal = journal
        self._snapshots = snapshots
        self._state = State()
        self._folded = 0

    def before(self, seq: int) -> State | None:
        """The state before record `seq`, to be read; None: it is too far to go."""
        self._jump(seq - 1)
        way = seq - 1 - self._state.seq
        if way and self._folded and self._folded + way > FOLDED_MAX:
            return None
        self._folded += way
        with collector_paused():
            for entry in unhurried(islice(self._journal.entries(self._state.seq), way)):
                fold(self._state, decode_facts(entry.payload))
        return self._state

    def decide_again(self, record: Record) -> Difference | None:
        """Decide the record that follows; after a difference the next state is folded anew."""
        difference = decide_again(Engine(self._state), record)
        if difference is not None:
            self._state = State()
        return difference

    def _jump(self, seq: int) -> None:
        """Begin at a snapshot, where that is nearer, or the state is beyond."""
        here = self._state.seq if self._state.seq <= seq else -1
        nearest = next((each for each in self._snapshots.paths_by_seq() if each <= seq), 0)
        if nearest > here:
            found = self._snapshots.newest(self._journal, until=seq)
            self._state = State() if found is None else found[0]
