"""A real server is killed while its deployments trade: no order is doubled, nothing they hold is forgotten."""

import json
import random
import signal
import time
from collections import Counter
from contextlib import closing
from decimal import Decimal

import pytest

from tests.adapters.sqlite.house import findings_of, start
from tests.serving import Server
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.app.deployments.names import deployment_of
from tradehall.app.verification import replay

ROUNDS = 4
STUDIO = "/api/studio/v1"
BEAT = {
    "rules": [
        {"every": {"seconds": 1}, "do": [{"close": "long"}]},
        {"every": {"seconds": 1}, "do": [{"open": "long", "stop_loss": {"percent": "5"}}]},
    ]
}


def signed_in(server: Server) -> None:
    sheet = json.loads((server.data / "demo.json").read_text())["client"]
    answer = server.http.post("/client/sign/in", json={"login": sheet["login"], "password": sheet["password"]})
    server.http.headers["authorization"] = answer.json()["__token"]


def deployed(server: Server) -> list[int]:
    """Two deployments of one strategy on the same symbols, one of another."""
    numbers = []
    for count in (2, 1):
        body = {"name": "beat", "symbol": "EURUSD", "timeframe": "1m", "definition": BEAT}
        strategy = server.http.post(f"{STUDIO}/strategies", json=body).json()
        for _ in range(count):
            wish = {"strategy_id": strategy["id"], "symbols": ["EURUSD", "GBPUSD"], "size": "0.01"}
            numbers.append(server.http.post(f"{STUDIO}/deployments", json=wish).json()["id"])
    return numbers


def until_all(server: Server, numbers: list[int], state: str) -> list[dict]:
    deadline = time.monotonic() + 30
    found: list[dict] = []
    while time.monotonic() < deadline:
        found = [server.http.get(f"{STUDIO}/deployments/{number}").json() for number in numbers]
        if all(each["state"] == state for each in found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"not all are {state}: {found}")


@pytest.mark.slow
def test_deployments_survive_any_kill_with_what_they_hold(tmp_path):
    seed = random.randrange(10**6)
    print(f"seed={seed}")
    moments = random.Random(seed)
    numbers: list[int] = []
    for _ in range(ROUNDS):
        with Server(tmp_path, "--demo", "--sim-seed", "7") as server:
            signed_in(server)
            numbers = numbers or deployed(server)
            until_all(server, numbers, "running")
            time.sleep(moments.uniform(1.0, 3.0))
            server.stop(signal.SIGKILL)
    with Server(tmp_path, "--demo") as server:
        signed_in(server)
        for number in numbers:
            server.http.post(f"{STUDIO}/deployments/{number}/stop", json={"policy": "flatten"})
        stopped = until_all(server, numbers, "stopped")
        assert [each["open_trade_count"] for each in stopped] == [0, 0, 0]
        assert all(each["closed_trade_count"] > 0 for each in stopped)
        server.stop()
    store, state = start(tmp_path)
    account = state.accounts[700_001]
    assert account.positions == {}
    assert all(book.parts == {} for book in account.books.values())
    names = Counter(name for login, name in store.views.client_order_ids() if deployment_of(name) in numbers)
    assert [name for name, count in names.items() if count > 1] == []
    found = [store.views.order_by_client_id(700_001, name) for name in names]
    orders = [order for order in found if order is not None]
    units = sum((order.filled_quantity * (1 if order.terms.side == "BUY" else -1) for order in orders), Decimal(0))
    assert units == 0
    store.close()
    assert findings_of(tmp_path) == []
    with closing(SqliteInspection(tmp_path)) as files:
        assert list(replay(files)) == []
