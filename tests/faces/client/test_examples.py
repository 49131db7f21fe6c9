"""The examples and the whole house behind them: a real server, its demo people, all doors together."""

import json
import os
import subprocess
import sys
import threading

import pytest

from tests.house.source import ROOT
from tests.serving import Server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("client"), "--demo") as server:
        yield server


@pytest.fixture(scope="module")
def sheet(server):
    return json.loads((server.data / "demo.json").read_text())


def example(server, sheet, *command, **environment):
    """Run an example to its end; what it printed."""
    who = {"CLIENT_LOGIN": str(sheet["client"]["login"]), "CLIENT_PASSWORD": sheet["client"]["password"]}
    surroundings = {**os.environ, "CLIENT_URL": server.url, **who, **environment}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def signed_in(server, person):
    body = {"login": person["login"], "password": person["password"]}
    token = server.http.post("/sign/in", json=body).json()["__token"]
    return {"authorization": token}


def test_the_trade_example_opens_and_closes_a_ticket(server, sheet):
    hello, opened, closed = example(server, sheet, sys.executable, "examples/client_trade.py")
    assert hello.endswith("leverage 1:50")
    assert opened.startswith("Open: #73")
    assert closed.startswith("Closed. Balance: 999")


def test_curl_takes_an_alert_through_its_life(server, sheet):
    lines = [json.loads(line) for line in example(server, sheet, "sh", "examples/client_alert.sh")]
    made, changed, listed, deleted, kept, theme, out = lines
    assert made == changed == deleted
    assert listed["rows"][0][listed["structure"].index("target_price")] == 2.6
    assert kept == out == {"data": "OK"} and theme["rows"][0][:2] == ["theme", "dark"]


@pytest.mark.parametrize("path", ["/ws/client", "/"])
def test_the_stream_example_sees_quotes_and_what_happens(server, sheet, path):
    headers = signed_in(server, sheet["client"])
    stop = threading.Event()

    def keep_trading():
        while not stop.wait(0.15):
            body = {"cmd": 0, "symbol": "EURUSD", "volume": 1, "sl": 0, "tp": 0}
            assert server.http.post("/trade/open", json=body, headers=headers).status_code in (200, 429)

    trader = threading.Thread(target=keep_trading)
    trader.start()
    try:
        code = (ROOT / "examples/client_stream.py").read_text().replace('"/ws/client"', f'"{path}"')
        lines = example(server, sheet, sys.executable, "-c", code, COUNT="40")
    finally:
        stop.set()
        trader.join()
    assert json.loads(lines[0]) == {"event": "authorization", "success": True}
    assert any(line.startswith("EURUSD 1.") for line in lines)
    assert any(line.startswith("ticket #") and "what happened 0" in line for line in lines)
    assert any(line.startswith("balance ") for line in lines)


def test_the_root_is_shared_by_credential_and_by_path(server, sheet):
    headers = signed_in(server, sheet["client2"])
    assert server.http.get("/trades", headers=headers).json()["structure"][0] == "order"
    assert server.http.get("/trades", headers={"authorization": "Bearer eyJh.e30.x"}).json()["error"] == "INVALID_TOKEN"
    assert isinstance(server.http.get("/trades").json(), list)
    candles = server.http.get("/quotes/candles", params={"symbol": "EURUSD", "count": 2}, headers=headers).json()
    assert len(candles["data"]) == 2
    assert "bid" in server.http.get("/quotes/EURUSD").json()
    assert server.http.get("/nothing", headers=headers).json()["code"] == "NOT_FOUND"
    assert server.http.get("/client/nothing", headers=headers).json()["error"] == "NOT_FOUND"
    assert "Broker Client API" in server.http.get("/openapi/client.json").text


def test_one_account_reads_alike_through_gateway_terminal_and_client(server, sheet):
    headers = signed_in(server, sheet["client"])
    gateway = {"x-api-key": sheet["gateway"]["client_account_key"]}
    terminal = {"authorization": f"Bearer {sheet['terminal']['full']}"}
    order = {"symbol": "GBPUSD", "action": "buy", "volume": 0.2}
    ticket = server.http.post("/v1/api/trade", json=order, headers=terminal).json()["data"]["ticket"]
    table = server.http.get("/trades", params={"where": f'[["order", {ticket}]]'}, headers=headers).json()
    row = dict(zip(table["structure"], table["rows"][0], strict=True))
    position = server.http.get(f"/positions/pos_{ticket}", headers=gateway).json()
    assert (row["volume"], row["reason"]) == (20, 7)
    assert float(position["quantity"]) == row["volume"] / 100 * 100_000
    assert float(position["average_entry_price"]) == row["open_price"]
    closed = server.http.request("DELETE", "/trade/close", json={"order": ticket}, headers=headers)
    assert closed.status_code == 200, closed.text
    table = server.http.get("/trades", params={"where": f'[["order", {ticket}]]'}, headers=headers).json()
    row = dict(zip(table["structure"], table["rows"][0], strict=True))
    assert row["state"] == 3
    balances = {
        server.http.get("/account/me", headers=headers).json()["balance"],
        server.http.get("/v1/api/account", headers=terminal).json()["data"]["balance"],
        float(server.http.get("/account", headers=gateway).json()["balance"]),
    }
    assert len(balances) == 1
