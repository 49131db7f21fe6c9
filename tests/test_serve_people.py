"""People of a running server: the demo's can be used, and what the command line takes away is gone in a second."""

import json
import time

import pytest

from tests.serving import Server, tradehall

GONE_WITHIN_S = 1.0


@pytest.fixture
def demo(tmp_path):
    with Server(tmp_path / "data", "--demo") as server:
        yield server


def sheet_of(server):
    return json.loads((server.data / "demo.json").read_text(encoding="utf8"))


def status_with(server, key):
    return server.http.get("/v1/account", headers={"x-api-key": key}).status_code


def test_the_demo_sheet_names_its_people_and_a_restart_keeps_them(tmp_path):
    with Server(tmp_path / "data", "--demo") as server:
        first = sheet_of(server)
        server.process.terminate()
        assert server.process.wait(10) == 0
    assert (first["client"]["login"], first["client2"]["login"]) == (700001, 700002)
    assert first["client"]["password"] != first["client2"]["password"]
    assert all(len(key) == len("tk_test_") + 32 for key in first["terminal"].values())
    with Server(tmp_path / "data", "--demo") as server:
        second = sheet_of(server)
        printed = tradehall("demo", "--data", str(server.data)).stdout
    assert [second[part] for part in ("client", "client2", "terminal")] == [
        first[part] for part in ("client", "client2", "terminal")
    ]
    assert first["client"]["password"] in printed
    assert (tmp_path / "data" / "house.key").stat().st_mode & 0o777 == 0o600


def test_who_is_deactivated_on_the_command_line_is_out_of_the_running_server_within_a_second(demo):
    key = sheet_of(demo)["gateway"]["client_account_key"]
    assert status_with(demo, key) == 200
    done = tradehall("users", "deactivate", "client@demo.example", "--data", str(demo.data), "--json")
    assert done.returncode == 0, done.stderr
    since = time.monotonic()
    while status_with(demo, key) != 401:
        assert time.monotonic() - since < GONE_WITHIN_S
    assert demo.process.poll() is None


def test_a_user_made_on_the_command_line_gets_an_account_while_the_server_runs(demo):
    made = json.loads(
        tradehall(
            "users", "create", "--email", "mira@example.test", "--name", "Mira Vogel", "--demo",
            "--data", str(demo.data), "--json",
        ).stdout
    )  # fmt: skip
    key = json.loads(
        tradehall("keys", "create", "--account", str(made["login"]), "--data", str(demo.data), "--json").stdout
    )["secret"]
    since = time.monotonic()
    while status_with(demo, key) != 200:
        assert time.monotonic() - since < GONE_WITHIN_S
    account = demo.http.get("/v1/account", headers={"x-api-key": key}).json()
    assert account["balance"] == "100000"
