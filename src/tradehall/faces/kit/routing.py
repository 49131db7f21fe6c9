"""Finding the route: a dict for literal paths, a tree of segments for patterns.

The cost does not depend on the number of routes. A literal path wins over a pattern.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import unquote

from tradehall.faces.kit.door import Authenticate, Door, Route
from tradehall.faces.kit.limits import Limit
from tradehall.faces.kit.metrics import Buckets, Cell

WEBSOCKET = "WEBSOCKET"  # The method of routes that answer with an Upgrade.


@dataclass(slots=True, eq=False)
class Endpoint:
    """A route as mounted at one of its door's prefixes; `rivals` share its method and path.

    `tallies`: where its answers are counted, by status. `authenticate` is the door's, None where strangers may ask;
    `limit` is the route's, None where there is none.
    """

    door: Door
    route: Route
    path: str
    names: tuple[str, ...]
    rivals: tuple[Endpoint, ...] = ()
    tallies: dict[int, Tally] = field(default_factory=dict, repr=False)
    authenticate: Authenticate | None = field(init=False)
    limit: Limit | None = field(init=False)

    def __post_init__(self) -> None:
        """What its declaration comes to."""
        self.authenticate = None if self.route.public else self.door.authenticate
        self.limit = self.door.limits[self.route.limit] if self.route.limit else None


Tally: TypeAlias = tuple[str, Cell, Buckets]  # Of which door, how many answers, and how long they took [s].
Methods: TypeAlias = dict[str, Endpoint]
Found: TypeAlias = tuple[Methods, tuple[str, ...]]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    anything: _Node | None = None
    methods: Methods = field(default_factory=dict)


class RouteTable:
    """All routes of all doors; `literals` are those without placeholders."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self.literals: dict[str, Methods] = {}
        self._tree = _Node()
        self._doors: list[tuple[str, Door]] = []
        for door in doors:
            self._mount(door)
        self._doors.sort(key=lambda owned: -len(owned[0]))

    def find(self, path: str, raw_path: bytes) -> Found | None:
        """The methods known at a path and the values of its placeholders; None: no such path.

        `raw_path` is the path as sent: an encoded slash there belongs to its segment.
        """
        methods = self.literals.get(path)
        if methods is not None:
            return methods, ()
        if path.endswith("/") and path != "/":
            found = self.find(path.rstrip("/"), raw_path.rstrip(b"/"))
            if found and (methods := _with_slash(found[0])):
                return methods, found[1]
        segments = path[1:].split("/") if b"%" not in raw_path else _decoded(raw_path)
        return _walk(self._tree, segments, 0, ())

    def teller(self, path: str, raw_path: bytes) -> Door:
        """The door that says what is wrong with a request to a path: whose route it is, or its owner.

        The root stands for a path that could not be read, too: its owner speaks.
        """
        found = self.find(path, raw_path) if path != "/" else None
        return next(iter(found[0].values())).door if found else self.owner(path)

    def owner(self, path: str) -> Door:
        """The door that answers for an unknown path: the one with the longest prefix."""
        for prefix, door in self._doors:
            if not prefix or path == prefix or path.startswith(prefix + "/"):
                return door
        return self._doors[-1][1]

    def _mount(self, door: Door) -> None:
        for prefix in door.prefixes:
            self._doors.append((prefix, door))
            for route in door.routes:
                if not route.root or prefix == door.prefixes[0]:
                    self._add(door, route, prefix + route.path)

    def _add(self, door: Door, route: Route, path: str) -> None:
        segments = path[1:].split("/")
        names = tuple(segment[1:-1] for segment in segments if segment.startswith("{"))
        methods = self._leaf(segments).methods if names else self.literals.setdefault(path, {})
        for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            methods[method] = _joined(methods.get(method), Endpoint(door, route, path, names))

    def _leaf(self, segments: list[str]) -> _Node:
        node = self._tree
        for segment in segments:
            if segment.startswith("{"):
                node.anything = node = node.anything or _Node()
            else:
                node = node.literals.setdefault(segment, _Node())
        return node


def _joined(present: Endpoint | None, new: Endpoint) -> Endpoint:
    if present is None:
        return new
    # One door mounted twice at the same place is a mistake; two doors take turns by `when`.
    assert present.route.when or new.route.when, f"{new.route.method} {new.path} is declared twice"
    rivals = sorted((present, *present.rivals, new), key=lambda endpoint: endpoint.route.when is None)
    return Endpoint(present.door, present.route, present.path, present.names, tuple(rivals))


def _with_slash(methods: Methods) -> Methods:
    """Of the methods at a path those that are known with a slash at its end, too: where one door wants that."""
    return {name: one for name, one in methods.items() if any(each.door.slash_optional for each in (one, *one.rivals))}


def _decoded(raw_path: bytes) -> list[str]:
    return [unquote(segment) for segment in raw_path[1:].decode("latin-1").split("/")]


def _walk(node: _Node, segments: list[str], at: int, values: tuple[str, ...]) -> Found | None:
    if at == len(segments):
        return (node.methods, values) if node.methods else None
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal and (found := _walk(literal, segments, at + 1, values)):
        return found
    following = node.anything
    if following is None or not segment:
        return None
    if found := _walk(following, segments, at + 1, (*values, segment)):
        return found
    # A last placeholder takes the slashes too: BTC/USD is one symbol.
    return (following.methods, (*values, "/".join(segments[at:]))) if following.methods else None
