"""A whole definition, read from what JSON decodes to."""

from collections.abc import Collection, Mapping
from typing import Any

from tradehall.strategies.definition import (
    ACTIONS_MAX,
    BEAT_S_MAX,
    RULES_MAX,
    Action,
    AddOns,
    Condition,
    Definition,
    DefinitionError,
    Input,
    Open,
    Problem,
    Rule,
)
from tradehall.strategies.reading.actions import read_action
from tradehall.strategies.reading.add_ons import read_add_ons
from tradehall.strategies.reading.conditions import Reading, read_condition
from tradehall.strategies.reading.inputs import Names, read_inputs
from tradehall.strategies.reading.spot import Spot


def parse(raw: Any, symbols: Collection[str] | None = None) -> Definition:
    """The definition in `raw`; `symbols`: those that may be named, None: any. DefinitionError with all problems."""
    definition, problems = _read(raw, symbols)
    if definition is None or problems:
        raise DefinitionError(tuple(problems))
    return definition


def validate(raw: Any, symbols: Collection[str] | None = None) -> list[Problem]:
    """All that keeps `raw` from being run; empty: nothing."""
    return _read(raw, symbols)[1]


def parse_condition(raw: Any) -> tuple[tuple[Input, ...], Condition]:
    """What a scanner looks for, {"inputs"?: …, "when": condition}. DefinitionError with all problems."""
    spot = Spot(raw)
    condition = None
    inputs: Mapping[str, Input] = {}
    if spot.is_object(("inputs", "when"), needs=("when",)):
        reading = _with_inputs(spot, None)
        inputs = reading.names.inputs
        condition = read_condition(spot.key("when"), reading)
        for each in inputs.values():
            if each.symbol is not None:
                spot.key("inputs").key(each.name).complain("a scanner looks at each symbol of its universe alone")
    if condition is None or spot.problems:
        raise DefinitionError(tuple(spot.problems))
    return tuple(inputs.values()), condition


def _read(raw: Any, symbols: Collection[str] | None) -> tuple[Definition | None, list[Problem]]:
    spot = Spot(raw)
    if not spot.is_object(("inputs", "rules", "add_ons"), needs=("rules",)):
        return None, spot.problems
    reading = _with_inputs(spot, symbols)
    rules = _rules(spot.key("rules"), reading)
    add_ons = read_add_ons(spot.key("add_ons")) if spot.has("add_ons") else AddOns()
    if spot.problems:
        return None, spot.problems
    return Definition(tuple(reading.names.inputs.values()), rules, add_ons), []


def _with_inputs(spot: Spot, symbols: Collection[str] | None) -> Reading:
    names = Names(symbols)
    if spot.has("inputs"):
        read_inputs(spot.key("inputs"), names)
    return Reading(names)


def _rules(spot: Spot, reading: Reading) -> tuple[Rule, ...]:
    if not spot.is_list(1, RULES_MAX):
        return ()
    rules = [_rule(each, reading) for each in spot.items()]
    whole = tuple(rule for rule in rules if rule is not None)
    if not spot.problems and not any(isinstance(action, Open) for rule in whole for action in rule.do):
        spot.complain("no rule ever opens anything")
    return whole


def _rule(spot: Spot, reading: Reading) -> Rule | None:
    if not spot.is_object(("when", "do", "every"), needs=("do",)):
        return None
    if not (spot.has("when") or spot.has("every")):
        spot.complain("'when' is missing")
        return None
    condition = read_condition(spot.key("when"), reading) if spot.has("when") else None
    every_s = _every(spot.key("every")) if spot.has("every") else None
    actions = _actions(spot.key("do"), reading)
    return Rule(condition, actions, every_s)


def _actions(spot: Spot, reading: Reading) -> tuple[Action, ...]:
    if not spot.is_list(1, ACTIONS_MAX):
        return ()
    actions = [read_action(each, reading) for each in spot.items()]
    return tuple(action for action in actions if action is not None)


def _every(spot: Spot) -> int | None:
    if not spot.is_object(("seconds",), needs=("seconds",)):
        return None
    return spot.key("seconds").whole(1, BEAT_S_MAX)
