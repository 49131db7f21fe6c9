"""A server's life: build the house, listen, say where, serve until told to stop."""

import logging
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

import tradehall
from tradehall.adapters.data_folder import write_private
from tradehall.app.demo import (
    HOUSE_ACCOUNT,
    STRATEGY_ACCOUNT,
    DemoSheet,
    GatewaySheet,
    StrategySheet,
    client_key,
    dashboard_tokens,
    strategy_key,
)
from tradehall.app.recovery import Progress
from tradehall.config import Config
from tradehall.faces.kit import AccessLog, App, document
from tradehall.faces.kit.serve import Listening, serve
from tradehall.wiring.backtest_door import BacktestDoor
from tradehall.wiring.backtest_house import BacktestHouse
from tradehall.wiring.doors import TITLE, Doors
from tradehall.wiring.feeds import label_of
from tradehall.wiring.house import House
from tradehall.wiring.people import read_sheet
from tradehall.wiring.refusals import StartRefused

_log: Final = logging.getLogger("tradehall.serving")

Say = Callable[[str], None]


def run_server(config: Config, *, demo: bool, say: Say, progress: Progress) -> None:
    """Serve until SIGTERM or SIGINT; everything is durable when this returns.

    `say` gets the lines for people. House and StartRefused name what can go wrong, each with its sentence.
    """
    if config.mode == "backtest":
        run_backtest(config, say=say)
        return
    house = House(config, demo=demo, progress=progress)
    log = _access_log(config)
    server = _Server(house, demo=demo, say=say, log=log)
    server.run(Doors(house, log=log, on_open=server.on_open))


def run_backtest(config: Config, *, say: Say) -> None:
    """Serve one run through the past, and what became of it, until SIGTERM or SIGINT."""
    house = BacktestHouse(config)
    log = _access_log(config)
    door = BacktestDoor(house, log=log, on_open=lambda: say("Ready: time stands still until a strategy connects."))

    def greet(sockets: Sequence[socket.socket]) -> None:
        urls = [url_of(config.host, listening) for listening in sockets]
        say(f"Tradehall {tradehall.__version__}, BACKTEST. This run's journal is in {house.folder.absolute()}.")
        say(f"  RECORDED PRICES of {house.past.described()}")
        for url in urls:
            say(f"  gateway    {url}/v1  (stream {url.replace('http', 'ws', 1)}/v1/ws)")

    async def stop() -> None:
        (log.say if log else say)("Stopping: the backtest ends here.")
        await door.say_goodbye()

    listen(door.app, house, on_stopping=stop, on_listening=greet)


def _access_log(config: Config) -> AccessLog | None:
    """The log on standard output, past its buffer: who waits there for a reader would hold the interpreter's end up."""
    return AccessLog(open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)) if config.access_log else None


class _Server:
    def __init__(self, house: House, *, demo: bool, say: Say, log: AccessLog | None) -> None:
        self._house = house
        self._doors: Doors | None = None
        self._demo = demo
        self._say = say
        # Nobody may read any more what we say at the end, and only the log does not wait for him.
        self._say_at_end = log.say if log else say
        self._urls: list[str] = []

    def run(self, doors: Doors) -> None:
        self._doors = doors
        listen(doors.app, self._house, on_stopping=self._stop, on_listening=self._on_listening)

    async def _stop(self) -> None:
        self._say_at_end("Stopping: no more orders are taken; everything accepted is being made durable.")
        assert self._doors is not None
        await self._doors.say_goodbye()

    def _on_listening(self, sockets: Sequence[socket.socket]) -> None:
        self._urls = [url_of(self._house.config.host, listening) for listening in sockets]
        for line in self._banner(self._urls):
            self._say(line)

    def on_open(self) -> None:
        """The house is open, the first request may come: what people are told before it."""
        if self._demo:
            self._write_sheet(self._urls)
        self._say("Ready. Ctrl-C stops.")

    def _write_sheet(self, urls: Sequence[str]) -> DemoSheet:
        before, people = read_sheet(self._house.folder), self._house.demo_people
        strategy = self._house.demo_strategy
        assert people is not None
        sheet = DemoSheet(
            base_url=urls[0],
            gateway=GatewaySheet(
                api_key=self._house.config.api_key,
                account=HOUSE_ACCOUNT,
                client_account_key=client_key(self._house.keys, before, self._house.clock.now()),
            ),
            dashboard_url=urls[1] if len(urls) > 1 else msgspec.UNSET,
            client=people.client,
            client2=people.client2,
            terminal=people.terminal,
            strategy=msgspec.UNSET
            if strategy is None
            else StrategySheet(
                strategy.keygen,
                STRATEGY_ACCOUNT,
                strategy_key(self._house.keys, before, self._house.clock.now()),
            ),
            dashboard=dashboard_tokens(self._house.keys, before, self._house.clock.now()),
            support=people.support,
            support2=people.support2,
        )
        self._house.key_watch.load()
        text = msgspec.json.format(msgspec.json.encode(sheet), indent=2).decode()
        write_private(self._house.folder.demo_sheet, text + "\n")
        return sheet

    def _banner(self, urls: Sequence[str]) -> list[str]:
        house, config = self._house, self._house.config
        lines = [
            f"Tradehall {tradehall.__version__}, paper trading. Data in {house.folder.path.absolute()}.",
            f"  {label_of(config, house.feed)}",
            f"  gateway    {urls[0]}/v1  (stream {urls[0].replace('http', 'ws', 1)}/v1/ws)",
            f"  client     {urls[0]}/client  (stream {urls[0].replace('http', 'ws', 1)}/ws/client)",
            f"  terminal   {urls[0]}/v1/api  (stream {urls[0].replace('http', 'ws', 1)}/v1/api/ws)",
            f"  support    {urls[0]}/api/support/v1",
            f"  studio     {urls[0]}/api/studio/v1  (stream {urls[0].replace('http', 'ws', 1)}/api/studio/v1/ws)",
            f"  dashboard  {urls[0]}/api/trading  (page {urls[0]}/ui/)",
            f"  documents  {urls[0]}/docs",
        ]
        lines += [f"  second     {url}" for url in urls[1:]]
        if config.record is not None:
            lines.append(f"  recording  {config.record.absolute()}; see `tradehall parity`")
        if self._demo:
            lines.append(f"  demo       accounts and keys are in {house.folder.demo_sheet}; see `tradehall demo`")
        return lines


class Opened(Protocol):
    """A house, as far as a server has to know it."""

    config: Config
    failure: Exception | None

    def abandon(self) -> None:
        """Let go of the files of a house that is not open."""
        ...


def listen(
    app: App,
    house: Opened,
    *,
    on_stopping: Callable[[], Awaitable[None]],
    on_listening: Callable[[Sequence[socket.socket]], None],
) -> None:
    """Serve until told to stop. StartRefused where the port is taken; what kept the house closed is raised."""
    config, heard = house.config, False

    def note(sockets: Sequence[socket.socket]) -> None:
        nonlocal heard
        heard = True
        on_listening(sockets)

    listening = Listening(host=config.host, port=config.port, second_port=config.dashboard_port or None)
    try:
        serve(app, listening, on_stopping=on_stopping, on_listening=note)
    except OSError as error:
        if heard:
            raise
        house.abandon()
        raise StartRefused(
            f"port {config.port} of {config.host} cannot be listened on: {error.strerror};"
            " stop who has it, or choose another with --port"
        ) from None
    if house.failure is not None:
        raise house.failure


def url_of(host: str, listening: socket.socket) -> str:
    """Where a browser finds a listening socket; the wildcard address is this machine, as seen from itself."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listening.getsockname()[1]}"


def openapi_document(config: Config, door: str | None) -> dict[str, Any]:
    """The OpenAPI document of one door, None: of all. StartRefused for a door that is not there.

    The doors are those of a real house, which stands in a folder of its own for as long as this takes.
    """
    with tempfile.TemporaryDirectory() as folder:
        house = House(replace(config, data=Path(folder), feed="sim", record=None), demo=False)
        try:
            doors = Doors(house).doors
        finally:
            house.abandon()
    chosen = [each for each in doors if door in (None, each.name)]
    if not chosen:
        names = ", ".join(each.name for each in doors)
        raise StartRefused(f"there is no door {door}; there is: {names}")
    title = TITLE if door is None else chosen[0].title
    return document(chosen, title=title, version=tradehall.__version__)
