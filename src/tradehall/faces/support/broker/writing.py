"""The broker layer's writes. Booleans are desired states, so repeats are harmless."""

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from tradehall.app.deployments.deleting import OfDeployments
from tradehall.app.deployments.transitions import Action
from tradehall.app.identity.users import ContactWish, NewUser
from tradehall.app.marketplace import ListingFields
from tradehall.app.records.adjustments import TripFacts
from tradehall.app.records.deployments import DeploymentState
from tradehall.app.records.users import Contact
from tradehall.app.studio.reach import Reach
from tradehall.app.support.locking import Fate
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.shown.asked import instant
from tradehall.faces.support.auth import actor_of, domain_of
from tradehall.faces.support.broker import requests, schemas
from tradehall.faces.support.manners import BROKER_REASON, changed_nothing
from tradehall.faces.support.routes.trades import adjusted
from tradehall.faces.support.support import Support, user_of

FORM_FIELDS_MAX: Final = 50
_OVER: Final = frozenset({DeploymentState.STOPPED, DeploymentState.FAILED, DeploymentState.STOPPING})


async def put_password(support: Support, request: Request) -> Response:
    """Give a user a new password; all sessions are ended."""
    query = decode_query(request, requests.PasswordQuery)
    password = query.new_password or decode(request, requests.PasswordBody).new_password
    user = user_of(support, request, query.user_email)
    await support.identity.signing_in.set_password(user.user_id, password, by=actor_of(request, BROKER_REASON))
    return _done(f"The password of {user.email} was reset")


async def put_email(support: Support, request: Request) -> Response:
    """Change a user's address."""
    query = decode_query(request, requests.EmailQuery)
    await _contact(support, request, query.user_email, ContactWish(email=query.new_user_email))
    return _done("The e-mail address was updated")


async def put_phone(support: Support, request: Request) -> Response:
    """Change or remove a user's number."""
    query = decode_query(request, requests.PhoneQuery)
    await _contact(support, request, query.user_email, ContactWish(phone=query.phone))
    return _done("The phone number was updated")


async def put_status(support: Support, request: Request) -> Response:
    """Lock or unlock a user; deployments are paused."""
    query = decode_query(request, requests.StatusQuery)
    user_id, by = user_of(support, request, query.user_email).user_id, actor_of(request, BROKER_REASON)
    if query.is_active:
        effects = await support.locking.unlock(user_id, by=by)
    else:
        effects = await support.locking.lock(user_id, Fate.PAUSE, cancel_orders=True, by=by)
    if not effects.is_changed:
        changed_nothing(request)
    return _done(f"The user is {effects.user.status.value}")


async def post_user(support: Support, request: Request) -> Response:
    """Make a user, from a form."""
    form = _form(request)
    wish = NewUser(
        email=form.email, first_name=form.first_name, last_name=form.last_name,
        contact=Contact(country=form.country.upper()), domain=domain_of(request),
    )  # fmt: skip
    made = await support.identity.users.create(wish, by=actor_of(request, BROKER_REASON))
    return _done(f"{made.user.email} was registered")


async def put_strategy(support: Support, request: Request) -> Response:
    """Delete or restore a strategy of a user; running deployments refuse it."""
    query = decode_query(request, requests.UpdateStrategyQuery)
    reach, by = _own(support, request, query.user_email), actor_of(request, BROKER_REASON)
    name = str(query.strategy_id)
    if support.strategies.get(reach, name).is_deleted is query.should_delete:
        changed_nothing(request)
    elif query.should_delete:
        await support.deletion.delete(reach, name, OfDeployments.REFUSE, by=by)
    else:
        await support.strategies.restore(reach, name, by=by)
    return _done(f"The strategy is {'deleted' if query.should_delete else 'active'}")


async def put_deployment(support: Support, request: Request) -> Response:
    """Stop a deployment of a user, or start it again."""
    query = decode_query(request, requests.UpdateDeploymentQuery)
    reach, by = _own(support, request, query.user_email), actor_of(request, BROKER_REASON)
    is_over = support.deployments.get(reach, query.deployment_id).state in _OVER
    if is_over is query.should_delete:
        changed_nothing(request)
    else:
        action = Action.STOP if query.should_delete else Action.RESTART
        await support.deployments.act(reach, query.deployment_id, action, by=by)
    return _done(f"The deployment {'stops' if query.should_delete else 'starts'}")


async def put_scanner(support: Support, request: Request) -> Response:
    """Delete or restore a scanner of a user."""
    query = decode_query(request, requests.UpdateScannerQuery)
    reach, by = _own(support, request, query.user_email), actor_of(request, BROKER_REASON)
    if support.scanners.get(reach, query.scanner_id).is_deleted is query.should_delete:
        changed_nothing(request)
    elif query.should_delete:
        await support.scanners.delete(reach, query.scanner_id, by=by)
    else:
        await support.scanners.restore(reach, query.scanner_id, by=by)
    support.watch.wake()
    return _done(f"The scanner is {'deleted' if query.should_delete else 'restored'}")


async def put_trade(support: Support, request: Request) -> Response:
    """Lay other times, another strike or result over a trade."""
    query = decode_query(request, requests.UpdateTradeQuery)
    said = TripFacts(
        instant("taken_at", query.taken_at, place="query"), instant("closed_at", query.closed_at, place="query"),
        query.strike, query.result or None,
    )  # fmt: skip
    if said == TripFacts():
        raise BadRequest("result", "or taken_at, closed_at or strike must be given", place="query")
    _, is_changed = await adjusted(support, request, said, BROKER_REASON, query.trade_id)
    if not is_changed:
        changed_nothing(request)
    return _done("The trade was updated")


async def put_marketplace(support: Support, request: Request) -> Response:
    """Publish a strategy of a user, or take it out."""
    query = decode_query(request, requests.PublishQuery)
    reach, by = _own(support, request, query.user_email), actor_of(request, BROKER_REASON)
    name = str(query.strategy_id)
    if support.strategies.get(reach, name).is_published is query.should_publish:
        changed_nothing(request)
    elif query.should_publish:
        await support.marketplace.publish(reach, name, ListingFields(), by=by)
    else:
        await support.marketplace.unpublish(reach, name, by=by)
    return _done(f"The strategy is {'published' if query.should_publish else 'not published'}")


# Steps of the above.


def _own(support: Support, request: Request, email: str) -> Reach:
    """What belongs to that user alone."""
    return Reach(user_id=user_of(support, request, email).user_id)


async def _contact(support: Support, request: Request, email: str, wish: ContactWish) -> None:
    user_id = user_of(support, request, email).user_id
    before, after = await support.identity.users.change_contact(user_id, wish, by=actor_of(request, BROKER_REASON))
    if before == after:
        changed_nothing(request)


def _form(request: Request) -> requests.RegisterForm:
    """A form's fields, or those of a JSON body."""
    if request.header(b"content-type").startswith("application/json"):
        return decode(request, requests.RegisterForm)
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
        return msgspec.convert(dict(pairs), requests.RegisterForm)
    except msgspec.ValidationError as error:
        raise BadRequest("", str(error)) from None
    except ValueError:
        raise BadRequest("", "must be a form in UTF-8") from None


def _done(message: str) -> Response:
    return json_response(schemas.Message(message))
