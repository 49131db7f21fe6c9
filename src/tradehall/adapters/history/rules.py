"""Instruments of recordings: from a table beside the data, else from their names and prices."""

import csv as text_csv
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from tradehall.domain.catalogue import (
    COIN_COMMISSION,
    CONTRACT_SIZE_OF_A_PAIR,
    FREE,
    LEVERAGE_MAX,
)
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.money import ONE
from tradehall.ports.feed import FeedError

TABLE_NAME: Final = "instruments.csv"
TABLE_COLUMNS: Final = ("symbol", "venue", "asset_class", "quote_currency", "tick_size", "lot_size")
FOLDERS_SEARCHED_MAX: Final = 6
PRICES_LOOKED_AT_MAX: Final = 2_000
DIGITS_MAX: Final = 10
LOT_STEP_MIN: Final = Decimal("0.01")
OUNCES_PER_CONTRACT: Final = Decimal(100)

# A dollar coin is booked as a dollar: nobody quotes it beside the recording, and its account is in dollars.
DOLLAR_COINS: Final = frozenset({"USDT", "USDC", "BUSD", "FDUSD", "TUSD"})
CURRENCIES: Final = ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "SGD", "HKD", "CNH")
METALS: Final = ("XAU", "XAG", "XPT", "XPD")
_COIN_QUOTES: Final = (*sorted(DOLLAR_COINS), "USD", "EUR", "GBP", "JPY", "BTC", "ETH")

_CLASSES: Final = {
    "equity": AssetClass.STOCK,
    "etf": AssetClass.STOCK,
    "index": AssetClass.STOCK,
    "stock": AssetClass.STOCK,
    "fx": AssetClass.FOREX,
    "forex": AssetClass.FOREX,
    "cfd": AssetClass.FOREX,
    "crypto": AssetClass.CRYPTO,
    "perp": AssetClass.FUTURES,
    "futures": AssetClass.FUTURES,
}


class Rules(Struct, frozen=True):
    """What is known of a symbol at a venue; `tick_size` None: to be told from its prices."""

    asset_class: str
    quote_currency: str
    tick_size: Decimal | None
    lot_size: Decimal = Decimal(0)


def rules_for(symbol: str, venue: str, beside: Path) -> Rules:
    """Rules of `symbol`: of the table in a folder above `beside`, of the venue if it has one, else by its name."""
    table = _table_above(beside)
    base = symbol.partition("-")[0]
    for key in ((symbol, venue), (symbol, ""), (base, venue)):
        if (rules := table.get(key)) is not None:
            return rules
    return _by_name(symbol)


def instrument_of(symbol: str, venue: str, rules: Rules, tick_size: Decimal) -> Instrument:
    """The instrument as the house trades it when its quotes are replayed."""
    asset_class = _CLASSES.get(rules.asset_class, AssetClass.STOCK)
    quote = rules.quote_currency
    base = _base_of(symbol, quote) or symbol
    contract_size = _contract_size(base, asset_class)
    has_two_sides = asset_class is not AssetClass.STOCK and base != symbol
    return Instrument(
        symbol=symbol,
        display=f"{base}/{symbol[len(base) :]}" if has_two_sides else symbol,
        description=f"{symbol} recorded at {venue} (replay)",
        asset_class=asset_class,
        base_currency=base,
        quote_currency="USD" if quote in DOLLAR_COINS else quote,
        tick_size=tick_size,
        contract_size=contract_size,
        quantity_step=rules.lot_size if rules.lot_size > 0 else None,
        quantity_min=max(rules.lot_size, Decimal(0)),
        lot_step=max(LOT_STEP_MIN, rules.lot_size / contract_size),
        leverage_max=LEVERAGE_MAX[asset_class],
        commission=COIN_COMMISSION if asset_class in {AssetClass.CRYPTO, AssetClass.FUTURES} else FREE,
        venue=venue,
        provider="replay",
    )


def tick_of(prices: Iterable[float]) -> Decimal:
    """The step that the first of `prices` lie on: a power of ten."""
    digits = 0
    for _, price in zip(range(PRICES_LOOKED_AT_MAX), prices, strict=False):
        exponent = Decimal(repr(price)).normalize().as_tuple().exponent
        digits = max(digits, -exponent if isinstance(exponent, int) else 0)
    return ONE.scaleb(-min(digits, DIGITS_MAX))


def _contract_size(base: str, asset_class: AssetClass) -> Decimal:
    if asset_class is not AssetClass.FOREX:
        return ONE
    return OUNCES_PER_CONTRACT if base in METALS else CONTRACT_SIZE_OF_A_PAIR


def _base_of(symbol: str, quote: str) -> str | None:
    """BTC of BTCUSDT and of BTCUSDT-PERP when quoted in USDT."""
    pair = symbol.partition("-")[0]
    return pair[: -len(quote)] if quote and pair.endswith(quote) and pair != quote else None


def _by_name(symbol: str) -> Rules:
    pair = symbol.partition("-")[0]
    if len(pair) == 6 and pair[:3] in (*CURRENCIES, *METALS) and pair[3:] in CURRENCIES:
        return Rules("fx", pair[3:], None)
    quote = next((quote for quote in _COIN_QUOTES if pair.endswith(quote) and len(pair) > len(quote) + 1), None)
    if quote is None:
        return Rules("stock", "USD", None)
    return Rules("perp" if symbol.endswith(("-PERP", "-SWAP")) else "crypto", quote, None)


def _table_above(beside: Path) -> Mapping[tuple[str, str], Rules]:
    for folder in list(beside.absolute().parents)[:FOLDERS_SEARCHED_MAX]:
        if (table := folder / TABLE_NAME).is_file():
            return _table(table)
    return {}


@lru_cache(maxsize=8)
def _table(path: Path) -> Mapping[tuple[str, str], Rules]:
    """(symbol, venue) → rules, and (symbol, "") → those of its first venue."""
    found: dict[tuple[str, str], Rules] = {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = text_csv.DictReader(stream)
            if missing := [name for name in TABLE_COLUMNS if name not in (reader.fieldnames or ())]:
                raise FeedError(f"{path} lacks {', '.join(missing)}: expected columns {', '.join(TABLE_COLUMNS)}")
            for number, row in enumerate(reader, start=1):
                rules = _row(path, number, row)
                found[row["symbol"], row["venue"]] = rules
                found.setdefault((row["symbol"], ""), rules)
    except (OSError, UnicodeDecodeError, text_csv.Error) as error:
        raise FeedError(f"{path} cannot be read: {error}") from error
    return found


def _row(path: Path, number: int, row: Mapping[str, str]) -> Rules:
    try:
        tick, lot = Decimal(row["tick_size"]), Decimal(row["lot_size"] or 0)
    except (InvalidOperation, TypeError):
        tick, lot = Decimal(0), Decimal(0)
    if not (tick.is_finite() and tick > 0 and lot.is_finite() and lot >= 0):
        raise FeedError(
            f"{path} row {number} has tick_size {row['tick_size']!r} and lot_size {row['lot_size']!r}: "
            "expected a positive number and one that is not negative"
        )
    return Rules(row["asset_class"].strip().lower(), row["quote_currency"].strip().upper(), tick, lot)
