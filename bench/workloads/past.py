"""The past: a day of a million events, seen at any instant and explained, and what that does to orders meanwhile."""

import json
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import Final

from bench.figures import Figure, Options
from bench.journals import write_journal
from bench.servers import Server, load, tradehall, wait_until_idle
from bench.worlds import START
from tradehall.app.snapshots import Snapshots
from tradehall.domain.ids import FIRST_ORDER_ID
from tradehall.domain.time import to_rfc3339

ORDERS_PER_SECOND: Final = 500


def run(options: Options) -> list[Figure]:
    """Seconds of a look at an instant, and of an order explained; p99 of orders alone and beside such looks."""
    dice, count = Random(7), options.scaled(20)
    seconds = 3 if options.is_quick else 10
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        written = write_journal(data, events=options.scaled(1_000_000), snapshots=Snapshots(data / "snapshots"))
        with tradehall(data=data) as server:
            wait_until_idle(server)
            instants = [dice.randrange(START + 10**9, written.ended_at) for _ in range(count)]
            looks = [_took_s(server, _look(instant)) for instant in instants]
            numbers = [FIRST_ORDER_ID + dice.randrange(written.finished_orders) for _ in range(count)]
            stories = [_took_s(server, f"/orders/ord_{number}/explain") for number in numbers]
            load(server, seconds=1)
            alone = load(server, seconds=seconds, rate=ORDERS_PER_SECOND)
            with _looking_back(server, dice, written.ended_at):
                beside = load(server, seconds=seconds, rate=ORDERS_PER_SECOND)
    return [
        Figure(f"a look at an instant among {written.events:,} events", median(looks), "s"),
        Figure("the slowest of them", max(looks), "s", 1.0),
        Figure("an order explained", median(stories), "s"),
        Figure("the slowest of them", max(stories), "s", 1.0),
        Figure(f"{ORDERS_PER_SECOND} orders/s on schedule, p99", alone["p99_ms"], "ms"),
        Figure("the same while somebody looks back without a pause, p99", beside["p99_ms"], "ms"),
    ]


def _look(instant: int) -> str:
    return f"/account?as_of={to_rfc3339(instant)}"


def _took_s(server: Server, path: str) -> float:
    started = time.perf_counter()
    with urllib.request.urlopen(server.url + path) as answer:
        assert json.load(answer), path
    return time.perf_counter() - started


@contextmanager
def _looking_back(server: Server, dice: Random, ended_at: int) -> Iterator[None]:
    """Looks at random instants, one after the other, for as long as the block lasts."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            _took_s(server, _look(dice.randrange(START + 10**9, ended_at)))

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield
    finally:
        is_over.set()
        looker.join()
