"""Indicators for a chart are those of strategies: the same names, bounds and values."""

import math
from decimal import Decimal

import pytest

from tests.strategies.graphs import START
from tradehall.domain.market import TIMEFRAME_NS, Bar, Timeframe
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.plan import Clock
from tradehall.strategies.studies import read_study, study_lines

CLOCK = Clock("EURUSD", Timeframe.M1)


def bars(*closes: str) -> list[Bar]:
    span = TIMEFRAME_NS[Timeframe.M1]
    prices = [Decimal(close) for close in closes]
    return [
        Bar("EURUSD", Timeframe.M1, START + number * span, price, price, price, price, Decimal(1))
        for number, price in enumerate(prices)
    ]


def test_an_average_begins_when_it_has_enough_bars():
    study = read_study("sma( 3 )", CLOCK)
    (line,) = study_lines(study, CLOCK, bars("1", "2", "3", "4"))
    assert math.isnan(line.values[0])
    assert math.isnan(line.values[1])
    assert line.values[2:] == [2.0, 3.0]
    assert study.is_price
    assert study.bars_needed == 3


def test_an_indicator_with_several_outputs_gives_a_line_for_each():
    study = read_study("BBANDS(3, 2.5)", CLOCK)
    lines = study_lines(study, CLOCK, bars("1", "2", "3", "4"))
    assert [line.output for line in lines] == ["upper", "middle", "lower"]
    assert [line.values[3] for line in lines][1] == 3.0


def test_parameters_that_are_left_out_are_the_usual_ones():
    assert read_study("RSI", CLOCK) == read_study("RSI(14)", CLOCK)
    assert not read_study("RSI", CLOCK).is_price


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("EMA(",            "must be an indicator and its parameters"),
        ("",                "must be an indicator and its parameters"),
        ("EMMA(20)",        "did you mean 'EMA'"),
        ("EMA(20, 3)",      "takes 1 parameters, 2 were given"),
        ("EMA(0)",          "0"),
        ("EMA(100000)",     "500"),
        ("EMA(twenty)",     "twenty"),
    ],
)  # fmt: skip
def test_what_is_no_indicator_is_refused_with_the_reason(text, problem):
    with pytest.raises(DefinitionError) as refused:
        read_study(text, CLOCK)
    assert problem in refused.value.problems[0].problem


def test_nothing_is_drawn_where_there_are_no_bars():
    study = read_study("EMA(20)", CLOCK)
    assert [line.values for line in study_lines(study, CLOCK, [])] == [[]]
