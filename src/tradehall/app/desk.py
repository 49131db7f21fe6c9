"""Desk: the one door of the faces. A wish goes in, its durable outcome comes out."""

import asyncio
import logging
from asyncio import AbstractEventLoop, Task
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from typing import Any, Final

from msgspec.structs import replace

from tradehall.app.audience import DecisionListener
from tradehall.app.known_ids import sieve_of
from tradehall.app.market import MarketListener
from tradehall.app.moment import Moment
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.timers import Alarm
from tradehall.app.writer import IN_FLIGHT_MAX, Writer
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.order import Order
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import AnyCommand, ClosePosition, PlaceOrder, PriorOrder
from tradehall.engine.context import Context
from tradehall.engine.events import OrderAccepted, OrderRejected, RequestRefused
from tradehall.engine.record import Record
from tradehall.engine.state import ConservationError, State
from tradehall.ports.clock import Clock
from tradehall.ports.journal import JournalRefused
from tradehall.ports.store import Store
from tradehall.venue.book import Reach
from tradehall.venue.loop import TradingLoop

PROBE_INTERVAL_S: Final = 0.5
# Decisions that broke off in FAULT_SPAN_NS: beyond this many the shard stays stopped.
FAULTS_MAX: Final = 3
FAULT_SPAN_NS: Final = 60 * NS_PER_SECOND

log: Final = logging.getLogger("tradehall.desk")


MakeLoop = Callable[[State, Callable[[Record], None]], TradingLoop]


class Desk(MarketListener):
    """A shard at work. `start` first; belongs to the thread of the running loop.

    `state` is read by everyone and replaced when the shard folds it anew: read `desk.state` each time and
    keep no reference. `make_loop` builds engine and venue around a state, which may hold working orders.
    `restore` folds the durable journal; it is called in a thread of its own. `on_unknown` must end the
    process: it is called, in any thread, when nobody knows whether a batch was written. `is_paced`: whoever
    moves the clock calls `on_time` at each `next_deadline`; else an alarm does.
    """

    def __init__(
        self,
        *,
        state: State,
        make_loop: MakeLoop,
        restore: Callable[[], State],
        store: Store,
        quotes: Mapping[str, Quote],
        clock: Clock,
        on_unknown: Callable[[BaseException], None],
        is_paced: bool = False,
    ) -> None:
        assert store.view_store.seq == store.journal.head.seq, "`recover` makes the rows that the views lack"
        self.views = store.views
        self.quotes = quotes
        self.clock = clock
        self.writer = Writer(store.journal, self._journal_refused, on_unknown)
        self.writer.hear_rows(lambda seq, rows: self.views.refresh())
        self._is_paced = is_paced
        self._make_loop = make_loop
        self._restore = restore
        self._on_unknown = on_unknown
        self.probe_interval_s = PROBE_INTERVAL_S
        self._faults: deque[int] = deque(maxlen=FAULTS_MAX)
        self._closed_because: str | None = "the server is starting"
        self._is_folded = True
        self._return: Task[None] | None = None
        self._reading: Task[None] | None = None
        self._alarm: Alarm | None = None
        self._install(state)

    # For the faces.

    @property
    def closed_because(self) -> str | None:
        """Why no wish is taken now; None while the shard is open."""
        return self._closed_because

    def context(self) -> Context:
        """The present, to preview or value with."""
        return Context(self.clock.now(), self.quotes)

    async def submit(self, command: AnyCommand) -> Outcome:
        """Decide `command` and return once the decision is durable.

        ShardUnavailable: it was not decided, or could not be kept; nothing remains of it. Give `digest` to
        a PlaceOrder with a client order id; `prior` is found here.
        """
        if self._closed_because is not None:
            raise ShardUnavailable(self._closed_because)
        if self.writer.in_flight >= IN_FLIGHT_MAX:
            raise ShardUnavailable(f"{IN_FLIGHT_MAX} decisions wait for the disk")
        outcome = self._decide(command)
        durable = self.writer.keep()
        if durable is not None:
            await durable
        return outcome

    async def settled(self, account_id: AccountId | None = None) -> None:
        """Return when all that could be read from `state` before the call is durable, or gone, and in the views.

        With an account: all that could be read of that, its orders and positions.
        ShardUnavailable: what was read could not be kept, and `state` is good again, read it anew; or views cannot be
        written now.
        """
        await self._past(self.writer.when_written(account_id))

    async def durable(self, account_id: AccountId | None = None) -> None:
        """As `settled`, for those who read no views: these may lack what happened last."""
        await self._past(self.writer.when_durable(account_id))

    async def _past(self, moment: Moment | None) -> None:
        if moment is not None:
            await moment
        if not self._is_folded:
            raise ShardUnavailable(self._closed_because or "the state is being folded anew")

    def order(self, order_id: int) -> Order | None:
        """An order, working or ended; whoever tells of it waits for `durable` first."""
        return self.state.order(order_id) or self.writer.unwritten.order(order_id) or self.views.order(order_id)

    def ended_order(self, account_id: int, client_order_id: str) -> Order | None:
        """The newest ended order with that client id, also where the state has forgotten it; wait as above."""
        if not self.writer.known_ids.may_hold(account_id, client_order_id):
            return None
        return self.writer.unwritten.order_by_client_id(account_id, client_order_id) or self.views.order_by_client_id(
            account_id, client_order_id
        )

    def listen(self, listener: DecisionListener) -> None:
        """Tell `listener` of every decision from now on."""
        self.writer.listen(listener)

    # Starting and stopping.

    async def start(self) -> None:
        """Take wishes from now on."""
        loop = asyncio.get_running_loop()
        self.attach(loop)
        self.writer.start()
        self._reading = loop.create_task(self._read_known_ids())

    def attach(self, loop: AbstractEventLoop) -> None:
        """As `start`, but whoever calls commits the writer's batches: for simulations."""
        self.writer.bind(loop)
        self._alarm = None if self._is_paced else Alarm(loop, self.clock, self.on_time)
        self._closed_because = None
        self._after_turn()

    async def stop(self, reason: str = "the server is shutting down") -> None:
        """Take no more wishes, make everything durable, end the journal's thread."""
        self._closed_because = reason
        if self._alarm is not None:
            self._alarm.cancel()
        if self._return is not None:
            self._return.cancel()
        if self._reading is not None:
            self._reading.cancel()
        durable = self.writer.when_durable()
        if durable is not None:
            await asyncio.wait([durable])
        self.writer.stop()
        await asyncio.sleep(0)  # What the journal's thread said at last is heard before anybody closes the store.

    async def _read_known_ids(self) -> None:
        self.writer.known_ids.merge(await asyncio.to_thread(sieve_of, self.views.client_order_ids()))

    # The market's side.

    def on_quote(self, quote: Quote) -> None:
        """Let resting orders and margins hear of a quote that `quotes` holds already."""
        self._hear(self._loop.on_quote, quote)

    def on_depth(self, depth: Depth) -> None:
        """Let the venue hear of an order book."""
        self._hear(self._loop.on_depth, depth)

    def on_print(self, printed: Print) -> None:
        """Let the venue hear of an execution in the market."""
        self._hear(self._loop.on_print, printed)

    def on_time(self) -> None:
        """Do what time has made due."""
        self._hear(lambda _, now: self._loop.on_time(now), None)

    def next_deadline(self) -> int | None:
        """When `on_time` is due [ns UTC]; None while nothing waits for time."""
        return self._loop.next_deadline()

    def ignores(self, symbol: str) -> bool:
        """Whether nothing that the market says of `symbol` now can set anything off: nobody has to hear it."""
        loop = self._loop
        return not (loop.wants_any_quote or loop.follows(symbol)) and loop.margin_bounds(symbol) is None

    def reach(self, symbol: str) -> Reach | None:
        """Prices that a quote of `symbol` must come to before it reaches an order; None: nobody says."""
        return self._loop.reach(symbol) if self._loop.follows(symbol) else None

    def _hear(self, decide: Callable[[Any, int], None], word: object) -> None:
        if self._closed_because is not None:
            return  # The venue looks at the latest quotes when the shard opens again.
        try:
            decide(word, self.clock.now())
        except Exception as error:
            self._decision_broke(word, error)
        self._after_turn()

    # One decision.

    def _decide(self, command: AnyCommand) -> Outcome:
        name = _client_name(command)
        prior = None if name is None else self._prior(*name)
        if prior is not None:
            command = replace(command, prior=PriorOrder(prior.order_id, prior.status, prior.digest))
        try:
            record = self._loop.submit(command, self.clock.now())
        except Exception as error:
            self._decision_broke(command, error)
            assert self._closed_because is not None
            raise ShardUnavailable(self._closed_because) from error
        outcome = self._outcome(command, record, prior)
        self._after_turn()
        return outcome

    def _prior(self, account_id: int, client_order_id: str) -> Order | None:
        if not self.writer.known_ids.may_hold(account_id, client_order_id):
            return None
        account = self.state.accounts.get(account_id)
        if account is None or client_order_id in account.client_ids:
            return None  # The engine sees it itself.
        return self.ended_order(account_id, client_order_id)

    def _outcome(self, command: AnyCommand, record: Record | None, prior: Order | None) -> Outcome:
        if record is None:
            return self._repeat(command, prior)
        decided = self.writer.turn.decided
        events = record.events
        if len(decided) > 1:
            events = tuple(chain.from_iterable(each.events for each, _ in decided))
        for event in record.events:
            if type(event) is OrderAccepted:
                return Outcome(events, self._as_it_stands(event.order_id))
            if type(event) is OrderRejected:
                return Outcome(events, self._as_it_stands(event.order_id), event.rejection)
            if type(event) is RequestRefused:
                order_id = event.order_id or getattr(command, "order_id", None)
                return Outcome(events, self._as_it_stands(order_id), event.rejection)
        return Outcome(events, self._as_it_stands(getattr(command, "order_id", None)))

    def _repeat(self, command: AnyCommand, prior: Order | None) -> Outcome:
        if (name := _client_name(command)) is None:
            return Outcome(order=self._as_it_stands(getattr(command, "order_id", None)))
        found = self.state.order_by_client_id(self.state.accounts[name[0]], name[1])
        return Outcome(order=prior or (None if found is None else replace(found)), is_repeat=True)

    def _as_it_stands(self, order_id: int | None) -> Order | None:
        # A copy: the order may go on changing before this answer is durable.
        order = None if order_id is None else self.state.order(order_id)
        return None if order is None else replace(order)

    def _after_turn(self) -> None:
        self.writer.end_turn()
        if self._alarm is not None and self._closed_because is None:
            self._alarm.set(self._loop.next_deadline())

    # Failures.

    def _journal_refused(self, refusal: JournalRefused) -> None:
        self._close(f"the journal cannot be written: {refusal}")

    def _decision_broke(self, cause: object, error: Exception) -> None:
        """Our own bug: the state may be half-changed, so nothing of this turn is kept."""
        log.critical("a decision broke off: seq=%d cause=%r error=%r", self.state.seq, cause, error, exc_info=error)
        self.writer.abort_turn()
        now = self.clock.now()
        self._faults.append(now)
        is_again = len(self._faults) == FAULTS_MAX and now - self._faults[0] < FAULT_SPAN_NS
        self._close(f"a decision broke off: {error}", is_final=is_again or isinstance(error, ConservationError))

    def _close(self, reason: str, *, is_final: bool = False) -> None:
        """Take no wishes, fold the state anew, and open again when the journal can be written (never: `is_final`)."""
        if self._return is not None:
            return  # Already on the way back.
        log.error("the shard is closed: %s%s", reason, " (until a restart)" if is_final else "")
        self._closed_because = reason
        self._is_folded = False
        if self._alarm is not None:
            self._alarm.cancel()
        self._return = asyncio.get_running_loop().create_task(self._come_back(is_final=is_final))

    async def _come_back(self, *, is_final: bool) -> None:
        rest = self.writer.when_durable()
        if rest is not None:
            await asyncio.wait([rest])  # What was decided before is still on its way to the disk.
        self._install(await asyncio.to_thread(self._restore))
        self._is_folded = True
        log.info("the state is folded anew: seq=%d", self.state.seq)
        if is_final:
            return
        while not await self._probe():  # noqa: ASYNC110 - a full disk sends no event when it has room again.
            await asyncio.sleep(self.probe_interval_s)
        self._return = None
        self._closed_because = None
        self.writer.resume()
        log.info("the shard is open again: seq=%d", self.state.seq)
        for quote in list(self.quotes.values()):
            self.on_quote(quote)

    async def _probe(self) -> bool:
        try:
            await asyncio.to_thread(self.writer.journal.probe)
        except JournalRefused:
            return False
        except Exception as error:
            self._on_unknown(error)
            raise
        return True

    def _install(self, state: State) -> None:
        self.state = state
        self._loop = self._make_loop(state, partial(self.writer.take, state))


def _client_name(command: AnyCommand) -> tuple[int, str] | None:
    """Account and client order id of a wish that is safe to repeat."""
    if type(command) is PlaceOrder and command.terms.client_order_id is not None:
        return command.terms.account_id, command.terms.client_order_id
    if type(command) is ClosePosition and command.client_order_id is not None:
        return command.account_id, command.client_order_id
    return None
