"""What accounts were worth lately, and what the day has brought them so far."""

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from tradehall.app.audit_lines import FUNDS
from tradehall.app.desk import Desk
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.time import NS_PER_DAY
from tradehall.engine.events import BalanceChanged
from tradehall.engine.record import Record
from tradehall.engine.valuation import value_account
from tradehall.ports.deals import DealQuery
from tradehall.ports.equity import EquityStore, Worth
from tradehall.ports.records import RecordsFault
from tradehall.ports.views import HistoryQuery

SAMPLE_EVERY_S: Final = 15.0
SAMPLES_PER_KEEPING: Final = 4  # The newest is kept over restarts: one a minute.
SAMPLES_MAX: Final = 5_760  # Of one account: a day, in 92 KB.
ACCOUNTS_MAX: Final = 500  # Beyond it those that were sampled first are forgotten.
ACCOUNTS_PER_STEP: Final = 50
LEDGER_POINTS_MAX: Final = 1_000
FUNDS_PER_DAY_MAX: Final = 1_000


_log: Final = logging.getLogger("tradehall.equity")


class Samples:
    """The last SAMPLES_MAX of one account, oldest first, in 16 bytes each; as objects a day of all took 300 MB."""

    def __init__(self) -> None:
        self._at = array("q")
        self._equity = array("d")

    def append(self, worth: Worth) -> None:
        """The newest; the oldest goes where there is no room."""
        if len(self._at) >= SAMPLES_MAX:
            del self._at[0], self._equity[0]
        self._at.append(worth.at)
        self._equity.append(worth.equity)

    @property
    def last(self) -> Worth:
        """The newest; IndexError where there is none."""
        return Worth(self._at[-1], self._equity[-1])

    def __iter__(self) -> Iterator[Worth]:
        return map(Worth, self._at, self._equity)


class EquityHistory:
    """Samples of what accounts are worth: all since the start of the server, those that were kept of the time before,
    and balances before these.

    A decision listener: movements of funds are no profit of the day.
    """

    hears: Final = frozenset({BalanceChanged})

    def __init__(self, desk: Desk, store: EquityStore) -> None:
        self._desk = desk
        self._store = store
        self._kept_until = 0
        self._samples: OrderedDict[AccountId, Samples] = OrderedDict()
        # By account: the day, and what its equity would be had nothing happened since the day began.
        self._baselines: dict[AccountId, tuple[int, float]] = {}

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            for _ in range(SAMPLES_PER_KEEPING):
                await self.sample()
                await asyncio.sleep(SAMPLE_EVERY_S)
            await self.keep()

    async def sample(self) -> None:
        """Note what every account is worth that is worth something else than before."""
        for number, account in enumerate(list(self._desk.state.accounts.values())):
            self._sample(account)
            if number % ACCOUNTS_PER_STEP == 0:
                await asyncio.sleep(0)

    async def keep(self) -> None:
        """Put the newest samples, if they are new, where a restart finds them."""
        newest = {login: line.last for login, line in self._samples.items() if line.last.at > self._kept_until}
        if not newest:
            return
        try:
            await asyncio.to_thread(self._store.keep, newest)
        except RecordsFault as fault:
            _log.warning("samples of equity could not be kept, trying again: %s", fault)
            return
        self._kept_until = max(each.at for each in newest.values())

    def _sample(self, account: Account) -> None:
        login = account.terms.account_id
        line = self._samples.get(login)
        worth = self.equity(account)
        if line is None:
            line = self._samples[login] = Samples()
            if len(self._samples) > ACCOUNTS_MAX:
                self._samples.popitem(last=False)
        elif line.last.equity == worth:
            return
        line.append(Worth(self._desk.clock.now(), worth))

    async def points(self, login: AccountId, since: int | None) -> list[Worth]:
        """What is known, oldest first: balances before the first sample, then samples; a bounded number.

        RecordsFault where what was kept cannot be read.
        """
        kept = await asyncio.to_thread(self._store.points, login)
        samples = list(self._samples.get(login, ()))
        samples = [*(each for each in kept if not samples or each.at < samples[0].at), *samples]
        until = samples[0].at if samples else None
        query = HistoryQuery(login, since=since, until=until, limit=LEDGER_POINTS_MAX)
        entries = await self._desk.views.ledger(query)
        before = [Worth(entry.at, float(entry.balance)) for entry in reversed(entries)]
        return [*before, *(each for each in samples if since is None or each.at >= since)]

    def equity(self, account: Account) -> float:
        """What an account is worth now."""
        return float(value_account(self._desk.state, account, self._desk.quotes.get).equity)

    # The day.

    async def day_pnl(self, account: Account) -> float:
        """What the day, UTC, has brought so far, booked or not, without movements of funds [account currency].

        What was open and not booked when the day began counts to the day.
        """
        login, today = account.terms.account_id, self._desk.clock.now() // NS_PER_DAY
        known = self._baselines.get(login)
        if known is None or known[0] != today:
            self._baselines[login] = known = (today, await self._baseline(login, today * NS_PER_DAY))
        return self.equity(account) - known[1]

    def known_day_pnl(self, account: Account) -> float:
        """The same, 0 where nobody asked for it today yet: for those who cannot wait."""
        known = self._baselines.get(account.terms.account_id)
        today = self._desk.clock.now() // NS_PER_DAY
        return 0.0 if known is None or known[0] != today else self.equity(account) - known[1]

    async def _baseline(self, login: AccountId, midnight: int) -> float:
        await self._desk.settled()
        views = self._desk.views
        entries = await views.ledger(HistoryQuery(login, until=midnight, limit=1))
        balance = entries[0].balance if entries else ZERO
        deals, _ = await views.deals(DealQuery(login, is_funds=True, since=midnight, limit=FUNDS_PER_DAY_MAX))
        return float(sum((deal.profit for deal in deals), balance))

    def capture(self, record: Record) -> list[tuple[AccountId, float]] | None:
        """Funds that moved."""
        moved = [
            (event.account_id, float(event.amount))
            for event in record.events
            if type(event) is BalanceChanged and event.entry in FUNDS
        ]
        return moved or None

    def release(self, payload: list[tuple[AccountId, float]]) -> None:
        """They are no profit."""
        for login, amount in payload:
            if login in self._baselines:
                day, baseline = self._baselines[login]
                self._baselines[login] = (day, baseline + amount)
