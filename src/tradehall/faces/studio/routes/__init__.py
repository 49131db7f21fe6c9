"""The route table of the studio door, and the door made of it."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

from tradehall.faces.kit import WEBSOCKET, Door, Request, Response, Route
from tradehall.faces.kit.envelope import EnvelopeErrors
from tradehall.faces.kit.pages import Page, PageQuery
from tradehall.faces.kit.wrapping import Handler, named, refusing
from tradehall.faces.kit.writes import Replays
from tradehall.faces.shown.refusals import REFUSED, studio_problem
from tradehall.faces.shown.strategies import PublicationShown
from tradehall.faces.studio import requests, schemas
from tradehall.faces.studio.auth import READ, WRITE, authenticator, space_of
from tradehall.faces.studio.routes import backtests, deployments, marketplace, scanners, strategies
from tradehall.faces.studio.stream import StudioStream
from tradehall.faces.studio.studio import LIMITS, READS, WRITES, Studio
from tradehall.faces.studio.why import WhyShown

TITLE: Final = "Studio"
PREFIX: Final = "/api/studio/v1"
DESCRIPTION: Final = (
    "Where strategies, backtests, deployments and scanners are made: a client session sees its own, an operator those "
    "of the house."
)
SECURITY: Final = {"bearer": {"type": "http", "scheme": "bearer"}}
EXAMPLE_STRATEGY: Final = {"name": "EMA cross", "symbol": "EURUSD", "timeframe": "15m", "template": "ema_cross"}
EXAMPLE_DEPLOYMENT: Final = {
    "strategy_id": 1, "symbols": ["EURUSD"], "size": "0.10", "size_type": "lots", "mode": "paper",
    "budget": {"currency": "USD", "allocated": "1000.00"},
}  # fmt: skip
EXAMPLE_SCANNER: Final = {
    "name": "Hammers", "pattern_type": "CDLHAMMER", "universe": ["EURUSD", "GBPUSD"], "timeframe": "1h",
}  # fmt: skip

Words = dict[str, Any]
Served = Callable[[Studio, Request], Awaitable[Response]]


def make_door(studio: Studio, stream: StudioStream) -> Door:
    """The studio's door."""
    errors = EnvelopeErrors()
    table = _Table(studio, Replays(studio.answers, studio.desk.clock, errors))
    return Door(
        name="studio",
        title=TITLE,
        description=DESCRIPTION,
        prefixes=(PREFIX,),
        routes=(
            *_strategies(table), *_marketplace(table), *_deployments(table), *_backtests(table), *_scanners(table),
            Route(WEBSOCKET, "/ws", stream.connect, answers={101: None}, public=True, tag="stream"),
        ),
        errors=errors,
        authenticate=authenticator(studio.access, is_open=studio.is_open),
        limits=LIMITS,
        security=SECURITY,
    )  # fmt: skip


class _Table:
    """Makes routes: reads and writes, the latter safe to repeat under a key."""

    def __init__(self, studio: Studio, replays: Replays) -> None:
        self._studio = studio
        self._replays = replays

    def read(self, path: str, handler: Served, answer: Any, **more: Any) -> Route:
        """A GET."""
        errors = (404,) if "{" in path else ()
        return Route(
            "GET", path, _polite(partial(handler, self._studio)), answers={200: answer}, scope=READ, limit=READS,
            errors=errors, **more,
        )  # fmt: skip

    def write(self, method: str, path: str, handler: Served, answer: Any, *, status: int = 200, **more: Any) -> Route:
        """A change."""
        guarded = self._replays.guarded(refusing(partial(handler, self._studio), REFUSED, studio_problem), space_of)
        return Route(
            method, path, _polite(guarded), answers={status: answer}, scope=WRITE, limit=WRITES,
            errors=(404, 409, 412), **more,
        )  # fmt: skip


def _tagged(tag: str) -> Words:
    return {"tag": tag}


def _strategies(table: _Table) -> Iterator[Route]:
    whole, tag, one = schemas.StrategyWhole, _tagged("strategies"), "/strategies/{id}"
    yield table.read(
        "/strategies", strategies.get_strategies, Page[schemas.StrategyShown], query=requests.StrategiesQuery, **tag
    )
    yield table.write(
        "POST", "/strategies", strategies.post_strategy, whole, status=201, body=requests.NewStrategyRequest,
        example=EXAMPLE_STRATEGY, **tag,
    )  # fmt: skip
    yield table.write(
        "POST", "/strategies/validate", strategies.post_validation, schemas.Validation,
        body=requests.DefinitionRequest, **tag,
    )  # fmt: skip
    yield table.read(one, strategies.get_strategy, whole, **tag)
    yield table.write("PUT", one, strategies.put_strategy, whole, body=requests.StrategyRequest, **tag)
    yield table.write(
        "DELETE", one, strategies.delete_strategy, schemas.DeletionShown, query=requests.DeleteQuery, **tag
    )
    yield table.write("POST", f"{one}/restore", strategies.post_restoration, whole, **tag)
    copy: Words = {"body": requests.CopyRequest, "body_required": False}
    yield table.write("POST", f"{one}/copy", strategies.post_copy, whole, status=201, **copy, **tag)
    yield table.read(f"{one}/versions", strategies.get_versions, Page[schemas.VersionShown], query=PageQuery, **tag)
    yield table.read(f"{one}/versions/{{n}}", strategies.get_version, schemas.VersionShown, **tag)


def _marketplace(table: _Table) -> Iterator[Route]:
    tag, shown = _tagged("marketplace"), PublicationShown
    said: Words = {"body": requests.PublishRequest, "body_required": False}
    yield table.write("POST", "/strategies/{id}/publish", marketplace.post_publication, shown, **said, **tag)
    yield table.write("POST", "/strategies/{id}/unpublish", marketplace.post_unpublication, shown, **tag)
    yield table.read(
        "/marketplace", marketplace.get_marketplace, Page[schemas.ListingShown], query=requests.MarketplaceQuery, **tag
    )
    yield table.read("/marketplace/{id}", marketplace.get_listing, schemas.ListingShown, **tag)
    yield table.write(
        "POST", "/marketplace/{id}/copy", marketplace.post_marketplace_copy, schemas.StrategyWhole, status=201,
        body=requests.CopyRequest, body_required=False, **tag,
    )  # fmt: skip


def _deployments(table: _Table) -> Iterator[Route]:
    shown, tag, one = schemas.DeploymentShown, _tagged("deployments"), "/deployments/{id}"
    period: Words = {"query": requests.PeriodQuery}
    yield table.read(
        "/deployments",
        deployments.get_deployments,
        Page[schemas.DeploymentShown],
        query=requests.DeploymentsQuery,
        **tag,
    )
    yield table.write(
        "POST", "/deployments", deployments.post_deployment, shown, status=201, body=requests.NewDeploymentRequest,
        example=EXAMPLE_DEPLOYMENT, **tag,
    )  # fmt: skip
    yield table.read(one, deployments.get_deployment, schemas.DeploymentWhole, **tag)
    yield table.write("POST", f"{one}/pause", deployments.post_pause, shown, **tag)
    yield table.write("POST", f"{one}/resume", deployments.post_resume, shown, **tag)
    yield table.write(
        "POST", f"{one}/stop", deployments.post_stop, shown, body=requests.StopRequest, body_required=False, **tag
    )
    yield table.write("POST", f"{one}/restart", deployments.post_restart, shown, **tag)
    yield table.read(f"{one}/why", deployments.get_why, WhyShown, query=requests.WhyQuery, **tag)
    yield table.read(f"{one}/signals", deployments.get_signals, Page[schemas.SignalShown], **period, **tag)
    yield table.read(f"{one}/equity", deployments.get_equity, Page[schemas.EquityShown], **period, **tag)


def _backtests(table: _Table) -> Iterator[Route]:
    shown, tag, one = schemas.BacktestShown, _tagged("backtests"), "/backtests/{id}"
    yield table.write(
        "POST", "/strategies/{id}/backtests", backtests.post_backtest, schemas.BacktestQueued, status=202,
        body=requests.BacktestRequest, body_required=False, **tag,
    )  # fmt: skip
    yield table.read(
        "/backtests", backtests.get_backtests, Page[schemas.BacktestShown], query=requests.BacktestsQuery, **tag
    )
    yield table.read(one, backtests.get_backtest, shown, **tag)
    yield table.read(f"{one}/report", backtests.get_report, None, **tag)
    yield table.read(f"{one}/trades", backtests.get_trades, Page[schemas.RoundTripShown], query=PageQuery, **tag)
    yield table.write("DELETE", one, backtests.delete_backtest, shown, **tag)


def _scanners(table: _Table) -> Iterator[Route]:
    shown, tag, one = schemas.ScannerShown, _tagged("scanners"), "/scanners/{id}"
    yield table.read(
        "/scanners", scanners.get_scanners, Page[schemas.ScannerShown], query=requests.ScannersQuery, **tag
    )
    yield table.write(
        "POST", "/scanners", scanners.post_scanner, shown, status=201, body=requests.ScannerRequest,
        example=EXAMPLE_SCANNER, **tag,
    )  # fmt: skip
    yield table.read(one, scanners.get_scanner, shown, **tag)
    yield table.write("PUT", one, scanners.put_scanner, shown, body=requests.ScannerPatch, **tag)
    yield table.write("DELETE", one, scanners.delete_scanner, shown, **tag)
    yield table.write("POST", f"{one}/run", scanners.post_run, schemas.ScanRun, **tag)
    yield table.read(
        f"{one}/matches", scanners.get_matches, Page[schemas.MatchShown], query=requests.PeriodQuery, **tag
    )
    yield table.read("/indicators", scanners.get_indicators, schemas.Indicators, tag="indicators")


def _polite(handler: Handler) -> Handler:
    return named(refusing(handler, REFUSED, studio_problem))
