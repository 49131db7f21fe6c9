"""The route table of the broker layer, and the door made of it."""

from collections.abc import Iterator
from typing import Any, Final

from tradehall.faces.kit import Door, Route
from tradehall.faces.kit.pages import PageQuery
from tradehall.faces.kit.writes import Replays
from tradehall.faces.support.auth import authenticator
from tradehall.faces.support.broker import reading, requests, schemas, writing
from tradehall.faces.support.broker.errors import BrokerErrors
from tradehall.faces.support.manners import ADMIN, AGENT, BROKER_REASON, Served, Table
from tradehall.faces.support.schemas import BacktestShown
from tradehall.faces.support.support import ANALYTICS, LIMITS, Support

TITLE: Final = "Broker"
PREFIX: Final = "/broker"
DESCRIPTION: Final = "The support desk's services under the paths and names of an older interface."
SECURITY: Final = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


def make_broker_door(support: Support) -> Door:
    """The broker layer."""
    errors = BrokerErrors()
    replays = Replays(support.answers, support.desk.clock, errors, secret=support.identity.answers_secret)
    table = Table(support, errors, replays, reason=BROKER_REASON)
    return Door(
        name="broker",
        title=TITLE,
        description=DESCRIPTION,
        prefixes=(PREFIX,),
        routes=(*_lists(table), *_figures(table), *_writes(table)),
        errors=errors,
        authenticate=authenticator(support.access),
        limits=LIMITS,
        security=SECURITY,
    )


def _lists(table: Table) -> Iterator[Route]:
    lists: tuple[tuple[str, Served, Any], ...] = (
        ("/get_registered_users", reading.get_registered_users, PageQuery),
        ("/get_user_strategies", reading.get_user_strategies, requests.UserQuery),
        ("/get_all_user_deployments", reading.get_all_user_deployments, requests.UserQuery),
        ("/get_all_user_scanners", reading.get_all_user_scanners, requests.UserQuery),
        ("/get_all_trades_by_user_deployments", reading.get_trades_by_deployments, requests.UserQuery),
        ("/get_all_trades_by_user_strategy", reading.get_trades_by_strategy, requests.StrategyTradesQuery),
    )
    for path, handler, query in lists:
        yield table.read(path, handler, schemas.Rows, query=query, errors=(404,))
    # Published as a PUT once, though it only reads.
    trades = requests.StrategyTradesQuery
    yield table.read(
        "/get_all_trades_by_user_strategy", reading.get_trades_by_strategy, schemas.Rows, query=trades, errors=(404,),
        method="PUT",
    )  # fmt: skip
    yield table.read(
        "/get_recent_backtest_details", reading.get_recent_backtest, BacktestShown, query=requests.BacktestQuery,
        errors=(404,),
    )  # fmt: skip


def _figures(table: Table) -> Iterator[Route]:
    figures: tuple[tuple[str, Served, Any, Any], ...] = (
        ("/get_broker_user_latency_by_email", reading.get_latency_by_email, schemas.Records, requests.RecordsQuery),
        ("/get_broker_user_slippage_by_email", reading.get_slippage_by_email, schemas.Records, requests.RecordsQuery),
        (
            "/get_user_strategy_performance", reading.get_performance, schemas.ShortPerformance,
            requests.PerformanceQuery,
        ),
    )  # fmt: skip
    for path, handler, answer, query in figures:
        yield table.read(path, handler, answer, query=query, errors=(404,), limit=ANALYTICS)


def _writes(table: Table) -> Iterator[Route]:
    writes: tuple[tuple[str, Served, Any, str, str], ...] = (
        ("/reset_user_password", writing.put_password, requests.PasswordQuery, "user.password", ADMIN),
        ("/update_user_email", writing.put_email, requests.EmailQuery, "user.contact", AGENT),
        ("/update_user_phone", writing.put_phone, requests.PhoneQuery, "user.contact", AGENT),
        ("/update_user_status", writing.put_status, requests.StatusQuery, "user.status", AGENT),
        ("/update_user_strategy", writing.put_strategy, requests.UpdateStrategyQuery, "strategy.delete", AGENT),
        ("/update_user_deployment", writing.put_deployment, requests.UpdateDeploymentQuery, "deployment.update", ADMIN),
        ("/update_trade", writing.put_trade, requests.UpdateTradeQuery, "trade.adjust", ADMIN),
        ("/update_marketplace_strategy", writing.put_marketplace, requests.PublishQuery, "strategy.publish", ADMIN),
        ("/update_scanner_strategy", writing.put_scanner, requests.UpdateScannerQuery, "scanner.delete", AGENT),
    )
    for path, handler, query, action, role in writes:
        yield table.write("PUT", path, handler, schemas.Message, query=query, action=action, role=role)
    yield table.write(
        "POST", "/register_user", writing.post_user, schemas.Message, body=requests.RegisterForm, action="user.create",
        role=ADMIN,
    )  # fmt: skip
