"""What names of files and tables of instruments say."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.adapters.history.recorded_files import write_csv
from tradehall.adapters.history.naming import FileName, read_name, span_text
from tradehall.adapters.history.rules import Rules, instrument_of, rules_for, tick_of
from tradehall.domain.instrument import AssetClass
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.feed import FeedError


@pytest.mark.parametrize(("name", "symbol", "venue", "span"), [
    ("BTCUSDT.BINANCE.tick.parquet",         "BTCUSDT",      "BINANCE", None),
    ("BTCUSDT-PERP.BINANCE.l2.parquet",      "BTCUSDT-PERP", "BINANCE", None),
    ("BTCUSDT.BINANCE.top10_250ms.parquet",  "BTCUSDT",      "BINANCE", None),
    ("EURUSD.OANDA.1m.parquet",              "EURUSD",       "OANDA",   NS_PER_MINUTE),
    ("SPY.US.1m-2011-01.parquet",            "SPY",          "US",      NS_PER_MINUTE),
    ("BTCUSD.COINBASE.1s.csv.gz",            "BTCUSD",       "COINBASE", NS_PER_SECOND),
    ("EURUSD.1h.csv",                        "EURUSD",       "FILE",    NS_PER_HOUR),
    ("eurusd.csv",                           "EURUSD",       "FILE",    None),
    ("eurusd_15min.CSV",                     "EURUSD",       "FILE",    15 * NS_PER_MINUTE),
    ("AAPL_NASDAQ_1d.csv",                   "AAPL",         "NASDAQ",  NS_PER_DAY),
    (".csv",                                 "",             "FILE",    None),
])  # fmt: skip
def test_a_name_tells_symbol_venue_and_span(name, symbol, venue, span):
    assert read_name(Path(name)) == FileName(symbol, venue, span)


@pytest.mark.parametrize(
    ("span", "text"), [(NS_PER_MINUTE, "1m"), (90 * NS_PER_SECOND, "90s"), (NS_PER_DAY, "1d"), (14 * NS_PER_DAY, "2w")]
)
def test_a_span_has_a_name(span, text):
    assert span_text(span) == text


TABLE = "symbol,venue,asset_class,quote_currency,tick_size,lot_size,calendar"


def test_rules_come_from_the_table_in_a_folder_above(tmp_path):
    write_csv(
        tmp_path / "instruments.csv",
        TABLE,
        "BTCUSDT,BINANCE,crypto,USDT,0.01,0.00001,24/7",
        "BTCUSDT,BYBIT,crypto,USDT,0.1,0.001,24/7",
    )
    file = tmp_path / "a" / "b" / "BTCUSDT.BYBIT.1m.parquet"
    assert rules_for("BTCUSDT", "BYBIT", file) == Rules("crypto", "USDT", Decimal("0.1"), Decimal("0.001"))
    assert rules_for("BTCUSDT", "OTHER", file).tick_size == Decimal("0.01"), "a venue unknown: the first one's"
    assert rules_for("ETHUSDT", "BYBIT", file) == Rules("crypto", "USDT", None), "a symbol unknown: by its name"


@pytest.mark.parametrize(
    "row",
    [
        "BTCUSDT,BINANCE,crypto,USDT,0,1,x",
        "BTCUSDT,BINANCE,crypto,USDT,abc,1,x",
        "BTCUSDT,BINANCE,crypto,USDT,1,-1,x",
        "BTCUSDT",
    ],
)
def test_a_bad_row_of_the_table_is_named(tmp_path, row):
    write_csv(tmp_path / "instruments.csv", TABLE, "AAPL,US,equity,USD,0.01,1,XNYS", row)
    with pytest.raises(FeedError, match=r"instruments\.csv row 2 has tick_size .*expected a positive number"):
        rules_for("BTCUSDT", "BINANCE", tmp_path / "x.parquet")


def test_a_table_without_its_columns_is_named(tmp_path):
    write_csv(tmp_path / "instruments.csv", "symbol,venue", "A,B")
    with pytest.raises(FeedError, match=r"instruments\.csv lacks asset_class, .*expected columns"):
        rules_for("A", "B", tmp_path / "x.parquet")


@pytest.mark.parametrize(("symbol", "display", "asset_class", "quote", "contract_size"), [
    ("BTCUSDT",      "BTC/USDT",      AssetClass.CRYPTO,  "USD", "1"),
    ("BTCUSDT-PERP", "BTC/USDT-PERP", AssetClass.FUTURES, "USD", "1"),
    ("ETHBTC",       "ETH/BTC",       AssetClass.CRYPTO,  "BTC", "1"),
    ("EURUSD",       "EUR/USD",       AssetClass.FOREX,   "USD", "100000"),
    ("USDJPY",       "USD/JPY",       AssetClass.FOREX,   "JPY", "100000"),
    ("XAUUSD",       "XAU/USD",       AssetClass.FOREX,   "USD", "100"),
    ("AAPL",         "AAPL",          AssetClass.STOCK,   "USD", "1"),
])  # fmt: skip
def test_without_a_table_the_name_of_a_symbol_says_what_it_is(symbol, display, asset_class, quote, contract_size):
    made = instrument_of(symbol, "X", rules_for(symbol, "X", Path("/nowhere/at/all.csv")), Decimal("0.01"))
    assert (made.display, made.asset_class, made.quote_currency) == (display, asset_class, quote)
    assert (str(made.contract_size), made.quantity_step, made.provider) == (contract_size, None, "replay")


def test_a_lot_of_the_table_is_the_step_of_quantities_and_of_lots():
    made = instrument_of("AAPL", "US", Rules("equity", "USD", Decimal("0.01"), Decimal(1)), Decimal("0.01"))
    assert made.quantity_step == made.quantity_min == made.lot_step == 1
    made = instrument_of("EURUSD", "OANDA", Rules("fx", "USD", None, Decimal(1)), Decimal("0.00001"))
    assert (made.quantity_step, made.lot_step) == (Decimal(1), Decimal("0.01"))


@pytest.mark.parametrize(
    ("prices", "tick"), [([1.5, 2.0], "0.1"), ([100.0], "1"), ([1.08345, 1.1], "0.00001"), ([], "1")]
)
def test_the_tick_is_told_from_prices(prices, tick):
    assert tick_of(prices) == Decimal(tick)
