"""Starting and stopping the servers that workloads measure, and reading what they cost."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Processes that belong to a server for as long as it lives.
_STAFF = (b"tradehall.adapters.sqlite.scribe", b"tradehall.wiring.bookkeeping_job")
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# A server that uses less than this share of a core has nothing left to catch up with.
IDLE_LOOK_S = 2.0
IDLE_SHARE = 0.15
# A start has work left to do when it answers already: sums, trips, the trail. It is over when the server rests, more
# than once, for on a busy machine it may just have had no turn.
RESTING_S = 3.0
RESTING_SHARE = 0.15
RESTS = 3
SETTLED_WITHIN_S = 900.0


@dataclass
class Server:
    """A server process on loopback."""

    process: subprocess.Popen[bytes]
    url: str
    data: Path

    def cpu_s(self) -> float:
        """Processor seconds of all its threads, and of its staff's, since they started."""
        return sum(_ticks(pid) for pid in self.pids()) / CLOCK_TICKS

    def rss_mib(self) -> float:
        """Resident memory, with its staff's."""
        return sum(rss_bytes(pid) for pid in self.pids()) / 2**20

    def pids(self) -> list[int]:
        """Its own, and those of its scribe and its bookkeeper if they were hired."""
        pid = self.process.pid
        told = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        children = [int(child) for line in told for child in line.split()]
        return [pid, *(child for child in children if any(name in _command(child) for name in _STAFF))]

    def get(self, path: str) -> Any:
        """A JSON answer."""
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End it as an operator would, and wait."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # A chore that has just ended.


def rss_bytes(pid: int | None = None) -> int:
    """Resident memory of a process, by default this one."""
    return int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1]) * PAGE


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def tradehall(data: Path | None = None, **environment: str) -> Iterator[Server]:
    """`tradehall serve --demo` on a free port, ready, limits off; its data goes with it unless given."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = data or Path(scratch)
        port = free_port()
        env = os.environ | {
            "TRADEHALL_PORT": str(port),
            "TRADEHALL_DASHBOARD_PORT": "0",
            "TRADEHALL_DATA": str(folder),
            "TRADEHALL_RATE_LIMITS": "off",
            "TRADEHALL_SIM_SEED": "1",
            **environment,
        }
        command = [sys.executable, "-m", "tradehall", "serve", "--demo"]
        with (folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        server = Server(process, f"http://127.0.0.1:{port}", folder)
        try:
            wait_until_ready(server)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


@contextlib.contextmanager
def stub() -> Iterator[Server]:
    """The bare stub on a free port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.stub", str(port)])
    server = Server(process, f"http://127.0.0.1:{port}", Path())
    try:
        wait_until_ready(server, "/")
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=10)


def wait_until_ready(server: Server, path: str = "/ready", timeout_s: float = 60.0) -> float:
    """Seconds until the server says that it is ready; RuntimeError when it ends or takes too long."""
    started = time.perf_counter()
    while time.perf_counter() - started < timeout_s:
        if server.process.poll() is not None:
            log = server.data / "serve.log"
            raise RuntimeError(f"the server ended: {log.read_text()[-2000:] if log.exists() else ''}")
        with contextlib.suppress(OSError, urllib.error.HTTPError), urllib.request.urlopen(server.url + path) as answer:
            if answer.status < 300:
                return time.perf_counter() - started
        time.sleep(0.02)
    raise RuntimeError("the server did not become ready")


def settle(server: Server) -> None:
    """Wait until a start's work in the background is done; RuntimeError if it never is."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    rests = 0
    while time.monotonic() < deadline:
        before = server.cpu_s()
        time.sleep(RESTING_S)
        rests = rests + 1 if server.cpu_s() - before < RESTING_SHARE * RESTING_S else 0
        if rests == RESTS:
            return
    raise RuntimeError("the server never came to rest")


def ask(server: Server, path: str, token: str = "") -> bytes:
    """The body of an answer."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(server.url + path, headers=headers)) as answer:
        found: bytes = answer.read()
    return found


def wait_until_idle(server: Server, timeout_s: float = 300.0) -> None:
    """Until it has caught up with a journal that it did not write itself: rooms that follow it fold all of it once.

    RuntimeError when that takes too long.
    """
    token = json.loads((server.data / "demo.json").read_text())["support"]["admin_token"]
    asked = urllib.request.Request(f"{server.url}/api/support/v1/trades", headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as answer:  # Who asks is not answered before all is read, without rests.
        assert answer.status == 200
    started = time.perf_counter()
    while time.perf_counter() - started < timeout_s:
        before = server.cpu_s()
        time.sleep(IDLE_LOOK_S)
        if server.cpu_s() - before < IDLE_SHARE * IDLE_LOOK_S:
            return
    raise RuntimeError("the server did not come to rest")


def load(server: Server, path: str = "/orders", **options: str | float) -> dict[str, Any]:
    """Run the load generator against the server; its figures and the server's CPU per request [us]."""
    flags = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    before = server.cpu_s()
    finished = subprocess.run(
        [sys.executable, "-m", "bench.load", server.url + path, *flags],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures: dict[str, Any] = json.loads(finished.stdout)
    figures["cpu_us"] = round((server.cpu_s() - before) / figures["requests"] * 1e6, 1)
    return figures
