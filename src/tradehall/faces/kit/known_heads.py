"""Heads that came before on a connection are known by their words: what these mean is not read twice."""

from __future__ import annotations

import re
from typing import Final

import httptools

from tradehall.faces.kit.head import Head, target
from tradehall.faces.kit.request import CORRELATION_ID

# Of how many heads, and of how many sets of headers, and how long each head is at most.
HEADS_REMEMBERED: Final = 8
REMEMBERED_HEAD_BYTES: Final = 1024

_LINE_END: Final = b"\r\n"
# First lines that need no parser: other methods, other forms of a target and other versions are left to it.
_line: Final = re.compile(rb'(GET|POST|PUT|PATCH|DELETE) (/[!"$-~]*) HTTP/1\.1')
# Heads with these are not remembered: they come once, or do not tell all of how the request is read.
_NOT_REMEMBERED: Final = frozenset({
    CORRELATION_ID, b"x-request-id", b"idempotency-key", b"transfer-encoding", b"expect", b"upgrade",
})  # fmt: skip


class KnownHeads:
    """What one connection's client sends again and again: whole heads, and headers under other first lines."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        # All after the first line, and a head that has it.
        self._like: dict[bytes, Head] = {}

    def find(self, raw: bytes) -> Head | None:
        """The head that `raw` is, to its empty line; None: only the parser can tell."""
        head = self._heads.get(raw)
        if head is not None:
            _keep(self._heads, raw, head)  # What came again outlives what comes once.
            return head
        line, _, headers = raw.partition(_LINE_END)
        like = self._like.get(headers)
        if like is None or len(raw) > REMEMBERED_HEAD_BYTES or (asked := _line.fullmatch(line)) is None:
            return None
        method, url = asked.groups()
        try:
            head = like.asking(method.decode(), *target(url), size=len(raw))
        except httptools.HttpParserInvalidURLError:
            return None
        _keep(self._like, headers, like)
        _keep(self._heads, raw, head)
        return head

    def remember(self, raw: bytes, head: Head) -> None:
        """Know `raw` again, which the parser has read as `head`."""
        if len(raw) <= REMEMBERED_HEAD_BYTES and _NOT_REMEMBERED.isdisjoint(head.headers):
            _keep(self._heads, raw, head)
            _keep(self._like, raw.partition(_LINE_END)[2], head)


def _keep(known: dict[bytes, Head], words: bytes, head: Head) -> None:
    """As the newest; the oldest goes if there are too many."""
    known.pop(words, None)
    if len(known) >= HEADS_REMEMBERED:
        del known[next(iter(known))]
    known[words] = head
