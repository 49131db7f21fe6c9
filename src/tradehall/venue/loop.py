"""The trading loop: engine and venue answer each other until nothing more follows. The same code runs a server
and a backtest.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, get_args

from tradehall.domain.ids import AccountId
from tradehall.domain.market import Depth, Print, Quote
from tradehall.engine import events as ev
from tradehall.engine.commands import AnyCommand, BookCorporateAction, CheckLosses, CheckMargin, ReportExecution, Tick
from tradehall.engine.context import Context
from tradehall.engine.engine import Engine
from tradehall.engine.loss_watch import LossWatch, StrategyKey
from tradehall.engine.margin_watch import Bounds, MarginWatch, tightest
from tradehall.engine.record import Record
from tradehall.venue.book import Reach
from tradehall.venue.matching import Reports
from tradehall.venue.simulated import SimulatedVenue

# One input may set off this many decisions, and this many more for each working order. Beyond, we loop.
DECISIONS_MAX: Final = 65_536
DECISIONS_PER_ORDER_MAX: Final = 1_024


class TradingLoop:
    """Applies commands, market data and time to one shard, in that thread of thought which calls it.

    `quotes`: the latest quote of each symbol, kept by the caller, who puts a quote there before
    `on_quote`. `on_record` is called for each decision that made events, while the state is exactly what
    it was after it. Decisions' instants are strictly increasing.

    Margins and loss limits are looked at once at the end of each input, when nothing more follows from it: whoever
    has crossed a level by then is called there and then (docs/adr/0009-when-margins-are-looked-at.md).
    """

    def __init__(
        self,
        engine: Engine,
        venue: SimulatedVenue,
        quotes: Mapping[str, Quote],
        on_record: Callable[[Record], None],
    ) -> None:
        self._engine = engine
        self._state = engine.state
        self._venue = venue
        self._quotes = quotes
        self._on_record = on_record
        self._watch = MarginWatch(engine.state, quotes)
        self._losses = LossWatch(engine.state, quotes)
        self._backlog: deque[ev.AnyEvent] = deque()
        self._decision_count = 0
        # Before this instant nothing is due [ns UTC]; 0 where nobody has asked since the last input.
        self._calm_until = 0

    def rebuild(self) -> None:
        """Let venue and margin watch start anew from the State, after it was restored."""
        self._venue.rebuild()
        self._watch = MarginWatch(self._state, self._quotes)
        self._losses = LossWatch(self._state, self._quotes)
        self._calm_until = 0

    def submit(self, command: AnyCommand, now: int) -> Record | None:
        """Decide `command`, and all that follows from it at once; its own record, None if nothing happened."""
        if not self._begin(now):
            self._catch_up(now)
        record = self._decide(command, now)
        if record is not None:
            self._settle(now)
            self._look(now)
        return record

    def on_quote(self, quote: Quote, now: int) -> None:
        """Let a quote, already the latest of its symbol, reach orders and margins."""
        if not self._begin(now):
            self._tick(now)
        self._meet(quote, now)

    def on_actions(self, actions: Iterable[BookCorporateAction], quote: Quote, now: int) -> None:
        """Book splits and dividends, then let the first quote behind them reach orders and margins.

        They are one input: new units at the old price would call everybody.
        """
        if not self._begin(now):
            self._tick(now)
        for action in actions:
            if self._decide(action, now) is not None:
                self._settle(now)
        self._meet(quote, now)

    def on_depth(self, depth: Depth, now: int) -> None:
        """Let new levels behind the touch reach orders that wait for them."""
        if not self._begin(now):
            self._tick(now)
        self._apply(self._venue.on_depth(depth, now), now)
        self._look(now)

    def on_print(self, print_: Print, now: int) -> None:
        """Let an execution of others reach the orders that queue."""
        if not self._begin(now):
            self._tick(now)
        self._apply(self._venue.on_print(print_, now), now)
        self._look(now)

    def on_time(self, now: int) -> None:
        """Do what is due: expiries, swaps, delayed orders."""
        if not self._begin(now):
            self._catch_up(now)

    def next_deadline(self) -> int | None:
        """When `on_time` is due [ns UTC]; None while nothing waits for time. To be asked between two inputs."""
        losses, deadline, arrival = self._losses, self._engine.next_deadline(), self._venue.next_deadline()
        if arrival is not None and (deadline is None or arrival < deadline):
            deadline = arrival
        # A day's end is noted whether or not a loss waits for it.
        if deadline is None or losses.day_ends_at < deadline:
            self._calm_until = losses.day_ends_at
            return losses.next_deadline() or deadline
        self._calm_until = deadline
        return deadline

    # What a quote must do to matter: any other may be left out, if the last before an order or a deadline is told.

    @property
    def wants_any_quote(self) -> bool:
        """Whether the next quote matters, of whatever symbol: only before the first input after a start."""
        return bool(self._watch.moved or self._losses.moved)

    def follows(self, symbol: str) -> bool:
        """Whether the latest quote of `symbol` must be told before anything else happens."""
        return self._venue.follows(symbol)

    def reach(self, symbol: str) -> Reach | None:
        """Prices that a quote of `symbol` must come to before an order looks at it; None: any does."""
        return self._venue.reach(symbol)

    def margin_bounds(self, symbol: str) -> Bounds | None:
        """Prices that a quote must come to before a margin or a loss is looked at; None: nothing depends on it."""
        return tightest(self._watch.bounds(symbol), self._losses.bounds(symbol))

    def _begin(self, now: int) -> bool:
        """An input comes at `now`. Whether it is known that nothing is due before it: then it is what happens next."""
        self._decision_count = 0
        is_calm = now < self._calm_until
        self._calm_until = 0
        return is_calm

    def _catch_up(self, now: int) -> None:
        """What was due before a command happens before it: nobody amends what has expired, because a timer is late."""
        self._tick(now)
        due = self._venue.next_deadline()
        if due is not None and due <= now:
            self._apply(self._venue.on_time(now), now)
        self._look(now)

    def _tick(self, now: int) -> None:
        """What was due before a quote happens before it: an order that has expired must not fill on it."""
        self._losses.turn_to(now)
        while (due := self._engine.next_deadline()) is not None and due <= now:
            record = self._decide(Tick(), now)
            assert record is not None, f"a tick at {now} did nothing about what was due at {due}"
            self._settle(now)

    def _meet(self, quote: Quote, now: int) -> None:
        """A quote reaches orders first, then margins, then losses."""
        self._apply(self._venue.on_quote(quote, now), now)
        self._check_margins(self._watch.touched(quote), now)
        self._check_losses(self._losses.touched(quote, now), now)
        self._look(now)

    def _apply(self, reports: Reports, now: int) -> None:
        """Apply reports one by one: the venue decides each on the state after the one before."""
        for report in reports:
            self._decide(ReportExecution(report), now)
        if self._backlog:
            self._settle(now)

    def _settle(self, now: int) -> None:
        """Let the venue react to all that happened, and to what comes of that, until nothing follows."""
        backlog, react = self._backlog, self._venue.react
        while backlog:
            for report in react(backlog.popleft(), now):
                self._decide(ReportExecution(report), now)

    def _look(self, now: int) -> None:
        """The end of an input: look at the margins and losses that it moved, and at what comes of that."""
        watch, losses = self._watch, self._losses
        while watch.moved or losses.moved:
            if watch.moved and (due := watch.due()):
                self._check_margins(due, now)
            if losses.moved:
                self._check_losses(losses.due(now), now)

    def _check_margins(self, account_ids: Iterable[AccountId], now: int) -> None:
        """Look again after each liquidation, until nothing more has to go."""
        for account_id in account_ids:
            while self._decide(CheckMargin(account_id), now) is not None:
                self._settle(now)

    def _check_losses(self, keys: Iterable[StrategyKey], now: int) -> None:
        for key in keys:
            if self._decide(CheckLosses(*key), now) is not None:
                self._settle(now)

    def _decide(self, command: AnyCommand, now: int) -> Record | None:
        """One decision: applied, recorded, and its events put where the venue will find them."""
        self._decision_count += 1
        assert self._decision_count <= DECISIONS_MAX or self._is_wanted(), f"too many decisions; the last was {command}"
        state = self._state
        at = now if now > state.now else state.now + 1
        context = Context(at, self._quotes)
        events = self._engine.apply(command, context)
        if not events:
            return None
        record = Record(state.seq, at, command, events, tuple(context.quotes_read.values()))
        self._on_record(record)
        for event in events:
            is_heard, note = _AFTER[type(event)]
            if is_heard:
                self._backlog.append(event)
            if note is not None:
                note(self._watch, self._losses, event)
        return record

    def _is_wanted(self) -> bool:
        """Whether working orders explain so many decisions after one input."""
        return self._decision_count <= DECISIONS_MAX + DECISIONS_PER_ORDER_MAX * len(self._state.orders)


def _equity(margins: MarginWatch, _: LossWatch, event: Any) -> None:
    margins.refresh(event.account_id)


def _position(margins: MarginWatch, _: LossWatch, event: Any) -> None:
    margins.refresh(event.position.account_id)


def _terms(margins: MarginWatch, _: LossWatch, event: ev.AccountUpdated) -> None:
    margins.refresh(event.terms.account_id)


def _asked(margins: MarginWatch, _: LossWatch, event: ev.OrderAccepted | ev.OrderAmended) -> None:
    margins.held(event.terms.account_id)


def _ended(margins: MarginWatch, _: LossWatch, event: Any) -> None:
    margins.held(event.account_id)


def _book(_: MarginWatch, losses: LossWatch, event: Any) -> None:
    losses.refresh(event.account_id, event.strategy_id)


# Whether the venue hears of an event, and who has to be looked at again because of it. What a fill holds less comes
# with a change of its position.
_AFTER: Final[dict[type, tuple[bool, Callable[[MarginWatch, LossWatch, Any], None] | None]]] = {
    #                      venue  looked at
    ev.InstrumentListed:   (False, None),
    ev.AccountOpened:      (False, None),
    ev.AccountUpdated:     (False, _terms),
    ev.RequestRefused:     (False, None),
    ev.OrderRejected:      (False, None),
    ev.OrderAccepted:      (True,  _asked),
    ev.OrderOpened:        (False, None),
    ev.OrderAmended:       (True,  _asked),
    ev.OrderTriggered:     (False, None),
    ev.OrderFilled:        (True,  None),
    ev.OrderCancelled:     (True,  _ended),
    ev.OrderExpired:       (True,  _ended),
    ev.OrderFailed:        (True,  _ended),
    ev.PositionOpened:     (False, _position),
    ev.PositionChanged:    (False, _position),
    ev.PositionClosed:     (False, _position),
    ev.BalanceChanged:     (False, _equity),
    ev.MarginStateChanged: (False, _equity),
    ev.OcoDoubleExit:      (False, None),
    ev.ReportUnmatched:    (False, None),
    ev.TrailingPeakMoved:  (False, None),
    ev.RolloverBooked:     (False, None),
    ev.StrategyRegistered: (False, None),
    ev.BudgetSet:          (False, None),
    ev.BudgetRemoved:      (False, None),
    ev.OrderHoldChanged:   (False, None),
    ev.StrategyLimitsSet:  (False, _book),
    ev.TradingStateSet:    (False, _book),
    ev.BookFilled:         (False, _book),
    ev.PartOpened:         (False, None),
    ev.PartChanged:        (False, None),
    ev.PartClosed:         (False, None),
    ev.UnitsSplit:         (False, None),
}  # fmt: skip
assert _AFTER.keys() == set(get_args(ev.AnyEvent))
