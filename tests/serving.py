"""A real server in a process of its own, on free ports, for tests that need one."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

from tests.house.source import ROOT

READY_WITHIN_S = 30.0


def free_port() -> int:
    """A port nobody listens on; with luck it stays so until the server takes it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**more: str) -> dict[str, str]:
    """Ours without what a developer's shell may say about servers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRADEHALL_", "GATEWAY_")) and name not in ("SUBSCRIPTIONS", "RUST_LOG", "GIT_SHA")
    }
    return {**kept, **more}


def tradehall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tradehall", *arguments],
        cwd=ROOT, env=clean_environment(**environment), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


class Server:
    """`tradehall serve` on `data`; use it as a context, it is gone afterwards."""

    def __init__(self, data: Path, *flags: str, port: int | None = None, dashboard_port: int = 0, **environment: str):
        self.data = data
        self.port = free_port() if port is None else port
        self.dashboard_port = dashboard_port
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tradehall", "serve", "--data", str(data), "--port", str(self.port),
             "--dashboard-port", str(dashboard_port), *flags],
            cwd=ROOT, env=clean_environment(**environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.http = httpx.Client(base_url=self.url, timeout=10)

    def __enter__(self) -> "Server":
        self.await_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def await_ready(self) -> None:
        """Until /ready answers 200; AssertionError with what the server said if it ends instead."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.output()}")
            with suppress(httpx.TransportError):
                if self.http.get("/ready").status_code == 200:
                    return
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"the server was not ready in {READY_WITHIN_S} s: {self.output()}")

    def output(self) -> str:
        """All it said; waits for its end."""
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; the exit code, and the seconds until it came."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - started

    def buy(self, client_order_id: str | None = None, key: str = "", **more: str) -> httpx.Response:
        """One share of Apple at market, unless `more` says otherwise."""
        wish = {"symbol": "AAPL", "side": "BUY", "quantity": "1", "order_type": "MARKET", **more}
        if client_order_id is not None:
            wish["client_order_id"] = client_order_id
        return self.http.post("/v1/orders", json=wish, headers={"authorization": f"Bearer {key}"} if key else {})
