"""Signing in, up and out; the session, and the password."""

from tradehall.app.identity.refusals import IdentityRefused
from tradehall.app.identity.signing_in import SignedIn
from tradehall.app.identity.users import NewUser, split_name
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.principal import Principal
from tradehall.app.records.users import Contact
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.auth import cookie_header, lifetime_s
from tradehall.faces.client.client import Client, unavailable
from tradehall.faces.client.errors import refused_by_identity
from tradehall.faces.client.requests import body_of, needed
from tradehall.faces.client.translate import second
from tradehall.faces.kit import Request, Response, json_response


async def sign_in(client: Client, request: Request) -> Response:
    """Sign in with login and password.

    The answer is the profile with its token, which is set as a cookie, too. Five failures of a login, or
    twenty of an address, within 15 minutes: 429.
    """
    body = body_of(request, requests.SignIn)
    login, password = needed(body.login, "login"), needed(body.password, "password")
    try:
        signed = await client.identity.signing_in.sign_in(login, password, address=request.host)
    except IdentityRefused as refused:
        raise refused_by_identity(refused) from None
    except ShardUnavailable as shut:
        raise unavailable(shut.reason) from None
    return _welcome(client, signed)


async def sign_up(client: Client, request: Request) -> Response:
    """Make an account for oneself, and sign in."""
    body = body_of(request, requests.SignUp)
    first, last = split_name(needed(body.name, "name"))
    wish = NewUser(
        email=needed(body.email, "email"),
        first_name=first,
        last_name=last,
        phone=body.phone or "",
        contact=Contact(
            country=body.country or "",
            city=body.city or "",
            state=body.state or "",
            address=body.address or "",
            zipcode=body.zipcode or "",
        ),
        currency=body.currency or "USD",
        leverage=body.leverage,
        group=body.group or "",
        is_demo=body.demo is not False,
    )
    password = needed(body.password, "password")
    try:
        made = await client.identity.users.sign_up(wish, password, address=request.host)
        signed = await client.identity.signing_in.begin(made.user, made.login, address=request.host)
    except IdentityRefused as refused:
        raise refused_by_identity(refused) from None
    except ShardUnavailable as shut:
        raise unavailable(shut.reason) from None
    return _welcome(client, signed)


async def sign_check(client: Client, request: Request) -> Response:
    """Whose session this is, and until when."""
    principal: Principal = request.principal
    return json_response(
        schemas.SessionCheck(
            login=principal.account_id,
            session=principal.session_type,
            expires_at=second(principal.expires_at or 0),
            server_time=second(client.desk.clock.now()),
        )
    )


async def change_password(client: Client, request: Request) -> Response:
    """Change one's password; all other sessions end."""
    body = body_of(request, requests.ChangePassword)
    present, new = needed(body.password, "password"), needed(body.new_password, "new_password")
    try:
        await client.identity.signing_in.change_password(request.principal, present, new, address=request.host)
    except IdentityRefused as refused:
        raise refused_by_identity(refused) from None
    return json_response(schemas.Done())


async def sign_out(client: Client, request: Request) -> Response:
    """End the session; its token opens nothing any more."""
    await client.identity.signing_in.sign_out(request.principal)
    return json_response(schemas.Done(), headers=(cookie_header("", 0),))


def _welcome(client: Client, signed: SignedIn) -> Response:
    user, session = signed.user, signed.session
    account = client.desk.state.accounts.get(session.login)
    leverage = 0 if account is None else account.terms.leverage
    profile = schemas.Profile(
        id=user.user_id,
        login=session.login,
        regdate=second(user.created_at),
        leverage=float(leverage) if leverage % 1 else int(leverage),
        email=user.email,
        avatar=user.avatar,
        name=user.name,
        phone=user.phone,
        address=user.contact.address,
        city=user.contact.city,
        state=user.contact.state,
        country=user.contact.country,
        zipcode=user.contact.zipcode,
        group=user.group_of(session.login),
        currency="" if account is None else account.terms.currency,
        token=signed.token,
    )
    seconds = lifetime_s(session.expires_at, client.desk.clock.now())
    return json_response(profile, headers=(cookie_header(signed.token, seconds),))
