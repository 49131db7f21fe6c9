"""A shelf: bounds in the order of their lines, to ask which of them lie between two prices."""

from bisect import bisect_left
from typing import Final, Generic, TypeVar

# A block splits when it has more entries. Between the cost of many blocks and that of long ones.
BLOCK_LENGTH_MAX: Final = 512
_NUMBER_BITS: Final = 64

Thing = TypeVar("Thing")


def place_of(line: int, number: int = 0) -> int:
    """Where the bound of an alert stands, so that no two share a place; without a number: before them all."""
    return line << _NUMBER_BITS | number


class _Block(Generic[Thing]):
    """A run of neighbouring entries (place, thing and far end in three lists), and how far the far ends go."""

    __slots__ = ("far_ends", "far_max", "far_min", "places", "things")

    def __init__(self, places: list[int], things: list[Thing], far_ends: list[int]) -> None:
        self.places = places
        self.things = things
        self.far_ends = far_ends
        self.measure()

    def measure(self) -> None:
        self.far_min, self.far_max = min(self.far_ends), max(self.far_ends)


class Shelf(Generic[Thing]):
    """Sorted entries in blocks, so that adding and removing moves little, and a question skips whole blocks.

    `far` is the place of a channel's other end: who steps over both has not been inside before or after.
    Places are unique; what is removed must be there. A step between two prices is asked about by the places
    from `low` to before `high`.
    """

    __slots__ = ("_blocks", "_lasts", "count")

    def __init__(self) -> None:
        self.count = 0
        self._blocks: list[_Block[Thing]] = []
        self._lasts: list[int] = []  # The last place of each block: where to look for another.

    def add(self, place: int, thing: Thing, far: int) -> None:
        """Put a thing in its place."""
        self.count += 1
        if not self._blocks:
            self._blocks.append(_Block([place], [thing], [far]))
            self._lasts.append(place)
            return
        number = min(bisect_left(self._lasts, place), len(self._blocks) - 1)
        block = self._blocks[number]
        at = bisect_left(block.places, place)
        block.places.insert(at, place)
        block.things.insert(at, thing)
        block.far_ends.insert(at, far)
        block.far_min, block.far_max = min(block.far_min, far), max(block.far_max, far)
        if len(block.places) > BLOCK_LENGTH_MAX:
            self._split(number)
        else:
            self._lasts[number] = block.places[-1]

    def remove(self, place: int) -> None:
        """Take away what stands at a place."""
        self.count -= 1
        number = bisect_left(self._lasts, place)
        block = self._blocks[number]
        at = bisect_left(block.places, place)
        assert block.places[at] == place, f"nothing stands at {place} on the shelf"
        del block.places[at], block.things[at], block.far_ends[at]
        if not block.places:
            del self._blocks[number], self._lasts[number]
            return
        self._lasts[number] = block.places[-1]
        # The far ends of those that stay go at most as far as is noted; a question that looked in vain measures again.

    def things(self) -> list[Thing]:
        """All that stands on it."""
        return [thing for block in self._blocks for thing in block.things]

    def has_any(self, low: int, high: int) -> bool:
        """Whether anything lies between."""
        number = bisect_left(self._lasts, low)
        if number == len(self._lasts):
            return False
        places = self._blocks[number].places
        return places[bisect_left(places, low)] < high

    def between(self, low: int, high: int) -> list[Thing]:
        """All that lies between."""
        lasts = self._lasts
        first = bisect_left(lasts, low)
        if first == len(lasts):
            return []
        block = self._blocks[first]
        start = bisect_left(block.places, low)
        if lasts[first] >= high:  # The usual step ends in the block where it began.
            return block.things[start : bisect_left(block.places, high, start)]
        found = block.things[start:]
        for block in self._blocks[first + 1 : bisect_left(lasts, high, first) + 1]:
            found += block.things[: bisect_left(block.places, high)]
        return found

    def parted(self, low: int, high: int) -> list[Thing]:
        """What lies between while its far end does not."""
        lasts = self._lasts
        first = bisect_left(lasts, low)
        found: list[Thing] = []
        for block in self._blocks[first : bisect_left(lasts, high, first) + 1]:
            if block.far_max < high and block.far_min >= low:
                continue
            start = bisect_left(block.places, low)
            end = bisect_left(block.places, high, start)
            if start == end:
                break
            ends = zip(block.things[start:end], block.far_ends[start:end], strict=True)
            hits = [thing for thing, far in ends if far >= high or far < low]
            found += hits
            if not hits and end - start == len(block.places):
                block.measure()
        return found

    def _split(self, number: int) -> None:
        block = self._blocks[number]
        half = len(block.places) // 2
        self._blocks[number : number + 1] = [
            _Block(block.places[:half], block.things[:half], block.far_ends[:half]),
            _Block(block.places[half:], block.things[half:], block.far_ends[half:]),
        ]
        self._lasts[number : number + 1] = [block.places[half - 1], block.places[-1]]
