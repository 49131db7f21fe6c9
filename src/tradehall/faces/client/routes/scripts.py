"""Scripts: kept here, run in the terminal."""

from enum import StrEnum
from typing import Final, TypeVar

from tradehall.app.records.scripts import (
    SCRIPTS_MAX,
    Script,
    ScriptFields,
    ScriptKind,
    ScriptNotFound,
    TooManyScripts,
    Visibility,
)
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client
from tradehall.faces.client.errors import ClientProblem, invalid_data
from tradehall.faces.client.requests import body_of, needed, parameters_of
from tradehall.faces.client.translate import second
from tradehall.faces.kit import Request, Response, json_response
from tradehall.ports.records import RecordsFault

LANGUAGE: Final = "stscript"
COLUMNS: Final = ("id", "login", "name", "script", "type", "autostart", "visibility", "enabled")
ID_MAX: Final = 2**63 - 1

W = TypeVar("W", bound=StrEnum)


async def get_scripts(client: Client, request: Request) -> Response:
    """All scripts of the login; with `visibility=public` the public ones of everybody.

    With `format=table` under `structure`, as rows of values.
    """
    query = parameters_of(request, requests.Scripts)
    login = client.login(request, query.login)
    is_public = query.visibility is not None and _word(Visibility, query.visibility) is Visibility.PUBLIC
    found = await (client.scripts.public() if is_public else client.scripts.of_login(login))
    rows = [_row(script, text) for script, text in found]
    if query.format == "table":
        table = [[row[name] for name in COLUMNS] for row in rows]
        return json_response({"structure": COLUMNS, "rows": table})
    return json_response({"rows": rows})


async def get_script(client: Client, request: Request) -> Response:
    """One script: one's own, or a public one."""
    number = path_id(request, "SCRIPT_NOT_FOUND")
    login = client.login(request, parameters_of(request, requests.OfLogin).login)
    try:
        script, text = await client.scripts.get(number, login)
    except ScriptNotFound:
        raise _not_found(number) from None
    return json_response(
        schemas.Script(
            id=script.script_id,
            login=script.login,
            name=script.name,
            script=text,
            description=script.description,
            kind=script.kind,
            language=LANGUAGE,
            visibility=script.visibility,
            autostart=int(script.is_autostarted),
            enabled=int(script.is_enabled),
            created_time=second(script.created_at),
            updated_time=second(script.updated_at),
        )
    )


async def put_script(client: Client, request: Request) -> Response:
    """Keep a new script; with `id`, replace one: what is left out gets its default."""
    body = body_of(request, requests.Script)
    return await (_create(client, request, body) if body.id is None else _change(client, request, body, is_whole=True))


async def post_script(client: Client, request: Request) -> Response:
    """Keep a new script; with `id`, change the given fields of one."""
    body = body_of(request, requests.Script)
    return await (_create(client, request, body) if body.id is None else _change(client, request, body, is_whole=False))


async def delete_script(client: Client, request: Request) -> Response:
    """Remove a script."""
    query = parameters_of(request, requests.ById)
    number = path_id(request, "SCRIPT_NOT_FOUND") if request.params else needed(query.id, "id")
    login = client.login(request, query.login)
    try:
        await client.scripts.remove(login, number, actor=client.actor(request))
    except ScriptNotFound:
        raise _not_found(number) from None
    except RecordsFault as fault:
        raise ClientProblem("INVALID_UPDATE_SCRIPT", str(fault)) from None
    return json_response(schemas.Done())


def path_id(request: Request, code: str) -> int:
    """The number in the path; `code` for what is none."""
    text = request.params["id"]
    if text.isascii() and text.isdigit() and len(text) < 20 and (number := int(text)) <= ID_MAX:
        return number
    raise ClientProblem(code, f"there is no {text[:40]!r}")


async def _create(client: Client, request: Request, body: requests.Script) -> Response:
    fields = _fields(body)
    needed(fields.name, "name"), needed(fields.text, "script")
    login = client.login(request, body.login)
    try:
        script = await client.scripts.create(login, fields, actor=client.actor(request))
    except TooManyScripts:
        raise invalid_data(f"a login has {SCRIPTS_MAX} scripts at most") from None
    except RecordsFault as fault:
        raise ClientProblem("INVALID_ADD_SCRIPT", str(fault)) from None
    return json_response(schemas.Done(id=script.script_id))


async def _change(client: Client, request: Request, body: requests.Script, *, is_whole: bool) -> Response:
    number, fields = needed(body.id, "id"), _fields(body)
    login, actor = client.login(request, body.login), client.actor(request)
    try:
        if is_whole:
            needed(fields.name, "name"), needed(fields.text, "script")
            await client.scripts.replace(login, number, fields, actor=actor)
        else:
            await client.scripts.update(login, number, fields, actor=actor)
    except ScriptNotFound:
        raise _not_found(number) from None
    except RecordsFault as fault:
        raise ClientProblem("INVALID_UPDATE_SCRIPT", str(fault)) from None
    return json_response(schemas.Done(id=number))


def _fields(body: requests.Script) -> ScriptFields:
    return ScriptFields(
        name=body.name,
        text=body.script,
        description=body.description,
        kind=None if body.kind is None else _word(ScriptKind, body.kind),
        visibility=None if body.visibility is None else _word(Visibility, body.visibility),
        is_autostarted=None if body.autostart is None else bool(body.autostart),
        is_enabled=None if body.enabled is None else bool(body.enabled),
    )


def _word(words: type[W], text: str) -> W:
    try:
        return words(text)
    except ValueError:
        raise invalid_data(f"{text[:40]!r} must be one of {', '.join(words)}") from None


def _row(script: Script, text: str) -> dict[str, object]:
    return {
        "id": script.script_id,
        "login": script.login,
        "name": script.name,
        "script": text,
        "type": script.visibility,
        "autostart": int(script.is_autostarted),
        "visibility": script.visibility,
        "enabled": int(script.is_enabled),
    }


def _not_found(number: int) -> ClientProblem:
    return ClientProblem("SCRIPT_NOT_FOUND", f"there is no script {number}")
