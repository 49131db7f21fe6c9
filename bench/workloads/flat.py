"""Does an order cost more with a million behind it and ten thousand in the book?"""

import tempfile
from pathlib import Path
from statistics import median

from bench.figures import Figure, Options
from bench.journals import write_journal
from bench.servers import load, tradehall, wait_until_idle


def run(options: Options) -> list[Figure]:
    """CPU per order of a fresh server and of one with history, in turns, in one run."""
    finished, resting = options.scaled(1_000_000), options.scaled(10_000)
    rounds = 1 if options.is_quick else 3
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        write_journal(data, finished=finished, resting=resting)
        with tradehall() as fresh, tradehall(data=data) as old:
            for server in (fresh, old):
                wait_until_idle(server)
                load(server, seconds=2)
            pairs = [(load(old, seconds=3)["cpu_us"], load(fresh, seconds=3)["cpu_us"]) for _ in range(rounds)]
            memory = old.rss_mib() - fresh.rss_mib()
    per_order = memory * 2**20 / finished
    return [
        Figure("CPU per order, fresh", median(young for _, young in pairs), "µs"),
        Figure(f"CPU per order, {finished:,} finished, {resting:,} resting", median(aged for aged, _ in pairs), "µs"),
        Figure("the ratio", median(aged / young for aged, young in pairs), "×", 1.2),
        Figure("memory of the server per finished order", max(0.0, per_order), "bytes", 300),
    ]
