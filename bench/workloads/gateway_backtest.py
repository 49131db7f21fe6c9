"""A backtest through the gateway's door: acknowledged bars a second, and what the SDK costs without any server."""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, Options
from bench.servers import free_port, tradehall

BARS = 40_000
SDK_BARS = 10_000


def run(options: Options) -> list[Figure]:
    """One strategy that only acknowledges, lean and with the SDK, each against us and against a stub beside it."""
    many, few = options.scaled(BARS), options.scaled(SDK_BARS)
    with tempfile.TemporaryDirectory() as scratch:
        rate, cpu_us = _ours("lean", Path(scratch), many)
        sdk_rate, _ = _ours("sdk", Path(scratch), few)
    return [
        Figure("bars a second, acknowledged by a lean client", rate, "bars/s", 5_000.0, at_least=True),
        Figure("the server's CPU for each", cpu_us, "us"),
        Figure("the lean client against a stub that only sends", _stubbed("lean", many), "bars/s"),
        Figure("bars a second, acknowledged by the SDK", sdk_rate, "bars/s"),
        Figure("the SDK against a stub that only sends", _stubbed("sdk", few), "bars/s"),
    ]


def _ours(client: str, scratch: Path, count: int) -> tuple[float, float]:
    recording = scratch / f"ACME{count}.1m.csv"
    _write(recording, count)
    with tradehall(TRADEHALL_MODE="backtest", TRADEHALL_FEED=f"replay:{recording}") as server:
        before = server.cpu_s()
        events, seconds = _follow(client, server.url)
        spent = server.cpu_s() - before
    assert events >= count, f"{events} events of {count} bars were told"
    return events / seconds, spent / events * 1e6


def _stubbed(client: str, count: int) -> float:
    with _stub(count) as url:
        events, seconds = _follow(client, url)
    return events / seconds


@contextlib.contextmanager
def _stub(count: int) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.pacing", "stub", str(port), str(count)])
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError("the stub did not listen")


def _follow(client: str, url: str) -> tuple[int, float]:
    command = [sys.executable, "-m", "bench.pacing", client, url]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    events, seconds = found.stdout.split()
    return int(events), float(seconds)


def _write(path: Path, count: int) -> None:
    """Minutes of a price that wanders about."""
    start, price = 1_704_067_200_000, 10_000
    lines = ["timestamp,open,high,low,close,volume"]
    for number in range(count):
        close = max(5_000, price + (7 * number * number + 13 * number) % 41 - 20)
        cents = (price, max(price, close) + 5, min(price, close) - 4, close)
        prices = ",".join(f"{each / 100:.2f}" for each in cents)
        lines.append(f"{start + number * 60_000},{prices},{100 + number % 7}")
        price = close
    path.write_text("\n".join(lines) + "\n")
