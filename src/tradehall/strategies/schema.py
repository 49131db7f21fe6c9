"""The shape of a definition as a JSON Schema (2020-12), made of the tables that read it.

It knows names, shapes and bounds; that an input exists, or that a look back is not too long in all, only
`reading.validate` knows.
"""

from typing import Any, Final

from tradehall.domain.market import Timeframe
from tradehall.strategies.definition import (
    ACTIONS_MAX,
    BARS_MAX,
    BEAT_S_MAX,
    BLOCKS_MAX,
    INPUTS_MAX,
    NAME_LENGTH_MAX,
    RULES_MAX,
    TRADES_MAX,
    WINDOWS_MAX,
    PriceField,
    Relation,
)
from tradehall.strategies.indicators import INDICATORS, Indicator, ParameterRule
from tradehall.strategies.reading.actions import TICKS_MAX
from tradehall.strategies.reading.add_ons import WEEKDAYS
from tradehall.strategies.reading.inputs import SYMBOL_LENGTH_MAX
from tradehall.strategies.reading.spot import NUMBER

Schema = dict[str, Any]

_NAME: Final = rf"^[A-Za-z_][A-Za-z0-9_]{{0,{NAME_LENGTH_MAX - 1}}}$"
_TIME: Final = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"


def definition_schema() -> Schema:
    """The schema of a whole definition."""
    properties: dict[str, Schema] = {
        "inputs": {
            "type": "object",
            "propertyNames": {"pattern": _NAME},
            "additionalProperties": _ref("input"),
            "maxProperties": INPUTS_MAX,
        },
        "rules": {"type": "array", "items": _ref("rule"), "minItems": 1, "maxItems": RULES_MAX},
        "add_ons": {"anyOf": [_ref("add_ons"), {"type": "null"}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Strategy definition",
        **_object(properties, needs=("rules",)),
        "$defs": _parts(),
    }


def _parts() -> dict[str, Schema]:
    side = {"enum": ["long", "short"]}
    any_side = {"enum": ["long", "short", "all"]}
    return {
        "number": {"anyOf": [{"type": "string", "pattern": f"^{NUMBER.pattern}$"}, {"type": "number"}]},
        "symbol": {"type": "string", "minLength": 1, "maxLength": SYMBOL_LENGTH_MAX},
        "bars": _object({"bars": {"type": "integer", "minimum": 1, "maximum": BARS_MAX}}, needs=("bars",)),
        "operand": _operand(),
        "input": {"anyOf": [*(_input(indicator) for indicator in INDICATORS.values()), _price_input()]},
        "condition": {"anyOf": _conditions()},
        "distance": _distance(),
        "action": {
            "anyOf": [
                _action("open", side, size=_ref("number"), stop_loss=_ref("distance"), take_profit=_ref("distance")),
                _action("close", any_side),
                _action("cancel", any_side),
                _action("set_stop_loss", _ref("distance")),
                _action("set_take_profit", _ref("distance")),
            ]
        },
        "rule": _rule(),
        "add_ons": _add_ons(),
    }


def _operand() -> Schema:
    before = _pair(_ref("operand"), {"type": "integer", "minimum": 1, "maximum": BARS_MAX})
    return {
        "anyOf": [
            {"enum": [field.value for field in PriceField]},
            _ref("number"),
            {"type": "string", "pattern": rf"{_NAME[:-1]}(\.[a-z_0-9]+)?$"},
            _object({"prev": before}, needs=("prev",)),
        ]
    }


def _input(indicator: Indicator) -> Schema:
    properties: dict[str, Schema] = {"indicator": {"const": indicator.name}}
    if indicator.of:
        one = {"type": "string"}
        many = {"type": "array", "items": one, "minItems": len(indicator.of), "maxItems": len(indicator.of)}
        properties["of"] = {"anyOf": [one, many]} if len(indicator.of) == 1 else many
    properties |= {rule.name: _parameter(rule) for rule in indicator.parameters}
    about: Schema = {"title": indicator.title}
    if indicator.is_cumulative:
        about["description"] = "Its level is that of where the history begins: compare it with its own past."
    return {**about, **_object({**properties, **_place()}, needs=("indicator",))}


def _price_input() -> Schema:
    return {"title": "A price of another symbol or timeframe", **_object({"of": {"type": "string"}, **_place()})}


def _place() -> dict[str, Schema]:
    return {"symbol": _or_null(_ref("symbol")), "timeframe": _or_null({"enum": [each.value for each in Timeframe]})}


def _parameter(rule: ParameterRule) -> Schema:
    default = rule.default if isinstance(rule.default, int) else str(rule.default)
    if rule.choices:
        return {"enum": list(rule.choices), "default": default}
    if isinstance(rule.default, int):
        return {"type": "integer", "minimum": rule.minimum, "maximum": rule.maximum, "default": default}
    return {**_ref("number"), "description": f"{rule.minimum} to {rule.maximum}", "default": default}


def _conditions() -> list[Schema]:
    condition, several = _ref("condition"), {"type": "array", "items": _ref("condition"), "minItems": 1}
    amount = {"anyOf": [_ref("number"), *(_only(unit, _ref("number")) for unit in ("percent", "absolute"))]}
    move = {**_tuple(_ref("operand"), amount, _ref("bars")), "minItems": 2, "maxItems": 3}
    return [
        *(_only(relation.value, _pair(_ref("operand"), _ref("operand"))) for relation in Relation),
        *(_only(key, move) for key in ("rises_by", "falls_by")),
        *(_only(key, {**several, "maxItems": BLOCKS_MAX}) for key in ("all", "any")),
        _only("not", condition),
        _only("within", _pair(condition, _ref("bars"))),
    ]


def _distance() -> Schema:
    atr = _object({"atr": _ref("number"), "input": _or_null({"type": "string", "pattern": _NAME})}, needs=("atr",))
    ticks = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": TICKS_MAX}, {"type": "string"}]}
    return {"anyOf": [_only("price", _ref("operand")), _only("percent", _ref("number")), atr, _only("ticks", ticks)]}


def _action(word: str, value: Schema, **more: Schema) -> Schema:
    optional = {name: _or_null(schema) for name, schema in {**more, "symbol": _ref("symbol")}.items()}
    return _object({word: value, **optional}, needs=(word,))


def _rule() -> Schema:
    seconds = {"type": "integer", "minimum": 1, "maximum": BEAT_S_MAX}
    properties = {
        "when": _or_null(_ref("condition")),
        "do": {"type": "array", "items": _ref("action"), "minItems": 1, "maxItems": ACTIONS_MAX},
        "every": _or_null(_only("seconds", seconds)),
    }
    return {**_object(properties, needs=("do",)), "anyOf": [{"required": ["when"]}, {"required": ["every"]}]}


def _add_ons() -> Schema:
    window = _pair({"type": "string", "pattern": _TIME}, {"type": "string", "pattern": _TIME})
    windows = {"type": "array", "items": window, "minItems": 1, "maxItems": WINDOWS_MAX}
    count = {"type": "integer", "minimum": 1, "maximum": TRADES_MAX}
    days = {"type": "array", "items": {"enum": list(WEEKDAYS)}, "minItems": 1, "maxItems": 7}
    properties: dict[str, Schema] = {
        "weekdays": days,
        "hours_utc": {"anyOf": [window, windows]},
        "max_trades_per_day": count,
        "max_trades": count,
        "expires_at": {"type": "string", "format": "date-time"},
        "profit_stop": _ref("number"),
        "loss_stop": _ref("number"),
    }
    return _object({name: _or_null(schema) for name, schema in properties.items()})


def _object(properties: dict[str, Schema], *, needs: tuple[str, ...] = ()) -> Schema:
    needed = {"required": list(needs)} if needs else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _only(key: str, value: Schema) -> Schema:
    return _object({key: value}, needs=(key,))


def _pair(first: Schema, second: Schema) -> Schema:
    return {**_tuple(first, second), "minItems": 2, "maxItems": 2}


def _tuple(*items: Schema) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
