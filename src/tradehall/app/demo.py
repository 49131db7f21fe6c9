"""The demo: accounts to try every door with, and the sheet that says how to open them."""

from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.api_keys import DASHBOARD, OPERATOR, VIEWER, ApiKeys, KeyRefused, digest_of
from tradehall.app.records.groups import HEDGING_GROUP
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.ids import AccountId

HOUSE_ACCOUNT: Final[AccountId] = 700_100
CLIENT_ACCOUNT: Final[AccountId] = 700_001
OTHER_CLIENT_ACCOUNT: Final[AccountId] = 700_002
STRATEGY_ACCOUNT: Final[AccountId] = 700_200

DEMO_DEPOSIT: Final = Decimal(100_000)
DEMO_ACCOUNTS: Final = (
    AccountTerms(
        CLIENT_ACCOUNT,
        position_mode=PositionMode.HEDGING,
        leverage=Decimal(50),
        name="Demo Client",
        group=HEDGING_GROUP,
    ),
    AccountTerms(
        OTHER_CLIENT_ACCOUNT,
        position_mode=PositionMode.HEDGING,
        leverage=Decimal(50),
        name="Second Client",
        group=HEDGING_GROUP,
    ),
    AccountTerms(STRATEGY_ACCOUNT, name="Demo strategy", group="demo"),
)


class GatewaySheet(Struct, frozen=True):
    """How to open the gateway: `api_key` is GATEWAY_API_KEY, None where no key is needed."""

    api_key: str | None
    account: AccountId
    client_account_key: str


class ClientSheet(Struct, frozen=True):
    """How somebody signs in at the client door."""

    login: AccountId
    password: str
    email: str


class TerminalSheet(Struct, frozen=True):
    """Keys of the demo client for the terminal door, one of each scope."""

    read: str
    trade: str
    full: str


class StrategySheet(Struct, frozen=True):
    """The strategy that trades by itself, its account, and a key that opens that account at the gateway."""

    id: str
    account: AccountId
    gateway_key: str


class DashboardSheet(Struct, frozen=True):
    """Tokens of the dashboard: one that reads, one that may do everything."""

    viewer_token: str
    operator_token: str


class SupportSheet(Struct, frozen=True, omit_defaults=True):
    """A partner domain: the secret that it signs with, and tokens signed with it, good for 180 minutes."""

    domain: str
    secret: str
    admin_token: str
    agent_token: str = ""
    viewer_token: str = ""


class DemoSheet(Struct, frozen=True):
    """What `demo.json` holds; doors that do not exist yet are left out."""

    base_url: str
    gateway: GatewaySheet
    dashboard_url: str | UnsetType = UNSET
    client: ClientSheet | UnsetType = UNSET
    client2: ClientSheet | UnsetType = UNSET
    terminal: TerminalSheet | UnsetType = UNSET
    strategy: StrategySheet | UnsetType = UNSET
    dashboard: DashboardSheet | UnsetType = UNSET
    support: SupportSheet | UnsetType = UNSET
    support2: SupportSheet | UnsetType = UNSET


def sheet_from(text: bytes) -> DemoSheet | None:
    """A sheet as it was written, None if it is not readable as one."""
    try:
        return msgspec.json.decode(text, type=DemoSheet)
    except msgspec.MsgspecError:
        return None


def client_key(keys: ApiKeys, sheet: DemoSheet | None, now: int) -> str:
    """The secret of the demo client's key: the one on the sheet while it works, else a new one."""
    known = "" if sheet is None else sheet.gateway.client_account_key
    return _kept_or_new(keys, known, CLIENT_ACCOUNT, "demo client", now)


def strategy_key(keys: ApiKeys, sheet: DemoSheet | None, now: int) -> str:
    """The secret of the key for the demo strategy's account, likewise."""
    known = sheet.strategy.gateway_key if sheet is not None and sheet.strategy is not UNSET else ""
    return _kept_or_new(keys, known, STRATEGY_ACCOUNT, "demo strategy", now)


def dashboard_tokens(keys: ApiKeys, sheet: DemoSheet | None, now: int) -> DashboardSheet:
    """The tokens of the dashboard, likewise."""
    known = sheet.dashboard if sheet is not None and sheet.dashboard is not UNSET else DashboardSheet("", "")
    made = {"door": DASHBOARD}
    return DashboardSheet(
        _kept_or_new(keys, known.viewer_token, NO_ACCOUNT, "demo viewer", now, scopes=(VIEWER,), **made),
        _kept_or_new(keys, known.operator_token, NO_ACCOUNT, "demo operator", now, scopes=(OPERATOR,), **made),
    )


def _kept_or_new(keys: ApiKeys, secret: str, account: AccountId, name: str, now: int, **what: Any) -> str:
    digest = digest_of(secret).hex()
    if any(key.digest == digest and key.is_valid(now) for key in keys.all()):
        return secret
    try:
        return keys.create(account, name=name, **what)[1]
    except KeyRefused:
        return secret  # Its owner was deactivated: a start of the demo does not let him in again.
