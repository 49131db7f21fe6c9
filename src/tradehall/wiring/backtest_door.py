"""The one door of a backtest: the gateway's, and a refusal at all others."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import tradehall
from tradehall.app.breakers import Breakers
from tradehall.app.demo import HOUSE_ACCOUNT
from tradehall.app.paced.pace import Pace, Patience
from tradehall.app.paced.simulation import Simulation
from tradehall.app.streams import AccountStreams
from tradehall.config import Config
from tradehall.faces.gateway import Counters, Gateway, GatewayErrors, GatewayProblem, PacedStream, make_door
from tradehall.faces.gateway.paced import stamped
from tradehall.faces.kit import (
    WEBSOCKET,
    AccessLog,
    App,
    Door,
    Frame,
    Guard,
    Metrics,
    RateLimiter,
    Request,
    Response,
    Route,
    docs_door,
)
from tradehall.wiring.backtest_house import BacktestHouse
from tradehall.wiring.doors import TITLE, gateway_settings
from tradehall.wiring.past import PLATFORM

# Where other modes have their other doors.
ELSEWHERE: Final = ("/client", "/ws", "/v1/api", "/v1/keys", "/api", "/broker", "/support", "/ui")
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", WEBSOCKET)

_log: Final = logging.getLogger("tradehall.backtest")


class BacktestDoor:
    """The gateway's door over `house`, and the run that it paces. `on_open`: the first request may come."""

    def __init__(self, house: BacktestHouse, *, log: AccessLog | None, on_open: Callable[[], None]) -> None:
        self._house = house
        self._on_open = on_open
        self._metrics = Metrics()
        self._gateway = self._make_gateway()
        self._pace: Pace[Frame] = Pace(stamped, patience_of(house.config))
        self._stream = PacedStream(self._gateway, self._pace, house.bars, HOUSE_ACCOUNT)
        self._run: asyncio.Task[None] | None = None
        self.doors = (make_door(self._gateway, self._stream), _closed_door())
        self.app = self._make_app(house.config, log)

    def _make_gateway(self) -> Gateway:
        house = self._house
        gateway = Gateway(
            desk=house.desk,
            market=house.market,
            past=house.earlier,
            explainer=house.explainer,
            access=house.access,
            breakers=Breakers(house.desk),
            streams=AccountStreams(),
            metrics=self._metrics,
            counters=Counters(self._metrics, PLATFORM, house.desk),
            settings=gateway_settings(house.config, PLATFORM),
        )
        house.desk.listen(gateway.breakers)
        house.desk.listen(gateway.counters)
        house.desk.writer.hear_records(gateway.counters.count)
        return gateway

    def _make_app(self, config: Config, log: AccessLog | None) -> App:
        return App(
            (*self.doors, docs_door(self.doors[:1], title=TITLE, version=tradehall.__version__)),
            guard=Guard(
                loopback=config.is_on_loopback,
                allowed_hosts=config.allowed_hosts,
                allowed_origins=config.allowed_origins,
            ),
            # Whoever trades is paced by what he acknowledges; and a limit of the present would spoil the past.
            limiter=RateLimiter(enabled=False),
            log=log,
            metrics=self._metrics,
            on_startup=(self._house.open, self._open),
            on_shutdown=(self._stream.stop, self._house.close),
        )

    async def _open(self) -> None:
        house = self._house
        # From now on: what furnished the house is no event of the run.
        house.desk.listen(self._stream.telling)
        house.market.subscribe(self._stream)
        await self._stream.start()
        simulation: Simulation[Frame] = Simulation(
            house.past.script,
            clock=house.clock,
            market=house.market,
            bars=house.bars,
            desk=house.desk,
            pace=self._pace,
            voice=self._stream,
        )
        self._run = asyncio.get_running_loop().create_task(simulation.run(), name="backtest")
        self._on_open()

    async def say_goodbye(self) -> None:
        """The server is about to stop: the run ends where it is, and streams are told."""
        if self._run is not None:
            self._run.cancel()
        await self._stream.say_goodbye()
        await self._house.stop_trading()
        await self.app.close_sessions()


def patience_of(config: Config) -> Patience:
    """How long to wait for acknowledgements."""
    seconds = config.backtest_ack_timeout_s
    return Patience(
        timeout_s=None if seconds is None else float(seconds),
        misses_first_max=config.backtest_misses_first,
        misses_max=config.backtest_misses,
    )


def _closed_door() -> Door:
    async def decline(request: Request) -> Response:
        raise GatewayProblem(
            "PROVIDER_UNAVAILABLE", "This server runs a backtest: the gateway's is its only door that is open"
        )

    routes = tuple(Route(method, "/{rest}", decline, public=True, hidden=True) for method in METHODS)
    return Door(name="closed", title=TITLE, prefixes=ELSEWHERE, routes=routes, errors=GatewayErrors())
