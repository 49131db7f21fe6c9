"""Columns of any spelling as instants, numbers, texts and exact decimals."""

from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from tradehall.adapters.history.arrow import pa, pc
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, NS_PER_US, from_rfc3339

# An epoch's unit is told by its size: below the bound it counts in that unit. In seconds the bound
# is the year 5138, in milliseconds 1973 to 5138, and so on.
EPOCH_UNITS: Final = ((10**11, NS_PER_SECOND), (10**14, NS_PER_MS), (10**17, NS_PER_US))
DECIMALS_KEPT_MAX: Final = 65_536


class ClockReader:
    """Reads the time column of one file; the unit of an epoch is settled by its first value."""

    def __init__(self) -> None:
        self._unit: int | None = None

    def to_ns(self, column: Any) -> Any:
        """int64 [ns UTC], null where no time can be read; a time without a zone is UTC."""
        kind = column.type
        if pa.types.is_date(kind):
            column, kind = column.cast(pa.timestamp("s")), pa.timestamp("s")
        if pa.types.is_timestamp(kind):
            return column.cast(pa.timestamp("ns", kind.tz)).cast(pa.int64())
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return self._epochs(column)
        return self._texts(to_texts(column))

    def _texts(self, column: Any) -> Any:
        for kind in (pa.int64(), pa.float64(), pa.timestamp("ns", "UTC"), pa.timestamp("ns")):
            try:
                cast = column.cast(kind)
            except pa.ArrowInvalid:
                continue
            return cast.cast(pa.int64()) if pa.types.is_timestamp(kind) else self._epochs(cast)
        # One row in the batch is of another spelling than the rest, or of none: each for itself.
        return pa.array([self._text(text) for text in column.to_pylist()], pa.int64())

    def _text(self, text: str | None) -> int | None:
        number = _or_none(float, text)
        if number is None or not isfinite(number):
            return _instant(text)
        whole = _or_none(int, text)
        unit = self._unit_of(number)
        return _from_float(number, unit) if whole is None else int(whole) * unit

    def _unit_of(self, value: float) -> int:
        if self._unit is None:
            self._unit = next((unit for bound, unit in EPOCH_UNITS if abs(value) < bound), 1)
        return self._unit

    def _epochs(self, column: Any) -> Any:
        if pa.types.is_integer(column.type):
            first = next((value for value in column.to_pylist() if value is not None), None)
            column = column.cast(pa.int64())
            return column if first is None else pc.multiply(column, self._unit_of(first))
        # Whole nanoseconds are beyond a float: count the fraction apart, to the microsecond it can hold.
        values = [None if at is None or not isfinite(at) else float(at) for at in column.to_pylist()]
        return pa.array([None if at is None else _from_float(at, self._unit_of(at)) for at in values], pa.int64())


class Decimals(dict[float, Decimal]):
    """float → the Decimal it was printed from: with `digits` decimals where it lies on that grid, else as short
    as is exact. Prices repeat, so most of the work is one look into this dict."""

    def __init__(self, digits: int | None = None) -> None:
        super().__init__()
        self._digits = digits

    def __missing__(self, value: float) -> Decimal:
        if len(self) >= DECIMALS_KEPT_MAX:
            self.clear()
        decimal = self[value] = self._made(value)
        return decimal

    def _made(self, value: float) -> Decimal:
        shortest = Decimal(repr(value))
        if self._digits is None:
            return plain(shortest)
        on_grid = Decimal(f"{value:.{self._digits}f}")
        return on_grid if on_grid == shortest else plain(shortest)


def to_floats(column: Any) -> Any:
    """float64; null where there is no number."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_trim_whitespace(column)
    return _cast(column, pa.float64(), float)


def to_texts(column: Any) -> Any:
    """Trimmed strings."""
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return pc.utf8_trim_whitespace(column)


def _cast(column: Any, kind: Any, one: Callable[[Any], Any]) -> Any:
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([_or_none(one, value) for value in column.to_pylist()], kind)


def _or_none(one: Callable[[Any], Any], value: Any) -> Any:
    try:
        return one(value)
    except (TypeError, ValueError):
        return None


def _instant(text: str | None) -> int | None:
    try:
        return None if text is None else from_rfc3339(text.replace(".", "-", 2) if text[4:5] == "." else text)
    except ValueError:
        return None


def _from_float(at: float, unit: int) -> int:
    whole = int(at)
    return whole * unit + round((at - whole) * unit / NS_PER_US) * NS_PER_US


def plain(value: Decimal) -> Decimal:
    """Without a positive exponent and zeros behind the point: 1E+3 → 1000, 2.0 → 2."""
    normal = value.normalize()
    exponent = normal.as_tuple().exponent
    return normal.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else normal
