"""Scripts: code that people's terminals run; here it is only kept."""

import asyncio
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordStore

KIND: Final = "script"
# The text is kept apart, so that lists of names need not carry it.
TEXT_KIND: Final = "script_text"
COUNTER_KIND: Final = "script_counter"
SCRIPTS_MAX: Final = 200  # Of one login.
# Of a list whose length is strangers' doing.
PUBLIC_SHOWN_MAX: Final = 1_000
PUBLIC_BYTES_MAX: Final = 4 * 1024 * 1024


class ScriptKind(StrEnum):
    """What the terminal does with it."""

    INDICATOR = "indicator"
    ROBOT = "robot"
    STRATEGY = "strategy"
    WIDGET = "widget"


class Visibility(StrEnum):
    """Who may read it; only its owner may change it."""

    PRIVATE = "private"
    PUBLIC = "public"


class Script(Struct, frozen=True, omit_defaults=True):
    """A script without its text; instants in ns UTC."""

    script_id: int
    login: AccountId
    name: str
    created_at: int
    updated_at: int
    description: str = ""
    kind: ScriptKind = ScriptKind.ROBOT
    visibility: Visibility = Visibility.PRIVATE
    is_autostarted: bool = False
    is_enabled: bool = True


class ScriptFields(Struct, frozen=True, kw_only=True):
    """What an owner says of a script; None: nothing."""

    name: str | None = None
    text: str | None = None
    description: str | None = None
    kind: ScriptKind | None = None
    visibility: Visibility | None = None
    is_autostarted: bool | None = None
    is_enabled: bool | None = None

    def given(self) -> dict[str, object]:
        """What was said, but for the text."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "text"}
        return {name: value for name, value in fields.items() if value is not None}


class ScriptNotFound(Exception):
    """There is no such script, or it is somebody else's."""


class TooManyScripts(Exception):
    """A login has all the scripts it may have."""


class Scripts:
    """The scripts of everybody: names in memory, texts in the store. RecordsFault when that fails.

    Belongs to the loop; the store is read and written beside it.
    """

    def __init__(self, store: RecordStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._scripts: dict[int, Script] = {}
        self._of_login: dict[AccountId, dict[int, None]] = {}
        self._public: dict[int, None] = {}
        self._next = 1
        self._writing = asyncio.Lock()
        for body in store.all(KIND).values():
            self._put(msgspec.json.decode(body, type=Script))
        counter = store.get(COUNTER_KIND, "")
        self._next = max([1, *(number + 1 for number in self._scripts)] + ([int(counter)] if counter else []))

    async def of_login(self, login: AccountId) -> list[tuple[Script, str]]:
        """All scripts of a login with their texts, by number."""
        return await self._with_texts([self._scripts[number] for number in sorted(self._of_login.get(login, ()))])

    async def public(self) -> list[tuple[Script, str]]:
        """The newest public scripts of everybody, by number, as many as PUBLIC_BYTES_MAX of text allow."""
        newest = sorted(self._public, reverse=True)[:PUBLIC_SHOWN_MAX]
        scripts = [self._scripts[number] for number in newest]
        return (await self._with_texts(scripts, bytes_max=PUBLIC_BYTES_MAX))[::-1]

    async def get(self, script_id: int, login: AccountId) -> tuple[Script, str]:
        """A script that `login` may read, with its text. ScriptNotFound."""
        script = self._scripts.get(script_id)
        if script is None or (script.login != login and script.visibility is not Visibility.PUBLIC):
            raise ScriptNotFound
        found = await self._with_texts([script])
        if not found:
            raise ScriptNotFound  # It was removed meanwhile.
        return found[0]

    async def create(self, login: AccountId, fields: ScriptFields, *, actor: str) -> Script:
        """Keep a new script; its name and text are given. TooManyScripts."""
        assert fields.name and fields.text, "a script has a name and a text"
        async with self._writing:
            if len(self._of_login.get(login, ())) >= SCRIPTS_MAX:
                raise TooManyScripts
            now = self._clock.now()
            script = _changed(Script(self._next, login, fields.name, now, now), fields)
            count = RecordChange(COUNTER_KIND, "", str(self._next + 1).encode())
            self._next += 1
            await self._write(script, fields.text, "create", actor, count)
            return script

    async def replace(self, login: AccountId, script_id: int, fields: ScriptFields, *, actor: str) -> Script:
        """The script with these fields, and defaults for what is left out. ScriptNotFound."""
        assert fields.name and fields.text, "a script has a name and a text"
        async with self._writing:
            old = self._own(login, script_id)
            fresh = Script(script_id, login, fields.name, old.created_at, self._clock.now())
            script = _changed(fresh, fields)
            await self._write(script, fields.text, "replace", actor)
            return script

    async def update(self, login: AccountId, script_id: int, fields: ScriptFields, *, actor: str) -> Script:
        """The script with these fields changed. ScriptNotFound."""
        async with self._writing:
            script = replace(_changed(self._own(login, script_id), fields), updated_at=self._clock.now())
            await self._write(script, fields.text, "update", actor)
            return script

    async def remove(self, login: AccountId, script_id: int, *, actor: str) -> None:
        """Remove a script. ScriptNotFound."""
        async with self._writing:
            self._own(login, script_id)
            key = str(script_id)
            changes = (RecordChange(KIND, key, None), RecordChange(TEXT_KIND, key, None))
            await asyncio.to_thread(self._store.write, changes, self._line(script_id, "delete", actor))
            self._drop(script_id)

    def _own(self, login: AccountId, script_id: int) -> Script:
        script = self._scripts.get(script_id)
        if script is None or script.login != login:
            raise ScriptNotFound
        return script

    async def _write(self, script: Script, text: str | None, action: str, actor: str, *more: RecordChange) -> None:
        key = str(script.script_id)
        changes = [RecordChange(KIND, key, msgspec.json.encode(script)), *more]
        if text is not None:
            changes.append(RecordChange(TEXT_KIND, key, text.encode()))
        await asyncio.to_thread(self._store.write, changes, self._line(script.script_id, action, actor))
        self._drop(script.script_id)
        self._put(script)

    def _line(self, script_id: int, action: str, actor: str) -> AuditLine:
        return AuditLine(self._clock.now(), actor, action, KIND, str(script_id))

    def _put(self, script: Script) -> None:
        self._scripts[script.script_id] = script
        self._of_login.setdefault(script.login, {})[script.script_id] = None
        if script.visibility is Visibility.PUBLIC:
            self._public[script.script_id] = None

    def _drop(self, script_id: int) -> None:
        old = self._scripts.pop(script_id, None)
        self._public.pop(script_id, None)
        if old is not None:
            self._of_login[old.login].pop(script_id)

    async def _with_texts(self, scripts: list[Script], bytes_max: int | None = None) -> list[tuple[Script, str]]:
        """The scripts, in this order, with their texts; the first whose texts fit into `bytes_max`."""

        def read() -> list[tuple[Script, str]]:
            found, size = [], 0
            for script in scripts:
                text = self._store.get(TEXT_KIND, str(script.script_id))
                if text is None:
                    continue  # It was removed meanwhile.
                size += len(text)
                if bytes_max is not None and size > bytes_max:
                    break
                found.append((script, text.decode()))
            return found

        return await asyncio.to_thread(read)


def _changed(script: Script, fields: ScriptFields) -> Script:
    changed: Script = replace(script, **fields.given())
    return changed
