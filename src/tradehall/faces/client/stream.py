"""The client's stream: quotes of the symbols that a session asks for, and all that happens to its account."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Struct

from tradehall.app.alerts import AlertNews
from tradehall.app.market import MarketListener
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.principal import Principal
from tradehall.app.records.users import SessionType
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.faces.client.auth import STAFF, bare_token, login_of, principal_of
from tradehall.faces.client.client import Client
from tradehall.faces.client.frames import (
    AccountFrames,
    alert_frame,
    balance_frame,
    notice_frame,
    quote_frame,
)
from tradehall.faces.client.words import Happened
from tradehall.faces.kit import (
    Board,
    Disconnected,
    Frame,
    Outbox,
    Problem,
    Request,
    Response,
    Session,
    Upgrade,
    decode_bytes,
)
from tradehall.faces.kit.first_frame import Speaker
from tradehall.faces.kit.heart import Heart
from tradehall.faces.kit.response import ENCODER

NOT_AUTHORIZED: Final = 4401
IDLE: Final = 4408
TOO_SLOW: Final = 4429
QUEUE_MAX: Final = 5_000
SYMBOLS_MAX: Final = 500
# Balances follow quotes this often at most.
BALANCE_EVERY_S: Final = 0.5


class Said(Struct, frozen=True):
    """What a client may say; `data` is a list of symbols, or an object with a login."""

    event: str = ""
    authorization: str | None = None
    data: Any = None
    active_login: int | None = None
    login: int | None = None


@dataclass(eq=False, slots=True)
class Follower:
    """One open stream, whose account it shows (None: nobody's yet), and its symbols."""

    session: Session
    outbox: Outbox
    principal: Principal
    login: AccountId | None = None
    symbols: dict[str, None] = field(default_factory=dict)


class ClientStream(MarketListener):
    """All open streams of this door. Subscribe it to the market; its channel hears of decisions."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._frames = AccountFrames(client.desk)
        self._channel = client.streams.open(self._frames)
        self._board = Board()
        self._followers: dict[Follower, None] = {}
        self._moved: set[str] = set()
        self._heart = Heart("client-balances", BALANCE_EVERY_S, self.beat)
        self._overflows = client.metrics.counter("tradehall_client_slow_streams_total", "Streams closed as too slow")
        client.alerts.listen(self.on_alert)
        client.identity.room.listen(self)

    # One session.

    @property
    def speaker(self) -> Speaker:
        """This stream on a path that several share: it begins with an authorization."""
        return Speaker(understands=lambda frame: "authorization" in frame, serve=self.serve)

    async def connect(self, request: Request) -> Response:
        """Stream of quotes, balances, tickets, alerts and notices; see docs/faces/client.md."""

        async def run(session: Session) -> None:
            await self.serve(session, aiter(session))

        return Upgrade(run)

    async def serve(self, session: Session, texts: AsyncIterator[str]) -> None:
        """Lead a conversation to its end: who says nothing, or nothing good at first, is hung up on."""
        async with Outbox(session, overflows=self._overflows, max_frames=QUEUE_MAX, close_code=TOO_SLOW) as outbox:
            follower: Follower | None = None
            try:
                async with asyncio.timeout(self._client.options.hello_s) as patience:
                    async for text in texts:
                        if follower is not None:
                            self._hear(follower, text)
                        else:
                            follower = await self._welcome(session, outbox, text)
                            if follower is None:
                                return
                        patience.reschedule(asyncio.get_running_loop().time() + self._client.options.idle_s)
            except TimeoutError:
                code, reason = (IDLE, "idle") if follower else (NOT_AUTHORIZED, "not authorized in time")
                session.hang_up(code, reason)
            finally:
                if follower is not None:
                    self._forget(follower)

    async def _welcome(self, session: Session, outbox: Outbox, text: str) -> Follower | None:
        """The first word has to be an authorization; None, and the session is closed, where it is not good."""
        try:
            token = decode_bytes(text.encode("utf-8", "replace"), Said).authorization or ""
            principal = principal_of(self._client.identity, bare_token(token))
        except Problem:
            await self._send_away(session, "INVALID_TOKEN")
            return None
        if principal.session_type == SessionType.FIX:
            await self._send_away(session, "UNSUPPORTED_SESSION")
            return None
        follower = Follower(session, outbox, principal)
        self._followers[follower] = None
        outbox.post(encoded_object(event="authorization", success=True))
        if principal.session_type not in STAFF:
            self._follow(follower, principal.account_id)
        return follower

    async def _send_away(self, session: Session, error: str) -> None:
        try:
            await session.send([encoded_object(event="authorization", success=False, error=error)])
        except Disconnected:
            return
        await session.close(NOT_AUTHORIZED, error)

    def _follow(self, follower: Follower, login: AccountId) -> None:
        self._unfollow(follower)
        follower.login = login
        self._channel.follow(login, follower.outbox)

    def _forget(self, follower: Follower) -> None:
        self._followers.pop(follower, None)
        self._unfollow(follower)

    def _unfollow(self, follower: Follower) -> None:
        if follower.login is None:
            return
        self._channel.unfollow(follower.login, follower.outbox)
        if follower.login not in self._channel.followers:
            self._frames.told.pop(follower.login, None)

    # What a client says.

    def _hear(self, follower: Follower, text: str) -> None:
        if text == "ping":
            follower.outbox.post(PONG)
            return
        try:
            said = decode_bytes(text.encode("utf-8", "replace"), Said)
        except Problem as problem:
            follower.outbox.post(encoded_object(event="error", success=False, error=_word(problem)))
            return
        if said.event in ("subscribe", "unsubscribe"):
            self._subscribe(follower, said)
        elif said.event == "account.switch":
            self._switch(follower, said)
        elif said.event == "ping":
            follower.outbox.post(PONG)
        else:
            error = encoded_object(event=said.event[:40] or "error", success=False, error="INVALID_DATA")
            follower.outbox.post(error)

    def _subscribe(self, follower: Follower, said: Said) -> None:
        # What is left of a number with a fraction is a text of another type.
        names = [said.data] if type(said.data) is str else said.data
        if not isinstance(names, list) or not all(type(name) is str for name in names):
            follower.outbox.post(encoded_object(event=said.event, success=False, error="INVALID_DATA"))
            return
        taken: dict[str, None] = {}
        rejected: list[str] = []
        for name in names[:SYMBOLS_MAX]:
            symbol = resolve_symbol(name, self._client.instruments)
            is_full = said.event == "subscribe" and len(follower.symbols | taken) >= SYMBOLS_MAX
            if symbol is None or (is_full and symbol not in follower.symbols):
                rejected.append(name)
            else:
                taken[symbol] = None
        rejected += names[SYMBOLS_MAX:]
        follower.outbox.post(encoded_object(event=said.event, success=True, data=list(taken), rejected=rejected))
        if said.event == "subscribe":
            self._start_quotes(follower, taken)
        else:
            self._board.unfollow(follower.outbox, taken)
            for symbol in taken:
                follower.symbols.pop(symbol, None)

    def _start_quotes(self, follower: Follower, symbols: dict[str, None]) -> None:
        follower.symbols |= symbols
        self._board.follow(follower.outbox, symbols)
        for symbol in symbols:
            quote = self._client.market.quotes.get(symbol)
            if quote is not None:
                follower.outbox.post(quote_frame(quote))

    def _switch(self, follower: Follower, said: Said) -> None:
        """Staff look at another account of their tenant."""
        within = said.data if isinstance(said.data, dict) else {}
        asked = said.active_login or said.login or within.get("active_login")
        principal = follower.principal
        try:
            if principal.session_type not in STAFF or not isinstance(asked, int):
                error = "PERMISSION_DENIED" if principal.session_type not in STAFF else "INVALID_LOGIN"
                follower.outbox.post(encoded_object(event=said.event, success=False, error=error))
                return
            login = login_of(self._client.identity, principal, asked)
        except Problem as problem:
            follower.outbox.post(encoded_object(event=said.event, success=False, error=_word(problem)))
            return
        self._follow(follower, login)
        follower.outbox.post(encoded_object(event=said.event, success=True, active_login=login))

    # What happens.

    def on_quote(self, quote: Quote) -> None:
        """Put a quote on the board: encoded once, sent to each session when it has room."""
        if not self._followers:
            return
        self._moved.add(quote.symbol)
        if self._board.is_followed(quote.symbol):
            self._board.publish(quote.symbol, quote_frame(quote))

    def on_alert(self, news: AlertNews) -> None:
        """An alert fired, or its time was over; it is durable."""
        login = news.alert.login
        if login not in self._channel.followers:
            return
        if news.notification is None:
            self._channel.post(login, [alert_frame(news.alert, Happened.ARCHIVE)])
        else:
            frames = [alert_frame(news.alert, Happened.ACTIVATE), notice_frame(news.notification)]
            self._channel.post(login, frames)

    def on_revoked(self, ids: frozenset[str]) -> None:
        """Sessions are over: so are their streams."""
        for follower in tuple(self._followers):
            if follower.principal.key_id in ids:
                follower.session.hang_up(NOT_AUTHORIZED, "the session is over")

    # Balances that follow quotes.

    async def start(self) -> None:
        """Begin to tell balances; needs a running loop."""
        self._heart.start()

    async def stop(self) -> None:
        """Tell no more."""
        self._heart.stop()

    async def beat(self) -> None:
        """Tell the balance of those whose positions' quotes have moved; end streams whose session is over."""
        self._end_expired()
        moved, self._moved = self._moved, set()
        told: list[tuple[AccountId, int, Frame]] = []
        for login in tuple(self._channel.followers):
            account = self._client.desk.state.accounts.get(login)
            if account is None or not any(position.symbol in moved for position in account.positions.values()):
                continue
            frame = balance_frame(self._client.desk, login)
            assert frame is not None, "the account was found just now"
            told.append((login, self._frames.told.get(login, 0), frame))
        if not told:
            return
        try:
            await self._client.desk.durable()
        except ShardUnavailable:
            return  # What was read is gone again; the next quotes bring another.
        for login, count, frame in told:
            # Where a decision has told a newer balance meanwhile, this one is out of date.
            if self._frames.told.get(login, 0) == count:
                self._channel.post(login, [frame])

    def _end_expired(self) -> None:
        now = self._client.desk.clock.now()
        for follower in tuple(self._followers):
            if not self._client.identity.sessions.is_live(follower.principal, now):
                follower.session.hang_up(NOT_AUTHORIZED, "the session is over")


def encoded_object(**members: object) -> Frame:
    """An answer to what a client said."""
    return Frame(ENCODER.encode(members))


def _word(problem: Problem) -> str:
    return problem.code or "INVALID_DATA"


PONG: Final = Frame(b"pong")
