"""The pace: what is told goes out step by step, and time goes on when all of it was acknowledged.

A step is what belongs together: one candle, one quote, the frames of one decision. Each of its frames gets an id
of its own, `evt-1` and so on. Who follows has a place, which he keeps when his connection is lost: nothing goes
on until somebody takes it again, who first gets what was not acknowledged there.
"""

import asyncio
import logging
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

from tradehall.domain.ids import AccountId

F = TypeVar("F")
F_contra = TypeVar("F_contra", contravariant=True)

# Frames that wait for their turn; one who asks for more than this without acknowledging any ends the run.
FRAMES_QUEUED_MAX: Final = 100_000
# Frames in one go: of a decision that has more, the rest comes when these are acknowledged.
FRAMES_PER_STEP_MAX: Final = 256
# Ids whose acknowledgement was missed and still counts as a sign of life.
GIVEN_UP_MAX: Final = 10_000
LAST_ACK_WITHIN_S: Final = 5.0

NORMAL: Final = 1000
FAILED: Final = 1011

_log: Final = logging.getLogger("tradehall.backtest")


class Patience(Struct, frozen=True):
    """How long to wait for acknowledgements: `timeout_s` each time, None for ever.

    A missed wait is a warning and the run goes on; `misses_first_max` in a row before anything was ever
    acknowledged, `misses_max` in a row after it, end the run.
    """

    timeout_s: float | None = None
    misses_first_max: int = 24
    misses_max: int = 5


class StrategySilent(Exception):
    """Nobody acknowledged for too long."""


class TooMuchUntold(Exception):
    """More frames wait than may."""


class Line(Protocol[F_contra]):
    """A connection to somebody who follows."""

    def post_now(self, frame: F_contra, /) -> None:
        """Send `frame` after all earlier ones, at once if that can be."""

    def close_after(self, code: int, reason: str) -> None:
        """Close when all that was posted is sent."""


@dataclass(slots=True, eq=False)
class Place(Generic[F]):
    """Somebody who follows an account: his line, None while he is gone, and what he has not acknowledged.

    `joined`, `heard`: when he came, and when he last acknowledged anything, counted in such moments.
    """

    account_id: AccountId
    line: Line[F] | None
    joined: int
    heard: int
    unacknowledged: dict[str, F] = field(default_factory=dict)
    given_up: dict[str, None] = field(default_factory=dict)


class Pace(Generic[F]):
    """See above. `stamp(frame, event_id)` makes the frame that goes out; None: this kind is told without an id."""

    def __init__(self, stamp: Callable[[F, str], F | None], patience: Patience) -> None:
        self.is_over = False
        self.event_count = 0
        self.meanwhile: Callable[[], None] = lambda: None
        """What can be done while those who were told think."""
        self._stamp = stamp
        self._patience = patience
        self._places: list[Place[F]] = []
        self._queue: deque[tuple[AccountId | None, Sequence[F]]] = deque()
        self._queued = 0
        self._open = 0  # Ids at their places that were not acknowledged.
        self._acknowledged: Future[None] | None = None
        self._complete: Future[None] | None = None
        self._moment = 0
        self._misses = 0
        self._has_heard = False
        self._waiting_since = 0.0
        self._timer: TimerHandle | None = None

    # Those who follow.

    def join(self, account_id: AccountId, line: Line[F]) -> Place[F]:
        """Take the place of somebody who is gone, else a new one."""
        place = next((each for each in self._places if each.line is None and each.account_id == account_id), None)
        self._moment += 1
        if place is None:
            place = Place(account_id, line, self._moment, self._moment)
            self._places.append(place)
        else:
            place.line, place.joined, place.heard = line, self._moment, self._moment
            for frame in place.unacknowledged.values():
                line.post_now(frame)
        self._look_at_places()
        return place

    def leave(self, place: Place[F]) -> None:
        """The line is lost; time stands still until somebody takes the place.

        Who came after the last word from there is taken for the same, whose old line was lost before we knew.
        """
        place.line = None
        heirs = (each for each in self._places if each.line is not None and each.account_id == place.account_id)
        heir = next((each for each in heirs if each.joined > place.heard), None)
        if heir is not None:
            self._places.remove(place)
            self._hand_over(place, heir)

    def _hand_over(self, place: Place[F], heir: Place[F]) -> None:
        assert heir.line is not None, "an heir is there"
        for event_id, frame in place.unacknowledged.items():
            if event_id in heir.unacknowledged:
                self._open -= 1
            else:
                heir.unacknowledged[event_id] = frame
                heir.line.post_now(frame)
        self._look_at_places()
        self._look_at_open()

    def awaits(self, account_id: AccountId) -> bool:
        """Whether a place is free at which something was not acknowledged."""
        return any(each.line is None and each.unacknowledged and each.account_id == account_id for each in self._places)

    def acknowledge(self, place: Place[F], event_ids: Sequence[str]) -> None:
        """These were handled at `place`; what was not told there, or is repeated, counts for nothing."""
        for event_id in event_ids:
            if place.unacknowledged.pop(event_id, None) is not None:
                self._open -= 1
            elif event_id in place.given_up:
                del place.given_up[event_id]
            else:
                continue
            self._has_heard = True
            self._misses = 0
            self._moment += 1
            place.heard = self._moment
        self._look_at_open()
        if self.is_over and not place.unacknowledged and place.line is not None:
            place.line.close_after(NORMAL, "the backtest is over")

    def _look_at_open(self) -> None:
        if self._open == 0 and self._acknowledged is not None and not self._acknowledged.done():
            self._acknowledged.set_result(None)

    # What is told.

    @property
    def has_more(self) -> bool:
        """Whether anything waits for its turn."""
        return bool(self._queue)

    def post(self, account_id: AccountId | None, frames: Sequence[F]) -> None:
        """Queue a step: frames for those who follow the account, None: for all."""
        self._queue.append((account_id, frames))
        self._queued += len(frames)

    async def first(self) -> None:
        """Return when somebody follows."""
        await self._all_there()

    async def drain(self) -> None:
        """Tell all that is queued, step by step; returns when all of it was acknowledged.

        StrategySilent: patience is at its end. TooMuchUntold: the queue is.
        """
        while self._queue:
            if self._queued > FRAMES_QUEUED_MAX:
                raise TooMuchUntold(f"{self._queued} frames wait to be told: acknowledge some")
            account_id, frames = self._queue.popleft()
            self._queued -= len(frames)
            for first in range(0, len(frames), FRAMES_PER_STEP_MAX):
                await self._all_there()
                self._tell(account_id, frames[first : first + FRAMES_PER_STEP_MAX])
                await self._all_acknowledged()

    async def finish(self, frame: F) -> None:
        """Tell the one last frame, wait for its acknowledgement (not for ever), and close."""
        await self._all_there()
        self._tell(None, (frame,))
        self.is_over = True
        if self._open:
            self._acknowledged = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._acknowledged,), timeout=LAST_ACK_WITHIN_S)
        for place in self._places:
            if place.line is not None:
                place.line.close_after(NORMAL, "the backtest is over")

    def fail(self, frame: F) -> None:
        """Tell all who are there that the run broke off, and close so that nobody takes it for whole."""
        self.is_over = True
        self._queue.clear()
        for place in self._places:
            place.unacknowledged.clear()
            if place.line is not None:
                place.line.post_now(frame)
                place.line.close_after(FAILED, "the backtest broke off")

    def _tell(self, account_id: AccountId | None, frames: Sequence[F]) -> None:
        for frame in frames:
            event_id = f"evt-{self.event_count + 1}"
            stamped = self._stamp(frame, event_id)
            if stamped is not None:
                self.event_count += 1
            for place in self._places:
                if account_id not in (None, place.account_id):
                    continue
                assert place.line is not None, "nothing is told while somebody is gone"
                if stamped is None:
                    place.line.post_now(frame)
                    continue
                place.unacknowledged[event_id] = stamped
                self._open += 1
                place.line.post_now(stamped)

    # Waiting.

    async def _all_there(self) -> None:
        while not self._is_complete():
            self._complete = asyncio.get_running_loop().create_future()
            await self._complete

    def _is_complete(self) -> bool:
        return bool(self._places) and all(place.line is not None for place in self._places)

    def _look_at_places(self) -> None:
        if self._complete is not None and not self._complete.done() and self._is_complete():
            self._complete.set_result(None)
        if self._timer is not None:
            self._waiting_since = asyncio.get_running_loop().time()

    async def _all_acknowledged(self) -> None:
        if not self._open:
            return
        loop = asyncio.get_running_loop()
        self._acknowledged = loop.create_future()
        if self._patience.timeout_s is not None:
            self._waiting_since = loop.time()
            if self._timer is None:
                self._timer = loop.call_later(self._patience.timeout_s, self._on_timer, loop, self._patience.timeout_s)
        self.meanwhile()
        await self._acknowledged

    def _on_timer(self, loop: AbstractEventLoop, timeout_s: float) -> None:
        """One timer for all waits: it looks how long the present one has lasted."""
        waited_s = loop.time() - self._waiting_since
        is_waiting = self._acknowledged is not None and not self._acknowledged.done()
        self._timer = None
        if not is_waiting or self.is_over:
            return  # The next wait sets it again.
        if not self._is_complete():
            waited_s = 0.0  # Who is gone is waited for without a limit.
        elif waited_s >= timeout_s:
            self._miss(timeout_s)
            waited_s = 0.0
        self._timer = loop.call_later(timeout_s - waited_s, self._on_timer, loop, timeout_s)

    def _miss(self, timeout_s: float) -> None:
        assert self._acknowledged is not None
        self._misses += 1
        most = self._patience.misses_max if self._has_heard else self._patience.misses_first_max
        _log.warning("nothing was acknowledged for %.1f s: %d of %d in a row", timeout_s, self._misses, most)
        for place in self._places:
            place.given_up.update(dict.fromkeys(place.unacknowledged))
            while len(place.given_up) > GIVEN_UP_MAX:
                del place.given_up[next(iter(place.given_up))]
            place.unacknowledged.clear()
        self._open = 0
        if self._misses < most:
            self._acknowledged.set_result(None)
        else:
            self._acknowledged.set_exception(StrategySilent(f"no event was acknowledged {self._misses} times in a row"))
