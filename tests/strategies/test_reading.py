"""What is wrong with a definition is said with the block's path and the reason."""

import copy
from decimal import Decimal
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies.graphs import CROSS, always, definitions
from tradehall.app.strategies.templates import TEMPLATES
from tradehall.domain.market import Timeframe
from tradehall.strategies.definition import (
    BLOCKS_MAX,
    DEPTH_MAX,
    PROBLEMS_MAX,
    Comparison,
    Definition,
    DefinitionError,
    Input,
    InputValue,
    Number,
    Parameter,
    Problem,
    Relation,
)
from tradehall.strategies.plan import Bindings, Clock
from tradehall.strategies.reading import parse, parse_condition, validate
from tradehall.strategies.schema import definition_schema
from tradehall.strategies.text import definition_text

SCHEMA = jsonschema_rs.validator_for(definition_schema())

ABOVE = {"above": ["close", "1"]}
LONG = {"open": "long"}


def inputs(**some: Any) -> dict[str, Any]:
    return {"inputs": some, **always(LONG)}


def rule(**some: Any) -> dict[str, Any]:
    return {"rules": [{"when": ABOVE, "do": [LONG], **some}]}


def when(condition: Any) -> dict[str, Any]:
    return {"inputs": {"fast": {"indicator": "EMA"}, "bands": {"indicator": "BBANDS"}}, **rule(when=condition)}


def do(*actions: Any) -> dict[str, Any]:
    return {"inputs": {"vol": {"indicator": "ATR"}, "fast": {"indicator": "EMA"}}, **rule(do=[LONG, *actions])}


def add_ons(**some: Any) -> dict[str, Any]:
    return {**rule(), "add_ons": some}


def nested(depth: int) -> Any:
    condition: Any = ABOVE
    for _ in range(depth - 1):
        condition = {"not": condition}
    return condition


@pytest.mark.parametrize(("raw", "path", "problem"), [
    # the definition                                          where                              what is wrong
    ([],                                                      "",                                "must be an object, was a list"),
    ({},                                                      "",                                "'rules' is missing"),
    ({"rules": []},                                           "rules",                           "must have 1 to 32 elements, had 0"),
    ({**rule(), "rule": 1},                                   "",                                "unknown key 'rule'; did you mean 'rules'?"),
    ({"rules": [{"when": ABOVE, "do": [{"close": "long"}]}]}, "rules",                           "no rule ever opens anything"),
    ({"rules": [{"do": [LONG]}]},                             "rules[0]",                        "'when' is missing"),
    (rule(do=[]),                                             "rules[0].do",                     "must have 1 to 8 elements, had 0"),
    (rule(every={"seconds": 0}),                              "rules[0].every.seconds",          "must be at least 1, was 0"),
    (rule(every={"minutes": 1}),                              "rules[0].every",                  "unknown key 'minutes'; known: seconds"),
    # inputs
    (inputs(fast={"indicator": "EMAA"}),                      "inputs.fast.indicator",           "unknown indicator 'EMAA'; did you mean 'EMA'?"),
    (inputs(fast={"indicator": "ema"}),                       "inputs.fast.indicator",           "unknown indicator 'ema'; did you mean 'EMA'?"),
    (inputs(fast={"period": 3}),                              "inputs.fast",                     "'indicator' is missing"),
    (inputs(fast={"indicator": "EMA", "peroid": 3}),          "inputs.fast",                     "unknown key 'peroid'; did you mean 'period'?"),
    (inputs(fast={"indicator": "EMA", "period": 0}),          "inputs.fast.period",              "must be at least 1, was 0"),
    (inputs(fast={"indicator": "EMA", "period": 10**9}),      "inputs.fast.period",              "must be at most 500, was 1000000000"),
    (inputs(fast={"indicator": "EMA", "period": 1.5}),        "inputs.fast.period",              "must be a whole number, was 1.5"),
    (inputs(fast={"indicator": "EMA", "period": True}),       "inputs.fast.period",              "must be a whole number, was true"),
    (inputs(b={"indicator": "BBANDS", "deviations_up": "-1"}), "inputs.b.deviations_up",         "must be at least 0, was -1"),
    (inputs(b={"indicator": "BBANDS", "average": "EMMA"}),    "inputs.b.average",                "unknown average 'EMMA'; did you mean 'EMA'?"),
    (inputs(fast={"indicator": "EMA", "of": "clsoe"}),        "inputs.fast.of",                  "unknown input 'clsoe'; did you mean 'close'?"),
    (inputs(fast={"indicator": "EMA", "of": "5"}),            "inputs.fast.of",                  "must be a price or an input, was a number"),
    (inputs(fast={"indicator": "CORREL", "of": "close"}),     "inputs.fast.of",                  "must be a list, was 'close'"),
    (inputs(vol={"indicator": "ATR", "of": "close"}),         "inputs.vol.of",                   "ATR is always of high, low, close"),
    (inputs(a={"indicator": "EMA", "of": "b"}, b={"indicator": "SMA", "of": "a"}), "inputs.a",   "is made of itself: a → b → a"),
    (inputs(close={"indicator": "EMA"}),                      "inputs.close",                    "a name has 1 to 32 letters, digits and _, and is not that of a price"),
    (inputs(**{"a b": {"indicator": "EMA"}}),                 "inputs['a b']",                   "a name has 1 to 32 letters, digits and _, and is not that of a price"),
    (inputs(a={"indicator": "EMA", "timeframe": "3m"}),       "inputs.a.timeframe",              "unknown timeframe '3m'; did you mean '30m'?"),
    (inputs(a={"of": "close", "symbol": ""}),                 "inputs.a.symbol",                 "a symbol has 1 to 40 characters"),
    (inputs(a={"of": "close", "symbol": "GBPUSD"}, b={"indicator": "SUB", "of": ["a", "close"]}), "inputs.b",
                                                                                                 "all it is made of must be of one symbol and timeframe; give them at each of its inputs"),
    # conditions
    (when({"abvoe": ["close", "1"]}),                         "rules[0].when",                   "unknown key 'abvoe'; did you mean 'above'?"),
    (when({**ABOVE, "below": ["close", "1"]}),                "rules[0].when",                   "must have one key, had 2: put conditions side by side into all or any"),
    (when({"all": [ABOVE, {"above": ["close", "fsat"]}]}),    "rules[0].when.all[1].above[1]",   "unknown input 'fsat'; did you mean 'fast'?"),
    (when({"above": ["close"]}),                              "rules[0].when.above",             "must have 2 elements, had 1"),
    (when({"above": ["1", "2"]}),                             "rules[0].when.above",             "compares two numbers: one of them must move"),
    (when({"above": ["close", "bands"]}),                     "rules[0].when.above[1]",          "'bands' has several outputs; write bands.upper or bands.middle or bands.lower"),
    (when({"above": ["close", "bands.uper"]}),                "rules[0].when.above[1]",          "'bands' has no output 'uper'; write bands.upper or bands.middle or bands.lower"),
    (when({"above": ["close", "fast.upper"]}),                "rules[0].when.above[1]",          "'fast' has one output; write fast"),
    (when({"above": ["close", {"prev": ["close", 0]}]}),      "rules[0].when.above[1].prev[1]",  "must be at least 1, was 0"),
    (when({"above": ["close", {"prev": ["close", 401]}]}),    "rules[0].when.above[1].prev[1]",  "must be at most 400, was 401"),
    (when({"above": ["close", {"next": ["close", 1]}]}),      "rules[0].when.above[1]",          'must be a price, an input, a number as text, or {"prev": [operand, bars]}'),
    (when({"above": ["close", "NaN"]}),                       "rules[0].when.above[1]",          "unknown input 'NaN'"),
    (when({"above": ["close", "1e400"]}),                     "rules[0].when.above[1]",          "unknown input '1e400'"),
    (when({"above": ["close", None]}),                        "rules[0].when.above[1]",          "must be a text, was null"),
    (when({"rises_by": ["close", "0"]}),                      "rules[0].when.rises_by[1]",       "must be above 0, was 0"),
    (when({"rises_by": ["close", {"pips": "1"}]}),            "rules[0].when.rises_by[1]",       "unknown key 'pips'; known: absolute, percent"),
    (when({"falls_by": ["2", "1"]}),                          "rules[0].when.falls_by[0]",       "must be a price or an input: a number does not move"),
    (when({"falls_by": ["close", "1", {"bars": "x"}]}),       "rules[0].when.falls_by[2].bars",  "must be a whole number, was 'x'"),
    (when({"within": [ABOVE, 5]}),                            "rules[0].when.within[1]",         "must be an object, was 5"),
    (when({"within": [{"within": [ABOVE, {"bars": 300}]}, {"bars": 300}]}), "rules[0].when.within[0].within", "looks back more than 480 bars in all"),
    (when({"all": []}),                                       "rules[0].when.all",               "must have 1 to 512 elements, had 0"),
    (when(nested(DEPTH_MAX + 1)),                             "rules[0].when" + ".not" * DEPTH_MAX, "conditions are nested deeper than 16"),
    # actions
    (do({"opne": "long"}),                                    "rules[0].do[1]",                  "unknown key 'opne'; did you mean 'open'?"),
    (do({"size": "1"}),                                       "rules[0].do[1]",                  "must say one of open, close, set_stop_loss, set_take_profit, cancel"),
    (do({"open": "long", "close": "short"}),                  "rules[0].do[1]",                  "must say one of open, close, set_stop_loss, set_take_profit, cancel, said open and close"),
    (do({"close": "long", "size": "1"}),                      "rules[0].do[1]",                  "unknown key 'size'; known: close, symbol"),
    (do({"open": "lnog"}),                                    "rules[0].do[1].open",             "unknown side 'lnog'; did you mean 'long'?"),
    (do({"open": "long", "size": "0"}),                       "rules[0].do[1].size",             "must be above 0, was 0"),
    (do({"open": "long", "size": "-0.1"}),                    "rules[0].do[1].size",             "must be above 0, was -0.1"),
    (do({"open": "long", "size": "1" + "0" * 20}),            "rules[0].do[1].size",             "must be a number such as \"1.5\", was '100000000000000000000'"),
    (do({"open": "long", "stop_loss": {}}),                   "rules[0].do[1].stop_loss",        "must say one of price, percent, atr, ticks"),
    (do({"open": "long", "stop_loss": {"atr": "-2"}}),        "rules[0].do[1].stop_loss.atr",    "must be above 0, was -2"),
    (do({"open": "long", "stop_loss": {"atr": "2", "input": "fast"}}), "rules[0].do[1].stop_loss.input", "'fast' is no ATR"),
    (do({"open": "long", "stop_loss": {"ticks": "2", "input": "vol"}}), "rules[0].do[1].stop_loss.input", "only a distance in atr has an input"),
    (do({"set_stop_loss": {"ticks": "1.5"}}),                 "rules[0].do[1].set_stop_loss.ticks", "must be a whole number, was '1.5'"),
    (do({"set_stop_loss": {"price": "nowhere"}}),             "rules[0].do[1].set_stop_loss.price", "unknown input 'nowhere'"),
    # add-ons
    (add_ons(weekday=[]),                                     "add_ons",                         "unknown key 'weekday'; did you mean 'weekdays'?"),
    (add_ons(weekdays=["monday"]),                            "add_ons.weekdays[0]",             "unknown weekday 'monday'; did you mean 'mon'?"),
    (add_ons(hours_utc=["7:00", "21:00"]),                    "add_ons.hours_utc[0]",            "must be a time of the day such as \"07:00\", was '7:00'"),
    (add_ons(hours_utc=["07:00", "07:00"]),                   "add_ons.hours_utc",               "starts when it ends: leave it out to open at all hours"),
    (add_ons(max_trades_per_day=0),                           "add_ons.max_trades_per_day",      "must be at least 1, was 0"),
    (add_ons(expires_at="tomorrow"),                          "add_ons.expires_at",              "must be a time such as \"2027-01-31T21:00:00Z\", was 'tomorrow'"),
    (add_ons(loss_stop="-5"),                                 "add_ons.loss_stop",               "must be above 0, was -5"),
])  # fmt: skip
def test_a_complaint_names_the_block_and_the_reason(raw: Any, path: str, problem: str):
    problems = validate(raw)
    found = [each for each in problems if each.path == path]
    assert found, problems
    assert found[0].problem.startswith(problem), found


def test_all_complaints_come_at_once_and_a_definition_with_any_is_not_read():
    raw = copy.deepcopy(CROSS)
    raw["inputs"]["fast"]["period"] = 0
    raw["rules"][1]["do"] = [{"close": "nothing"}]
    raw["add_ons"]["loss_stop"] = "NaN"
    with pytest.raises(DefinitionError) as raised:
        parse(raw)
    paths = [problem.path for problem in raised.value.problems]
    assert paths == ["inputs.fast.period", "rules[1].do[0].close", "add_ons.loss_stop"]
    assert "inputs.fast.period: must be at least 1, was 0" in str(raised.value)


def test_who_names_an_input_that_is_itself_wrong_hears_of_that_alone():
    raw = {"inputs": {"fast": {"indicator": "EMA", "period": 0}}, **rule(when={"above": ["close", "fast"]})}
    assert [problem.path for problem in validate(raw)] == ["inputs.fast.period"]


def test_symbols_that_are_not_traded_are_refused():
    raw = {"inputs": {"other": {"of": "close", "symbol": "GBPUSD"}}, **always({"open": "long", "symbol": "XAUUSD"})}
    assert validate(raw) == []
    assert [problem.path for problem in validate(raw, {"EURUSD", "GBPUSD"})] == ["rules[0].do[0].symbol"]


def test_a_number_may_be_a_json_number():
    raw = rule(when={"above": ["close", 1.05]}, do=[{"open": "long", "size": 2}])
    assert definition_text(parse(raw)) == "Buy 2 when the close is above 1.05."


def test_inputs_may_stand_in_any_order_and_get_the_defaults_they_leave_out():
    raw = inputs(smooth={"indicator": "SMA", "of": "raw", "period": "3"},
                 raw={"indicator": "RSI", "symbol": "GBPUSD", "timeframe": "1h"})  # fmt: skip
    assert parse(raw).inputs == (
        Input("raw", "RSI", ("close",), (Parameter("period", 14),), "GBPUSD", Timeframe.H1),
        Input("smooth", "SMA", ("raw",), (Parameter("period", 3),), "GBPUSD", Timeframe.H1),
    )


def test_an_input_with_bars_shorter_than_the_strategy_is_refused_when_it_is_bound():
    definition = parse(inputs(fast={"indicator": "EMA", "timeframe": "1m"}))
    with pytest.raises(DefinitionError, match=r"inputs.fast.timeframe: 1m is shorter than the strategy's 1h"):
        Bindings(definition.inputs, Clock("EURUSD", Timeframe.H1))


def test_a_scanner_reads_a_condition_with_its_inputs():
    read, condition = parse_condition({"inputs": {"r": {"indicator": "RSI"}}, "when": {"below": ["r", "30"]}})
    assert [each.name for each in read] == ["r"]
    assert condition == Comparison(Relation.BELOW, InputValue("r"), Number(Decimal(30)))
    with pytest.raises(DefinitionError, match="a scanner looks at each symbol"):
        parse_condition({"inputs": {"r": {"indicator": "RSI", "symbol": "GBPUSD"}}, "when": {"below": ["r", "30"]}})


# ------------------------------------------------------------ hostile definitions


@pytest.mark.parametrize("raw", [
    when(nested(5_000)),
    when({"above": ["close", {"prev": [{"prev": [{"prev": ["close", 400]}, 400]}, 400]}]}),
    when({"all": [ABOVE] * 100_000}),
    {"rules": [{"when": {"all": [ABOVE] * 100}, "do": [LONG]}] * 32},
    {"rules": [{"when": ABOVE, "do": [LONG]}] * 1_000_000},
    inputs(**{f"i{number}": {"indicator": "EMA"} for number in range(1000)}),
    inputs(i0={"indicator": "SUB", "of": ["open", "close"]},
           **{f"i{number}": {"indicator": "ADD", "of": [f"i{number - 1}"] * 2} for number in range(1, 31)}),
    inputs(**{f"i{number}": {"indicator": "EMA", "of": f"i{number + 1}"} for number in range(31)}),
    inputs(a={"indicator": "x" * 100_000}),
    inputs(a={"indicator": "EMA", "period": 10**5000}),
    inputs(a={"indicator": "BBANDS", "deviations_up": "9" * 100_000}),
    inputs(**{"\u0000" * 50: {}, "é": {}, "__proto__": {}}),
    when({"above": ["close", "1" * 10_000]}),
    when({"above": [["close"], {"prev": {}}]}),
    when({"above": [float("nan"), float("inf")]}),
    add_ons(expires_at="9999-99-99T99:99:99Z"),
    {"inputs": [], "rules": {}, "add_ons": "x"},
])  # fmt: skip
def test_a_hostile_definition_is_refused_in_few_words(raw: Any):
    problems = validate(raw)
    assert 0 < len(problems) <= PROBLEMS_MAX
    assert all(len(problem.path) <= 400 and len(problem.problem) <= 400 for problem in problems), problems


def test_the_largest_definition_is_read():
    part = {"any": [ABOVE] * 13}
    raw = {"rules": [{"when": part, "do": [LONG]} for _ in range(32)]}
    assert BLOCKS_MAX >= 32 * 15
    assert validate(raw) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["close", "fast", "1"]),
    lambda children: st.lists(children, max_size=3)
    | st.dictionaries(st.sampled_from(["inputs", "rules", "when", "do", "above", "all", "prev", "open", "of", "x"]), children, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(raw=JSON)
def test_any_json_at_all_is_judged(raw: Any):
    assert all(isinstance(problem, Problem) for problem in validate(raw))


@given(raw=definitions(), part=JSON, data=st.data())
def test_a_definition_with_one_part_replaced_is_judged(raw: dict[str, Any], part: Any, data: st.DataObject):
    spoiled = copy.deepcopy(raw)
    place: Any = spoiled
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys)) if keys else None
        if key is None or not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    if key is not None:
        place[key] = part
    validate(spoiled)


# ------------------------------------------------------------------- schema, text


@given(raw=definitions())
def test_what_is_read_is_of_the_schema_and_has_words(raw: dict[str, Any]):
    definition = parse(raw)
    assert isinstance(definition, Definition)
    assert SCHEMA.is_valid(raw)
    text = definition_text(definition)
    assert text.endswith(".")
    assert len(text) < 20_000
    # What comes back from the store is the same definition.
    assert parse(msgspec.json.decode(msgspec.json.encode(raw))) == definition


@pytest.mark.parametrize("raw", [{}, {"rules": []}, rule(do=[{"open": "up"}]), add_ons(weekdays=["monday"]),
                                 inputs(a={"indicator": "EMA", "period": 0}), when({"above": ["close"]})])  # fmt: skip
def test_what_is_not_of_the_schema_is_not_read_either(raw: Any):
    assert not SCHEMA.is_valid(raw)
    assert validate(raw)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_definition_of_the_schema(name: str):
    raw = msgspec.json.decode(msgspec.json.encode(TEMPLATES[name]))
    assert validate(raw) == []
    assert SCHEMA.is_valid(raw)


@pytest.mark.parametrize(("raw", "text"), [
    (CROSS,
     ("Buy when EMA(20) crosses above EMA(50) and the close is above 1.05, with a stop loss 2 × ATR(14) below the entry"
     " and a take profit 1.5 % above the entry. Close the long position when EMA(20) crosses below EMA(50) or the close"
     " has fallen by 2 % over 5 bars. It opens only Monday to Friday, 07:00 to 21:00 UTC; at most 5 trades a day. It"
     " closes everything and stops at a loss of 200.")),
    (do({"open": "short", "size": "0.10", "symbol": "GBPUSD", "stop_loss": {"ticks": 1}, "take_profit": {"price": "1.20"}},
        {"close": "all"}, {"cancel": "long", "symbol": "GBPUSD"}, {"set_stop_loss": {"atr": "1"}}, {"set_take_profit": {"price": "fast"}}),
     ("When the close is above 1: buy, then sell short 0.1 GBPUSD with a stop loss 1 tick above the entry and a take profit"
     " at 1.2, then close whatever is open, then cancel long entry orders that still work in GBPUSD, then move the stop"
     " loss to 1 × ATR(14) from the price, then move the take profit to EMA(30).")),
    (rule(when=None, every={"seconds": 5}), "Every 5 seconds: buy."),
    (rule(every={"seconds": 1}), "Every second, if the close is above 1: buy."),
    (when({"not": {"any": [{"rises_by": ["bands.upper", "0.1"]}, {"equals": ["hl2", {"prev": ["hlc3", 2]}]}]}}),
     ("Buy when not (the upper of BBANDS(20) has risen by 0.1 over 1 bar or the middle of high and low equals the mean of"
     " high, low and close 2 bars before).")),
    (when({"all": [ABOVE, {"any": [ABOVE, {"within": [{"all": [ABOVE, ABOVE]}, {"bars": 2}]}]}]}),
     ("Buy when the close is above 1 and (the close is above 1 or (the close is above 1 and the close is above 1) at one of"
     " the last 2 bars).")),
    ({"inputs": {"a": {"indicator": "MACD", "symbol": "GBPUSD", "timeframe": "1h"},
                 "b": {"indicator": "SMA", "of": "a.signal", "period": 3},
                 "c": {"indicator": "BBANDS", "of": "high", "deviations_up": "2.50", "average": "EMA"},
                 "d": {"of": "open", "timeframe": "1d"}},
      **rule(when={"all": [{"above": ["b", "c.lower"]}, {"above": ["close", "d"]}]})},
     ("Buy when SMA(3) of the signal of MACD(12, 26, 9) of GBPUSD on 1h bars is above the lower of BBANDS(20, deviations up"
     " 2.5, average EMA) of the high and the close is above the open on 1d bars.")),
    (add_ons(weekdays=["sat", "mon"], hours_utc=[["22:00", "02:00"], ["07:00", "24:00"]], max_trades=1,
             expires_at="2027-01-31T21:00:00Z", profit_stop="10.50"),
     ("Buy when the close is above 1. It opens only Monday and Saturday, 22:00 to 02:00 or 07:00 to 24:00 UTC; at most 1"
     " trade in all. It closes everything and stops at 2027-01-31T21:00:00Z or at a profit of 10.5.")),
    (add_ons(weekdays=["mon", "wed", "fri"]), "Buy when the close is above 1. It opens only Monday, Wednesday and Friday."),
])  # fmt: skip
def test_a_strategy_in_plain_language(raw: dict[str, Any], text: str):
    assert definition_text(parse(raw)) == text


def test_add_ons_are_read_as_what_they_bound():
    read = parse(
        add_ons(weekdays=["fri", "mon"], hours_utc=["22:00", "06:30"], max_trades=7, profit_stop="1.5")
    ).add_ons
    assert (read.weekdays, read.hours_utc, read.max_trades, read.max_trades_per_day) == (
        {0, 4},
        ((1320, 390),),
        7,
        None,
    )
    assert (read.profit_stop, read.loss_stop, read.expires_at) == (Decimal("1.5"), None, None)
