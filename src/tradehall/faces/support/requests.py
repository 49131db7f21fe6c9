"""Bodies and queries of the support door, as they are read. Every write says why: `reason`, 3 to 500 characters."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from tradehall.app.audit_export import CHALLENGE_CHARACTERS_MAX, ENTRY_NUMBER_MAX
from tradehall.app.records.listings import ListingVisibility
from tradehall.app.records.resets import Delivery
from tradehall.app.records.users import UserStatus
from tradehall.app.support.locking import Fate
from tradehall.faces.kit import WirePositive
from tradehall.faces.kit.pages import PageQuery

Reason: TypeAlias = Annotated[str, Meta(min_length=3, max_length=500)]
Text: TypeAlias = Annotated[str, Meta(max_length=254)]


class Wish(Struct, forbid_unknown_fields=True, kw_only=True):
    """A write that says nothing but why."""

    reason: Reason


class NewUserRequest(Wish, kw_only=True):
    """`country`: ISO 3166-1 alpha-2; `phone`: E.164."""

    email: Text
    first_name: Text
    last_name: Text
    country: Annotated[str, Meta(pattern="^[A-Za-z]{2}$")]
    phone: Text | None = None


class ContactRequest(Wish, kw_only=True):
    """At least one of email and phone; a phone of null is removed. `verified` counts for what is new."""

    email: Text | UnsetType = UNSET
    phone: Text | UnsetType | None = UNSET
    verified: bool = False
    notify_old: bool = True


class StatusRequest(Wish, kw_only=True):
    """`deployments`: what becomes of them when the user is deactivated. Reactivation starts nothing again."""

    status: UserStatus
    deployments: Fate = Fate.PAUSE
    cancel_orders: bool = True


class ResetRequest(Wish, kw_only=True):
    """`link` is for admins, and told once."""

    delivery: Delivery = Delivery.EMAIL
    expires_in_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    revoke_sessions: bool = True


class CompletionRequest(Struct, forbid_unknown_fields=True):
    """The token of a reset, and the password it is good for."""

    token: Annotated[str, Meta(max_length=512)]
    new_password: Annotated[str, Meta(max_length=512)]

    def __repr__(self) -> str:
        return "CompletionRequest(…)"


class PublicationRequest(Wish, kw_only=True):
    """What is said of a listing; what is left out stays."""

    published: bool
    title: Annotated[str, Meta(min_length=3, max_length=80)] | None = None
    summary: Annotated[str, Meta(max_length=500)] | None = None
    category_id: int | None = None
    visibility: ListingVisibility | None = None


class LimitsRequest(Struct, forbid_unknown_fields=True):
    """What is left out stays; null removes `max_daily_loss`."""

    max_open_positions: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    max_daily_loss: WirePositive | UnsetType | None = UNSET


class DeploymentRequest(Wish, kw_only=True):
    """An action, parameters, or both: then the parameters come first, all or nothing."""

    action: str | None = None
    size: WirePositive | None = None
    leverage: int | None = None
    strict_sl: bool | None = None
    symbols: list[str] | None = None
    limits: LimitsRequest | None = None
    expires_at: str | UnsetType | None = UNSET


class TradeRequest(Wish, kw_only=True):
    """Metadata laid over a trade, or `revert` alone."""

    taken_at: str | None = None
    closed_at: str | None = None
    strike: WirePositive | None = None
    result: str | None = None
    revert: bool = False


# Queries.


class ReasonQuery(Struct, frozen=True, kw_only=True):
    """Why, for a write without a body."""

    reason: Reason


class DeleteStrategyQuery(ReasonQuery, frozen=True, kw_only=True):
    """`deployments`: refuse, stop or stop_and_close."""

    deployments: str = "refuse"


class PeriodQuery(PageQuery, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """From inclusive, to exclusive; RFC 3339."""

    since: str = ""
    until: str = ""


class UsersQuery(PeriodQuery, frozen=True, kw_only=True):
    """`q`: beginning of the e-mail or of a name; sort: created_at, email, last_login_at."""

    q: str = ""
    status: list[str] = []
    country: list[str] = []
    sort: str = "-created_at"


class StrategiesQuery(PeriodQuery, frozen=True, kw_only=True):
    """`status` default: all but deleted; `q`: part of the name."""

    status: list[str] = []
    symbol: list[str] = []
    timeframe: list[str] = []
    is_published: bool | None = None
    q: str = ""
    sort: str = "-created_at"


class DeploymentsQuery(PeriodQuery, frozen=True, kw_only=True):
    """`active`: starting, running, paused, stopping."""

    active: bool | None = None
    state: list[str] = []
    mode: list[str] = []
    strategy_id: list[str] = []
    symbol: list[str] = []
    account_login: list[int] = []
    sort: str = "-created_at"


class ScannersQuery(PageQuery, frozen=True, kw_only=True):
    """`state` default: all but deleted; `q`: part of the name."""

    state: list[str] = []
    pattern_type: list[str] = []
    q: str = ""
    sort: str = "-created_at"


class TradesQuery(PeriodQuery, frozen=True, kw_only=True):
    """`from`, `to`: on taken_at; `closed_from`, `closed_to`: on closed_at."""

    deployment_id: list[int] = []
    strategy_id: list[str] = []
    symbol: list[str] = []
    side: list[str] = []
    status: list[str] = []
    result: list[str] = []
    adjusted: bool | None = None
    closed_from: str = ""
    closed_to: str = ""
    sort: str = "-taken_at"


class AnalyticsQuery(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """Either `window` (5m, 1h, 24h, 7d, 30d; default 24h) or from and to.

    `group_by`: symbol, strategy, hour (of the day, UTC) or provider.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 30
    window: str = ""
    since: str = ""
    until: str = ""
    deployment_id: list[int] = []
    symbol: list[str] = []
    mode: list[str] = []
    group_by: str = ""


class SlippageQuery(AnalyticsQuery, frozen=True, kw_only=True):
    """`against`: decision, arrival, mid or touch."""

    against: str = "decision"


class PerformanceQuery(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """`adjusted` false: as the engine has it."""

    deployment_id: int | None = None
    mode: list[str] = []
    since: str = ""
    until: str = ""
    adjusted: bool = True


class AccountsQuery(PageQuery, frozen=True, kw_only=True):
    """`account_login`: of these only; `as_of`: as it was then."""

    account_login: list[int] = []
    as_of: str = ""


class HoldingsQuery(AccountsQuery, frozen=True, kw_only=True):
    """Filter by symbol."""

    symbol: list[str] = []


class UserOrdersQuery(HoldingsQuery, frozen=True, kw_only=True):
    """`status` default: all that work."""

    status: list[str] = []


class AuditRequest(PeriodQuery, frozen=True, kw_only=True):
    """Newest first; `user`: number or e-mail."""

    user: str = ""
    entity_type: list[str] = []
    entity_id: list[str] = []
    actor: list[str] = []
    action: list[str] = []
    outcome: list[str] = []


class ExportRequest(Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """`from`, `to`: when; `first`, `last`: numbers of entries, the tenant's first is 1.

    `challenge`: anything that the reader makes up; it is signed with the rest, so that they see that the file is new.
    """

    since: str = ""
    until: str = ""
    first: Annotated[int, Meta(ge=1, le=ENTRY_NUMBER_MAX)] = 1
    last: Annotated[int, Meta(ge=1, le=ENTRY_NUMBER_MAX)] | None = None
    challenge: Annotated[str, Meta(max_length=CHALLENGE_CHARACTERS_MAX)] = ""
