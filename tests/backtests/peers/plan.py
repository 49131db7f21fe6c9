"""What other backtesters and ours are asked to do: bars, orders by the dice, conventions. Standard library alone.

A rule that both sides follow at the end of each bar: an entry that waited for `patience` bars is taken out; who is flat
and waits for nothing enters as the dice say; who holds something closes it as the dice say.
"""

import random
from typing import Any

# Number of the bar, units (sold: negative), price.
Filled = tuple[int, float, float]

BARS = 400
CASH = 1_000_000.0
PATIENCE = 4

# Left out: entries by a stop in `backtesting.py, close`. One that the market jumps over fills at its own price there,
# at the open here.
PEERS: dict[str, dict[str, Any]] = {
    # name                what may be asked for, and the costs: (share of the notional, money a fill)
    "backtesting.py":         {"kinds": ("market", "all_in", "limit", "stop"), "exits": True, "fees": ((0, 0), (0.002, 0), (0.001, 3))},
    "backtesting.py, close":  {"kinds": ("market", "all_in", "limit"), "exits": True, "fees": ((0, 0), (0.002, 0))},
    "PyAlgoTrade":            {"kinds": ("market", "limit", "stop", "stop_limit"), "exits": False, "fees": ((0, 0), (0.002, 0), (0, 5))},
    "backtrader":             {"kinds": ("market", "limit", "stop", "trail"), "exits": False, "fees": ((0, 0), (0.002, 0))},
    "NautilusTrader":          {"kinds": ("market", "limit", "stop"), "exits": False, "fees": ((0, 0), (0.002, 0))},
    "backtrader, close":      {"kinds": ("market", "limit", "stop"), "exits": False, "fees": ((0, 0), (0.002, 0))},
}  # fmt: skip
SEEDS = range(1, 7)


def bars(seed: int) -> list[tuple[float, float, float, float]]:
    """Open, high, low, close in cents, with gaps."""
    dice = random.Random(seed)
    close, made = 10_000, []
    for _ in range(BARS):
        opened = max(500, close + round(dice.gauss(0, 60)))
        close = max(500, opened + round(dice.gauss(0, 120)))
        high = max(opened, close) + abs(round(dice.gauss(0, 70)))
        low = max(100, min(opened, close) - abs(round(dice.gauss(0, 70))))
        made.append((opened / 100, high / 100, low / 100, close / 100))
    return made


def wishes(peer: str, seed: int) -> list[dict[str, Any]]:
    """For each bar: the entry of who is flat, and whether who is not leaves."""
    dice = random.Random(1_000 + seed)
    kinds = PEERS[peer]["kinds"]
    made = [_wish(dice, kinds, cents(bar[3]), exits=PEERS[peer]["exits"]) for bar in bars(seed)]
    made[-1]["enters"] = made[-1]["leaves"] = False  # Others fill nothing at the close of the last bar.
    return made


def _wish(dice: random.Random, kinds: tuple[str, ...], close: int, *, exits: bool) -> dict[str, Any]:
    side = dice.choice((1, -1))
    distance = dice.randint(20, 250)
    kind = dice.choice(kinds)
    beyond = {"limit": -side, "stop": side, "stop_limit": side}.get(kind, 0) * distance
    wish: dict[str, Any] = {
        "enters": dice.random() < 0.4,
        "leaves": dice.random() < 0.12,
        "side": side,
        "kind": kind,
        "units": dice.randint(1, 500),
        "price": (close + beyond) / 100,
        "limit": (close + beyond + side * dice.randint(5, 60)) / 100,
        "distance": distance / 100,
    }
    stop, target = dice.randint(300, 900), dice.randint(300, 900)
    if exits and kind in ("market", "all_in") and dice.random() < 0.7:
        wish["stop_loss"], wish["take_profit"] = (close - side * stop) / 100, (close + side * target) / 100
    return wish


def fee(peer: str, seed: int) -> tuple[float, float]:
    """Share of the notional, and money a fill."""
    fees: tuple[tuple[float, float], ...] = PEERS[peer]["fees"]
    rate, fixed = fees[seed % len(fees)]
    return float(rate), float(fixed)


def cents(price: float) -> int:
    """A price in cents."""
    return round(price * 100)
