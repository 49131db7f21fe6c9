"""Ask other backtesters what fills and what equity becomes; run by `make backtest-peers` in their own environment.

Writes vectors.json: by peer and seed the fills (bar, signed units, price) and the equity at the close of every tenth
bar and of the last.
"""

import json
from pathlib import Path
from typing import Any

from tests.backtests.peers import asked_backtesting, asked_backtrader, asked_pyalgotrade, plan

EVERY = 10
OUT = Path(__file__).with_name("vectors.json")
ASKED = {
    "backtesting.py": asked_backtesting.ask,
    "PyAlgoTrade": asked_pyalgotrade.ask,
    "backtrader": asked_backtrader.ask,
}


def main() -> None:
    """Ask everyone everything."""
    answers = {
        f"{name}, {seed}": told(*ASKED[name.removesuffix(", close")](name, seed))
        for name in plan.PEERS
        for seed in plan.SEEDS
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(answer, separators=(',', ':'))}" for name, answer in answers.items()]
    OUT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf8")


def told(fills: list[plan.Filled], equity: list[float]) -> dict[str, Any]:
    """An answer as it is written."""
    chosen = [*range(0, plan.BARS, EVERY), plan.BARS - 1]
    return {
        "fills": [[bar, units, round(price, 9)] for bar, units, price in fills],
        "equity": [[bar, round(equity[bar], 6)] for bar in chosen],
    }


if __name__ == "__main__":
    main()
