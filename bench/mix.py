"""Mixtures of requests: templates with weights and many callers, where one request may need what another was answered.

A mixture is a list of templates, written as JSON for the load generator, which is a process of its own.
"""

import itertools
import random
import re
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

# Tickets that wait to be used, by caller; older ones than these are left be.
POOL_MAX = 1_000


class Template(Struct):
    """One kind of request.

    `callers`: header lines, a request each in turn. In the body `{n}` is a number of the request's own; there
    and in the path `{side}` is one of `sides` in turn. `keeps`: a pattern whose first group, in a good answer,
    is put in `pool`; a template that has a pool and keeps nothing takes what lies there into its `{ticket}`,
    and `instead` is sent where nothing does.
    """

    name: str
    method: str
    path: str
    callers: list[str]
    weight: int = 1
    body: str = ""
    sides: list[str] = []
    pool: str = ""
    keeps: str = ""
    instead: str = ""


class Asked(Struct):
    """A request under way: what it was made of, and by which caller."""

    template: Template
    caller: int
    wire: bytes


class Mix:
    """Draws requests; the same seed draws the same kinds."""

    def __init__(self, templates: Sequence[Template], host: str, *, seed: int = 1) -> None:
        self._named = {template.name: template for template in templates}
        self._host = host
        self._dice = random.Random(seed)
        self._bag = [template for template in templates for _ in range(template.weight)]
        self._turn = {template.name: itertools.count() for template in templates}
        # No two runs send the same number: what was sent before would be answered from memory.
        self._numbers = itertools.count(time.time_ns())
        self._pools: dict[tuple[str, int], deque[str]] = {}

    def draw(self) -> Asked:
        """The next request."""
        template = self._dice.choice(self._bag)
        turn = next(self._turn[template.name])
        caller = turn % len(template.callers)
        ticket = ""
        if template.pool and not template.keeps:
            pool = self._pool(template, caller)
            if not pool:
                template = self._named[template.instead]
            else:
                ticket = pool.popleft()
        return Asked(template, caller, self._wire(template, caller, turn, ticket))

    def answered(self, asked: Asked, status: int, body: bytes) -> None:
        """Keep what later requests need."""
        template = asked.template
        if template.keeps and status < 300 and (found := re.search(template.keeps, body.decode())):
            self._pool(template, asked.caller).append(found[1])

    def _pool(self, template: Template, caller: int) -> deque[str]:
        return self._pools.setdefault((template.pool, caller), deque(maxlen=POOL_MAX))

    def _wire(self, template: Template, caller: int, turn: int, ticket: str) -> bytes:
        body = template.body.replace("{n}", str(next(self._numbers))).replace("{ticket}", ticket)
        path = template.path.replace("{ticket}", ticket)
        if template.sides:
            # Each caller takes the sides in turn, so that what one opens the next closes.
            side = template.sides[turn // len(template.callers) % len(template.sides)]
            body, path = body.replace("{side}", side), path.replace("{side}", side)
        return (
            f"{template.method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{template.callers[caller]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def read(text: bytes) -> list[Template]:
    """Templates from a file."""
    return msgspec.json.decode(text, type=list[Template])


def written(templates: Sequence[Template]) -> bytes:
    """Templates for a file."""
    return msgspec.json.encode(templates)


def figures_of(latencies: dict[str, list[float]], statuses: dict[str, dict[int, int]]) -> dict[str, Any]:
    """By template: how many, how long they took in milliseconds, and what they were answered."""
    return {
        name: {"requests": len(found), **_shares(sorted(found)), "statuses": statuses[name]}
        for name, found in sorted(latencies.items())
    }


def _shares(ordered: Sequence[float]) -> dict[str, float]:
    return {f"p{share}_ms": round(ordered[len(ordered) * share // 100] * 1e3, 3) for share in (50, 95, 99)}
