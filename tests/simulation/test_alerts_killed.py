"""A real server is killed while its alerts fire: none is told twice, none gets lost, what was told was written."""

import json
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.serving import Server

ROUNDS = 4
TICKS_A_ROUND = 1_500
ALERTS_OF_A_LOGIN = 300
CROSSING_UP, GREATER, ENTERING = 0, 2, 4
ONCE, REPEATING = 0, 1


def ticks(count: int) -> float:
    return round(1 + count / 100_000, 5)


class Market:
    """A price that rises by a tick in 3 ms, and then stands. Every round goes on where the last was to end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = 0

    def record(self, rise: int) -> None:
        places = [*range(self.at, self.at + rise), *[self.at + rise] * 20_000]
        self.at += rise
        rows = [f"{1_709_546_400_000 + 3 * n},{ticks(at):.5f},{ticks(at + 2):.5f},1,1" for n, at in enumerate(places)]
        self.path.write_text("\n".join(["timestamp,bid,ask,bid_size,ask_size", *rows]) + "\n", encoding="utf8")


class Owner:
    """A login, and what the door says of its alerts."""

    def __init__(self, server: Server, name: str) -> None:
        sheet = json.loads((server.data / "demo.json").read_text())[name]
        signed = server.http.post("/client/sign/in", json={"login": sheet["login"], "password": sheet["password"]})
        self.headers = {"authorization": signed.json()["__token"]}
        self.told: list[tuple[int, float, int]] = []

    def rows(self, server: Server, path: str, **query: int) -> list[dict]:
        table = server.http.get(path, params=query, headers=self.headers).json()
        return [dict(zip(table["structure"], row, strict=True)) for row in table["rows"]]

    def log(self, server: Server) -> list[dict]:
        return self.rows(server, "/client/price_alert/logs", limit=1000)

    def wish(self, server: Server, condition: int, repeat_mode: int, **prices: float) -> int:
        body = {"symbol": "EURUSD", "side": 0, "condition": condition, "repeat_mode": repeat_mode, **prices}
        answer = server.http.put("/client/price_alert", json=body, headers=self.headers).json()
        number: int = answer["rows"][0][0]
        return number

    def wish_many(self, server: Server) -> list[int]:
        """Alerts that a price which only rises fires once each; the first is fired by the first price."""
        self.wish(server, GREATER, ONCE, target_price=0.5)
        rises = range(5, ROUNDS * TICKS_A_ROUND, ROUNDS * TICKS_A_ROUND // ALERTS_OF_A_LOGIN)
        return [
            self.wish(server, ENTERING, REPEATING, channel_low=ticks(rise), channel_high=9.0)
            if rise % 5
            else self.wish(server, CROSSING_UP, rise % 2, target_price=ticks(rise))
            for rise in rises
        ]

    def listen(self, server: Server) -> Thread:
        """Note what is told until the server is gone; begun when the door has opened."""
        stream = connect(server.url.replace("http", "ws", 1) + "/ws/client", max_queue=None)
        stream.send(json.dumps({"authorization": self.headers["authorization"]}))
        stream.recv()

        def run() -> None:
            with suppress(ConnectionClosed), stream:
                while True:
                    frame = json.loads(stream.recv())
                    if frame[0] == "a":
                        self.told.append((frame[1], frame[15], frame[16]))

        thread = Thread(target=run)
        thread.start()
        return thread


def until(condition, what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"not within half a minute: {what}"
        time.sleep(0.02)


@pytest.mark.slow
def test_alerts_fire_once_each_whenever_the_server_is_killed(tmp_path):
    seed = random.randrange(10**6)
    print(f"seed={seed}")
    moments = random.Random(seed)
    market = Market(tmp_path / "EURUSD.csv")

    def a_server() -> Server:
        feed = f"replay:{market.path}?shift=now"
        return Server(tmp_path / "data", "--demo", "--feed", feed, TRADEHALL_RATE_LIMITS="off")

    market.record(0)
    with a_server() as server:
        owners = [Owner(server, name) for name in ("client", "client2")]
        wished = {owner: owner.wish_many(server) for owner in owners}
        for owner in owners:
            # Written with what all of them have seen: the first price.
            owner.wish(server, GREATER, ONCE, target_price=0.5)
            until(lambda owner=owner: len(owner.log(server)) == 2, "the first firings")
        server.stop(signal.SIGKILL)
    for _ in range(ROUNDS):
        market.record(TICKS_A_ROUND)
        with a_server() as server:
            threads = [owner.listen(server) for owner in owners]
            time.sleep(moments.uniform(0.0, 1.0))
            server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join(20)
    market.record(1)
    with a_server() as server:
        for owner in owners:
            count = len(wished[owner]) + 2
            until(lambda owner=owner, count=count: len(owner.log(server)) >= count, "all firings")
            lines = owner.log(server)
            fired = Counter(line["alert_id"] for line in lines)
            assert {number: fired[number] for number in wished[owner]} == dict.fromkeys(wished[owner], 1)
            notes = owner.rows(server, "/client/notify/list", limit=1000)
            assert Counter(json.loads(each["data"])["alert_id"] for each in notes) == fired
            alerts = owner.rows(server, "/client/price_alert/list")
            assert {each["status"] for each in alerts if each["repeat_mode"] == ONCE} == {1}
            assert {each["status"] for each in alerts if each["repeat_mode"] == REPEATING} == {0}
            assert len({number for number, _, _ in owner.told}) == len(owner.told)
            assert set(owner.told) <= {(row["alert_id"], row["triggered_price"], row["triggered_at"]) for row in lines}
        assert any(owner.told for owner in owners)
        server.stop()
