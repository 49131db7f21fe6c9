"""The post: mail waits in memory until it is handed over, and is tried again where that may help."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from tradehall.ports.mail import Mail, Mailer, MailFault

# Beyond this many the newest is refused: whoever asked is told at once.
WAITING_MAX: Final = 1_000
RETRY_AFTER_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
SEND_WITHIN_S: Final = 30.0

log: Final = logging.getLogger("tradehall.mail")


async def _nobody_asks() -> None:
    pass


class Waiting(NamedTuple):
    """A mail, how often it was tried, and what to do when it will not be tried again."""

    mail: Mail
    tries: int
    over: Callable[[], Awaitable[None]]


class MailPost:
    """Sends one mail after the other. Mail is not kept on disk: it may hold a secret that must not be there."""

    def __init__(self, mailer: Mailer, *, retry_after_s: Sequence[float] = RETRY_AFTER_S) -> None:
        self._mailer = mailer
        self._retry_after_s = retry_after_s
        self._waiting: deque[Waiting] = deque()
        self._arrived = asyncio.Event()
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def is_full(self) -> bool:
        """Whether no more mail is taken now."""
        return len(self._waiting) + len(self._later) >= WAITING_MAX

    def post(self, mail: Mail, over: Callable[[], Awaitable[None]] = _nobody_asks) -> None:
        """Take a mail; ask `is_full` first. `over`: called when it was handed over, or is given up."""
        assert not self.is_full, "the post is full"
        self._put(Waiting(mail, 0, over))

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send everything that waits; what fails is tried again later."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if await self._is_over(waiting):
                await waiting.over()

    def close(self) -> None:
        """Forget what waits for another try."""
        for handle in self._later:
            handle.cancel()
        if lost := len(self._later) + len(self._waiting):
            log.warning(
                "%d mails were not sent before the end; letters that are kept go out after the next start", lost
            )
        self._later.clear()
        self._waiting.clear()

    def _put(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        self._arrived.set()

    async def _is_over(self, waiting: Waiting) -> bool:
        """Try; whether nothing is left to be tried."""
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                await self._mailer.send(waiting.mail)
        except MailFault as fault:
            return self._is_given_up(waiting, str(fault), may_help_again=fault.may_help_again)
        except TimeoutError:
            return self._is_given_up(waiting, f"no answer within {SEND_WITHIN_S:.0f} s", may_help_again=True)
        except Exception:
            # Whatever is wrong with one mail, the next one goes out.
            log.exception("a mail could not be sent: subject=%r", waiting.mail.subject)
        return True

    def _is_given_up(self, waiting: Waiting, reason: str, *, may_help_again: bool) -> bool:
        subject, tries = waiting.mail.subject, waiting.tries
        if not may_help_again or tries >= len(self._retry_after_s):
            log.error("a mail is given up: subject=%r tries=%d reason=%s", subject, tries + 1, reason)
            return True
        wait_s = self._retry_after_s[tries]
        log.warning("a mail will be tried again in %d s: subject=%r reason=%s", wait_s, subject, reason)
        self._try_later(waiting._replace(tries=tries + 1), wait_s)
        return False

    def _try_later(self, waiting: Waiting, wait_s: float) -> None:
        def put() -> None:
            self._later.discard(handle)
            self._put(waiting)

        handle = asyncio.get_running_loop().call_later(wait_s, put)
        self._later.add(handle)
