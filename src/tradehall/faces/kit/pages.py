"""Pages of lists: `page` and `size`, `sort`, and the envelope `{items, total, page, size, pages}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta, Struct

from tradehall.faces.kit.errors import BadRequest

PAGE_SIZE_MAX = 100
# A page so far out is surely empty, and its offset still fits everywhere.
PAGE_MAX = 1_000_000_000

T = TypeVar("T")


class PageQuery(Struct, frozen=True, kw_only=True):
    """Which page of a list: `page` from 1, `size` items."""

    page: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 1
    size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 50

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.size


class Page(Struct, Generic[T], frozen=True):
    """One page of `total` items on `pages` pages; past the end `items` is empty."""

    items: list[T]
    total: int
    page: int
    size: int
    pages: int


def page_of(items: Sequence[T], total: int, query: PageQuery) -> Page[T]:
    """The envelope of a page that was read already."""
    return Page(list(items), total, query.page, query.size, -(-total // query.size))


def cut_page(found: Sequence[Any], query: PageQuery, show: Callable[[Any], T]) -> Page[T]:
    """A page of a sorted list that is in memory."""
    cut = found[query.offset : query.offset + query.size]
    return page_of([show(each) for each in cut], len(found), query)


def in_order(found: Sequence[Any], sort: str, fields: Mapping[str, Callable[[Any], Any]], number: str) -> list[Any]:
    """`found` sorted by a field, `-` before it for descending; ties by number, descending. BadRequest: no such."""
    name, is_descending = sort.removeprefix("-"), sort.startswith("-")
    if name not in fields:
        raise BadRequest("sort", f"must be one of {', '.join(fields)}, with - for descending", place="query")
    key = fields[name]
    by_number = sorted(found, key=lambda each: getattr(each, number), reverse=True)
    # What has no value yet comes as the least.
    return sorted(by_number, key=lambda each: (key(each) is not None, key(each) or 0), reverse=is_descending)
