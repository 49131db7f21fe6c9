"""The inputs of a definition: indicators with their parameters, and prices of other symbols."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from tradehall.domain.market import Timeframe
from tradehall.strategies.definition import (
    INPUT_DEPTH_MAX,
    INPUTS_MAX,
    NAME_LENGTH_MAX,
    SYMBOLS_MAX,
    BarPrice,
    Input,
    InputValue,
    Number,
    Operand,
    Parameter,
    PriceField,
)
from tradehall.strategies.indicators import INDICATORS, Indicator, ParameterRule, ParameterValue, lookback
from tradehall.strategies.reading.spot import Spot, as_number, quoted, unknown

_NAME: Final = re.compile(rf"[A-Za-z_]\w{{0,{NAME_LENGTH_MAX - 1}}}", re.ASCII)
_FIELDS: Final = frozenset(field.value for field in PriceField)
_OWN_KEYS: Final = ("indicator", "of", "symbol", "timeframe")
SYMBOL_LENGTH_MAX: Final = 40


class Names:
    """What operands may name: the inputs read so far, those that failed, and the symbols that are known."""

    def __init__(self, symbols: Collection[str] | None) -> None:
        self.known_symbols = symbols
        self.inputs: dict[str, Input] = {}
        self.broken: set[str] = set()
        self.symbols: set[str] = set()
        self.depths: dict[str, int] = {}

    def words(self) -> list[str]:
        """All that an operand may be."""
        return [*self.inputs, *self.broken, *_FIELDS]

    def symbol(self, spot: Spot) -> str | None:
        """A symbol that may be looked at or traded."""
        symbol = spot.text()
        if symbol is None:
            return None
        if self.known_symbols is not None and symbol not in self.known_symbols:
            spot.complain(unknown("symbol", symbol, self.known_symbols))
            return None
        if not 0 < len(symbol) <= SYMBOL_LENGTH_MAX:
            spot.complain(f"a symbol has 1 to {SYMBOL_LENGTH_MAX} characters")
            return None
        self.symbols.add(symbol)
        if len(self.symbols) > SYMBOLS_MAX:
            spot.complain(f"more than {SYMBOLS_MAX} other symbols")
            return None
        return symbol


def read_inputs(spot: Spot, names: Names) -> None:
    """Read all inputs into `names`; what they are made of comes first there."""
    if not isinstance(spot.value, dict):
        spot.complain(f"must be an object, was {quoted(spot.value)}")
        return
    if len(spot.value) > INPUTS_MAX:
        spot.complain(f"must have at most {INPUTS_MAX} inputs, had {len(spot.value)}")
        return
    for name in spot.value:
        _read_named(spot, name, names, ())


def read_operand(spot: Spot, names: Names) -> Operand | None:
    """A price of the bar, an output of an input, a number; or what one of them was before."""
    if isinstance(spot.value, dict):
        spot.complain('must be a price, an input, a number as text, or {"prev": [operand, bars]}')
        return None
    number = as_number(spot.value)
    if number is not None:
        return Number(number)
    text = spot.text()
    if text is None:
        return None
    if text in _FIELDS:
        return BarPrice(PriceField(text))
    name, _, output = text.partition(".")
    return _input_value(spot, name, output, names)


def _input_value(spot: Spot, name: str, output: str, names: Names) -> InputValue | None:
    if name in names.broken:
        return None  # It has a complaint of its own.
    found = names.inputs.get(name)
    if found is None:
        spot.complain(unknown("input", name, names.words()))
        return None
    outputs = INDICATORS[found.indicator].outputs if found.indicator else ("",)
    if output in outputs:
        return InputValue(name, output)
    listed = " or ".join(f"{name}.{each}" for each in outputs)
    if not output:
        spot.complain(f"{name!r} has several outputs; write {listed}")
    elif outputs == ("",):
        spot.complain(f"{name!r} has one output; write {name}")
    else:
        spot.complain(f"{name!r} has no output {quoted(output)}; write {listed}")
    return None


def _read_named(spot: Spot, name: str, names: Names, asked_by: tuple[str, ...]) -> None:
    """Read one input, and before it those it is made of."""
    if name in names.inputs or name in names.broken:
        return
    here = spot.key(name)
    complaints = len(spot.problems)
    if not _NAME.fullmatch(name) or name in _FIELDS:
        here.complain(f"a name has 1 to {NAME_LENGTH_MAX} letters, digits and _, and is not that of a price")
    elif name in asked_by:
        circle = " → ".join((*asked_by[asked_by.index(name) :], name))
        here.complain(f"is made of itself: {circle}")
    else:
        for needed in _needed(here.value):
            if needed in spot.value:
                _read_named(spot, needed, names, (*asked_by, name))
        read = _read_input(here, name, names)
        if read is not None:
            names.inputs[name] = read
    if len(spot.problems) > complaints or name not in names.inputs:
        names.inputs.pop(name, None)
        names.broken.add(name)


def _needed(value: object) -> list[str]:
    of = value.get("of") if isinstance(value, dict) else None
    texts = of if isinstance(of, list | tuple) else [of]
    return [text.partition(".")[0] for text in texts[:2] if isinstance(text, str)]


def _read_input(spot: Spot, name: str, names: Names) -> Input | None:
    if not isinstance(spot.value, dict):
        spot.complain(f"must be an object, was {quoted(spot.value)}")
        return None
    indicator = None
    if spot.has("indicator"):
        known = spot.key("indicator").one_of("indicator", INDICATORS)
        if known is None:
            return None
        indicator = INDICATORS[known]
    elif not (spot.has("symbol") or spot.has("timeframe")):
        spot.complain("'indicator' is missing")
        return None
    rules = {rule.name: rule for rule in indicator.parameters} if indicator else {}
    if not spot.is_object((*_OWN_KEYS, *rules)):
        return None
    of = _of(spot, indicator, names)
    parameters = _parameters(spot, rules)
    symbol = names.symbol(spot.key("symbol")) if spot.has("symbol") else None
    timeframe = spot.key("timeframe").choice("timeframe", Timeframe) if spot.has("timeframe") else None
    if of is None or parameters is None:
        return None
    if indicator and lookback(indicator.name, parameters) is None:
        spot.complain(f"{indicator.name} does not take these parameters together")
        return None
    read = Input(name, indicator.name if indicator else "", of, parameters, symbol, timeframe)
    return _in_place_of(read, spot, names)


def _in_place_of(read: Input, spot: Spot, names: Names) -> Input | None:
    """An input of inputs: of their symbol and timeframe, which must be the same."""
    parents = [names.inputs[text.partition(".")[0]] for text in read.of if text not in _FIELDS]
    names.depths[read.name] = 1 + max((names.depths[parent.name] for parent in parents), default=0)
    if not parents:
        return read
    if names.depths[read.name] > INPUT_DEPTH_MAX:
        spot.complain(f"is an input of inputs of inputs … deeper than {INPUT_DEPTH_MAX}")
        return None
    places = {(parent.symbol, parent.timeframe) for parent in parents}
    if read.symbol or read.timeframe:
        places.add((read.symbol, read.timeframe))
    fields = INDICATORS[read.indicator].fields if read.indicator else ()
    if any(text in _FIELDS for text in read.of) or fields:
        places.add((read.symbol, read.timeframe))
    if len(places) > 1:
        spot.complain("all it is made of must be of one symbol and timeframe; give them at each of its inputs")
        return None
    symbol, timeframe = places.pop()
    return Input(read.name, read.indicator, read.of, read.parameters, symbol, timeframe)


def _of(spot: Spot, indicator: Indicator | None, names: Names) -> tuple[str, ...] | None:
    count = len(indicator.of) if indicator else 1
    if not spot.has("of"):
        defaults = indicator.of if indicator else (PriceField.CLOSE,)
        return tuple(field.value for field in defaults)
    here = spot.key("of")
    if count == 0:
        assert indicator is not None
        fixed = ", ".join(indicator.fields)
        here.complain(f"{indicator.name} is always of {fixed}")
        return None
    spots = [here]
    if count > 1 or isinstance(here.value, list | tuple):
        if not here.is_list(count, count):
            return None
        spots = list(here.items())
    texts = [_series(each, names) for each in spots]
    return None if None in texts else tuple(text for text in texts if text is not None)


def _series(spot: Spot, names: Names) -> str | None:
    operand = read_operand(spot, names)
    if isinstance(operand, Number):
        spot.complain("must be a price or an input, was a number")
        return None
    return None if operand is None else str(spot.value)


def _parameters(spot: Spot, rules: Mapping[str, ParameterRule]) -> tuple[Parameter, ...] | None:
    read: list[Parameter] = []
    for name, rule in rules.items():
        value = _parameter(spot.key(name), rule) if spot.has(name) else rule.default
        if value is None:
            return None
        read.append(Parameter(name, value))
    return tuple(read)


def _parameter(spot: Spot, rule: ParameterRule) -> ParameterValue | None:
    if rule.choices:
        return spot.one_of("average", rule.choices)
    if isinstance(rule.default, int):
        assert isinstance(rule.minimum, int)
        assert isinstance(rule.maximum, int)
        return spot.whole(rule.minimum, rule.maximum)
    assert not isinstance(rule.minimum, str)
    return spot.number(rule.minimum, rule.maximum)
