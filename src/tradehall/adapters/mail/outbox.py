"""Mail into a folder, a file each: what a house without a mail server does."""

import asyncio
import os
import secrets
import time
from pathlib import Path
from typing import Final

from tradehall.adapters.mail.message import message_of
from tradehall.ports.mail import Mail, MailFault

# With one more, the oldest goes.
FILES_MAX: Final = 1_000


class FileOutbox:
    """Writes `<instant>-<chance>.eml`, readable by its owner alone: a mail may open an account."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        """See the port."""
        try:
            await asyncio.to_thread(self._write, bytes(message_of(mail, self._sender)))
        except OSError as error:
            raise MailFault(f"{self._folder} cannot be written: {error.strerror}", may_help_again=True) from None
        except ValueError as error:
            raise MailFault(f"the mail cannot be written: {error}", may_help_again=False) from None

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Names in the order of time; the draft is none of the mails yet.
        name = f"{time.time_ns()}-{secrets.token_hex(3)}"
        draft = self._folder / f"{name}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / f"{name}.eml")
        for oldest in sorted(self._folder.glob("*.eml"))[:-FILES_MAX]:
            oldest.unlink(missing_ok=True)
