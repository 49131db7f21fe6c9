"""Settings: what a terminal wants to remember of its user, by key; a few keys have a meaning and a shape."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import available_timezones

import msgspec
from msgspec import Struct

from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordStore

KIND: Final = "setting"
KEYS_MAX: Final = 200  # Of one login.
VALUE_BYTES_MAX: Final = 16 * 1024

_KEY: Final = re.compile(r"[a-z0-9_.\-]{1,64}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")

# Each value is its JSON text.
Values = Mapping[str, bytes]


class Setting(Struct, frozen=True):
    """A value as JSON, and when it was set [ns UTC]."""

    value: msgspec.Raw
    updated_at: int


class SettingRefused(Exception):
    """A key or value that cannot be kept; the text is a sentence that says why."""


class SettingNotFound(Exception):
    """There is no such key."""


class Settings:
    """The settings of everybody. RecordsFault when the store fails. Belongs to the loop."""

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._writing = asyncio.Lock()

    async def read(self, login: AccountId) -> dict[str, Setting]:
        """All settings of a login, by key."""
        body = await asyncio.to_thread(self._store.get, KIND, str(login))
        return {} if body is None else _decode(body)

    async def put(self, login: AccountId, key: str, value: bytes, *, actor: str) -> None:
        """Set one key. SettingRefused."""
        await self._change(login, lambda old: old | self._checked({key: value}), "put", actor)

    async def replace(self, login: AccountId, values: Values, *, actor: str) -> None:
        """These and no others. SettingRefused."""
        await self._change(login, lambda _: self._checked(values), "replace", actor)

    async def merge(self, login: AccountId, values: Values, *, actor: str) -> None:
        """Set these, null removes. SettingRefused."""

        def merged(old: dict[str, Setting]) -> dict[str, Setting]:
            kept = {key: value for key, value in old.items() if values.get(key) != b"null"}
            for key in values:
                check_key(key)
            return kept | self._checked({key: value for key, value in values.items() if value != b"null"})

        await self._change(login, merged, "merge", actor)

    async def remove(self, login: AccountId, key: str, *, actor: str) -> None:
        """Remove one key. SettingNotFound."""

        def without(old: dict[str, Setting]) -> dict[str, Setting]:
            if key not in old:
                raise SettingNotFound
            return {name: value for name, value in old.items() if name != key}

        await self._change(login, without, "delete", actor)

    async def _change(
        self, login: AccountId, become: Callable[[dict[str, Setting]], dict[str, Setting]], action: str, actor: str
    ) -> None:
        async with self._writing:
            settings = become(await self.read(login))
            if len(settings) > KEYS_MAX:
                raise SettingRefused(f"there may be {KEYS_MAX} keys, no more")
            body = msgspec.json.encode(settings) if settings else None
            line = AuditLine(self._clock.now(), actor, action, KIND, str(login))
            await asyncio.to_thread(self._store.write, [RecordChange(KIND, str(login), body)], line)

    def _checked(self, values: Values) -> dict[str, Setting]:
        now = self._clock.now()
        for key, value in values.items():
            check(key, value)
        return {key: Setting(msgspec.Raw(value), now) for key, value in values.items()}


def check_key(key: str) -> None:
    """SettingRefused for what is no key."""
    if _KEY.fullmatch(key) is None:
        raise SettingRefused("a key has 1 to 64 of a-z, 0-9, _, . and -")


def check(key: str, value: bytes) -> None:
    """SettingRefused for a key that is none, a value that is too large, or not of its key's shape."""
    check_key(key)
    if len(value) > VALUE_BYTES_MAX:
        raise SettingRefused(f"the value of {key} is larger than {VALUE_BYTES_MAX} bytes")
    known = _KNOWN.get(key)
    if known is not None:
        sentence, is_fine = known
        if not is_fine(msgspec.json.decode(value)):
            raise SettingRefused(f"{key} must be {sentence}")


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_language(value: object) -> bool:
    return isinstance(value, str) and _LANGUAGE.fullmatch(value) is not None


def _is_timezone(value: object) -> bool:
    return isinstance(value, str) and value in available_timezones()


_KNOWN: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "language": ("a language such as de or pt-BR", _is_language),
    "timezone": ("a time zone such as Europe/Berlin", _is_timezone),
    "theme": ("light, dark or system", lambda value: value in ("light", "dark", "system")),
    "one_click_trading": ("true or false", _is_bool),
    "default_volume": ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "confirm_orders": ("true or false", _is_bool),
    "chart.layout": ("an object", lambda value: isinstance(value, dict)),
    "notify.email": ("true or false", _is_bool),
    "notify.push": ("true or false", _is_bool),
    "margin_call_alert": ("true or false", _is_bool),
}


_decode: Final = msgspec.json.Decoder(dict[str, Setting]).decode
