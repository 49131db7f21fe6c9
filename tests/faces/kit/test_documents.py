"""OpenAPI documents and the pages that show them."""

from __future__ import annotations

import re

import jsonschema_rs
import pytest

from tests.faces.kit.asgi import Caller
from tests.faces.kit.doors import PlainDialect, a_door, an_app
from tradehall.faces.kit import WEBSOCKET, Route, docs_door, document
from tradehall.faces.kit.docs_pages import ASSETS

ELSEWHERE = a_door(name="desk", title="Desk", prefixes=("/desk",), errors=PlainDialect("DESK_"))


def all_of_it():
    return document([a_door(), ELSEWHERE], title="All", version="1")


def pages():
    doors = [a_door(), ELSEWHERE]
    return Caller(an_app(*doors, docs_door(doors, title="Tradehall", version="1")))


def test_every_reference_in_the_document_leads_somewhere():
    whole = all_of_it()
    for reference in set(re.findall(r"'#/components/schemas/([^']+)'", repr(whole))):
        jsonschema_rs.validator_for(whole["components"]["schemas"][reference] | {"components": whole["components"]})


def test_an_operation_says_what_its_route_says():
    operation = document([a_door()], title="One", version="1")["paths"]["/orders"]["post"]
    assert operation["summary"] == "Place an order"
    assert "It fills, or it rests." in operation["description"]
    assert operation["security"] == [{"gateway_key": []}]
    assert sorted(operation["responses"]) == [
        "201", "400", "401", "403", "413", "414", "429", "431", "500", "503",
    ]  # fmt: skip
    assert operation["requestBody"]["required"] is True


def test_parameters_come_from_the_path_and_the_query_struct():
    parameters = all_of_it()["paths"]["/desk/orders/{order_id}"]["get"]["parameters"]
    assert [(p["name"], p["in"], p["required"]) for p in parameters] == [
        ("order_id", "path", True),
        ("status", "query", False),
        ("limit", "query", False),
        ("since", "query", False),
    ]
    assert parameters[3]["schema"] == {"type": "string"}


def test_no_two_operations_share_an_id():
    ids = [operation["operationId"] for path in all_of_it()["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids)) == 12


def test_hidden_routes_are_not_described_and_streams_are():
    async def follow(request): ...

    door = a_door(routes=(Route(WEBSOCKET, "/ws", follow), Route("GET", "/secret", follow, hidden=True)))
    paths = document([door], title="One", version="1")["paths"]
    assert list(paths) == ["/ws"]
    assert "426" in paths["/ws"]["get"]["responses"]


@pytest.mark.parametrize(("path", "title", "count"), [
    ("/openapi.json",          "Tradehall",  10),
    ("/openapi/gateway.json",  "Gateway",    5),
    ("/openapi/desk.json",     "Desk",       5),
])  # fmt: skip
def test_each_door_has_its_document_and_all_have_one(path, title, count):
    answer = pages().get(path)
    assert answer.json()["info"]["title"] == title
    assert len(answer.json()["paths"]) == count


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs?door=desk", "/redoc?door=%22%3E%3Cscript%3E"])
def test_a_page_needs_no_key_and_nothing_from_elsewhere(path):
    caller = pages()
    answer = caller.get(path)
    assert answer.status_code == 200
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    links = re.findall(r'(?:src|href|data-document)="([^"]+)"', answer.text)
    assert {caller.get(link).status_code for link in links} == {200}
    assert not [link for link in links if "//" in link]


def test_an_asset_is_sent_once():
    first = pages().get("/docs/assets/docs.js")
    again = pages().get("/docs/assets/docs.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_viewers_come_with_their_licences():
    names = {file.name for file in ASSETS.iterdir()}
    assert {"swagger-ui.LICENSE.txt", "redoc.LICENSE.txt"} <= names
