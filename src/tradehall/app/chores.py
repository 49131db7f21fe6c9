"""Chores: long work beside the server, in child processes of low priority, so that no order waits for it."""

import asyncio
import logging
from asyncio import Task
from collections.abc import Callable, Sequence
from typing import Final

from tradehall.app.child_process import Child

# A look into the past folds so many records at most, in a quarter of a second.
SNAPSHOT_EVERY: Final = 25_000
# At full speed that many records come every few seconds; a snapshot costs a core for about one.
SNAPSHOT_SPACING_S: Final = 30.0

log: Final = logging.getLogger("tradehall.chores")


class Chores:
    """Writes snapshots as the journal grows, and audits its whole chain once after the start.

    `command` is a program that takes "snapshot" or "audit" as its last argument. `on_damage` is called with
    a sentence when the audit finds the journal damaged: it must end the process. Belongs to the running loop.
    """

    def __init__(self, command: Sequence[str], on_damage: Callable[[str], None], seq: int) -> None:
        self._command = command
        self._on_damage = on_damage
        self._snapshot_seq = seq
        self._snapshot_at_s = 0.0
        self._running: dict[str, Task[None]] = {}
        self._children: dict[str, Child] = {}
        self._is_stopping = False

    def start_audit(self) -> None:
        """Check the whole chain, some time."""
        self._start("audit")

    def hear_durable(self, seq: int) -> None:
        """The journal ends at record `seq` now."""
        if seq - self._snapshot_seq < SNAPSHOT_EVERY or "snapshot" in self._running:
            return
        now_s = asyncio.get_running_loop().time()
        if now_s - self._snapshot_at_s >= SNAPSHOT_SPACING_S:
            self._snapshot_seq, self._snapshot_at_s = seq, now_s
            self._start("snapshot")

    async def stop(self) -> None:
        """End what still runs; nothing is left half-done by it."""
        self._is_stopping = True
        for child in self._children.values():
            child.terminate()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _start(self, chore: str) -> None:
        self._running[chore] = asyncio.get_running_loop().create_task(self._run(chore))

    async def _run(self, chore: str) -> None:
        try:
            child = await Child.begin((*self._command, chore))
            self._children[chore] = child
            if self._is_stopping:
                child.terminate()
            told, complained = await asyncio.gather(child.stdout.read(), child.stderr.read())
            code = await child.wait()
        except OSError as error:
            log.warning("a chore could not be started: chore=%s error=%r", chore, str(error))
            return
        finally:
            self._children.pop(chore, None)
            del self._running[chore]
        lines = (complained + told).decode(errors="replace").strip().splitlines()
        if code == DAMAGE_FOUND:
            self._on_damage(lines[-1] if lines else "the journal is damaged")
        elif code and not self._is_stopping:
            log.warning("a chore failed: chore=%s code=%d said=%r", chore, code, lines[-1:])


# Exit code of an audit that found damage.
DAMAGE_FOUND: Final = 3
