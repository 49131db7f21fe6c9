"""Budgets: read, set, take away; and what strategies' fills have brought."""

import re
from decimal import Decimal
from typing import Final

from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.strategy import BookResult, StrategyBook
from tradehall.engine.commands import RegisterStrategy, RemoveBudget, SetBudget
from tradehall.faces.dashboard import requests, schemas
from tradehall.faces.dashboard.auth import actor_of
from tradehall.faces.dashboard.dashboard import Dashboard, read_instant
from tradehall.faces.dashboard.errors import refusal_of
from tradehall.faces.dashboard.rows import result_of, to_budget, to_currency_pnl
from tradehall.faces.kit import BadRequest, Problem, ProblemKind, Request, Response, decode, decode_query, json_response
from tradehall.ports.house_views import HouseFillQuery

_CURRENCY: Final = re.compile(r"[A-Z0-9]{2,10}", re.ASCII)


async def get_registry(dashboard: Dashboard, request: Request) -> Response:
    """All budgets of all strategies, as they stand or as they were at `as_of`."""
    moment = await dashboard.moment(decode_query(request, requests.AsOfQuery).as_of)
    found: dict[str, dict[str, list[StrategyBook]]] = {}
    for account in moment.state.accounts.values():
        for strategy_id, book in account.books.items():
            for currency in book.allocated:
                found.setdefault(strategy_id, {}).setdefault(currency, []).append(book)
    answer = json_response(
        {
            strategy_id: {currency: _registered(books, currency) for currency, books in sorted(entries.items())}
            for strategy_id, entries in found.items()
        }
    )
    await dashboard.settled()
    return answer


def _registered(books: list[StrategyBook], currency: str) -> schemas.RegistryEntry:
    entry = to_budget("", currency, books)
    return schemas.RegistryEntry(allocated=entry.allocated, reserved=entry.reserved, available=entry.available)


async def get_budget(dashboard: Dashboard, request: Request) -> Response:
    """A strategy's budget in one currency, and its `entries` in all, as they stand or as they were at `as_of`.

    Without `currency`: that in which the strategy's instrument settles, else the first by name.
    """
    query = decode_query(request, requests.BudgetQuery)
    asked = query.currency
    strategy = dashboard.strategy(request.params["strategy_id"])
    moment = await dashboard.moment(query.as_of)
    books = list(dashboard.books(strategy.keygen, moment.state).values())
    currencies = sorted({currency for book in books for currency in book.allocated})
    instrument = dashboard.instruments.get(strategy.symbol)
    settles_in = None if instrument is None else instrument.quote_currency
    wanted = _currency(asked) if asked is not None else settles_in if settles_in in currencies else None
    if not currencies or (asked is not None and wanted not in currencies):
        raise Problem(ProblemKind.NOT_FOUND, "No budget for strategy")
    entries = [to_budget(strategy.keygen, currency, books) for currency in currencies]
    entry = next((each for each in entries if each.currency == wanted), entries[0])
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__}
    answer = json_response(schemas.BudgetSummary(**fields, entries=entries))
    await dashboard.settled()
    return answer


async def put_budget(dashboard: Dashboard, request: Request) -> Response:
    """Set a budget; 201 where there was none. Less than is reserved closes nothing, and denies what would open."""
    currency = _currency(request.params["currency"])
    body = decode(request, requests.BudgetRequest)
    if not ZERO <= body.allocated <= requests.ALLOCATED_MAX:
        raise BadRequest(
            "allocated", f"Expected an amount from 0 to {requests.ALLOCATED_MAX}", found=str(body.allocated)
        )
    actor = actor_of(request, body.reason or "")
    strategy = dashboard.strategy(request.params["strategy_id"])
    entity = ("budget", f"{strategy.keygen}:{currency}")
    login, before = _account(dashboard, strategy.keygen, currency)
    login = login or dashboard.account_of(strategy)
    if login is None:
        message = f"Strategy {strategy.name} trades no account yet"
        raise await dashboard.refuse(Problem(ProblemKind.CONFLICT, message), actor, "budget.created", entity)
    if strategy.keygen not in dashboard.account(str(login)).books:
        registered = await dashboard.submit(RegisterStrategy(login, strategy.keygen), actor)
        if registered.rejection is not None:
            raise refusal_of(registered.rejection)
    allocated = body.allocated - _elsewhere(dashboard, strategy.keygen, currency, login)
    command = SetBudget(login, strategy.keygen, currency, max(ZERO, allocated), body.reason or "", actor.name)
    await dashboard.carry_out(command, actor, "budget.updated", entity)
    books = list(dashboard.books(strategy.keygen).values())
    return json_response(to_budget(strategy.keygen, currency, books), 201 if before is None else 200)


async def delete_budget(dashboard: Dashboard, request: Request) -> Response:
    """Take a budget away; one that is in use only with `force`."""
    currency = _currency(request.params["currency"])
    query = decode_query(request, requests.RemoveQuery)
    actor = actor_of(request, query.reason or "")
    strategy = dashboard.strategy(request.params["strategy_id"])
    entity = ("budget", f"{strategy.keygen}:{currency}")
    owners = [login for login, book in dashboard.books(strategy.keygen).items() if currency in book.allocated]
    if not owners:
        problem = Problem(ProblemKind.NOT_FOUND, "No budget for strategy")
        raise await dashboard.refuse(problem, actor, "budget.deleted", entity)
    for login in owners:
        command = RemoveBudget(login, strategy.keygen, currency, query.force, query.reason or "", actor.name)
        await dashboard.carry_out(command, actor, "budget.deleted", entity)
    return Response(204)


async def get_realized_pnl(dashboard: Dashboard, request: Request) -> Response:
    """What a strategy's fills have realised, by currency; also without a budget."""
    query = decode_query(request, requests.SpanQuery)
    strategy = dashboard.strategy(request.params["strategy_id"])
    since, until = read_instant(query.since, "since"), read_instant(query.until, "until")
    await dashboard.settled()
    if since is None and until is None:
        books = list(dashboard.books(strategy.keygen).values())
        names = sorted({currency for book in books for currency in book.results})
        results = {currency: result_of(books, currency) for currency in names}
    else:
        results = await _results(dashboard, HouseFillQuery(strategy_ids=(strategy.keygen,), since=since, until=until))
    currencies = {name: to_currency_pnl(result) for name, result in results.items()}
    return json_response(schemas.RealizedPnl(strategy_id=strategy.keygen, currencies=currencies))


async def _results(dashboard: Dashboard, query: HouseFillQuery) -> dict[str, BookResult]:
    results: dict[str, BookResult] = {}
    for _, _, each in await dashboard.sums.of(query):
        before = results.get(each.currency, BookResult())
        results[each.currency] = BookResult(
            before.realized_pnl + each.realized_pnl, before.fees + each.fees, before.fill_count + each.fill_count
        )
    return results


def _currency(text: str) -> str:
    currency = text.upper()
    if _CURRENCY.fullmatch(currency) is None:
        raise BadRequest("currency", "Expected 2 to 10 letters and digits", found=text[:40], place="path")
    return currency


def _account(dashboard: Dashboard, keygen: str, currency: str) -> tuple[AccountId | None, Decimal | None]:
    """The account whose book has the entry, and what it allocates; the first one, where there are several."""
    for login, book in sorted(dashboard.books(keygen).items()):
        if currency in book.allocated:
            return login, book.allocated[currency]
    return None, None


def _elsewhere(dashboard: Dashboard, keygen: str, currency: str, login: AccountId) -> Decimal:
    """What the strategy may tie up on its other accounts: the cap is of all together."""
    books = dashboard.books(keygen).items()
    return sum((book.allocated.get(currency, ZERO) for other, book in books if other != login), ZERO)
