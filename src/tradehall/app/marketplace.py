"""The marketplace: which strategies are shown to others, what is said of them, and what they really did."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.deployments.ledger import Ledger
from tradehall.app.records import listings
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.backtest_runs import RunState
from tradehall.app.records.listings import SUMMARY_LENGTH_MAX, TITLE_LENGTHS, Listing, ListingVisibility
from tradehall.app.records.strategies import Strategy, StrategyStatus
from tradehall.app.strategies.strategies import (
    Owner,
    Strategies,
    at_version,
    changed,
    checked_category,
    find_strategy,
    is_runnable,
)
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.money import ZERO


class ListingFields(Struct, frozen=True, kw_only=True):
    """What an owner says of a listing; None: what it said before, or of the strategy itself."""

    title: str | None = None
    summary: str | None = None
    category_id: int | None = None
    visibility: ListingVisibility | None = None


class Performance(Struct, frozen=True):
    """Round trips of all of a strategy's deployments; money in `currency`, None where they have several.

    Ratios are None where they would divide by nothing.
    """

    round_trips: int
    wins: int
    losses: int
    open_positions: int
    currency: str | None
    net_pnl: Decimal | None
    win_rate: float | None
    profit_factor: float | None


class Listed(Struct, frozen=True):
    """A listing with its strategy and what that did."""

    listing: Listing
    strategy: Strategy
    performance: Performance


class Marketplace:
    """Publishes, shows and copies. `ledger` and `currency_of` give a deployment's ledger, an account's currency."""

    def __init__(
        self,
        room: StudioRoom,
        strategies: Strategies,
        ledger: Callable[[int], Ledger | None],
        currency_of: Callable[[int], str | None],
    ) -> None:
        self._room = room
        self._strategies = strategies
        self._ledger = ledger
        self._currency_of = currency_of

    def listings(self, domain: str | None) -> list[Listed]:
        """What somebody of `domain` sees (None: all of it), in no order."""
        book = self._room.book
        shown = (listing for listing in book.listings if listing.published and _is_shown(listing, domain))
        found = ((listing, book.strategies.get(listing.strategy_id)) for listing in shown)
        return [self._listed(listing, strategy) for listing, strategy in found if strategy is not None]

    def listing(self, name: str, domain: str | None) -> Listed:
        """One that somebody of `domain` sees, by the strategy's number or keygen."""
        strategy = self._room.book.strategy(name)
        listing = None if strategy is None else self._room.book.listings.get(strategy.strategy_id)
        if strategy is None or listing is None or not listing.published or not _is_shown(listing, domain):
            raise StudioRefused(StudioCode.STRATEGY_NOT_FOUND, "there is no such listing")
        return self._listed(listing, strategy)

    def listing_of(self, strategy: Strategy) -> Listing | None:
        """What is said of a strategy, published or not."""
        return self._room.book.listings.get(strategy.strategy_id)

    async def copy(self, name: str, domain: str | None, owner: Owner, *, by: Actor, title: str | None) -> Strategy:
        """A strategy of `owner` like a listed one."""
        return await self._strategies.copied(self.listing(name, domain).strategy, owner, by=by, title=title)

    async def publish(
        self, reach: Reach, name: str, fields: ListingFields, *, by: Actor, expected: int | None = None
    ) -> tuple[Strategy, Listing]:
        """Show a strategy to others; again: change what is said of it. StudioRefused NOT_PUBLISHABLE."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, tuple[Strategy, Listing]]:
            strategy = at_version(find_strategy(book, reach, name), expected)
            refuse_unpublishable(book, strategy)
            old = book.listings.get(strategy.strategy_id)
            fresh = _with_fields(old or Listing(strategy.strategy_id, False, _short(strategy.name)), fields)
            fresh = replace(fresh, published=True, domain=strategy.domain)
            if strategy.is_published and old == fresh:
                return None, (strategy, fresh)
            published_at = now if old is None or not old.published else old.published_at
            listing = replace(
                fresh, published_at=published_at, unpublished_at=None, version=1 if old is None else old.version + 1
            )
            after = changed(strategy, now, status=StrategyStatus.PUBLISHED)
            return _write(book, strategy, after, old, listing, "strategy.publish", now, by), (after, listing)

        return await self._room.change(decide)

    async def unpublish(
        self, reach: Reach, name: str, *, by: Actor, expected: int | None = None
    ) -> tuple[Strategy, Listing | None]:
        """Show it no more; copies stay. A second time changes nothing."""

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, tuple[Strategy, Listing | None]]:
            strategy = at_version(find_strategy(book, reach, name), expected)
            old = book.listings.get(strategy.strategy_id)
            if not strategy.is_published or old is None:
                return None, (strategy, old)
            listing = replace(old, published=False, unpublished_at=now, version=old.version + 1)
            after = changed(strategy, now, status=StrategyStatus.ACTIVE)
            return _write(book, strategy, after, old, listing, "strategy.unpublish", now, by), (after, listing)

        return await self._room.change(decide)

    def performance(self, strategy: Strategy) -> Performance:
        """What all deployments of a strategy really did."""
        deployments = self._room.book.deployments.of_strategy(strategy.strategy_id)
        ledgers = [ledger for each in deployments if (ledger := self._ledger(each.deployment_id)) is not None]
        tallies = [ledger.tally for ledger in ledgers]
        profit = sum((tally.gross_profit for tally in tallies), ZERO)
        loss = sum((tally.gross_loss for tally in tallies), ZERO)
        count, wins = sum(tally.count for tally in tallies), sum(tally.wins for tally in tallies)
        currencies = {self._currency_of(ledger.account_id) for ledger in ledgers}
        currency = currencies.pop() if len(currencies) == 1 else None
        return Performance(
            round_trips=count,
            wins=wins,
            losses=sum(tally.losses for tally in tallies),
            open_positions=sum(len(ledger.holdings) for ledger in ledgers),
            currency=currency,
            net_pnl=profit + loss if currency is not None else None,
            win_rate=wins / count if count else None,
            profit_factor=float(profit / -loss) if loss and currency is not None else None,
        )

    def _listed(self, listing: Listing, strategy: Strategy) -> Listed:
        return Listed(listing, strategy, self.performance(strategy))


def refuse_unpublishable(book: StudioBook, strategy: Strategy) -> None:
    """StudioRefused with all that keeps a strategy from the marketplace."""
    runs = book.runs.of_strategy(strategy.strategy_id)
    problems = [
        problem
        for problem, is_so in (
            ("draft", strategy.status is StrategyStatus.DRAFT or not is_runnable(strategy)),
            ("deleted", strategy.is_deleted),
            ("no_backtest", not any(run.state is RunState.COMPLETED for run in runs)),
            ("copied", strategy.is_copied),
        )
        if is_so
    ]
    if problems:
        message = f"strategy {strategy.strategy_id} cannot be published: {', '.join(problems)}"
        raise StudioRefused(StudioCode.NOT_PUBLISHABLE, message, {"problems": problems})


def _with_fields(listing: Listing, fields: ListingFields) -> Listing:
    title = listing.title if fields.title is None else fields.title.strip()
    if not TITLE_LENGTHS[0] <= len(title) <= TITLE_LENGTHS[1] or not title.isprintable():
        raise invalid("title", f"must have {TITLE_LENGTHS[0]} to {TITLE_LENGTHS[1]} printable characters")
    summary = listing.summary if fields.summary is None else fields.summary
    if len(summary) > SUMMARY_LENGTH_MAX:
        raise invalid("summary", f"must have at most {SUMMARY_LENGTH_MAX} characters")
    category = listing.category_id if fields.category_id is None else checked_category(fields.category_id)
    return replace(
        listing, title=title, summary=summary, category_id=category, visibility=fields.visibility or listing.visibility
    )


def _short(name: str) -> str:
    return name[: TITLE_LENGTHS[1]].ljust(TITLE_LENGTHS[0], ".")


def _is_shown(listing: Listing, domain: str | None) -> bool:
    return domain is None or listing.visibility is ListingVisibility.PUBLIC or listing.domain == domain


def _write(
    book: StudioBook, was: Strategy, after: Strategy, old: Listing | None, listing: Listing, action: str, now: int,
    by: Actor,
) -> StudioWrite:  # fmt: skip
    line = audit_line(by, now, action, (listings.KIND, was.strategy_id), before=old, after=listing)
    return StudioWrite([book.strategies.change(after), book.listings.change(listing)], [line])
