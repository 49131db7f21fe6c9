"""Instants as callers write them in queries."""

from __future__ import annotations

from typing import Final

from tradehall.domain.time import from_rfc3339

# Years that no clock of ours knows are as good as the last it does.
FAR: Final = 2**63 - 1


def wire_instant(text: str) -> int:
    """An RFC 3339 text of a query as ns UTC; ValueError for anything that is none."""
    # A plus sign that was not encoded arrives as a space.
    if text[-6:-5] == " " and "T" in text.upper():
        text = f"{text[:-6]}+{text[-5:]}"
    try:
        at = from_rfc3339(text)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return max(-FAR, min(FAR, at))
