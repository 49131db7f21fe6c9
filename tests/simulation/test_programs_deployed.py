"""A program is deployed beside a real server: it has a key, a book and a budget, and is run again when it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tests.serving import Server, clean_environment, tradehall

ROBOT = Path(__file__).with_name("robot.py")


@contextmanager
def deployed(server: Server, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "tradehall", "deploy", str(ROBOT), "--data", str(server.data), "--url", server.url,
        "--account", "700200", "--json", *arguments,
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as robot:
        try:
            yield robot
        finally:
            if robot.poll() is None:
                robot.terminate()


def until(server: Server, claim) -> dict:
    """The program's deployment, when the claim is true of it."""
    deadline = time.monotonic() + 30
    found: dict = {}
    while time.monotonic() < deadline:
        page = server.http.get("/api/studio/v1/deployments?size=100").json()
        found = next((each for each in page["items"] if each["program"] == "python"), {})
        if found and claim(found):
            return found
        time.sleep(0.2)
    raise AssertionError(f"it never came: {found}")


def as_operator(server: Server) -> None:
    made = tradehall(
        "keys", "create", "--door", "dashboard", "--scopes", "operator", "--data", str(server.data), "--json"
    )
    server.http.headers["authorization"] = f"Bearer {json.loads(made.stdout)['secret']}"
    until_known = time.monotonic() + 10
    while server.http.get("/api/studio/v1/strategies").status_code != 200:
        assert time.monotonic() < until_known
        time.sleep(0.1)


@contextmanager
def deploying(server: Server, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The operator signed in, and the program deployed."""
    as_operator(server)
    with deployed(server, *arguments) as robot:
        yield robot


@pytest.mark.slow
def test_a_program_trades_under_its_own_book_and_ends_with_its_supervisor(tmp_path):
    with (
        Server(tmp_path, "--demo") as server,
        deploying(server, "--budget", "USD:500", "--on-stop", "flatten") as robot,
    ):
        running = until(server, lambda each: each["open_trade_count"] == 1)
        assert (running["state"], running["budget"]["allocated"]) == ("running", "500.00")
        # Each order ties up about 54 dollars: the budget ends them.
        until(server, lambda each: Decimal(each["budget"]["reserved"]) > 430)
        log = tmp_path / "programs" / "robot.log"
        deadline = time.monotonic() + 10
        while "BUDGET_EXCEEDED" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        robot.send_signal(signal.SIGTERM)
        said, _ = robot.communicate(timeout=20)
        assert (robot.returncode, json.loads(said)["state"]) == (0, "stopped")
        stopped = until(server, lambda each: each["state"] == "stopped")
        assert stopped["open_trade_count"] == 0


@pytest.mark.slow
def test_a_program_that_ends_is_run_again_and_its_key_dies_with_the_deployment(tmp_path):
    with Server(tmp_path, "--demo") as server, deploying(server, "--args=--dies") as robot:
        held = until(server, lambda each: each["open_trade_count"] == 1)
        log = tmp_path / "programs" / "robot.log"
        deadline = time.monotonic() + 20
        while log.read_text().count("201 ") < 3:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        answer = server.http.post(f"/api/studio/v1/deployments/{held['id']}/stop", json={"policy": "leave"})
        assert answer.status_code == 200
        robot.communicate(timeout=20)
        assert robot.returncode == 0
        until(server, lambda each: each["state"] == "stopped")
        keys = json.loads(tradehall("keys", "list", "--data", str(tmp_path), "--json").stdout)
        of_robot = [each for each in keys if each["name"] == "deploy robot"]
        assert [each["status"] for each in of_robot] == ["revoked"]


def test_no_program_is_deployed_on_an_account_whose_owner_is_inactive(tmp_path):
    with Server(tmp_path, "--demo") as server:
        tradehall("users", "deactivate", "client@demo.example", "--data", str(server.data))
        with deploying(server, "--account", "700001") as robot:
            said, _ = robot.communicate(timeout=20)
        assert robot.returncode == 1
        assert "inactive" in said
        page = server.http.get("/api/studio/v1/deployments?size=100").json()
        assert [each for each in page["items"] if each["program"] == "python"] == []
