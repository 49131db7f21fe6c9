"""The terminal's stream: ticks of subscribed symbols, and what happens to the key's account by channel."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from tradehall.app.market import MarketListener
from tradehall.app.principal import AccessDenied, Principal
from tradehall.app.staleness import DataStaleness
from tradehall.app.streams import Channel
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MS
from tradehall.faces.kit import (
    Board,
    Disconnected,
    Frame,
    Outbox,
    Request,
    Response,
    Session,
    Speaker,
    Upgrade,
)
from tradehall.faces.kit.decoding import heard
from tradehall.faces.kit.heart import Heart
from tradehall.faces.kit.websocket import TRY_AGAIN_LATER
from tradehall.faces.terminal.auth import READ, TRADE
from tradehall.faces.terminal.frames import (
    AuthFrame,
    ErrorFrame,
    ListFrame,
    NotificationFrames,
    OrderFrames,
    PongFrame,
    PositionFrames,
    SubscribedFrame,
    TickFrame,
    UnsubscribedFrame,
    encoded,
    notification,
)
from tradehall.faces.terminal.pulse import AccountPulse
from tradehall.faces.terminal.terminal import Terminal
from tradehall.faces.terminal.translate import number

SYMBOLS_MAX: Final = 200
CONNECTIONS_PER_KEY_MAX: Final = 10
STRANGERS_MAX: Final = 1_000

NO_AUTH: Final = 4401
KEY_REFUSED: Final = 4403
TOO_MANY: Final = 4429

# What a key must be good for to follow a channel.
CHANNELS: Final = {
    "positions": frozenset({READ}),
    "orders": frozenset({READ, TRADE}),
    "account": frozenset({READ}),
    "notifications": frozenset({READ}),
}
EXPIRY_LOOK_S: Final = 1.0


class Said(Struct, frozen=True):
    """A frame of a client's; what it does not need for its type is ignored."""

    type: str
    apiKey: str | None = None
    symbol: str | None = None
    symbols: list[str] | None = None
    channels: list[str] | None = None


@dataclass(slots=True, eq=False)
class Follower:
    """One stream that has been authenticated."""

    principal: Principal
    session: Session
    outbox: Outbox
    symbols: dict[str, None] = field(default_factory=dict)
    channels: dict[str, None] = field(default_factory=dict)

    def say(self, frame: Struct) -> None:
        """Send a frame after all earlier ones."""
        self.outbox.post(encoded(frame))


class TerminalStream(MarketListener):
    """All open streams of this door. Subscribe it to the market, and let it hear of revocations."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._ticks = Board()
        self._worths = Board()
        self._pulse = AccountPulse(terminal.desk, self._tell_worth)
        streams = terminal.streams
        self._channels: dict[str, Channel[Frame]] = {
            "orders": streams.open(OrderFrames(terminal.desk)),
            "positions": streams.open(PositionFrames(terminal.desk)),
            "account": streams.open(self._pulse),
            "notifications": streams.open(NotificationFrames(terminal.desk)),
        }
        self._followers: dict[Follower, None] = {}
        self._strangers = 0
        self._was_connected = True
        self._heart = Heart("terminal-keys", EXPIRY_LOOK_S, self.look)
        self.speaker = Speaker(lambda frame: frame.get("type") == "auth", self.serve)

    # One connection.

    async def connect(self, request: Request) -> Response:
        """Ticks and account events; the first frame authenticates. See docs/faces/terminal.md."""
        if self._terminal.is_stopping:
            raise self._terminal.unavailable(None)
        return Upgrade(self._serve_all)

    async def _serve_all(self, session: Session) -> None:
        await self.serve(session, aiter(session))

    async def serve(self, session: Session, texts: AsyncIterator[str]) -> None:
        """Lead the conversation until `texts` end."""
        principal = await self._authenticated(session, texts)
        if principal is None:
            return
        outbox = Outbox(session)
        follower = Follower(principal, session, outbox)
        async with outbox:
            self._followers[follower] = None
            follower.say(AuthFrame(success=True, message="Authenticated"))
            try:
                async for text in texts:
                    self._hear(text, follower)
            finally:
                self._leave(follower)

    async def _authenticated(self, session: Session, texts: AsyncIterator[str]) -> Principal | None:
        """Who it is; None if they left, were refused, or took too long."""
        if self._strangers >= STRANGERS_MAX:
            await session.close(TRY_AGAIN_LATER, "too many connections wait to be authenticated")
            return None
        within_s = self._terminal.settings.auth_within_s
        timer = asyncio.get_running_loop().call_later(
            within_s, session.hang_up, NO_AUTH, f"no authentication within {within_s:g} s"
        )
        self._strangers += 1
        try:
            with contextlib.suppress(Disconnected):
                async for text in texts:
                    if (said := heard(text, Said)) is not None and said.type == "auth":
                        return await self._admitted(session, said.apiKey or "")
                    await session.send([encoded(ErrorFrame("Authentication required"))])
            return None
        finally:
            self._strangers -= 1
            timer.cancel()

    async def _admitted(self, session: Session, secret: str) -> Principal | None:
        try:
            principal = self._terminal.access.terminal(secret, session.request.host)
        except AccessDenied:
            await self._refuse(session, KEY_REFUSED, "Invalid API key")
            return None
        key_id = principal.key_id
        if sum(follower.principal.key_id == key_id for follower in self._followers) >= CONNECTIONS_PER_KEY_MAX:
            await self._refuse(session, TOO_MANY, f"Too many connections: at most {CONNECTIONS_PER_KEY_MAX} per key")
            return None
        if principal.account_id not in self._terminal.desk.state.accounts:
            await self._refuse(session, KEY_REFUSED, "Account not found")
            return None
        return principal

    async def _refuse(self, session: Session, code: int, message: str) -> None:
        await session.send([encoded(AuthFrame(success=False, message=message))])
        await session.close(code, message)

    def _leave(self, follower: Follower) -> None:
        self._followers.pop(follower, None)
        for name in list(follower.channels):
            self._unfollow(follower, name)

    # What clients say.

    def _hear(self, text: str, follower: Follower) -> None:
        said = heard(text, Said)
        if said is None:
            follower.say(ErrorFrame("Malformed message: a JSON object with a type is expected"))
            return
        hear = _HEARD.get(said.type)
        if hear is None:
            follower.say(ErrorFrame(f"Unknown message type: {said.type[:40]}"))
        else:
            hear(self, said, follower)

    def _hear_auth(self, said: Said, follower: Follower) -> None:
        follower.say(ErrorFrame("Already authenticated"))

    def _hear_ping(self, said: Said, follower: Follower) -> None:
        follower.say(PongFrame(self._terminal.desk.clock.now() // NS_PER_MS))

    def _hear_list(self, said: Said, follower: Follower) -> None:
        follower.say(ListFrame(list(follower.symbols), list(follower.channels), len(follower.symbols)))

    def _hear_subscribe(self, said: Said, follower: Follower) -> None:
        complaints: list[ErrorFrame] = []
        symbols = self._subscribe_symbols(said, follower, complaints)
        channels = self._subscribe_channels(said, follower, complaints)
        if isinstance(symbols, UnsetType) and isinstance(channels, UnsetType):
            follower.say(ErrorFrame("symbol, symbols or channels is required"))
            return
        if symbols or channels or not complaints:
            follower.say(SubscribedFrame(len(follower.symbols), symbols, channels))
        for complaint in complaints:
            follower.say(complaint)
        for symbol in symbols or ():
            quote = self._terminal.market.quotes.get(symbol)
            if quote is not None:
                follower.say(_tick(quote))

    def _subscribe_symbols(self, said: Said, follower: Follower, complaints: list[ErrorFrame]) -> list[str] | UnsetType:
        wanted = _symbols_of(said)
        if isinstance(wanted, UnsetType):
            return UNSET
        taken: dict[str, None] = {}
        for text in wanted[: SYMBOLS_MAX * 2]:
            symbol = resolve_symbol(text, self._terminal.instruments)
            if symbol is None:
                complaints.append(ErrorFrame(f"Unknown symbol: {text[:64]}"))
            elif symbol not in follower.symbols and len(follower.symbols) >= SYMBOLS_MAX:
                complaints.append(ErrorFrame(f"Too many symbols: at most {SYMBOLS_MAX} per connection"))
                break
            else:
                follower.symbols[symbol] = taken[symbol] = None
        self._ticks.follow(follower.outbox, taken)
        return list(taken)

    def _subscribe_channels(
        self, said: Said, follower: Follower, complaints: list[ErrorFrame]
    ) -> list[str] | UnsetType:
        if said.channels is None:
            return UNSET
        taken: dict[str, None] = {}
        for name in said.channels[: len(CHANNELS) * 4]:
            if name not in CHANNELS:
                complaints.append(ErrorFrame(f"Unknown channel: {name[:64]}"))
            elif not CHANNELS[name] & follower.principal.scopes:
                complaints.append(ErrorFrame(f"API key scope does not allow the channel {name}", "SCOPE_DENIED"))
            else:
                taken[name] = None
                self._follow(follower, name)
        return list(taken)

    def _hear_unsubscribe(self, said: Said, follower: Follower) -> None:
        wanted = _symbols_of(said)
        if isinstance(wanted, UnsetType) and said.channels is None:
            follower.say(ErrorFrame("symbol, symbols or channels is required"))
            return
        symbols: list[str] | UnsetType = UNSET
        if not isinstance(wanted, UnsetType):
            found = (resolve_symbol(text, self._terminal.instruments) for text in wanted[: SYMBOLS_MAX * 2])
            symbols = [symbol for symbol in dict.fromkeys(found) if symbol is not None and symbol in follower.symbols]
            for symbol in symbols:
                del follower.symbols[symbol]
            self._ticks.unfollow(follower.outbox, symbols)
        channels: list[str] | UnsetType = UNSET
        if said.channels is not None:
            channels = [name for name in dict.fromkeys(said.channels) if name in follower.channels]
            for name in channels:
                self._unfollow(follower, name)
        follower.say(UnsubscribedFrame(len(follower.symbols), symbols, channels))

    def _follow(self, follower: Follower, name: str) -> None:
        login = follower.principal.account_id
        if name in follower.channels:
            return
        follower.channels[name] = None
        self._channels[name].follow(login, follower.outbox)
        if name == "account":
            self._worths.follow(follower.outbox, (str(login),))
            self._pulse.follow(login)

    def _unfollow(self, follower: Follower, name: str) -> None:
        login = follower.principal.account_id
        del follower.channels[name]
        self._channels[name].unfollow(login, follower.outbox)
        if name == "account":
            self._worths.unfollow(follower.outbox, (str(login),))
            self._pulse.unfollow(login)

    def _tell_worth(self, login: AccountId, frame: Frame) -> None:
        self._worths.publish(str(login), frame)

    # The market.

    def on_quote(self, quote: Quote) -> None:
        """Put a tick on the board, if anybody follows the symbol."""
        if self._ticks.is_followed(quote.symbol):
            self._ticks.publish(quote.symbol, encoded(_tick(quote)))

    def on_staleness(self, staleness: DataStaleness) -> None:
        """Tell when the whole market fell silent, or is heard again."""
        is_connected = self._terminal.is_connected
        if is_connected is self._was_connected:
            return
        self._was_connected = is_connected
        if is_connected:
            frame = notification("info", "CONNECTED", "The trading server is connected again", staleness.at)
        else:
            frame = notification("error", "DISCONNECTED", "Not connected to trading server", staleness.at)
        for follower in tuple(self._followers):
            if "notifications" in follower.channels:
                follower.outbox.post(frame)

    # Keys that end, and the end of the server.

    def on_revoked(self, ids: frozenset[str]) -> None:
        """Keys are at an end, or have other rights: so are their streams."""
        for follower in tuple(self._followers):
            if follower.principal.key_id in ids:
                follower.session.hang_up(KEY_REFUSED, "the API key is no longer valid")

    async def start(self) -> None:
        """Look after keys that expire; needs a running loop."""
        self._heart.start()

    async def stop(self) -> None:
        """No longer."""
        self._pulse.stop()
        self._heart.stop()

    def look(self) -> None:
        """Hang up on streams whose key has expired."""
        now = self._terminal.desk.clock.now()
        held = {follower.principal.key_id: follower.principal for follower in self._followers}
        is_valid = self._terminal.access.is_still_valid
        self.on_revoked(frozenset(key_id for key_id, who in held.items() if not is_valid(who, now)))

    def say_goodbye(self) -> None:
        """Take no more requests; the kit closes the sockets when all is durable."""
        self._terminal.is_stopping = True


_HEARD: Final[dict[str, Callable[[TerminalStream, Said, Follower], None]]] = {
    "auth": TerminalStream._hear_auth,
    "ping": TerminalStream._hear_ping,
    "list": TerminalStream._hear_list,
    "subscribe": TerminalStream._hear_subscribe,
    "unsubscribe": TerminalStream._hear_unsubscribe,
}


def _symbols_of(said: Said) -> list[str] | UnsetType:
    """`symbol` and `symbols`, whichever are there."""
    if said.symbol is None and said.symbols is None:
        return UNSET
    return [*(() if said.symbol is None else (said.symbol,)), *(said.symbols or ())]


def _tick(quote: Quote) -> TickFrame:
    return TickFrame(quote.symbol, number(quote.bid), number(quote.ask), quote.at // NS_PER_MS)
