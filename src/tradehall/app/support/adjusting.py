"""Adjusting trips: other times, another strike, another result, laid over what happened. No money moves by it."""

import asyncio
from typing import Final

from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.identity.book import Book
from tradehall.app.records.adjustments import Adjustment, TripFacts
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.overlays import Overlays, overlay_of
from tradehall.app.support.refusals import SupportCode, SupportRefused, invalid
from tradehall.app.support.trips import SeenTrip, Trips, laid_over
from tradehall.ports.trips import TripStatus

RESULTS: Final = ("win", "loss", "breakeven")
ENTITY: Final = "trade"
_FIXED: Final = frozenset({TripStatus.PENDING, TripStatus.CANCELLED, TripStatus.REJECTED})


class Adjusting:
    """Lays metadata over trips, and takes it away."""

    def __init__(self, desk: Desk, people: Book, trips: Trips, overlays: Overlays, keeper: TripKeeper) -> None:
        self._desk = desk
        self._people = people
        self._trips = trips
        self._overlays = overlays
        self._keeper = keeper
        self._one_at_a_time = asyncio.Lock()

    async def adjust(
        self, domain: str, trip_id: int, said: TripFacts | None, *, by: Actor, expected: int | None = None
    ) -> tuple[SeenTrip, bool]:
        """The trip with `said` laid over it (None: with nothing any more), and whether that changed anything."""
        async with self._one_at_a_time:
            seen = await self._trips.get(domain, trip_id)
            if expected not in (None, seen.version):
                message = f"the trade has version {seen.version}, {expected} was expected"
                raise SupportRefused(SupportCode.VERSION_MISMATCH, message)
            after = self._reverted(seen) if said is None else self._adjusted(seen, said)
            if after is None:
                return seen, False
            user = None if seen.user_id is None else self._people.users.get(seen.user_id)
            before = seen.facts
            facts = laid_over(after.original, TripFacts() if after.is_reverted else after.said)
            line = audit_line(
                by, self._desk.clock.now(), "trade.adjust", (ENTITY, trip_id), user=user, before=before, after=facts
            )
            await self._overlays.keep(after, line)
            await self._keeper.lay_over([overlay_of(after)])
            return self._trips.seen(seen.trip), True

    def _reverted(self, seen: SeenTrip) -> Adjustment | None:
        old = seen.adjustment
        if old is None or old.is_reverted:
            return None
        now = self._desk.clock.now()
        return replace(old, said=TripFacts(), is_reverted=True, updated_at=now, version=old.version + 1)

    def _adjusted(self, seen: SeenTrip, said: TripFacts) -> Adjustment | None:
        self._refuse(seen, said)
        old, now = seen.adjustment, self._desk.clock.now()
        is_on = old is not None and not old.is_reverted
        before = old.said if old is not None and is_on else TripFacts()
        after = laid_over(before, said)
        if is_on and after == before:
            return None
        original = old.original if old is not None and is_on else seen.facts
        return Adjustment(seen.trip.trip_id, after, original, now, 1 if old is None else old.version + 1)

    def _refuse(self, seen: SeenTrip, said: TripFacts) -> None:
        """SupportRefused for what cannot be said of this trip."""
        status = seen.trip.status
        if status in _FIXED:
            raise SupportRefused(SupportCode.TRADE_NOT_ADJUSTABLE, f"a {status} trade has nothing to adjust")
        self._check_times(seen, said)
        if said.strike is not None:
            decimals = self._desk.state.instruments[seen.trip.symbol].tick_size.as_tuple().exponent
            exponent = said.strike.normalize().as_tuple().exponent
            if isinstance(exponent, int) and isinstance(decimals, int) and exponent < decimals:
                raise invalid("strike", f"must have at most {-decimals} decimals")
        if said.result is not None and said.result not in RESULTS:
            raise invalid("result", f"must be one of {', '.join(RESULTS)}")
        if status is TripStatus.OPEN and (said.closed_at, said.result) != (None, None):
            if self._trips.holds(seen.trip):
                message = "the engine still holds a position for this trade"
                raise SupportRefused(SupportCode.TRADE_HAS_OPEN_POSITION, message)
            if None in (said.closed_at, said.result):
                raise invalid("closed_at", "and result must be given together for a trade that has not ended")

    def _check_times(self, seen: SeenTrip, said: TripFacts) -> None:
        now = self._desk.clock.now()
        for field in ("taken_at", "closed_at"):
            at = getattr(said, field)
            if at is not None and at > now:
                raise invalid(field, "lies in the future")
        facts = laid_over(seen.facts, said)
        if facts.taken_at is not None and facts.closed_at is not None and facts.closed_at < facts.taken_at:
            raise invalid("closed_at", "lies before taken_at")
