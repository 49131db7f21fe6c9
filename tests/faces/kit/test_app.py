"""What happens around a handler: errors, guards, limits, log, metrics, start and stop."""

from __future__ import annotations

import io
import logging
import time

import pytest

from tests.faces.kit.asgi import Caller, run
from tests.faces.kit.doors import a_door, an_app
from tradehall.faces.kit import AccessLog, App, Guard, Metrics, RateLimiter, Route, json_response
from tradehall.ports.records import RecordsFault

KEY = {"x-api-key": "me"}
ORDER = {"symbol": "AAPL", "quantity": "1"}


def test_a_bug_is_a_500_in_the_words_of_the_door_and_one_entry_in_the_log(caplog):
    answer = Caller(an_app()).get("/boom", headers={"x-correlation-id": "abc", "x-api-key": "secret"})
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "a bug" not in answer.text
    [entry] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "correlation_id=abc" in entry.getMessage()
    assert "secret" not in caplog.text


def test_records_that_cannot_be_kept_are_a_503_in_the_words_of_the_door():
    async def full(request):
        raise RecordsFault("the disk is full")

    answer = Caller(App([a_door(routes=(Route("GET", "/full", full, public=True),))])).get("/full")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert answer.json()["message"] == "Try again later: the disk is full"


@pytest.mark.parametrize(("sent", "echoed"), [
    ("abc-123",      "abc-123"),
    ("x" * 200,      "x" * 128),
    ("a b\tc\x7f",   "abc"),
])  # fmt: skip
def test_a_correlation_id_is_echoed_clean(sent, echoed):
    answer = Caller(an_app()).get("/health", headers={"x-correlation-id": sent})
    assert answer.headers["x-correlation-id"] == echoed


def test_a_request_without_correlation_id_gets_its_own():
    caller = Caller(an_app())
    first, second = (caller.get("/health").headers["x-correlation-id"] for _ in range(2))
    assert first != second
    assert len(first) == 36


@pytest.mark.parametrize(("headers", "status"), [
    # what the caller says of host and origin                                     on loopback
    ({"host": "localhost:8080"},                                                  200),
    ({"host": "127.0.0.1"},                                                       200),
    ({"host": "[::1]:8080"},                                                      200),
    ({"host": "LocalHost"},                                                       200),
    ({"host": "evil.example"},                                                    403),
    ({"host": "evil.example:8080"},                                               403),
    ({"host": "localhost.evil.example"},                                          403),
    ({"host": "trading.lan"},                                                     200),
    ({"host": "localhost:8080", "origin": "http://localhost:8080"},               200),
    ({"host": "localhost:8080", "origin": "http://localhost:9999"},               403),
    ({"host": "localhost:8080", "origin": "http://evil.example"},                 403),
    ({"host": "localhost:8080", "origin": "null"},                                403),
    ({"host": "localhost:8080", "origin": "https://desk.example"},                200),
])  # fmt: skip
def test_a_loopback_server_talks_to_its_own_and_to_the_allowed(headers, status):
    guard = Guard(allowed_hosts=frozenset({"trading.lan"}), allowed_origins=frozenset({"https://desk.example"}))
    answer = Caller(an_app(guard=guard)).get("/health", headers=headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "FOREIGN_ORIGIN"


def test_a_public_server_is_served_under_any_name():
    guard = Guard(loopback=False)
    assert Caller(an_app(guard=guard)).get("/health", headers={"host": "any.example"}).status_code == 200


def test_only_an_allowed_origin_gets_cors_headers():
    guard = Guard(allowed_origins=frozenset({"https://desk.example"}))
    caller = Caller(an_app(guard=guard))
    asking = {"origin": "https://desk.example", "access-control-request-method": "POST"}
    answer = caller.call("OPTIONS", "/orders", headers=asking)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "GET, HEAD, POST")
    assert answer.headers["access-control-allow-origin"] == "https://desk.example"
    own = {"origin": "http://localhost"}
    assert "access-control-allow-origin" not in caller.get("/health", headers=own).headers


def test_options_from_anybody_else_is_405():
    assert Caller(an_app(), headers=KEY).call("OPTIONS", "/orders").status_code == 405


@pytest.mark.parametrize(("path", "headers", "status"), [
    # too much of what                  headers                               answer
    ("/health?" + "x" * 9000,           {},                                   414),
    ("/health",                         {"x-long": "x" * 40_000},             431),
    ("/health",                         {f"x-{n}": "1" for n in range(120)},  431),
])  # fmt: skip
def test_an_oversized_head_is_refused(path, headers, status):
    assert Caller(an_app()).get(path, headers=headers).status_code == status


def test_a_header_that_means_one_thing_may_come_once():
    answer = Caller(an_app()).get("/health", headers=[("host", "localhost"), ("host", "127.0.0.1")])
    assert answer.status_code == 400


def test_who_asks_too_often_is_told_when_to_come_back():
    now = 1000.0
    caller = Caller(an_app(limiter=RateLimiter(clock=lambda: now)), headers=KEY)
    assert [caller.post("/orders", json=ORDER).status_code for _ in range(4)] == [201, 201, 201, 429]
    answer = caller.post("/orders", json=ORDER)
    assert (answer.headers["retry-after"], answer.json()["code"]) == ("1", "RATE_LIMITED")
    assert caller.post("/orders", json=ORDER, headers={"x-api-key": "another"}).status_code == 201
    assert caller.get("/orders").status_code == 200
    now += 1
    assert caller.post("/orders", json=ORDER).status_code == 201


def test_limits_can_be_switched_off():
    caller = Caller(an_app(limiter=RateLimiter(enabled=False)), headers=KEY)
    assert {caller.post("/orders", json=ORDER).status_code for _ in range(10)} == {201}


def test_a_request_leaves_one_line_without_secrets():
    stream = io.BytesIO()
    log = AccessLog(stream, clock=lambda: 1_700_000_000_123_456_789)
    caller = Caller(an_app(log=log), headers=KEY)
    body = {"symbol": "A\nts= forged", "quantity": "1"}
    caller.post("/v1/orders?token=hunter2", json=body, headers={"x-correlation-id": "c-1"})
    caller.get("/quotes/a%0Ab")
    run(log.stop())
    first, second = stream.getvalue().decode().splitlines()
    words = dict(word.split("=", 1) for word in first.split(" "))
    assert words.pop("took_ms")
    assert words == {
        "ts": "2023-11-14T22:13:20.123Z",
        "door": "gateway",
        "method": "POST",
        "path": "/v1/orders",
        "status": "201",
        "account": "me",
        "code": "-",
        "correlation_id": "c-1",
        "symbol": r"A\nts=%20forged",
    }
    assert "path=/quotes/a%0Ab" in second


def test_a_refusal_is_logged_with_its_code():
    stream = io.BytesIO()
    log = AccessLog(stream)
    Caller(an_app(log=log)).get("/orders")
    run(log.stop())
    assert b"status=401" in stream.getvalue()
    assert b"code=MISSING_KEY" in stream.getvalue()


def test_metrics_count_answers_by_route_and_not_by_path():
    app = an_app()
    caller = Caller(app, headers=KEY)
    for number in range(3):
        caller.get(f"/v1/orders/ord_{number}")
    caller.get("/nope/at/all")
    text = app.metrics.render().decode()
    labels = 'door="gateway",method="GET",route="/v1/orders/{order_id}",status="200"'
    assert f"tradehall_http_requests_total{{{labels}}} 3" in text
    assert 'tradehall_http_request_duration_seconds_count{door="gateway"} 4' in text
    assert "/nope" not in text


def test_a_metric_renders_as_prometheus_reads_it():
    metrics = Metrics()
    metrics.counter("orders_total", "Orders", ("side",)).add('B"U\nY', by=2)
    metrics.gauge("open", "Open").set(3)
    seconds = metrics.histogram("took", "Seconds", bounds=(0.1, 1.0))
    for value in (0.05, 0.5, 5.0):
        seconds.observe(value)
    assert metrics.render().decode().splitlines() == [
        "# HELP orders_total Orders",
        "# TYPE orders_total counter",
        r'orders_total{side="B\"U\nY"} 2',
        "# HELP open Open",
        "# TYPE open gauge",
        "open 3",
        "# HELP took Seconds",
        "# TYPE took histogram",
        'took_bucket{le="0.1"} 1',
        'took_bucket{le="1.0"} 2',
        'took_bucket{le="+Inf"} 3',
        "took_sum 5.55",
        "took_count 3",
    ]


def test_metrics_are_a_handler_and_are_fresh_when_read():
    metrics = Metrics()
    depth = metrics.gauge("queue_depth", "Waiting")
    metrics.before_render(lambda: depth.set(7))
    door = a_door(routes=(Route("GET", "/metrics", metrics.answer, public=True),))
    answer = Caller(an_app(door, metrics=metrics)).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "queue_depth 7\n" in answer.text


def test_a_handler_knows_when_the_request_came_and_what_is_left_of_its_limit():
    async def tell(request):
        return json_response({"received_at": request.received_at, "left": request.tokens_left})

    door = a_door(routes=(Route("GET", "/tell", tell, limit="write", public=True),))
    told = Caller(an_app(door)).get("/tell").json()
    assert told["left"] == 2
    assert 0 <= time.time_ns() - told["received_at"] < 60_000_000_000


def test_a_metric_remembers_only_so_many_labels():
    counter = Metrics().counter("seen_total", "Seen", ("who",))
    for number in range(3000):
        counter.add(number)
    lines = list(counter.lines())
    assert len(lines) == 2001
    assert lines[-1] == 'seen_total{who="other"} 1000'


def test_hooks_run_at_start_and_stop():
    happened = []

    def hook(word):
        async def note():
            happened.append(word)

        return note

    app = an_app(a_door(), on_startup=[hook("open"), hook("warm")], on_shutdown=[hook("close")])
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(events)

    async def send(message):
        happened.append(message["type"])

    run(app({"type": "lifespan"}, receive, send))
    assert happened == ["open", "warm", "lifespan.startup.complete", "close", "lifespan.shutdown.complete"]
