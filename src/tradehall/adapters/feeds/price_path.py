"""The price process of the simulated market: a function of time, not a recording.

The logarithm of a price is a mean-reverting walk from day to day (days count from the epoch, the minute of
the first start, in both directions), a Brownian bridge from minute to minute within a day, and a path from
tick to tick that touches exactly the high and the low of its minute. Every level is drawn from its own
generator, seeded with its name: any minute of any year can be had without those before it, so history needs
no storage, agrees with what was streamed, and goes on over restarts. Prices are bids, counted in ticks.
"""

from array import array
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from math import exp, sqrt, tanh
from random import Random
from typing import Final, NamedTuple

from tradehall.domain.time import NS_PER_MINUTE, NS_PER_MS
from tradehall.ports.history import Ahead, Steps, at_once

MINUTES_PER_DAY: Final = 1440
DAYS_KEPT_MAX: Final = 48  # Cached days per symbol: five weeks of history and then some; 58 KB each.
TICK_GAP_MS: Final = (250, 500)  # Between two quotes of a symbol: two to four a second.
TICKS_PER_PRINT: Final = 3
MINUTES_PER_STEP: Final = 120


@dataclass(slots=True, frozen=True)
class Shape:
    """How a symbol moves.

    `start` [ticks] is the bid at the epoch, to which the price is drawn back by `pull` [share per day].
    `volatility` [log price per minute]. `bound` [log price]: the price never leaves start × e^±bound.
    `spread` [ticks] least and most. `size` [size units] shown on a side, least and most, `volume` [size
    units] dealt per minute on average; a size unit is 10^-`size_digits` units.
    """

    start: int
    volatility: float
    spread: tuple[int, int]
    size: tuple[int, int]
    volume: int
    size_digits: int = 0
    pull: float = 0.05
    bound: float = 0.7


class Minute(NamedTuple):
    """One minute of bids [ticks] and its volume [size units]."""

    open: int
    high: int
    low: int
    close: int
    volume: int


class Tick(NamedTuple):
    """A quote, and a print where `dealt` is not 0: `at` [ns UTC], prices in ticks, sizes in size units."""

    at: int
    bid: int
    ask: int
    bid_size: int
    ask_size: int
    dealt: int
    buyer_took: bool


class Units:
    """Ticks and size units as decimals."""

    def __init__(self, tick_size: Decimal, size_digits: int) -> None:
        self._tick_size = tick_size
        self._size_unit = Decimal(1).scaleb(-size_digits)

    def price(self, ticks: int) -> Decimal:
        return ticks * self._tick_size

    def size(self, units: int) -> Decimal:
        return units * self._size_unit


@dataclass(slots=True)
class _Day:
    """Minutes of a day by column; the open of a minute is the close of the one before."""

    opens: "array[int]" = field(default_factory=lambda: array("q"))
    highs: "array[int]" = field(default_factory=lambda: array("q"))
    lows: "array[int]" = field(default_factory=lambda: array("q"))
    closes: "array[int]" = field(default_factory=lambda: array("q"))
    volumes: "array[int]" = field(default_factory=lambda: array("q"))


class PricePath:
    """Past and future of one symbol. `epoch` [ns UTC] is a whole minute."""

    def __init__(self, name: str, shape: Shape, *, seed: int, epoch: int) -> None:
        assert epoch % NS_PER_MINUTE == 0, f"epoch was {epoch}, must be a whole minute"
        self.shape = shape
        self._name = f"{seed}:{name}"
        self._epoch = epoch
        self._days: OrderedDict[int, _Day] = OrderedDict()
        # Logarithm of the price at the start of day 0, 1, … and at the start of day 0, -1, …
        self._ahead = [0.0]
        self._behind = [0.0]

    def minute(self, start: int) -> Minute:
        """The minute that begins at `start` [ns UTC]."""
        number, offset = self._place(start)
        return _cut(self._day(number), offset, offset + 1)

    def span(self, start: int, end: int) -> Minute | None:
        """All from `start` (a whole minute) to `end` [ns UTC] as one; of a minute that `end` cuts, what has passed.

        None where no quote lies between.
        """
        parts = []
        here, last = self._place(start), self._place(end)
        while here < last:
            number, offset = here
            stop = last[1] if number == last[0] else MINUTES_PER_DAY
            parts.append(_cut(self._day(number), offset, stop))
            here = number + 1, 0
        parts += self._part(end)
        return _joined(parts) if len(parts) != 1 else parts[0]

    def prepared(self, start: int, end: int) -> Steps[None]:
        """Make the days from `start` to `end` [ns UTC] that are not kept, so that reading them is quick."""
        for number in range(self._place(start)[0], self._place(end)[0] + 1):
            if number not in self._days:
                self._keep(number, (yield from self._making(number)))

    def ticks(self, start: int) -> list[Tick]:
        """Every quote of the minute that begins at `start` [ns UTC], in order."""
        minute, chance = self.minute(start), Random(f"{self._name}:ticks:{start - self._epoch}")
        times = _tick_times(start, chance)
        bids = _tick_bids(minute, len(times), chance)
        dealt = _tick_volumes(minute.volume, len(times), chance)
        spread, size, draw = self.shape.spread, self.shape.size, chance.randint
        return [
            Tick(at, bid, bid + draw(*spread), draw(*size), draw(*size), volume, chance.random() < 0.5)
            for at, bid, volume in zip(times, bids, dealt, strict=True)
        ]

    def _part(self, end: int) -> list[Minute]:
        """What has passed of the minute that holds `end`; nothing if no quote of it has."""
        start = end - end % NS_PER_MINUTE
        passed = [tick for tick in self.ticks(start) if tick.at < end] if end > start else []
        if not passed:
            return []
        bids = [tick.bid for tick in passed]
        return [Minute(bids[0], max(bids), min(bids), bids[-1], sum(tick.dealt for tick in passed))]

    def _place(self, at: int) -> tuple[int, int]:
        """Number of the day and of the minute within it."""
        return divmod((at - self._epoch) // NS_PER_MINUTE, MINUTES_PER_DAY)

    def _day(self, number: int) -> _Day:
        day = self._days.get(number)
        return self._keep(number, at_once(self._making(number))) if day is None else day

    def _keep(self, number: int, day: _Day) -> _Day:
        self._days[number] = day
        if len(self._days) > DAYS_KEPT_MAX:
            self._days.popitem(last=False)
        return day

    def _making(self, number: int) -> Steps[_Day]:
        shape, chance = self.shape, Random(f"{self._name}:day:{number}")
        price, day, wick = self._price, _Day(), shape.volatility * 0.6
        nodes = self._bridge(number, chance)
        yield Ahead.SHORT
        opened = price(nodes[0])
        for index, (here, there) in enumerate(pairwise(nodes)):
            closed = price(there)
            top = price(max(here, there) + chance.expovariate(1.0) * wick)
            bottom = price(min(here, there) - chance.expovariate(1.0) * wick)
            day.opens.append(opened)
            day.highs.append(top)
            day.lows.append(bottom)
            day.closes.append(closed)
            day.volumes.append(round(shape.volume * chance.uniform(0.4, 1.6)))
            opened = closed
            if index % MINUTES_PER_STEP == 0:
                yield Ahead.SHORT
        return day

    def _bridge(self, number: int, chance: Random) -> list[float]:
        """Logarithms of the price at the 1441 ends of the minutes of a day."""
        begin, end, sigma = self._node(number), self._node(number + 1), self.shape.volatility
        walk = [0.0]
        for _ in range(MINUTES_PER_DAY):
            walk.append(walk[-1] + chance.gauss(0.0, sigma))
        slope = (end - begin - walk[-1]) / MINUTES_PER_DAY
        return [begin + step + slope * index for index, step in enumerate(walk)]

    def _node(self, number: int) -> float:
        """Logarithm of the price at the start of a day; the walk looks the same in both directions."""
        nodes, sign = (self._ahead, 1) if number >= 0 else (self._behind, -1)
        sigma = self.shape.volatility * sqrt(MINUTES_PER_DAY)
        while len(nodes) <= abs(number):
            chance = Random(f"{self._name}:node:{sign * len(nodes)}")
            nodes.append(nodes[-1] * (1 - self.shape.pull) + chance.gauss(0.0, sigma))
        return nodes[abs(number)]

    def _price(self, logarithm: float) -> int:
        bound = self.shape.bound
        return round(self.shape.start * exp(bound * tanh(logarithm / bound)))


def _cut(day: _Day, first: int, stop: int) -> Minute:
    """Minutes `first` until `stop` of a day as one."""
    if stop - first == 1:
        return Minute(day.opens[first], day.highs[first], day.lows[first], day.closes[first], day.volumes[first])
    cut = slice(first, stop)
    return Minute(
        day.opens[first], max(day.highs[cut]), min(day.lows[cut]), day.closes[stop - 1], sum(day.volumes[cut])
    )


def _joined(parts: list[Minute]) -> Minute | None:
    if not parts:
        return None
    opens, highs, lows, closes, volumes = zip(*parts, strict=True)
    return Minute(opens[0], max(highs), min(lows), closes[-1], sum(volumes))


def _tick_times(start: int, chance: Random) -> list[int]:
    """Instants of a minute's quotes, in order."""
    times, offset = [], chance.randint(20, 120)
    while offset < 59_950:
        times.append(start + offset * NS_PER_MS)
        offset += chance.randint(*TICK_GAP_MS)
    return times


def _tick_bids(minute: Minute, count: int, chance: Random) -> list[int]:
    """A path of `count` bids from open to close that touches high and low and never leaves them."""
    first, second = sorted(chance.sample(range(1, count - 1), 2))
    extremes = (minute.high, minute.low) if chance.random() < 0.5 else (minute.low, minute.high)
    stops = [(0, minute.open), (first, extremes[0]), (second, extremes[1]), (count - 1, minute.close)]
    bids = [minute.open]
    for (begin, here), (end, there) in pairwise(stops):
        bids.extend(_leg(here, there, end - begin, minute, chance))
    return bids


def _leg(here: int, there: int, steps: int, minute: Minute, chance: Random) -> list[int]:
    """`steps` bids after `here`, the last of them `there`."""
    sigma = (minute.high - minute.low) * 0.15
    walk = [0.0]
    for _ in range(steps):
        walk.append(walk[-1] + chance.gauss(0.0, sigma))
    slope = (there - here - walk[-1]) / steps
    drawn = (round(here + walk[step] + slope * step) for step in range(1, steps))
    return [*(min(max(bid, minute.low), minute.high) for bid in drawn), there]


def _tick_volumes(volume: int, count: int, chance: Random) -> list[int]:
    """The minute's volume dealt over some of its `count` quotes: it sums up exactly."""
    dealt = [0] * count
    hits = chance.sample(range(count), count // TICKS_PER_PRINT)
    left = volume
    for hit, rest in zip(hits, range(len(hits), 0, -1), strict=True):
        dealt[hit] = left if rest == 1 else min(left, round(left / rest * chance.uniform(0.2, 1.8)))
        left -= dealt[hit]
    return dealt
