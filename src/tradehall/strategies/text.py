"""A strategy in plain language: every block has its words."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tradehall.domain.money import trimmed
from tradehall.domain.position import PositionSide
from tradehall.domain.time import to_rfc3339
from tradehall.strategies.definition import (
    Action,
    AddOns,
    All,
    Any,
    BarPrice,
    Cancel,
    Close,
    Comparison,
    Condition,
    Definition,
    Distance,
    DistanceUnit,
    Input,
    Move,
    Not,
    Number,
    Open,
    Operand,
    Parameter,
    PriceField,
    Relation,
    Rule,
    SetStopLoss,
    Within,
)
from tradehall.strategies.indicators import INDICATORS
from tradehall.strategies.plan import atr_input

Inputs = Mapping[str, Input]

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RELATIONS: Final = {
    Relation.CROSSES_ABOVE: "crosses above",
    Relation.CROSSES_BELOW: "crosses below",
    Relation.ABOVE: "is above",
    Relation.BELOW: "is below",
    Relation.EQUALS: "equals",
}
_PRICES: Final = {
    PriceField.HL2: "the middle of high and low",
    PriceField.HLC3: "the mean of high, low and close",
    PriceField.OHLC4: "the mean of open, high, low and close",
}
assert _RELATIONS.keys() == set(Relation)


def definition_text(definition: Definition) -> str:
    """The whole strategy, a sentence per rule and one for its add-ons."""
    inputs = inputs_of(definition.inputs)
    sentences = [rule_text(rule, inputs) for rule in definition.rules]
    return " ".join([*sentences, *add_on_sentences(definition.add_ons)])


def inputs_of(inputs: Iterable[Input]) -> dict[str, Input]:
    """Inputs by name."""
    return {each.name: each for each in inputs}


def rule_text(rule: Rule, inputs: Inputs) -> str:
    """A rule as a sentence."""
    when = "" if rule.when is None else condition_text(rule.when, inputs)
    actions = [action_text(action, inputs) for action in rule.do]
    if rule.every_s is not None:
        beat = "Every second" if rule.every_s == 1 else f"Every {rule.every_s} seconds"
        return f"{beat}{', if ' + when if when else ''}: {', then '.join(actions)}."
    if len(rule.do) == 1:
        act = action_text(rule.do[0], inputs, with_exits=False)
        exits = _exits_text(rule.do[0], inputs) if isinstance(rule.do[0], Open) else ""
        return f"{act[0].upper()}{act[1:]} when {when}{',' if exits else ''}{exits}."
    return f"When {when}: {', then '.join(actions)}."


def condition_text(condition: Condition, inputs: Inputs, *, is_part: bool = False) -> str:
    """A condition; as a part of another one in brackets where it would be misread."""
    match condition:
        case Comparison(relation, left, right):
            return f"{operand_text(left, inputs)} {_RELATIONS[relation]} {operand_text(right, inputs)}"
        case Move():
            return _move_text(condition, inputs)
        case Not(part):
            return f"not ({condition_text(part, inputs)})"
        case Within(part, bars):
            return f"{condition_text(part, inputs, is_part=True)} at one of the last {_bars(bars)}"
        case All(parts) | Any(parts):
            word = " and " if isinstance(condition, All) else " or "
            text = word.join(condition_text(part, inputs, is_part=len(parts) > 1) for part in parts)
            return f"({text})" if is_part and len(parts) > 1 else text


def operand_text(operand: Operand, inputs: Inputs) -> str:
    """An operand: a price, EMA(20), a number."""
    if isinstance(operand, Number):
        return number_text(operand.value)
    if isinstance(operand, BarPrice):
        text = price_text(operand.field)
    else:
        text = input_text(inputs[operand.name], operand.output, inputs)
    return f"{text} {_bars(operand.bars_ago)} before" if operand.bars_ago else text


def input_text(each: Input, output: str, inputs: Inputs) -> str:
    """An input by what it is, not by its name: EMA(20), the upper of BBANDS(20) of GBPUSD on 1h bars."""
    if not each.indicator:
        return _series_text(each.of[0], inputs) + _place_text(each)
    indicator = INDICATORS[each.indicator]
    text = each.indicator + _parameters_text(each)
    defaults = tuple(field.value for field in indicator.of)
    if each.of != defaults:
        text += " of " + " and ".join(_series_text(series, inputs) for series in each.of)
    if all(series in {field.value for field in PriceField} for series in each.of):
        text += _place_text(each)
    return f"the {output} of {text}" if output else text


def action_text(action: Action, inputs: Inputs, *, with_exits: bool = True) -> str:
    """What an action does."""
    place = f" {action.symbol}" if action.symbol else ""
    match action:
        case Open(side, size):
            verb = "buy" if side is PositionSide.LONG else "sell short"
            amount = f" {number_text(size)}" if size is not None else ""
            return f"{verb}{amount}{place}{_exits_text(action, inputs) if with_exits else ''}"
        case Close(side):
            what = "whatever is open" if side is None else f"the {side.lower()} position"
            return f"close {what}{' in' + place if place else ''}"
        case Cancel(side):
            whose = "" if side is None else f" {side.lower()}"
            return f"cancel{whose} entry orders that still work{' in' + place if place else ''}"
        case _:
            leg = "stop loss" if isinstance(action, SetStopLoss) else "take profit"
            where = distance_text(action.distance, action.symbol, inputs)
            away = "" if action.distance.unit is DistanceUnit.PRICE else " from the price"
            return f"move the {leg}{' of' + place if place else ''} to {where}{away}"


def distance_text(distance: Distance, symbol: str | None, inputs: Inputs) -> str:
    """A distance or a price: 1.5 %, 2 × ATR(14), 20 ticks, 1.05."""
    amount = operand_text(distance.amount, inputs)
    match distance.unit:
        case DistanceUnit.PERCENT:
            return f"{amount} %"
        case DistanceUnit.TICKS:
            return f"{amount} tick{'' if amount == '1' else 's'}"
        case DistanceUnit.ATR:
            meant = atr_input(inputs.values(), symbol, distance.input)
            return f"{amount} × {input_text(meant, '', inputs) if meant else 'ATR(14)'}"
        case DistanceUnit.PRICE:
            return amount


def add_on_sentences(add_ons: AddOns) -> list[str]:
    """What keeps it from opening, and what ends it; no sentence where nothing does."""
    opening = "; ".join(filter(None, (_when_text(add_ons), _caps_text(add_ons))))
    endings = [
        add_ons.expires_at is not None and f"at {to_rfc3339(add_ons.expires_at)}",
        add_ons.profit_stop is not None and f"at a profit of {number_text(add_ons.profit_stop)}",
        add_ons.loss_stop is not None and f"at a loss of {number_text(add_ons.loss_stop)}",
    ]
    ending = " or ".join(each for each in endings if each)
    return [
        *([f"It opens {opening}."] if opening else []),
        *([f"It closes everything and stops {ending}."] if ending else []),
    ]


def hours_text(window: tuple[int, int]) -> str:
    """A window of the day: 07:00 to 21:00."""
    start, end = window
    return f"{_clock_text(start)} to {_clock_text(end)}"


def days_text(weekdays: frozenset[int]) -> str:
    """Days of the week: Monday to Friday, or one by one."""
    days = sorted(weekdays)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{_DAYS[days[0]]} to {_DAYS[days[-1]]}"
    names = [_DAYS[day] for day in days]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def number_text(number: Decimal) -> str:
    """A number as people write it."""
    return str(trimmed(number))


def price_text(field: PriceField) -> str:
    """A price of the bar."""
    return _PRICES.get(field, f"the {field.value}")


def _when_text(add_ons: AddOns) -> str:
    days = days_text(add_ons.weekdays) if add_ons.weekdays else ""
    hours = " or ".join(hours_text(window) for window in add_ons.hours_utc)
    text = ", ".join(filter(None, (days, f"{hours} UTC" if hours else "")))
    return f"only {text}" if text else ""


def _caps_text(add_ons: AddOns) -> str:
    daily, total = add_ons.max_trades_per_day, add_ons.max_trades
    caps = [
        daily is not None and f"at most {_times(daily)} a day",
        total is not None and f"at most {_times(total)} in all",
    ]
    return ", ".join(cap for cap in caps if cap)


def _times(count: int | None) -> str:
    return f"{count} trade{'' if count == 1 else 's'}"


def _move_text(move: Move, inputs: Inputs) -> str:
    verb = "has risen" if move.rises else "has fallen"
    amount = f"{number_text(move.amount)}{' %' if move.is_percent else ''}"
    return f"{operand_text(move.operand, inputs)} {verb} by {amount} over {_bars(move.bars)}"


def _exits_text(action: Open, inputs: Inputs) -> str:
    exits = [("stop loss", action.stop_loss, True), ("take profit", action.take_profit, False)]
    parts: list[str] = []
    for leg, distance, is_loss in exits:
        if distance is None:
            continue
        where = distance_text(distance, action.symbol, inputs)
        below = is_loss == (action.side is PositionSide.LONG)
        place = (
            f"at {where}"
            if distance.unit is DistanceUnit.PRICE
            else f"{where} {'below' if below else 'above'} the entry"
        )
        parts.append(f"a {leg} {place}")
    return f" with {' and '.join(parts)}" if parts else ""


def _series_text(series: str, inputs: Inputs) -> str:
    name, _, output = series.partition(".")
    if name in inputs:
        return input_text(inputs[name], output, inputs)
    return price_text(PriceField(series))


def _place_text(each: Input) -> str:
    symbol = f" of {each.symbol}" if each.symbol else ""
    return symbol + (f" on {each.timeframe.value} bars" if each.timeframe else "")


def _parameters_text(each: Input) -> str:
    """Periods always, other parameters where they differ from the default."""
    rules = INDICATORS[each.indicator].parameters
    shown: list[str] = []
    for rule, parameter in zip(rules, each.parameters, strict=True):
        if isinstance(parameter.value, int):
            shown.append(str(parameter.value))
        elif parameter.value != rule.default:
            shown.append(f"{parameter.name.replace('_', ' ')} {_value_text(parameter)}")
    return f"({', '.join(shown)})" if shown else ""


def _value_text(parameter: Parameter) -> str:
    return number_text(parameter.value) if isinstance(parameter.value, Decimal) else str(parameter.value)


def _bars(count: int) -> str:
    return f"{count} bar{'' if count == 1 else 's'}"


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
