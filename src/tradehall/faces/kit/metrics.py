"""Counters, gauges and histograms in Prometheus' text format.

Label values are bounded: past MAX_LABEL_SETS combinations a metric counts the rest under
"other", so that no caller can make the server remember his inventions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, TypeAlias, TypeVar

from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response

MAX_LABEL_SETS = 2_000
# Seconds; the bounds that gateways of this kind publish.
LATENCY_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = tuple[object, ...]
T = TypeVar("T")


class Metric(ABC):
    """A name, a sentence of help, the names of its labels."""

    kind: ClassVar[str]

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self.help_text = help_text
        self.labels = labels

    @abstractmethod
    def lines(self) -> Iterator[str]:
        """The samples, one line each."""

    def _sample(self, suffix: str, labels: Labels, value: float, extra: str = "") -> str:
        pairs = [f'{name}="{_escaped(label)}"' for name, label in zip(self.labels, labels, strict=True)]
        inside = ",".join([*pairs, extra] if extra else pairs)
        return f"{self.name}{suffix}{{{inside}}} {value}" if inside else f"{self.name}{suffix} {value}"


class _ByLabels(dict[Labels, T]):
    """What a metric keeps for each set of label values; it is made when it is first asked for."""

    def __init__(self, metric: Metric, make: Callable[[], T]) -> None:
        super().__init__()
        self._metric = metric
        self._make = make

    def __missing__(self, labels: Labels) -> T:
        names = self._metric.labels
        assert len(labels) == len(names), f"{self._metric.name} takes the labels {names}"
        return self.setdefault(labels if len(self) < MAX_LABEL_SETS else ("other",) * len(labels), self._make())


class Cell:
    """One number: a metric's under one set of label values."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Counter(Metric):
    """Only ever grows."""

    kind = "counter"

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...]) -> None:
        super().__init__(name, help_text, labels)
        self._cells = _ByLabels(self, Cell)
        if not labels:
            self.cell()

    def cell(self, *labels: object) -> Cell:
        """The number under these label values, in the order of the declared labels; who counts often keeps it."""
        return self._cells[labels]

    def add(self, *labels: object, by: float = 1) -> None:
        """Count `by` more under these label values."""
        self._cells[labels].value += by

    def lines(self) -> Iterator[str]:
        """One line per label set."""
        for labels, cell in self._cells.items():
            yield self._sample("", labels, cell.value)


class Gauge(Counter):
    """Goes up and down."""

    kind = "gauge"

    def set(self, value: float, *labels: object) -> None:
        """The value is now this."""
        self.cell(*labels).value = value


class Buckets:
    """How many observations fell under each bound, and their sum: a histogram's under one set of label values."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """One more observation."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Histogram(Metric):
    """How many observations fell under each bound, with their sum and count."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        super().__init__(name, help_text, labels)
        self._bounds = bounds
        self._buckets = _ByLabels(self, partial(Buckets, bounds))

    def buckets(self, *labels: object) -> Buckets:
        """Those under these label values; who observes often keeps them."""
        return self._buckets[labels]

    def observe(self, value: float, *labels: object) -> None:
        """One more observation."""
        self._buckets[labels].observe(value)

    def lines(self) -> Iterator[str]:
        """Cumulative buckets, sum and count per label set."""
        for labels, buckets in self._buckets.items():
            total = 0
            for bound, count in zip((*map(repr, self._bounds), "+Inf"), buckets.counts, strict=True):
                total += count
                yield self._sample("_bucket", labels, total, f'le="{bound}"')
            yield self._sample("_sum", labels, buckets.total)
            yield self._sample("_count", labels, total)


M = TypeVar("M", bound=Metric)


class Metrics:
    """All metrics of a server. Asking for a name twice gives the same metric."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._before: list[Callable[[], None]] = []

    def counter(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> Counter:
        """A counter; by custom its name ends in `_total`."""
        return self._known(Counter(name, help_text, labels))

    def gauge(self, name: str, help_text: str, labels: tuple[str, ...] = ()) -> Gauge:
        """A gauge."""
        return self._known(Gauge(name, help_text, labels))

    def histogram(
        self,
        name: str,
        help_text: str,
        labels: tuple[str, ...] = (),
        bounds: tuple[float, ...] = LATENCY_BOUNDS,
    ) -> Histogram:
        """A histogram; `bounds` ascend."""
        return self._known(Histogram(name, help_text, labels, bounds))

    def before_render(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` before each rendering, to set gauges that are cheap to read then."""
        self._before.append(refresh)

    async def answer(self, request: Request) -> Response:
        """The figures of this server, in Prometheus' text format."""
        return Response(200, self.render(), content_type=CONTENT_TYPE)

    def render(self) -> bytes:
        """Everything, as Prometheus reads it."""
        for refresh in self._before:
            refresh()
        text: list[str] = []
        for metric in self._metrics.values():
            text += (f"# HELP {metric.name} {metric.help_text}", f"# TYPE {metric.name} {metric.kind}")
            text += metric.lines()
        return ("\n".join(text) + "\n").encode()

    def _known(self, metric: M) -> M:
        known = self._metrics.setdefault(metric.name, metric)
        assert type(known) is type(metric), f"{metric.name} is already a {known.kind}"
        assert known.labels == metric.labels, f"{metric.name} has the labels {known.labels}"
        return known


def _escaped(label: object) -> str:
    return str(label).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
