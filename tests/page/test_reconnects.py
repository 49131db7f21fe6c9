"""A server that asks for tokens, dies and comes back: the page leads to the sign-in, then recovers by itself."""

import json
import signal

import pytest
from playwright.sync_api import expect

from tests.page.browser import Visitor
from tests.page.conftest import listened_to
from tests.serving import Server


@pytest.mark.slow
def test_the_page_recovers_from_a_killed_server_without_a_row_doubled(browser, tmp_path):
    first = Server(tmp_path, "--demo", TRADEHALL_DASHBOARD_AUTH="token", TRADEHALL_SIM_SEED="7")
    listened_to(first)
    with first:
        token = json.loads((tmp_path / "demo.json").read_text())["dashboard"]["operator_token"]
        visitor = Visitor(browser, first.url)
        page = visitor.page
        page.goto(f"{first.url}/ui/")
        page.get_by_label("Dashboard token").fill(token)
        page.get_by_role("button", name="Use this token").click()
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        rows = page.get_by_role("table", name="Latest fills").locator("tbody tr[data-index]")
        expect(rows.nth(2)).to_be_visible(timeout=30_000)
        before = rows.all_inner_texts()
        first.stop(signal.SIGKILL)
        expect(page.get_by_text("offline", exact=True)).to_be_visible()
    second = Server(tmp_path, "--demo", port=first.port, TRADEHALL_DASHBOARD_AUTH="token", TRADEHALL_SIM_SEED="7")
    listened_to(second)
    with second:
        expect(page.get_by_text("live", exact=True)).to_be_visible(timeout=40_000)
        expect(rows.nth(len(before))).to_be_visible(timeout=30_000)  # The strategy goes on, and so does the page.
        after = rows.all_inner_texts()
        assert len(set(after)) == len(after)
        assert after[-len(before) :] == before
        assert [trouble for trouble in visitor.troubles if trouble.startswith("exception")] == []
        assert visitor.foreign == []
        visitor.close()
