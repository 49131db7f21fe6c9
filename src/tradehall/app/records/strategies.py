"""Strategies: what somebody lets trade by rule. Kept for good; a definition that changes becomes a new version."""

from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.domain.ids import AccountId

KIND: Final = "strategy"
# A version's definition, by `strategy/number`: lists of strategies need not carry them.
VERSION_KIND: Final = "strategy_version"

NAME_LENGTH_MAX: Final = 80
STRATEGIES_MAX: Final = 5_000  # Of one owner, deleted ones included.
VERSIONS_MAX: Final = 1_000  # Of one strategy.


class StrategyStatus(StrEnum):
    """draft → active (its definition is valid) ↔ published; any → deleted → active."""

    DRAFT = "draft"
    ACTIVE = "active"
    PUBLISHED = "published"
    DELETED = "deleted"


class Program(StrEnum):
    """Who carries a strategy out."""

    GRAPH = "graph"  # This house, by its definition.
    PYTHON = "python"  # A program that `tradehall deploy` supervises; it trades through the gateway.
    EXTERNAL = "external"  # A program we know nothing of but its orders.


class Category(Struct, frozen=True, gc=False):
    """A shelf of the marketplace."""

    category_id: int
    label: str
    description: str


CATEGORIES: Final = {
    category.category_id: category
    for category in (
        Category(1, "Other", "Everything else"),
        Category(2, "Mean reversion", "Trades back to an average"),
        Category(3, "Trend", "Trend following"),
        Category(4, "Breakout", "Trades out of a range"),
        Category(5, "Scalping", "Many short positions"),
    )
}
OTHER: Final = 1


class Strategy(Struct, frozen=True, omit_defaults=True):
    """A strategy without its definition; instants in ns UTC.

    `keygen` is a UUID text: the `strategy_id` of its orders, budgets and books. `user_id` None: an operator's.
    `account_id`: the account an operator or outside program trades, NO_ACCOUNT: that of each deployment.
    `definition_version`: number of the newest version, 0: there is none. `add_ons`: those of the newest
    version, for lists. `readable_id`, `instrument_id`: what the dashboard shows of a program from outside.
    `version` counts the changes of this record.
    """

    strategy_id: int
    keygen: str
    name: str
    symbol: str
    timeframe: str
    created_at: int
    updated_at: int
    domain: str = DEFAULT_DOMAIN
    user_id: int | None = None
    account_id: AccountId = NO_ACCOUNT
    category_id: int = OTHER
    status: StrategyStatus = StrategyStatus.DRAFT
    program: Program = Program.GRAPH
    definition_version: int = 0
    is_copied: bool = False
    copied_from: int | None = None
    copier_count: int = 0
    notifications: bool = True
    add_ons: dict[str, Any] = {}
    readable_id: str = ""
    instrument_id: str = ""
    deleted_at: int | None = None
    version: int = 1

    @property
    def is_deleted(self) -> bool:
        """Whether its owner does not see it any more."""
        return self.status is StrategyStatus.DELETED

    @property
    def is_published(self) -> bool:
        """Whether the marketplace shows it."""
        return self.status is StrategyStatus.PUBLISHED

    @property
    def shown_id(self) -> str:
        """A name for people that no other strategy has."""
        return self.readable_id or f"{'-'.join(self.name.split()) or 'strategy'}-{self.strategy_id:03d}"


class StrategyVersion(Struct, frozen=True, omit_defaults=True):
    """One definition of a strategy, as its author gave it; never changed again."""

    strategy_id: int
    number: int
    definition: dict[str, Any]
    symbol: str
    timeframe: str
    created_at: int
    actor: str = ""


def version_key(strategy_id: int, number: int) -> str:
    """What a version is kept under."""
    return f"{strategy_id}/{number}"
