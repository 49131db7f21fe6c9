"""Replay: a recorded market told again, in its own time, faster, or as fast as can be."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from math import ceil, inf
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from tradehall.domain.instrument import Instrument
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.clock import Clock
from tradehall.ports.feed import FeedError, MarketSink
from tradehall.ports.history import BarHistory, NoHistory
from tradehall.ports.recording import Recording, Row

SPEED_MAX: Final = 1_000_000.0
# How long one slice may keep the loop from others, and how often that is looked at.
SLICE_NS_MAX: Final = 3_000_000
ROWS_PER_LOOK: Final = 64
SLEEP_S_MAX: Final = 0.25
GAP_BETWEEN_LOOPS_NS: Final = NS_PER_SECOND
# A weekend with its holidays is waited for; of longer silence in all files only a second is.
GAP_WAITED_NS_MAX: Final = 4 * NS_PER_DAY

_EXPECTED: Final = "expected PATH[,PATH…] and, behind a question mark, speed=N or speed=max, loop=1, shift=now"


class ReplayOptions(Struct, frozen=True):
    """What is replayed and how: `speed` 1.0 is real time, None as fast as possible.

    `loop` starts over at the end, times going on. `shift` moves recorded times so that the first is now.
    """

    paths: tuple[Path, ...]
    speed: float | None = 1.0
    loop: bool = False
    shift: bool = False


def parse_replay(text: str) -> ReplayOptions:
    """`a.parquet,b/?speed=4&loop=1` → its options; FeedError for any other option or value."""
    listed, _, query = text.partition("?")
    paths = tuple(Path(path) for path in listed.split(",") if path.strip())
    if not paths:
        raise FeedError(f"replay:{text} names no file or folder: {_EXPECTED}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - {"speed", "loop", "shift"}:
        raise FeedError(f"replay option {min(unknown)!r} is unknown: {_EXPECTED}")
    return ReplayOptions(
        paths,
        speed=_speed(options.get("speed", "1")),
        loop=_one_of("loop", options.get("loop", "0"), {"1": True, "0": False}),
        shift=_one_of("shift", options.get("shift", "no"), {"now": True, "no": False}),
    )


class ReplayFeed:
    """Tells a recording. Time zero, its first row, is the instant of the first `step`.

    With `shift` the bars of the past are those told so far: what files hold of the time before would not
    lie on the shifted minutes.
    """

    provider = "replay"
    # A market may pause for a weekend: silence proves nothing before the recording ends.
    stale_after_ns: int | None = None

    def __init__(self, recording: Recording, options: ReplayOptions, clock: Clock) -> None:
        self.instruments: Mapping[str, Instrument] = recording.instruments
        self.history: BarHistory = NoHistory() if options.shift else recording.history
        self.is_over = False
        self._recording = recording
        self._options = options
        self._clock = clock
        self._rows: Iterator[Row] = iter(())
        self._next: Row | None = None
        self._offset = 0
        # The recorded instant `_zero` was due at `_began` on our clock.
        self._zero = 0
        self._began: int | None = None
        self._seen_at = 0

    async def run(self, sink: MarketSink) -> None:
        """Tell everything to `sink`; ends with the recording, or when cancelled."""
        while (due := self.step(sink)) is not None:
            wait_s = (due - self._clock.now()) / NS_PER_SECOND
            await asyncio.sleep(min(max(wait_s, 0.0), SLEEP_S_MAX))

    def step(self, sink: MarketSink) -> int | None:
        """Tell what is due, for a few milliseconds at most; when the next is due [ns UTC], None at the end."""
        now = self._steady_now()
        began = self._began = self._began or self._begin(now)
        due_until, slice_end = self._recorded_at(now, began), time.monotonic_ns() + SLICE_NS_MAX
        send, offset, rows, row = self._recording.send, self._offset, self._rows, self._next
        told, is_silent = 0, self._recording.ends if self._options.loop else _never
        while row is not None and row[0] <= due_until:
            if not is_silent(row):
                send(row, sink, received_at=now, offset=offset)
            told += 1
            last, row = row, next(rows, None)
            if row is None:
                row = self._start_over(last[0], began) if self._options.loop else None
                break
            if row[0] - last[0] > GAP_WAITED_NS_MAX:
                self._began = began - round((row[0] - last[0] - NS_PER_SECOND) / (self._options.speed or SPEED_MAX))
                break
            if told % ROWS_PER_LOOK == 0 and time.monotonic_ns() > slice_end:
                break
        self._next, self.is_over = row, row is None
        return None if row is None else max(now, self._due_at(row))

    def _begin(self, now: int) -> int:
        self._rows = self._recording.rows()
        self._next = next(self._rows, None)
        self._zero = self._next[0] if self._next else 0
        if self._options.shift:
            offset = now - self._zero
            self._offset = offset - offset % NS_PER_MINUTE if self._recording.keeps_minutes else offset
        return now

    def _start_over(self, last: int, began: int) -> Row | None:
        """The first row again, its times and its due going on from the `last`."""
        length = last - self._zero + GAP_BETWEEN_LOOPS_NS
        if self._recording.keeps_minutes:
            length += -length % NS_PER_MINUTE
        self._offset += length
        self._began = began + round(length / (self._options.speed or SPEED_MAX))
        self._rows = self._recording.rows()
        return next(self._rows, None)

    def _steady_now(self) -> int:
        """Now; where the clock was set back, the replay goes on from where it was."""
        now = self._clock.now()
        if self._began is not None and now < self._seen_at:
            self._began -= self._seen_at - now
        self._seen_at = now
        return now

    def _recorded_at(self, now: int, began: int) -> float:
        """Recorded instant that is due `now`."""
        speed = self._options.speed
        return inf if speed is None else self._zero + round((now - began) * speed)

    def _due_at(self, row: Row) -> int:
        speed = self._options.speed
        return 0 if speed is None else (self._began or 0) + ceil((row[0] - self._zero) / speed)


def _never(_: Row) -> bool:
    return False


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= SPEED_MAX:
        raise FeedError(f"replay speed was {text!r}: expected a positive number up to {SPEED_MAX:.0f}, or max")
    return speed


def _one_of(name: str, text: str, values: Mapping[str, bool]) -> bool:
    if text not in values:
        raise FeedError(f"replay option {name} was {text!r}: expected {' or '.join(values)}")
    return values[text]
