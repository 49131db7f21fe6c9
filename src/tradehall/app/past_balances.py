"""Past balances: what an account held at an instant that is over. It never changes, so it is read once."""

from typing import Final

from tradehall.app.desk import Desk
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.ports.views import HistoryQuery

KEPT_MAX: Final = 100_000


class PastBalances:
    """Balances by account and instant; the first kept go when there are too many."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[tuple[AccountId, int], float] = {}

    async def before(self, login: AccountId, at: int) -> float:
        """The balance [account currency] just before `at` [ns UTC], which is past; 0 before the first entry.

        What was booked until then has to be durable: call after `desk.settled`.
        """
        key = (login, at)
        if key not in self._known:
            entries = await self._desk.views.ledger(HistoryQuery(login, until=at, limit=1))
            self._known[key] = float(entries[0].balance) if entries else float(ZERO)
            if len(self._known) > KEPT_MAX:
                del self._known[next(iter(self._known))]
        return self._known[key]
