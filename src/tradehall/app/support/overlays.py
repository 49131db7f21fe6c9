"""Overlays: adjustments of trips, in memory as the record store holds them, and changed there with their audit line."""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from tradehall.app.records.adjustments import KIND, Adjustment
from tradehall.ports.records import AuditLine, RecordChange, RecordStore
from tradehall.ports.trips import Overlay

_decode: Final = msgspec.json.Decoder(Adjustment).decode


class Overlays:
    """Read by everyone; `keep` writes one durably, with the line that tells of it."""

    def __init__(self, records: RecordStore) -> None:
        self._records = records
        self._known = {int(key): _decode(body) for key, body in records.all(KIND).items()}

    def get(self, trip_id: int) -> Adjustment | None:
        """What was ever said of a trip; it may be reverted."""
        return self._known.get(trip_id)

    def of(self, trip_id: int) -> Overlay | None:
        """What is laid over a trip now."""
        found = self._known.get(trip_id)
        return None if found is None else overlay_of(found)

    def all(self) -> Iterable[Overlay]:
        """All of them, for rows that were made anew."""
        return [overlay_of(each) for each in self._known.values()]

    async def keep(self, adjustment: Adjustment, line: AuditLine) -> None:
        """Keep an adjustment. RecordConflict: somebody else changed it meanwhile."""
        key, old = str(adjustment.trip_id), self._known.get(adjustment.trip_id)
        expects = None if old is None else msgspec.json.encode(old)
        change = RecordChange(KIND, key, msgspec.json.encode(adjustment), expects=expects)
        await asyncio.to_thread(self._records.write, [change], line)
        self._known[adjustment.trip_id] = adjustment


def overlay_of(adjustment: Adjustment) -> Overlay:
    """What the rows of trips have to know of it."""
    if adjustment.is_reverted:
        return Overlay(trip_id=adjustment.trip_id)
    said = adjustment.said
    return Overlay(
        trip_id=adjustment.trip_id, taken_at=said.taken_at, closed_at=said.closed_at,
        result=said.result, is_adjusted=True,
    )  # fmt: skip
