"""What this door answers. Columns of tables are only ever appended."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class Done(Struct, frozen=True):
    """It is done; `id` of what was made, `count` of what was removed."""

    data: str = "OK"
    id: int | UnsetType = UNSET
    count: int | UnsetType = UNSET


class Profile(Struct, frozen=True):
    """Who has signed in, and the token that says so."""

    id: int
    login: int
    regdate: int
    leverage: int | float
    email: str
    avatar: str
    name: str
    phone: str
    address: str
    city: str
    state: str
    country: str
    zipcode: str
    group: str
    currency: str
    token: str = field(name="__token")

    def __repr__(self) -> str:
        return f"Profile(login={self.login})"


class SessionCheck(Struct, frozen=True):
    """A session that is good."""

    login: int
    session: int
    expires_at: int
    server_time: int


class Balance(Struct, frozen=True):
    """What an account is worth: equity = balance + credit + profit, which is floating."""

    login: int
    balance: float
    credit: float
    profit: float
    commission: float
    storage: float
    margin: float
    margin_free: float
    margin_level: float
    equity: float
    level_type: int


class Me(Struct, frozen=True):
    """An account, its owner, and what it is worth."""

    id: int
    login: int
    currency: str
    group: str
    comment: str
    enable: int
    enable_read_only: int
    enable_change_password: int
    leverage: int | float
    avatar: str
    email: str
    name: str
    phone: str
    address: str
    city: str
    country: str
    zipcode: str
    regdate: int
    prevbalance: float
    prevmonthbalance: float
    balance: float
    storage: float
    commission: float
    credit: float
    margin: float
    margin_free: float
    margin_level: float
    equity: float


class Ack(Struct, frozen=True, kw_only=True):
    """A wish was accepted; `state` is what was asked for."""

    data: str = "OK"
    accepted: bool = True
    order: int
    state: int
    login: int
    symbol: str
    cmd: int
    volume: int | float
    close_volume: int | float | UnsetType = UNSET


class Table(Struct, frozen=True):
    """Column names once, then rows of values in that order."""

    structure: tuple[str, ...]
    rows: list[list[Any]]


class TradeTable(Struct, frozen=True):
    """A page of tickets with sums over the whole filter."""

    structure: tuple[str, ...]
    rows: list[list[Any]]
    count: int
    total_profit: float
    total_net_profit: float
    total_storage: float
    total_commission: float
    total_volume: int | float


class CandleTable(Struct, frozen=True):
    """Bars, oldest first; `rows` is `data` once more."""

    structure: tuple[str, ...]
    data: list[list[float | int]]
    rows: list[list[float | int]]


class Script(Struct, frozen=True):
    """A script as it is kept."""

    id: int
    login: int
    name: str
    script: str
    description: str
    kind: str
    language: str
    visibility: str
    autostart: int
    enabled: int
    created_time: int
    updated_time: int


class Scripts(Struct, frozen=True, omit_defaults=True):
    """Scripts as objects, or under `structure` as rows of a table."""

    rows: list[Any]
    structure: tuple[str, ...] | None = None


class Assets(Struct, frozen=True):
    """What can be traded, by symbol, and the groups it falls into."""

    assets: dict[str, dict[str, Any]]
    groups: list[str]


class ShortList(Struct, frozen=True):
    """What can be traded as a table, and the groups it falls into."""

    assets: Table
    groups: list[str]


class WatchedAssets(Struct, frozen=True):
    """Watched symbols with their last day."""

    assets: dict[str, dict[str, Any]]
