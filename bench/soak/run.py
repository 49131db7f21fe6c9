"""`python -m bench soak`: the server, its callers, the table by the minute, and the verdict."""

import argparse
import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.console import Console

from bench.callers import gateway_key, post, sign_up, terminal_key
from bench.figures import Figure, table_of
from bench.mix import Mix, Template
from bench.servers import Server, tradehall
from bench.soak import asked
from bench.soak.steady import Steady
from bench.soak.visitors import VISITS, Sheet, Visitors
from bench.soak.watching import Minute, Sample, judged, look, middle

PEOPLE: Final = 40
# As many people have a strategy that trades every five seconds, all the time.
TRADING: Final = 10
LOOK_EVERY_S: Final = 5.0
# Streams that nobody reads and connections that say nothing are ended by the server within this.
QUIET_S: Final = 45.0
COLUMNS: Final = (
    "minute", "requests", "4xx", "5xx", "p50 ms", "p99 ms", "max ms", "CPU %", "RSS MiB", "private",
    "files", "threads", "tasks", "WAL MiB",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """0 when every promise is kept, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second of the steady mixture")
    parser.add_argument("--data", type=Path, help="the server's data folder; without it one that goes afterwards")
    options = parser.parse_args(arguments)
    console = Console(width=120)
    with tradehall(options.data) as server:
        figures = uvloop.run(soak(server, options.minutes, options.rate, console))
    console.print(table_of(f"soak, {options.minutes} minutes", figures))
    return 0 if all(figure.is_kept for figure in figures) else 1


async def soak(server: Server, minutes: int, rate: float, console: Console) -> list[Figure]:
    """The whole of it; each minute is printed when it is over."""
    sheet, templates = prepared(server, console)
    host, _, port = server.url.removeprefix("http://").partition(":")
    steady = Steady(Mix(templates, f"{host}:{port}"), host, int(port), rate)
    visitors = Visitors(sheet, steady)
    before = look(server, await tasks_of(visitors))
    watch = asyncio.create_task(watched(server, visitors, steady, minutes, console))
    until = asyncio.get_running_loop().time() + 60 * minutes
    async with asyncio.TaskGroup() as load:
        load.create_task(steady.send(until))
        for visit, every_s in VISITS:
            load.create_task(visitors.come(visit, every_s, until))
    found = await watch
    await asyncio.sleep(QUIET_S)
    after = look(server, await tasks_of(visitors))
    await visitors.http.aclose()
    tell(steady, visitors, console)
    return judged(found, warm_up=max(1, minutes // 3), quiet=(before, after))


async def watched(
    server: Server, visitors: Visitors, steady: Steady, minutes: int, console: Console
) -> list[Minute]:  # fmt: skip
    """A line for each minute."""
    found: list[Minute] = []
    console.print("".join(f"{column:>9}" for column in COLUMNS), soft_wrap=True)
    for number in range(1, minutes + 1):
        cpu = server.cpu_s()
        samples: list[Sample] = []
        for _ in range(int(60 / LOOK_EVERY_S)):
            await asyncio.sleep(LOOK_EVERY_S)
            samples.append(look(server, await tasks_of(visitors)))
        answers = steady.taken()
        minute = Minute(
            sample=middle(samples),
            requests=len(answers.latencies),
            refused=answers.of(4),
            failed=answers.of(5),
            p50=answers.at_ms(0.5),
            p99=answers.at_ms(0.99),
            longest=answers.at_ms(1.0),
            cpu_percent=100 * (server.cpu_s() - cpu) / 60,
        )
        found.append(minute)
        console.print(line_of(number, minute), soft_wrap=True)
    return found


def line_of(number: int, minute: Minute) -> str:
    """The minute under COLUMNS."""
    sample = minute.sample
    words = (
        number, minute.requests, minute.refused, minute.failed, f"{minute.p50:.1f}", f"{minute.p99:.1f}",
        f"{minute.longest:.0f}", f"{minute.cpu_percent:.0f}", f"{sample.rss:.1f}", f"{sample.private:.1f}",
        sample.descriptors, sample.threads,
        sample.tasks, f"{sample.wal:.1f}",
    )  # fmt: skip
    return "".join(f"{word:>9}" for word in words)


def tell(steady: Steady, visitors: Visitors, console: Console) -> None:
    """What each kind of request was answered, and what was wrong, word for word."""
    for name, statuses in sorted(steady.kinds.items()):
        counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
        console.print(f"  {name:<40} {counts}", highlight=False, soft_wrap=True)
    console.print(f"  frames of streams read: {visitors.streamed:,}")
    for line in steady.told:
        console.print(line, markup=False, soft_wrap=True)


async def tasks_of(visitors: Visitors) -> int:
    """The server's tasks, as it tells them."""
    found = re.search(r"^tradehall_tasks (\d+)", (await visitors.http.get("/metrics")).text, re.MULTILINE)
    assert found is not None, "the server does not tell its tasks"
    return int(found[1])


def prepared(server: Server, console: Console) -> tuple[Sheet, list[Template]]:
    """People, keys and deployments, and what will be asked with them."""
    demo = json.loads((server.data / "demo.json").read_text())
    people = [sign_up(server, number) for number in range(PEOPLE)]
    tokens = [person.token for person in people]
    terminals = [terminal_key(server, token) for token in tokens]
    keys = [gateway_key(server) for _ in range(4)]
    sheet = Sheet(
        url=server.url,
        people=people,
        gateway_key=keys[0],
        terminal_key=terminals[0],
        operator=demo["dashboard"]["operator_token"],
        support=demo["support"]["admin_token"],
    )
    deployments = [deployed(server, token) for token in tokens[:TRADING]]
    supported, missing = asked.support(sheet.support, users_of(server, sheet), paths_of(server))
    for path in missing:
        console.print(f"NOT ASKED: the server has no {asked.SUPPORT}{path}", style="bold red")
    return sheet, [
        *asked.trading(keys, tokens, terminals),
        *asked.gateway_reads([f"Authorization: Bearer {key}" for key in keys]),
        *asked.belongings([f"Authorization: {token}" for token in tokens]),
        *asked.dashboard(sheet.operator, demo["strategy"]["id"]),
        *asked.studio(sheet.operator, deployments),
        *supported,
    ]


def deployed(server: Server, token: str) -> str:
    """A strategy that opens and closes a small position every few seconds, running; and a scanner."""
    studio, who = "/api/studio/v1", {"authorization": token}
    wish = {"name": "heartbeat", "symbol": "EURUSD", "timeframe": "1m", "template": "heartbeat"}
    strategy = post(server, f"{studio}/strategies", wish, **who)
    scanner = {"name": "hammers", "pattern_type": "CDLHAMMER", "universe": ["EURUSD", "GBPUSD"], "timeframe": "1m"}
    post(server, f"{studio}/scanners", scanner, **who)
    size = {"strategy_id": strategy["id"], "size": "0.01", "size_type": "lots"}
    return str(post(server, f"{studio}/deployments", size, **who)["id"])


def users_of(server: Server, sheet: Sheet) -> list[str]:
    """How support calls its people; none where there is no such list."""
    if f"{asked.SUPPORT}/users" not in paths_of(server):
        return []
    request = urllib.request.Request(
        f"{server.url}{asked.SUPPORT}/users", headers={"authorization": f"Bearer {sheet.support}"}
    )
    with urllib.request.urlopen(request) as answer:
        return [str(user["id"]) for user in json.load(answer)["items"]]


def paths_of(server: Server) -> set[str]:
    """What the support door's document has; nothing where the door is not there."""
    try:
        document: dict[str, Any] = server.get("/openapi/support.json")
    except urllib.error.HTTPError:
        return set()
    return set(document["paths"])
