"""API keys, managed by the owner of the account (his session), or an operator."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, UnsetType

from tradehall.app.identity.refusals import IdentityRefused
from tradehall.app.identity.terminal_keys import NewTerminalKey, TerminalKeyPatch
from tradehall.app.principal import Principal, PrincipalKind
from tradehall.app.records.api_keys import ApiKey
from tradehall.app.records.audit import Actor
from tradehall.domain.ids import AccountId
from tradehall.domain.time import NS_PER_MS
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query
from tradehall.faces.terminal import requests, schemas
from tradehall.faces.terminal.errors import TerminalProblem, refusal_of_identity
from tradehall.faces.terminal.schemas import answer, listed
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import millis


async def get_keys(terminal: Terminal, request: Request) -> Response:
    """The keys of the account, revoked ones too, oldest first; an operator sees those of all."""
    login = decode_query(request, requests.KeysQuery).login
    keys = terminal.keys.all(_whose(terminal, request, login))
    return respond(request, listed([_shown(terminal, key) for key in keys]))


async def post_key(terminal: Terminal, request: Request) -> Response:
    """Make a key. Its secret is in the answer, and never shown again."""
    body = decode(request, requests.NewKeyRequest)
    login = _whose(terminal, request, body.login)
    if login is None:
        raise BadRequest("login", "login is required: an operator has no account of their own")
    if login not in terminal.desk.state.accounts:
        raise TerminalProblem("NOT_FOUND", f"Account {login} not found")
    wish = NewTerminalKey(
        name=body.name,
        scope=body.scope,
        expires_at=None if not body.expires_at else body.expires_at * NS_PER_MS,
        ip_allow=tuple(body.ip_allow or ()),
    )
    try:
        key, secret = await terminal.keys.create(login, wish, by=_actor(request))
    except IdentityRefused as refused:
        raise refusal_of_identity(refused) from None
    return respond(request, answer(_with_secret(terminal, key, secret)), 201)


async def post_rotation(terminal: Terminal, request: Request) -> Response:
    """A new secret for a key; the old one is dead, and its sockets are closed, when this answers."""
    owner = _whose(terminal, request, None)
    try:
        key, secret = await terminal.keys.rotate(owner, request.params["id"], by=_actor(request))
    except IdentityRefused as refused:
        raise refusal_of_identity(refused) from None
    return respond(request, answer(_with_secret(terminal, key, secret)))


async def patch_key(terminal: Terminal, request: Request, hang_up: Callable[[frozenset[str]], None]) -> Response:
    """Change a key's name, scope, expiry or addresses. Sockets opened under other rights are closed."""
    body = decode(request, requests.ChangeKeyRequest)
    if body.name is UNSET and body.scope is UNSET and body.expires_at is UNSET and body.ip_allow is UNSET:
        raise BadRequest("name", "name, scope, expires_at or ip_allow is required")
    expires_at: int | UnsetType | None = UNSET
    if not isinstance(body.expires_at, UnsetType):
        expires_at = body.expires_at * NS_PER_MS if body.expires_at else None
    patch = TerminalKeyPatch(
        name=body.name,
        scope=body.scope,
        expires_at=expires_at,
        ip_allow=UNSET if isinstance(body.ip_allow, UnsetType) else tuple(body.ip_allow),
    )
    owner = _whose(terminal, request, None)
    try:
        before = terminal.keys.get(owner, request.params["id"])
        key = await terminal.keys.change(owner, request.params["id"], patch, by=_actor(request))
    except IdentityRefused as refused:
        raise refusal_of_identity(refused) from None
    if (key.scopes, key.ip_allow) != (before.scopes, before.ip_allow):
        hang_up(frozenset({key.key_id}))
    return respond(request, answer(_shown(terminal, key)))


async def delete_key(terminal: Terminal, request: Request) -> Response:
    """Revoke a key for good; its sockets are closed. A second time changes nothing."""
    owner = _whose(terminal, request, None)
    try:
        key = await terminal.keys.revoke(owner, request.params["id"], by=_actor(request))
    except IdentityRefused as refused:
        raise refusal_of_identity(refused) from None
    return respond(request, answer(_shown(terminal, key)))


# Steps of the above.


def _whose(terminal: Terminal, request: Request, login: int | None) -> AccountId | None:
    """The account whose keys are meant; None: all that there are, for operators."""
    principal: Principal = request.principal
    if principal.kind is PrincipalKind.OPERATOR:
        return login
    if login is not None and not terminal.access.may_act_on(principal, login):
        raise TerminalProblem("FORBIDDEN", "This login is not yours")
    return principal.account_id if login is None else login


def _actor(request: Request) -> Actor:
    principal: Principal = request.principal
    name = str(principal.account_id) if principal.kind is PrincipalKind.SESSION else principal.key_id
    return Actor(name, role=principal.role, ip=request.host, request_id=request.correlation_id)


def _shown(terminal: Terminal, key: ApiKey) -> schemas.Key:
    return schemas.Key(**_fields(terminal, key))


def _with_secret(terminal: Terminal, key: ApiKey, secret: str) -> schemas.NewKey:
    return schemas.NewKey(**_fields(terminal, key), key=secret)


def _fields(terminal: Terminal, key: ApiKey) -> dict[str, Any]:
    used_at = terminal.access.last_used_at(key.key_id)
    return {
        "id": key.line,
        "name": key.name,
        "scope": key.scopes[0],
        "prefix": key.prefix,
        "created_at": millis(key.created_at),
        "last_used_at": millis(used_at) or None,
        "expires_at": millis(key.expires_at) or None,
        "revoked_at": millis(key.revoked_at) or None,
        "login": key.account_id,
        "ip_allow": list(key.ip_allow),
    }
