"""Query parameters of the broker layer, as they are read."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from tradehall.faces.kit import WirePositive
from tradehall.faces.kit.pages import PageQuery

Email: TypeAlias = Annotated[str, Meta(min_length=1, max_length=254)]
Number: TypeAlias = Annotated[int, Meta(ge=1, le=2**62)]


class PasswordQuery(Struct, frozen=True, kw_only=True):
    """The password may also stand in a JSON body, which no log sees."""

    user_email: Email
    new_password: str = ""


class PasswordBody(Struct, frozen=True):
    """A new password."""

    new_password: str = ""

    def __repr__(self) -> str:
        return "PasswordBody(…)"


class EmailQuery(Struct, frozen=True, kw_only=True):
    """A user's new address."""

    user_email: Email
    new_user_email: Email


class PhoneQuery(Struct, frozen=True, kw_only=True):
    """A user's new number; absent: none."""

    user_email: Email
    phone: str = ""


class StatusQuery(Struct, frozen=True, kw_only=True):
    """Whether a user may sign in."""

    user_email: Email
    is_active: bool


class RegisterForm(Struct, frozen=True, kw_only=True):
    """A new user, as a form."""

    email: Email
    first_name: str
    last_name: str = ""
    country: Annotated[str, Meta(pattern="^[A-Za-z]{2}$")]


class UserQuery(PageQuery, frozen=True, kw_only=True):
    """A page of what is a user's."""

    user_email: Email


class StrategyTradesQuery(PageQuery, frozen=True, kw_only=True):
    """A page of a strategy's trades."""

    strategy_keygen: Email


class UpdateStrategyQuery(Struct, frozen=True, kw_only=True):
    """false restores."""

    user_email: Email
    strategy_id: Number
    should_delete: bool


class UpdateDeploymentQuery(Struct, frozen=True, kw_only=True):
    """true stops, false starts again."""

    user_email: Email
    deployment_id: Number
    should_delete: bool


class UpdateScannerQuery(Struct, frozen=True, kw_only=True):
    """false restores."""

    user_email: Email
    scanner_id: Number
    should_delete: bool


class UpdateTradeQuery(Struct, frozen=True, kw_only=True):
    """What is laid over a trade."""

    trade_id: Number
    taken_at: str = ""
    closed_at: str = ""
    strike: WirePositive | None = None
    result: str = ""


class PublishQuery(Struct, frozen=True, kw_only=True):
    """Whether the marketplace shows it."""

    user_email: Email
    strategy_id: Number
    should_publish: bool


class RecordsQuery(Struct, frozen=True, kw_only=True):
    """The newest orders of a user."""

    user_email: Email
    limit: Annotated[int, Meta(ge=1, le=100)] = 30


class PerformanceQuery(Struct, frozen=True, kw_only=True):
    """One deployment of a strategy."""

    strategy_id: Number
    deployment_id: Number


class BacktestQuery(Struct, frozen=True, kw_only=True):
    """The newest backtest of a strategy."""

    strategy_keygen: Email
