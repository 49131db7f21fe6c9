"""Sign-in limits: who guesses passwords is locked out for a while, per login and per address."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.clock import Clock
from tradehall.ports.records import RecordsFault, RecordStore

KIND: Final = "sign_in_failures"
SPAN_NS: Final = 15 * NS_PER_MINUTE
FAILURES_OF_LOGIN_MAX: Final = 5
FAILURES_OF_ADDRESS_MAX: Final = 20
# Whoever has failed last is remembered longest.
SUBJECTS_MAX: Final = 100_000
# All addresses of one customer of a network provider, who may choose freely among them.
NETWORK_BITS: Final = 64

_log: Final = logging.getLogger("tradehall.identity")


class Attempt:
    """One try; it counts as a failure of the house, and for nothing, unless its end is told."""

    def __init__(self) -> None:
        self.has_failed: bool | None = None

    def failed(self) -> None:
        """The password was wrong."""
        self.has_failed = True

    def succeeded(self) -> None:
        """The password was right: the login's failures are forgotten."""
        self.has_failed = False


class SignInLimits:
    """Failures of the last 15 minutes; a failure is in the store before its answer goes out."""

    def __init__(self, clock: Clock, store: RecordStore) -> None:
        self._clock = clock
        self._store = store
        self._writing = asyncio.Lock()
        kept = {key: msgspec.json.decode(body, type=list[int]) for key, body in store.all(KIND).items()}
        self._logins = _Tally("login", FAILURES_OF_LOGIN_MAX, kept)
        self._addresses = _Tally("address", FAILURES_OF_ADDRESS_MAX, kept)

    @asynccontextmanager
    async def attempt(self, login: object, address: str) -> AsyncIterator[Attempt]:
        """Admit one try, or raise IdentityRefused with the time to wait; `address` "" is not counted.

        Tries at once do not add up to more guesses: one that could be the last waits for those before it.
        """
        login, address = str(login), network_of(address)
        await self._admitted(login, address)
        attempt = Attempt()
        try:
            yield attempt
        finally:
            now = self._clock.now()
            self._logins.end(login, now, attempt.has_failed)
            self._addresses.end(address, now, attempt.has_failed or None)
            await self._keep()

    async def forget(self) -> None:
        """Let go of failures that count no more."""
        now = self._clock.now()
        self._logins.forget(now)
        self._addresses.forget(now)
        await self._keep()

    async def _admitted(self, login: str, address: str) -> None:
        while True:
            now = self._clock.now()
            until = max(self._logins.locked_until(login, now), self._addresses.locked_until(address, now))
            if until > now:
                raise locked(until - now)
            before = self._logins.in_the_way(login) or self._addresses.in_the_way(address)
            if before is None:
                self._logins.begin(login)
                self._addresses.begin(address)
                return
            await before.wait()

    async def _keep(self) -> None:
        async with self._writing:  # What is written later is newer.
            marks = self._logins.take_changes() | self._addresses.take_changes()
            if not marks:
                return
            try:
                await asyncio.to_thread(self._store.mark, KIND, marks)
            except RecordsFault as fault:
                _log.warning("failed sign-ins are counted until the next start only: %s", fault)


def locked(wait_ns: int) -> IdentityRefused:
    """Too many failures; a new try makes sense in `wait_ns`."""
    seconds = -(-wait_ns // NS_PER_SECOND)
    return IdentityRefused(
        IdentityCode.SIGN_IN_LOCKED, f"too many failed attempts, try again in {seconds} s", retry_after_s=seconds
    )


def network_of(address: str) -> str:
    """What failures of an address are counted under."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> NETWORK_BITS << NETWORK_BITS))


class _Tally:
    """Failures and running tries by subject. A subject "" is never counted.

    `name`: what the keys of its records begin with; `kept`: the records of all tallies, by key.
    """

    def __init__(self, name: str, most: int, kept: Mapping[str, Sequence[int]]) -> None:
        self._prefix = f"{name}:"
        self._most = most
        mine = {key: failures for key, failures in kept.items() if key.startswith(self._prefix)}
        self._failures = {key.removeprefix(self._prefix): deque(at, maxlen=most) for key, at in mine.items()}
        self._changed: dict[str, None] = {}
        self._running: dict[str, int] = {}
        self._ended: dict[str, asyncio.Event] = {}

    def locked_until(self, subject: str, now: int) -> int:
        """When a new try is admitted [ns UTC]; 0: now."""
        failures = self._failures.get(subject)
        if failures is None:
            return 0
        while failures and failures[0] <= now - SPAN_NS:
            failures.popleft()
        if not failures:
            self._clear(subject)
            return 0
        return failures[0] + SPAN_NS if len(failures) >= self._most else 0

    def in_the_way(self, subject: str) -> asyncio.Event | None:
        """What to wait for when the running tries, should all fail, leave no room for one more."""
        running = self._running.get(subject, 0)
        if not subject or not running or len(self._failures.get(subject, ())) + running < self._most:
            return None
        return self._ended.setdefault(subject, asyncio.Event())

    def begin(self, subject: str) -> None:
        if subject:
            self._running[subject] = self._running.get(subject, 0) + 1

    def end(self, subject: str, now: int, has_failed: bool | None) -> None:
        if not subject:
            return
        self._running[subject] -= 1
        if not self._running[subject]:
            del self._running[subject]
        if has_failed is False:
            self._clear(subject)
        elif has_failed:
            self._note(subject, now)
        if (ended := self._ended.pop(subject, None)) is not None:
            ended.set()

    def _note(self, subject: str, now: int) -> None:
        failures = self._failures.pop(subject, None) or deque(maxlen=self._most)
        failures.append(now)
        self._failures[subject] = failures  # Last in the order of the dict.
        self._changed[subject] = None
        if len(self._failures) > SUBJECTS_MAX:
            self._clear(next(iter(self._failures)))

    def _clear(self, subject: str) -> None:
        if self._failures.pop(subject, None) is not None:
            self._changed[subject] = None

    def forget(self, now: int) -> None:
        for subject in list(self._failures):
            self.locked_until(subject, now)

    def take_changes(self) -> dict[str, bytes | None]:
        """What the records of subjects became since the last call, by key; None: there is none any more."""
        changed, self._changed = self._changed, {}
        return {self._prefix + subject: self._record(subject) for subject in changed}

    def _record(self, subject: str) -> bytes | None:
        failures = self._failures.get(subject)
        return None if failures is None else msgspec.json.encode(list(failures))
