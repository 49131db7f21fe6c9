"""Ask other backtesters what fills and what equity becomes; run by `make backtest-peers` in their own environments.

Writes vectors*.json: by peer and seed the fills (bar, signed units, price) and the equity at the close of every tenth
bar and of the last.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.backtests.peers import plan

EVERY = 10
Ask = Callable[[str, int], tuple[list[plan.Filled], list[float]]]


def write(asked: Mapping[str, Ask], file: str) -> None:
    """Ask each name for each seed, and write what was said."""
    answers = {f"{name}, {seed}": told(*ask(name, seed)) for name, ask in asked.items() for seed in plan.SEEDS}
    lines = [f"  {json.dumps(name)}: {json.dumps(answer, separators=(',', ':'))}" for name, answer in answers.items()]
    Path(__file__).with_name(file).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf8")


def told(fills: list[plan.Filled], equity: list[float]) -> dict[str, Any]:
    """An answer as it is written."""
    chosen = [*range(0, plan.BARS, EVERY), plan.BARS - 1]
    return {
        "fills": [[bar, units, round(price, 9)] for bar, units, price in fills],
        "equity": [[bar, round(equity[bar], 6)] for bar in chosen],
    }
