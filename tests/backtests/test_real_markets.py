"""Skipping on markets that were really recorded; skipped where no such folder is beside the repository."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.backtests.dice_trader import DiceTrader
from tests.backtests.dice_world import LEVERED
from tests.backtests.test_skipping import assert_skipping_is_invisible
from tradehall.adapters.history.tapes import open_tapes
from tradehall.backtests import BacktestSettings, Costs
from tradehall.backtests.kernels import CAN_SEARCH

ROOT = Path(__file__).resolve().parents[2]
NAMED = os.environ.get("TRADEHALL_MARKET_DATA")
DATA = Path(NAMED) if NAMED else next((file.parent for file in sorted(ROOT.parent.glob("*/data/manifest.json"))), None)

pytestmark = [
    pytest.mark.skipif(DATA is None, reason="no recorded market data is beside the repository"),
    pytest.mark.skipif(not CAN_SEARCH, reason="the extra `fast` is not installed"),
]


@pytest.mark.parametrize(("files", "share", "skipped"), [
    # a long line, a look now and then                                                      least part skipped
    (["bars/equity/GOOG.US.1d.parquet"],                                                0.05,  0.1),
    (["bars/equity/SPY-ADJ.US.1d.parquet"],                                             0.05,  0.1),
    (["bars/crypto/BTCUSD.COINBASE.1m.parquet"],                                        0.002, 0.5),
    (["quote_bars/fx/EURUSD.OANDA.1m.parquet"],                                         0.002, 0.5),
    (["quotes/crypto/BTCUSDT-PERP.BINANCE.tick.parquet"],                               0.0005, 0.4),
    (["trades/crypto/BTCUSD.MTGOX.tick.parquet"],                                       0.02,  0.1),
    (["quote_bars/fx/EURUSD.OANDA.1d.parquet", "quote_bars/fx/GBPUSD.OANDA.1d.parquet"], 0.02, 0.1),
])  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2])
def test_skipping_is_invisible_on_real_markets(files, share, skipped, seed):
    assert DATA is not None
    tapes = open_tapes([DATA / file for file in files])
    settings = BacktestSettings(accounts=LEVERED, costs=Costs(taker_rate=Decimal("0.0005")))
    result = assert_skipping_is_invisible(lambda: DiceTrader(seed, share), tapes, settings)
    assert result.counters.fills > 0
    assert result.counters.skipped_share >= skipped
