"""The dashboard's stream: everything that happens in the house, to whoever watches it.

Each connection counts its own frames; a gap means that rows have to be read again. Decisions are never left out: a
client that falls too far behind is hung up on. Quotes and accounts are, in favour of newer ones.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct

from tradehall.app.audience import NOTHING, Hearing
from tradehall.app.market import MarketListener
from tradehall.app.principal import Principal
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.time import to_rfc3339
from tradehall.engine.record import Record
from tradehall.faces.dashboard.auth import admitted
from tradehall.faces.dashboard.dashboard import Dashboard, unavailable
from tradehall.faces.dashboard.frames import DecisionFrames, Piece, accounts_in, encode
from tradehall.faces.dashboard.rows import to_account, to_audit_row, to_quote, to_signal
from tradehall.faces.kit import (
    Disconnected,
    Frame,
    Outbox,
    Problem,
    Request,
    Response,
    Session,
    Upgrade,
)
from tradehall.faces.kit.decoding import heard
from tradehall.faces.kit.heart import Heart
from tradehall.ports.audit import AuditEntry
from tradehall.ports.deployments import SignalQuery

TOPICS: Final = ("order", "fill", "position", "account", "budget", "signal", "audit", "quote")
FOLLOWERS_MAX: Final = 1_000
SYMBOLS_MAX: Final = 500
AUTH_WITHIN_S: Final = 30.0
NO_AUTH: Final = 4401
# Quotes go out this often at most, accounts and signals every so many rounds.
ROUND_S: Final = 0.05
ROUNDS_PER_PULSE: Final = 10
# Beyond so many frames that wait, what may be left out is.
WAITING_MAX: Final = 200
ACCOUNTS_PER_PULSE: Final = 200
SIGNALS_PER_PULSE: Final = 100


class Said(Struct, frozen=True):
    """A frame of a client's; what it does not need for its type is ignored."""

    type: str
    token: str = ""
    topics: list[str] | None = None
    symbols: list[str] | None = None
    strategy_id: str | None = None


@dataclass(slots=True, eq=False)
class Follower:
    """One open stream."""

    session: Session
    outbox: Outbox
    topics: frozenset[str] = frozenset()
    symbols: frozenset[str] | None = None
    strategy_id: str | None = None
    seq: int = 0
    quotes: dict[str, None] = field(default_factory=dict)

    def say(self, **fields: Any) -> None:
        """A frame that is no news: it is not counted."""
        self.outbox.post(Frame(encode(fields)))

    def tell(self, topic: str, ts: str, row: bytes) -> None:
        """News."""
        self.seq += 1
        head = f'{{"type":"{topic}","seq":{self.seq},"ts":"{ts}","data":'.encode()
        self.outbox.post(Frame(head + row + b"}"))

    def wants(self, piece: Piece) -> bool:
        """Whether it asked for that."""
        return piece.topic in self.topics and self.strategy_id in {None, piece.strategy_id}


class DashboardStream(MarketListener):
    """All open streams of this door. Subscribe it to the market, let it hear of decisions and of the audit trail."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.hears: Final = Hearing(NOTHING)
        self._dashboard = dashboard
        self._frames = DecisionFrames(dashboard)
        self._followers: dict[Follower, None] = {}
        self._rounds = 0
        self._heart = Heart("dashboard-rounds", ROUND_S, self._go_round)
        self._changed: dict[AccountId, None] = {}
        self._accounts: dict[AccountId, bytes] = {}
        self._next_account = 0
        self._last_signal: int | None = None

    # One connection.

    async def connect(self, request: Request) -> Response:
        """What happens in the house; in token mode the first frame authenticates. See docs/faces/dashboard.md."""
        if self._dashboard.is_stopping:
            raise unavailable("the server is shutting down")
        if len(self._followers) >= FOLLOWERS_MAX:
            raise unavailable(f"{FOLLOWERS_MAX} streams are open")
        return Upgrade(self._serve)

    async def _serve(self, session: Session) -> None:
        texts = aiter(session)
        if not self._dashboard.settings.is_open:
            if not await self._authenticated(session, texts):
                return
        else:
            session.request.principal = self._admit("", session)
        outbox = Outbox(session)
        follower = Follower(session, outbox)
        async with outbox:
            self._followers[follower] = None
            self.hears.change(None)
            try:
                async for text in texts:
                    self._hear(text, follower)
            finally:
                self._let_go(follower)

    def _let_go(self, follower: Follower) -> None:
        self._followers.pop(follower, None)
        if not self._followers:
            self.hears.change(NOTHING)

    async def _authenticated(self, session: Session, texts: Any) -> bool:
        """Whether the first frame proved who it is, in time."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(AUTH_WITHIN_S, session.hang_up, NO_AUTH, "no authentication came")
        try:
            with contextlib.suppress(Disconnected):
                async for text in texts:
                    said = heard(text, Said)
                    if said is not None and said.type == "auth":
                        return await self._proved(session, said.token)
                    await self._refuse(session, "Not authenticated")
            return False
        finally:
            timer.cancel()

    async def _proved(self, session: Session, token: str) -> bool:
        try:
            session.request.principal = self._admit(token, session)
        except Problem as problem:
            await self._refuse(session, problem.message)
            return False
        await session.send([Frame(encode({"type": "authenticated"}))])
        return True

    async def _refuse(self, session: Session, message: str) -> None:
        await session.send([Frame(encode({"type": "error", "detail": message}))])
        await session.close(NO_AUTH, message)

    def _admit(self, token: str, session: Session) -> Principal:
        address, is_open = session.request.host, self._dashboard.settings.is_open
        return admitted(self._dashboard.access, token, address, is_open=is_open)

    # What clients say.

    def _hear(self, text: str, follower: Follower) -> None:
        said = heard(text, Said)
        hear = None if said is None else _HEARD.get(said.type)
        if said is None:
            follower.say(type="error", detail="Malformed message: a JSON object with a type is expected")
        elif hear is None:
            follower.say(type="error", detail=f"Unknown message type: {said.type[:40]}")
        else:
            hear(self, said, follower)

    def _hear_ping(self, said: Said, follower: Follower) -> None:
        follower.say(type="pong")

    def _hear_auth(self, said: Said, follower: Follower) -> None:
        """A token that is presented counts, in open mode too."""
        try:
            follower.session.request.principal = self._admit(said.token, follower.session)
        except Problem as problem:
            follower.session.hang_up(NO_AUTH, problem.message)
        else:
            follower.say(type="authenticated")

    def _hear_subscribe(self, said: Said, follower: Follower) -> None:
        unknown = [topic for topic in said.topics or () if topic not in TOPICS]
        if unknown:
            follower.say(type="error", detail=f"Unknown topic: {unknown[0][:40]}; there are {', '.join(TOPICS)}")
            return
        if said.topics is not None:
            follower.topics = frozenset(said.topics)
        follower.strategy_id = None if said.strategy_id is None else said.strategy_id.lower()
        if said.symbols is not None:
            follower.symbols = self._symbols(said.symbols)
        follower.quotes.clear()
        follower.say(type="subscribed", topics=[topic for topic in TOPICS if topic in follower.topics])
        if "quote" in follower.topics:
            wanted = self._dashboard.market.quotes if follower.symbols is None else follower.symbols
            follower.quotes.update(
                dict.fromkeys(symbol for symbol in wanted if symbol in self._dashboard.market.quotes)
            )

    def _symbols(self, texts: list[str]) -> frozenset[str]:
        found = (resolve_symbol(text[:64], self._dashboard.instruments) for text in texts[:SYMBOLS_MAX])
        return frozenset(symbol for symbol in found if symbol is not None)

    # News of the house.

    def capture(self, record: Record) -> tuple[list[Piece], set[AccountId]] | None:
        """Rows of a decision, made while the state is exactly what it left; None if nobody watches."""
        return self._frames.of(record), accounts_in(record)

    def release(self, payload: tuple[list[Piece], set[AccountId]]) -> None:
        """The decision is durable: tell."""
        pieces, accounts = payload
        for follower in tuple(self._followers):
            for piece in pieces:
                if follower.wants(piece):
                    follower.tell(piece.topic, piece.ts, piece.row)
        self._changed.update(dict.fromkeys(accounts))

    def on_audit(self, entries: Sequence[AuditEntry]) -> None:
        """New entries of the audit trail."""
        if not self._followers:
            return
        for entry in entries:
            whose = entry.line.key.partition(":")[0] if entry.line.kind in {"strategy", "budget"} else None
            self._tell(Piece("audit", whose, to_rfc3339(entry.line.at), encode(to_audit_row(entry))))

    def on_quote(self, quote: Quote) -> None:
        """A quote is told in the next round, or a newer one."""
        for follower in self._followers:
            if "quote" in follower.topics and (follower.symbols is None or quote.symbol in follower.symbols):
                follower.quotes[quote.symbol] = None

    def _tell(self, piece: Piece) -> None:
        for follower in tuple(self._followers):
            if follower.wants(piece):
                follower.tell(piece.topic, piece.ts, piece.row)

    # Rounds.

    async def start(self) -> None:
        """Begin the rounds; needs a running loop."""
        self._dashboard.trail.hear(self.on_audit)
        self._heart.start()

    async def stop(self) -> None:
        """No longer."""
        self._heart.stop()

    def say_goodbye(self) -> None:
        """Take no more requests; the kit closes the sockets when all is durable."""
        self._dashboard.is_stopping = True

    def _go_round(self) -> None:
        self._rounds += 1
        self.tell_quotes()
        if self._rounds % ROUNDS_PER_PULSE == 0:
            self.pulse()

    def tell_quotes(self) -> None:
        """The newest quotes, each encoded once, to all who have room."""
        rows: dict[str, tuple[str, bytes]] = {}
        for follower in tuple(self._followers):
            if not follower.quotes or follower.outbox.waiting > WAITING_MAX:
                continue
            for symbol in follower.quotes:
                if symbol not in rows:
                    quote = self._dashboard.market.quotes[symbol]
                    rows[symbol] = (to_rfc3339(quote.received_at), encode(to_quote(quote)))
                follower.tell("quote", *rows[symbol])
            follower.quotes.clear()

    def pulse(self) -> None:
        """What accounts are worth now, where that changed, and signals of strategies."""
        if any("account" in follower.topics for follower in self._followers):
            self._tell_accounts()
        else:
            self._changed.clear()
        if any("signal" in follower.topics for follower in self._followers):
            self._tell_signals()

    def _tell_accounts(self) -> None:
        state, ts = self._dashboard.desk.state, to_rfc3339(self._dashboard.desk.clock.now())
        for login in self._due_accounts():
            account = state.accounts.get(login)
            if account is None:
                continue
            day_pnl = self._dashboard.equity.known_day_pnl(account)
            row = encode(to_account(state, account, self._dashboard.desk.quotes, day_pnl))
            if self._accounts.get(login) == row:
                continue
            self._accounts[login] = row
            for follower in tuple(self._followers):
                if "account" in follower.topics and follower.outbox.waiting <= WAITING_MAX:
                    follower.tell("account", ts, row)

    def _due_accounts(self) -> list[AccountId]:
        """Those that something happened to, and in turns those whose positions the market moves."""
        changed, self._changed = list(self._changed), {}
        open_ones = [login for login, account in self._dashboard.desk.state.accounts.items() if account.positions]
        if len(open_ones) > ACCOUNTS_PER_PULSE:
            start = self._next_account % len(open_ones)
            self._next_account += ACCOUNTS_PER_PULSE
            open_ones = (open_ones + open_ones)[start : start + ACCOUNTS_PER_PULSE]
        return list(dict.fromkeys(changed[:ACCOUNTS_PER_PULSE] + open_ones))

    def _tell_signals(self) -> None:
        signals, _ = self._dashboard.signals.signals(SignalQuery(limit=SIGNALS_PER_PULSE))
        newest = max((signal.signal_id for signal in signals), default=0)
        last, self._last_signal = self._last_signal, newest
        for signal in reversed(signals):
            if last is not None and signal.signal_id > last:
                row = to_signal(signal, self._dashboard.instruments, self._dashboard.name_of)
                self._tell(Piece("signal", signal.keygen, to_rfc3339(signal.at), encode(row)))


_HEARD: Final[dict[str, Callable[[DashboardStream, Said, Follower], None]]] = {
    "auth": DashboardStream._hear_auth,
    "ping": DashboardStream._hear_ping,
    "subscribe": DashboardStream._hear_subscribe,
}
