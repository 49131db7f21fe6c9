"""Accounts of the domain's people, with positions, orders and budgets: as they stand, or as they stood at `as_of`."""

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Final

from tradehall.app.past import Moment
from tradehall.app.past_orders import ENDED, ended_by
from tradehall.app.studio.refusals import StudioRefused
from tradehall.domain.account import Account
from tradehall.domain.order import Order, OrderStatus
from tradehall.faces.kit import Request, Response, decode_query, json_response, moment_at
from tradehall.faces.kit.pages import Page, cut_page
from tradehall.faces.shown.asked import check_words, instant, is_chosen
from tradehall.faces.support import requests
from tradehall.faces.support.accounts import translate
from tradehall.faces.support.accounts.schemas import OrderShown
from tradehall.faces.support.auth import reach_of
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.views import OrderQuery

# How many of an account's orders that ended are looked at: the newest.
ENDED_MAX: Final = 1_000
_STATUSES: Final = {status.value.lower(): status for status in OrderStatus}


async def get_accounts(support: Support, request: Request) -> Response:
    """A user's accounts and what they are worth, or were worth at `as_of`."""
    query = decode_query(request, requests.AccountsQuery)
    moment, accounts = await _seen(support, request, query)
    answer = json_response(cut_page(accounts, query, lambda each: translate.account(each, moment)))
    await support.desk.settled()
    return answer


async def get_positions(support: Support, request: Request) -> Response:
    """A page of a user's open positions, newest first, or of those that were open at `as_of`."""
    query = decode_query(request, requests.HoldingsQuery)
    moment, accounts = await _seen(support, request, query)
    found = [
        position
        for account in accounts
        for position in account.positions.values()
        if is_chosen(query.symbol, position.symbol)
    ]
    found.sort(key=lambda position: position.position_id, reverse=True)
    answer = json_response(cut_page(found, query, lambda each: translate.position(each, moment)))
    await support.desk.settled()
    return answer


async def get_orders(support: Support, request: Request) -> Response:
    """A page of a user's working orders, newest first, or of those that worked at `as_of`.

    A `status` that names ended ones adds those: of each account the newest 1,000.
    """
    query = decode_query(request, requests.UserOrdersQuery)
    check_words("status", query.status, list(_STATUSES))
    moment, accounts = await _seen(support, request, query)
    statuses = frozenset(_STATUSES[word] for word in query.status) if query.status else frozenset(OrderStatus) - ENDED
    found = [order for account in accounts for order in _working(account, statuses)]
    if not statuses & ENDED:
        answer = json_response(_page(support, request, query, found))
        await support.desk.settled()
        return answer
    # What ends while we wait is still shown as it was.
    seen = {order.order_id: copy(order) for order in found}
    await support.desk.settled()
    for account in accounts:
        seen |= {order.order_id: order for order in await _ended(support, moment, account, statuses)}
    return json_response(_page(support, request, query, seen.values()))


async def get_budgets(support: Support, request: Request) -> Response:
    """A page of the budgets on a user's accounts, or of those that there were at `as_of`."""
    query = decode_query(request, requests.AccountsQuery)
    _, accounts = await _seen(support, request, query)
    found = [
        translate.budget(account.terms.account_id, book, currency, _strategy(support, request, keygen))
        for account in accounts
        for keygen, book in sorted(account.books.items())
        for currency in sorted(book.allocated)
    ]
    answer = json_response(cut_page(found, query, lambda each: each))
    await support.desk.settled()
    return answer


async def _seen(support: Support, request: Request, query: requests.AccountsQuery) -> tuple[Moment, list[Account]]:
    """The moment that is asked for, and the user's accounts that there were."""
    user = user_of(support, request)
    moment = await moment_at(support.desk, support.past, instant("as_of", query.as_of, place="query"))
    return moment, list(_accounts(moment, user.logins, query.account_login))


def _accounts(moment: Moment, logins: tuple[int, ...], chosen: list[int]) -> Iterator[Account]:
    for login in logins:
        account = moment.state.accounts.get(login)
        if account is not None and is_chosen(chosen, login):
            yield account


def _working(account: Account, statuses: frozenset[OrderStatus]) -> list[Order]:
    return [order for order in account.orders.values() if order.status in statuses]


async def _ended(support: Support, moment: Moment, account: Account, statuses: frozenset[OrderStatus]) -> list[Order]:
    """Orders that had ended by a moment, in one of these ways; of the newest ones."""
    wanted = OrderQuery(account.terms.account_id, statuses=statuses & ENDED, limit=ENDED_MAX, by_creation=True)
    views = support.desk.views
    is_now = moment.state is support.desk.state
    found = await (views.orders(wanted) if is_now else ended_by(views, wanted, moment))
    return [order for order in found if order.status in statuses]


def _page(
    support: Support, request: Request, query: requests.UserOrdersQuery, found: Iterable[Order]
) -> Page[OrderShown]:
    chosen = [order for order in found if is_chosen(query.symbol, order.terms.symbol)]
    chosen.sort(key=lambda order: order.order_id, reverse=True)
    return cut_page(
        chosen, query, lambda order: translate.order(order, _strategy(support, request, order.terms.strategy_id))
    )


def _strategy(support: Support, request: Request, keygen: str | None) -> int | None:
    """The number of a strategy, where it is the tenant's."""
    if keygen is None:
        return None
    try:
        return support.strategies.get(reach_of(request), keygen).strategy_id
    except StudioRefused:
        return None
