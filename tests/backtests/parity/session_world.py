"""A paper session from one seed: board, desk, engine and venue as a server has them, an owned clock, and a tape.

Whoever trades here throws dice: every type of order, in a netting and a hedging account, amended, cancelled, closed,
with exits and groups, while the market goes on, time brings expiries and rollovers, and now and then the disk is full.
"""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from tests.app.faults import FaultyStore
from tests.app.shard import OwnClock
from tradehall.adapters.memory import MemoryStore
from tradehall.app.desk import Desk
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import recover
from tradehall.app.session_tape import SessionTape
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.instrument import Commission, Instrument
from tradehall.domain.market import Depth
from tradehall.domain.order import Side
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MS, NS_PER_SECOND, from_rfc3339
from tradehall.engine import commands as cmd
from tradehall.engine.events import OrderFilled
from tradehall.engine.record import Record, decode_record
from tradehall.venue.session import AnyRow, TapedLoop, decode_row, encode_row
from tradehall.venue.settings import Liquidity, VenueSettings

# Shortly before the day's rollover, so that orders for the day expire and swaps are booked.
BEGIN = from_rfc3339("2025-01-14T21:59:30Z")
NETTING, HEDGING = 700_100, 700_001
SYMBOLS = ("AAPL", "EURUSD", "BTCUSD")
UNITS = {"AAPL": ("1", "25", "400"), "EURUSD": ("1000", "25000", "400000"), "BTCUSD": ("0.01", "0.5", "3")}


def some_settings(dice: Random) -> VenueSettings:
    """A venue of some kind."""
    displayed = dice.random() < 0.5
    return VenueSettings(
        liquidity=Liquidity.DISPLAYED if displayed else Liquidity.UNLIMITED,
        latency_ns=dice.choice((0, 0, 3 * NS_PER_MS, 250 * NS_PER_MS)),
        slippage_ticks=dice.choice((0, 2)),
        slippage_bps=dice.choice((Decimal(0), Decimal("0.5"))),
        partial_fill_ratio=dice.choice((None, Decimal("0.4"))),
        queueing=displayed and dice.random() < 0.5,
    )


class SessionWorld:
    """One session. `rows`: what was recorded; the journal is `store.journal`."""

    def __init__(
        self,
        seed: int,
        instruments: dict[str, Instrument],
        settings: VenueSettings | None = None,
        *,
        symbols: tuple[str, ...] = SYMBOLS,
        begin: int = BEGIN,
    ) -> None:
        self.symbols = symbols
        self.dice = Random(seed)
        self.clock = OwnClock(begin)
        self.settings = some_settings(self.dice) if settings is None else settings
        self.store = FaultyStore(MemoryStore(VIEWS_VERSION))
        self.rows: list[AnyRow] = []
        self.tape = SessionTape(lambda row: self.rows.append(decode_row(encode_row(row))), "0.0.0")
        self.instruments = {symbol: _charged(instrument) for symbol, instrument in instruments.items()}
        self.board = MarketBoard(self.instruments, None, self.clock, None, bars=_NoBars())  # type: ignore[arg-type]
        self.asked: set[asyncio.Task[Any]] = set()
        self.groups = 0
        self._start()

    def _start(self) -> None:
        self.board.quotes.clear()

        def make_loop(state, on_record):
            loop = TapedLoop(state, self.settings, self.board.quotes, on_record, self.tape)
            loop.rebuild()
            return loop

        store: Any = self.store
        self.desk = Desk(
            state=recover(store.journal, None), make_loop=make_loop, restore=lambda: recover(store.journal, None),
            store=store, quotes=self.board.quotes, clock=self.clock, on_unknown=_unknown, is_paced=True,
        )  # fmt: skip
        self.desk.probe_interval_s = 0

    async def open(self) -> "SessionWorld":
        self.board.subscribe(self.tape)
        self.board.subscribe(self.desk)
        self.desk.attach(asyncio.get_running_loop())
        for instrument in self.instruments.values():
            self.ask(cmd.ListInstrument(instrument))
        for account_id, mode in ((NETTING, PositionMode.NETTING), (HEDGING, PositionMode.HEDGING)):
            terms = AccountTerms(account_id, position_mode=mode, leverage=Decimal(20))
            self.ask(cmd.OpenAccount(terms, Decimal(20_000)))
        await self.commit()
        return self

    def ask(self, command: cmd.AnyCommand) -> None:
        """Send a wish; its answer waits for the disk."""
        self.asked.add(asyncio.ensure_future(self.desk.submit(command)))

    async def commit(self) -> None:
        """Let what was asked be decided, and what was decided become durable."""
        await asyncio.sleep(0)
        while self.desk.writer.commit_next():  # noqa: ASYNC110 - it is the desk's turn.
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in [task for task in self.asked if task.done()]:
            self.asked.discard(task)
            assert isinstance(task.exception(), ShardUnavailable | None), task.exception()

    def pass_time(self, span: int) -> None:
        """Let the clock go on; what becomes due meanwhile is done at its own instant, as an alarm would."""
        until = self.clock.at + span
        while (due := self.desk.next_deadline()) is not None and due <= until and self.desk.closed_because is None:
            self.clock.at = max(self.clock.at, due)
            self.desk.on_time()
        self.clock.at = until

    async def trade(self, steps: int, tell: Callable[[], object], *, faults: bool = False) -> None:
        """`steps` times: time passes, the market says something (`tell`), somebody may want something."""
        for _ in range(steps):
            self.pass_time(self.dice.randint(0, 300) * NS_PER_MS if self.dice.random() < 0.99 else 3 * NS_PER_HOUR)
            tell()
            self._tell_depth()
            if self.dice.random() < 0.5:
                self.wish()
            if faults and self.dice.random() < 0.03:
                self.store.journal.refuse = self.dice.randint(1, 3)
            if self.dice.random() < 0.7:
                await self.commit()
        await self.come_back()

    async def come_back(self) -> None:
        """Until the disk has taken everything, and the shard is open."""
        self.store.journal.refuse = 0
        await self.commit()
        while self.desk.closed_because is not None:  # noqa: ASYNC110 - the desk folds its state in a thread.
            await asyncio.sleep(0.001)
        await self.commit()

    def end(self) -> None:
        """Stop in order."""
        self.tape.end(self.store.journal.head.seq, "the test is over")

    def _tell_depth(self) -> None:
        symbol = self.dice.choice(self.symbols)
        quote = self.board.quotes.get(symbol)
        if quote is not None and self.dice.random() < 0.2:
            tick = self.instruments[symbol].tick_size
            sizes = [Decimal(self.dice.randint(1, 5_000)) / 10 for _ in range(6)]
            bids = tuple((quote.bid - tick * level, sizes[level]) for level in range(3))
            asks = tuple((quote.ask + tick * level, sizes[level + 3]) for level in range(3))
            self.board.on_depth(Depth(symbol, bids, asks, self.clock.at, self.clock.at))

    # What somebody may want.

    def wish(self) -> None:
        wishes = (
            self.place,
            self.place,
            self.place,
            self.pair,
            self.amend,
            self.cancel,
            self.close,
            self.exits,
            self.funds,
        )
        wish = self.dice.choice(wishes)
        wish()

    def place(self, **options: Any) -> None:
        symbol = self.dice.choice(self.symbols)
        quote = self.board.quotes.get(symbol)
        if quote is None:
            return
        kind = self.dice.choice(("MARKET", "MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"))
        tif = self.dice.choice(("GTC", "GTC", "DAY", "GTD", "IOC", "FOK"))
        options |= {"limit_price": self.near(symbol)} if "LIMIT" in kind else {}
        options |= {"stop_price": self.near(symbol)} if kind.startswith("STOP") else {}
        if kind == "TRAILING_STOP":
            options |= {"trailing_distance": self.tick(symbol) * 20, "trailing_type": "ABSOLUTE"}
        if tif == "GTD":
            options["expires_at"] = self.clock.at + self.dice.randint(1, 100) * NS_PER_SECOND
        if self.dice.random() < 0.4:
            options |= {
                "stop_loss": quote.bid - self.tick(symbol) * 30,
                "take_profit": quote.bid + self.tick(symbol) * 30,
            }
        terms = {
            "account_id": self.account(), "symbol": symbol, "side": self.dice.choice(list(Side)), "type": kind,
            "quantity": self.dice.choice(UNITS.get(symbol, UNITS["BTCUSD"])), "time_in_force": tif, "reduce_only": self.dice.random() < 0.1,
        } | options  # fmt: skip
        wish = {"terms": {name: str(value) if isinstance(value, Decimal) else value for name, value in terms.items()}}
        self.ask(msgspec.convert(wish, cmd.PlaceOrder))

    def pair(self) -> None:
        self.groups += 1
        for _ in range(2):
            self.place(oco_group_id=f"group {self.groups}")

    def amend(self) -> None:
        orders = list(self.desk.state.orders.values())
        if orders:
            order = self.dice.choice(orders)
            price = self.near(order.terms.symbol)
            changes: dict[str, Any] = self.dice.choice(
                ({"limit_price": price}, {"stop_loss": price}, {"quantity": order.terms.quantity * 2})
            )
            self.ask(cmd.AmendOrder(order.terms.account_id, order.order_id, **changes))

    def cancel(self) -> None:
        orders = list(self.desk.state.orders.values())
        if orders:
            order = self.dice.choice(orders)
            self.ask(cmd.CancelOrder(order.terms.account_id, order.order_id))

    def close(self) -> None:
        account_id = self.account()
        positions = [*self.desk.state.accounts[account_id].positions, 4711]
        self.ask(cmd.ClosePosition(account_id, self.dice.choice(positions)))

    def exits(self) -> None:
        account_id = self.account()
        for position in list(self.desk.state.accounts[account_id].positions.values())[:1]:
            self.ask(cmd.SetPositionExits(account_id, position.position_id, stop_loss=self.near(position.symbol)))

    def funds(self) -> None:
        self.ask(cmd.MoveFunds(self.account(), Decimal(self.dice.randint(-3_000, 3_000))))

    def account(self) -> int:
        return self.dice.choice((NETTING, HEDGING))

    def tick(self, symbol: str) -> Decimal:
        return self.instruments[symbol].tick_size

    def near(self, symbol: str) -> Decimal:
        return self.board.quotes[symbol].bid + self.tick(symbol) * self.dice.randint(-30, 30)

    # What became of it.

    def payloads(self, after: int) -> Iterator[bytes]:
        """Payloads of the journal's records beyond `after`."""
        return (entry.payload for entry in self.store.journal.entries(after))

    def records(self) -> list[Record]:
        """The journal."""
        return [decode_record(payload) for payload in self.payloads(0)]

    def fills(self) -> list[OrderFilled]:
        """All fills of the journal."""
        return [event for record in self.records() for event in record.events if isinstance(event, OrderFilled)]


class _NoBars:
    """Nobody here looks at bars."""

    def on_quote(self, quote):
        return ()

    def on_print(self, printed):
        pass


def _charged(instrument: Instrument) -> Instrument:
    fee = Commission(taker_rate=Decimal("0.0002"), maker_rate=Decimal("0.0001"), minimum=Decimal("0.01"))
    return msgspec.structs.replace(
        instrument, commission=fee, swap_long=Decimal("-0.001"), swap_short=Decimal("0.0005")
    )


def _unknown(error: BaseException) -> None:
    raise AssertionError("the journal's outcome was unknown") from error
