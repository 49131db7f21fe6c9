"""Deployments as people ask for them: made, paused, resumed, stopped, started again, changed.

Here only the wish is decided and written down; the supervisor does what it takes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from tradehall.app.deployments.shares import BudgetShares
from tradehall.app.deployments.transitions import Action, moved, target_of
from tradehall.app.deployments.wishes import (
    DeploymentPatch,
    NewDeployment,
    check_budget,
    check_expiry,
    check_leverage,
    check_limits,
    check_mode,
    check_size,
    checked_symbols,
)
from tradehall.app.desk import Desk
from tradehall.app.identity.book import Book
from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.deployments import (
    ACTIVE_MAX,
    DEPLOYMENTS_MAX,
    KIND,
    Deployment,
    DeploymentLimits,
    StopPolicy,
)
from tradehall.app.records.strategies import Program, Strategy, StrategyStatus
from tradehall.app.strategies.strategies import find_strategy, is_runnable
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused, version_mismatch
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.account import Account, AccountStatus
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument

Wake = Callable[[], None]


def _sleep_on() -> None: ...


class Deployments:
    """Deployments within a caller's reach. `wake` is called when one has something to do."""

    def __init__(
        self, room: StudioRoom, desk: Desk, people: Book, shares: BudgetShares, house_account: AccountId
    ) -> None:
        self._room = room
        self._desk = desk
        self._people = people
        self._shares = shares
        self._house_account = house_account
        self.wake: Wake = _sleep_on

    # Reading.

    def get(self, reach: Reach, deployment_id: int) -> Deployment:
        """A deployment; StudioRefused where there is none within reach."""
        return find_deployment(self._room.book, reach, deployment_id)

    def visible(self, reach: Reach) -> list[Deployment]:
        """All within reach, in no order."""
        return [each for each in self._room.book.deployments if reach.covers(each)]

    # Making.

    async def create(self, reach: Reach, wish: NewDeployment, *, by: Actor) -> Deployment:
        """A deployment that is starting. StudioRefused with what is wrong with the wish."""
        strategy = find_strategy(self._room.book, reach, wish.strategy)
        check_mode(wish.mode)
        refuse_undeployable(strategy)
        account = self._account(reach, strategy, wish.account_id)
        instruments: Mapping[str, Instrument] = self._desk.state.instruments
        symbols = checked_symbols(wish.symbols or (strategy.symbol,), instruments)
        check_size(wish.size, wish.size_type, symbols, instruments)
        check_leverage(wish.leverage, account)
        check_limits(wish.limits)
        check_budget(wish.budget)

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Deployment]:
            refuse_undeployable(find_strategy(book, reach, wish.strategy))
            check_expiry(wish.expires_at, now)
            check_room(book, strategy.user_id)
            number, count = book.next_number(book.deployments)
            deployment = Deployment(
                number, strategy.strategy_id, strategy.keygen, account.terms.account_id, wish.mode, symbols, wish.size,
                wish.size_type, now, now, domain=strategy.domain, user_id=strategy.user_id, program=strategy.program,
                definition_version=strategy.definition_version, leverage=wish.leverage, strict_sl=wish.strict_sl,
                budget=wish.budget, limits=wish.limits, expires_at=wish.expires_at,
            )  # fmt: skip
            line = audit_line(by, now, "deployment.create", (KIND, number), after=deployment)
            return StudioWrite([book.deployments.change(deployment), count], [line]), deployment

        async with self._shares.lock:
            if wish.budget is not None:
                self._shares.check_room(account.terms.account_id, strategy.keygen, wish.budget)
            deployment = await self._room.change(decide)
        self.wake()
        return deployment

    # Changing.

    async def act(
        self,
        reach: Reach,
        deployment_id: int,
        action: Action,
        *,
        by: Actor,
        policy: StopPolicy = StopPolicy.CANCEL,
        patch: DeploymentPatch | None = None,
        expected: int | None = None,
    ) -> Deployment:
        """Pause, resume, stop or start again; parameters first, all or nothing."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite, Deployment]:
            old = at_version(find_deployment(book, reach, deployment_id), expected)
            state = target_of(old, action)
            if action in (Action.RESUME, Action.RESTART):
                self._refuse_unready(book, old, now)
            changed = old if patch is None else self._patched(old, patch, now, is_stopped=not old.is_active)
            after = moved(changed, now, state, **_fields(action, policy, now, book, changed))
            return _write(book, now, by, f"deployment.{action}", old, after), after

        async with self._shares.lock:
            if action is Action.RESTART:
                self._check_share(find_deployment(self._room.book, reach, deployment_id))
            deployment = await self._room.change(decide)
        self.wake()
        return deployment

    async def update(
        self, reach: Reach, deployment_id: int, patch: DeploymentPatch, *, by: Actor, expected: int | None = None
    ) -> Deployment:
        """Change parameters; they count from the next signal, and never resize what is open."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, Deployment]:
            old = at_version(find_deployment(book, reach, deployment_id), expected)
            after = self._patched(old, patch, now, is_stopped=not old.is_active)
            if after == old:
                return None, old
            after = replace(after, updated_at=now, version=old.version + 1)
            return _write(book, now, by, "deployment.update", old, after), after

        return await self._room.change(decide)

    # Steps of the above.

    def _account(self, reach: Reach, strategy: Strategy, asked: AccountId | None) -> Account:
        """The account that is traded: named, or the owner's first. It must be the owner's own."""
        owner = None if strategy.user_id is None else self._people.users.get(strategy.user_id)
        if owner is not None:
            login = asked if asked is not None else next(iter(owner.logins), NO_ACCOUNT)
            is_own = login in owner.logins
        else:
            login = asked or strategy.account_id or self._house_account
            is_own = reach.is_house
        account = self._desk.state.accounts.get(login)
        if account is None or not is_own:
            raise StudioRefused(StudioCode.NOT_FOUND, f"there is no account {login} of the strategy's owner")
        if account.terms.status is not AccountStatus.ACTIVE:
            raise _precondition(["account_disabled"])
        return account

    def _patched(self, old: Deployment, patch: DeploymentPatch, now: int, *, is_stopped: bool) -> Deployment:
        instruments: Mapping[str, Instrument] = self._desk.state.instruments
        symbols = old.symbols
        if patch.symbols is not None and patch.symbols != old.symbols:
            if not is_stopped:
                raise StudioRefused(StudioCode.DEPLOYMENT_ACTIVE, "symbols change only while it is stopped")
            symbols = checked_symbols(patch.symbols, instruments)
        after = replace(
            old,
            size=old.size if patch.size is None else patch.size,
            leverage=old.leverage if patch.leverage is None else patch.leverage,
            strict_sl=old.strict_sl if patch.strict_sl is None else patch.strict_sl,
            symbols=symbols,
            limits=_limits(old.limits, patch),
            expires_at=None if patch.clear_expiry else old.expires_at if patch.expires_at is None else patch.expires_at,
        )
        check_size(after.size, after.size_type, after.symbols, instruments)
        account = self._desk.state.accounts.get(old.account_id)
        if patch.leverage is not None and account is not None:
            check_leverage(after.leverage, account)
        check_limits(after.limits)
        if patch.expires_at is not None:
            check_expiry(after.expires_at, now)
        return after

    def _refuse_unready(self, book: StudioBook, deployment: Deployment, now: int) -> None:
        strategy = book.strategies.get(deployment.strategy_id)
        owner = None if deployment.user_id is None else self._people.users.get(deployment.user_id)
        account = self._desk.state.accounts.get(deployment.account_id)
        problems = [
            problem
            for problem, is_so in (
                ("user_inactive", owner is not None and not owner.is_active),
                ("strategy_deleted", strategy is None or strategy.is_deleted),
                ("account_disabled", account is None or account.terms.status is not AccountStatus.ACTIVE),
                ("expired", deployment.expires_at is not None and deployment.expires_at <= now),
            )
            if is_so
        ]
        if problems:
            raise _precondition(problems)

    def _check_share(self, deployment: Deployment) -> None:
        if deployment.budget is not None and not deployment.is_active:
            self._shares.check_room(deployment.account_id, deployment.keygen, deployment.budget)


def find_deployment(book: StudioBook, reach: Reach, deployment_id: int) -> Deployment:
    """The deployment within reach; StudioRefused otherwise."""
    found = book.deployments.get(deployment_id)
    if found is None or not reach.covers(found):
        raise StudioRefused(StudioCode.DEPLOYMENT_NOT_FOUND, "there is no such deployment")
    return found


def at_version(deployment: Deployment, expected: int | None) -> Deployment:
    """The deployment, if still of that version; None: of any."""
    if expected not in (None, deployment.version):
        raise version_mismatch(deployment.version, expected or 0)
    return deployment


def refuse_undeployable(strategy: Strategy) -> None:
    """StudioRefused for a strategy that cannot run here."""
    problems = [
        problem
        for problem, is_so in (
            ("deleted", strategy.is_deleted),
            ("draft", strategy.status is StrategyStatus.DRAFT or not is_runnable(strategy)),
            ("external", strategy.program is Program.EXTERNAL),
        )
        if is_so
    ]
    if problems:
        message = f"strategy {strategy.strategy_id} cannot be deployed: {', '.join(problems)}"
        raise StudioRefused(StudioCode.NOT_DEPLOYABLE, message, {"problems": problems})


def check_room(book: StudioBook, user_id: int | None) -> None:
    """StudioRefused where the owner, or the house, has all the deployments that may be."""
    if len(book.deployments.of_owner(user_id)) >= DEPLOYMENTS_MAX:
        raise StudioRefused(StudioCode.LIMIT_REACHED, f"there are {DEPLOYMENTS_MAX} deployments already")
    if sum(each.is_active for each in book.deployments) >= ACTIVE_MAX:
        raise StudioRefused(StudioCode.LIMIT_REACHED, f"{ACTIVE_MAX} deployments of the house are active already")


def _fields(action: Action, policy: StopPolicy, now: int, book: StudioBook, deployment: Deployment) -> dict[str, Any]:
    if action is Action.STOP:
        return {"stop_policy": policy}
    if action is Action.RESUME:
        return {"started_at": now}
    if action is Action.RESTART:
        strategy = book.strategies.get(deployment.strategy_id)
        version = deployment.definition_version if strategy is None else strategy.definition_version
        return {"started_at": None, "stop_policy": None, "stopped_at": None, "definition_version": version}
    return {}


def _limits(old: DeploymentLimits, patch: DeploymentPatch) -> DeploymentLimits:
    count = old.max_open_positions if patch.max_open_positions is None else patch.max_open_positions
    loss = old.max_daily_loss if patch.max_daily_loss is None else patch.max_daily_loss
    return DeploymentLimits(
        None if patch.clear_max_open_positions else count, None if patch.clear_max_daily_loss else loss
    )


def _precondition(problems: list[str]) -> StudioRefused:
    message = f"it cannot run: {', '.join(problems)}"
    return StudioRefused(StudioCode.PRECONDITION_FAILED, message, {"problems": problems})


def _write(book: StudioBook, now: int, by: Actor, action: str, old: Deployment, after: Deployment) -> StudioWrite:
    line = audit_line(by, now, action, (KIND, after.deployment_id), before=old, after=after)
    return StudioWrite([book.deployments.change(after)], [line])
