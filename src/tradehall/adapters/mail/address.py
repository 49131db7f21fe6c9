"""Where mail goes: smtp://, smtp+plain:// and smtps:// addresses."""

from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

PORTS: Final = {"smtp": 587, "smtp+plain": 25, "smtps": 465}


class MailAddressRefused(ValueError):
    """The address of a mail server cannot be understood; the text says what was expected."""


class SmtpServer(Struct, frozen=True):
    """A server. `scheme` smtp: encrypted by STARTTLS or not at all; smtps: from the first byte; smtp+plain: never."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"SmtpServer({self.scheme}://{self.host}:{self.port})"


def smtp_server(address: str) -> SmtpServer:
    """The server of an address. MailAddressRefused, which never tells the password."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in PORTS or not host or parts.path not in ("", "/") or parts.query:
        raise MailAddressRefused("expected outbox, or smtp://user:password@mail.example:587, smtps:// or smtp+plain://")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return SmtpServer(parts.scheme, host, port or PORTS[parts.scheme], user, password)
