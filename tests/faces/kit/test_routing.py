"""Which route takes a request, and what is said when none does."""

from __future__ import annotations

import json

import pytest

from tests.faces.kit.asgi import Caller
from tests.faces.kit.doors import PlainDialect, a_door, an_app, authenticate
from tradehall.faces.kit import Problem, ProblemKind, Request, Response, Route, json_response

KEY = {"x-api-key": "me"}


def caller(*doors, headers=KEY):
    return Caller(an_app(*doors), headers=headers)


@pytest.mark.parametrize(("path", "params"), [
    # the path as sent             what the handler gets
    ("/orders",                    {}),
    ("/v1/orders",                 {}),
    ("/orders/history",            {}),
    ("/orders/ord_7",              {"order_id": "ord_7"}),
    ("/v1/orders/ord%2F7",         {"order_id": "ord/7"}),
    ("/quotes/BTC%2FUSD",          {"symbol": "BTC/USD"}),
    ("/quotes/BTC/USD",            {"symbol": "BTC/USD"}),
    ("/quotes/S:AAPL",             {"symbol": "S:AAPL"}),
    ("/quotes/%E2%82%AC%20x",      {"symbol": "€ x"}),
    ("/quotes/100%25",             {"symbol": "100%"}),
    ("/accounts/a%2Fb/fills",      {"account": "a/b"}),
])  # fmt: skip
def test_a_path_finds_its_route_and_its_parameters(path, params):
    answer = caller().get(path)
    assert (answer.status_code, answer.json()["params"]) == (200, params)


@pytest.mark.parametrize("path", ["/", "/nope", "/v1", "/orders/", "/accounts/a/nope", "/quotes/"])
def test_an_unknown_path_is_404_in_the_words_of_the_door(path):
    answer = caller().get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_an_unknown_path_tells_a_stranger_nothing():
    assert caller(headers={}).get("/nope").status_code == 401


def test_a_known_path_with_another_method_is_405_and_names_the_right_ones():
    answer = caller().call("DELETE", "/orders")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_literal_path_hides_a_pattern_also_for_other_methods():
    assert caller().call("DELETE", "/orders/history").headers["allow"] == "GET, HEAD"


def test_head_answers_as_get_does_but_without_the_body():
    answer = caller().call("HEAD", "/orders")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(caller().get("/orders").content)


def test_the_door_with_the_longest_prefix_answers_for_an_unknown_path():
    desk = a_door(name="desk", prefixes=("/desk",), routes=(), errors=PlainDialect("DESK_"))
    assert caller(a_door(), desk).get("/desk/nope").json()["code"] == "DESK_NOT_FOUND"
    assert caller(a_door(), desk).get("/desks").json()["code"] == "NOT_FOUND"


def test_a_trailing_slash_counts_only_where_the_door_does_not_mind_it():
    relaxed = a_door(name="relaxed", prefixes=("/relaxed",), slash_optional=True)
    both = caller(a_door(), relaxed)
    assert both.get("/relaxed/orders/ord_7/").json()["params"] == {"order_id": "ord_7"}
    assert both.get("/relaxed/orders/").status_code == 200
    assert both.get("/orders/").status_code == 404


async def mine(request: Request) -> Response:
    return json_response("mine")


async def yours(request: Request) -> Response:
    return json_response("yours")


def test_two_doors_may_share_a_path_if_one_says_when_it_is_meant():
    routes = (Route("GET", "/trades", mine, when=lambda request: b"x-mine" in request.headers),)
    first = a_door(routes=(Route("GET", "/trades", yours),), prefixes=("",))
    second = a_door(name="other", routes=routes, prefixes=("",))
    both = caller(first, second)
    assert both.get("/trades").json() == "yours"
    assert both.get("/trades", headers={"x-mine": "1"}).json() == "mine"


def test_of_two_that_share_a_path_each_decides_about_a_slash_at_its_end():
    routes = (Route("GET", "/trades", mine, when=lambda request: b"x-mine" in request.headers),)
    first = a_door(routes=(Route("GET", "/trades", yours),), prefixes=("",))
    second = a_door(name="other", routes=routes, prefixes=("",), slash_optional=True)
    both = caller(first, second)
    assert both.get("/trades/", headers={"x-mine": "1"}).json() == "mine"
    assert both.get("/trades/").status_code == 404


def test_what_is_no_request_is_said_in_the_words_of_the_door_whose_path_it_names():
    other = a_door(
        name="other",
        prefixes=("", "/other"),
        routes=(Route("GET", "/mine", mine), Route("GET", "/", mine)),
        errors=PlainDialect("OTHER_"),
    )
    app = an_app(a_door(), other)
    for path, code in (
        ("/mine", "OTHER_MALFORMED"),
        ("/other/x", "OTHER_MALFORMED"),
        ("/x", "MALFORMED"),
        ("/", "MALFORMED"),
    ):
        _, _, body = app.declined(Problem(ProblemKind.MALFORMED, "no HTTP"), path, path.encode())
        assert json.loads(body)["code"] == code


def test_two_doors_may_not_silently_share_a_path():
    with pytest.raises(AssertionError, match="declared twice"):
        an_app(a_door(), a_door(name="again"))


def test_the_scope_of_a_route_reaches_the_door():
    order = {"symbol": "AAPL", "quantity": "1"}
    assert caller(headers={"x-api-key": "reader"}).post("/orders", json=order).status_code == 403
    assert caller().post("/orders", json=order).status_code == 201


def test_a_door_that_names_an_unknown_limit_is_refused_at_the_start():
    with pytest.raises(AssertionError, match="no limits named"):
        a_door(limits={}, authenticate=authenticate)
