"""The doors: every face of the house behind one application."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import tradehall
from tradehall.adapters.reports.html_report import SCRIPT_SOURCE
from tradehall.app.access import Principal
from tradehall.app.breakers import Breakers
from tradehall.app.streams import AccountStreams
from tradehall.config import Config
from tradehall.faces.client import ClientStream
from tradehall.faces.client import make_door as make_client_door
from tradehall.faces.dashboard import DashboardStream, Figures
from tradehall.faces.dashboard import make_door as make_dashboard_door
from tradehall.faces.gateway import Counters, Gateway, GatewaySettings, GatewayStream, Subscriptions, make_door
from tradehall.faces.kit import (
    WEBSOCKET,
    AccessLog,
    App,
    Door,
    FirstFrame,
    Guard,
    Metrics,
    RateLimiter,
    Route,
    docs_door,
    page_door,
)
from tradehall.faces.kit.websocket import POLICY_VIOLATION
from tradehall.faces.studio import StudioStream
from tradehall.faces.studio import make_door as make_studio_door
from tradehall.faces.support import make_broker_door
from tradehall.faces.support import make_door as make_support_door
from tradehall.faces.terminal import Executions, Memory, Terminal, TerminalErrors, TerminalSettings, TerminalStream
from tradehall.faces.terminal import make_door as make_terminal_door
from tradehall.wiring.client import make_client
from tradehall.wiring.dashboard import make_dashboard
from tradehall.wiring.house import House

TITLE: Final = "Tradehall"
PAGE: Final = Path(tradehall.__file__).parent / "faces" / "dashboard" / "page"  # Built from `ui/`.


def _say_nothing() -> None: ...


class Doors:
    """All doors of `house`, and the application they stand in.

    `log`: where each request leaves its line. `on_open` is called when the first request may come.
    """

    def __init__(
        self, house: House, *, log: AccessLog | None = None, on_open: Callable[[], None] = _say_nothing
    ) -> None:
        self._house = house
        self._on_open = on_open
        self._metrics = Metrics()
        tasks = self._metrics.gauge("tradehall_tasks", "Tasks of the event loop")
        self._metrics.before_render(lambda: tasks.set(len(asyncio.all_tasks())))
        self._streams = AccountStreams()
        house.desk.listen(self._streams)
        gateway = self._make_gateway()
        self._gateway_stream = GatewayStream(gateway)
        terminal = self._make_terminal()
        self._terminal_stream = TerminalStream(terminal)
        self._client = make_client(house, self._streams, self._metrics)
        self._client_stream = ClientStream(self._client)
        dashboard = make_dashboard(house)
        studio = house.studio.door(house.access, is_open=dashboard.settings.is_open)
        self._studio_stream = StudioStream(studio, self._metrics)
        self._dashboard_stream = DashboardStream(dashboard)
        house.desk.listen(self._dashboard_stream)
        figures = Figures(self._metrics, house.clock, dashboard.name_of)
        house.desk.writer.hear_records(figures.measure)
        support = house.support.door(house.access, house.explainer, house.past, house.exports)
        self.doors: tuple[Door, ...] = (
            make_door(gateway, self._gateway_stream),
            make_client_door(self._client, self._client_stream),
            make_terminal_door(terminal, self._terminal_stream),
            make_studio_door(studio, self._studio_stream),
            make_dashboard_door(dashboard, self._dashboard_stream),
            make_support_door(support),
            make_broker_door(support),
        )
        self._streams_of_doors = (
            self._client_stream, self._terminal_stream, self._gateway_stream, self._studio_stream,
            self._dashboard_stream,
        )  # fmt: skip
        # Doors whose streams share the WebSocket at `/` add theirs.
        self._first_frame = FirstFrame(self._terminal_stream.speaker)
        self._first_frame.add(self._client_stream.speaker)
        self.app = self._make_app(house.config, log)
        house.identity.room.listen(self)
        house.identity.room.listen(self._terminal_stream)
        house.key_watch.after_each_look(self._hang_up_on_lost_keys)

    def _make_gateway(self) -> Gateway:
        house, platform = self._house, self._house.feed.provider
        gateway = Gateway(
            desk=house.desk,
            market=house.market,
            past=house.past,
            explainer=house.explainer,
            access=house.access,
            breakers=Breakers(house.desk),
            streams=self._streams,
            metrics=self._metrics,
            counters=Counters(self._metrics, platform, house.desk),
            settings=gateway_settings(house.config, platform),
        )
        house.desk.listen(gateway.breakers)
        house.desk.listen(gateway.counters)
        house.desk.writer.hear_records(gateway.counters.count)
        return gateway

    def _make_terminal(self) -> Terminal:
        house = self._house
        executions = Executions(house.desk)
        house.desk.listen(executions)
        return Terminal(
            desk=house.desk,
            market=house.market,
            access=house.access,
            keys=house.identity.keys,
            streams=self._streams,
            executions=executions,
            memory=Memory(house.studio.answers, house.clock),
            settings=TerminalSettings(),
        )

    def _make_root(self) -> Door:
        """The WebSocket at `/`, told apart by its first frame."""
        route = Route(WEBSOCKET, "/", self._first_frame.connect, public=True, hidden=True)
        return Door(name="root", title=TITLE, prefixes=("",), routes=(route,), errors=TerminalErrors())

    def _make_app(self, config: Config, log: AccessLog | None) -> App:
        docs = docs_door(self.doors, title=TITLE, version=tradehall.__version__)
        page = page_door(PAGE, "/ui", TITLE, self.doors[0].errors, script_sources=(SCRIPT_SOURCE,))
        app = App(
            (*self.doors, self._make_root(), docs, page),
            guard=Guard(
                loopback=config.is_on_loopback,
                allowed_hosts=config.allowed_hosts,
                allowed_origins=config.allowed_origins,
            ),
            limiter=RateLimiter(enabled=config.rate_limits),
            log=log,
            metrics=self._metrics,
            on_startup=(self._house.open, self._open),
            on_shutdown=(*(stream.stop for stream in self._streams_of_doors), self._house.close),
        )
        app.between = self._house.desk.writer.look
        return app

    async def _open(self) -> None:
        # After the desk: who reads an account because of a quote finds what the quote did to it.
        for stream in self._streams_of_doors:
            self._house.market.subscribe(stream)
            await stream.start()
        self._on_open()

    async def say_goodbye(self) -> None:
        """The server is about to stop: no more wishes; streams are told, and closed when all is durable."""
        self._client.is_stopping = True
        self._terminal_stream.say_goodbye()
        self._dashboard_stream.say_goodbye()
        await self._gateway_stream.say_goodbye()
        await self._house.stop_trading()
        await self.app.close_sessions()

    def on_revoked(self, ids: frozenset[str]) -> None:
        """Keys and sessions are at an end: so is what they opened. Doors that know more listen themselves."""
        for session in list(self.app.sessions):
            principal = session.request.principal
            if isinstance(principal, Principal) and principal.key_id in ids:
                session.hang_up(POLICY_VIOLATION, "the key is no longer valid")

    def _hang_up_on_lost_keys(self) -> None:
        now = self._house.clock.now()
        for session in list(self.app.sessions):
            principal = session.request.principal
            if isinstance(principal, Principal) and not self._house.access.is_still_valid(principal, now):
                session.hang_up(POLICY_VIOLATION, "the key is no longer valid")


def gateway_settings(config: Config, platform: str) -> GatewaySettings:
    """What can be set about the gateway door."""
    return GatewaySettings(
        platform=platform,
        git_sha=config.git_sha,
        health_detail=config.health_detail,
        enable_swagger=config.enable_swagger,
        mode="backtest" if config.mode == "backtest" else "paper",
        limits_are_on=config.rate_limits and config.mode != "backtest",
        exits_live_ns=config.sl_tp_ttl_ns,
        subscriptions=Subscriptions(config.subscriptions, is_strict=config.strict_subscriptions),
    )
