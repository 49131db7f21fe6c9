"""Requests on schedule, drawn from a mixture; what they were answered, minute by minute."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from bench.load import Connection
from bench.mix import Mix

CONNECTIONS: Final = 32
# Answers that are told word for word when they are no good; the rest is counted.
TOLD_MAX: Final = 20


@dataclass
class Answers:
    """What came back in some span: latencies in seconds, statuses by the kind of request."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def of(self, family: int) -> int:
        """How many answers of 2xx, 4xx, 5xx."""
        return sum(count for status, count in self.statuses.items() if status // 100 == family)

    def at_ms(self, share: float) -> float:
        """A percentile; 0 where nothing was answered."""
        ordered = sorted(self.latencies)
        return 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class Steady:
    """Sends what the mixture draws, `rate` times a second, over connections that are kept."""

    def __init__(self, mixture: Mix, host: str, port: int, rate: float) -> None:
        self._mix = mixture
        self._host, self._port, self._rate = host, port, rate
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self._now = Answers()
        self.kinds: dict[str, Counter[int]] = {}
        self.told: list[str] = []

    def taken(self) -> Answers:
        """What was answered since this was last asked."""
        answers, self._now = self._now, Answers()
        return answers

    def note(self, name: str, status: int, seconds: float, body: bytes) -> None:
        """Count one answer; visitors report theirs here too."""
        self._now.latencies.append(seconds)
        self._now.statuses[status] += 1
        self.kinds.setdefault(name, Counter())[status] += 1
        if status >= 500 and len(self.told) < TOLD_MAX:
            self.told.append(f"{name}: {status} {body[:300]!r}")

    async def send(self, until: float) -> None:
        """Until that reading of the loop's clock; a request that finds no connection waits, and its wait counts."""
        loop = asyncio.get_running_loop()
        lines = [await loop.create_connection(self._connection, self._host, self._port) for _ in range(CONNECTIONS)]
        self._idle.extend(line for _, line in lines)
        started = time.perf_counter()
        number = 0
        with contextlib.closing(_Lines([transport for transport, _ in lines])):
            while loop.time() < until:
                due = started + number / self._rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                number += 1
                if self._idle:
                    self._idle.popleft().send(self._mix.draw(), due)
                else:
                    self._waiting.append(due)
            await asyncio.sleep(1)  # What is under way is answered in this time.

    def _connection(self) -> Connection:
        return Connection(self._on_answer)

    def _on_answer(self, connection: Connection, status: int, body: bytes) -> None:
        asked = connection.asked
        assert asked is not None, "an answer to nothing"
        self._mix.answered(asked, status, body)
        self.note(asked.template.name, status, time.perf_counter() - connection.started, body)
        if self._waiting:
            connection.send(self._mix.draw(), self._waiting.popleft())
        else:
            self._idle.append(connection)


class _Lines:
    def __init__(self, transports: list[asyncio.Transport]) -> None:
        self._transports = transports

    def close(self) -> None:
        for transport in self._transports:
            transport.close()
