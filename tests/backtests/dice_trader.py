"""A strategy that throws dice: every kind of order, at every kind of moment, from one seed."""

from random import Random
from typing import Any

from tradehall.backtests import BarSeen, Broker, QuoteSeen, Strategy, Ticket
from tradehall.domain.fill import Fill
from tradehall.domain.money import round_to
from tradehall.domain.time import NS_PER_MINUTE


class DiceTrader(Strategy):
    """Looks at every bar or quote, but does something only now and then: `share` of its looks."""

    def __init__(self, seed: int, share: float = 0.05, *, reacts: bool = False) -> None:
        self.dice = Random(seed)
        self.share = share
        self.reacts = reacts
        self.tickets: list[Ticket] = []
        self.groups = 0

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        self.act(bar.symbol, broker)

    def on_quote(self, quote: QuoteSeen, broker: Broker) -> None:
        self.act(quote.symbol, broker)

    def on_fill(self, fill: Fill, broker: Broker) -> None:
        if self.reacts and self.dice.random() < 0.2:
            self.order(fill.symbol, broker)

    def act(self, symbol: str, broker: Broker) -> None:
        if self.dice.random() > self.share:
            return
        wish = self.dice.choice((self.order, self.order, self.order, self.pair, self.leave, self.change, self.exits))
        wish(symbol, broker.on(self.dice.choice(sorted(broker._world.state.accounts))))

    def order(self, symbol: str, broker: Broker, **options: Any) -> None:
        quote = broker.quote(symbol)
        if quote is None:
            return
        dice = self.dice
        money = dice.choice((1_000, 10_000, 100_000, 400_000)) * (100 if symbol.endswith("JPY") else 1)
        units = round(money / quote.bid, 3 if quote.bid > 1_000 else 0)
        if dice.random() < 0.4:
            options |= dict(stop_loss=self.near(quote.bid, dice.choice((-1, 1))), take_profit=self.near(quote.bid, 1))
        options |= dice.choice((
            {}, dict(time_in_force="IOC"), dict(time_in_force="FOK"), dict(limit=self.near(quote.bid, 0)),
            dict(limit=self.near(quote.bid, 0), time_in_force="DAY"), dict(stop=self.near(quote.bid, 0)),
            dict(limit=self.near(quote.bid, 0), time_in_force="GTD", expires_at=broker.now + dice.randint(1, 90) * NS_PER_MINUTE),
            dict(limit=self.near(quote.bid, 0), post_only=True), dict(stop=self.near(quote.bid, 0), limit=self.near(quote.bid, 0)),
            dict(trail=float(quote.bid) * dice.choice((0.0005, 0.002, 0.01))), dict(trail_percent=dice.choice(("0.1", "0.5", "2"))),
            dict(limit=self.near(quote.bid, 0), reduce_only=True),
        ))  # fmt: skip
        if "limit" not in options:
            options.pop("post_only", None)
        self.tickets.append((broker.buy if dice.random() < 0.5 else broker.sell)(units, symbol, **options))

    def pair(self, symbol: str, broker: Broker) -> None:
        self.groups += 1
        for _ in range(2):
            self.order(symbol, broker, oco=f"group-{self.groups}")

    def leave(self, symbol: str, broker: Broker) -> None:
        self.dice.choice((broker.close, broker.cancel_all))(symbol)

    def change(self, symbol: str, broker: Broker) -> None:
        working, quote = broker.orders(), broker.quote(symbol)
        if working and quote is not None:
            order = self.dice.choice(working)
            if self.dice.random() < 0.3:
                broker.cancel(order)
            elif order.terms.limit_price is not None and order.terms.symbol == symbol:
                broker.amend(order, limit=self.near(quote.bid, 0))

    def exits(self, symbol: str, broker: Broker) -> None:
        position, quote = broker.position(symbol), broker.quote(symbol)
        if position is not None and quote is not None:
            broker.set_exits(position, stop_loss=self.near(quote.bid, -1), take_profit=self.near(quote.bid, 1))

    def near(self, price: Any, way: int) -> Any:
        """A price some steps away: below (-1), above (1), or wherever (0)."""
        way = way or self.dice.choice((-1, 1))
        return round_to(price + price * way * self.dice.randint(0, 40) / 10_000, (price / 10_000).quantize(price))
