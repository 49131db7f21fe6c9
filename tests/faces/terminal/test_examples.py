"""The examples, and the sample of the terminal's own page, against a real server."""

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
    with Server(tmp_path_factory.mktemp("terminal"), "--demo") as server:
        yield server


@pytest.fixture(scope="module")
def keys(server):
    return json.loads((server.data / "demo.json").read_text())["terminal"]


def example(server, key, *command, **environment):
    """Run an example to its end; what it printed."""
    surroundings = {**os.environ, "TERMINAL_URL": server.url, "TERMINAL_KEY": key, **environment}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_sample_prints_a_ticket_and_a_price(server, keys):
    lines = example(server, keys["full"], sys.executable, "examples/terminal_trade.py")
    assert lines[0].startswith("Balance: 100000.00  Equity: 100000.00")
    assert lines[1].startswith("Filled: #73") and " at 1.0" in lines[1]
    assert lines[2].startswith("EURUSD 0 0.1 ")


def test_the_sample_is_told_why_it_may_not(server, keys):
    authorization = {"Authorization": f"Bearer {keys['read']}"}
    answer = server.http.post(
        "/v1/api/trade", json={"symbol": "EURUSD", "action": "buy", "volume": 0.1}, headers=authorization
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE_DENIED")


def test_curl_takes_a_pending_order_through_its_life(server, keys):
    lines = [json.loads(line)["data"] for line in example(server, keys["full"], "sh", "examples/terminal_pending.sh")]
    quote, placed, changed, cancelled, gone = lines
    assert quote["symbol"] == "EURUSD"
    assert (placed["state"], changed["price"], changed["sl"]) == ("placed", 0.91, 0.9)
    assert cancelled == {"ticket": placed["ticket"], "state": "cancelled"}
    assert gone["state"] == "cancelled"


@pytest.mark.parametrize("path", ["/v1/api/ws", "/"])
def test_the_stream_example_sees_quotes_and_what_happens(server, keys, path):
    trade = {"symbol": "EURUSD", "action": "buy", "volume": 0.01}
    authorization = {"Authorization": f"Bearer {keys['full']}"}
    stop = threading.Event()

    def keep_trading():
        while not stop.wait(0.1):
            assert server.http.post("/v1/api/trade", json=trade, headers=authorization).status_code in (200, 429)

    trader = threading.Thread(target=keep_trading)
    trader.start()
    try:
        code = (ROOT / "examples/terminal_stream.py").read_text().replace('"/v1/api/ws"', f'"{path}"')
        lines = example(server, keys["full"], sys.executable, "-c", code, COUNT="40")
    finally:
        stop.set()
        trader.join()
    assert json.loads(lines[0]) == {"type": "auth", "success": True, "message": "Authenticated"}
    assert any(line.startswith("EURUSD 1.") for line in lines)
    assert any(line.startswith("position #") and line.endswith("opened") for line in lines)
    assert any('"account"' in line for line in lines)
