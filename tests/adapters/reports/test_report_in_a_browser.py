"""The page in a browser: it draws, it answers keys and pointer, it harms nobody, and everyone can read it.

Skipped where there is no Chromium; its skip is in pytest's summary.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.adapters.reports.runs import START, a_report
from tests.adapters.reports.test_html_report import HOSTILE, hostile_report
from tradehall.adapters.reports.html_report import report_html
from tradehall.analytics.report import BacktestReport, Failure

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync"]  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: the page of a report was not looked at in a browser"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


class Looked:
    """A page that was opened, with all that went wrong in it and all that it asked for."""

    def __init__(self, browser: Browser, path: Path, *, theme: str = "light", width: int = 1280) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()


def opened(
    browser: Browser, tmp_path: Path, report: BacktestReport, *, theme: str = "light", width: int = 1280
) -> Looked:
    path = tmp_path / "report.html"
    path.write_text(report_html(report), encoding="utf8")
    return Looked(browser, path, theme=theme, width=width)


RUNS = {
    "two years":        lambda: a_report(),
    "no round trip":    lambda: a_report(round_trips=0),
    "ten thousand":     lambda: a_report(round_trips=10_000),
    "one hour":         lambda: a_report(hours=1, round_trips=0),
    "incomplete":       lambda: a_report(round_trips=9, failure=Failure("Traceback", at=START)),
    "hostile names":    hostile_report,
}  # fmt: skip


@pytest.mark.parametrize("run", RUNS)
def test_the_page_draws_without_a_complaint_and_asks_nobody(browser: Browser, tmp_path: Path, run: str):
    looked = opened(browser, tmp_path, RUNS[run]())
    assert looked.page.locator(".chart svg").count() == 3
    assert looked.complaints == []
    assert looked.requests == [looked.page.url]
    assert looked.page.evaluate("document.documentElement.scrollWidth") == 1280


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_read_it(browser: Browser, tmp_path: Path, theme: str, width: int):
    looked = opened(
        browser, tmp_path, a_report(round_trips=9, failure=Failure("Traceback", at=START)), theme=theme, width=width
    )
    found = Axe().run(looked.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert looked.page.evaluate("document.documentElement.scrollWidth") == width, "nothing sticks out to the side"


def test_a_hostile_name_is_shown_as_it_is(browser: Browser, tmp_path: Path):
    looked = opened(browser, tmp_path, hostile_report())
    assert " ".join(looked.text("h1").split()) == " ".join(HOSTILE.split())
    assert HOSTILE[:20] in looked.text("#trip-table tbody tr:first-child")
    assert looked.complaints == []


def test_the_window_follows_keys_and_buttons(browser: Browser, tmp_path: Path):
    looked = opened(browser, tmp_path, a_report())
    whole = looked.text("#equity-readout b >> nth=0")
    assert whole == "2022-01-03 00:00 to 2024-01-02 03:00 UTC"
    chart = looked.page.locator("#price-chart")
    chart.focus()
    chart.press("+")
    assert looked.text("#equity-readout b >> nth=0") == "2022-07-04 06:45 to 2023-07-03 20:15 UTC"
    chart.press("ArrowRight")
    assert looked.text("#equity-readout b >> nth=0").startswith("2022-10-03")
    chart.press("0")
    assert looked.text("#equity-readout b >> nth=0") == whole
    looked.page.get_by_role("button", name="Show 1 w").click()
    assert looked.text("#equity-readout b >> nth=0") == "2023-12-26 03:00 to 2024-01-02 03:00 UTC"


def test_a_drag_looks_closer_and_a_double_click_shows_all(browser: Browser, tmp_path: Path):
    looked = opened(browser, tmp_path, a_report())
    whole, box = looked.text("#equity-readout b >> nth=0"), looked.page.locator("#equity-chart").bounding_box()
    assert box is not None
    looked.page.mouse.move(box["x"] + 200, box["y"] + 100)
    looked.page.mouse.down()
    looked.page.mouse.move(box["x"] + 500, box["y"] + 100, steps=3)
    looked.page.mouse.up()
    looked.page.mouse.move(5, 5)
    assert looked.text("#equity-readout b >> nth=0") != whole
    looked.page.locator("#equity-chart").dblclick()
    looked.page.mouse.move(5, 5)
    assert looked.text("#equity-readout b >> nth=0") == whole


def test_the_list_sorts_filters_turns_pages_and_shows_on_the_chart(browser: Browser, tmp_path: Path):
    report = a_report()
    page = opened(browser, tmp_path, report).page
    nets = sorted((float(trip.net_pnl) for trip in report.round_trips), reverse=True)
    page.locator("#trip-table").get_by_role("button", name="Net P&L").click()
    assert page.locator("th[aria-sort=descending]").inner_text() == "Net P&L ▼"
    assert page.locator("#trip-table tbody tr:first-child td:nth-child(4)").inner_text() == f"+{nets[0]:,.2f}"
    page.get_by_role("button", name="Next").click()
    assert page.locator("#trip-pager span").inner_text().startswith("16 to 30 of 120")
    page.get_by_label("Result").select_option("lost")
    lost = sum(trip.net_pnl < 0 and trip.closed_at is not None for trip in report.round_trips)
    assert f"of {lost}," in page.locator("#trip-pager span").inner_text()
    page.locator("#trip-table tbody button").first.press("Enter")
    assert "Chosen #" in page.locator("#price-readout").inner_text()
    assert page.locator("#price-chart rect.chosen").count() == 1
    assert page.locator(".chosen-row").count() == 1


def test_a_mark_on_the_chart_leads_to_its_row(browser: Browser, tmp_path: Path):
    page = opened(browser, tmp_path, a_report(round_trips=12)).page
    page.get_by_label("Side").select_option("short")
    page.locator("#price-chart path.mark").nth(1).dispatch_event("click")
    assert page.locator(".chosen-row").count() == 1, "a filter that hides the row is lifted"


def test_a_figure_tells_its_meaning_when_it_has_the_focus(browser: Browser, tmp_path: Path):
    page = opened(browser, tmp_path, a_report(round_trips=2)).page
    page.get_by_role("button", name="Sharpe ratio").first.focus()
    assert "sample standard deviation" in page.locator("#tip").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()


def test_it_prints_in_black_on_white(browser: Browser, tmp_path: Path):
    page = opened(browser, tmp_path, a_report(), theme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#window-tools").is_hidden()
