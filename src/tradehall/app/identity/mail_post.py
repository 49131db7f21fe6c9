"""The post: mail waits in memory until it is handed over, and is tried again where that may help."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from tradehall.ports.mail import Mail, Mailer, MailFault

# Beyond this many the newest is refused: whoever asked is told at once.
WAITING_MAX: Final = 1_000
RETRY_AFTER_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
SEND_WITHIN_S: Final = 30.0

log: Final = logging.getLogger("tradehall.mail")


class MailPost:
    """Sends one mail after the other. Mail is not kept on disk: it may hold a secret that must not be there."""

    def __init__(self, mailer: Mailer, *, retry_after_s: Sequence[float] = RETRY_AFTER_S) -> None:
        self._mailer = mailer
        self._retry_after_s = retry_after_s
        self._waiting: deque[tuple[Mail, int]] = deque()
        self._arrived = asyncio.Event()
        self._later: set[asyncio.TimerHandle] = set()

    @property
    def is_full(self) -> bool:
        """Whether no more mail is taken now."""
        return len(self._waiting) + len(self._later) >= WAITING_MAX

    def post(self, mail: Mail) -> None:
        """Take a mail; ask `is_full` first."""
        assert not self.is_full, "the post is full"
        self._put(mail, 0)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send everything that waits; what fails is tried again later."""
        while self._waiting:
            await self._send(*self._waiting.popleft())

    def close(self) -> None:
        """Forget what waits for another try."""
        for handle in self._later:
            handle.cancel()
        if lost := len(self._later) + len(self._waiting):
            log.warning("%d mails were not sent before the end; their links can be asked for again", lost)
        self._later.clear()
        self._waiting.clear()

    def _put(self, mail: Mail, tries: int) -> None:
        self._waiting.append((mail, tries))
        self._arrived.set()

    async def _send(self, mail: Mail, tries: int) -> None:
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                await self._mailer.send(mail)
        except MailFault as fault:
            self._failed(mail, tries, str(fault), may_help_again=fault.may_help_again)
        except TimeoutError:
            self._failed(mail, tries, f"no answer within {SEND_WITHIN_S:.0f} s", may_help_again=True)
        except Exception:
            # Whatever is wrong with one mail, the next one goes out.
            log.exception("a mail could not be sent: subject=%r", mail.subject)

    def _failed(self, mail: Mail, tries: int, reason: str, *, may_help_again: bool) -> None:
        if not may_help_again or tries >= len(self._retry_after_s):
            log.error("a mail is given up: subject=%r tries=%d reason=%s", mail.subject, tries + 1, reason)
            return
        wait_s = self._retry_after_s[tries]
        log.warning("a mail will be tried again in %d s: subject=%r reason=%s", wait_s, mail.subject, reason)
        self._try_later(mail, tries + 1, wait_s)

    def _try_later(self, mail: Mail, tries: int, wait_s: float) -> None:
        def put() -> None:
            self._later.discard(handle)
            self._put(mail, tries)

        handle = asyncio.get_running_loop().call_later(wait_s, put)
        self._later.add(handle)
