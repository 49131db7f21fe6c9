"""Definitions, programs and bars for the tests of strategies; the random ones are drawn by hypothesis."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import Any

from hypothesis import strategies as st

from tradehall.domain.market import TIMEFRAME_NS, Bar, Timeframe, bar_start
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_MINUTE, from_rfc3339
from tradehall.strategies.hub import Hub, Look
from tradehall.strategies.indicators import INDICATORS
from tradehall.strategies.intents import BookFacts, Facts, Held
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse

START = from_rfc3339("2025-01-06T09:00:00Z")  # A Monday.
TICK = Decimal("0.0001")

CROSS: dict[str, Any] = {
    "inputs": {
        "fast": {"indicator": "EMA", "of": "close", "period": 20},
        "slow": {"indicator": "EMA", "of": "close", "period": 50},
        "vol": {"indicator": "ATR", "period": 14},
    },
    "rules": [
        {
            "when": {"all": [{"crosses_above": ["fast", "slow"]}, {"above": ["close", "1.05"]}]},
            "do": [{"open": "long", "stop_loss": {"atr": "2"}, "take_profit": {"percent": "1.5"}}],
        },
        {
            "when": {
                "any": [
                    {"crosses_below": ["fast", "slow"]},
                    {"falls_by": ["close", {"percent": "2"}, {"bars": 5}]},
                ]
            },
            "do": [{"close": "long"}],
        },
    ],
    "add_ons": {
        "weekdays": ["mon", "tue", "wed", "thu", "fri"],
        "hours_utc": ["07:00", "21:00"],
        "max_trades_per_day": 5,
        "expires_at": None,
        "profit_stop": None,
        "loss_stop": "200.00",
    },
}


def a_program(raw: dict[str, Any], *, symbol: str = "EURUSD", timeframe: Timeframe = Timeframe.M1) -> Program:
    return Program(parse(raw), symbol, timeframe)


def always(*actions: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """A definition whose one rule is met at every bar."""
    return {"rules": [{"when": {"above": ["close", "0"]}, "do": list(actions)}], **rest}


def a_bar(close: str | Decimal, number: int = 0, *, symbol: str = "EURUSD", timeframe: Timeframe = Timeframe.M1) -> Bar:
    price = Decimal(close)
    return Bar(
        symbol, timeframe, START + number * TIMEFRAME_NS[timeframe],
        price, price + TICK, price - TICK, price, Decimal(1),
    )  # fmt: skip


def bars_of(closes: Iterable[str], **rest: Any) -> list[Bar]:
    return [a_bar(close, number, **rest) for number, close in enumerate(closes)]


def a_walk(seed: int, count: int, *, symbol: str = "EURUSD", gaps: float = 0.0, flat: float = 0.3) -> list[Bar]:
    """Minute bars of a random walk on the tick; some minutes are missing, in some nothing moves."""
    dice, price, bars = Random(seed), 11_000, list[Bar]()
    for minute in range(count):
        if dice.random() < gaps:
            continue
        opened = price
        price += 0 if dice.random() < flat else dice.randint(-12, 12)
        high, low = max(opened, price) + dice.randint(0, 5), min(opened, price) - dice.randint(0, 5)
        at, volume = START + minute * NS_PER_MINUTE, Decimal(dice.choice((0, 1, 5, 40)))
        bars.append(Bar(symbol, Timeframe.M1, at, opened * TICK, high * TICK, low * TICK, price * TICK, volume))
    return bars


def longer(bars: Sequence[Bar], timeframe: Timeframe) -> list[Bar]:
    """Bars of a longer timeframe; the last one may lack its end."""
    made: list[Bar] = []
    for at, part in groupby(bars, lambda bar: bar_start(bar.at, timeframe)):
        parts = list(part)
        high, low = max(bar.high for bar in parts), min(bar.low for bar in parts)
        volume = sum((bar.volume for bar in parts), Decimal(0))
        made.append(Bar(parts[0].symbol, timeframe, at, parts[0].open, high, low, parts[-1].close, volume))
    return made


def close_of(bar: Bar) -> int:
    return bar.at + TIMEFRAME_NS[bar.timeframe]


def feed(hub: Hub, bars: Iterable[Bar]) -> list[Look]:
    """Give a hub all bars, those that close together at once, and time to wait for nobody."""
    looks: list[Look] = []
    for close, batch in groupby(sorted(bars, key=close_of), close_of):
        looks += hub.on_bars(list(batch), close)
        looks += hub.on_time(close + NS_PER_MINUTE // 2)
    return looks


def a_book(
    *,
    held: dict[PositionSide, Held] | None = None,
    entries: Iterable[PositionSide] = (),
    bid: str | None = "1.1000",
    ask: str | None = "1.1002",
    tick: Decimal = TICK,
) -> BookFacts:
    prices = (None if bid is None else Decimal(bid), None if ask is None else Decimal(ask))
    return BookFacts(tick, *prices, held or {}, frozenset(entries))


def some_facts(book: BookFacts | None = None, *, now: int = START, **rest: Any) -> Facts:
    return Facts(now, {"EURUSD": book or a_book()}, **rest)


# --------------------------------------------------------------- random graphs

FIELDS = ("open", "high", "low", "close", "volume", "hl2", "hlc3", "ohlc4")
# Those that need hundreds of bars for a first value would only ever warm up.
QUICK = sorted(name for name in INDICATORS if not name.startswith(("HT_", "MAMA")))


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Any definition of a few blocks: several symbols, timeframes, inputs of inputs, everything nested."""
    inputs = draw(some_inputs())
    operands = _operands(inputs)
    conditions = st.recursive(_simple(operands), _compound, max_leaves=5)
    distances = st.one_of(
        st.sampled_from([{"atr": "2"}, {"percent": "1.5"}, {"ticks": "20"}, {"price": "1.05"}]),
        operands.map(lambda operand: {"price": operand}).filter(lambda distance: distance["price"] != "0"),
    )
    actions = st.one_of(
        st.sampled_from([{"close": "all"}, {"cancel": "long"}, {"open": "short", "size": "2"}]),
        distances.map(lambda distance: {"set_stop_loss": distance}),
        distances.map(lambda distance: {"open": "long", "take_profit": distance, "symbol": "GBPUSD"}),
    )
    rules = draw(st.lists(st.fixed_dictionaries({"when": conditions, "do": st.lists(actions, min_size=1, max_size=2)}),
                          min_size=1, max_size=3))  # fmt: skip
    return {"inputs": inputs, "rules": [*rules, {"when": {"above": ["close", "1"]}, "do": [{"open": "long"}]}]}


@st.composite
def some_inputs(draw: st.DrawFn) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    series: dict[tuple[Any, Any], list[str]] = {}
    for number in range(draw(st.integers(0, 4))):
        indicator = INDICATORS[draw(st.sampled_from(QUICK))]
        place = (draw(st.sampled_from([None, None, "GBPUSD"])), draw(st.sampled_from([None, None, "5m"])))
        sources = st.sampled_from([*FIELDS, *(series.get(place, []) if not indicator.fields else [])])
        made: dict[str, Any] = {"indicator": indicator.name, "symbol": place[0], "timeframe": place[1]}
        if indicator.of:
            made["of"] = [draw(sources) for _ in indicator.of]
        for rule in indicator.parameters:
            if isinstance(rule.default, int):
                made[rule.name] = draw(st.integers(max(2, int(rule.minimum or 2)), 9))
        inputs[f"i{number}"] = made
        names = [f"i{number}.{output}" if output else f"i{number}" for output in indicator.outputs]
        if all(name in FIELDS for name in made.get("of", [])):
            series.setdefault(place, []).extend(names)
    return inputs


def _operands(inputs: dict[str, Any]) -> st.SearchStrategy[Any]:
    outputs = [
        f"{name}.{output}" if output else name
        for name, made in inputs.items()
        for output in INDICATORS[made["indicator"]].outputs
    ]
    moving = st.sampled_from([*FIELDS[:4], *outputs, *outputs])
    before = st.tuples(moving, st.integers(1, 4)).map(lambda pair: {"prev": list(pair)})
    return st.one_of(moving, moving, before)


def _simple(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    relations = st.sampled_from(["crosses_above", "crosses_below", "above", "below", "equals"])
    numbers = st.sampled_from(["0", "1.1", "1.1000", "50", "100", "-100"])
    pairs = st.tuples(operands, st.one_of(operands, operands, numbers)).map(list)
    amounts = st.sampled_from(["0.0005", {"absolute": "3"}, {"percent": "0.1"}])
    moves = st.tuples(operands, amounts, st.integers(1, 6).map(lambda bars: {"bars": bars})).map(list)
    return st.one_of(
        st.tuples(relations, pairs).map(lambda pair: {pair[0]: pair[1]}),
        st.tuples(st.sampled_from(["rises_by", "falls_by"]), moves).map(lambda pair: {pair[0]: pair[1]}),
    )


def _compound(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        lists.map(lambda some: {"all": some}),
        lists.map(lambda some: {"any": some}),
        parts.map(lambda part: {"not": part}),
        st.tuples(parts, st.integers(1, 7)).map(lambda pair: {"within": [pair[0], {"bars": pair[1]}]}),
    )
