"""Many programs on the bars of many symbols: what they share is computed once, and who has to look is told."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from tradehall.domain.market import Bar
from tradehall.domain.time import NS_PER_SECOND
from tradehall.strategies.columns import Columns, Computed
from tradehall.strategies.looking import Looking
from tradehall.strategies.plan import Call, Clock, IndicatorSeries, Series
from tradehall.strategies.program import Program, Signals
from tradehall.strategies.tracks import LOOKS_KEPT, Track

# How long a program waits for the bars of other symbols that close when its own does.
GRACE_NS: Final = 2 * NS_PER_SECOND


class Look(Struct, frozen=True):
    """A program has looked: `key` is that of `add`, `bar_number` that of the bar on its track; None: at a beat."""

    key: int
    signals: Signals
    bar_number: int | None


class Hub:
    """Programs by key, and the tracks they look at. Its state follows from the bars alone: a restart feeds them anew.

    Bars are given as they close, those that close at one instant together where that is possible. A program
    looks at once, unless it names other symbols: then when their bars of that close are there, or
    `GRACE_NS` later, or when its own next bar closes.
    """

    def __init__(self) -> None:
        self._tracks: dict[Clock, Track] = {}
        self._seats: dict[int, Looking] = {}
        self._by_clock: dict[Clock, dict[int, Looking]] = {}
        # How many programs ask for an indicator, and for a clock.
        self._asked: Counter[Call] = Counter()
        self._looked_at: Counter[Clock] = Counter()
        self._waiting: dict[int, int] = {}
        self._beats: list[tuple[int, int]] = []  # With entries of beats that nobody waits for any more.
        self._next_beat: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def clocks(self) -> set[Clock]:
        """The bars it wants."""
        return set(self._tracks)

    def looking(self, key: int) -> Looking:
        """A program's place, for `explain`."""
        return self._seats[key]

    def add(self, key: int, program: Program, history: Mapping[Clock, Sequence[Bar]], now: int) -> None:
        """Let a program look from now on, at bars that close after those of its history.

        `history`: closed bars of every clock in `program.bars_needed()`, oldest first, as many as said there
        and `LOOKS_KEPT` more, if there are so many: whoever joins a clock later looks back over what the
        first one brought. A clock that others look at already keeps its own newest bars.
        """
        assert key not in self._seats, f"program {key} is looking already"
        for clock in program.clocks:
            if clock not in self._tracks:
                self._tracks[clock] = Track(clock, history.get(clock, ()))
        computed = Computed(_Pasts(self._tracks, history))
        for series in program.series:
            self._tracks[series.clock].add(series, computed)
        self._asked.update(_calls_of(program))
        self._looked_at.update(program.clocks)
        seat = Looking(program, self._tracks, computed)
        self._seats[key] = seat
        self._by_clock.setdefault(program.clock, {})[key] = seat
        self._await_beat(key, program, now)

    def remove(self, key: int) -> None:
        """Let a program look no more; what nobody else looks at is forgotten."""
        seat = self._seats.pop(key)
        del self._by_clock[seat.program.clock][key]
        self._waiting.pop(key, None)
        self._next_beat.pop(key, None)
        self._asked.subtract(_calls_of(seat.program))
        self._looked_at.subtract(seat.program.clocks)
        for clock in seat.program.clocks:
            if not self._looked_at[clock]:
                del self._looked_at[clock], self._tracks[clock]
        for call in _calls_of(seat.program):
            if not self._asked[call]:
                del self._asked[call]
                if call.clock in self._tracks:
                    self._tracks[call.clock].forget(call)

    def on_bars(self, bars: Iterable[Bar], now: int) -> list[Look]:
        """Take closed bars; the looks they cause, in the order in which programs were added.

        What one quote closed belongs into one call: a program looks when it has seen all of it.
        """
        looks: list[Look] = []
        due: dict[int, Looking] = {}
        for bar in bars:
            clock = Clock(bar.symbol, bar.timeframe)
            track = self._tracks.get(clock)
            if track is None or bar.at + clock.span <= track.last_close:
                continue
            seats = self._by_clock.get(clock, {})
            # Whoever has not looked at the bar before does so now.
            looks += [self._look(key) for key, seat in seats.items() if seat.behind]
            track.on_bar(bar)
            due.update(seats)
        for key, seat in due.items():
            if seat.behind and seat.foreign and not seat.is_complete():
                self._waiting[key] = now + GRACE_NS
            elif seat.behind:
                looks.append(self._look(key))
        return looks + self._waited_for(now)

    def on_time(self, now: int) -> list[Look]:
        """Looks of those who have waited long enough for other symbols, and of rules with `every`."""
        looks = self._waited_for(now)
        while self._beats and self._beats[0][0] <= now:
            due, key = heappop(self._beats)
            if self._next_beat.get(key) != due:
                continue
            seat = self._seats[key]
            if seat.behind:
                looks.append(self._look(key))
            looks.append(Look(key, seat.beat(seat.program.last_beat(now)), None))
            self._await_beat(key, seat.program, now)
        return looks

    def next_deadline(self) -> int | None:
        """When `on_time` has something to do [ns UTC]."""
        while self._beats and self._next_beat.get(self._beats[0][1]) != self._beats[0][0]:
            heappop(self._beats)
        beat = self._beats[0][0] if self._beats else None
        waiting = min(self._waiting.values(), default=None)
        return min((each for each in (beat, waiting) if each is not None), default=None)

    def missed(self, key: int, after: int) -> list[Look]:
        """What a program signalled at the bars that closed after an instant [ns UTC], oldest first.

        For a program that was away: its rules saw these bars, and nobody heard it. At most `LOOKS_KEPT`.
        """
        seat = self._seats[key]
        count, track = 0, seat.track
        while count < min(track.head + 1, LOOKS_KEPT) - seat.behind and track.close_of(seat.behind + count) > after:
            count += 1
        return [Look(key, signals, number) for number, signals in seat.replay(count)]

    def _waited_for(self, now: int) -> list[Look]:
        ready = [key for key, until in self._waiting.items() if until <= now or self._seats[key].is_complete()]
        return [self._look(key) for key in ready]

    def _look(self, key: int) -> Look:
        self._waiting.pop(key, None)
        seat = self._seats[key]
        return Look(key, seat.look(), seat.track.head)

    def _await_beat(self, key: int, program: Program, now: int) -> None:
        beat = program.next_beat(now)
        if beat is not None:
            self._next_beat[key] = beat
            heappush(self._beats, (beat, key))


class _Pasts(dict[Clock, Columns]):
    """The past of each clock as columns, made when it is asked for: who shares all indicators asks for none."""

    def __init__(self, tracks: Mapping[Clock, Track], history: Mapping[Clock, Sequence[Bar]]) -> None:
        super().__init__()
        self._tracks, self._history = tracks, history

    def __missing__(self, clock: Clock) -> Columns:
        self[clock] = self._tracks[clock].past(self._history.get(clock, ()))
        return self[clock]


def _calls_of(program: Program) -> set[Call]:
    """Every indicator a program is made of."""
    return set[Call]().union(*(_calls(series) for series in program.series))


def _calls(series: Series) -> set[Call]:
    """An indicator and all it is made of."""
    if not isinstance(series, IndicatorSeries):
        return set()
    return {series.call}.union(*(_calls(source) for source in series.call.sources))
