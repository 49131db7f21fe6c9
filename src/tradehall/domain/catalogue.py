"""Catalogue: the instruments of the demo market, and the spellings under which a symbol is known."""

from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Final

from tradehall.domain.calendar import ALWAYS
from tradehall.domain.instrument import AssetClass, Commission, Instrument
from tradehall.domain.money import ONE

CONTRACT_SIZE_OF_A_PAIR: Final = Decimal(100_000)

# Charged in dollars: nothing on shares and pairs (their cost is the spread), a share of notional on coins.
FREE: Final = Commission()
COIN_COMMISSION: Final = Commission(taker_rate=Decimal("0.0005"), maker_rate=Decimal("0.0002"))

LEVERAGE_MAX: Final[dict[AssetClass, Decimal]] = {
    AssetClass.STOCK: Decimal(50),
    AssetClass.FOREX: Decimal(500),
    AssetClass.CRYPTO: Decimal(50),
    AssetClass.FUTURES: Decimal(100),
}
assert LEVERAGE_MAX.keys() == set(AssetClass)


def resolve_symbol(text: str, symbols: Container[str]) -> str | None:
    """The one of `symbols` that `text` means, None if none.

    Letters may have any case; `EUR/USD`, `EUR-USD` and `EUR_USD` mean EURUSD; a one-letter class prefix
    (`S:AAPL`, `C:EURUSD`, `X:BTCUSD`) is left out. The symbol itself always wins over such readings.
    """
    if text in symbols:
        return text
    name = text.strip().upper()
    if name[1:2] == ":":
        name = name[2:]
    joined = name.replace("/", "")
    readings = (name, joined, joined.replace("-", "").replace("_", ""))
    return next((reading for reading in readings if reading in symbols), None)


def demo_instruments() -> dict[str, Instrument]:
    """Instruments of the built-in market by symbol: open around the clock, any fraction of a unit."""
    return dict(_DEMO)


def _share(symbol: str, company: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        display=symbol,
        description=f"{company} (simulated)",
        asset_class=AssetClass.STOCK,
        base_currency=symbol,
        quote_currency="USD",
        tick_size=Decimal("0.01"),
        contract_size=ONE,
        leverage_max=LEVERAGE_MAX[AssetClass.STOCK],
        commission=FREE,
        sessions=ALWAYS,
    )


def _coin(base: str, name: str) -> Instrument:
    return Instrument(
        symbol=f"{base}USD",
        display=f"{base}/USD",
        description=f"{name} vs US Dollar (simulated)",
        asset_class=AssetClass.CRYPTO,
        base_currency=base,
        quote_currency="USD",
        tick_size=Decimal("0.01"),
        contract_size=ONE,
        leverage_max=LEVERAGE_MAX[AssetClass.CRYPTO],
        commission=COIN_COMMISSION,
        sessions=ALWAYS,
    )


def _pair(base: str, quote: str, name: str, *, tick: str, swaps: tuple[str, str]) -> Instrument:
    """A currency pair; `swaps` are those of a long and a short unit, in quote currency a night."""
    return Instrument(
        symbol=base + quote,
        display=f"{base}/{quote}",
        description=f"{name} (simulated)",
        asset_class=AssetClass.FOREX,
        base_currency=base,
        quote_currency=quote,
        tick_size=Decimal(tick),
        contract_size=CONTRACT_SIZE_OF_A_PAIR,
        leverage_max=LEVERAGE_MAX[AssetClass.FOREX],
        commission=FREE,
        swap_long=Decimal(swaps[0]),
        swap_short=Decimal(swaps[1]),
        sessions=ALWAYS,
    )


_DEMO: Final[Mapping[str, Instrument]] = {
    instrument.symbol: instrument
    for instrument in (
        _share("AAPL", "Apple Inc."),
        _share("MSFT", "Microsoft Corporation"),
        _share("GOOG", "Alphabet Inc."),
        _share("AMZN", "Amazon.com, Inc."),
        _share("TSLA", "Tesla, Inc."),
        _share("NVDA", "NVIDIA Corporation"),
        _coin("BTC", "Bitcoin"),
        _coin("ETH", "Ether"),
        _pair("EUR", "USD", "Euro vs US Dollar", tick="0.00001", swaps=("-0.00006", "0.00002")),
        _pair("GBP", "USD", "Pound Sterling vs US Dollar", tick="0.00001", swaps=("-0.00004", "0.00001")),
        _pair("USD", "JPY", "US Dollar vs Japanese Yen", tick="0.001", swaps=("0.008", "-0.016")),
    )
}
