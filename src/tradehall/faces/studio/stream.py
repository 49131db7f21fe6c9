"""The studio's stream: states of deployments, signals, progress of backtests, matches of scanners."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from tradehall.app.market import MarketListener
from tradehall.app.principal import Principal
from tradehall.app.records import backtest_runs, deployments, scanners
from tradehall.app.studio.reach import Owned, Reach
from tradehall.app.studio.room import Changed
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import Frame, Metrics, Outbox, Problem, Request, Response, Session, Upgrade, decode_bytes
from tradehall.faces.kit.heart import Heart
from tradehall.faces.kit.response import ENCODER
from tradehall.faces.studio import schemas, translate
from tradehall.faces.studio.auth import bare_token, principal_of, reach_of
from tradehall.faces.studio.studio import Studio
from tradehall.ports.deployments import EquityPoint, Match, Signal

NOT_AUTHORIZED: Final = 4401
TOO_SLOW: Final = 4429
HELLO_WITHIN_S: Final = 10.0
QUEUE_MAX: Final = 5_000
LOOK_EVERY_S: Final = 1.0
TOPICS: Final = ("deployment", "signal", "equity", "backtest", "scanner", "scanner_match")


class Said(Struct, frozen=True):
    """What a client may say: its token first, `ping` at any time."""

    token: str = ""
    type: str = ""


@dataclass(eq=False, slots=True)
class Follower:
    """One open stream, and how many frames it was sent."""

    session: Session
    outbox: Outbox
    principal: Principal
    reach: Reach
    seq: int = 0


class StudioStream(MarketListener):
    """All open streams of this door; quotes do not concern it."""

    def __init__(self, studio: Studio, metrics: Metrics) -> None:
        self._studio = studio
        self._followers: dict[Follower, None] = {}
        self._heart = Heart("studio-streams", LOOK_EVERY_S, self._look)
        self._overflows = metrics.counter("tradehall_studio_slow_streams_total", "Streams closed as too slow")
        studio.room.listen(self.on_changes)
        studio.runner.sender.hear_signals = self.on_signals
        studio.keeper.hear_points = self.on_points
        studio.watch.hear_matches = self.on_matches
        studio.backtests.hear_progress = self.on_progress

    async def start(self) -> None:
        """Look after sessions from now on."""
        self._heart.start()

    async def stop(self) -> None:
        """No longer."""
        self._heart.stop()

    # One session.

    async def connect(self, request: Request) -> Response:
        """Stream of deployment states, signals, backtest progress and scanner matches; the token comes first."""
        return Upgrade(self._serve)

    async def _serve(self, session: Session) -> None:
        async with Outbox(session, overflows=self._overflows, max_frames=QUEUE_MAX, close_code=TOO_SLOW) as outbox:
            follower: Follower | None = None
            try:
                async with asyncio.timeout(HELLO_WITHIN_S) as patience:
                    async for text in session:
                        if follower is not None:
                            self._hear(follower, text)
                            continue
                        follower = await self._welcome(session, outbox, text)
                        if follower is None:
                            return
                        patience.reschedule(None)
            except TimeoutError:
                session.hang_up(NOT_AUTHORIZED, "not authorized in time")
            finally:
                if follower is not None:
                    self._followers.pop(follower, None)

    async def _welcome(self, session: Session, outbox: Outbox, text: str) -> Follower | None:
        """The first word has to be a token; None, and the session is closed, where it does not count."""
        try:
            said = decode_bytes(text.encode("utf-8", "replace"), Said)
            token, address = bare_token(said.token), session.request.host
            principal = principal_of(self._studio.access, token, address, is_open=self._studio.is_open)
        except Problem as problem:
            refusal = ENCODER.encode({"type": "error", "code": problem.code or "TOKEN_INVALID", "seq": 0})
            await session.send([Frame(refusal)])
            await session.close(NOT_AUTHORIZED, "not authorized")
            return None
        # By it the doors know whose socket it is when the credential is revoked.
        session.request.principal = principal
        follower = Follower(session, outbox, principal, reach_of(principal))
        self._followers[follower] = None
        self._post(follower, b"ready", ENCODER.encode({"topics": TOPICS}))
        return follower

    def _hear(self, follower: Follower, text: str) -> None:
        try:
            said = decode_bytes(text.encode("utf-8", "replace"), Said)
        except Problem:
            self._post(follower, b"error", b'{"code":"INVALID_JSON"}')
            return
        if said.type == "ping":
            self._post(follower, b"pong", b"{}")

    # What is told.

    def on_changes(self, changes: Sequence[Changed]) -> None:
        """Records changed, and are durable."""
        if not self._followers:
            return
        for change in changes:
            after = change.after
            if after is None:
                continue
            if change.kind == deployments.KIND:
                self._tell(after, b"deployment", translate.deployment(self._studio, after))
            elif change.kind == backtest_runs.KIND:
                self._tell(after, b"backtest", translate.backtest(after))
            elif change.kind == scanners.KIND:
                self._tell(after, b"scanner", translate.scanner(after, None, after.match_count))

    def on_signals(self, signals: Sequence[Signal]) -> None:
        """Signals were written down, with what became of them."""
        for signal in signals if self._followers else ():
            self._tell(signal, b"signal", translate.signal(signal))

    def on_points(self, points: Sequence[EquityPoint]) -> None:
        """What deployments are worth was written down."""
        for point in points if self._followers else ():
            deployment = self._studio.room.book.deployments.get(point.deployment_id)
            if deployment is not None:
                self._tell(deployment, b"equity", schemas.EquityTold(point.deployment_id, translate.equity(point)))

    def on_matches(self, matches: Sequence[Match]) -> None:
        """Matches were written down."""
        for match in matches if self._followers else ():
            scanner = self._studio.room.book.scanners.get(match.scanner_id)
            if scanner is not None:
                self._tell(scanner, b"scanner_match", translate.match(match))

    def on_progress(self, run_id: int, progress: float) -> None:
        """A backtest has come so far."""
        run = self._studio.room.book.runs.get(run_id)
        if run is not None and self._followers:
            self._tell(run, b"backtest", {"id": run_id, "state": run.state.value, "progress": round(progress, 4)})

    def _tell(self, owned: Owned, topic: bytes, data: Any) -> None:
        encoded = ENCODER.encode(data)
        for follower in self._followers:
            if follower.reach.covers(owned):
                self._post(follower, topic, encoded)

    def _post(self, follower: Follower, topic: bytes, data: bytes) -> None:
        follower.seq += 1
        at = to_rfc3339(self._studio.desk.clock.now()).encode()
        follower.outbox.post(Frame(b'{"type":"%s","seq":%d,"at":"%s","data":%s}' % (topic, follower.seq, at, data)))

    # Ends.

    def _look(self) -> None:
        now = self._studio.desk.clock.now()
        for follower in list(self._followers):
            if not self._studio.access.is_still_valid(follower.principal, now):
                follower.session.hang_up(NOT_AUTHORIZED, "the token is no longer valid")
