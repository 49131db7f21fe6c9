"""One journey per page, against a real server: what people come for, done with mouse and keyboard."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.page.browser import Visitor
from tests.page.test_accessible import complaints

pytestmark = pytest.mark.slow


def line_on_chart(page: Page, chart: str) -> tuple[float, float]:
    """Where the topmost line lies that can be dragged: the pointer changes there."""
    group = page.get_by_role("group", name=re.compile(chart))
    box = group.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] * 0.4
    for y in range(int(box["y"]) + 4, int(box["y"] + box["height"]) - 30, 4):
        page.mouse.move(x, y)
        if group.evaluate("node => node.style.cursor") == "ns-resize":
            return x, float(y)
    raise AssertionError("no line on the chart can be dragged")


def place_limit(visitor: Visitor, symbol: str, *, quantity: str, below: str) -> Decimal:
    """A limit order to buy, so much below the bid; its price."""
    page = visitor.page
    page.keyboard.press("b")
    expect(page.get_by_label("Quantity")).to_be_focused()
    bid = page.get_by_role("button", name=re.compile("^Sell [0-9]")).locator("b")
    expect(bid).to_have_text(re.compile(r"^[0-9.]+$"))
    price = Decimal(bid.inner_text()) - Decimal(below)
    page.keyboard.type(quantity)
    page.get_by_label("Type").select_option("LIMIT")
    page.get_by_label("Limit price").fill(str(price))
    expect(page.get_by_text("Free after")).to_be_visible()
    page.keyboard.press("Enter")
    expect(visitor.row(f"Working orders in {symbol}", str(price))).to_be_visible()
    return price


def test_an_order_is_placed_by_keyboard_dragged_on_the_chart_and_struck_from_it(visit, demo):
    visitor = visit()
    page = visitor.go("trade/AAPL")
    visitor.use_account(demo["gateway"]["account"])
    price = place_limit(visitor, "AAPL", quantity="10", below="0.40")
    x, y = line_on_chart(page, "Prices of AAPL")
    page.mouse.down()
    page.mouse.move(x, y + 10)
    page.mouse.move(x, y + 30)
    page.mouse.up()
    expect(page.get_by_text(re.compile("moved to"))).to_be_visible()
    row = page.get_by_role("table", name="Working orders in AAPL").get_by_role("row").nth(1)
    expect(row).not_to_contain_text(str(price))
    page.mouse.move(0, 0)
    page.mouse.click(*line_on_chart(page, "Prices of AAPL"), button="right")
    expect(page.get_by_text("No order works in AAPL.")).to_be_visible()


def test_an_order_is_amended_and_cancelled_without_a_mouse(visit, demo):
    visitor = visit()
    page = visitor.go("trade/MSFT")
    visitor.use_account(demo["gateway"]["account"])
    place_limit(visitor, "MSFT", quantity="3", below="5.00")
    row = page.get_by_role("table", name="Working orders in MSFT").get_by_role("row").nth(1)
    row.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Quantity").fill("7")
    dialog.get_by_label("Stop loss").fill("1.00")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("1.00")
    expect(row.get_by_role("cell").nth(2)).to_have_text("7")
    row.focus()
    page.keyboard.press("x")
    expect(page.get_by_text("No order works in MSFT.")).to_be_visible()


def test_a_position_comes_with_its_exits_and_is_closed(visit, demo):
    visitor = visit()
    page = visitor.go("trade/NVDA")
    visitor.use_account(demo["client2"]["login"])
    page.get_by_label("Quantity").fill("2")
    page.get_by_label("Stop loss").fill("1")
    page.get_by_label("Take profit").fill("9000")
    expect(page.get_by_text("Free after")).to_be_visible()
    page.get_by_role("button", name="Buy NVDA").click()
    position = visitor.row("Positions in NVDA", "LONG")
    expect(position).to_be_visible()
    expect(visitor.row("Working orders in NVDA", "SELL")).to_have_count(2)
    page.mouse.move(0, 0)
    position.get_by_role("button", name="Close").click()
    expect(page.get_by_text("Flat.")).to_be_visible()
    page.mouse.move(0, 0)
    expect(page.get_by_text("No order works in NVDA.")).to_be_visible()


def test_a_refused_order_says_why_with_its_numbers(visit, demo):
    visitor = visit()
    page = visitor.go("trade/BTCUSD")
    visitor.use_account(demo["gateway"]["account"])
    page.get_by_label("Quantity").fill("1000000")
    expect(page.locator(".preview .down")).to_be_visible()  # The preview knows already.
    page.get_by_role("button", name="Buy BTCUSD").click()
    expect(page.get_by_text(re.compile("denied"))).to_be_visible()
    visitor.go("blotter")
    page.get_by_label("Status").select_option("DENIED")
    visitor.row("Orders", "BTCUSD").first.get_by_role("button", name=re.compile("Look")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("MARGIN_INSUFFICIENT").or_(dialog.get_by_text("NOTIONAL")).first).to_be_visible()
    expect(dialog.get_by_text("would pass")).to_be_visible()


def test_the_overview_has_something_to_show(visit, demo):
    visitor = visit()
    page = visitor.go("overview")
    account = page.get_by_label("Account", exact=True)
    expect(account).to_have_value(re.compile("^7"))  # Without a word said: an account where something happens.
    account.select_option(str(demo["strategy"]["account"]))
    expect(page.get_by_role("table", name="Latest fills").get_by_role("row").nth(1)).to_be_visible()
    expect(page.get_by_role("img", name="Equity of the account over time")).to_be_visible()
    expect(page.get_by_role("region", name="Budgets").get_by_text("Demo heartbeat")).to_be_visible()


def test_rows_stay_where_they_are_while_somebody_points_at_them(visit, demo):
    visitor = visit()
    page = visitor.go("overview")
    page.get_by_label("Account", exact=True).select_option(str(demo["strategy"]["account"]))
    rows = page.get_by_role("table", name="Latest fills").get_by_role("row")
    rows.nth(2).hover()
    first = rows.nth(1).inner_text()
    newer = page.get_by_role("button", name=re.compile("^[0-9]+ new$"))
    expect(newer).to_be_visible()
    assert rows.nth(1).inner_text() == first
    page.mouse.move(0, 0)
    expect(newer).to_have_count(0)
    expect(rows.nth(1)).not_to_have_text(first)


def test_a_budget_is_changed_and_the_audit_trail_tells_it(visit):
    visitor = visit()
    page = visitor.go("budgets")
    page.get_by_role("button", name="Edit").first.click()
    page.get_by_label("Allocated").fill("2500")
    page.get_by_label("Why").fill("more room")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("2,500.00", exact=True).last).to_be_visible()
    visitor.go("audit")
    page.get_by_label("Action").fill("budget.updated")
    visitor.row("Audit trail", "budget.updated").first.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("more room")).to_be_visible()
    expect(dialog.get_by_text('"allocated"').first).to_be_visible()


def test_the_kill_switch_halts_an_account_and_lets_it_go(visit, demo):
    visitor = visit()
    page = visitor.go("overview")
    visitor.use_account(demo["client"]["login"])
    page.get_by_role("button", name="Kill switch").click()
    halt = page.get_by_role("button", name=re.compile("^Halt account"))
    expect(halt).to_be_disabled()
    page.get_by_label("Reason").fill("a drill")
    page.get_by_label("Type STOP to confirm").fill("STOP")
    halt.click()
    expect(page.get_by_text("is halted").first).to_be_visible()
    expect(page.get_by_text("HALTED", exact=True)).to_be_visible()
    page.get_by_role("button", name="Kill switch").click()
    page.get_by_role("button", name="Let it trade again").click()
    expect(page.get_by_text("HALTED", exact=True)).to_have_count(0)


def test_a_strategy_is_made_tested_deployed_and_asked_why_it_has_not_traded(visit, demo):
    visitor = visit()
    page = visitor.go("strategies")
    visitor.use_account(demo["client2"]["login"])
    page.keyboard.press("n")
    page.get_by_label("Name").fill("Crossing")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("region", name="Crossing").get_by_text("EMA(20) crosses above EMA(50)")).to_be_visible()
    period = page.get_by_role("group", name="Input fast").get_by_label("period")
    period.fill("0")
    period.press("Tab")
    expect(page.get_by_text("inputs.fast.period")).to_be_visible()
    period.fill("10")
    period.press("Tab")
    expect(page.get_by_text("EMA(10) crosses above EMA(50)")).to_be_visible()
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("EURUSD 1m, version 2")).to_be_visible()

    page.get_by_role("button", name="Backtest", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    run = visitor.row("Backtests", "completed")
    expect(run).to_be_visible(timeout=60_000)
    run.get_by_role("button", name="Report").click()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Crossing")).to_be_visible()
    expect(report.locator("svg path").first).to_be_attached()  # Its script may draw, in a frame that reaches nothing.
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.get_by_role("button", name="Deploy", exact=True).click()
    page.get_by_role("button", name="Start", exact=True).click()
    row = visitor.row("Deployments", "Crossing")
    expect(row).to_contain_text("running")
    row.get_by_role("button", name="Look").click()
    expect(page.get_by_role("region", name="Why has it not traded?").locator(".summary")).to_be_visible()
    row.get_by_role("button", name="Stop").click()
    page.get_by_label("What becomes of its orders and positions").select_option("flatten")
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    expect(row).to_contain_text("stopped")


def test_an_alert_fires(visit, demo):
    visitor = visit()
    visitor.sign_in(demo["client"])
    page = visitor.go("alerts")
    page.get_by_role("combobox", name="Symbol").last.select_option("EURUSD")
    page.get_by_label("Condition").select_option(label="is above")
    page.get_by_label("Level").fill("0.5")
    page.get_by_role("button", name="Watch").click()
    expect(visitor.row("Fired alerts", "EURUSD").first).to_be_visible()


def test_a_scanner_finds_what_is_there(visit):
    visitor = visit()
    page = visitor.go("scanners")
    page.get_by_role("button", name="New scanner").click()
    page.get_by_label("Name").fill("Above nothing")
    page.get_by_label("Looks for").select_option("condition")
    page.get_by_role("textbox", name="Condition").fill('{"when": {"above": ["close", "0.1"]}}')
    page.get_by_label("Symbols").fill("EURUSD, AAPL")
    page.get_by_role("button", name="Look", exact=True).click()
    visitor.row("Scanners", "Above nothing").get_by_role("button", name="Run").click()
    expect(visitor.row("Matches", "EURUSD").first).to_be_visible()
    expect(page.get_by_text("2 now in 2 symbols")).to_be_visible()


def test_a_key_is_made_shown_once_and_revoked(visit, demo):
    visitor = visit()
    visitor.sign_in(demo["client"])
    page = visitor.go("keys")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("robot")
    page.get_by_role("button", name="Make it").click()
    secret = page.get_by_role("textbox", name="Secret")
    expect(secret).to_have_value(re.compile("^tk_"))
    page.keyboard.press("Escape")
    expect(secret).to_have_count(0)
    row = visitor.row("API keys", "robot")
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")


def test_everything_is_reached_by_keyboard(visit):
    visitor = visit()
    page = visitor.go("overview")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard").get_by_text("Search a symbol")).to_be_visible()
    page.keyboard.press("Escape")
    for key, title in (("t", "Trade"), ("f", "Blotter"), ("g", "Strategies"), ("u", "Budgets"), ("o", "Overview")):
        page.keyboard.press(key)
        expect(page).to_have_title(f"{title} · Tradehall")
    page.keyboard.press("/")
    page.keyboard.type("gbp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="GBPUSD")).to_be_visible()
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="15m")).to_have_attribute("aria-pressed", "true")
    theme = page.locator("html").get_attribute("data-theme")
    page.keyboard.press("L")
    expect(page.locator("html")).not_to_have_attribute("data-theme", theme or "")


def test_support_finds_somebody_explains_an_order_locks_and_unlocks(visit, demo, server):
    order = server.buy(key=demo["gateway"]["client_account_key"]).json()["id"]
    visitor = visit()
    page = visitor.go("support")
    page.get_by_label("Support token").fill(demo["support"]["admin_token"])
    page.get_by_role("button", name="Use this token").click()
    page.get_by_label("Find somebody").fill("client2")
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    visitor.row("People", demo["client2"]["email"]).get_by_role("button", name=re.compile("^Look")).click()
    for wish, status in (("Lock", "inactive"), ("Unlock", "active")):
        page.get_by_role("button", name=wish, exact=True).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Reason").fill("asked for by phone")
        dialog.get_by_role("button", name=wish, exact=True).click()
        shown = visitor.row("People", demo["client2"]["email"]).get_by_role("cell", name=status, exact=True)
        expect(shown).to_be_visible()
        expect(dialog).to_be_hidden()
    expect(visitor.row("What was done about them", "asked for by phone").first).to_be_visible()
    page.get_by_label("Order", exact=True).fill(order)
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("decided the same again")).to_be_visible(timeout=30_000)  # It folds the past first.
    expect(page.get_by_text(re.compile("All [0-9]+ checks passed"))).to_be_visible()


def test_the_link_of_a_reset_gives_a_new_password(visit, server, demo):
    who = {"name": "Lost Hers", "email": "lost@example.test", "password": "forgotten-1"}
    login = server.http.put("/client/sign/up", json=who).json()["login"]
    desk = {"authorization": f"Bearer {demo['support']['admin_token']}"}
    reset = {"delivery": "link", "reason": "she asked for it"}
    link = server.http.post(f"/api/support/v1/users/{who['email']}/password-reset", json=reset, headers=desk)
    page = visit().page
    page.goto(link.json()["link"])
    expect(page).to_have_url(f"{server.url}/ui/reset")
    assert complaints(page) == []
    for label, text in (("New password", "remembered-2"), ("The same again", "remembered-3")):
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("status")).to_have_text("The two are not the same.")
    page.get_by_label("The same again").fill("remembered-2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have a new password.")
    signed_in = server.http.post("/client/sign/in", json={"login": login, "password": "remembered-2"})
    assert signed_in.status_code == 200
