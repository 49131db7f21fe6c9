"""Mail that the house sends."""

from typing import Protocol

from msgspec import Struct


class Mail(Struct, frozen=True):
    """A mail in plain text. It may hold a secret, so it is neither logged nor printed."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return f"Mail(subject={self.subject!r})"


class MailFault(Exception):
    """A mail was not taken. `may_help_again`: the other side may take it later."""

    def __init__(self, sentence: str, *, may_help_again: bool) -> None:
        super().__init__(sentence)
        self.may_help_again = may_help_again


class Mailer(Protocol):
    """Hands mail over."""

    async def send(self, mail: Mail) -> None:
        """Return when somebody else is responsible for it; MailFault otherwise."""
        ...
