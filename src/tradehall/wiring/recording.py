"""Recording a session: the tape between market board and loop, and the files it ends up in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tradehall
from tradehall.adapters.sessions.writer import SessionWriter
from tradehall.app.session_tape import SessionTape
from tradehall.domain.market import Quote
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.session import TapedLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Recording:
    """The recording of one process's session in the folder `path`. RecordingRefused: it cannot be used."""

    def __init__(self, path: Path, started_at: int) -> None:
        self._writer = SessionWriter(path, started_at)
        self.tape = SessionTape(self._writer.put, tradehall.__version__)

    def start(self) -> None:
        """Write what has been noted, and what will be. RecordingRefused."""
        self._writer.start()

    def stop(self, *, durable_seq: int | None) -> None:
        """Write the rest; `durable_seq`: the last record, where all that was decided is durable."""
        if durable_seq is None:
            self.tape.flush()
        else:
            self.tape.end(durable_seq, "the server was stopped")
        self._writer.stop()


def make_loop(
    state: State,
    settings: VenueSettings,
    quotes: Mapping[str, Quote],
    on_record: Callable[[Record], None],
    recording: Recording | None,
) -> TradingLoop:
    """Engine and venue around a recovered state, their books filled; with a recording what they are told is noted."""
    if recording is None:
        loop = TradingLoop(Engine(state), SimulatedVenue(settings, state, quotes), quotes, on_record)
    else:
        loop = TapedLoop(state, settings, quotes, on_record, recording.tape)
    loop.rebuild()
    return loop
