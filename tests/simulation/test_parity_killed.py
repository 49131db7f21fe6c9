"""A real server records, is killed while orders come, and its session comes to the same again."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from time import monotonic, sleep

import httpx

from tests.serving import Server, tradehall

TRADES_FOR_S = 6.0


def trade(server: Server, seed: int, until: float) -> int:
    """Orders of all kinds through the gateway's door, until the server is gone; how many it answered."""
    dice = Random(seed)
    answered = 0
    with httpx.Client(base_url=server.url, timeout=5) as http, suppress(httpx.TransportError):
        while monotonic() < until:
            answered += ask(http, dice).status_code < 500
    return answered


def ask(http: httpx.Client, dice: Random) -> httpx.Response:
    symbol, quantity = dice.choice((("AAPL", "3"), ("EURUSD", "2000"), ("BTCUSD", "0.02")))
    quote = http.get(f"/v1/quotes/{symbol}").json()
    price = float(quote["bid"])
    kind = dice.choice(("MARKET", "MARKET", "LIMIT", "STOP", "TRAILING_STOP", "CLOSE", "CANCEL"))
    if kind == "CANCEL":
        return http.delete("/v1/orders")
    if kind == "CLOSE":
        return http.delete("/v1/positions")
    order = {"symbol": symbol, "side": dice.choice(("BUY", "SELL")), "order_type": kind, "quantity": quantity}
    near = f"{price * (1 + dice.choice((-1, 1)) * dice.random() / 2_000):.5f}"
    extra = {
        "LIMIT": {"limit_price": near}, "STOP": {"stop_price": near},
        "TRAILING_STOP": {"trailing_distance": f"{price / 5_000:.5f}", "trailing_type": "ABSOLUTE"},
    }.get(kind, {})  # fmt: skip
    return http.post("/v1/orders", json=order | extra)


def test_a_killed_server_s_session_comes_to_the_same_again(tmp_path):
    data, recording = tmp_path / "data", tmp_path / "session"
    answered = 0
    for life in range(2):
        with Server(data, "--demo", "--record", str(recording), TRADEHALL_RATE_LIMITS="off") as server:
            until = monotonic() + TRADES_FOR_S / 2
            with ThreadPoolExecutor() as pool:
                asked = [pool.submit(trade, server, seed, until + 5) for seed in (life * 10, life * 10 + 1)]
                while monotonic() < until:
                    server.http.get("/v1/account")
                server.process.kill()
                answered += sum(each.result() for each in asked)
    assert answered > 20
    told = tradehall("parity", "--data", str(data), "--recording", str(recording), "--json")
    assert told.returncode == 0, told.stdout + told.stderr
    report = json.loads(told.stdout)
    assert report["is_same"]
    assert report["divergences"] == []
    assert len(report["stretches"]) == 2
    records = report["stretches"][-1]["last"]
    assert sum(each["matched"] + each["tail"] for each in report["stretches"]) == records > 50
    assert sum(each["fills_matched"] for each in report["stretches"]) > 5


def test_a_session_that_was_stopped_in_order_is_whole(tmp_path):
    data, recording = tmp_path / "data", tmp_path / "session"
    with Server(data, "--demo", "--record", str(recording)) as server:
        for _ in range(3):
            server.buy()
        assert server.stop()[0] == 0
    told = tradehall("parity", "--data", str(data), "--recording", str(recording))
    assert told.returncode == 0, told.stdout + told.stderr
    assert "comes to the same" in told.stdout
    assert "ended" in told.stdout
    what_if = tradehall(
        "parity", "--data", str(data), "--recording", str(recording), "--assume", "venue.slippage_ticks=3"
    )
    assert what_if.returncode == 1
    assert "other price" in what_if.stdout
    assert "venue slippage_ticks: 0 → 3" in what_if.stdout


def test_a_deployment_s_program_run_over_its_session_gives_the_same_orders(tmp_path):
    data, recording = tmp_path / "data", tmp_path / "session"
    with Server(data, "--demo", "--record", str(recording)) as server:
        key = json.loads((data / "demo.json").read_text())["strategy"]["gateway_key"]
        until, fills = monotonic() + 60, []
        # A kill takes the last tenth of a second of the recording with it, and the newest fill may lie in that: one
        # more than are compared below, five seconds after them.
        while monotonic() < until:
            fills = server.http.get("/v1/trades", headers={"authorization": f"Bearer {key}"}).json()
            if len(fills) >= 3:
                break
            sleep(0.2)
        assert len(fills) >= 3, "the demo's strategy never traded"
        server.process.kill()
    told = tradehall("parity", "--data", str(data), "--recording", str(recording), "--deployment", "1", "--json")
    assert told.returncode in (0, 1), told.stderr
    report = json.loads(told.stdout)["comparison"]
    # An order that came some milliseconds later may have met another price; it is the same order all the same.
    assert {each["difference"] for each in report["differences"]} <= {"other price", "other profit"}
    assert all("ms after what it looked at" in each["cause"] for each in report["differences"])
    assert len(report["latency_ns"]) >= 2
    assert all(late >= 0 for late in report["latency_ns"])
    assert told.returncode == (1 if report["differences"] else 0)


def test_a_deployment_that_is_not_there_is_refused(tmp_path):
    data, recording = tmp_path / "data", tmp_path / "session"
    with Server(data, "--demo", "--record", str(recording)) as server:
        assert server.stop()[0] == 0
    told = tradehall("parity", "--data", str(data), "--recording", str(recording), "--deployment", "99")
    assert told.returncode == 1
    assert "there is no deployment 99" in told.stderr
