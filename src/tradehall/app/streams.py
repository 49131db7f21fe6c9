"""Streams: what happened to an account → whoever follows it, through any door.

A door opens a channel with its encoder. The frames of a decision are encoded at once, while the state is
what the decision left behind, once per account and door; they are posted when the decision is durable.
Where nobody follows an account, nothing is encoded for it.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar, get_args

from tradehall.app.audience import NOTHING, Hearing
from tradehall.domain.ids import AccountId
from tradehall.engine import events as ev
from tradehall.engine.record import Record

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)


class Subscriber(Protocol[F_contra]):
    """Where frames go: bounded, and never waiting."""

    def post(self, frame: F_contra, /) -> None:
        """Send `frame` after all earlier ones."""


# Account, its events of one decision in order, the instant of the decision [ns UTC] → frames in order.
Encode: TypeAlias = Callable[[AccountId, Sequence[ev.AnyEvent], int], Sequence[F]]


class Channel(Generic[F]):
    """One door's followers by account, of `streams`."""

    def __init__(self, encode: "Encode[F]", streams: "AccountStreams") -> None:
        self.encode = encode
        self._streams = streams
        self.followers: dict[AccountId, dict[Subscriber[F], None]] = {}

    def follow(self, account_id: AccountId, subscriber: Subscriber[F]) -> None:
        """From now on `subscriber` is told what happens to the account."""
        self.followers.setdefault(account_id, {})[subscriber] = None
        self._streams.follow(account_id, self)

    def unfollow(self, account_id: AccountId, subscriber: Subscriber[F]) -> None:
        """No longer; does nothing for one who does not follow."""
        followers = self.followers.get(account_id, {})
        if subscriber not in followers:
            return
        del followers[subscriber]
        if not followers:
            del self.followers[account_id]
            self._streams.unfollow(account_id, self)

    def post(self, account_id: AccountId, frames: Sequence[F]) -> None:
        """Hand frames to all who follow the account now."""
        for subscriber in tuple(self.followers.get(account_id, ())):
            for frame in frames:
                subscriber.post(frame)


Payload: TypeAlias = list[tuple[Channel[Any], AccountId, Sequence[Any]]]


class AccountStreams:
    """A decision listener: `capture` encodes, `release` posts."""

    def __init__(self) -> None:
        self.hears: Final = Hearing(NOTHING)
        self._followed: dict[AccountId, dict[Channel[Any], None]] = {}

    def open(self, encode: "Encode[F]") -> Channel[F]:
        """A channel of a door's own."""
        return Channel(encode, self)

    def follow(self, account_id: AccountId, channel: Channel[Any]) -> None:
        """`channel` has a follower of the account."""
        self._followed.setdefault(account_id, {})[channel] = None
        self.hears.change(None)

    def unfollow(self, account_id: AccountId, channel: Channel[Any]) -> None:
        """It has none any more."""
        channels = self._followed[account_id]
        del channels[channel]
        if not channels:
            del self._followed[account_id]
        if not self._followed:
            self.hears.change(NOTHING)

    def capture(self, record: Record) -> Payload | None:
        """Frames of a decision, made while the state is exactly what it left; None if nobody listens."""
        payload: Payload = []
        for account_id, events in events_by_account(record).items():
            for channel in self._followed.get(account_id, ()):
                payload.append((channel, account_id, channel.encode(account_id, events, record.now)))
        return payload or None

    def release(self, payload: Payload | None) -> None:
        """The decision is durable: tell."""
        for channel, account_id, frames in payload or ():
            channel.post(account_id, frames)


def events_by_account(record: Record) -> dict[AccountId, list[ev.AnyEvent]]:
    """The record's events in order, by the account they concern; those of no account are left out."""
    found: dict[AccountId, list[ev.AnyEvent]] = {}
    for event in record.events:
        account_of = ACCOUNT_OF[type(event)]
        if account_of is not None:
            found.setdefault(account_of(event), []).append(event)
    return found


_own: Final = attrgetter("account_id")
_of_terms: Final = attrgetter("terms.account_id")
_of_position: Final = attrgetter("position.account_id")
_of_part: Final = attrgetter("part.account_id")

ACCOUNT_OF: Final[dict[type, Callable[[Any], AccountId] | None]] = {
    ev.InstrumentListed: None,
    ev.AccountOpened: _of_terms,
    ev.AccountUpdated: _of_terms,
    ev.RequestRefused: _own,
    ev.OrderRejected: _of_terms,
    ev.OrderAccepted: _of_terms,
    ev.OrderOpened: _own,
    ev.OrderAmended: _of_terms,
    ev.OrderTriggered: _own,
    ev.OrderFilled: attrgetter("fill.account_id"),
    ev.OrderCancelled: _own,
    ev.OrderExpired: _own,
    ev.OrderFailed: _own,
    ev.PositionOpened: _of_position,
    ev.PositionChanged: _of_position,
    ev.PositionClosed: _of_position,
    ev.BalanceChanged: _own,
    ev.MarginStateChanged: _own,
    ev.OcoDoubleExit: _own,
    ev.ReportUnmatched: None,
    ev.TrailingPeakMoved: None,
    ev.RolloverBooked: None,
    ev.StrategyRegistered: _own,
    ev.BudgetSet: _own,
    ev.BudgetRemoved: _own,
    ev.OrderHoldChanged: _own,
    ev.StrategyLimitsSet: _own,
    ev.TradingStateSet: _own,
    ev.BookFilled: _own,
    ev.PartOpened: _of_part,
    ev.PartChanged: _of_part,
    ev.PartClosed: _of_part,
    ev.UnitsSplit: _own,
}
assert ACCOUNT_OF.keys() == set(get_args(ev.AnyEvent))
