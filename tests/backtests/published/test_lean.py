"""Runs whose statistics the project LEAN (QuantConnect) has published with its regression algorithms, as of 2026."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from tests.backtests.published.runs import account, equity, fills, needs_data, play
from tradehall.backtests import BarSeen, Broker, Costs, FillAt, FillRule, Strategy
from tradehall.domain.order import Side
from tradehall.domain.time import NS_PER_MINUTE, from_rfc3339
from tradehall.engine import events as ev

pytestmark = needs_data

# Its orders meet the prices of the bar that is over; a limit that the next bar opens beyond fills at the better price.
FILLS = FillRule(at=FillAt.THIS_CLOSE, improves_limits=True)
# A day of its algorithms begins at midnight in New York.
MIDNIGHT = from_rfc3339("2017-09-03T04:00:00Z")


class ExponentialAverage:
    """Begins with the mean of the first `length` values."""

    def __init__(self, length: int) -> None:
        self.length, self.count, self.value = length, 0, 0.0

    def add(self, price: float) -> None:
        self.count += 1
        weight = 2 / (self.length + 1) if self.count > self.length else 1 / self.count
        self.value += (price - self.value) * weight


class CrossOnce(Strategy):
    """Buys one coin while the average of 30 minutes is above that of 60, sells it once it is not, and rests."""

    def __init__(self) -> None:
        self.fast, self.slow = ExponentialAverage(30), ExponentialAverage(60)
        self.orders = 0

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        for average in (self.fast, self.slow):
            average.add(bar.close)
        is_up = self.fast.value > self.slow.value
        if self.slow.count < self.slow.length or self.orders != (0 if is_up else 1):
            return
        if is_up:
            broker.buy(1)
        else:
            broker.close()
        self.orders += 1


def test_a_cross_of_minute_averages_filled_at_the_close_of_the_bar():
    """BybitCustomDataCryptoRegressionAlgorithm: 2 orders, no fees, end equity 99981.72."""
    result = play(
        CrossOnce(),
        ["bars/crypto/BTCUSDT.BYBIT.1m.parquet"],
        accounts=account(100_000, is_cash=True),
        fills=FILLS,
        costs=Costs(taker_rate=Decimal(0)),
    )
    assert (equity(result), result.counters.fills) == ("99981.72", 2)


class LimitsByTheClock(Strategy):
    """Gives limit orders at fixed minutes and takes those of bitcoin out again before the next."""

    def __init__(self) -> None:
        self.statuses: dict[int, str] = {}
        self.wishes: dict[int, Callable[[Broker], object]] = {
            0: lambda broker: (
                broker.buy("100", "BTCUSD", limit="4734.64"),
                broker.buy("1.35505027", "ETHUSD", limit="368.8"),
            ),
            6: lambda broker: broker.buy("0.10576312", "BTCUSD", limit="4727.61"),
            12: lambda broker: broker.buy("0.10576267", "BTCUSD", limit="4727.63"),
            18: lambda broker: broker.buy("0.10547724", "BTCUSD", limit="4740.42"),
            24: lambda broker: None,
        }

    def on_start(self, broker: Broker) -> None:
        six = MIDNIGHT + 120 * NS_PER_MINUTE
        for minute in self.wishes:
            broker.at(six + minute * NS_PER_MINUTE - 1, partial(self.act, minute))

    def act(self, minute: int, broker: Broker) -> None:
        if minute:
            broker.cancel_all("BTCUSD")
        self.wishes[minute](broker)

    def on_event(self, event: ev.AnyEvent, broker: Broker) -> None:
        if isinstance(event, ev.OrderRejected | ev.OrderCancelled | ev.OrderFilled):
            order_id = event.fill.order_id if isinstance(event, ev.OrderFilled) else event.order_id
            self.statuses[order_id] = type(event).__name__


def test_limit_orders_over_quote_bars_on_an_account_that_refuses_what_it_cannot_pay():
    """CancelOpenOrdersRegressionAlgorithm: refused, filled, cancelled, cancelled, filled; no fees; end equity 955.69.

    Its equity is marked to the middle of bid and ask, ours to the bid, a cent below.
    """
    strategy = LimitsByTheClock()
    result = play(
        strategy,
        ["quote_bars/crypto/BTCUSD.COINBASE.1m.parquet", "quote_bars/crypto/ETHUSD.COINBASE.1m.parquet"],
        accounts=account(1_000, is_cash=True),
        fills=FILLS,
        costs=Costs(taker_rate=Decimal(0)),  # What rests pays nothing there, and nothing is held for it.
        begins_at=MIDNIGHT,
        ends_at=MIDNIGHT + 24 * 60 * NS_PER_MINUTE,
    )
    said = [strategy.statuses[order_id] for order_id in sorted(strategy.statuses)]
    assert said == ["OrderRejected", "OrderFilled", "OrderCancelled", "OrderCancelled", "OrderFilled"]
    assert [(fill.side, fill.price) for fill in fills(result)] == [
        (Side.BUY, Decimal("368.74")),
        (Side.BUY, Decimal("4738.97")),
    ]
    halves = {symbol: prices.points()[1][-1] for symbol, prices in result.prices.items()}
    assert halves == {"BTCUSD": 4586.52, "ETHUSD": 347.9}
    assert equity(result) == "955.68"
    middle = sum(fill.quantity * Decimal("0.005") for fill in fills(result))  # Both spreads are a cent.
    assert f"{result.accounts[0].equity + middle:.2f}" == "955.69"
