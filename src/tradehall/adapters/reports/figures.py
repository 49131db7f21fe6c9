"""How figures are written for people. What has no value is a dash; a minus is a minus sign."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from tradehall.analytics.definitions import Definition, Unit
from tradehall.analytics.metrics import Metrics
from tradehall.domain.money import minor_unit
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, to_rfc3339

NOTHING: Final = "—"
# A ratio or a share beyond this is an accident of a short run, and not read digit by digit.
_SCIENTIFIC_FROM: Final = 1e6
_STEPS: Final = ((NS_PER_DAY, "d"), (NS_PER_HOUR, "h"), (NS_PER_MINUTE, "min"), (NS_PER_SECOND, "s"))


def figure(definition: Definition, metrics: Metrics) -> str:
    """A figure of `metrics` as text."""
    value = definition.of(metrics)
    return NOTHING if value is None else _WRITERS[definition.unit](value, metrics.currency)


def tone(definition: Definition, metrics: Metrics) -> str:
    """`gain` or `loss` for figures whose sign is good or bad, else nothing."""
    value = definition.of(metrics)
    if value is None or not value or definition.path not in _SIGNED:
        return ""
    return "gain" if value > 0 else "loss"


def percent(share: float) -> str:
    """0.1234 is 12.34 %."""
    return f"{_number(share * 100)}\u202f%"


def money(amount: Decimal, currency: str) -> str:
    """1234.5 is 1,234.50 USD; at least with the decimals of the currency."""
    exponent = minor_unit(currency).as_tuple().exponent
    places = max(0, -exponent) if isinstance(exponent, int) else 2
    return f"{_minus(f'{amount:,.{places}f}')} {currency}"


def duration(nanoseconds: int) -> str:
    """The two largest parts: 3 d 4 h, 12 min 5 s; below a second ms."""
    if nanoseconds < NS_PER_SECOND:
        return f"{nanoseconds / 1e6:.3g} ms" if nanoseconds else "0 s"
    parts: list[str] = []
    rest = nanoseconds
    for step, name in _STEPS:
        count, rest = divmod(rest, step)
        if count or parts:
            parts.append(f"{count} {name}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def instant(at: int) -> str:
    """2025-01-14 10:00 UTC, with seconds where there are some."""
    text = to_rfc3339(at)
    date, clock = text[:10], text[11:19]
    return f"{date} {clock[:5] if clock.endswith(':00') else clock} UTC"


def day(at: int) -> str:
    """2025-01-14."""
    return to_rfc3339(at)[:10]


def _number(value: float) -> str:
    if abs(value) >= _SCIENTIFIC_FROM:
        return _minus(f"{value:.2e}")
    return _minus(f"{value:,.2f}")


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


_SIGNED: Final = frozenset({
    "total_return", "annual_return", "buy_and_hold", "sharpe", "sortino", "calmar", "tally.net_pnl",
    "tally.expectancy", "tally.average_win", "tally.average_loss", "tally.best", "tally.worst", "tally.sqn",
})  # fmt: skip

_WRITERS: Final[dict[Unit, Callable[[Any, str], str]]] = {
    Unit.PERCENT: lambda value, currency: percent(value),
    Unit.RATIO: lambda value, currency: _number(value),
    Unit.MONEY: money,
    Unit.COUNT: lambda value, currency: f"{value:,}",
    Unit.DURATION: lambda value, currency: duration(value),
}
assert _WRITERS.keys() == set(Unit)
