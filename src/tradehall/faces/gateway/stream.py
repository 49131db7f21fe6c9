"""The gateway's stream: everything that happens to a key's account, and all quotes and candles."""

import asyncio
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from tradehall.app.access import Principal
from tradehall.app.market import MarketListener
from tradehall.app.staleness import DataStaleness, Freshness
from tradehall.domain.market import Bar, Quote, Timeframe
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.faces.gateway.auth import rate_key
from tradehall.faces.gateway.frames import (
    AccountFrames,
    CandleFrame,
    ConnectionFrame,
    ErrorFrame,
    PingFrame,
    QuoteFrame,
    RateLimitFrame,
    StalenessFrame,
    encoded,
)
from tradehall.faces.gateway.gateway import Gateway
from tradehall.faces.gateway.translate import to_bar, to_quote
from tradehall.faces.kit import Board, Frame, Outbox, Problem, Request, Response, Session, Upgrade, decode_bytes
from tradehall.faces.kit.heart import Heart

HEARTBEAT_S: Final = 15.0
GOODBYE_S: Final = 0.5
KEY_REVOKED: Final = 1008
# A caller is warned when less than this share of his burst is left, once a second at most.
WARN_BELOW: Final = 0.1
WARN_EVERY_NS: Final = NS_PER_SECOND
WARNED_MAX: Final = 10_000


class Inbound(Struct, frozen=True):
    """What a client may say: pong, or event_ack with its three fields."""

    type: str
    correlation_id: str | None = None
    events_processed: list[str] | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True)
class Follower:
    """One open stream."""

    principal: Principal
    session: Session


class GatewayStream(MarketListener):
    """All open streams of this door. Subscribe it to the market; its channel hears of decisions."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._subscriptions = gateway.settings.subscriptions
        self._channel = gateway.streams.open(
            AccountFrames(gateway.desk, self._subscriptions, gateway.breakers.exit_order)
        )
        self._board = Board()
        self._followers: dict[Outbox, Follower] = {}
        self._quote_names: dict[str, tuple[str, ...]] = {}
        self._candle_names: dict[tuple[str, Timeframe], tuple[str, ...]] = {}
        self._warned: dict[str, int] = {}
        self._heart = Heart("gateway-heartbeat", HEARTBEAT_S, self.beat)

    # One client.

    async def connect(self, request: Request) -> Response:
        """Stream events of the caller's account, quotes and candles; see docs/faces/gateway.md."""
        principal: Principal = request.principal
        self._gateway.account(request)
        if self._gateway.is_stopping:
            raise self._gateway.unavailable("")

        async def run(session: Session) -> None:
            await self._serve(session, principal)

        return Upgrade(run)

    async def _serve(self, session: Session, principal: Principal) -> None:
        counters = self._gateway.counters
        outbox = Outbox(session, overflows=counters.slow_clients)
        async with outbox:
            self._welcome(outbox)
            self._followers[outbox] = Follower(principal, session)
            self._channel.follow(principal.account_id, outbox)
            self._board.follow(outbox)
            counters.connections.set(len(self._followers))
            try:
                async for text in session:
                    self._hear(text, outbox)
            finally:
                self._channel.unfollow(principal.account_id, outbox)
                self._followers.pop(outbox, None)
                counters.connections.set(len(self._followers))

    def _welcome(self, outbox: Outbox) -> None:
        at = self._now()
        outbox.post(encoded(ConnectionFrame("CONNECTED", at, broker=self._gateway.settings.platform)))
        stale = self._gateway.market.stale_symbols()
        if stale:
            outbox.post(self._staleness("STALE", tuple(stale), min(stale.values()), at))

    def _hear(self, text: str, outbox: Outbox) -> None:
        complaint = complaint_about(text)
        if complaint is not None:
            outbox.post(encoded(ErrorFrame("INVALID_MESSAGE", complaint, self._now())))

    # The market.

    def on_quote(self, quote: Quote) -> None:
        """Put a quote on the board: encoded once, sent to each client when it has room."""
        if not self._followers:
            return
        symbol = quote.symbol
        instrument = self._gateway.instruments[symbol]
        names = self._quote_names.get(symbol)
        if names is None:
            names = self._quote_names[symbol] = self._subscriptions.quote_names(instrument)
        last = self._gateway.market.last(symbol) if names else None
        if last is None:
            return
        at = to_rfc3339(quote.received_at)
        for name in names:
            shown = to_quote(quote, symbol=name, provider=instrument.provider, last=last)
            self._board.publish(name, encoded(QuoteFrame(shown, at)))

    def on_bar(self, bar: Bar) -> None:
        """Tell of a bar that has closed."""
        if not self._followers:
            return
        key = (bar.symbol, bar.timeframe)
        instrument = self._gateway.instruments[bar.symbol]
        names = self._candle_names.get(key)
        if names is None:
            names = self._candle_names[key] = self._subscriptions.candle_names(instrument, bar.timeframe)
        for name in names:
            shown = to_bar(bar, symbol=name, provider=instrument.provider)
            self._post_to_all(encoded(CandleFrame(shown, self._now())))

    def on_staleness(self, staleness: DataStaleness) -> None:
        """Tell which symbols fell silent, or that one is heard again."""
        word = "STALE" if staleness.event is Freshness.STALE else "FRESH"
        at = to_rfc3339(staleness.at)
        self._post_to_all(self._staleness(word, staleness.symbols, staleness.stale_since, at))

    def _staleness(self, word: str, symbols: tuple[str, ...], since: int, at: str) -> Frame:
        names = [self._gateway.instruments[symbol].display for symbol in symbols]
        return encoded(StalenessFrame(word, names, self._gateway.settings.platform, to_rfc3339(since), at))

    # Rate limits.

    def on_rate_limit(self, request: Request, retry_after_s: int) -> None:
        """A request of this key was refused with 429."""
        self._tell_limit(request, "RATE_LIMIT_HIT", "hit", remaining=0, wait_s=retry_after_s)

    def watch_limit(self, request: Request) -> None:
        """Warn the key's streams when little of its limit is left."""
        limit = request.limit
        if limit is not None and request.tokens_left < limit.burst * WARN_BELOW:
            wait_s = (limit.burst - request.tokens_left) / limit.per_second
            self._tell_limit(request, "RATE_LIMIT_WARNING", "warning", int(request.tokens_left), wait_s)

    def _tell_limit(self, request: Request, event: str, word: str, remaining: int, wait_s: float) -> None:
        key = f"{word}:{request.rate_key}"
        if request.received_at - self._warned.get(key, 0) < WARN_EVERY_NS:
            return
        if len(self._warned) >= WARNED_MAX:
            self._warned.clear()
        self._warned[key] = request.received_at
        self._gateway.counters.limited(word)
        reset_at = to_rfc3339(request.received_at + int(wait_s * NS_PER_SECOND))
        frame = encoded(RateLimitFrame(event, remaining, reset_at, to_rfc3339(request.received_at)))
        for outbox, follower in tuple(self._followers.items()):
            if rate_key(follower.principal) == request.rate_key:
                outbox.post(frame)

    # Heartbeat and goodbye.

    async def start(self) -> None:
        """Begin to beat; needs a running loop."""
        self._heart.start()

    async def stop(self) -> None:
        """Beat no more."""
        self._heart.stop()

    def beat(self) -> None:
        """Ping every client, and let those go whose key is no longer valid."""
        now = self._gateway.desk.clock.now()
        frame = encoded(PingFrame(to_rfc3339(now)))
        for outbox, follower in tuple(self._followers.items()):
            if self._gateway.access.is_still_valid(follower.principal, now):
                outbox.post(frame)
            else:
                follower.session.hang_up(KEY_REVOKED, "the API key is no longer valid")

    async def say_goodbye(self) -> None:
        """Take no more orders, tell all clients, and give them half a second; the kit closes them after that."""
        self._gateway.is_stopping = True
        if self._followers:
            self._post_to_all(encoded(ConnectionFrame("DISCONNECTING", self._now(), error="server is shutting down")))
            await asyncio.sleep(GOODBYE_S)

    def _post_to_all(self, frame: Frame) -> None:
        for outbox in tuple(self._followers):
            outbox.post(frame)

    def _now(self) -> str:
        return to_rfc3339(self._gateway.desk.clock.now())


def complaint_about(text: str) -> str | None:
    """What is wrong with a client's message; None if nothing is."""
    said = heard(text)
    return said if isinstance(said, str) else complaint_about_said(said)


def heard(text: str) -> Inbound | str:
    """A client's message, or what is wrong with it."""
    try:
        return decode_bytes(text.encode("utf-8", "replace"), Inbound)
    except Problem as problem:
        return f"The message is not understood: {problem.message}"


def complaint_about_said(said: Inbound) -> str | None:
    """What a message lacks; None if nothing."""
    if said.type == "pong":
        return None
    if said.type != "event_ack":
        return f"type was {said.type[:40]!r}, must be pong or event_ack"
    fields = {
        "correlation_id": said.correlation_id,
        "events_processed": said.events_processed,
        "timestamp": said.timestamp,
    }
    missing = [name for name, value in fields.items() if value is None]
    return f"event_ack lacks {', '.join(missing)}" if missing else None
