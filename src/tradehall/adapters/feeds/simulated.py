"""The built-in simulated market: open around the clock, repeatable by its seed, labelled as what it is."""

import asyncio
import heapq
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from tradehall.adapters.feeds.anchor import load_anchor
from tradehall.adapters.feeds.price_path import PricePath, Tick, Units
from tradehall.adapters.feeds.shapes import DEMO_SHAPES
from tradehall.adapters.feeds.simulated_history import SimulatedHistory
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Print, Quote
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.clock import Clock
from tradehall.ports.feed import BAR_GRACE_NS, STALE_AFTER_NS_DEFAULT, MarketSink
from tradehall.ports.history import Steps

# After a longer pause (the machine slept, or its clock was set) what was missed is not sent any more:
# the market went on without us, and history knows it.
CATCH_UP_NS_MAX: Final = 5 * NS_PER_SECOND
SLEEP_S_MAX: Final = 0.25
# How often it is seen to that the next day is made before its first quote is due.
PREPARE_EVERY_NS: Final = NS_PER_HOUR


class SimulatedFeed:
    """Two to four quotes a second of each demo symbol, and the history they belong to.

    `seed` None: the stored one, or one by chance. `state_file` keeps the anchor over restarts; None: nothing
    is kept. FeedError if the file is damaged.
    """

    provider = "simulated"
    stale_after_ns: int | None = STALE_AFTER_NS_DEFAULT
    bar_grace_ns: int | None = BAR_GRACE_NS

    def __init__(self, clock: Clock, *, seed: int | None = None, state_file: Path | None = None) -> None:
        self.instruments: Mapping[str, Instrument] = demo_instruments()
        assert self.instruments.keys() == DEMO_SHAPES.keys(), "each demo instrument has its shape"
        self._clock = clock
        self.anchor = load_anchor(state_file, seed=seed, now=clock.now())
        self._paths = {
            symbol: PricePath(symbol, shape, seed=self.anchor.seed, epoch=self.anchor.epoch)
            for symbol, shape in DEMO_SHAPES.items()
        }
        self.history = SimulatedHistory(self._paths, self.instruments, self.anchor.epoch)
        self._lines = [_Line(self.instruments[symbol], path) for symbol, path in self._paths.items()]
        self._due: list[tuple[int, int]] = []
        self._sent_until: int | None = None
        self._preparing = self._prepared(clock.now())
        self._prepare_at = clock.now() + PREPARE_EVERY_NS

    async def run(self, sink: MarketSink) -> None:
        """Send quotes and prints until cancelled."""
        while True:
            due = self.step(sink)
            self.prepare()
            wait_ns = due - self._clock.now()
            await asyncio.sleep(min(max(wait_ns / NS_PER_SECOND, 0.0), SLEEP_S_MAX))

    def step(self, sink: MarketSink) -> int:
        """Send all that is due by now; when the next will be [ns UTC]. The first call quotes every symbol."""
        now = self._clock.now()
        if self._sent_until is None or not 0 <= now - self._sent_until <= CATCH_UP_NS_MAX:
            self._begin(now)
        self._sent_until = now
        while self._due[0][0] <= now:
            index = self._due[0][1]
            self._lines[index].send(sink, now)
            heapq.heapreplace(self._due, (self._lines[index].due_at, index))
        return self._due[0][0]

    def prepare(self) -> None:
        """Make a little more of the days that bars are read of and quotes will be sent of, if any is missing."""
        next(self._preparing, None)
        if (now := self._clock.now()) >= self._prepare_at:
            self._preparing, self._prepare_at = self._prepared(now), now + PREPARE_EVERY_NS

    def _prepared(self, now: int) -> Steps[None]:
        for path in self._paths.values():
            yield from path.prepared(self.history.first_minute(now), now + NS_PER_DAY)

    def _begin(self, now: int) -> None:
        for line in self._lines:
            line.begin(now)
        self._due = [(line.due_at, index) for index, line in enumerate(self._lines)]
        heapq.heapify(self._due)


class _Line:
    """The ticks of one symbol, minute after minute."""

    def __init__(self, instrument: Instrument, path: PricePath) -> None:
        self._symbol = instrument.symbol
        self._path = path
        self._units = Units(instrument.tick_size, path.shape.size_digits)
        self._last: Decimal | None = None
        self._ticks: list[Tick] = []
        self._next = 0

    @property
    def due_at(self) -> int:
        return self._ticks[self._next].at

    def begin(self, now: int) -> None:
        """Go to the last tick at or before `now`."""
        start = now - now % NS_PER_MINUTE
        self._ticks = self._path.ticks(start - NS_PER_MINUTE) + self._path.ticks(start)
        self._next = max(index for index, tick in enumerate(self._ticks) if tick.at <= now)

    def send(self, sink: MarketSink, now: int) -> None:
        tick, price, size = self._ticks[self._next], self._units.price, self._units.size
        bid, ask = price(tick.bid), price(tick.ask)
        sink.on_quote(
            Quote(
                symbol=self._symbol,
                bid=bid,
                ask=ask,
                at=tick.at,
                received_at=now,
                bid_size=size(tick.bid_size),
                ask_size=size(tick.ask_size),
                last=bid if self._last is None else self._last,
            )
        )
        if tick.dealt:
            self._last = ask if tick.buyer_took else bid
            sink.on_print(Print(self._symbol, self._last, size(tick.dealt), tick.at, now, tick.buyer_took))
        self._advance()

    def _advance(self) -> None:
        self._next += 1
        if self._next == len(self._ticks):
            at = self._ticks[-1].at
            self._ticks, self._next = self._path.ticks(at - at % NS_PER_MINUTE + NS_PER_MINUTE), 0
