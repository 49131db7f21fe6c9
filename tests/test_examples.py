"""The examples of the gateway, the dashboard, the studio and the support door, against one real server."""

import json
import subprocess
import sys
import time

import pytest

from tests.house.source import ROOT
from tests.serving import Server, clean_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("examples"), "--demo") as server:
        yield server


@pytest.fixture(scope="module")
def sheet(server):
    return json.loads((server.data / "demo.json").read_text())


def example(server, *command, **environment):
    """Run an example to its end; the lines it printed."""
    urls = {f"{door}_URL": server.url for door in ("GATEWAY", "DASHBOARD", "CLIENT", "SUPPORT")}
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(**urls, **environment), capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def person(sheet):
    return {"CLIENT_LOGIN": str(sheet["client"]["login"]), "CLIENT_PASSWORD": sheet["client"]["password"]}


def test_the_sdk_buys_is_refused_and_closes(server):
    quote, bought, refused, position, equity = example(server, sys.executable, "examples/gateway_trade.py")
    assert quote.startswith("AAPL ") and " / " in quote
    assert bought.startswith("Bought: ord_73") and " 10 at " in bought
    assert refused.startswith("Refused: ") and "margin" in refused
    assert position.startswith("Position: pos_73")
    assert equity.startswith("Equity: ")


@pytest.mark.parametrize("key", ["", "client_account_key"])
def test_curl_takes_an_order_through_its_life_and_has_it_explained(server, sheet, key):
    who = {"GATEWAY_KEY": sheet["gateway"][key]} if key else {}
    lines = [json.loads(line) for line in example(server, "sh", "examples/gateway_order.sh", **who)]
    _, placed, again, changed, cancelled, life = lines
    assert placed == again
    assert {changed["order"]["id"], cancelled["order"]["id"]} == {placed["id"]}
    assert life["order_id"] == placed["id"] and life["redecided"]["same"] is True


def test_an_operator_reads_budgets_and_is_told_what_would_have_passed(server, sheet):
    token = sheet["dashboard"]["operator_token"]
    for who in ({}, {"DASHBOARD_TOKEN": token}):
        lines = example(server, sys.executable, "examples/dashboard_watch.py", **who)
        assert lines[0].startswith("Demo-heartbeat-001 RUNNING on 700200")
        assert lines[1].endswith(" of 2000.00 USD reserved")
        denied = next(line for line in lines if line.startswith("DENIED: "))
        assert float(denied.rpartition(" ")[2]) > 0
        assert lines[-1].startswith("#")


def test_curl_gives_a_program_a_budget_and_halts_it(server):
    lines = [json.loads(line) for line in example(server, "sh", "examples/dashboard_budget.sh")]
    made, entry, halted, free, budget = lines
    assert made["account_id"] == "700100"
    assert entry["allocated"] == 1000
    assert (halted["state"], free["state"]) == ("HALTED", "NORMAL")
    assert (budget["currency"], budget["available"]) == ("USD", 1000)


def test_a_strategy_without_code_is_backtested_deployed_and_asked_why(server, sheet):
    lines = example(server, sys.executable, "examples/studio_deploy.py", **person(sheet))
    assert "crosses above" in lines[0]
    assert lines[1].startswith("Backtest completed: {")
    assert lines[2].startswith("Why has it not traded? ")
    assert lines[3] == "Deployment stopped"


def test_curl_has_definitions_judged_and_runs_a_scanner(server, sheet):
    lines = [json.loads(line) for line in example(server, "sh", "examples/studio_validate.sh", **person(sheet))]
    wrong, right, made, found, deleted = lines
    assert not wrong["valid"] and wrong["problems"]
    assert right["valid"] and right["text"]
    assert found["scanned"] == 2
    assert deleted["id"] == made["id"]


def test_a_support_desk_signs_its_own_token_and_has_an_order_explained(server, sheet):
    key = {"authorization": f"Bearer {sheet['gateway']['client_account_key']}"}
    wish = {"symbol": "EURUSD", "side": "BUY", "quantity": "1000", "order_type": "MARKET"}
    order = server.http.post("/v1/orders", json=wish, headers=key).json()["id"]
    desk = sheet["support"]
    who = {"SUPPORT_DOMAIN": desk["domain"], "SUPPORT_SECRET": desk["secret"], "SUPPORT_USER": sheet["client"]["email"]}
    lines = example(server, sys.executable, "examples/support_desk.py", SUPPORT_ORDER=order, **who)
    assert lines[0] == "Demo Client, active, accounts [700001]"
    assert any(line.startswith("trade ") and "EURUSD" in line for line in lines)
    assert any(order in line for line in lines)
    assert "decided again: the same" in lines


def test_the_robot_trades_as_a_strategy_of_its_own(server):
    """As `tradehall deploy` runs it, with a short memory so that it trades soon."""
    command = [
        sys.executable, "-m", "tradehall", "deploy", "examples/robot.py", "--data", str(server.data), "--url", server.url,
        "--account", "700200", "--budget", "USD:500", "--on-stop", "flatten",
    ]  # fmt: skip
    environment = clean_environment(ROBOT_LOOKS="2", ROBOT_REST_S="0.1")
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as robot:
        try:
            deadline = time.monotonic() + 60
            while "ord_73" not in said(server):
                assert time.monotonic() < deadline, said(server)
                time.sleep(0.2)
        finally:
            robot.terminate()
            robot.wait(30)


def said(server):
    log = server.data / "programs" / "robot.log"
    return log.read_text() if log.exists() else ""
