"""Indicators as a chart asks for them, `EMA(20)` or `BBANDS(20, 2.5)`, over bars: as strategies see them."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import numpy as np
from msgspec import Struct

from tradehall.domain.market import Bar
from tradehall.strategies.columns import Computed, columns_of
from tradehall.strategies.definition import DefinitionError, Problem
from tradehall.strategies.indicators import INDICATORS, Indicator
from tradehall.strategies.plan import Bindings, Clock, Series, bars_needed
from tradehall.strategies.reading import parse_condition
from tradehall.strategies.reading.spot import unknown

_FORM: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]{0,31})\s*(?:\(([^()]{0,100})\))?\s*")
_NAME: Final = "study"
# Drawn over the prices, because they are prices.
_PRICE_GROUPS: Final = frozenset({"Overlap Studies", "Price Transform"})


class Study(Struct, frozen=True):
    """An indicator over the bars of one clock: its outputs by name ("": it has only one)."""

    is_price: bool
    outputs: dict[str, Series]

    @property
    def bars_needed(self) -> int:
        """Bars until its first value has settled."""
        return max(map(bars_needed, self.outputs.values()))


class StudyLine(Struct, frozen=True):
    """Values of one output, as many as there are bars; NaN where there is none yet."""

    output: str
    values: list[float]


def read_study(text: str, clock: Clock) -> Study:
    """`NAME(parameters in their order, the last may be left out)`. DefinitionError for anything else."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise DefinitionError((Problem("", f"{text[:40]!r} must be an indicator and its parameters, such as EMA(20)"),))
    name = form[1].upper()
    indicator = INDICATORS.get(name)
    if indicator is None:
        raise DefinitionError((Problem("", unknown("indicator", name, INDICATORS)),))
    raw = {"indicator": name, **_parameters(indicator, form[2] or "")}
    output = f"{_NAME}.{indicator.outputs[0]}" if indicator.outputs[0] else _NAME
    inputs, _ = parse_condition({"inputs": {_NAME: raw}, "when": {"above": [output, "0"]}})
    bindings = Bindings(inputs, clock)
    return Study(indicator.group in _PRICE_GROUPS, {each: bindings.of_input(_NAME, each) for each in indicator.outputs})


def study_lines(study: Study, clock: Clock, bars: Sequence[Bar]) -> list[StudyLine]:
    """Its values at `bars` of `clock`, oldest first."""
    computed = Computed({clock: columns_of(bars)})
    lines = []
    for output, series in study.outputs.items():
        lines.append(StudyLine(output, np.asarray(computed.of(series)).tolist()))
    return lines


def _parameters(indicator: Indicator, text: str) -> dict[str, str | int]:
    given = [part.strip() for part in text.split(",")] if text.strip() else []
    if len(given) > len(indicator.parameters):
        most = len(indicator.parameters)
        raise DefinitionError((Problem("", f"{indicator.name} takes {most} parameters, {len(given)} were given"),))
    found: dict[str, str | int] = {}
    for rule, part in zip_longest(indicator.parameters, given):
        if part:
            found[rule.name] = int(part) if part.isascii() and part.isdigit() and len(part) < 9 else part
    return found
