"""Replay: a recorded market told again, in its own time, faster, or as fast as can be."""

import asyncio
import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from tradehall.adapters.feeds.reel_player import SPEED_MAX, ReelPlayer
from tradehall.domain.instrument import Instrument
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.ports.clock import Clock
from tradehall.ports.feed import BAR_GRACE_NS, FeedError, MarketSink
from tradehall.ports.history import BarHistory, NoHistory
from tradehall.ports.recording import Recording, Reel

# How long one slice keeps the loop from others.
SLICE_NS_MAX: Final = 1_000_000
SLEEP_S_MAX: Final = 0.25
REELS_NAMED_MAX: Final = 8
SYMBOLS_NAMED_MAX: Final = 4

_EXPECTED: Final = "expected PATH[,PATH…] and, behind a question mark, speed=N or speed=max, loop=1, shift=now, align=0"


class ReplayOptions(Struct, frozen=True):
    """What is replayed and how: `speed` 1.0 is real time, None as fast as possible.

    `loop` starts over at the end, times going on. `shift` moves recorded times so that the first is now.
    With `align` recordings far apart begin together; without, all are told on one line of time.
    """

    paths: tuple[Path, ...]
    speed: float | None = 1.0
    loop: bool = False
    shift: bool = False
    align: bool = True


def parse_replay(text: str) -> ReplayOptions:
    """`a.parquet,b/?speed=4&loop=1` → its options; FeedError for any other option or value."""
    listed, _, query = text.partition("?")
    paths = tuple(Path(path) for path in listed.split(",") if path.strip())
    if not paths:
        raise FeedError(f"replay:{text} names no file or folder: {_EXPECTED}")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := options.keys() - {"speed", "loop", "shift", "align"}:
        raise FeedError(f"replay option {min(unknown)!r} is unknown: {_EXPECTED}")
    return ReplayOptions(
        paths,
        speed=_speed(options.get("speed", "1")),
        loop=_one_of("loop", options.get("loop", "0"), {"1": True, "0": False}),
        shift=_one_of("shift", options.get("shift", "no"), {"now": True, "no": False}),
        align=_one_of("align", options.get("align", "1"), {"1": True, "0": False}),
    )


class ReplayFeed:
    """Tells a recording: every reel of it begins at the first `step` and runs on a clock of its own.

    With `shift` the bars of the past are those told so far: what files hold of the time before would not
    lie on the shifted minutes.
    """

    provider = "replay"
    # A market may pause for a weekend: silence proves nothing before the recording ends.
    stale_after_ns: int | None = None

    def __init__(self, recording: Recording, options: ReplayOptions, clock: Clock) -> None:
        self.instruments: Mapping[str, Instrument] = recording.instruments
        self.history: BarHistory = NoHistory() if options.shift else recording.history
        reels = recording.reels(align=options.align)
        self.notes = (*recording.notes, *_notes(reels))
        # In slow motion the clock says that a bar is over long before the recording does.
        self.bar_grace_ns = BAR_GRACE_NS if options.speed is not None and options.speed >= 1 else None
        self._clock = clock
        self._shift = options.shift
        # Opened here, where nobody waits yet.
        self._players = [ReelPlayer(reel, speed=options.speed, loop=options.loop) for reel in reels]
        # (due, turn, number of the player), a heap; of what is due together, who waited longest is first.
        self._due = [(0, number, number) for number in range(len(reels))]
        self._turn = len(reels)
        self._has_begun = False
        # What the clock was set back by: the replay goes on from where it was.
        self._set_back = 0
        self._seen_at = 0

    @property
    def is_over(self) -> bool:
        """Whether all was told."""
        return not self._due

    async def run(self, sink: MarketSink) -> None:
        """Tell everything to `sink`; ends with the recording, or when cancelled."""
        while (due := self.step(sink)) is not None:
            wait_s = (due - self._clock.now()) / NS_PER_SECOND
            await asyncio.sleep(min(max(wait_s, 0.0), SLEEP_S_MAX))

    def step(self, sink: MarketSink) -> int | None:
        """Tell what is due, for about a millisecond; when the next is due [ns UTC], None at the end."""
        received_at = self._clock.now()
        self._set_back += max(0, self._seen_at - received_at)
        self._seen_at = received_at
        now, slice_end = received_at + self._set_back, time.monotonic_ns() + SLICE_NS_MAX
        if not self._has_begun:
            self._begin(now)
        played: list[tuple[int, int, int]] = []
        while self._due and self._due[0][0] <= now and (not played or time.monotonic_ns() < slice_end):
            _, _, number = heapq.heappop(self._due)
            due = self._players[number].play(sink, now, received_at=received_at, slice_end=slice_end)
            if due is not None:
                self._turn += 1
                played.append((due, self._turn, number))
        for one in played:
            heapq.heappush(self._due, one)
        return max(received_at, self._due[0][0] - self._set_back) if self._due else None

    def _begin(self, now: int) -> None:
        self._has_begun = True
        for player in self._players:
            player.begin(now, shift=self._shift)


def _notes(reels: Sequence[Reel]) -> Iterator[str]:
    if len(reels) > 1:
        named = [f"{_listed(reel.symbols)} from {to_rfc3339(reel.begins_at)}" for reel in reels[:REELS_NAMED_MAX]]
        rest = f", and {len(reels) - len(named)} more" if len(reels) > len(named) else ""
        yield f"recorded far apart, told side by side (align=0: one after the other): {'; '.join(named)}{rest}"


def _listed(symbols: Sequence[str]) -> str:
    rest = f" and {len(symbols) - SYMBOLS_NAMED_MAX} more" if len(symbols) > SYMBOLS_NAMED_MAX else ""
    return ", ".join(symbols[:SYMBOLS_NAMED_MAX]) + rest


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
