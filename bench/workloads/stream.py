"""Quotes to a hundred subscribers, two of which never read."""

import asyncio
import json
import tempfile
import time
from pathlib import Path

import websockets

from bench.figures import Figure, Options
from bench.servers import Server, tradehall

SUBSCRIBERS = 100
RATE = 1_000


def run(options: Options) -> list[Figure]:
    """Lag from the feed's stamp to the subscriber, the server's CPU, and whether anything grows."""
    seconds = 5 if options.is_quick else 20
    with tempfile.TemporaryDirectory() as scratch:
        recording = Path(scratch) / "AAPL.csv"
        _write_recording(recording, seconds + 30)
        with tradehall(TRADEHALL_FEED=f"replay:{recording}?shift=now") as server:
            lags, cpu, grown, received = asyncio.run(_listen(server, seconds))
    lags.sort()
    return [
        Figure(f"quotes received a second by {SUBSCRIBERS} subscribers", received / seconds, "frames/s"),
        Figure("lag, p50", lags[len(lags) // 2], "ms"),
        Figure("lag, p99", lags[int(len(lags) * 0.99)], "ms", 20.0),
        Figure("the server's CPU", 100 * cpu / seconds, "% of a core", 50.0),
        Figure("memory grown meanwhile", grown, "MiB", 32.0),
    ]


def _write_recording(path: Path, seconds: int) -> None:
    """Quotes a millisecond apart, every one new."""
    start = 1_700_000_000_000
    lines = ["timestamp,bid,ask,bid_size,ask_size"]
    for number in range(seconds * RATE):
        bid = 15_000 + number % 50
        lines.append(f"{start + number},{bid / 100:.2f},{(bid + 2) / 100:.2f},100,100")
    path.write_text("\n".join(lines) + "\n")


async def _listen(server: Server, seconds: float) -> tuple[list[float], float, float, int]:
    url = server.url.replace("http", "ws", 1) + "/v1/ws"
    lags: list[float] = []
    received = 0
    end = time.monotonic() + seconds + 1

    async def read(socket: websockets.ClientConnection, *, is_sample: bool) -> None:
        nonlocal received
        while (left := end - time.monotonic()) > 0:
            try:
                text = await asyncio.wait_for(socket.recv(), left)
            except TimeoutError:
                return
            received += 1
            if is_sample:
                frame = json.loads(text)
                if frame["type"] == "quote":
                    lags.append(time.time() * 1e3 - _ms(frame["quote"]["timestamp"]))

    stuck = [await websockets.connect(url, max_queue=1) for _ in range(2)]
    sockets = [await websockets.connect(url, compression=None) for _ in range(SUBSCRIBERS)]
    await asyncio.sleep(1)
    cpu, memory = server.cpu_s(), server.rss_mib()
    readers = [read(socket, is_sample=number < 5) for number, socket in enumerate(sockets)]
    await asyncio.gather(*readers)
    spent, grown = server.cpu_s() - cpu, server.rss_mib() - memory
    for socket in stuck:
        socket.transport.abort()
    return lags, spent, grown, received


def _ms(stamp: str) -> float:
    """Milliseconds since 1970 of an RFC 3339 stamp with up to nine decimals."""
    whole, _, fraction = stamp.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return seconds * 1e3 + float(f"0.{fraction or 0}") * 1e3
