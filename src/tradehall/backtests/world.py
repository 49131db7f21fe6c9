"""The world of a run: engine, venue and loop over a market of the past, and which of its prices they are shown."""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from tradehall.backtests.actions import Actions, booking_of, orders_after_split
from tradehall.backtests.bar_path import STOPS_BETWEEN_MAX, stop_between
from tradehall.backtests.kernels import CAN_SEARCH
from tradehall.backtests.line import BEYOND, EVERYWHERE, Levels, Line, Point
from tradehall.backtests.market import BEFORE_ALL, Market
from tradehall.backtests.settings import ActionKind, BacktestSettings, CorporateAction, InBar
from tradehall.backtests.tape import Window
from tradehall.backtests.tickets import Queue, Ticket, Timers
from tradehall.domain.market import Quote
from tradehall.engine import commands as cmd
from tradehall.engine.commands import AnyCommand
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.book import NOBODY
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Why(StrEnum):
    """Why a price was shown to the engine."""

    REACHED = "it could touch an order, set a peak, or leave a margin's band"
    WAITED_FOR = "an order waited for any price"
    OPEN = "orders waited for the open"
    LATEST = "it was the latest before an order, a deadline or the end of a block"
    BETWEEN = "a stop or limit lies between two prices of a bar"
    ACTION = "a split or dividend came before it"
    ASKED = "every price was to be visited"


class Due(NamedTuple):
    """What comes next of a line: `key` says when, among everything else."""

    key: tuple[int, int, int]
    line: Line
    point: Point
    why: Why


class World:
    """Engine and venue, shown what matters of the lines' prices, in the order of time.

    Every price that is not shown would have reached nobody: see docs/backtests.md. `is_stale`: something
    happened, so that what comes next has to be worked out anew.
    """

    def __init__(
        self,
        lines: Sequence[Line],
        settings: BacktestSettings,
        venue: VenueSettings,
        on_record: Callable[[Record], None],
    ) -> None:
        self.state = State()
        self.lines = lines
        self.market = Market(lines, self.state)
        simulated = SimulatedVenue(venue, self.state, self.market)
        self.loop = TradingLoop(Engine(self.state), simulated, self.market, on_record)
        self.skips = settings.skips and CAN_SEARCH
        self.is_stale = True
        self.shown: dict[Why, int] = dict.fromkeys(Why, 0)
        self.queue = Queue()
        self.timers = Timers()
        self._actions = Actions(settings.actions)
        self._stops_in_bars = settings.fills.in_bar is InBar.AT_PRICE
        self._found: dict[int, tuple[Levels, int]] = {}

    def load(self, window: Window) -> None:
        """Go on to the next stretch of time."""
        for line, rows, base in zip(self.lines, window.rows, window.bases, strict=True):
            line.load(rows, base, index=self.skips)
        self._found.clear()
        self.is_stale = True

    def leave(self, until: int) -> None:
        """Before the next window: the latest prices of this one are kept, and told to whom they concern."""
        self.market.move(until, BEFORE_ALL)
        self.catch_up()
        for line in self.lines:
            point = self.market.point_of(line)
            if point > line.told:
                line.shown = self.market.quote_of(line)
                line.told = point

    # What comes next.

    def next_due(self, until: int | None) -> Due | None:
        """The next price that has to be shown before `until` [ns UTC]."""
        first: Due | None = None
        for line in self.lines:
            due = self._due(line)
            if due is not None and (first is None or due.key < first.key):
                first = due
        return None if first is None or (until is not None and first.key[0] >= until) else first

    def _due(self, line: Line) -> Due | None:
        """The next price of a line that has to be shown; None: none in this window."""
        after = line.after(self.market.point_of(line))
        opened = after if after[1] == 0 else (after[0] + 1, 0)
        action_at = self._actions.next_at(line.symbol)
        if line.symbol in self.queue.waiting:
            point, why = opened, Why.OPEN
        elif action_at is not None:
            point, why = max(opened, (line.unit_at(action_at), 0)), Why.ACTION
        else:
            point, why = BEYOND, Why.REACHED
        if point != after:
            reached, because = self._next_reached(line, after)
            if reached < point:
                point, why = reached, because
        at = line.time_of(point)
        return None if at is None else Due((at, line.number, point[0]), line, point, why)

    def _next_reached(self, line: Line, after: Point) -> tuple[Point, Why]:
        if not self.skips:
            return after, Why.ASKED
        levels = line.levels(self.loop.reach(line.symbol), self.loop.margin_bounds(line.symbol))
        if levels is EVERYWHERE:
            return after, Why.WAITED_FOR
        known = self._found.get(line.number)
        if known is not None and known[0] == levels and known[1] >= after[0]:
            unit = known[1]
        else:
            unit = line.first_reached(after[0], levels)
            self._found[line.number] = levels, unit
        return (after if unit == after[0] else (unit, 0)), Why.REACHED

    # Showing prices.

    def show(self, due: Due) -> Iterator[None]:
        """Show a price, and those before it within its bar at which orders stop it.

        It stops behind each of them: whoever reads may trade there.
        """
        line, point = due.line, due.point
        if point[1] and self._stops_in_bars and self.loop.reach(line.symbol) is not NOBODY:
            yield from self._show_between(line, (point[0], point[1] - 1), self.market.quote_at(line, point))
        self._tell(line, point, self.market.quote_at(line, point), due.why)
        yield

    def _show_between(self, line: Line, start: Point, after: Quote) -> Iterator[None]:
        """Show the prices between that at `start` and the next one at which orders wait."""
        self.market.move(self.market.at, self.market.upto, line, start)
        before = self.market.quote_of(line)
        line.told, line.shown = start, before
        for _ in range(STOPS_BETWEEN_MAX):
            assert before is not None, "a bar's first price was told before its others"
            between = stop_between(before, after, self.loop.reach(line.symbol), line.rounded)
            if between is None:
                return
            self._tell(line, start, between, Why.BETWEEN)
            yield
            before = between

    def catch_up(self) -> None:
        """Show the latest price of every symbol that orders have come for: what happens next may look at it."""
        market = self.market
        place = market.at, market.upto, market.own, market.own_point
        behind = []
        for line in self.lines:
            if self.loop.follows(line.symbol) and (point := market.point_of(line)) > line.told:
                at = line.time_of(point)
                assert at is not None, f"{line.symbol} has passed {point}, which lies ahead"
                behind.append((at, line.number, line, point))
        for at, _, line, point in sorted(behind, key=lambda one: one[:2]):
            quote = market.quote_at(line, point)
            self._show(line, point, quote, Why.LATEST, at)
        if behind:
            market.move(*place)

    def _tell(self, line: Line, point: Point, quote: Quote, why: Why) -> None:
        """Show a price after the latest ones of all others."""
        self.market.move(quote.at, line.number, line, line.told)
        self.catch_up()
        actions = self._actions.take(line.symbol, quote.at) if point[1] == 0 else []
        for action in actions:
            if action.kind is ActionKind.SPLIT:
                self._take_orders_out(action, line)
        bookings = [booking_of(action, account_id) for action in actions for account_id in self.state.accounts]
        self._show(line, point, quote, why, quote.at, bookings)

    def _show(
        self,
        line: Line,
        point: Point,
        quote: Quote,
        why: Why,
        at: int,
        bookings: Sequence[cmd.BookCorporateAction] = (),
    ) -> None:
        line.told, line.shown = point, quote
        self.market.move(at, line.number, line, point)
        self.shown[why] += 1
        self.is_stale = True
        if bookings:
            self.loop.on_actions(bookings, quote, at)
        else:
            self.loop.on_quote(quote, at)

    def _take_orders_out(self, action: CorporateAction, line: Line) -> None:
        for account in self.state.accounts.values():
            account_id = account.terms.account_id
            again = orders_after_split(account, line.symbol, action.value, line.instrument.tick_size)
            if again:
                self.loop.submit(cmd.CancelAllOrders(account_id, line.symbol, "split"), self.market.at)
            for command in again:
                self.queue.add(Ticket(line.symbol), partial(self.submit, command))

    # Commands and time.

    def submit(self, command: AnyCommand) -> Record | None:
        """Decide a command at the place the run has come to."""
        self.catch_up()
        self.is_stale = True
        return self.loop.submit(command, self.market.at)

    def on_time(self, at: int) -> None:
        """Let what is due at `at` [ns UTC] happen, before the prices of that instant; what is overdue happens here."""
        if at > self.market.at:
            self.market.move(at, BEFORE_ALL)
        self.catch_up()
        self.is_stale = True
        self.loop.on_time(self.market.at)
