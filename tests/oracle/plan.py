"""What both sides are asked to do: a slice of a market, and pseudo-random traders on it.

Prices are whole ticks, quantities whole steps, instants numbers of quotes: nothing can be read in two ways.
"""

import os
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, structs

from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, from_rfc3339

ROOT: Final = Path(__file__).resolve().parents[2]

# The oracle's engine hides the market from other limits of the quote that filled one; told again, it is seen.
REPEATS: Final = 4
DEPOSIT: Final = 1_000_000_000
STEPS_PER_TRADER: Final = 60
# Quotes between the slice's first and the first order, and between the last order and its end.
LEAD_IN: Final = 20
LEAD_OUT: Final = 200

Quotes = list[tuple[int, int, int]]
"""(instant [ns UTC], bid [ticks], ask [ticks]); instants strictly increasing."""


class Market(Struct, frozen=True):
    """A stretch of a market as it was recorded, or made up alike."""

    name: str
    symbol: str
    base_currency: str
    price_digits: int
    size_digits: int
    quantities: tuple[int, ...]  # [steps]
    quotes: Quotes


class Step(Struct, frozen=True):
    """What a trader does once he has seen a quote; `do`: place, pair, cancel, amend or close.

    Prices [ticks], quantities [steps]. `when` "flat": only if he holds nothing and nothing works. `orders`:
    the two of a pair.
    """

    do: str
    key: str = ""
    side: str = "BUY"
    type: str = "MARKET"
    quantity: int | None = None
    limit: int | None = None
    stop: int | None = None
    trail: int | None = None
    stop_loss: int | None = None
    take_profit: int | None = None
    time_in_force: str = "GTC"
    post_only: bool = False
    when: str | None = None
    orders: tuple["Step", ...] = ()


class TraderPlan(Struct, frozen=True):
    """All that one account does, each step on the quote of that number."""

    name: str
    mode: str
    steps: list[tuple[int, Step]]


class Job(Struct, frozen=True):
    """One comparison; encoded as JSON it is what the other side reads."""

    seed: int
    symbol: str
    base_currency: str
    price_digits: int
    size_digits: int
    quotes: Quotes
    traders: list[TraderPlan]
    deposit: int = DEPOSIT
    repeats: int = REPEATS

    def placed(self) -> Iterator[Step]:
        """Every order that is asked for, those of pairs too."""
        for trader in self.traders:
            for _, step in trader.steps:
                yield from (step,) if step.do == "place" else step.orders


# Markets.


def recordings_folder() -> Path | None:
    """The folder with recorded markets: named, or beside the repository."""
    if named := os.environ.get("TRADEHALL_MARKET_DATA"):
        return Path(named)
    return next((file.parent for file in sorted(ROOT.parent.glob("*/data/manifest.json"))), None)


class Recorded(Struct, frozen=True):
    """Where a market lies, and what its numbers mean."""

    file: str
    symbol: str
    base_currency: str
    price_digits: int
    size_digits: int
    quantities: tuple[int, ...]


RECORDED: Final = {
    "EURUSD": Recorded("quotes/fx/EURUSD.OANDA.tick.parquet", "EURUSD", "EUR", 5, 0, (1_000, 10_000, 33_000, 777)),
    "BTCUSDT": Recorded(
        "quotes/crypto/BTCUSDT.BINANCE.tick.parquet", "BTCUSD", "BTC", 2, 5, (100_000, 300_000, 12_347)
    ),
}


def market(name: str, seed: int, length: int) -> Market:
    """A stretch of `length` quotes; which one is the seed's choice. A made-up walk where nothing is recorded."""
    what, folder = RECORDED[name], recordings_folder()
    return made_up(name, seed, length) if folder is None else _of(name, stretch(folder / what.file, seed, length, what))


def made_up(name: str, seed: int, length: int) -> Market:
    """A walk of `length` quotes in the ticks of a recorded market."""
    return _of(name, walk(seed, length))


def _of(name: str, quotes: Quotes) -> Market:
    what = RECORDED[name]
    return Market(name, what.symbol, what.base_currency, what.price_digits, what.size_digits, what.quantities, quotes)


def stretch(file: Path, seed: int, length: int, what: Recorded) -> Quotes:
    """Quotes of a recording from a place that the seed chooses, as they were, at instants that increase."""
    table = pq.read_table(file, columns=["timestamp", "bid", "ask"])
    table = table.slice(random.Random(f"{file.name} {seed}").randrange(table.num_rows - length), length)
    instants = table["timestamp"].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_pylist()
    quotes: Quotes = []
    for at, bid, ask in zip(instants, table["bid"].to_pylist(), table["ask"].to_pylist(), strict=True):
        later = at if not quotes else max(at, quotes[-1][0] + NS_PER_MS)
        quotes.append((later, _ticks(bid, what), _ticks(ask, what)))
    return quotes


def _ticks(price: float, what: Recorded) -> int:
    return int(Decimal(repr(price)).scaleb(what.price_digits))


def walk(seed: int, length: int) -> Quotes:
    """A market like a recorded one: small steps, now and then a jump, a spread that widens."""
    dice = random.Random(f"walk {seed}")
    at, mid, quotes = from_rfc3339("2024-03-04T09:00:00Z"), 1_000_000, Quotes()
    for _ in range(length):
        at += dice.randrange(1, 2_000) * NS_PER_MS
        mid += round(dice.gauss(0, 40 if dice.random() < 0.02 else 3))
        half = dice.choice((3, 4, 5, 6, 30 if dice.random() < 0.05 else 5))
        quotes.append((at, mid - half, mid + half))
    return quotes


# Traders.


class Hand:
    """Draws one trader's orders: where the market is, how far it goes, and dice."""

    def __init__(self, name: str, market: Market, dice: random.Random) -> None:
        self.name = name
        self.market = market
        self.dice = dice
        self.count = 0
        self.reach = _reach(market.quotes)

    def moments(self, count: int) -> list[int]:
        """Numbers of quotes, in order; several steps may fall on one."""
        return sorted(self.dice.randrange(LEAD_IN, len(self.market.quotes) - LEAD_OUT) for _ in range(count))

    def touch(self, at: int, side: str) -> int:
        _, bid, ask = self.market.quotes[at]
        return ask if side == "BUY" else bid

    def distance(self) -> int:
        """Mostly near, sometimes far [ticks], at least one."""
        return 1 + int(self.dice.expovariate(1 / self.reach))

    def next_key(self) -> str:
        self.count += 1
        return f"{self.name}-{self.count}"

    def side(self) -> str:
        return self.dice.choice(("BUY", "SELL"))

    def quantity(self) -> int:
        return self.dice.choice(self.market.quantities) * self.dice.choice((1, 1, 2, 3))

    def order(self, at: int, type: str | None = None, side: str | None = None, *, waits: bool = False) -> Step:
        """Any order, mostly one that waits; some are in the market already, unless it `waits`."""
        side = side or self.side()
        type = type or self.dice.choice(("MARKET", "LIMIT", "LIMIT", "STOP", "STOP", "STOP_LIMIT", "TRAILING_STOP"))
        up = 1 if side == "BUY" else -1
        touch, away = self.touch(at, side), self.distance()
        if not waits and self.dice.random() < 0.15:
            away = -away
        fields: dict = {"do": "place", "key": self.next_key(), "side": side, "type": type, "quantity": self.quantity()}
        if type == "LIMIT":
            fields["limit"] = touch - up * away
            fields["time_in_force"] = self.dice.choice(("GTC", "GTC", "GTC", "GTC", "IOC", "FOK"))
            fields["post_only"] = fields["time_in_force"] == "GTC" and self.dice.random() < 0.2
        elif type == "STOP":
            fields["stop"] = touch + up * away
        elif type == "STOP_LIMIT":
            fields["stop"] = touch + up * away
            fields["limit"] = fields["stop"] - up * self.dice.choice((0, self.distance()))
        elif type == "TRAILING_STOP":
            fields["trail"] = self.distance()
        return Step(**fields)


def _reach(quotes: Quotes) -> float:
    """How far a market typically goes in the time an order should wait [ticks]."""
    span = min(300, len(quotes) // 4)
    moves = sorted(abs(quotes[at + span][1] - quotes[at][1]) for at in range(0, len(quotes) - span, 10))
    return max(2.0, moves[len(moves) // 2] / 1.5)


def singles(hand: Hand) -> list[tuple[int, Step]]:
    """All types, amended and cancelled, on one netting account."""
    steps: list[tuple[int, Step]] = []
    for at in hand.moments(STEPS_PER_TRADER):
        order = hand.order(at)
        steps.append((at, order))
        if order.type in ("LIMIT", "STOP") and order.time_in_force == "GTC" and not order.post_only:
            steps += _changes(hand, at, order)
        elif hand.dice.random() < 0.2:
            steps.append((_later(hand, at), Step("cancel", order.key)))
    return sorted(steps, key=lambda step: step[0])


def _later(hand: Hand, at: int) -> int:
    return min(at + hand.dice.randrange(1, 400), len(hand.market.quotes) - LEAD_OUT)


def _changes(hand: Hand, at: int, order: Step) -> Iterator[tuple[int, Step]]:
    """Sometimes another price, another quantity, or the end."""
    luck = hand.dice.random()
    at = _later(hand, at)
    touch, up = hand.touch(at, order.side), 1 if order.side == "BUY" else -1
    if luck < 0.2:
        yield at, Step("cancel", order.key)
    elif luck < 0.5 and order.type == "LIMIT":
        away = hand.distance() if hand.dice.random() < 0.8 else -hand.distance()
        yield at, Step("amend", order.key, quantity=hand.quantity(), limit=touch - up * away)
    elif luck < 0.5:
        yield at, Step("amend", order.key, quantity=hand.quantity(), stop=touch + up * hand.distance())


def loose_stop_limits(hand: Hand) -> list[tuple[int, Step]]:
    """Stop-limits whose limit lies beyond their stop: what they cost when triggered is a convention."""
    steps = []
    for at in hand.moments(STEPS_PER_TRADER):
        order = hand.order(at, "STOP_LIMIT")
        assert order.stop is not None
        limit = order.stop + hand.distance() * (1 if order.side == "BUY" else -1)
        steps.append((at, structs.replace(order, limit=limit)))
    return steps


def bracket(hand: Hand, at: int, when: str | None) -> Step:
    """An entry at market, limit or stop, with both exits."""
    order = hand.order(at, hand.dice.choice(("MARKET", "LIMIT", "STOP")))
    entry = order.limit or order.stop or hand.touch(at, order.side)
    up = 1 if order.side == "BUY" else -1
    _, bid, ask = hand.market.quotes[at]
    loss, profit = entry - up * (ask - bid + hand.distance()), entry + up * hand.distance()
    return structs.replace(_plain(order), stop_loss=loss, take_profit=profit, when=when)


def brackets_in_turn(hand: Hand) -> list[tuple[int, Step]]:
    """A bracket whenever nothing is open; closed in part, cancelled, its stop loss moved. One step on a quote:
    the oracle hears of a close only after the steps of its quote, so that "nothing open" would be two things.
    """
    steps: list[tuple[int, Step]] = []
    for at in hand.moments(STEPS_PER_TRADER):
        order = bracket(hand, at, "flat")
        steps.append((at, order))
        luck, later = hand.dice.random(), _later(hand, at)
        if luck < 0.15:
            steps.append((later, Step("cancel", order.key)))
        elif luck < 0.3:
            steps.append((later, Step("close", f"{order.key}-close", quantity=hand.quantity())))
        elif luck < 0.5:
            steps.append((later, moved_stop(hand, later, order)))
    return sorted({at: (at, step) for at, step in steps}.values(), key=lambda step: step[0])


def moved_stop(hand: Hand, at: int, order: Step) -> Step:
    """The stop loss of a bracket, to where it is not reached at once."""
    is_long = order.side == "BUY"
    touch = hand.touch(at, "SELL" if is_long else "BUY")
    return Step("amend", f"{order.key}-sl", stop=touch - hand.distance() if is_long else touch + hand.distance())


def brackets_at_once(hand: Hand) -> list[tuple[int, Step]]:
    """Many brackets side by side, each with a position of its own."""
    steps: list[tuple[int, Step]] = []
    for at in hand.moments(STEPS_PER_TRADER):
        order = bracket(hand, at, None)
        steps.append((at, order))
        if (luck := hand.dice.random()) < 0.35:
            later = _later(hand, at)
            steps.append((later, Step("cancel", order.key) if luck < 0.1 else moved_stop(hand, later, order)))
    return sorted(steps, key=lambda step: step[0])


def pairs(hand: Hand) -> list[tuple[int, Step]]:
    """Two orders of which one cancels the other: stops on both sides, or a stop and a limit."""
    steps: list[tuple[int, Step]] = []
    for at in hand.moments(STEPS_PER_TRADER // 2):
        first = hand.order(at, "STOP", waits=True)
        second = hand.order(at, hand.dice.choice(("STOP", "LIMIT")), "SELL" if first.side == "BUY" else "BUY")
        steps.append((at, Step("pair", first.key, orders=(first, _plain(second)))))
    return steps


def _plain(order: Step) -> Step:
    return structs.replace(order, time_in_force="GTC", post_only=False)


STYLES: Final = {
    "singles": ("NETTING", singles),
    "turns": ("NETTING", brackets_in_turn),
    "hedges": ("HEDGING", brackets_at_once),
    "pairs": ("NETTING", pairs),
    "loose": ("NETTING", loose_stop_limits),
}


def job(where: Market, seed: int, *, traders: int) -> Job:
    """A comparison on one market: `traders` traders, all styles in turn."""
    plans = []
    for number in range(traders):
        style = list(STYLES)[number % len(STYLES)]
        mode, steps = STYLES[style]
        hand = Hand(f"{style}{number}", where, random.Random(f"{where.name} {seed} {style} {number}"))
        plans.append(TraderPlan(hand.name, mode, steps(hand)))
    return Job(seed, where.symbol, where.base_currency, where.price_digits, where.size_digits, where.quotes, plans)


# Nothing that is compared may be too old to fill: a quote's age counts from its arrival, and orders come with quotes.
QUOTE_AGE_NS_MAX: Final = 3_600 * NS_PER_SECOND
