"""What accounts were worth, kept over restarts: each minute of about a day, each hour of about two months."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from tradehall.domain.ids import AccountId

MINUTES_KEPT: Final = 1_440
HOURS_KEPT: Final = 1_440
ACCOUNTS_KEPT_MAX: Final = 1_000


class Worth(Struct, frozen=True, gc=False):
    """Equity [account currency] at `at` [ns UTC]."""

    at: int
    equity: float


class EquityStore(Protocol):
    """Synchronous and short; RecordsFault when the store fails."""

    def keep(self, points: Mapping[AccountId, Worth]) -> None:
        """Keep a point of each account: as that of its minute and, the first of an hour, as that of its hour.

        They take the places of those MINUTES_KEPT and HOURS_KEPT before. Accounts beyond ACCOUNTS_KEPT_MAX are
        forgotten, first those whose last point is the oldest.
        """
        ...

    def points(self, account_id: AccountId) -> Sequence[Worth]:
        """All that is kept of an account, oldest first."""
        ...
