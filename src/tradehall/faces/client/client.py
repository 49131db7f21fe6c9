"""What the client door's handlers work with, and the few steps that several of them share."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tradehall.app.alerts import Alerts
from tradehall.app.asset_info import AssetInfo
from tradehall.app.desk import Desk
from tradehall.app.identity.identity import Identity
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.past_balances import PastBalances
from tradehall.app.principal import Principal
from tradehall.app.records.scripts import Scripts
from tradehall.app.records.settings import Settings
from tradehall.app.records.watchlists import Watchlists
from tradehall.app.streams import AccountStreams
from tradehall.domain.account import Account
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.engine.commands import AnyCommand
from tradehall.faces.client.auth import login_of
from tradehall.faces.client.errors import ClientProblem, symbol_not_found
from tradehall.faces.client.replays import Replays
from tradehall.faces.kit import Limit, Metrics, Problem, ProblemKind, Request
from tradehall.ports.answers import AnswerStore

READS: Final = "read"
WRITES: Final = "write"
LIMITS: Final = {READS: Limit(per_second=30, burst=30), WRITES: Limit(per_second=10, burst=10)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What can be set about this door.

    `deviation_max`: how far a market may be from the `open_price` that a caller expects, as a share of it.
    `hello_s`, `idle_s`: how long a stream may wait for its authorization, and for any word after it.
    """

    deviation_max: Decimal = Decimal("0.005")
    hello_s: float = 10.0
    idle_s: float = 60.0


@dataclass(slots=True, kw_only=True)
class Client:
    """The rooms behind the door."""

    desk: Desk
    market: MarketBoard
    identity: Identity
    alerts: Alerts
    scripts: Scripts
    settings: Settings
    watchlists: Watchlists
    assets: AssetInfo
    streams: AccountStreams
    metrics: Metrics
    answers: AnswerStore
    options: ClientSettings = field(default_factory=ClientSettings)
    is_stopping: bool = False
    replays: Replays = field(init=False)
    past_balances: PastBalances = field(init=False)

    def __post_init__(self) -> None:
        self.replays = Replays(self.answers)
        self.past_balances = PastBalances(self.desk)

    @property
    def instruments(self) -> dict[str, Instrument]:
        """All that is listed, by symbol."""
        return self.desk.state.instruments

    def login(self, request: Request, asked: int | None) -> AccountId:
        """The account the request is about; 403 for somebody else's, 400 where staff name none."""
        principal: Principal = request.principal
        return login_of(self.identity, principal, asked)

    def account(self, request: Request, asked: int | None) -> Account:
        """That account as it stands."""
        return self.account_of(self.login(request, asked))

    def account_of(self, login: AccountId) -> Account:
        """An account that somebody may act for, as it stands."""
        account = self.desk.state.accounts.get(login)
        if account is None:
            raise ClientProblem("INVALID_USER", f"account {login} is not open")
        return account

    def actor(self, request: Request) -> str:
        """Who writes a record, for its audit line."""
        principal: Principal = request.principal
        return f"login {principal.account_id}"

    def instrument(self, symbol: str) -> Instrument:
        """The instrument that a spelling means; 404 for none."""
        found = resolve_symbol(symbol, self.instruments)
        if found is None:
            raise symbol_not_found(symbol)
        return self.instruments[found]

    async def submit(self, command: AnyCommand) -> Outcome:
        """Put a wish to the desk; 503 when nothing is taken any more."""
        if self.is_stopping:
            raise unavailable("the server is shutting down")
        try:
            return await self.desk.submit(command)
        except ShardUnavailable as shut:
            raise unavailable(shut.reason) from None

    async def durable(self, account_id: AccountId) -> None:
        """What was read of the account is durable from here on; 503 if it cannot be."""
        try:
            await self.desk.durable(account_id)
        except ShardUnavailable as shut:
            raise unavailable(shut.reason) from None

    async def settled(self, account_id: AccountId) -> None:
        """The same, and the views hold what came of it."""
        try:
            await self.desk.settled(account_id)
        except ShardUnavailable as shut:
            raise unavailable(shut.reason) from None


def unavailable(reason: str) -> Problem:
    """The refusal of a door that cannot work now."""
    return Problem(ProblemKind.UNAVAILABLE, f"nothing can be made durable now: {reason}")
