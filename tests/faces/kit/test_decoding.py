"""Bodies and queries: what is read, and how a wrong one is answered."""

from __future__ import annotations

import pytest

from tests.faces.kit.asgi import Caller, run
from tests.faces.kit.doors import a_door, an_app
from tradehall.faces.kit import Limit, Problem
from tradehall.faces.kit.asgi import Received, request_of

KEY = {"x-api-key": "me"}


def caller(**arguments):
    generous = a_door(limits={"write": Limit(per_second=1e6, burst=10**6)})
    return Caller(an_app(generous, **arguments), headers=KEY)


@pytest.mark.parametrize(("body", "field", "found"), [
    # the body                                             the field          what was there
    (b'{"quantity":"1"}',                                  "symbol",          None),
    (b'{"symbol":1,"quantity":"1"}',                       "symbol",          "int"),
    (b'{"symbol":"A","quantity":true}',                    "quantity",        "a boolean"),
    (b'{"symbol":"A","quantity":"1","legs":[{"a":"x"}]}',  "legs[0][...]",    "str"),
    (b"[]",                                                "",                "array"),
])  # fmt: skip
def test_a_field_of_the_wrong_shape_is_named(body, field, found):
    answer = caller().post("/orders", content=body)
    assert answer.status_code == 400
    assert answer.json()["details"] == {"field": field, "found": found, "place": "body"}


@pytest.mark.parametrize("body", [
    b"", b"{", b"nonsense", b'{"symbol":"\xff","quantity":"1"}', b'{"symbol":"A","quantity":NaN}', b"\xff\xfe",
    b'{"symbol":"\\ud800","quantity":"1"}', b"{}}", b'{"a":' * 70 + b"1" + b"}" * 70, b"[" * 100_000,
    b'{"symbol":"A","quantity":' + b"9" * 5000 + b"}",
], ids=lambda body: repr(body[:24]))  # fmt: skip
def test_what_is_no_json_is_a_clean_400(body):
    assert caller().post("/orders", content=body).status_code == 400


def test_brackets_inside_strings_are_not_depth():
    body = {"symbol": "[{" * 200 + '\\"[', "quantity": "1"}
    assert caller().post("/orders", json=body).status_code == 201


def test_many_brackets_side_by_side_are_not_depth():
    body = {"symbol": "A", "quantity": "1", "legs": [{"a": 1}] * 100}
    assert caller().post("/orders", json=body).status_code == 201


def test_the_deepest_json_is_64_levels():
    def nested(levels):
        return b'{"symbol":"A","quantity":"1","x":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"

    assert caller().post("/orders", content=nested(64)).status_code == 201
    assert caller().post("/orders", content=nested(65)).json()["code"] == "MALFORMED"


@pytest.mark.parametrize(("query", "read"), [
    # the query                         as the handler gets it
    ("",                                {"status": [], "limit": 100, "since": None}),
    ("status=OPEN&status=FILLED",       {"status": ["OPEN", "FILLED"], "limit": 100, "since": None}),
    ("status[]=OPEN&status%5B%5D=X",    {"status": ["OPEN", "X"], "limit": 100, "since": None}),
    ("limit=7",                         {"status": [], "limit": 7, "since": None}),
    ("since=&status=",                  {"status": [], "limit": 100, "since": None}),
    ("since=2025-01-01T00%3A00%2B00",   {"status": [], "limit": 100, "since": "2025-01-01T00:00+00"}),
    ("unknown=1",                       {"status": [], "limit": 100, "since": None}),
])  # fmt: skip
def test_a_query_is_read_by_the_fields_of_its_struct(query, read):
    assert caller().get(f"/orders?{query}").json()["query"] == read


@pytest.mark.parametrize("query", ["limit=many", "limit=", "limit=5&limit=7", "limit=1.5"])
def test_a_wrong_parameter_is_named(query):
    answer = caller().get(f"/orders?{query}")
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, "limit")
    assert answer.json()["details"]["place"] == "query"


@pytest.mark.parametrize("query", ["limit=%ff", "&".join(f"a{n}=1" for n in range(300))])
def test_an_unreadable_query_is_a_clean_400(query):
    assert caller().get(f"/orders?{query}").status_code == 400


def test_a_body_of_the_greatest_size_is_read_and_one_byte_more_is_413():
    body = b'{"symbol":"A","quantity":"1"}'
    small = caller(max_body_bytes=len(body))
    assert small.post("/orders", content=body).status_code == 201
    answer = small.post("/orders", content=body + b" ")
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


def test_a_chunked_body_cannot_hide_its_size():
    async def chunks():
        for _ in range(10):
            yield b"x" * 10

    assert caller(max_body_bytes=50).post("/orders", content=chunks()).status_code == 413


@pytest.mark.parametrize("arrived", [[], [{"type": "http.request", "body": b'{"a"', "more_body": True}]])
def test_a_body_cut_off_by_its_sender_is_no_body_at_all(arrived):
    messages = iter([*arrived, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    request = request_of({"path": "/orders", "query_string": b"", "headers": [(b"content-length", b"20")]})
    with pytest.raises(Problem, match="client left"):
        run(Received(request, receive).whole(1000))
