"""Listings: strategies as the marketplace shows them."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.app.records.strategies import OTHER
from tradehall.app.records.users import DEFAULT_DOMAIN

KIND: Final = "listing"
TITLE_LENGTHS: Final = (3, 80)
SUMMARY_LENGTH_MAX: Final = 500


class ListingVisibility(StrEnum):
    """Who sees a listing."""

    PUBLIC = "public"
    DOMAIN = "domain"  # People of the owner's domain.


class Listing(Struct, frozen=True, omit_defaults=True):
    """What the marketplace says of a strategy, by the strategy's number; instants in ns UTC."""

    strategy_id: int
    published: bool
    title: str
    domain: str = DEFAULT_DOMAIN
    summary: str = ""
    category_id: int = OTHER
    visibility: ListingVisibility = ListingVisibility.PUBLIC
    published_at: int | None = None
    unpublished_at: int | None = None
    version: int = 1
