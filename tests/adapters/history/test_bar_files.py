"""History out of files: the longest bars that fit, put together, cut where asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.history.recorded_files import NINE, write_csv, write_parquet
from tradehall.adapters.history.bar_files import FileHistory
from tradehall.adapters.history.sources import Source
from tradehall.app.bars import aggregate
from tradehall.domain.market import Bar, Timeframe
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, from_rfc3339
from tradehall.ports.history import BarWindow, at_once

MIN = NS_PER_MINUTE
NEVER = 1 << 62


def a_history(*files) -> FileHistory:
    return FileHistory({"A": [Source(file) for file in files]})


def minutes_file(
    folder, count: int, *, first: int = NINE, name: str = "A.1m.parquet", step: int = MIN, base: float = 10.0
):
    times = [first + index * step for index in range(count)]
    opens = [base + index * 7 % 11 for index in range(count)]
    return write_parquet(
        folder / name, timestamp=times, open=opens, high=[price + 2.25 for price in opens],
        low=[price - 1.5 for price in opens], close=[price + 1 for price in opens], volume=[0.5] * count,
    )  # fmt: skip


@pytest.mark.parametrize("timeframe", Timeframe)
def test_longer_bars_are_the_minutes_put_together(tmp_path, timeframe):
    history = a_history(minutes_file(tmp_path, 40_000))
    minutes = [
        bar
        for start in range(4)
        for bar in at_once(
            history.read(BarWindow("A", Timeframe.M1, start=NINE + start * 10_000 * MIN, limit=10_000), before=NEVER)
        )
    ]
    assert len(minutes) == 40_000
    expected = list(aggregate(minutes, timeframe))
    assert at_once(history.read(BarWindow("A", timeframe, limit=10_000), before=NEVER)) == expected[-10_000:]


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 50), st.sampled_from(Timeframe))
def test_every_window_is_a_part_of_the_whole(start, end, limit, timeframe):
    history, whole = WINDOWED
    bars = [bar for bar in whole[timeframe] if NINE + start * MIN <= bar.at]
    assert (
        at_once(history.read(BarWindow("A", timeframe, start=NINE + start * MIN, limit=limit), before=NEVER))
        == bars[:limit]
    )
    bars = [bar for bar in whole[timeframe] if bar.at <= NINE + end * MIN]
    assert (
        at_once(history.read(BarWindow("A", timeframe, end=NINE + end * MIN, limit=limit), before=NEVER))
        == bars[-limit:]
    )


@pytest.fixture(scope="module", autouse=True)
def windowed(tmp_path_factory):
    history = a_history(minutes_file(tmp_path_factory.mktemp("bars"), 300))
    whole = {
        timeframe: at_once(history.read(BarWindow("A", timeframe, limit=1000), before=NEVER)) for timeframe in Timeframe
    }
    global WINDOWED  # noqa: PLW0603
    WINDOWED = history, whole


WINDOWED: tuple[FileHistory, dict[Timeframe, list[Bar]]]


def test_only_bars_that_ended_before_are_told(tmp_path):
    history = a_history(minutes_file(tmp_path, 10))
    for before, last in ((NINE + 3 * MIN, 2), (NINE + 3 * MIN - 1, 1), (NINE + 3 * MIN + 1, 2)):
        bars = at_once(history.read(BarWindow("A", Timeframe.M1), before=before))
        assert [(bar.at - NINE) // MIN for bar in bars] == list(range(last + 1))


def test_the_longest_bars_that_fit_are_read_and_shorter_ones_where_these_have_nothing(tmp_path):
    minutes = minutes_file(tmp_path, 120, first=NINE)
    hours = minutes_file(tmp_path, 3, first=NINE - 5 * NS_PER_HOUR, name="A.1h.parquet", step=NS_PER_HOUR, base=500)
    history = a_history(minutes, hours)
    assert at_once(history.read(BarWindow("A", Timeframe.H1), before=NEVER))[0].open == 500
    assert at_once(history.read(BarWindow("A", Timeframe.M30, limit=1), before=NEVER))[0].open < 500
    late = at_once(history.read(BarWindow("A", Timeframe.H1, start=NINE), before=NEVER))
    assert [bar.at for bar in late] == [NINE, NINE + NS_PER_HOUR]


def test_files_that_overlap_are_told_once(tmp_path):
    first = minutes_file(tmp_path / "a", 10)
    second = minutes_file(tmp_path / "b", 10, first=NINE + 5 * MIN, base=100)
    bars = at_once(a_history(second, first).read(BarWindow("A", Timeframe.M1), before=NEVER))
    assert [(bar.at - NINE) // MIN for bar in bars] == list(range(15))
    assert [bar.open < 100 for bar in bars] == [True] * 10 + [False] * 5


def test_days_before_1970_lie_in_their_weeks(tmp_path):
    first = from_rfc3339("1950-01-03T00:00:00Z")
    file = write_csv(tmp_path / "A.1d.csv", "timestamp,open,high,low,close", *(
        f"{day},1,1,1,1" for day in ("1950-01-03", "1950-01-08", "1950-01-09")
    ))  # fmt: skip
    weeks = at_once(a_history(file).read(BarWindow("A", Timeframe.W1), before=NEVER))
    assert [bar.at - first for bar in weeks] == [-NS_PER_DAY, 6 * NS_PER_DAY]


def test_bars_of_quotes_are_bids_and_volumes_are_exact(tmp_path):
    quotes = write_csv(
        tmp_path / "A.tick.csv",
        "timestamp,bid,ask",
        f"{NINE},1.5,2",
        f"{NINE + 1},1.75,2",
        f"{NINE + 2},1.25,2",
        f"{NINE + MIN - 1},1.5,2",
        f"{NINE + MIN},9,10",
    )
    first, second = at_once(a_history(quotes).read(BarWindow("A", Timeframe.M1), before=NEVER))
    assert (str(first.open), str(first.high), str(first.low), str(first.close), str(first.volume)) == (
        "1.50",
        "1.75",
        "1.25",
        "1.50",
        "0",
    )
    assert second.at == NINE + MIN
    summed = write_csv(
        tmp_path / "A.1m.csv",
        "timestamp,open,high,low,close,volume",
        *(f"{NINE + minute * MIN},1,1,1,1,0.1" for minute in range(3)),
    )
    assert str(at_once(a_history(summed).read(BarWindow("A", Timeframe.M5), before=NEVER))[0].volume) == "0.3"


def test_an_unknown_symbol_has_no_bars(tmp_path):
    assert at_once(a_history(minutes_file(tmp_path, 3)).read(BarWindow("B", Timeframe.M1), before=NEVER)) == []


@pytest.mark.parametrize("at", [from_rfc3339("0001-01-01T00:00:00Z"), from_rfc3339("9999-12-31T00:00:00Z")])
def test_windows_beyond_all_recordings_are_windows_too(tmp_path, at):
    history = a_history(minutes_file(tmp_path, 3))
    count = 3 if at < 0 else 0
    assert len(at_once(history.read(BarWindow("A", Timeframe.M1, start=at), before=NEVER))) == count
    assert len(at_once(history.read(BarWindow("A", Timeframe.M1, end=at), before=NEVER))) == 3 - count


def test_rows_without_prices_are_no_part_of_any_bar(tmp_path):
    rows = ["1,2,1,2,5", "nan,2,1,2,5", ",,,,", "1,2,0,2,5", "1,inf,1,2,5", "3,3,3,3,nan", "4,4,4,4,"]
    file = write_csv(
        tmp_path / "A.1m.csv",
        "timestamp,open,high,low,close,volume",
        *(f"{NINE + index * MIN},{row}" for index, row in enumerate(rows)),
    )
    bars = at_once(a_history(file).read(BarWindow("A", Timeframe.M1, limit=3), before=NEVER))
    assert [((bar.at - NINE) // MIN, str(bar.open), str(bar.volume)) for bar in bars] == [
        (0, "1", "5"), (5, "3", "0"), (6, "4", "0"),
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [1, 7, 511, 512, 513, 20_000])
def test_the_last_of_a_long_file_are_the_last_of_all(tmp_path, limit):
    history = a_history(minutes_file(tmp_path, 40_000))
    window = BarWindow("A", Timeframe.M2, limit=40_000)
    everything = at_once(history.read(window, before=NEVER))
    assert at_once(history.read(BarWindow("A", Timeframe.M2, limit=limit), before=NEVER)) == everything[-limit:]
    start = everything[100].at
    first = BarWindow("A", Timeframe.M2, start=start + 1, limit=limit)
    assert at_once(history.read(first, before=NEVER)) == everything[101:][:limit]
