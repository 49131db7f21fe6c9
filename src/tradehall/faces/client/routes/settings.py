"""Settings by key."""

from typing import Final

import msgspec
from msgspec import UNSET

from tradehall.app.records.settings import SettingNotFound, SettingRefused
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client
from tradehall.faces.client.errors import ClientProblem, invalid_data
from tradehall.faces.client.requests import body_of, needed, parameters_of
from tradehall.faces.client.translate import second
from tradehall.faces.kit import Request, Response, json_response

COLUMNS: Final = ("key", "value", "updated_at")


async def get_settings(client: Client, request: Request) -> Response:
    """All settings, one of them, or those whose key begins with `prefix`."""
    query = parameters_of(request, requests.ReadSettings)
    settings = await client.settings.read(client.login(request, query.login))
    rows: list[list[object]] = [
        [key, setting.value, second(setting.updated_at)]
        for key, setting in sorted(settings.items())
        if query.key in (None, key) and key.startswith(query.prefix or "")
    ]
    return json_response(schemas.Table(COLUMNS, rows))


async def put_settings(client: Client, request: Request) -> Response:
    """Set one key; or with `settings` all of them, so that no others remain."""
    body = body_of(request, requests.WriteSettings)
    login, actor = client.login(request, body.login), client.actor(request)
    try:
        if body.settings is not None:
            await client.settings.replace(login, _values(body.settings), actor=actor)
        else:
            await client.settings.put(login, needed(body.key, "key"), _value(body), actor=actor)
    except SettingRefused as refused:
        raise invalid_data(str(refused)) from None
    return json_response(schemas.Done())


async def post_settings(client: Client, request: Request) -> Response:
    """Set the given keys and leave the others; a value of null removes its key."""
    body = body_of(request, requests.WriteSettings)
    values = _values(body.settings) if body.settings is not None else {needed(body.key, "key"): _value(body)}
    try:
        await client.settings.merge(client.login(request, body.login), values, actor=client.actor(request))
    except SettingRefused as refused:
        raise invalid_data(str(refused)) from None
    return json_response(schemas.Done())


async def delete_settings(client: Client, request: Request) -> Response:
    """Remove one key."""
    query = parameters_of(request, requests.ReadSettings)
    key = needed(query.key, "key")
    try:
        await client.settings.remove(client.login(request, query.login), key, actor=client.actor(request))
    except SettingNotFound:
        raise ClientProblem("NOT_FOUND", f"there is no setting {key}") from None
    return json_response(schemas.Done())


def _value(body: requests.WriteSettings) -> bytes:
    if body.value is UNSET:
        raise invalid_data("value is required")
    return bytes(body.value)


def _values(settings: dict[str, msgspec.Raw]) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in settings.items()}
