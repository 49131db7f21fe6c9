"""Adjustments: what a support desk lays over a round trip. Metadata alone; the ledger never knows of it."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

KIND: Final = "trip_adjustment"


class TripFacts(Struct, frozen=True, omit_defaults=True):
    """What can be said of a round trip; instants ns UTC. `result`: win, loss or breakeven."""

    taken_at: int | None = None
    closed_at: int | None = None
    strike: Decimal | None = None
    result: str | None = None


class Adjustment(Struct, frozen=True, omit_defaults=True):
    """What was said of a round trip, None: nothing of that kind; and what it was before.

    `version` counts the changes of this record, reverts included; `is_reverted`: nothing is laid over it now.
    """

    trip_id: int
    said: TripFacts
    original: TripFacts
    updated_at: int
    version: int = 1
    is_reverted: bool = False
