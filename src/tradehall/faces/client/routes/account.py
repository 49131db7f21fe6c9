"""The account: who it is, and what it is worth."""

from datetime import UTC, datetime

from tradehall.app.records.users import Contact, User
from tradehall.domain.account import AccountStatus, AccountTerms
from tradehall.domain.time import NS_PER_DAY, NS_PER_SECOND
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client
from tradehall.faces.client.requests import parameters_of
from tradehall.faces.client.translate import second, to_balance
from tradehall.faces.kit import Request, Response, json_response


async def get_me(client: Client, request: Request) -> Response:
    """The account, its owner, and what it is worth.

    `commission` and `storage` are sums over open tickets; the `prev` balances those at the end of yesterday
    and of last month, UTC.
    """
    account = client.account(request, parameters_of(request, requests.OfLogin).login)
    login = account.terms.account_id
    balance = to_balance(client.desk.state, account, client.market.quotes.get)
    shown = (account.terms, account.opened_at)
    await client.settled(login)
    today, month = _midnights(client.desk.clock.now())
    before = [await client.past_balances.before(login, at) for at in (today, month)]
    return json_response(_me(client.identity.users.of_login(login), *shown, balance, before))


async def get_balance(client: Client, request: Request) -> Response:
    """What the account is worth now."""
    account = client.account(request, parameters_of(request, requests.OfLogin).login)
    balance = to_balance(client.desk.state, account, client.market.quotes.get)
    await client.durable(account.terms.account_id)
    return json_response(balance)


def _me(
    user: User | None, terms: AccountTerms, opened_at: int, balance: schemas.Balance, before: list[float]
) -> schemas.Me:
    contact = Contact() if user is None else user.contact
    leverage = terms.leverage
    return schemas.Me(
        id=0 if user is None else user.user_id,
        login=terms.account_id,
        currency=terms.currency,
        group=terms.group,
        comment="" if user is None else user.comment,
        enable=int(terms.status is not AccountStatus.DISABLED),
        enable_read_only=int(terms.status is AccountStatus.READ_ONLY),
        enable_change_password=int(user is not None and user.may_change_password),
        leverage=float(leverage) if leverage % 1 else int(leverage),
        avatar="" if user is None else user.avatar,
        email="" if user is None else user.email,
        name=terms.name if user is None else user.name,
        phone="" if user is None else user.phone,
        address=contact.address,
        city=contact.city,
        country=contact.country,
        zipcode=contact.zipcode,
        regdate=second(opened_at if user is None else user.created_at),
        prevbalance=before[0],
        prevmonthbalance=before[1],
        balance=balance.balance,
        storage=balance.storage,
        commission=balance.commission,
        credit=balance.credit,
        margin=balance.margin,
        margin_free=balance.margin_free,
        margin_level=balance.margin_level,
        equity=balance.equity,
    )


def _midnights(now: int) -> tuple[int, int]:
    """When today and this month began [ns UTC]."""
    today = now - now % NS_PER_DAY
    day = datetime.fromtimestamp(today // NS_PER_SECOND, UTC).day
    return today, today - (day - 1) * NS_PER_DAY
