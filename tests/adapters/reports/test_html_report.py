"""The page as text: nothing in it is what it was called, and it stays small."""

import base64
import hashlib
import json
import re
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.adapters.reports.runs import START, a_report
from tradehall.adapters.reports.figures import duration, instant, money, percent
from tradehall.adapters.reports.html_report import CONTENT_SECURITY_POLICY, report_html
from tradehall.adapters.reports.json_report import read_report, report_json
from tradehall.adapters.reports.page_data import PRICE_LINES_MAX, PRICE_POINTS_MAX, ROUND_TRIPS_LISTED_MAX
from tradehall.analytics.definitions import DEFINITIONS
from tradehall.analytics.report import BacktestReport, Failure, Provenance, Series
from tradehall.domain.time import NS_PER_HOUR

HOSTILE = """</script><script>alert(1)</script><!--<img src=x onerror=alert(2)> ' " & $title ]]> \u2028 {{7*7}}"""


class Page(HTMLParser):
    """Elements, attributes and texts of a page, as a browser's parser meets them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style") and data.strip():
            self.scripts.append(data)
        self.texts.append(data)

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def packed(self) -> dict[str, Any]:
        """The data block."""
        (block,) = [script for script in self.scripts if script.startswith("{")]
        told: dict[str, Any] = json.loads(block)
        return told


def hostile_report() -> BacktestReport:
    """Everything that anybody may name is named to do harm."""
    plain = a_report(round_trips=3, hours=200)
    trips = [
        msgspec.structs.replace(
            trip, symbol=HOSTILE, strategy_id=HOSTILE, entry_reason=HOSTILE, exit_reason=HOSTILE
        )
        for trip in plain.round_trips
    ]  # fmt: skip
    return msgspec.structs.replace(
        plain,
        strategy=HOSTILE,
        strategy_id=HOSTILE,
        version=HOSTILE,
        symbols=(HOSTILE,),
        prices={HOSTILE: plain.prices["BTCUSDT"]},
        round_trips=tuple(trips),
        provenance=(
            Provenance(
                source=HOSTILE, symbol=HOSTILE, kind=HOSTILE, timeframe=HOSTILE, digest=HOSTILE, notes=(HOSTILE,)
            ),
        ),
        settings={HOSTILE: HOSTILE},
        conventions={HOSTILE: HOSTILE},
        skipped=msgspec.structs.replace(plain.skipped, reason=HOSTILE),
        failure=Failure(HOSTILE, at=START + NS_PER_HOUR, state=HOSTILE),
    )


def test_a_hostile_name_is_text_and_nothing_else():
    plain, hostile = Page(report_html(a_report(round_trips=3, hours=200))), Page(report_html(hostile_report()))
    assert [attributes.get("type") for attributes in hostile.all_of("script")] == ["application/json", None]
    assert len(hostile.all_of("style")) == 1
    assert hostile.all_of("img") == []
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    assert not [name for _, attributes in hostile.elements for name in attributes if name == "style"]
    assert hostile.packed["symbols"] == [HOSTILE]
    assert hostile.packed["trips"]["strategies"] == [HOSTILE]
    assert "".join(hostile.texts).count("alert(1)") >= 10, "the names are shown as they are"
    # The page's own code is the same, whoever asked for it.
    assert hostile.scripts[-1] == plain.scripts[-1]


def test_the_page_carries_a_policy_that_lets_only_its_own_code_run():
    text = report_html(hostile_report())
    page = Page(text)
    (policy,) = [meta["content"] for meta in page.all_of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == CONTENT_SECURITY_POLICY
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    for code in (style, page.scripts[-1]):
        assert base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_the_page_asks_for_nothing_from_anywhere():
    page = Page(report_html(a_report()))
    links = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")]
    assert links == ["data:,", "#main"]
    assert not re.search(
        r"url\((?!#)|@import|fetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)", report_html(a_report())
    )


def test_ten_thousand_round_trips_are_less_than_a_megabyte():
    text = report_html(a_report(round_trips=10_000))
    assert len(text.encode()) < 1_000_000


def test_of_more_round_trips_the_newest_are_listed_and_the_page_says_so():
    report = a_report(round_trips=300, hours=400)
    many = report.round_trips * 40
    report = msgspec.structs.replace(report, round_trips=many)
    text = report_html(report)
    assert f"The newest {ROUND_TRIPS_LISTED_MAX:,} of {len(many):,} are listed" in text
    packed = Page(text).packed["trips"]
    assert len(packed["net"]) == ROUND_TRIPS_LISTED_MAX
    assert packed["net"] == [float(trip.net_pnl) for trip in many[-ROUND_TRIPS_LISTED_MAX:]]


def test_what_is_packed_is_what_was_told():
    report = a_report(round_trips=7)
    packed = Page(report_html(report)).packed
    opened = np.cumsum(packed["trips"]["opened"])
    assert opened.tolist() == [trip.opened_at // 1_000_000 for trip in report.round_trips]
    ids = int(packed["trips"]["first_id"]) + np.cumsum(packed["trips"]["id"])
    assert ids.tolist() == [trip.round_trip_id for trip in report.round_trips]
    assert packed["trips"]["held"][-1] == -1, "the last is still open"
    assert np.cumsum(packed["equity"]["at"]).tolist() == [at // 1_000_000 for at in report.equity.at]
    assert packed["prices"]["BTCUSDT"]["values"] == report.prices["BTCUSDT"].values


def test_many_symbols_share_the_points_of_one():
    line = Series(list(range(0, 9_000_000_000, 1_000_000)), [float(number % 97) for number in range(9_000)])
    symbols = tuple(f"S{number}" for number in range(60))
    report = a_report(round_trips=0, hours=300, symbols=symbols, prices=dict.fromkeys(symbols, line))
    prices = Page(report_html(report)).packed["prices"]
    assert list(prices) == list(symbols[:PRICE_LINES_MAX])
    assert sum(len(each["at"]) for each in prices.values()) <= PRICE_POINTS_MAX
    assert all(max(each["values"]) == 96 and each["values"][0] == 0 for each in prices.values())


def test_a_run_without_round_trips_is_a_page_too():
    text = unescape(report_html(a_report(round_trips=0)))
    assert "0.00 USD" in text
    assert Page(text).packed["trips"]["net"] == []


def test_a_run_of_nothing_at_all_is_a_page_too():
    nothing = a_report(
        hours=1, round_trips=0, equity=Series(), prices={}, monthly={}, closed=None, settings={}, provenance=()
    )
    text = report_html(nothing)
    assert "No day of the run has a return." in text
    assert "None were recorded." in text


def test_a_run_that_threw_is_marked_and_shows_its_traceback():
    report = a_report(round_trips=2, failure=Failure("Traceback: <oops>\nValueError: 1 < 2", at=START))
    text = report_html(report)
    assert not report.is_complete
    assert text.count("INCOMPLETE") == 2
    assert "Traceback: &lt;oops&gt;\nValueError: 1 &lt; 2" in text
    assert "2022-01-03 00:00 UTC; the figures below count what happened until then" in text
    assert "INCOMPLETE" not in report_html(a_report(round_trips=2))


def test_a_huge_state_does_not_make_a_huge_page():
    report = a_report(
        round_trips=2, failure=Failure("e" * 50_000 + "ValueError: last", state="first" + "s" * 5_000_000)
    )
    text = report_html(report)
    assert len(text) < 300_000
    assert "eValueError: last</pre>" in text
    assert ">firstsss" in text


def test_every_figure_is_told_with_its_meaning():
    text = unescape(report_html(a_report()))
    for definition in DEFINITIONS:
        assert text.count(definition.meaning) >= 2, definition.label
        assert f">{definition.label}</button>" in text


def test_how_much_was_skipped_is_said():
    assert "could not touch an order or a margin and were skipped" in report_html(a_report())


def test_the_json_report_is_exact_and_complete():
    report = a_report(round_trips=50, failure=Failure("Traceback", at=START))
    assert read_report(report_json(report)) == report
    told = json.loads(report_json(report))
    assert told["round_trips"][0]["net_pnl"] == str(report.round_trips[0].net_pnl)
    assert told["metrics"]["tally"]["ended"] == 49


@pytest.mark.parametrize(("nanoseconds", "text"), [
    (0,                        "0 s"),
    (1_500_000,                "1.5 ms"),
    (65_000_000_000,           "1 min 5 s"),
    (3_600_000_000_000,        "1 h"),
    (97 * NS_PER_HOUR,         "4 d 1 h"),
    (24 * NS_PER_HOUR + 1,     "1 d"),
])  # fmt: skip
def test_a_duration_is_told_in_its_two_largest_parts(nanoseconds: int, text: str):
    assert duration(nanoseconds) == text


def test_figures_are_written_for_people():
    assert money(Decimal("-1234567.5"), "USD") == "\N{MINUS SIGN}1,234,567.50 USD"
    assert money(Decimal("1234.4"), "JPY") == "1,234 JPY"
    assert percent(-0.12345) == "\N{MINUS SIGN}12.35\u202f%"
    assert percent(2e9) == "2.00e+11\u202f%"
    assert instant(START + 61_000_000_000) == "2022-01-03 00:01:01 UTC"
