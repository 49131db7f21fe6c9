"""People: found, made, changed, locked; their passwords reset."""

from msgspec import UNSET

from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.users import ContactWish, NewUser
from tradehall.app.records.resets import Delivery
from tradehall.app.records.users import Contact, User, UserStatus
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import cut_page, in_order
from tradehall.faces.kit.writes import KEPT_BODY, expected_version
from tradehall.faces.shown.asked import check_words, instant, is_chosen, is_within
from tradehall.faces.support import requests, schemas, translate
from tradehall.faces.support.auth import actor_of, domain_of, require_role
from tradehall.faces.support.manners import ADMIN, changed_nothing
from tradehall.faces.support.support import Support, user_of

_STATUSES = [status.value for status in UserStatus]


async def get_users(support: Support, request: Request) -> Response:
    """A page of the domain's users, newest first."""
    query = decode_query(request, requests.UsersQuery)
    check_words("status", query.status, _STATUSES)
    since, until = instant("from", query.since, place="query"), instant("to", query.until, place="query")
    countries = [country.upper() for country in query.country]
    found = [
        user
        for user in support.identity.users.all(domain=domain_of(request))
        if _begins_with(user, query.q.lower())
        and is_chosen(query.status, user.status.value)
        and is_chosen(countries, user.contact.country.upper())
        and is_within(user.created_at, since, until)
    ]
    fields = {
        "created_at": lambda user: user.created_at,
        "email": lambda user: user.email,
        "last_login_at": lambda user: support.identity.users.signed_in_at(user.user_id),
    }
    ordered = in_order(found, query.sort, fields, "user_id")
    return json_response(cut_page(ordered, query, lambda user: translate.user(support, user)))


async def post_user(support: Support, request: Request) -> Response:
    """Make a user with one account; a password reset gives the first password."""
    body = decode(request, requests.NewUserRequest)
    wish = NewUser(
        email=body.email, first_name=body.first_name, last_name=body.last_name, phone=body.phone or "",
        contact=Contact(country=body.country.upper()), domain=domain_of(request),
    )  # fmt: skip
    made = await support.identity.users.create(wish, by=actor_of(request, body.reason))
    return json_response(translate.user(support, made.user), 201)


async def get_user(support: Support, request: Request) -> Response:
    """One user, by number or e-mail."""
    return json_response(translate.user(support, user_of(support, request)))


async def patch_contact(support: Support, request: Request) -> Response:
    """Change e-mail or phone; the old address is told, and what is new is verified only where that is said."""
    body = decode(request, requests.ContactRequest)
    if body.email is UNSET and body.phone is UNSET:
        raise BadRequest("email", "or phone must be given")
    wish = ContactWish(
        email=body.email, phone="" if body.phone is None else body.phone, verified=body.verified,
        notify_old=body.notify_old,
    )  # fmt: skip
    before, after = await support.identity.users.change_contact(
        user_of(support, request).user_id, wish, by=actor_of(request, body.reason),
        expected_version=expected_version(request),
    )  # fmt: skip
    if before == after:
        changed_nothing(request)
    return json_response(translate.user(support, after))


async def put_status(support: Support, request: Request) -> Response:
    """Lock or unlock a user: sessions, keys, sockets and deployments follow in one transaction."""
    body = decode(request, requests.StatusRequest)
    user_id, by, expected = user_of(support, request).user_id, actor_of(request, body.reason), expected_version(request)
    if body.status is UserStatus.ACTIVE:
        effects = await support.locking.unlock(user_id, by=by, expected=expected)
    else:
        effects = await support.locking.lock(
            user_id, body.deployments, cancel_orders=body.cancel_orders, by=by, expected=expected
        )
    if not effects.is_changed:
        changed_nothing(request)
    return json_response(translate.user_with_effects(support, effects))


async def post_reset(support: Support, request: Request) -> Response:
    """Begin a password reset; it sets no password itself. Older ones of the user are cancelled."""
    body = decode(request, requests.ResetRequest)
    if body.delivery is Delivery.LINK:
        require_role(request, ADMIN)
    wish = ResetWish(delivery=body.delivery, minutes=body.expires_in_minutes, revoke_sessions=body.revoke_sessions)
    started = await support.identity.resets.start(
        user_of(support, request).user_id, wish, by=actor_of(request, body.reason)
    )
    if started.link is not None:
        request.scope[KEPT_BODY] = json_response(translate.reset(started.reset, None)).body
    return json_response(translate.reset(started.reset, started.link), 202)


async def get_reset(support: Support, request: Request) -> Response:
    """What became of a reset."""
    found = support.identity.resets.get(request.params["reset_id"], domain=domain_of(request))
    return json_response(translate.reset(found, None))


async def post_completion(support: Support, request: Request) -> Response:
    """Give the user of a reset's token a new password, once; all sessions are ended."""
    body = decode(request, requests.CompletionRequest)
    await support.identity.resets.complete(body.token, body.new_password, address=request.host)
    return json_response(schemas.Completed("completed"))


async def get_health(support: Support, request: Request) -> Response:
    """The door is open; for whoever asks."""
    return json_response(schemas.Health("ok"))


def _begins_with(user: User, text: str) -> bool:
    names = (user.email, user.first_name.lower(), user.last_name.lower(), user.name.lower())
    return not text or any(name.startswith(text) for name in names)
