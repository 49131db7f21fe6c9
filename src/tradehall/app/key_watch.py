"""Key watch: what the command line does to keys takes effect in the running server, and use is noted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from tradehall.app.access import Access
from tradehall.app.records.api_keys import ApiKeys
from tradehall.ports.records import RecordsFault, RecordStore

LOOK_EVERY_S: Final = 0.4  # A revoked key must be dead within a second.
NOTE_EVERY_S: Final = 5.0

_log: Final = logging.getLogger("tradehall.keys")


class KeyWatch:
    """Reads the keys again when another process changed them, and writes down when they were used."""

    def __init__(
        self,
        store: RecordStore,
        keys: ApiKeys,
        access: Access,
        *,
        reload: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`reload` takes in what changed, keys included, where somebody else keeps them."""
        self._store = store
        self._reload = self._replace_keys if reload is None else reload
        self._keys = keys
        self._access = access
        self._on_look: tuple[Callable[[], None], ...] = ()

    def after_each_look(self, do: Callable[[], None]) -> None:
        """Call `do` each time the keys were looked at: to close what a lost key had opened."""
        self._on_look += (do,)

    def load(self) -> None:
        """Take the keys as they are now."""
        self._store.changed_elsewhere()
        self._access.replace_keys(self._keys.all())
        self._access.remember_uses(self._keys.last_uses())

    async def run(self) -> None:
        """Look and note until cancelled. A store that cannot be read is tried again at the next look."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            looks += 1
            try:
                await self.look()
                if looks * LOOK_EVERY_S >= NOTE_EVERY_S:
                    looks = 0
                    await self.note()
            except RecordsFault as fault:
                _log.warning("keys could not be read, trying again: %s", fault)

    async def look(self) -> None:
        """Read the keys again if they may have changed."""
        # Beside the loop: the store may be busy writing what somebody else asked for.
        if await asyncio.to_thread(self._store.changed_elsewhere):
            await self._reload()
        for do in self._on_look:
            do()

    async def _replace_keys(self) -> None:
        self._access.replace_keys(await asyncio.to_thread(self._keys.all))

    async def note(self) -> None:
        """Write down when keys were used since the last time."""
        if uses := self._access.take_uses():
            try:
                await asyncio.to_thread(self._keys.note_uses, uses)
            except RecordsFault as fault:
                _log.warning("the last uses of keys are not written down: %s", fault)
