"""The stream of a backtest: every frame of the simulation has an id, and waits for its turn."""

from typing import Final

from tradehall.app.access import Principal
from tradehall.app.paced.bars import PacedBars
from tradehall.app.paced.pace import Pace, Place
from tradehall.app.streams import events_by_account
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Bar, Quote
from tradehall.engine.record import Record
from tradehall.faces.gateway.errors import GatewayProblem
from tradehall.faces.gateway.frames import (
    AccountFrames,
    CandleFrame,
    CompleteFrame,
    ErrorFrame,
    QuoteFrame,
    encoded,
)
from tradehall.faces.gateway.gateway import Gateway
from tradehall.faces.gateway.stream import Follower, GatewayStream, complaint_about_said, heard
from tradehall.faces.gateway.translate import to_bar, to_quote
from tradehall.faces.kit import Frame, Outbox, Request, Response, Session

# Told without an id: not part of the simulation, or not an event of it.
_ERROR: Final = b'{"type":"error"'

Told = tuple[AccountId, list[Frame]]


def stamped(frame: Frame, event_id: str) -> Frame | None:
    """The frame with its `event_id` as the last field; None for errors, which carry none."""
    if frame.text.startswith(_ERROR):
        return None
    return Frame(b'%b,"event_id":"%b"}' % (frame.text[:-1], event_id.encode()))


class PacedStream(GatewayStream):
    """See GatewayStream. Bars, quotes and decisions are posted to `pace`; listen to the desk with `telling`."""

    def __init__(self, gateway: Gateway, pace: Pace[Frame], bars: PacedBars, house_account: AccountId) -> None:
        super().__init__(gateway)
        self._pace = pace
        self._bars = bars
        self.telling = PacedTelling(gateway, pace, house_account)

    # One client.

    async def connect(self, request: Request) -> Response:
        """Follow the backtest: each event is to be acknowledged; see docs/faces/gateway.md."""
        principal: Principal = request.principal
        if self._pace.is_over and not self._pace.awaits(principal.account_id):
            # 403, because that ends a client's attempts: nothing will be told here any more.
            raise GatewayProblem("FORBIDDEN", "The backtest is over; start the server anew for another run")
        return await super().connect(request)

    async def _serve(self, session: Session, principal: Principal) -> None:
        counters = self._gateway.counters
        outbox = Outbox(session, overflows=counters.slow_clients)
        async with outbox:
            self._welcome(outbox)
            self._followers[outbox] = Follower(principal, session)
            self.telling.follow(principal.account_id)
            place = self._pace.join(principal.account_id, outbox)
            counters.connections.set(len(self._followers))
            try:
                async for text in session:
                    self._hear_from(place, text, outbox)
            finally:
                self._pace.leave(place)
                self._followers.pop(outbox, None)
                counters.connections.set(len(self._followers))

    def _hear_from(self, place: Place[Frame], text: str, outbox: Outbox) -> None:
        said = heard(text)
        complaint = said if isinstance(said, str) else complaint_about_said(said)
        if complaint is not None:
            outbox.post(encoded(ErrorFrame("INVALID_MESSAGE", complaint, self._now())))
        elif not isinstance(said, str) and said.events_processed:
            self._pace.acknowledge(place, said.events_processed)

    # The market.

    def on_quote(self, quote: Quote) -> None:
        """Tell a quote that was recorded; those that bars are played with are not told."""
        if not self._bars.grain(quote.symbol).is_recorded:
            self._tell_quote(quote)

    def on_bar(self, bar: Bar) -> None:
        """Tell of a bar that is over: where nothing was subscribed, of those that were recorded, else of minutes."""
        instrument = self._gateway.instruments[bar.symbol]
        grain = self._bars.grain(bar.symbol)
        is_finest = bar.timeframe is grain.timeframe
        names: tuple[str, ...]
        if self._subscriptions.is_empty:
            names = (instrument.display,) if is_finest else ()
        else:
            names = self._subscriptions.candle_names(instrument, bar.timeframe)
            if is_finest and grain.is_recorded:
                self._tell_quote(self._gateway.market.quotes[bar.symbol])
        at = self._now()
        for name in names:
            shown = to_bar(bar, symbol=name, provider=instrument.provider)
            self._pace.post(None, (encoded(CandleFrame(shown, at)),))

    def _tell_quote(self, quote: Quote) -> None:
        instrument = self._gateway.instruments[quote.symbol]
        last = self._gateway.market.last(quote.symbol)
        assert last is not None, "the board holds the quote already"
        at = self._now()
        for name in self._subscriptions.quote_names(instrument):
            shown = to_quote(quote, symbol=name, provider=instrument.provider, last=last)
            self._pace.post(None, (encoded(QuoteFrame(shown, at)),))

    # The end.

    def completed(self) -> Frame:
        """See Voice."""
        self._gateway.counters.backtest_completed()
        return encoded(CompleteFrame(self._gateway.settings.platform, self._now()))

    def failed(self, reason: str) -> Frame:
        """See Voice."""
        return encoded(ErrorFrame("INTERNAL_ERROR", reason, self._now()))


class PacedTelling:
    """A decision listener: what happened to an account is a step, queued when it is durable.

    The account of the house is told of from the beginning, others from when somebody first followed them.
    """

    hears: Final = None

    def __init__(self, gateway: Gateway, pace: Pace[Frame], house_account: AccountId) -> None:
        self._encode = AccountFrames(gateway.desk, gateway.settings.subscriptions, gateway.breakers.exit_order)
        self._pace = pace
        self._accounts = {house_account}

    def follow(self, account_id: AccountId) -> None:
        """From now on this account is told of."""
        self._accounts.add(account_id)

    def capture(self, record: Record) -> list[Told] | None:
        """Frames of a decision, made while the state is exactly what it left."""
        told = [
            (account_id, self._encode(account_id, events, record.now))
            for account_id, events in events_by_account(record).items()
            if account_id in self._accounts
        ]
        return [one for one in told if one[1]] or None

    def release(self, payload: list[Told]) -> None:
        """The decision is durable: it may be told."""
        for account_id, frames in payload:
            self._pace.post(account_id, frames)
