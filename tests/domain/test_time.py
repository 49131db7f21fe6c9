"""Instants are ns since 1970; their text is RFC 3339."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradehall.domain.time import NS_PER_DAY, NS_PER_SECOND, from_rfc3339, to_rfc3339

YEAR_0001, YEAR_9999 = -62_135_596_800 * NS_PER_SECOND, 253_402_300_799 * NS_PER_SECOND

READ_AND_PRINTED = [
    # what                          read                                    printed
    ("whole second",                "2025-01-15T10:30:00Z",                 "2025-01-15T10:30:00Z"),
    ("milliseconds",                "2025-01-15T10:30:00.25Z",              "2025-01-15T10:30:00.250Z"),
    ("microseconds",                "2025-01-15T10:30:00.250001Z",          "2025-01-15T10:30:00.250001Z"),
    ("nanoseconds",                 "2025-01-15T10:30:00.250001002Z",       "2025-01-15T10:30:00.250001002Z"),
    ("digits beyond the ninth",     "2025-01-15T10:30:00.1234567899999Z",   "2025-01-15T10:30:00.123456789Z"),
    ("east of Greenwich",           "2025-01-15T10:30:00+02:00",            "2025-01-15T08:30:00Z"),
    ("west, over midnight",         "2025-01-15T23:30:00-05:00",            "2025-01-16T04:30:00Z"),
    ("an offset without colon",     "2025-01-15T10:30:00+0530",             "2025-01-15T05:00:00Z"),
    ("no zone is UTC",              "2025-01-15T10:30:00",                  "2025-01-15T10:30:00Z"),
    ("small letters and a blank",   "2025-01-15 10:30:00z",                 "2025-01-15T10:30:00Z"),
    ("leap day",                    "2024-02-29T00:00:00Z",                 "2024-02-29T00:00:00Z"),
    ("before 1970",                 "1969-12-31T23:59:59.999Z",             "1969-12-31T23:59:59.999Z"),
    ("the first year",              "0001-01-01T00:00:00Z",                 "0001-01-01T00:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "read", "printed"), READ_AND_PRINTED, ids=[row[0] for row in READ_AND_PRINTED])
def test_times_are_read_and_printed(what, read, printed):
    assert to_rfc3339(from_rfc3339(read)) == printed


@pytest.mark.parametrize("text", [
    "", "now", "2025-01-15", "2025-01-15T10:30Z", "2025-1-15T10:30:00Z", "2025-13-01T00:00:00Z",
    "2025-02-29T00:00:00Z", "2025-01-15T24:00:00Z", "2025-01-15T10:60:00Z", "2016-12-31T23:59:60Z",
    "2025-01-15T10:30:00+24:00", "2025-01-15T10:30:00+02:60", "2025-01-15T10:30:00 Z", "2025-01-15T10:30:00Z\n",
    "2025-01-15T10:30:00.Z", "٢٠٢٥-01-15T10:30:00Z", "0000-01-01T00:00:00Z",
])  # fmt: skip
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError):
        from_rfc3339(text)


def test_an_offset_may_lead_out_of_the_years_that_dates_know():
    assert from_rfc3339("0001-01-01T00:00:00+05:00") == YEAR_0001 - 5 * 3600 * NS_PER_SECOND


@given(st.integers(YEAR_0001, YEAR_9999))
def test_what_is_printed_is_read_back(at):
    assert from_rfc3339(to_rfc3339(at)) == at


def test_stamps_of_one_second_do_not_mix_with_the_next():
    second = 20_000 * NS_PER_DAY
    stamps = [second, second + 1, second + NS_PER_SECOND, second + 2]
    assert [from_rfc3339(to_rfc3339(at)) for at in stamps] == stamps
