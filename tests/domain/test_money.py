"""Amounts are exact; what rounds has a name and a rule."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradehall.domain import money
from tradehall.domain.money import (
    CONTEXT,
    is_multiple,
    minor_unit,
    round_down_to,
    round_floating,
    round_margin,
    round_money,
    round_rate,
    round_to,
    round_up_to,
    trimmed,
)

STEPS = st.sampled_from(
    [Decimal("1E-8"), Decimal("0.00001"), Decimal("0.01"), Decimal("0.25"), Decimal(3), Decimal(1000)]
)
AMOUNTS = st.decimals("-1000000000", "1000000000", places=10)


@pytest.mark.parametrize(("amount", "currency", "booked", "margin"), [
    # amount      currency  half to even  up
    ("0.005",     "USD",    "0.00",       "0.01"),
    ("0.015",     "USD",    "0.02",       "0.02"),
    ("0.025",     "USD",    "0.02",       "0.03"),
    ("-0.025",    "USD",    "-0.02",      "-0.02"),
    ("0.0050001", "EUR",    "0.01",       "0.01"),
    ("0.5",       "JPY",    "0",          "1"),
    ("1.5",       "JPY",    "2",          "2"),
    ("2.5",       "KRW",    "2",          "3"),
    ("5E-9",      "BTC",    "0E-8",       "1E-8"),
    ("12.34",     "USD",    "12.34",      "12.34"),
])  # fmt: skip
def test_money_is_booked_half_to_even_and_margin_is_rounded_up(amount, currency, booked, margin):
    assert round_money(Decimal(amount), currency) == Decimal(booked)
    assert round_margin(Decimal(amount), currency) == Decimal(margin)


def test_a_currency_without_a_row_has_cents():
    assert minor_unit("XYZ") == Decimal("0.01")


@pytest.mark.parametrize(("amount", "shown"), [
    ("1.23",             "1.23"),
    ("1.2300000000",     "1.2300000000"),
    ("1.00000000005",    "1.0000000000"),
    ("1.00000000015",    "1.0000000002"),
    ("1E+3",             "1E+3"),
])  # fmt: skip
def test_a_valued_amount_has_at_most_ten_decimals(amount, shown):
    assert str(round_floating(Decimal(amount))) == shown


def test_a_rate_from_a_division_has_fifteen_decimals():
    assert round_rate(1 / Decimal(150)) == Decimal("0.006666666666667")


@given(AMOUNTS, STEPS)
def test_rounding_to_a_step_lands_on_the_grid_next_to_the_value(value, step):
    down, near, up = round_down_to(value, step), round_to(value, step), round_up_to(value, step)
    assert down <= value <= up < value + step
    assert value - step < down
    assert near in (down, up)
    assert abs(near - value) <= step / 2
    assert all(is_multiple(found, step) for found in (down, near, up))


@pytest.mark.parametrize(("amount", "shown"), [
    ("10000.00", "10000"),
    ("1E+4",     "10000"),
    ("0.10",     "0.1"),
    ("-0.250",   "-0.25"),
    ("0.00",     "0"),
    ("7",        "7"),
])  # fmt: skip
def test_zeros_at_the_end_of_decimals_are_trimmed(amount, shown):
    assert str(trimmed(Decimal(amount))) == shown


@pytest.mark.parametrize("rounding", [round_to, round_down_to, round_up_to])
@pytest.mark.parametrize("step", ["0", "-1"])
def test_a_step_that_is_not_positive_is_our_own_bug(rounding, step):
    with pytest.raises(AssertionError, match="must be positive"):
        rounding(Decimal(1), Decimal(step))


@given(st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: Decimal((0, d.as_tuple().digits[:28], -14))),
       st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: Decimal((0, d.as_tuple().digits[:28], -10))))  # fmt: skip
def test_a_product_of_two_28_digit_numbers_is_exact(quantity, price):
    exact = int(quantity.scaleb(14)) * int(price.scaleb(10))
    assert quantity * price == Decimal(exact).scaleb(-24)


def test_every_thread_computes_in_the_house_context():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: getcontext().prec).result() == CONTEXT.prec == getcontext().prec
    assert Decimal("0." + "3" * 64) == money.ONE / 3
