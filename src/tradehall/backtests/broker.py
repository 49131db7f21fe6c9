"""The broker: what a strategy asks for becomes the commands that every door submits, and meets every rule."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, TypedDict, Unpack

from tradehall.backtests.market import AFTER_ALL
from tradehall.backtests.settings import BacktestSettings, FillAt
from tradehall.backtests.sizing import ALL_IN, AllIn, Amount, Size, floored
from tradehall.backtests.tickets import Number, Ticket, Wish
from tradehall.backtests.world import World
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO, round_to
from tradehall.domain.order import Order, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.domain.position import Position
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.record import Record
from tradehall.engine.valuation import cross_available, value_account


class OrderOptions(TypedDict, total=False):
    """What an order may say besides side, size and symbol."""

    limit: Number | None
    stop: Number | None
    trail: Number | None
    trail_percent: Number | None
    stop_loss: Number | None
    take_profit: Number | None
    time_in_force: TimeInForce | str
    expires_at: int | None
    reduce_only: bool
    post_only: bool
    oco: str | None
    client_order_id: str | None
    strategy_id: str | None
    comment: str


class Changes(TypedDict, total=False):
    """What an amendment may change."""

    quantity: Number | None
    limit: Number | None
    stop: Number | None
    trail: Number | None
    stop_loss: Number | None
    take_profit: Number | None


class Broker:
    """One account of the run, as its strategy trades it. `symbol` may be left out where the run has only one."""

    def __init__(self, world: World, settings: BacktestSettings, account_id: AccountId) -> None:
        self.account_id = account_id
        self._world = world
        self._settings = settings
        self._market = world.market
        self._account: Account = world.state.accounts[account_id]
        self._only = world.lines[0].symbol if len(world.lines) == 1 else None
        self._queues = settings.fills.at is FillAt.NEXT_OPEN

    def on(self, account_id: AccountId) -> "Broker":
        """The same run's broker of another account. KeyError if the run has no such account."""
        return Broker(self._world, self._settings, account_id)

    # What is.

    @property
    def now(self) -> int:
        """The instant the run has come to [ns UTC]."""
        return self._market.at

    @property
    def symbols(self) -> Sequence[str]:
        """What the run trades."""
        return [line.symbol for line in self._world.lines]

    @property
    def cash(self) -> Decimal:
        """Balance [account currency]."""
        return self._account.balance

    @property
    def equity(self) -> Decimal:
        """Balance and unrealised P&L [account currency]."""
        return value_account(self._world.state, self._account, self._market.get).equity

    @property
    def free(self) -> Decimal:
        """What new orders may draw on [account currency]."""
        return cross_available(self._world.state, self._account, self._market.get)

    def net(self, symbol: str | None = None) -> Decimal:
        """Units held: long positive, short negative."""
        exposure = self._account.exposures.get(symbol or self._symbol(None))
        return ZERO if exposure is None else exposure.long_quantity - exposure.short_quantity + exposure.isolated_net

    def position(self, symbol: str | None = None) -> Position | None:
        """The newest open position in a symbol; on a netting account the only one."""
        of_symbol = self.positions(symbol or self._symbol(None))
        return of_symbol[-1] if of_symbol else None

    def positions(self, symbol: str | None = None) -> list[Position]:
        """Open positions of the account, or of one symbol, oldest first."""
        return [one for one in self._account.positions.values() if symbol is None or one.symbol == symbol]

    def orders(self, symbol: str | None = None) -> list[Order]:
        """Working orders of the account, or of one symbol, oldest first, without those that wait for an open."""
        return [one for one in self._account.orders.values() if symbol is None or one.terms.symbol == symbol]

    def quote(self, symbol: str | None = None) -> Quote | None:
        """The latest quote, None before the first."""
        return self._market.get(self._symbol(symbol))

    def instrument(self, symbol: str | None = None) -> Instrument:
        """The rules of a symbol."""
        return self._world.state.instruments[self._symbol(symbol)]

    # What is asked for.

    def buy(self, size: Size = ALL_IN, symbol: str | None = None, **options: Unpack[OrderOptions]) -> Ticket:
        """Buy at market; with `limit`, `stop`, `trail` or `trail_percent` under that condition."""
        return self._order(Side.BUY, size, symbol, options)

    def sell(self, size: Size = ALL_IN, symbol: str | None = None, **options: Unpack[OrderOptions]) -> Ticket:
        """Sell, as `buy` buys."""
        return self._order(Side.SELL, size, symbol, options)

    def hold(self, units: Number, symbol: str | None = None) -> Ticket:
        """Come to hold `units` (short: negative) by one market order for the difference; none where there is none."""
        name, wanted = self._symbol(symbol), to_decimal(units)

        def wish() -> cmd.PlaceOrder | None:
            missing = wanted - self.net(name)
            return self._at_market(name, Side.BUY if missing > 0 else Side.SELL, abs(missing)) if missing else None

        return self._give(name, wish)

    def close(self, symbol: str | None = None) -> Ticket:
        """Close all that is open in a symbol, at market; nothing happens where nothing is."""
        name = self._symbol(symbol)
        return self._give(name, lambda: cmd.CloseAllPositions(self.account_id, name, "backtest"))

    def close_position(self, position_id: PositionId, quantity: Number | None = None) -> Ticket:
        """Close one position, or `quantity` units of it, at market."""
        position = self._account.positions.get(position_id)
        units = None if quantity is None else to_decimal(quantity)
        command = cmd.ClosePosition(self.account_id, position_id, units, source="backtest")
        return self._give(self._only or (position.symbol if position else ""), lambda: command)

    def cancel(self, order: Ticket | Order | OrderId) -> Ticket:
        """Take an order out, at once."""
        if isinstance(order, Ticket) and order.is_queued:
            self._world.queue.drop(order)
            self._world.is_stale = True
            return order
        return self._now(cmd.CancelOrder(self.account_id, _order_id(order)))

    def cancel_all(self, symbol: str | None = None) -> None:
        """Take all working orders out, or those of a symbol, and what waits for its next open."""
        queue = self._world.queue
        for name in [symbol] if symbol else list(queue.waiting):
            queue.take(name)
        self._now(cmd.CancelAllOrders(self.account_id, symbol))

    def amend(self, order: Ticket | Order | OrderId, **changes: Unpack[Changes]) -> Ticket:
        """Change a working order in place, at once."""
        order_id = _order_id(order)
        known = self._account.orders.get(order_id)
        price = partial(self._price, self._symbol(known.terms.symbol if known else None))
        command = cmd.AmendOrder(
            self.account_id,
            order_id,
            quantity=None if (quantity := changes.get("quantity")) is None else to_decimal(quantity),
            limit_price=price(changes.get("limit")),
            stop_price=price(changes.get("stop")),
            trailing_distance=price(changes.get("trail")),
            stop_loss=price(changes.get("stop_loss")),
            take_profit=price(changes.get("take_profit")),
        )
        return self._now(command)

    def set_exits(
        self, position: Position, *, stop_loss: Number | None = None, take_profit: Number | None = None
    ) -> Ticket:
        """Move or make the stop loss and take profit of a position, at once; None leaves as is."""
        price = partial(self._price, position.symbol)
        command = cmd.SetPositionExits(self.account_id, position.position_id, price(stop_loss), price(take_profit))
        return self._now(command)

    def at(self, instant: int, call: Callable[["Broker"], object]) -> None:
        """Have `call(broker)` called at `instant` [ns UTC], after the prices of that instant: between two calls a
        strategy without `on_bar` and `on_quote` looks at nothing. ValueError for an instant that is over.
        """
        if instant < self.now:
            raise ValueError(f"{instant} is over: it is {self.now}")
        self._world.timers.add(instant, lambda: call(self))
        self._world.is_stale = True

    def submit(self, command: cmd.AnyCommand) -> Record | None:
        """Submit any command, at once; what the engine decided, None if nothing happened."""
        return self._world.submit(command)

    # How it is asked for.

    def _order(self, side: Side, size: Size, symbol: str | None, options: OrderOptions) -> Ticket:
        name = self._symbol(symbol)
        return self._give(name, lambda: self._place(name, side, size, options))

    def _give(self, symbol: str, wish: Wish) -> Ticket:
        """At once, or at the next open where the run's rule says so and it is the end of a bar."""
        ticket = Ticket(symbol)
        line = self._market.by_symbol.get(symbol)
        is_end_of_bar = self._market.upto == AFTER_ALL
        if self._queues and is_end_of_bar and line is not None and line.span_ns is not None:
            self._world.queue.add(ticket, lambda: self._fulfil(ticket, wish))
            self._world.is_stale = True
        else:
            self._fulfil(ticket, wish)
        return ticket

    def _fulfil(self, ticket: Ticket, wish: Wish) -> None:
        """Make a command of a wish now, and note what the engine says."""
        command = wish()
        if command is not None:
            _note(ticket, self._world.submit(command))

    def _now(self, command: cmd.AnyCommand) -> Ticket:
        ticket = Ticket("")
        _note(ticket, self._world.submit(command))
        return ticket

    def _at_market(self, symbol: str, side: Side, quantity: Decimal) -> cmd.PlaceOrder:
        terms = OrderTerms(self.account_id, symbol, side, OrderType.MARKET, quantity, source="backtest")
        return cmd.PlaceOrder(terms)

    def _place(self, symbol: str, side: Side, size: Size, options: OrderOptions) -> cmd.PlaceOrder | None:
        price = partial(self._price, symbol)
        limit, stop = price(options.get("limit")), price(options.get("stop"))
        trail, percent = options.get("trail"), options.get("trail_percent")
        quantity = self._units(symbol, side, size, limit if limit is not None else stop)
        if quantity <= 0 and not isinstance(size, Decimal | int | float | str):
            return None
        terms = OrderTerms(
            account_id=self.account_id,
            symbol=symbol,
            side=side,
            type=_type_of(limit, stop, trail if trail is not None else percent),
            quantity=quantity,
            limit_price=limit,
            stop_price=stop,
            trailing_distance=price(trail) if trail is not None else None if percent is None else to_decimal(percent),
            trailing_type=None if trail is percent is None else _trailing_type(is_percent=trail is None),
            time_in_force=TimeInForce(options.get("time_in_force", TimeInForce.GTC)),
            expires_at=options.get("expires_at"),
            client_order_id=options.get("client_order_id"),
            stop_loss=price(options.get("stop_loss")),
            take_profit=price(options.get("take_profit")),
            reduce_only=options.get("reduce_only", False),
            post_only=options.get("post_only", False),
            oco_group_id=options.get("oco"),
            strategy_id=options.get("strategy_id"),
            comment=options.get("comment", ""),
            source="backtest",
        )
        return cmd.PlaceOrder(terms, digest=terms.client_order_id)

    def _units(self, symbol: str, side: Side, size: Size, price: Decimal | None) -> Decimal:
        """The quantity that a size means at the price of the moment."""
        if isinstance(size, Decimal | int | float | str):
            return to_decimal(size)
        quote, instrument = self._market.get(symbol), self._world.state.instruments[symbol]
        rate = conversion_rate(instrument.quote_currency, self._account.terms.currency, self._market.get)
        if quote is None or rate is None:
            return ZERO
        at = price if price is not None else quote.ask if side is Side.BUY else quote.bid
        if not isinstance(size, AllIn | Amount):
            return to_decimal(size(at * rate))
        step = size.step if size.step is not None else instrument.quantity_step
        if isinstance(size, Amount):
            return floored(size.money / (at * rate), step)
        return floored(self._affordable(size, instrument, at * rate), step)

    def _affordable(self, size: AllIn, instrument: Instrument, price: Decimal) -> Decimal:
        fee = instrument.commission
        leverage = min(self._account.terms.leverage, instrument.leverage_max)
        money = max(ZERO, self.free) * size.fraction
        if not size.pays_fee:
            return money * leverage / price
        fixed = min(money, fee.fixed)
        return (money - fixed) * leverage / (price * (1 + fee.taker_rate) + fee.per_unit)

    def _price(self, symbol: str, price: Number | None) -> Decimal | None:
        """A float is meant to the tick; what is exact is taken as it is."""
        if price is None:
            return None
        exact = to_decimal(price)
        tick = self._world.state.instruments[symbol].tick_size
        return round_to(exact, tick) if isinstance(price, float) else exact

    def _symbol(self, symbol: str | None) -> str:
        if symbol is not None:
            return symbol
        if self._only is None:
            raise ValueError(f"the run trades {', '.join(self.symbols)}: which one is meant?")
        return self._only


def to_decimal(number: Number) -> Decimal:
    """The number as it would be printed: 0.1 is a tenth."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def _order_id(order: Ticket | Order | OrderId) -> OrderId:
    if isinstance(order, int):
        return order
    if order.order_id is None:
        raise ValueError(f"{order!r} has no number yet")
    return order.order_id


def _type_of(limit: Decimal | None, stop: Decimal | None, trail: Any) -> OrderType:
    if trail is not None:
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def _trailing_type(*, is_percent: bool) -> TrailingType:
    return TrailingType.PERCENT if is_percent else TrailingType.ABSOLUTE


def _note(ticket: Ticket, record: Record | None) -> None:
    """What the engine said of the wish itself; what followed is told as events."""
    for event in record.events if record is not None else ():
        if isinstance(event, ev.OrderAccepted) and ticket.order_id is None:
            ticket.order_id = event.order_id
        elif isinstance(event, ev.OrderRejected):
            ticket.order_id, ticket.rejection = event.order_id, event.rejection
        elif isinstance(event, ev.RequestRefused):
            ticket.rejection = event.rejection
