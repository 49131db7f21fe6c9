"""What the doors that speak in pages are asked in paths and queries."""

from collections.abc import Collection, Sequence

from tradehall.domain.time import from_rfc3339
from tradehall.faces.kit import BadRequest
from tradehall.faces.kit.instants import wire_instant


def instant(field: str, text: str | None, *, place: str = "body") -> int | None:
    """An RFC 3339 text as ns UTC; None and "" are none. BadRequest for anything else."""
    if not text:
        return None
    try:
        return wire_instant(text) if place == "query" else from_rfc3339(text)
    except ValueError:
        raise BadRequest(
            field, "must be an RFC 3339 time such as 2025-01-15T10:30:00Z", found=text[:40], place=place
        ) from None


def number_in_path(text: str) -> int:
    """A number as paths have it; what is none is nobody's: 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def check_words(field: str, said: Sequence[str], known: Sequence[str]) -> None:
    """BadRequest for a filter that can never match."""
    for word in said:
        if word not in known:
            raise BadRequest(field, f"must be one of {', '.join(known)}", found=word[:40], place="query")


def is_chosen(said: Collection[object], *values: object) -> bool:
    """Whether a filter lets one of these through; without words it lets all."""
    return not said or any(value in said for value in values)


def is_within(at: int | None, since: int | None, until: int | None) -> bool:
    """Whether an instant lies in a period; one that is not there lies in none but the whole of time."""
    if since is None and until is None:
        return True
    return at is not None and (since is None or at >= since) and (until is None or at < until)
