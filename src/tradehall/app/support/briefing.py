"""What the fold has to know and the journal does not tell: as the house has it, and as it tells a bookkeeper."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from tradehall.app.desk import Desk
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.stamp_queue import StampQueue
from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.engine.state import State
from tradehall.ports.bookkeeping import BookkeepingTask, KnownAccount
from tradehall.ports.trips import Overlay

UNKNOWN_CURRENCY: Final = "USD"

K = TypeVar("K")
V = TypeVar("V")


class InTheHouse:
    """See Surroundings: whatever it is, the desk has it."""

    def __init__(self, desk: Desk, overlays: Overlays) -> None:
        self._desk = desk
        self.quote_of = desk.quotes.get
        self.overlay_of = overlays.of

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """By symbol."""
        return self._desk.state.instruments

    @property
    def hedging(self) -> Iterable[AccountId]:
        """Hedging accounts."""
        return [number for number, each in _accounts(self._desk.state).items() if each.is_hedging]

    def currency_of(self, account_id: AccountId) -> str:
        """An account's."""
        account = self._desk.state.accounts.get(account_id)
        return UNKNOWN_CURRENCY if account is None else account.terms.currency


class Briefing:
    """Tasks for one bookkeeper: each tells him what has become new since the one before, the first one everything."""

    def __init__(self, desk: Desk, overlays: Overlays, stamps: StampQueue) -> None:
        self._desk = desk
        self._stamps = stamps
        self._overlays: Sequence[Overlay] = [*overlays.all()]
        self._quotes: dict[str, Quote] = {}
        self._instruments: dict[str, Instrument] = {}
        self._accounts: dict[AccountId, KnownAccount] = {}
        # A house opens accounts now and then, and makes its state anew when the journal refuses it.
        self._seen: tuple[State | None, int] = (None, 0)

    def task(self, until: int, overlays: Iterable[Overlay]) -> BookkeepingTask:
        """Go on to record `until`; `overlays` were laid over trips just now."""
        state = self._desk.state
        before, self._seen = self._seen, (state, len(state.accounts))
        is_as_before = before[0] is state and before[1] == len(state.accounts)
        laid, self._overlays = [*self._overlays, *overlays], ()
        return BookkeepingTask(
            until=until,
            stamps=self._stamps.hand_over(until),
            quotes=_others(self._desk.quotes, self._quotes),
            instruments=_others(state.instruments, self._instruments),
            accounts=() if is_as_before else _others(_accounts(state), self._accounts),
            overlays=laid,
        )


class Briefed:
    """See Surroundings: whatever it is, the house has told it."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.hedging: set[AccountId] = set()
        self._currencies: dict[AccountId, str] = {}
        self._quotes: dict[str, Quote] = {}
        self._overlays: dict[int, Overlay] = {}

    def hear(self, task: BookkeepingTask) -> None:
        """Know what it tells."""
        self.instruments |= {each.symbol: each for each in task.instruments}
        self.hedging -= {each.account_id for each in task.accounts if not each.is_hedging}
        self.hedging |= {each.account_id for each in task.accounts if each.is_hedging}
        self._currencies |= {each.account_id: each.currency for each in task.accounts}
        self._quotes |= {each.symbol: each for each in task.quotes}
        self._overlays |= {each.trip_id: each for each in task.overlays}

    def currency_of(self, account_id: AccountId) -> str:
        """An account's."""
        return self._currencies.get(account_id, UNKNOWN_CURRENCY)

    def quote_of(self, symbol: str) -> Quote | None:
        """The latest it was told."""
        return self._quotes.get(symbol)

    def overlay_of(self, trip_id: int) -> Overlay | None:
        """What is laid over a trip now."""
        return self._overlays.get(trip_id)


def _accounts(state: State) -> dict[AccountId, KnownAccount]:
    return {
        number: KnownAccount(number, account.terms.currency, account.terms.position_mode is PositionMode.HEDGING)
        for number, account in state.accounts.items()
    }


def _others(now: Mapping[K, V], told: dict[K, V]) -> list[V]:
    """Those that are not what was told of them last; it is told now."""
    news = {key: each for key, each in now.items() if (old := told.get(key)) is not each and old != each}
    told |= news
    return [*news.values()]
