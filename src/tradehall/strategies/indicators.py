"""The indicators a strategy may use: TA-Lib's, under names of one spelling, with bounds. Doors list this table."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

import talib as _talib
from msgspec import Struct
from talib import abstract as _abstract
from talib import stream as _stream

from tradehall.strategies.definition import Parameter, PriceField

# Its types leave out what is made when it is imported.
talib: Final[Any] = _talib
abstract: Final[Any] = _abstract
stream: Final[Any] = _stream

PERIOD_MAX: Final = 500
SETTLING_BARS_MAX: Final = 10_000  # What one read of the history gives.
# TA-Lib's real parameters end at these; its own are 3e37.
FACTOR_MAX: Final = Decimal(100)

ParameterValue = int | Decimal | str


class ParameterRule(Struct, frozen=True):
    """A parameter, its default and its bounds (inclusive); one of `choices` where there are some."""

    name: str
    default: ParameterValue
    minimum: int | Decimal | None = None
    maximum: int | Decimal | None = None
    choices: tuple[str, ...] = ()


class Indicator(Struct, frozen=True):
    """An indicator: how many series it takes (`of`, with their defaults), then which `fields` of the bar always.

    `outputs`: ("",) where there is one. `is_pattern`: a candlestick pattern, 100, -100 or 0. `is_windowed`: its
    value depends on the last bars alone; others remember, fading, all bars since they began.
    """

    name: str
    title: str
    group: str
    fields: tuple[PriceField, ...]
    of: tuple[PriceField, ...]
    parameters: tuple[ParameterRule, ...]
    outputs: tuple[str, ...]
    is_windowed: bool

    @property
    def is_pattern(self) -> bool:
        """Whether it is a candlestick pattern."""
        return self.name.startswith("CDL")

    @property
    def is_cumulative(self) -> bool:
        """Whether only its changes mean something: its level is that of where the history begins."""
        return self.name in _CUMULATIVE

    def defaults(self) -> tuple[Parameter, ...]:
        """All parameters with their defaults."""
        return tuple(Parameter(rule.name, rule.default) for rule in self.parameters)


AVERAGES: Final = {name: getattr(talib.MA_Type, name) for name in (
    "SMA", "EMA", "WMA", "DEMA", "TEMA", "TRIMA", "KAMA", "T3", "HMA", "ZLEMA", "RMA",
)}  # fmt: skip
_AVERAGE_NAMES: Final = {number: name for name, number in AVERAGES.items()}

# Left out: functions of a number alone, those whose value is a place in the caller's array or depends for good on
# where the history begins, those that may look ahead of a bar, and variants that only add parameters.
_LEFT_OUT: Final = frozenset({
    "CUMSUM", "FRACTAL", "MACDEXT", "MAVP", "MAXINDEX", "MININDEX", "MINMAXINDEX", "NVI", "PVI", "SAREXT", "VWAP",
})  # fmt: skip
_GROUPS_LEFT_OUT: Final = frozenset({"Math Transform"})

# Sums of the last bars: what came before is gone, but for the last digits.
_WINDOWED: Final = frozenset({
    "ACCBANDS", "ADD", "ADR", "AO", "AROON", "AROONOSC", "AVGDEV", "AVGPRICE", "BBANDS", "BETA", "BOP", "CCI", "CMF",
    "CMOU", "COPPOCK", "CORREL", "DIV", "DONCHIAN", "DPO", "ER", "FOSC", "HMA", "IMI", "LINEARREG", "LINEARREG_ANGLE",
    "LINEARREG_INTERCEPT", "LINEARREG_SLOPE", "MA", "MARKETFI", "MAX", "MEDPRICE", "MFI", "MIDPOINT", "MIDPRICE",
    "MIN", "MINMAX", "MOM", "MULT", "PERCENTILE", "PERCENTRANK", "QSTICK", "ROC", "ROCP", "ROCR", "ROCR100", "RVOL",
    "SMA", "STDDEV", "STOCH", "STOCHF", "SUB", "SUM", "TRANGE", "TRIMA", "TSF", "TYPPRICE", "ULTOSC", "VAR", "VHF",
    "VORTEX", "VWMA", "WCLPRICE", "WILLR", "WMA",
})  # fmt: skip
_CUMULATIVE: Final = frozenset({"AD", "OBV", "PVT", "WAD"})
_WINDOWED_AVERAGES: Final = frozenset({"SMA", "WMA", "TRIMA", "HMA"})

_PARAMETER_NAMES: Final = {
    "timeperiod": "period",
    "timeperiod1": "period_1",
    "timeperiod2": "period_2",
    "timeperiod3": "period_3",
    "fastperiod": "fast_period",
    "slowperiod": "slow_period",
    "signalperiod": "signal_period",
    "firstperiod": "first_period",
    "secondperiod": "second_period",
    "wmaperiod": "wma_period",
    "roc1period": "roc_1_period",
    "roc2period": "roc_2_period",
    "rocperiod": "roc_period",
    "atrperiod": "atr_period",
    "stddevperiod": "deviation_period",
    "matype": "average",
    "slowk_matype": "slowk_average",
    "slowd_matype": "slowd_average",
    "fastd_matype": "fastd_average",
    "nbdevup": "deviations_up",
    "nbdevdn": "deviations_down",
    "nbdev": "deviations",
    "fastlimit": "fast_limit",
    "slowlimit": "slow_limit",
    "vfactor": "factor",
}
TALIB_NAMES: Final = {ours: theirs for theirs, ours in _PARAMETER_NAMES.items()}

_OUTPUT_NAMES: Final = {
    "upperband": "upper",
    "middleband": "middle",
    "lowerband": "lower",
    "macdsignal": "signal",
    "macdhist": "hist",
    "smisignal": "signal",
    "aroondown": "down",
    "aroonup": "up",
    "bullpower": "bull",
    "bearpower": "bear",
    "plusvi": "plus",
    "minusvi": "minus",
    "haopen": "open",
    "hahigh": "high",
    "halow": "low",
    "haclose": "close",
    "leadsine": "lead",
    "inphase": "in_phase",
}


def talib_arguments(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Parameters as TA-Lib takes them."""
    return {TALIB_NAMES.get(each.name, each.name): _talib_value(each.value) for each in parameters}


def lookback(name: str, parameters: Iterable[Parameter]) -> int | None:
    """Bars before the first value; None: TA-Lib refuses these parameters together."""
    bars: int = abstract.Function(name, **talib_arguments(parameters)).lookback
    return None if bars < 0 else bars


def settling_bars(name: str, parameters: Iterable[Parameter]) -> int:
    """Bars after which it no longer matters, within 1e-12, what came before them.

    A smoothing by 1/n forgets a share of 1/n with each bar: after 28 n bars e^-28 = 7e-13 is left.
    """
    parameters = tuple(parameters)
    bars = lookback(name, parameters) or 0
    averages = {each.value for each in parameters if isinstance(each.value, str)}
    if INDICATORS[name].is_pattern or (INDICATORS[name].is_windowed and averages <= _WINDOWED_AVERAGES):
        return bars + 1
    periods = sum(each.value for each in parameters if isinstance(each.value, int))
    return min(bars + 28 * max(periods, 14), SETTLING_BARS_MAX)


def _talib_value(value: ParameterValue) -> Any:
    if isinstance(value, str):
        return AVERAGES[value]
    return value if isinstance(value, int) else value.__float__()


def _table() -> dict[str, Indicator]:
    return {
        name: _indicator(name, group)
        for group, names in talib.get_function_groups().items()
        if group not in _GROUPS_LEFT_OUT
        for name in names
        if name not in _LEFT_OUT
    }


def _indicator(name: str, group: str) -> Indicator:
    about = abstract.Function(name).info
    inputs = about["input_names"]
    of = tuple(PriceField(default) for key, default in inputs.items() if key != "prices")
    outputs = tuple(_OUTPUT_NAMES.get(output, output) for output in about["output_names"])
    return Indicator(
        name=name,
        title=about["display_name"],
        group=group,
        fields=tuple(PriceField(field) for field in inputs.get("prices", ())),
        of=(PriceField.CLOSE, PriceField.CLOSE) if len(of) > 1 else of,
        parameters=tuple(_rule(name, key, default) for key, default in about["parameters"].items()),
        outputs=outputs if len(outputs) > 1 else ("",),
        is_windowed=name in _WINDOWED,
    )


def _rule(function: str, theirs: str, default: Any) -> ParameterRule:
    name = _PARAMETER_NAMES.get(theirs, theirs)
    if theirs.endswith("matype"):
        return ParameterRule(name, _AVERAGE_NAMES[default], choices=tuple(AVERAGES))
    takes: Callable[[Any], bool] = lambda value: abstract.Function(function, **{theirs: value}).lookback >= 0
    if isinstance(default, int):
        return ParameterRule(name, default, next(period for period in range(default + 1) if takes(period)), PERIOD_MAX)
    low = next(Decimal(text) for text in ("0", "0.01") if takes(Decimal(text).__float__()))
    high = next(Decimal(text) for text in (str(FACTOR_MAX), "1", "0.99") if takes(Decimal(text).__float__()))
    return ParameterRule(name, Decimal(str(default)), low, high)


INDICATORS: Final[dict[str, Indicator]] = _table()
PATTERNS: Final = tuple(name for name, indicator in INDICATORS.items() if indicator.is_pattern)
assert INDICATORS.keys() >= _WINDOWED | _CUMULATIVE
