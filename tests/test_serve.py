"""The server as a process: its start, its stop, its sudden end, and who it keeps out."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.house.source import ROOT
from tests.serving import Server, clean_environment, free_port, tradehall

MASTER = "m" * 40


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo server that several tests look at."""
    with Server(tmp_path_factory.mktemp("demo") / "data", "--demo", dashboard_port=free_port()) as server:
        yield server


def sheet_of(server):
    return json.loads((server.data / "demo.json").read_text(encoding="utf8"))


# A server that runs.


def test_the_first_order_fills(demo):
    answer = demo.buy("first")
    assert (answer.status_code, answer.json()["status"]) == (201, "FILLED")
    assert demo.buy("first").json()["id"] == answer.json()["id"]


def test_the_demo_sheet_says_how_to_open_every_door_and_is_for_its_owner_alone(demo):
    assert stat.S_IMODE((demo.data / "demo.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(demo.data.stat().st_mode) == 0o700
    sheet = sheet_of(demo)
    assert sheet["base_url"] == demo.url
    assert sheet["dashboard_url"] == f"http://127.0.0.1:{demo.dashboard_port}"
    assert sheet["gateway"] == {
        "api_key": None, "account": 700100, "client_account_key": sheet["gateway"]["client_account_key"],
    }  # fmt: skip
    printed = tradehall("demo", "--json", "--data", str(demo.data))
    told = json.loads(printed.stdout)
    fresh = [
        told[domain].pop(name)
        for domain in ("support", "support2")
        for name in list(told[domain])
        if name.endswith("_token")
    ]
    stale = [
        sheet[domain].pop(name)
        for domain in ("support", "support2")
        for name in list(sheet[domain])
        if name.endswith("_token")
    ]
    assert (printed.returncode, told) == (0, sheet)
    assert len(fresh) == len(stale) == 4  # They live for 180 minutes: each look prints new ones, which work.
    answers = [demo.http.get("/api/support/v1/users", headers={"authorization": f"Bearer {token}"}) for token in fresh]
    assert {answer.status_code for answer in answers} == {200}
    assert sheet["base_url"] in tradehall("demo", "--data", str(demo.data)).stdout


def test_without_a_key_one_trades_the_house_account_and_with_one_its_own(demo):
    key = sheet_of(demo)["gateway"]["client_account_key"]
    house = demo.http.get("/v1/capabilities").json()
    client = demo.http.get("/v1/capabilities", headers={"x-api-key": key}).json()
    assert (house["position_mode"], house["max_leverage"]) == ("NETTING", "20")
    assert (client["position_mode"], client["max_leverage"]) == ("HEDGING", "50")
    assert demo.http.get("/v1/account", headers={"x-api-key": key}).json()["balance"] == "100000"


def test_the_second_port_serves_the_same(demo):
    assert httpx.get(f"http://127.0.0.1:{demo.dashboard_port}/ready").status_code == 200


@pytest.mark.parametrize(("headers", "status"), [
    ({"host": "evil.example"},                            403),
    ({"host": "localhost"},                               200),
    ({"origin": "https://evil.example"},                  403),
    ({"origin": "null"},                                  403),
])  # fmt: skip
def test_a_page_of_somebody_else_cannot_reach_a_server_on_loopback(demo, headers, status):
    answer = demo.http.get("/v1/account", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "FORBIDDEN"


def test_keys_made_and_revoked_beside_a_running_server_count_within_a_second(demo):
    made = json.loads(tradehall("keys", "create", "--account", "700002", "--json", "--data", str(demo.data)).stdout)
    headers = {"authorization": f"Bearer {made['secret']}"}
    assert within_a_second(lambda: demo.http.get("/v1/account", headers=headers).status_code, 200)
    with connect(demo.url.replace("http", "ws") + "/v1/ws", additional_headers=headers) as stream:
        stream.recv(timeout=5)
        revoked = tradehall("keys", "revoke", made["id"], "--data", str(demo.data))
        assert revoked.returncode == 0, revoked.stderr
        assert within_a_second(lambda: demo.http.get("/v1/account", headers=headers).status_code, 401)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                stream.recv(timeout=5)
        assert closing_code(closed.value) == 1008


def closing_code(closed: ConnectionClosed) -> int | None:
    return closed.rcvd.code if closed.rcvd else None


def within_a_second(look, wanted):
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if look() == wanted:
            return True
        time.sleep(0.02)
    return look() == wanted


def test_a_second_server_on_the_same_folder_is_refused(demo):
    second = tradehall("serve", "--data", str(demo.data), "--port", str(free_port()), "--dashboard-port", "0")
    assert second.returncode == 1
    assert "another server uses" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named_and_leaves_nothing_behind(demo, tmp_path):
    refused = tradehall("serve", "--data", str(tmp_path), "--port", str(demo.port), "--dashboard-port", "0")
    assert refused.returncode == 1
    assert f"port {demo.port} of 127.0.0.1 cannot be listened on" in refused.stderr
    assert "Traceback" not in refused.stderr
    with Server(tmp_path) as server:
        assert server.http.get("/ready").status_code == 200


def test_a_taken_second_port_is_done_without(demo, tmp_path):
    with Server(tmp_path, "--demo", dashboard_port=demo.dashboard_port) as server:
        assert "dashboard_url" not in sheet_of(server)
        server.stop()
        assert f"port {demo.dashboard_port} is taken" in server.output()


# Stopping.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_with_zero_within_five_seconds_and_everything_is_there_again(tmp_path, number):
    with Server(tmp_path, "--demo") as server:
        client_key = sheet_of(server)["gateway"]["client_account_key"]
        handle = server.buy("kept").json()
        with connect(server.url.replace("http", "ws") + "/v1/ws") as stream:
            code, took_s = server.stop(number)
            with pytest.raises(ConnectionClosed) as closed:
                frames = [json.loads(stream.recv(timeout=5)) for _ in range(10_000)]
                raise AssertionError(f"the stream went on: {frames[-1]}")
        assert (code, took_s < 5) == (0, True)
        assert closing_code(closed.value) == 1001
        assert "level=" not in server.output(), "an orderly stop is no fault"
    assert list((tmp_path / "snapshots").glob("*.json"))
    with Server(tmp_path, "--demo") as server:
        assert server.buy("kept").json()["id"] == handle["id"]
        assert server.http.get("/v1/positions").json()[0]["quantity"] == "1"
        assert sheet_of(server)["gateway"]["client_account_key"] == client_key
        told = [line["action"] for line in server.http.get("/api/trading/audit").json()]
        assert [action for action in reversed(told) if action.startswith("system.")] == [
            "system.started", "system.stopped", "system.started",
        ]  # fmt: skip
        assert server.buy(key=client_key).status_code == 201


def test_killed_at_once_nothing_that_was_acknowledged_is_lost(tmp_path):
    with Server(tmp_path) as server:
        handles = [server.buy(f"c{number}").json() for number in range(20)]
        resting = server.buy("resting", order_type="LIMIT", limit_price="1").json()
        server.stop(signal.SIGKILL)
    with Server(tmp_path) as server:
        known = {order["id"]: order for order in server.http.get("/v1/orders/history?limit=100").json()}
        assert [handle["id"] for handle in handles if handle["id"] not in known] == []
        assert [order["id"] for order in server.http.get("/v1/orders").json()] == [resting["id"]]
        assert server.buy("c7").json()["id"] == handles[7]["id"]
        server.stop()
    checked = tradehall("verify", "--json", "--data", str(tmp_path))
    assert (checked.returncode, json.loads(checked.stdout)["findings"]) == (0, [])
    again = tradehall("replay", "--json", "--data", str(tmp_path))
    assert (again.returncode, json.loads(again.stdout)["difference_count"]) == (0, 0)


def test_ctrl_c_in_make_run_stops_the_server_in_order(tmp_path):
    if subprocess.run(["make", "--question", "setup"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("make setup has something to do here: this test would install packages")
    port = free_port()
    environment = clean_environment(
        TRADEHALL_DATA=str(tmp_path), TRADEHALL_PORT=str(port), TRADEHALL_DASHBOARD_PORT="0"
    )
    made = subprocess.Popen(
        ["make", "run"], cwd=ROOT, env=environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert made.stdout is not None
    try:
        lines = iter(made.stdout.readline, "")
        assert any(line.startswith("Ready.") for line in lines), "make run ended before the server was ready"
        os.killpg(made.pid, signal.SIGINT)  # As a terminal does: make and server both get it.
        rest = made.communicate(timeout=20)[0]
    finally:
        if made.poll() is None:
            os.killpg(made.pid, signal.SIGKILL)
    assert "Stopping" in rest
    assert "Traceback" not in rest
    assert list((tmp_path / "snapshots").glob("*.json")), "the server did not come to its end"


# Who is kept out.


def test_with_a_configured_key_callers_need_it(tmp_path):
    with Server(tmp_path, "--demo", GATEWAY_API_KEY=MASTER) as server:
        assert sheet_of(server)["gateway"]["api_key"] == MASTER
        refused = server.http.get("/v1/account")
        assert (refused.status_code, refused.json()["details"]) == (401, {"code": "MISSING_API_KEY"})
        assert server.http.get("/v1/account", headers={"x-api-key": MASTER}).status_code == 200
        assert server.buy(key=MASTER).status_code == 201
        for path in ("/health", "/ready", "/livez", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json"):
            assert server.http.get(path).status_code == 200, path
        server.stop()
        assert MASTER not in server.output()


def test_bound_elsewhere_it_answers_whoever_has_a_key(tmp_path):
    with Server(tmp_path, "--host", "0.0.0.0", GATEWAY_API_KEY=MASTER) as server:
        assert server.http.get("/v1/account").status_code == 401
        headers = {"x-api-key": MASTER, "host": "desk.example"}
        assert server.http.get("/v1/account", headers=headers).status_code == 200


# Starts that are refused.


@pytest.mark.parametrize(("what", "flags", "environment", "code", "sentence"), [
    # what is wrong               flags                              environment                        exit  the sentence holds
    ("a mode to come",            ["--mode", "live"],                {},                                1,    "mode live is not built in yet"),
    ("demo before the world",     ["--demo", "--host", "0.0.0.0"],   {"GATEWAY_API_KEY": MASTER},       1,    "--demo gives accounts away"),
    ("an open door to the world", ["--host", "0.0.0.0"],             {},                                1,    "the gateway door has no key"),
    ("a recording that is not",   ["--feed", "replay:nowhere"],      {},                                1,    "nowhere does not exist"),
    ("an option of no recording", ["--feed", "replay:x?spede=2"],    {},                                1,    "replay option 'spede' is unknown"),
    ("an unknown variable",       [],                                {"TRADEHALL_PROT": "1"},           2,    "did you mean TRADEHALL_PORT?"),
    ("a malformed variable",      [],                                {"GATEWAY_API_KEY": "short"},      2,    "expected from 32"),
    ("an unknown flag",           ["--prot", "1"],                   {},                                2,    "unrecognized arguments: --prot"),
])  # fmt: skip
def test_a_start_is_refused_with_one_sentence(tmp_path, what, flags, environment, code, sentence):
    refused = tradehall("serve", "--data", str(tmp_path / "data"), *flags, **environment)
    assert refused.returncode == code, what
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf8")
    refused = tradehall("serve", "--data", str(tmp_path / "file" / "data"))
    assert refused.returncode == 1
    assert f"{tmp_path}/file/data cannot be made" in refused.stderr


def test_a_journal_damaged_in_its_middle_is_not_started_on(tmp_path):
    with Server(tmp_path) as server:
        for number in range(5):
            server.buy(f"c{number}")
        server.stop()
    for snapshot in (tmp_path / "snapshots").iterdir():
        snapshot.unlink()
    spoil(tmp_path / "journal.db", b'"client_order_id":"c2"', b'"client_order_id":"c9"')
    refused = tradehall("serve", "--data", str(tmp_path), "--port", str(free_port()), "--dashboard-port", "0")
    assert refused.returncode == 1
    assert "does not match its checksum" in refused.stderr
    assert "Traceback" not in refused.stderr
    found = tradehall("verify", "--data", str(tmp_path))
    assert (found.returncode, "does not match its checksum" in found.stdout) == (1, True)


def spoil(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


# Recordings.


def test_the_demo_starts_on_a_recording_that_has_not_the_symbol_of_its_strategy(tmp_path):
    rows = ["timestamp,bid,ask,bid_size,ask_size", "2024-03-04T10:00:00.000Z,61000.1,61000.2,1,1"]
    recording = tmp_path / "BTCUSDT.csv"
    recording.write_text("\n".join(rows) + "\n", encoding="utf8")
    with Server(tmp_path / "data", "--demo", "--feed", f"replay:{recording}?loop=1") as server:
        assert server.http.get("/ready").status_code == 200
        assert "strategy" not in json.loads((tmp_path / "data" / "demo.json").read_text())


def test_a_recording_is_served_and_fills_orders(tmp_path):
    rows = ["timestamp,bid,ask,bid_size,ask_size"]
    rows += [
        f"2024-03-04T10:00:{second:02d}.000Z,1.0850{second % 10},1.0852{second % 10},1000000,1000000"
        for second in range(60)
    ]
    recording = tmp_path / "EURUSD.csv"
    recording.write_text("\n".join(rows) + "\n", encoding="utf8")
    with Server(tmp_path / "data", "--feed", f"replay:{recording}?loop=1") as server:
        quote = server.http.get("/v1/quotes/EUR%2FUSD").json()
        assert quote["provider"] == "replay"
        assert quote["bid"].startswith("1.0850")
        answer = server.buy(symbol="EUR/USD", quantity="1000")
        assert (answer.status_code, answer.json()["status"]) == (201, "FILLED")
        server.stop()
        assert f"REPLAY of {recording}" in server.output()


def test_the_simulated_market_is_labelled_as_such(tmp_path):
    with Server(tmp_path, "--sim-seed", "7") as server:
        assert server.http.get("/v1/quotes/AAPL").json()["provider"] == "simulated"
        server.stop()
        assert "SIMULATED MARKET: all prices are made up (seed 7)" in server.output()


def test_a_socket_that_says_nothing_does_not_hold_up_the_stop(tmp_path):
    with Server(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(b"GET /v1/account HTTP/1.1\r\n")
        code, took_s = server.stop()
        assert (code, took_s < 5) == (0, True)


def test_a_reader_that_left_what_we_say_unread_does_not_hold_up_the_stop(tmp_path):
    with Server(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as asking:
        for _ in range(100):  # Lines for several pipes.
            asking.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n" * 50)
            answered = 0
            while answered < 50:
                answered += asking.recv(65_536).count(b"\r\n\r\n")
        code, took_s = server.stop()
        assert (code, took_s < 5) == (0, True)
