"""Every page in both themes, on a desk and on a phone: WCAG 2.1 AA, nothing foreign, nothing that runs out of sight."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PAGES = (
    "overview", "trade", "blotter", "strategies", "deployments", "budgets", "alerts", "scanners", "audit", "keys",
    "support", "sign-in",
)  # fmt: skip
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def complaints(page: Page) -> list[str]:
    """What axe finds, by the rule and the place."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['target']}: {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_can_be_used_by_everybody(visit, demo, theme):
    visitor = visit(theme=theme)
    visitor.sign_in(demo["client"])
    for name in PAGES:
        page = visitor.go(name)
        expect(page).to_have_title(re.compile(" · Tradehall$"))
        expect(page.get_by_text("SIMULATED", exact=True)).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert complaints(page) == [], name


@pytest.mark.slow
def test_dialogs_can_be_used_by_everybody(visit):
    visitor = visit()
    page = visitor.go("strategies")
    for opener in ("New strategy", "Backtest", "Deploy", "Kill switch"):
        page.get_by_role("button", name=opener, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert complaints(page) == [], opener
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.slow
def test_a_phone_shows_every_page_without_scrolling_sideways(visit):
    visitor = visit(width=390, height=844, theme="light")
    for name in PAGES:
        page = visitor.go(name)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
        expect(page.get_by_text("SIMULATED", exact=True)).to_be_visible()
        assert complaints(page) == [], name


def test_the_policy_of_the_page_lets_nothing_foreign_in(server):
    policy = server.http.get("/ui/").headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'self'"
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/=]{44}'", rules["script-src"])  # Its own, and that of a report.
    assert rules["frame-ancestors"] == "'none'"
    assert rules["object-src"] == "'none'"
