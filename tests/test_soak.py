"""What a soak calls grown: the verdict over minutes, without the half hour."""

import pytest

from bench.soak.watching import ORDER_BYTES_MAX, Minute, Sample, judged, private_mib, slope

QUIET = Sample(rss=100, private=80, descriptors=50, threads=14, tasks=20, wal=1)


def a_minute(*, rss=200.0, failed=0, threads=16, wal=64.0, orders=0):
    sample = Sample(rss=rss, private=rss - 20, descriptors=90, threads=threads, tasks=80, wal=wal, orders=orders)
    return Minute(sample, requests=9_000, refused=10, failed=failed, p50=1, p99=5, longest=20, cpu_percent=20)


def broken(minutes, *, after=QUIET):
    return [figure.what for figure in judged(minutes, warm_up=2, quiet=(QUIET, after)) if not figure.is_kept]


def test_what_stays_as_it_is_passes():
    assert broken([a_minute(rss=150), a_minute(rss=190), *[a_minute()] * 4]) == []


def test_growth_within_the_warm_up_does_not_count():
    assert broken([a_minute(rss=50), a_minute(rss=120), *[a_minute(rss=200)] * 6]) == []


@pytest.mark.parametrize(("bytes_each", "is_kept"), [(ORDER_BYTES_MAX, True), (ORDER_BYTES_MAX * 4, False)])
def test_an_order_may_leave_something_and_not_more(bytes_each, is_kept):
    minutes = [a_minute(rss=200 + number * 2_000 * bytes_each / 2**20, orders=2_000 * number) for number in range(30)]
    assert (not broken(minutes)) is is_kept


@pytest.mark.parametrize(("what", "minutes", "after", "complaint"), [
    # what goes wrong           the minutes                                           nobody there afterwards               the complaint begins
    ("a leak",                  [a_minute(rss=200 + 5 * n) for n in range(10)],       QUIET,                                ["grown, without", "the same a minute"]),
    ("one answer of 5xx",       [a_minute(), a_minute(), a_minute(failed=1)],         QUIET,                                ["answered with 5xx"]),
    ("files that stay open",    [a_minute()] * 4,                                     Sample(100, 80, 83, 14, 20, 1),       ["open files"]),
    ("tasks that never end",    [a_minute()] * 4,                                     Sample(100, 80, 50, 14, 81, 1),       ["tasks more"]),
    ("threads that stay",       [*[a_minute()] * 3, a_minute(threads=19)],            QUIET,                                ["threads more"]),
    ("a log without an end",    [a_minute(wal=300)] * 4,                              QUIET,                                ["the WAL"]),
], ids=lambda each: each if isinstance(each, str) else "")  # fmt: skip
def test_what_goes_wrong_breaks_a_promise(what, minutes, after, complaint):
    found = broken(minutes, after=after)
    assert len(found) == len(complaint)
    assert all(said.startswith(begins) for said, begins in zip(found, complaint, strict=True))


def test_the_slope_is_in_mebibytes_a_minute():
    assert slope([a_minute(rss=100 + 0.5 * number) for number in range(8)]) == pytest.approx(0.5)
    assert slope([a_minute()]) == 0


def test_private_memory_is_read_from_the_status():
    assert private_mib("VmRSS:\t  300000 kB\nRssAnon:\t  204800 kB\nRssFile:\t 9 kB\n") == 200
