"""A shelf: bounds in the order of their price, to ask which of them a rising price has just passed."""

from bisect import bisect_left, insort
from decimal import Decimal
from typing import Final

from tradehall.domain.money import ZERO

# A block splits when it has more entries. Between the cost of many blocks and that of long ones.
BLOCK_LENGTH_MAX: Final = 512

# Bound; 0 if reaching it passes it, 1 if only exceeding it does; number of the alert; reach.
Entry = tuple[Decimal, int, int, Decimal]


class _Block:
    """A run of neighbouring entries and the farthest reach among them."""

    __slots__ = ("entries", "reach")

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.reach = max(entry[3] for entry in entries)


class Shelf:
    """Sorted entries in blocks, so that adding and removing moves little, and a question skips whole blocks.

    `reach` is a second number of an entry: a channel is entered by a rise past its low end only if its
    high end still lies ahead. Entries are unique; what is removed must be there.
    """

    __slots__ = ("_blocks", "_lasts", "count")

    def __init__(self) -> None:
        self.count = 0
        self._blocks: list[_Block] = []
        self._lasts: list[Entry] = []  # The last entry of each block: where to look for a place.

    def add(self, entry: Entry) -> None:
        """Put an entry in its place."""
        self.count += 1
        if not self._blocks:
            self._blocks.append(_Block([entry]))
            self._lasts.append(entry)
            return
        place = min(bisect_left(self._lasts, entry), len(self._blocks) - 1)
        block = self._blocks[place]
        insort(block.entries, entry)
        block.reach = max(block.reach, entry[3])
        if len(block.entries) > BLOCK_LENGTH_MAX:
            self._split(place)
        else:
            self._lasts[place] = block.entries[-1]

    def remove(self, entry: Entry) -> None:
        """Take an entry away."""
        self.count -= 1
        place = bisect_left(self._lasts, entry)
        block = self._blocks[place]
        at = bisect_left(block.entries, entry)
        assert block.entries[at] == entry, f"no entry {entry} on the shelf"
        del block.entries[at]
        if not block.entries:
            del self._blocks[place], self._lasts[place]
            return
        self._lasts[place] = block.entries[-1]
        # The reach of those that stay is at most what is noted; only a question that looked in vain lowers it.

    def has_passed_any(self, previous: Decimal, current: Decimal) -> bool:
        """Whether any bound lies between `previous` and the higher `current`, whatever its reach."""
        low = (previous, 1, -1, ZERO)
        place = bisect_left(self._lasts, low)
        if place == len(self._blocks):
            return False
        entries = self._blocks[place].entries
        return entries[bisect_left(entries, low)] < (current, 1, -1, ZERO)

    def passed(self, previous: Decimal, current: Decimal, reach: Decimal | None) -> list[int]:
        """Numbers of the alerts whose bound a rise from `previous` to `current` passes.

        Of those, only entries that reach at least as far as `reach` (None: all).
        """
        # No number of an alert is negative: these two stand before all alerts that share their price.
        low, high = (previous, 1, -1, ZERO), (current, 1, -1, ZERO)
        found: list[int] = []
        first = place = bisect_left(self._lasts, low)
        while place < len(self._blocks) and (place == first or self._blocks[place].entries[0] < high):
            block = self._blocks[place]
            place += 1
            if reach is not None and block.reach < reach:
                continue
            start = bisect_left(block.entries, low)
            if block.entries[start] >= high:
                break  # The usual quote passes nothing: one search told so.
            entries = block.entries[start : bisect_left(block.entries, high, start)]
            if reach is None:
                found += [entry[2] for entry in entries]
                continue
            hits = [entry[2] for entry in entries if entry[3] >= reach]
            found += hits
            if not hits and len(entries) == len(block.entries):
                block.reach = max(entry[3] for entry in entries)
        return found

    def _split(self, place: int) -> None:
        entries = self._blocks[place].entries
        half = len(entries) // 2
        self._blocks[place : place + 1] = [_Block(entries[:half]), _Block(entries[half:])]
        self._lasts[place : place + 1] = [entries[half - 1], entries[-1]]
