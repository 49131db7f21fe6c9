"""The demo's instruments and the spellings they answer to."""

import pytest

from tradehall.domain.catalogue import demo_instruments, resolve_symbol
from tradehall.domain.instrument import AssetClass

SYMBOLS = {*demo_instruments(), "BTCUSDT-PERP", "BTCUSDT"}


@pytest.mark.parametrize(("text", "symbol"), [
    ("EURUSD",        "EURUSD"),
    ("eurusd",        "EURUSD"),
    ("EUR/USD",       "EURUSD"),
    ("eur-usd",       "EURUSD"),
    ("EUR_USD",       "EURUSD"),
    ("C:EURUSD",      "EURUSD"),
    ("c:eur/usd",     "EURUSD"),
    ("X:BTCUSD",      "BTCUSD"),
    ("BTC/USD",       "BTCUSD"),
    ("S:AAPL",        "AAPL"),
    (" aapl ",        "AAPL"),
    ("BTC/USDT",      "BTCUSDT"),
    ("BTCUSDT-PERP",  "BTCUSDT-PERP"),
    ("btc/usdt-perp", "BTCUSDT-PERP"),
    ("XX:AAPL",       None),
    ("AAPLX",         None),
    ("",              None),
    (":",             None),
])  # fmt: skip
def test_a_symbol_has_its_spellings(text: str, symbol: str | None):
    assert resolve_symbol(text, SYMBOLS) == symbol


def test_every_display_name_leads_back_to_its_symbol():
    assert [resolve_symbol(one.display, SYMBOLS) for one in demo_instruments().values()] == [*demo_instruments()]


@pytest.mark.parametrize(("symbol", "contract_size", "digits", "asset_class"), [
    ("AAPL",   "1",      2, AssetClass.STOCK),
    ("BTCUSD", "1",      2, AssetClass.CRYPTO),
    ("EURUSD", "100000", 5, AssetClass.FOREX),
    ("USDJPY", "100000", 3, AssetClass.FOREX),
])  # fmt: skip
def test_the_demo_has_the_promised_instruments(symbol, contract_size, digits, asset_class):
    instrument = demo_instruments()[symbol]
    assert (str(instrument.contract_size), instrument.digits) == (contract_size, digits)
    assert instrument.asset_class is asset_class
    assert instrument.quantity_step is None


def test_the_simulated_market_says_so():
    for instrument in demo_instruments().values():
        assert "simulated" in instrument.description
        assert (instrument.provider, instrument.sessions) == ("simulated", ())
        assert instrument.commission.currency == "USD"
