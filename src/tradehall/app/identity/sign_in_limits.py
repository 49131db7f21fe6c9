"""Sign-in limits: who guesses passwords is locked out for a while, per login and per address."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from typing import Final

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.clock import Clock

SPAN_NS: Final = 15 * NS_PER_MINUTE
FAILURES_OF_LOGIN_MAX: Final = 5
FAILURES_OF_ADDRESS_MAX: Final = 20
# Whoever has failed last is remembered longest.
SUBJECTS_MAX: Final = 100_000
# All addresses of one customer of a network provider, who may choose freely among them.
NETWORK_BITS: Final = 64


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
    """Failures of the last 15 minutes, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._logins = _Tally(FAILURES_OF_LOGIN_MAX)
        self._addresses = _Tally(FAILURES_OF_ADDRESS_MAX)

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
    """Failures and running tries by subject. A subject "" is never counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._failures: dict[str, deque[int]] = {}
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
            del self._failures[subject]
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
            self._failures.pop(subject, None)
        elif has_failed:
            self._note(subject, now)
        if (ended := self._ended.pop(subject, None)) is not None:
            ended.set()

    def _note(self, subject: str, now: int) -> None:
        failures = self._failures.pop(subject, None) or deque(maxlen=self._most)
        failures.append(now)
        self._failures[subject] = failures  # Last in the order of the dict.
        if len(self._failures) > SUBJECTS_MAX:
            del self._failures[next(iter(self._failures))]
