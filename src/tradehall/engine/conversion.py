"""Conversion between currencies through live quotes.

The path, in this order: the same currency (or pegged to it): 1; the pair A+B at its mid; the pair B+A at
1 / mid; two such steps through USD. Stable coins count as the dollar they are pegged to: that is an
assumption of the house, and it is stated in docs/GLOSSARY.md.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradehall.domain.market import Quote
from tradehall.domain.money import ONE, round_rate

QuoteOf = Callable[[str], Quote | None]

PEGGED: Final = {"USDT": "USD", "USDC": "USD", "BUSD": "USD", "DAI": "USD"}
BRIDGE: Final = "USD"


def conversion_rate(source: str, target: str, quote_of: QuoteOf) -> Decimal | None:
    """Units of `target` per unit of `source`, at mid; None where no path of live quotes exists."""
    if source == target:
        return ONE
    source, target = PEGGED.get(source, source), PEGGED.get(target, target)
    direct = _one_step(source, target, quote_of)
    if direct is not None or BRIDGE in (source, target):
        return direct
    first = _one_step(source, BRIDGE, quote_of)
    second = _one_step(BRIDGE, target, quote_of)
    return None if first is None or second is None else round_rate(first * second)


def _one_step(source: str, target: str, quote_of: QuoteOf) -> Decimal | None:
    if source == target:
        return ONE
    if (quote := quote_of(source + target)) is not None:
        return quote.mid
    if (quote := quote_of(target + source)) is not None:
        return round_rate(ONE / quote.mid)
    return None


def conversion_symbols(source: str, target: str) -> tuple[str, ...]:
    """Symbols whose quotes a conversion may read."""
    if source == target:
        return ()
    source, target = PEGGED.get(source, source), PEGGED.get(target, target)
    if source == target:
        return ()
    pairs = (source + target, target + source)
    bridges = (source + BRIDGE, BRIDGE + source, target + BRIDGE, BRIDGE + target)
    return pairs if BRIDGE in (source, target) else pairs + bridges
