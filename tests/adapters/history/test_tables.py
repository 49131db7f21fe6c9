"""Columns of any usual spelling and format, read as what they mean."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.history.recorded_files import NINE, S, write_csv, write_parquet
from tradehall.adapters.history.schema import Kind, detect
from tradehall.adapters.history.sources import Source, find_files
from tradehall.adapters.history.tables import Table
from tradehall.adapters.history.values import DECIMALS_KEPT_MAX, ClockReader, Decimals
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.ports.feed import FeedError


@pytest.mark.parametrize(("header", "kind"), [
    ("timestamp,open,high,low,close,volume",                 Kind.BARS),
    ("Date,Open,High,Low,Close,Adj Close,Volume",            Kind.BARS),
    ("open_time,o,h,l,c,v",                                  Kind.BARS),
    ("timestamp,bid,ask",                                    Kind.QUOTES),
    ("Time,Bid Price,Ask Price,Bid Volume,Ask Volume",       Kind.QUOTES),
    ("ts,best_bid,best_bid_qty,best_ask,best_ask_qty",       Kind.QUOTES),
    ("timestamp,price,size,side",                            Kind.PRINTS),
    ("time,price,qty,is_buyer_maker",                        Kind.PRINTS),
    ("timestamp,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close", Kind.QUOTE_BARS),
    ("timestamp,event,side,price,size",                      Kind.LEVEL2),
    ("timestamp,bid0,bid0_size,ask0,ask0_size",              Kind.DEPTH),
    ("timestamp,foo,bar",                                    None),
    ("open,high,low,close",                                  None),
])  # fmt: skip
def test_columns_tell_the_kind(header, kind):
    detected = detect(header.split(","))
    assert (detected and detected[0]) == kind


@pytest.mark.parametrize(("what", "times"), [
    ("seconds",           [NINE // S, NINE // S + 1]),
    ("milliseconds",      [NINE // 10**6, NINE // 10**6 + 1000]),
    ("microseconds",      [NINE // 1000, NINE // 1000 + 10**6]),
    ("nanoseconds",       [NINE, NINE + S]),
    ("float seconds",     [NINE / S, NINE / S + 1]),
    ("RFC 3339",          ["2024-03-04T09:00:00Z", "2024-03-04T09:00:01Z"]),
    ("with an offset",    ["2024-03-04T10:00:00+01:00", "2024-03-04T04:00:01-05:00"]),
    ("no zone: UTC",      ["2024-03-04 09:00:00", "2024-03-04 09:00:01"]),
    ("fractions",         ["2024-03-04 09:00:00.000", "2024-03-04T09:00:01.000000"]),
    ("mixed",             ["2024-03-04 09:00:00", "2024-03-04T09:00:01Z"]),
    ("points",            ["2024.03.04 09:00:00", "2024.03.04 09:00:01"]),
    ("epochs as text",    [str(NINE // 10**6), str(NINE // 10**6 + 1000)]),
    ("epochs and others", [str(NINE // S), "2024-03-04T09:00:01Z"]),
    ("decimals as text",  [f"{NINE // S}.000", f"{NINE // S + 1}.000"]),
])  # fmt: skip
def test_times_of_every_spelling_are_read(what, times):
    assert ClockReader().to_ns(pa.array(times)).to_pylist() == [NINE, NINE + S], what


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_times_of_every_column_type_are_read(unit, zone):
    instants = (
        pa.array([NINE], pa.int64()).cast(pa.timestamp("ns")).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    )
    expected = instants.cast(pa.timestamp("ns", zone)).cast(pa.int64()).to_pylist()
    assert ClockReader().to_ns(instants).to_pylist() == expected


def test_a_time_that_cannot_be_read_is_nothing():
    assert ClockReader().to_ns(pa.array(["yesterday", "2024-03-04T09:00:00Z", None])).to_pylist() == [None, NINE, None]


@pytest.mark.parametrize("name", ["EURUSD.csv", "EURUSD.csv.gz"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_any_separator_plain_or_packed_is_read(tmp_path, name, separator):
    rows = [
        separator.join(row)
        for row in (["2024-03-04T09:00:00Z", " 1.08301", "1.08310 "], ["2024-03-04T09:00:01Z", "1.1", "oops"])
    ]
    table = Table(write_csv(tmp_path / name, separator.join(["Time", "Bid", "Ask"]), *rows))
    (batch,) = table.batches()
    assert batch.to_pydict() == {"timestamp": [NINE, NINE + S], "bid": [1.08301, 1.1], "ask": [1.0831, None]}
    assert table.done == table.total


def test_day_and_time_may_be_two_columns(tmp_path):
    table = Table(write_csv(tmp_path / "EURUSD.1m.csv", "Date,Time,Open,High,Low,Close", "2024-03-04,09:00:00,1,1,1,1"))
    (batch,) = table.batches()
    assert batch.column("timestamp").to_pylist() == [NINE]


@pytest.mark.parametrize(("what", "header", "rows", "sentence"), [
    ("unknown columns",  "timestamp,foo",        ["1,2"],                      "has columns timestamp, foo: expected a time column"),
    ("no header",        "1709542800,1.1,1.2",   [],                           "expected a header row"),
    ("no rows",          "timestamp,bid,ask",    [],                           "has no rows: expected at least one"),
    ("no time",          "timestamp,bid,ask",    ["yesterday,1,2"],            "has no time that can be read in column timestamp"),
    ("one bar, no span", "timestamp,open,high,low,close", ["2024-03-04T09:00:00Z,1,1,1,1"], "expected a name that tells its span"),
    ("ragged",           "timestamp,bid,ask",    ["1709542800,1,2", "1,2"],    "cannot be read: CSV parse error"),
])  # fmt: skip
def test_a_file_that_is_no_recording_is_named_with_what_was_expected(tmp_path, what, header, rows, sentence):
    file = write_csv(tmp_path / "EURUSD.csv", header, *rows)
    with pytest.raises(FeedError) as refused:
        Source(file)
    assert str(refused.value).startswith(str(file)), what
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.parquet", b"PAR1 not really"),
        ("x.csv.gz", b"not gzip"),
        ("x.csv", b"\xff\xfe\x00"),
        ("x.parquet", b""),
        ("x.csv", b""),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeedError, match=r"x\.\w+.*(cannot be read|expected)"):
        Source(tmp_path / name)


def test_a_truncated_file_is_named_while_it_is_read(tmp_path):
    rows = [f"{NINE + index},1.1,1.2" for index in range(200_000)]
    file = write_csv(tmp_path / "EURUSD.csv.gz", "timestamp,bid,ask", *rows)
    file.write_bytes(file.read_bytes()[:-1000])
    table = Table(file)
    with pytest.raises(FeedError, match="cannot be read"):
        list(table.batches())


def test_paths_are_files_and_folders(tmp_path):
    files = [
        write_csv(tmp_path / name, "timestamp,bid,ask", "1,1,2")
        for name in ("b/EURUSD.csv", "a/EURUSD.csv.gz", "GBPUSD.csv")
    ]
    write_csv(tmp_path / "instruments.csv", "symbol")
    write_csv(tmp_path / ".hidden" / "EURUSD.csv", "x")
    (tmp_path / "README.md").write_text("data")
    assert find_files([tmp_path]) == sorted(files, key=str)
    assert find_files([files[0], tmp_path / "b"]) == [files[0]]


@pytest.mark.parametrize(("path", "sentence"), [
    ("nowhere",    "does not exist: expected a file or folder"),
    ("empty",      "is a folder without .parquet or .csv or .csv.gz files"),
    ("README.md",  "is no file we can read: expected a name that ends in .parquet"),
])  # fmt: skip
def test_a_bad_path_is_named(tmp_path, path, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "README.md").write_text("data")
    with pytest.raises(FeedError) as refused:
        find_files([tmp_path / path])
    assert str(refused.value).startswith(str(tmp_path / path))
    assert sentence in str(refused.value)


def test_the_span_of_bars_is_told_from_them_where_the_name_does_not(tmp_path):
    rows = [f"{NINE + minute * NS_PER_MINUTE},1,1,1,1" for minute in (0, 5, 6, 9)]
    assert Source(write_csv(tmp_path / "eurusd_h1x.csv", "t,o,h,l,c", *rows)).label.span_ns == NS_PER_MINUTE


def test_parquet_is_read_in_batches_whatever_its_row_groups(tmp_path):
    count = 50_000
    file = write_parquet(
        tmp_path / "EURUSD.parquet",
        timestamp=[NINE + index * 1000 for index in range(count)],
        bid=[1.1] * count,
        ask=[1.2] * count,
    )
    sizes = [batch.num_rows for batch in Table(file).batches()]
    assert (sum(sizes), max(sizes)) == (count, 16_384)


@given(st.integers(1, 10**12), st.integers(0, 8))
def test_a_price_on_the_grid_is_the_text_it_was(units, digits):
    price = Decimal(units).scaleb(-digits)
    assert f"{Decimals(digits)[float(price)]:f}" == f"{price:f}"


@pytest.mark.parametrize(("digits", "value", "text"), [
    (2,    150.1,       "150.10"),
    (2,    150.125,     "150.125"),
    (5,    1.1,         "1.10000"),
    (None, 0.001,       "0.001"),
    (None, 2.0,         "2"),
    (None, 1e21,        "1000000000000000000000"),
    (None, 1e-8,        "1E-8"),
])  # fmt: skip
def test_other_numbers_are_as_short_as_is_exact(digits, value, text):
    assert str(Decimals(digits)[value]) == text


def test_the_memory_of_decimals_has_an_end():
    decimals = Decimals(0)
    for value in range(DECIMALS_KEPT_MAX + 10):
        assert decimals[float(value)] == value
    assert len(decimals) == 10


SECONDS = [NINE + index * S for index in range(20_000)]
ENDS = {
    # what                      how the file is made                                         its last time, None: unknown
    "short CSV":                (lambda at: write_csv(at / "A.csv", "time,bid,ask", *(f"{one},1,2" for one in SECONDS[:3])), 2),
    "long CSV":                 (lambda at: write_csv(at / "A.csv", "time,bid,ask", *(f"{one},1,2" for one in SECONDS)), 19_999),
    "empty rows at the end":    (lambda at: write_csv(at / "A.csv", "time,bid,ask", *(f"{one},1,2" for one in SECONDS[:3]), ",,", "", ""), 2),
    "text in two columns":      (lambda at: write_csv(at / "A.csv", "date;time;bid;ask", "2024.03.04;09:00:00;1;2", "2024.03.04;09:00:07;1;2"), 7),
    "milliseconds":             (lambda at: write_csv(at / "A.csv", "t,bid,ask", *(f"{one // 10**6},1,2" for one in SECONDS)), 19_999),
    "packed":                   (lambda at: write_csv(at / "A.csv.gz", "time,bid,ask", *(f"{one},1,2" for one in SECONDS)), 19_999),
    "no newline at the end":    (lambda at: _cut(write_csv(at / "A.csv", "time,bid,ask", *(f"{one},1,2" for one in SECONDS)), 1), 19_999),
    "no time at the end":       (lambda at: write_csv(at / "A.csv", "time,bid,ask", f"{NINE},1,2", *["x,1,2"] * 20_000), None),
    "Parquet":                  (lambda at: write_parquet(at / "A.parquet", timestamp=SECONDS, bid=[1.0] * 20_000, ask=[2.0] * 20_000), 19_999),
    "Parquet in groups":        (lambda at: write_parquet(at / "A.parquet", row_group_size=64, timestamp=SECONDS, bid=[1.0] * 20_000, ask=[2.0] * 20_000), 19_999),
}  # fmt: skip


def _cut(file: Path, count: int) -> Path:
    file.write_bytes(file.read_bytes()[:-count])
    return file


@pytest.mark.parametrize("what", ENDS)
def test_the_last_time_is_read_from_the_end(tmp_path, what):
    write, last = ENDS[what]
    assert Table(write(tmp_path)).last_at() == (None if last is None else NINE + last * S)


def test_the_last_time_of_a_damaged_packed_file_is_one_before_the_damage(tmp_path):
    file = write_csv(tmp_path / "A.csv.gz", "time,bid,ask", *(f"{one},1,2" for one in SECONDS))
    last = Table(_cut(file, 1000)).last_at()
    assert last is not None
    assert NINE + 15_000 * S < last < SECONDS[-1]


@pytest.mark.parametrize("place", [0.02, 0.5, 0.98])
def test_a_packed_file_with_a_damaged_byte_says_so(tmp_path, place):
    file = write_csv(tmp_path / "A.csv.gz", "time,bid,ask", *(f"{one},{one % 9973},2" for one in SECONDS))
    packed = bytearray(file.read_bytes())
    packed[round(len(packed) * place)] ^= 0xFF
    file.write_bytes(packed)
    with pytest.raises(FeedError, match=r"A\.csv\.gz cannot be read"):
        list(Table(file).batches())
