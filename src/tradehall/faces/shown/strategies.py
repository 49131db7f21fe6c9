"""Strategies, and what the marketplace says of them."""

from typing import Any

from msgspec import Struct

from tradehall.app.records.listings import Listing
from tradehall.app.records.strategies import CATEGORIES, OTHER, Strategy
from tradehall.domain.time import to_rfc3339
from tradehall.faces.shown.texts import stamp


class CategoryShown(Struct, frozen=True):
    """A shelf of the marketplace."""

    id: int
    label: str
    description: str
    is_valid: bool = True


class StrategyShown(Struct, frozen=True, kw_only=True):
    """A strategy as lists show it."""

    id: int
    keygen: str
    user_id: int | None
    name: str
    symbol: str
    timeframe: str
    category: CategoryShown
    status: str
    is_copied: bool
    is_published: bool
    notifications: bool
    add_ons: dict[str, Any]
    active_deployment_count: int
    copier_count: int
    created_at: str
    updated_at: str
    deleted_at: str | None
    version: int


class DeletionEffects(Struct, frozen=True):
    """What a deletion did besides."""

    unpublished: bool
    deployments_stopped: list[int]


class PublicationShown(Struct, frozen=True):
    """What the marketplace says of a strategy."""

    strategy_id: int
    published: bool
    title: str
    summary: str
    category_id: int
    visibility: str
    copier_count: int
    published_at: str | None
    unpublished_at: str | None
    version: int


def category(category_id: int) -> CategoryShown:
    """A category by its number."""
    found = CATEGORIES.get(category_id, CATEGORIES[OTHER])
    return CategoryShown(found.category_id, found.label, found.description)


def strategy_fields(found: Strategy, active_deployments: int) -> dict[str, Any]:
    """The fields of StrategyShown."""
    return {
        "id": found.strategy_id,
        "keygen": found.keygen,
        "user_id": found.user_id,
        "name": found.name,
        "symbol": found.symbol,
        "timeframe": found.timeframe,
        "category": category(found.category_id),
        "status": found.status.value,
        "is_copied": found.is_copied,
        "is_published": found.is_published,
        "notifications": found.notifications,
        "add_ons": found.add_ons,
        "active_deployment_count": active_deployments,
        "copier_count": found.copier_count,
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "deleted_at": stamp(found.deleted_at),
        "version": found.version,
    }


def publication(found: Strategy, listing: Listing | None) -> PublicationShown:
    """What the marketplace says of a strategy; of one that was never published, what it would say."""
    said = listing or Listing(found.strategy_id, False, found.name, category_id=found.category_id)
    return PublicationShown(
        said.strategy_id, said.published, said.title, said.summary, said.category_id, said.visibility.value,
        found.copier_count, stamp(said.published_at), stamp(said.unpublished_at), said.version,
    )  # fmt: skip
