"""The same cross in NautilusTrader: averages kept at every bar, market orders on a netting account. Prints JSON."""

import json
import sys
import time
from decimal import Decimal
from typing import Any

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

file, fast, slow, units = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
past = np.load(file)
VENUE = Venue("SIM")
instrument = TestInstrumentProvider.default_fx_ccy("EUR/USD", VENUE)
bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):  # type: ignore[misc]  # Any where NautilusTrader is not installed.
    def on_start(self) -> None:
        self.fast = self.slow = 1.1
        self.was_up = False
        self.held = 0
        self.fills = 0
        self.subscribe_bars(bar_type)

    def on_bar(self, bar: Any) -> None:
        close = bar.close.as_double()
        self.fast += (close - self.fast) * 2 / (fast + 1)
        self.slow += (close - self.slow) * 2 / (slow + 1)
        is_up = self.fast > self.slow
        if is_up is not self.was_up:
            self.was_up = is_up
            wanted = units if is_up else -units
            size = Quantity.from_int(abs(wanted - self.held))
            side = OrderSide.BUY if is_up else OrderSide.SELL
            self.held = wanted
            self.submit_order(self.order_factory.market(instrument.id, side, size))

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1


frame = pd.DataFrame(
    {name: past[name] for name in ("open", "high", "low", "close")}, index=pd.to_datetime(past["at"], utc=True)
)
engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
engine.add_venue(
    VENUE, oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=USD,
    starting_balances=[Money(100_000, USD)], default_leverage=Decimal(20), bar_execution=True,
)  # fmt: skip
engine.add_instrument(instrument)
strategy = Cross()
engine.add_strategy(strategy)
engine.add_data(BarDataWrangler(bar_type, instrument).process(frame, default_volume=1_000_000.0))
started = time.process_time()
engine.run()
took = time.process_time() - started
print(
    json.dumps(
        {
            "version": nautilus_trader.__version__,
            "bars_per_s": len(frame) / took,
            "fills": strategy.fills,
            "is_event_driven": True,
        }
    )
)
