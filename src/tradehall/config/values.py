"""What a setting's text may be: each reader returns the value, or raises ValueError with what it expected."""

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tradehall.adapters.mail import smtp_server
from tradehall.app.subscriptions import Subscriptions
from tradehall.domain.time import from_rfc3339

API_KEY_LENGTH_MIN: Final = 32
API_KEY_LENGTH_MAX: Final = 512
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

_YES: Final = frozenset({"on", "true", "yes", "1"})
_NO: Final = frozenset({"off", "false", "no", "0"})
_NUMBER: Final = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
_INTEGER: Final = re.compile(r"-?\d{1,19}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9.:_-]{1,253}", re.ASCII)
# Other gateways' words for a log filter; RUST_LOG may be set for quite another program.
_RUST_LEVELS: Final = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "error": "error"}

_EXAMPLE: Final = '[{"platform":"mock","instrument":"AAPL","events":["quote"]}]'


def switch(text: str) -> bool:
    """`on` or `off`, and their usual synonyms."""
    word = text.lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise ValueError("expected on or off")


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def read(text: str) -> int:
        if _INTEGER.fullmatch(text) and low <= int(text) <= high:
            return int(text)
        raise ValueError(f"expected a whole number from {low} to {high}")

    return read


def number(low: str, high: str, *, open_ends: bool = False) -> Callable[[str], Decimal]:
    """A plain decimal number from `low` to `high`; with `open_ends` strictly between them."""
    least, most = Decimal(low), Decimal(high)

    def read(text: str) -> Decimal:
        if _NUMBER.fullmatch(text):
            value = Decimal(text)
            if least < value < most or (not open_ends and value in (least, most)):
                return value
        raise ValueError(
            f"expected a number {'between' if open_ends else 'from'} {low} {'and' if open_ends else 'to'} {high}"
        )

    return read


def host(text: str) -> str:
    """An address or name to bind to."""
    if _HOST.fullmatch(text):
        return text
    raise ValueError("expected an address such as 127.0.0.1, ::1 or 0.0.0.0, without port or scheme")


def is_loopback(text: str) -> bool:
    """Whether only this machine can reach a server bound to `text`."""
    if text == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def folder(text: str) -> Path:
    """A path; `~` is the home folder."""
    if "\0" in text:
        raise ValueError("expected a path")
    return Path(text).expanduser()


def api_key(text: str) -> str:
    """A secret that can be sent in a header."""
    if len(text) < API_KEY_LENGTH_MIN or len(text) > API_KEY_LENGTH_MAX:
        raise ValueError(f"expected from {API_KEY_LENGTH_MIN} to {API_KEY_LENGTH_MAX} characters, found {len(text)}")
    if not (text.isascii() and text.isprintable()) or text != text.strip():
        raise ValueError("expected printable ASCII characters without blanks around them")
    return text


def mail_server(text: str) -> str:
    """`outbox`, or the address of a mail server."""
    if text != "outbox":
        smtp_server(text)  # A ValueError that does not tell the password.
    return text


def mail_sender(text: str) -> str:
    """An address mail comes from, with or without a name before it."""
    if re.fullmatch(r"([^<>@\"\\]* <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)", text) and text.isprintable():
        return text
    raise ValueError("expected an address such as desk@broker.example or Broker <desk@broker.example>")


def origin(text: str) -> str:
    """Scheme and host of this server, as others reach it."""
    if is_origin(text):
        return text
    raise ValueError("expected an address such as https://desk.example, without a path")


def currency(text: str) -> str:
    """A currency code."""
    if re.fullmatch(r"[A-Z]{3,5}", text, re.ASCII):
        return text
    raise ValueError("expected a currency such as USD")


def one_of(*words: str) -> Callable[[str], str]:
    """One of `words`, in any case."""

    def read(text: str) -> str:
        if text.lower() in words:
            return text.lower()
        raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}")

    return read


def log_level(text: str) -> str:
    """A log level; of a filter such as `info,http=warn` the first plain word, else info."""
    first = text.split(",", maxsplit=1)[0].strip().lower()
    if first in LOG_LEVELS:
        return first
    return _RUST_LEVELS.get(first, "info")


def names(what: str, accepts: Callable[[str], bool]) -> Callable[[str], frozenset[str]]:
    """Comma-separated names, each of which `accepts`; `what` is an example."""

    def read(text: str) -> frozenset[str]:
        found = [name.strip() for name in text.split(",")]
        wrong = [name for name in found if name and not accepts(name)]
        if wrong:
            raise ValueError(f"expected names such as {what}, separated by commas; {wrong[0]} is none")
        return frozenset(name.lower() for name in found if name)

    return read


def is_host_name(text: str) -> bool:
    """A host as browsers send it, without port: `desk.example`, `[::1]`."""
    return re.fullmatch(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]", text, re.ASCII) is not None


def is_origin(text: str) -> bool:
    """An origin as browsers send it: scheme and host, no path."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


def instant(text: str) -> int:
    """An RFC 3339 time, as ns UTC."""
    try:
        return from_rfc3339(text)
    except ValueError:
        raise ValueError("expected a time such as 2025-01-15T10:30:00Z") from None


def plain(text: str) -> str:
    """Any text without control characters."""
    if text.isprintable():
        return text
    raise ValueError("expected printable text")


class Subscription(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of SUBSCRIPTIONS: which events of which instrument (`*`: all) a stream sends."""

    platform: str
    instrument: str
    events: tuple[str, ...]


def subscriptions(text: str) -> tuple[Subscription, ...]:
    """The SUBSCRIPTIONS list, as JSON."""
    try:
        entries = msgspec.json.decode(text, type=tuple[Subscription, ...])
    except msgspec.MsgspecError as error:
        raise ValueError(f"expected a JSON list such as {_EXAMPLE}: {error}") from None
    Subscriptions(entries)  # ValueError for words it does not know.
    return entries
