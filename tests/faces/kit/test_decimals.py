"""Decimals on the wire."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradehall.faces.kit import (
    BadRequest,
    WireDecimal,
    WireJson,
    WireNumber,
    WireObject,
    WirePositive,
    decode_bytes,
    parse_decimal,
    plain,
)
from tradehall.faces.kit.decimals import schema_hook


class Wish(msgspec.Struct):
    text: WireDecimal | None = None
    number: WireNumber | None = None
    positive: WirePositive | None = None


class Free(msgspec.Struct):
    anything: WireJson = None
    thing: WireObject | None = None


def read(json):
    return decode_bytes(json, Wish).text


@pytest.mark.parametrize(("json", "written"), [
    # as sent                                    as written back
    (b'"1"',                                     "1"),
    (b'"1.50"',                                  "1.50"),
    (b"1.50",                                    "1.50"),
    (b"7",                                       "7"),
    (b'"-0.00"',                                 "0.00"),
    (b'"1e3"',                                   "1000"),
    (b"1E-8",                                    "0.00000001"),
    (b'"0.1996685273892423266073065454"',        "0.1996685273892423266073065454"),
    (b"0.1996685273892423266073065454",          "0.1996685273892423266073065454"),
    (b"123456789012345678901234567",             "123456789012345678901234567"),
    (b"1e27",                                    "1" + "0" * 27),
    (b'"1e-28"',                                 "0." + "0" * 27 + "1"),
])  # fmt: skip
def test_a_decimal_is_kept_as_it_was_sent(json, written):
    value = read(b'{"text":' + json + b"}")
    assert type(value) is Decimal
    assert plain(value) == written


@pytest.mark.parametrize("json", [
    b'"NaN"', b'"Infinity"', b'"-inf"', b'"1e999999"', b'"1e-999999"', b'"1_000"', b'" 1 "', b'"1\\n"', b'""',
    b'"\\u0663"', b'"+1"', b'".5"', b'"5."', b'"0x10"', b"true", b"[]", b"{}", b"1e400", b"1e29", b"1e-29", b'"0e-99"',
    b"1234567890123456789012345678",
    b'"12345678901234567890123456789"', b'"0.12345678901234567890123456789"', b'"' + b"9" * 5000 + b'"',
])  # fmt: skip
def test_what_is_no_bounded_decimal_is_refused_by_name(json):
    with pytest.raises(BadRequest) as refused:
        read(b'{"text":' + json + b"}")
    assert refused.value.field == "text"
    assert len(refused.value.message) < 120


@pytest.mark.parametrize(("sent", "read"), [
    # as sent                                    as others may write it again
    (b"1.5",                                     1.5),
    (b"-0.25e1",                                 -2.5),
    (b"7",                                       7),
    (b'"1.50"',                                  "1.50"),
    (b"0.1996685273892423266073065454",          "0.1996685273892423266073065454"),
    (b"1e400",                                   "1e400"),
    (b"1e-99999999999999999999",                 "1e-99999999999999999999"),
    (b'[1.5,{"a":[0.1,true,null]}]',           [1.5, {"a": [0.1, True, None]}]),
])  # fmt: skip
def test_free_json_has_numbers_that_can_be_written_again(sent, read):
    found = decode_bytes(b'{"anything":' + sent + b"}", Free).anything
    assert found == read
    assert msgspec.json.decode(msgspec.json.encode(found)) == read


@pytest.mark.parametrize("sent", [b"[]", b"1.5", b'"{}"', b"true"])
def test_where_an_object_is_asked_for_nothing_else_will_do(sent):
    assert decode_bytes(b'{"thing":{"a":1.5}}', Free).thing == {"a": 1.5}
    with pytest.raises(BadRequest) as refused:
        decode_bytes(b'{"thing":' + sent + b"}", Free)
    assert refused.value.field == "thing"


def test_a_number_field_takes_no_text():
    assert decode_bytes(b'{"number":1.10}', Wish).number == Decimal("1.10")
    with pytest.raises(BadRequest, match="got a string"):
        decode_bytes(b'{"number":"1.10"}', Wish)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**15), max_value=10**15))
def test_what_is_written_is_read_back_unchanged(value):
    assert parse_decimal(plain(value)).as_tuple()[1:] == value.as_tuple()[1:] or not value
    assert parse_decimal(plain(value)) == value


@pytest.mark.parametrize("json", [b'"0"', b"0", b'"-1"', b"-0.0", b"1e-29"])
def test_a_positive_field_takes_nothing_else(json):
    with pytest.raises(BadRequest) as refused:
        decode_bytes(b'{"positive":' + json + b"}", Wish)
    assert refused.value.field == "positive"


def allowed_by(wire_type):
    text, *_ = schema_hook(wire_type)["anyOf"]
    numbers = st.floats(min_value=1e-28, max_value=1e27) | st.integers(min_value=1, max_value=10**27)
    return st.from_regex(text["pattern"], fullmatch=True, alphabet=st.characters(codec="ascii")) | numbers


@given(allowed_by(WireDecimal), allowed_by(WirePositive))
def test_whatever_the_schema_allows_is_accepted(value, positive):
    wish = decode_bytes(msgspec.json.encode({"text": value, "positive": positive}), Wish)
    assert wish.text is not None
    assert wish.positive is not None
