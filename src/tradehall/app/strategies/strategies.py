"""Strategies of the studio: made, read, changed, copied, deleted and restored by whoever they belong to."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records import strategies
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.strategies import (
    CATEGORIES,
    OTHER,
    STRATEGIES_MAX,
    VERSION_KIND,
    VERSIONS_MAX,
    Program,
    Strategy,
    StrategyStatus,
    StrategyVersion,
    version_key,
)
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.app.strategies.definitions import checked_definition
from tradehall.app.strategies.registering import checked_name
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid, version_mismatch
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Timeframe
from tradehall.ports.records import AuditLine, RecordChange

_decode_version: Final = msgspec.json.Decoder(StrategyVersion).decode


class Owner(Struct, frozen=True):
    """Who a new object belongs to; `user_id` None: an operator, whose `account_id` may be none."""

    user_id: int | None = None
    domain: str = DEFAULT_DOMAIN
    account_id: AccountId = NO_ACCOUNT


class NewStrategy(Struct, frozen=True, kw_only=True):
    """A wish: `definition` None only for a draft, or a program of its own."""

    name: str
    symbol: str
    timeframe: str
    definition: dict[str, Any] | None = None
    is_draft: bool = False
    category_id: int = OTHER
    program: Program = Program.GRAPH


class StrategyPatch(Struct, frozen=True, kw_only=True):
    """What changes; None: stays. A `definition` makes a version."""

    name: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    definition: dict[str, Any] | None = None
    category_id: int | None = None
    notifications: bool | None = None
    is_draft: bool | None = None


class Strategies:
    """Strategies as their owners make them. Everything outside of a caller's reach is not there."""

    def __init__(self, room: StudioRoom, instruments: Mapping[str, Instrument]) -> None:
        self._room = room
        self._instruments = instruments

    # Reading.

    def get(self, reach: Reach, name: str) -> Strategy:
        """A strategy by number or keygen, deleted ones too."""
        return find_strategy(self._room.book, reach, name)

    def visible(self, reach: Reach) -> list[Strategy]:
        """All within reach, deleted ones too, in no order."""
        return [strategy for strategy in self._room.book.strategies if reach.covers(strategy)]

    async def version(self, strategy: Strategy, number: int | None = None) -> StrategyVersion | None:
        """One version of its definition; None: the newest, or there is no such."""
        wanted = strategy.definition_version if number is None else number
        if not 1 <= wanted <= strategy.definition_version:
            return None
        body = await asyncio.to_thread(self._room.store.get, VERSION_KIND, version_key(strategy.strategy_id, wanted))
        return None if body is None else _decode_version(body)

    async def versions(self, strategy: Strategy, *, first: int, last: int) -> list[StrategyVersion]:
        """Versions `first` to `last`, newest first."""
        numbers = range(min(last, strategy.definition_version), max(first, 1) - 1, -1)
        found = [await self.version(strategy, number) for number in numbers]
        return [version for version in found if version is not None]

    def active_deployments(self, strategy: Strategy) -> int:
        """How many of its deployments may still do something."""
        return sum(each.is_active for each in self._room.book.deployments.of_strategy(strategy.strategy_id))

    # Writing.

    async def create(self, wish: NewStrategy, owner: Owner, *, by: Actor) -> Strategy:
        """A new strategy: active where its definition is valid, else a draft if that was asked for."""
        checked_name(wish.name)
        symbol, timeframe = self._symbol(wish.symbol), checked_timeframe(wish.timeframe)
        category = checked_category(wish.category_id)
        add_ons = self._add_ons(wish.definition, is_draft=wish.is_draft)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Strategy]:
            check_room(book, owner.user_id)
            number, count = book.next_number(book.strategies)
            strategy = Strategy(
                number, str(uuid.uuid4()), wish.name.strip(), symbol, timeframe, now, now, domain=owner.domain,
                user_id=owner.user_id, account_id=owner.account_id, category_id=category,
                status=StrategyStatus.DRAFT if wish.is_draft else StrategyStatus.ACTIVE, program=wish.program,
                definition_version=0 if wish.definition is None else 1, add_ons=add_ons,
            )  # fmt: skip
            changes = [book.strategies.change(strategy), count]
            if wish.definition is not None:
                changes.append(version_change(strategy, wish.definition, now, by))
            line = audit_line(by, now, "strategy.create", (strategies.KIND, number), after=strategy)
            return StudioWrite(changes, [line]), strategy

        return await self._room.change(decide)

    async def update(
        self, reach: Reach, name: str, patch: StrategyPatch, *, by: Actor, expected: int | None = None
    ) -> Strategy:
        """Change a strategy; a definition becomes its next version. A draft that is valid becomes active."""
        old = self.get(reach, name)
        symbol = old.symbol if patch.symbol is None else self._symbol(patch.symbol)
        timeframe = old.timeframe if patch.timeframe is None else checked_timeframe(patch.timeframe)
        category = old.category_id if patch.category_id is None else checked_category(patch.category_id)
        title = old.name if patch.name is None else checked_name(patch.name).strip()
        definition = patch.definition
        is_moved = (symbol, timeframe) != (old.symbol, old.timeframe)
        if definition is None and is_moved and (newest := await self.version(old)) is not None:
            definition = newest.definition  # What it runs on is part of a version.
        stays_draft = old.status is StrategyStatus.DRAFT and patch.is_draft is not False
        add_ons = old.add_ons
        if definition is not None:
            add_ons = self._add_ons(definition, is_draft=bool(patch.is_draft) and stays_draft)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, Strategy]:
            strategy = at_version(find_strategy(book, reach, name), expected)
            refuse_deleted(strategy)
            number = strategy.definition_version + (definition is not None)
            if number > VERSIONS_MAX:
                raise StudioRefused(StudioCode.LIMIT_REACHED, f"it has {VERSIONS_MAX} versions: copy it to go on")
            becomes_active = strategy.status is StrategyStatus.DRAFT and number and not patch.is_draft
            after = changed(
                strategy, now, name=title, symbol=symbol, timeframe=timeframe, category_id=category, add_ons=add_ons,
                definition_version=number,
                notifications=strategy.notifications if patch.notifications is None else patch.notifications,
                status=StrategyStatus.ACTIVE if becomes_active else strategy.status,
            )  # fmt: skip
            changes = [book.strategies.change(after)]
            if definition is not None:
                changes.append(version_change(after, definition, now, by))
            return StudioWrite(changes, [_line(by, now, "strategy.update", strategy, after)]), after

        return await self._room.change(decide)

    async def copy(self, reach: Reach, name: str, owner: Owner, *, by: Actor, title: str | None = None) -> Strategy:
        """A strategy of `owner` with the newest definition of this one."""
        return await self.copied(self.get(reach, name), owner, by=by, title=title)

    async def copied(self, source: Strategy, owner: Owner, *, by: Actor, title: str | None = None) -> Strategy:
        """As `copy`, of a strategy that the caller may see for another reason: it is listed."""
        refuse_deleted(source)
        newest = await self.version(source)
        name = checked_name(title or f"{source.name[: strategies.NAME_LENGTH_MAX - 7]} (copy)")

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Strategy]:
            check_room(book, owner.user_id)
            number, count = book.next_number(book.strategies)
            copy = replace(
                source, strategy_id=number, keygen=str(uuid.uuid4()), name=name, created_at=now, updated_at=now,
                user_id=owner.user_id, domain=owner.domain, account_id=owner.account_id, version=1, copier_count=0,
                status=StrategyStatus.DRAFT if newest is None else StrategyStatus.ACTIVE, is_copied=True,
                copied_from=source.strategy_id, definition_version=0 if newest is None else 1, readable_id="",
            )  # fmt: skip
            changes = [book.strategies.change(copy), count]
            if newest is not None:
                changes.append(version_change(copy, newest.definition, now, by))
            original = book.strategies.get(source.strategy_id)
            if original is not None:
                # Who copies it changes nothing of what its owner made.
                changes.append(book.strategies.change(replace(original, copier_count=original.copier_count + 1)))
            line = audit_line(by, now, "strategy.copy", (strategies.KIND, number), after=copy)
            return StudioWrite(changes, [line]), copy

        return await self._room.change(decide)

    async def restore(self, reach: Reach, name: str, *, by: Actor, expected: int | None = None) -> Strategy:
        """A deleted strategy as it was, but never published."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Strategy]:
            strategy = at_version(find_strategy(book, reach, name), expected)
            if not strategy.is_deleted:
                raise StudioRefused(StudioCode.STRATEGY_NOT_DELETED, f"strategy {strategy.strategy_id} is not deleted")
            check_room(book, strategy.user_id, is_new=False)
            status = StrategyStatus.ACTIVE if is_runnable(strategy) else StrategyStatus.DRAFT
            after = changed(strategy, now, status=status, deleted_at=None)
            line = _line(by, now, "strategy.restore", strategy, after)
            return StudioWrite([book.strategies.change(after)], [line]), after

        return await self._room.change(decide)

    # Steps of the above.

    def _symbol(self, symbol: str) -> str:
        found = resolve_symbol(symbol, self._instruments)
        if found is None:
            raise invalid("symbol", f"must be one that is listed, {symbol[:32]!r} is not")
        return found

    def _add_ons(self, definition: dict[str, Any] | None, *, is_draft: bool) -> dict[str, Any]:
        """The add-ons of a definition; StudioRefused for one that is not valid, unless it is a draft."""
        if definition is None:
            return {}
        checked_definition(definition, self._instruments, is_draft=is_draft)
        add_ons = definition.get("add_ons")
        return add_ons if isinstance(add_ons, dict) else {}


def find_strategy(book: StudioBook, reach: Reach, name: str) -> Strategy:
    """The strategy of a number or keygen within reach; StudioRefused otherwise."""
    found = book.strategy(name)
    if found is None or not reach.covers(found):
        raise StudioRefused(StudioCode.STRATEGY_NOT_FOUND, "there is no such strategy")
    return found


def at_version(strategy: Strategy, expected: int | None) -> Strategy:
    """The strategy, if still of that version; None: of any."""
    if expected not in (None, strategy.version):
        raise version_mismatch(strategy.version, expected or 0)
    return strategy


def refuse_deleted(strategy: Strategy) -> None:
    """StudioRefused for a deleted strategy: it is restored first."""
    if strategy.is_deleted:
        raise StudioRefused(
            StudioCode.STRATEGY_DELETED, f"strategy {strategy.strategy_id} is deleted: restore it first"
        )


def is_runnable(strategy: Strategy) -> bool:
    """Whether it has what can be carried out."""
    return strategy.definition_version > 0 or strategy.program is not Program.GRAPH


def checked_timeframe(timeframe: str) -> str:
    """A timeframe that bars are made of; StudioRefused otherwise."""
    try:
        return Timeframe(timeframe).value
    except ValueError:
        raise invalid("timeframe", f"must be one of {', '.join(Timeframe)}") from None


def checked_category(category_id: int) -> int:
    """A known category; StudioRefused otherwise."""
    if category_id in CATEGORIES:
        return category_id
    raise invalid("category", f"must be one of {', '.join(map(str, CATEGORIES))}")


def check_room(book: StudioBook, user_id: int | None, *, is_new: bool = True) -> None:
    """StudioRefused where an owner has all the strategies they may have."""
    if is_new and len(book.strategies.of_owner(user_id)) >= STRATEGIES_MAX:
        raise StudioRefused(StudioCode.LIMIT_REACHED, f"there are {STRATEGIES_MAX} strategies already")


def changed(strategy: Strategy, now: int, **fields: Any) -> Strategy:
    """The next version of a strategy's record."""
    return replace(strategy, **fields, updated_at=now, version=strategy.version + 1)


def version_change(strategy: Strategy, definition: dict[str, Any], now: int, by: Actor) -> RecordChange:
    """What keeps the strategy's newest definition."""
    version = StrategyVersion(
        strategy.strategy_id, strategy.definition_version, definition, strategy.symbol, strategy.timeframe, now,
        by.name,
    )  # fmt: skip
    key = version_key(version.strategy_id, version.number)
    return RecordChange(VERSION_KIND, key, msgspec.json.encode(version))


def _line(by: Actor, now: int, action: str, before: Strategy, after: Strategy) -> AuditLine:
    return audit_line(by, now, action, (strategies.KIND, after.strategy_id), before=before, after=after)
