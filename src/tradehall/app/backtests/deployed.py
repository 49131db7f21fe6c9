"""A deployment's program over a recorded session: what it would have wished there, at once and without waiting."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from tradehall.app.backtests.deals import Deals
from tradehall.app.bars import NEVER, BarBook
from tradehall.app.deployments.carrying import Carrier
from tradehall.app.deployments.deciding import Decider
from tradehall.app.deployments.errands import Errand
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.names import deployment_of
from tradehall.app.outcome import Outcome
from tradehall.app.records.deployments import Deployment, DeploymentState
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Bar, Print, Quote, Timeframe
from tradehall.domain.order import Order
from tradehall.engine.commands import AnyCommand, ClosePosition, PlaceOrder
from tradehall.engine.events import OrderAccepted, OrderRejected, RequestRefused
from tradehall.engine.record import Record, decode_record
from tradehall.engine.state import State
from tradehall.ports.deployments import Signal, SignalOutcome
from tradehall.ports.feed import BAR_GRACE_NS
from tradehall.ports.history import BARS_PER_READ_MAX, BarHistory, BarWindow
from tradehall.ports.journal import Entries
from tradehall.strategies.definition import Definition
from tradehall.strategies.hub import Hub, Look
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.tracks import LOOKS_KEPT

Submit = Callable[[AnyCommand, int], Record | None]

HISTORY_MAX: Final = BARS_PER_READ_MAX - 1


class DeployedRobot:
    """The programs of `deployment`, as the house runs them: the same bars, looks, decisions and names of orders.

    `signals`, `deals`: all that it signalled and dealt here; `ends` [ns UTC]: when each stretch told its last.

    `history`: the bars of the time before the session. `bar_grace_ns`: the feed's.
    """

    def __init__(
        self,
        deployment: Deployment,
        definition: Definition,
        timeframe: Timeframe,
        history: BarHistory,
        journal: Entries,
        bar_grace_ns: int | None = BAR_GRACE_NS,
    ) -> None:
        self.signals: list[Signal] = []
        self.deals = Deals(deployment.deployment_id)
        self.ends: list[int] = []
        self._deployment = replace(deployment, state=DeploymentState.RUNNING)
        self._definition = definition
        self._timeframe = timeframe
        self._history = history
        self._journal = journal
        self._bar_grace_ns = bar_grace_ns

    def begin(self, state: State, quotes: Mapping[str, Quote], submit: Submit) -> None:
        """See Robot."""
        self._desk = _Counter(state, quotes, submit)
        self.ends.append(0)
        self._book = BarBook(self._history, self._bar_grace_ns)
        self._hub = Hub()
        self._decider = Decider(lambda: state, quotes)
        self._ledgers = Ledgers(lambda: state, self._journal, {}, None)
        number = self._deployment.deployment_id
        self._ledgers.open(number, self._deployment.account_id, self._deployment.keygen)
        for entry in self._journal.entries():
            if entry.seq > state.seq:
                break
            self._ledgers.capture(decode_record(entry.payload))
        self._carrier = Carrier(self._desk, self._ledgers)
        self._programs = [Program(self._definition, symbol, self._timeframe) for symbol in self._deployment.symbols]
        self._seated: set[int] = set()

    def owns(self, command: AnyCommand) -> bool:
        """See Robot. What stops it (cancelling, flattening) is a person's wish, and has another name or none."""
        if isinstance(command, PlaceOrder):
            name = command.terms.client_order_id
        else:
            name = command.client_order_id if isinstance(command, ClosePosition) else None
        return deployment_of(name) == self._deployment.deployment_id and ":stop." not in (name or "")

    def on_record(self, record: Record) -> None:
        """See Robot."""
        self._ledgers.capture(record)
        self.deals.take(record)

    def before(self, now: int) -> None:
        """See Robot: bars that are over by the clock, beats, and programs that have waited for other symbols."""
        self.ends[-1] = now
        while (due := min(self._book.next_close_at, self._hub.next_deadline() or NEVER)) <= now:
            self._look_at(self._book.close_by_time(due), due)
            self._decide(self._hub.on_time(due), due)

    def on_quote(self, quote: Quote, now: int) -> None:
        """See Robot."""
        closed = self._book.on_quote(quote)
        self._seat(now)
        self._look_at(closed, now)

    def _look_at(self, closed: Iterable[Bar], now: int) -> None:
        wanted = self._hub.clocks
        bars = [bar for bar in closed if Clock(bar.symbol, bar.timeframe) in wanted]
        if bars:
            self._decide(self._hub.on_bars(bars, now), now)

    def on_print(self, printed: Print, now: int) -> None:
        """See Robot."""
        self._book.on_print(printed)

    def _seat(self, now: int) -> None:
        """Let programs look from when the deployment began, and all symbols they look at are quoted."""
        began = self._deployment.started_at
        if len(self._seated) == len(self._programs) or began is None or now < began:
            return
        for key, program in enumerate(self._programs):
            if key not in self._seated and all(clock.symbol in self._desk.quotes for clock in program.clocks):
                needed = program.bars_needed().items()
                self._hub.add(key, program, {clock: self._closed(clock, count) for clock, count in needed}, now)
                self._seated.add(key)

    def _closed(self, clock: Clock, count: int) -> list[Bar]:
        limit = min(count + LOOKS_KEPT, HISTORY_MAX)
        over_until = self._book.over_until(clock.symbol) or 0
        bars = self._book.bars(BarWindow(clock.symbol, clock.timeframe, limit=limit + 1))
        return [bar for bar in bars if bar.at + clock.span <= over_until]

    def _decide(self, looks: Iterable[Look], now: int) -> None:
        deployment = self._deployment
        ended = deployment.stopped_at
        for look in looks:
            if look.signals.at <= (deployment.started_at or 0) or (ended is not None and now >= ended):
                continue
            program = self._programs[look.key]
            ledger = self._ledgers.get(deployment.deployment_id)
            assert ledger is not None, "its ledger is opened when it begins"
            bar_at = look.signals.at - (0 if look.bar_number is None else program.clock.span)
            decided = self._decider.decide(
                deployment, ledger, program, look.signals, now=now, bar_number=look.bar_number, bar_at=bar_at
            )
            self._desk.clock.at = now
            for signal in decided.signals:
                is_pending = signal.outcome is SignalOutcome.PENDING
                carried = self._carrier.carry_out(signal, is_strict=deployment.strict_sl)
                self.signals.append(self._at_once(carried) if is_pending else signal)

    def _at_once(self, errand: Errand[Signal]) -> Signal:
        """What an errand comes to, its wishes decided at the instant of the row."""
        try:
            wish = next(errand)
            while True:
                wish = errand.send(self._desk.submit(wish))
        except StopIteration as done:
            result: Signal = done.value
            return result


class _Clock:
    """The instant of the row that is told."""

    at = 0

    def now(self) -> int:
        return self.at


class _Counter:
    """See Counter: a wish is decided at once, at the instant of the row."""

    def __init__(self, state: State, quotes: Mapping[str, Quote], submit: Submit) -> None:
        self.state = state
        self.quotes = quotes
        self.clock = _Clock()
        self._submit = submit

    def ended_order(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """None: the robot asks once."""
        return None

    def submit(self, command: AnyCommand) -> Outcome:
        """What the desk would answer."""
        record = self._submit(command, self.clock.at)
        if record is None:
            return Outcome(is_repeat=True)
        for event in record.events:
            if isinstance(event, OrderRejected | RequestRefused):
                return Outcome(record.events, self._order(event.order_id), event.rejection)
            if isinstance(event, OrderAccepted):
                return Outcome(record.events, self._order(event.order_id))
        return Outcome(record.events)

    def _order(self, order_id: int | None) -> Order | None:
        found = None if order_id is None else self.state.order(order_id)
        return None if found is None else replace(found)
