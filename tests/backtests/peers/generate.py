"""Ask those who share an environment; run by `make backtest-peers`."""

from tests.backtests.peers import asked_backtesting, asked_backtrader, asked_pyalgotrade
from tests.backtests.peers.writing import write

if __name__ == "__main__":
    write(
        {
            "backtesting.py": asked_backtesting.ask,
            "backtesting.py, close": asked_backtesting.ask,
            "PyAlgoTrade": asked_pyalgotrade.ask,
            "backtrader": asked_backtrader.ask,
            "backtrader, close": asked_backtrader.ask,
        },
        "vectors.json",
    )
