"""Strategies whose programs trade from outside: known by name, so that orders, budgets and lists can name them."""

import re
import uuid
from typing import Final

from msgspec import Struct

from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.strategies import KIND, NAME_LENGTH_MAX, Program, Strategy, StrategyStatus
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.ids import AccountId

_READABLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Registration(Struct, frozen=True, kw_only=True):
    """What is said of a program from outside. `instrument_id`: as the dashboard prints it, `EURUSD.SIM`."""

    name: str
    readable_id: str
    account_id: AccountId
    symbol: str
    instrument_id: str = ""
    program: Program = Program.EXTERNAL
    domain: str = DEFAULT_DOMAIN
    user_id: int | None = None


class Registry:
    """Registers programs from outside. What the engine must know of them is the caller's affair."""

    def __init__(self, room: StudioRoom) -> None:
        self._room = room

    async def register(self, wish: Registration, *, by: Actor) -> Strategy:
        """A new active strategy without a definition. StudioRefused: a bad name, or a `readable_id` in use."""
        checked_name(wish.name)
        if _READABLE.fullmatch(wish.readable_id) is None:
            raise invalid("strategy_id", "must have 1 to 64 letters, digits, dots, dashes or underscores")

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Strategy]:
            if any(wish.readable_id in (each.readable_id, each.keygen) for each in book.strategies):
                raise StudioRefused(StudioCode.STRATEGY_TAKEN, f"there is a strategy {wish.readable_id} already")
            number, count = book.next_number(book.strategies)
            strategy = Strategy(
                number, str(uuid.uuid4()), wish.name, wish.symbol, "", now, now, domain=wish.domain,
                user_id=wish.user_id, account_id=wish.account_id, status=StrategyStatus.ACTIVE,
                program=wish.program, readable_id=wish.readable_id, instrument_id=wish.instrument_id,
            )  # fmt: skip
            line = audit_line(by, now, "strategy.register", (KIND, number), after=strategy)
            return StudioWrite([book.strategies.change(strategy), count], [line]), strategy

        return await self._room.change(decide)


def checked_name(name: str) -> str:
    """`name` where it can be shown in one line; StudioRefused otherwise."""
    if 1 <= len(name.strip()) <= NAME_LENGTH_MAX and name.isprintable():
        return name
    raise invalid("name", f"must have 1 to {NAME_LENGTH_MAX} printable characters")
