"""The route table of the support door, and the door made of it."""

from collections.abc import Iterator
from typing import Any, Final

from tradehall.faces.kit import Door, Explained, Route
from tradehall.faces.kit.writes import Replays
from tradehall.faces.shown.deployments import DeploymentShown
from tradehall.faces.shown.scanners import ScannerShown
from tradehall.faces.shown.strategies import PublicationShown, StrategyShown
from tradehall.faces.support import requests, schemas
from tradehall.faces.support.accounts.schemas import AccountPage, BudgetPage, OrderPage, PositionPage
from tradehall.faces.support.auth import authenticator
from tradehall.faces.support.errors import SupportErrors
from tradehall.faces.support.figures.schemas import LatencyShown, PerformanceShown, SlippageShown
from tradehall.faces.support.manners import ADMIN, Table
from tradehall.faces.support.routes import (
    accounts,
    audit,
    deployments,
    figures,
    orders,
    scanners,
    strategies,
    trades,
    users,
)
from tradehall.faces.support.support import ANALYTICS, LIMITS, WRITES, Support

TITLE: Final = "Support"
PREFIX: Final = "/api/support/v1"
DESCRIPTION: Final = (
    "The back office of a partner domain: its people, their strategies, deployments, trades and scanners, how well "
    "their orders were executed, and an audit of all that was done here. Every write gives a reason."
)
SECURITY: Final = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_REASON: Final = {"reason": "asked for by the customer, ticket 4711"}

Words = dict[str, Any]


def make_door(support: Support) -> Door:
    """The support door."""
    errors = SupportErrors()
    table = Table(
        support, errors, Replays(support.answers, support.desk.clock, errors, secret=support.identity.answers_secret)
    )
    return Door(
        name="support",
        title=TITLE,
        description=DESCRIPTION,
        prefixes=(PREFIX,),
        routes=(
            *_people(table), *_strategies(table), *_deployments(table), *_trades(table), *_scanners(table),
            *_figures(table), *_audit(table), *_orders(table), *_accounts(table),
        ),
        errors=errors,
        authenticate=authenticator(support.access),
        limits=LIMITS,
        security=SECURITY,
    )  # fmt: skip


def _tagged(tag: str) -> Words:
    return {"tag": tag}


def _people(table: Table) -> Iterator[Route]:
    shown, tag, one = schemas.UserShown, _tagged("users"), "/users/{user}"
    yield table.read("/users", users.get_users, schemas.UserPage, query=requests.UsersQuery, **tag)
    yield table.write(
        "POST", "/users", users.post_user, shown, status=201, body=requests.NewUserRequest, action="user.create",
        role=ADMIN, example={"email": "mira@example.test", "first_name": "Mira", "last_name": "Vogel", "country": "DE"}
        | _REASON, **tag,
    )  # fmt: skip
    yield table.read(one, users.get_user, shown, **tag)
    yield table.write(
        "PATCH", f"{one}/contact", users.patch_contact, shown, body=requests.ContactRequest, action="user.contact",
        example={"email": "mira@example.test"} | _REASON, **tag,
    )  # fmt: skip
    yield table.write(
        "PUT", f"{one}/status", users.put_status, schemas.UserWithEffects, body=requests.StatusRequest,
        action="user.status", example={"status": "inactive", "deployments": "stop"} | _REASON, **tag,
    )  # fmt: skip
    yield table.write(
        "POST", f"{one}/password-reset", users.post_reset, schemas.ResetShown, status=202, body=requests.ResetRequest,
        action="user.password_reset", example={"delivery": "email"} | _REASON, **tag,
    )  # fmt: skip
    yield table.public(
        "POST", "/password-resets/complete", users.post_completion, schemas.Completed, limit=WRITES,
        body=requests.CompletionRequest, **tag,
    )  # fmt: skip
    yield table.read("/password-resets/{reset_id}", users.get_reset, schemas.ResetShown, **tag)
    yield table.public("GET", "/health", users.get_health, schemas.Health, tag="health")


def _strategies(table: Table) -> Iterator[Route]:
    shown, tag, one = StrategyShown, _tagged("strategies"), "/strategies/{id}"
    yield table.read(
        "/users/{user}/strategies", strategies.get_strategies, schemas.StrategyPage,
        query=requests.StrategiesQuery, **tag,
    )  # fmt: skip
    yield table.read(one, strategies.get_strategy, schemas.StrategyWhole, **tag)
    yield table.write(
        "DELETE", one, strategies.delete_strategy, schemas.DeletionShown, query=requests.DeleteStrategyQuery,
        action="strategy.delete", **tag,
    )  # fmt: skip
    yield table.write(
        "POST", f"{one}/restore", strategies.post_restoration, shown, body=requests.Wish, action="strategy.restore",
        example=_REASON, **tag,
    )  # fmt: skip
    yield table.write(
        "PUT", f"{one}/publication", strategies.put_publication, PublicationShown,
        body=requests.PublicationRequest, action="strategy.publish", role=ADMIN,
        example={"published": True} | _REASON, **tag,
    )  # fmt: skip


def _deployments(table: Table) -> Iterator[Route]:
    tag, one = _tagged("deployments"), "/deployments/{id}"
    yield table.read(
        "/users/{user}/deployments", deployments.get_deployments, schemas.DeploymentPage,
        query=requests.DeploymentsQuery, **tag,
    )  # fmt: skip
    yield table.read(one, deployments.get_deployment, schemas.DeploymentWhole, **tag)
    yield table.write(
        "PATCH", one, deployments.patch_deployment, DeploymentShown, body=requests.DeploymentRequest,
        action="deployment.update", example={"action": "stop"} | _REASON, **tag,
    )  # fmt: skip


def _trades(table: Table) -> Iterator[Route]:
    shown, tag, one = schemas.TradeShown, _tagged("trades"), "/trades/{id}"
    yield table.read("/users/{user}/trades", trades.get_trades, schemas.TradePage, query=requests.TradesQuery, **tag)
    yield table.read(one, trades.get_trade, shown, **tag)
    yield table.write(
        "PATCH", one, trades.patch_trade, shown, body=requests.TradeRequest, action="trade.adjust", role=ADMIN,
        example={"result": "win"} | _REASON, **tag,
    )  # fmt: skip


def _scanners(table: Table) -> Iterator[Route]:
    shown, tag, one = ScannerShown, _tagged("scanners"), "/scanners/{id}"
    yield table.read(
        "/users/{user}/scanners", scanners.get_scanners, schemas.ScannerPage, query=requests.ScannersQuery, **tag
    )
    yield table.write(
        "DELETE", one, scanners.delete_scanner, shown, query=requests.ReasonQuery, action="scanner.delete", **tag
    )
    yield table.write(
        "POST", f"{one}/restore", scanners.post_restoration, shown, body=requests.Wish, action="scanner.restore",
        example=_REASON, **tag,
    )  # fmt: skip


def _figures(table: Table) -> Iterator[Route]:
    asked: Words = {"limit": ANALYTICS, "tag": "execution quality"}
    yield table.read("/users/{user}/latency", figures.get_latency, LatencyShown, query=requests.AnalyticsQuery, **asked)
    yield table.read(
        "/users/{user}/slippage", figures.get_slippage, SlippageShown, query=requests.SlippageQuery, **asked
    )
    yield table.read(
        "/strategies/{id}/performance", figures.get_performance, PerformanceShown, errors=(404, 409),
        query=requests.PerformanceQuery, **asked,
    )  # fmt: skip


def _orders(table: Table) -> Iterator[Route]:
    yield table.read("/orders/{id}/explain", orders.get_explanation, Explained, tag="orders")


def _accounts(table: Table) -> Iterator[Route]:
    asked = requests.AccountsQuery
    for path, handler, answer, query in (
        ("accounts", accounts.get_accounts, AccountPage, asked),
        ("positions", accounts.get_positions, PositionPage, requests.HoldingsQuery),
        ("orders", accounts.get_orders, OrderPage, requests.UserOrdersQuery),
        ("budgets", accounts.get_budgets, BudgetPage, asked),
    ):
        yield table.read(f"/users/{{user}}/{path}", handler, answer, query=query, errors=(404, 503), tag="accounts")


def _audit(table: Table) -> Iterator[Route]:
    tag = _tagged("audit")
    yield table.read(
        "/audit", audit.get_audit, schemas.AuditPage, query=requests.AuditRequest, errors=(403, 404), **tag
    )
    yield table.read(
        "/audit/export",
        audit.get_export,
        None,
        query=requests.ExportRequest,
        errors=(403,),
        limit=ANALYTICS,
        scope=ADMIN,
        **tag,
    )
    yield table.read("/audit/key", audit.get_key, schemas.AuditKeyShown, **tag)
