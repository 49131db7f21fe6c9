"""Account, market data, capabilities, health, breakers, metrics; keys; errors of every kind."""

import pytest
from tektii import models

from tests.faces.gateway.opened import (
    HEDGING_KEY,
    MASTER_KEY,
    OTHER_KEY,
    READER_KEY,
    an_order,
    journey,
)
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.faces.gateway import GatewaySettings
from tradehall.faces.gateway.errors import REFUSALS, STATUS_OF_CODE, without_secrets
from tradehall.faces.gateway.translate import correlation_id, refusal_of_request
from tradehall.faces.kit import RateLimiter

SDK = {"headers": {"user-agent": "tektii-python/1.9.1 httpx/0.28.1"}}


def test_a_quote_comes_under_the_spelling_that_was_asked_for(tmp_path):
    async def steps(door):
        for spelling in ("EUR/USD", "EUR%2FUSD", "EURUSD", "C:EURUSD", "eurusd"):
            quote = await door.get(f"/v1/quotes/{spelling}")
            models.Quote.model_validate(quote)
            assert quote["symbol"] == spelling.replace("%2F", "/")
            assert float(quote["bid"]) < float(quote["ask"])
            assert quote["provider"] == "simulated"
        answer = await door.call("GET", "/quotes/NO/PE")
        assert (answer.status_code, answer.json()["code"]) == (404, "SYMBOL_NOT_FOUND")
        assert answer.json()["details"] == {"symbol": "NO/PE"}
        answer = await door.call("GET", "/quotes/MSFT")
        assert (answer.status_code, answer.json()["code"]) == (503, "PROVIDER_UNAVAILABLE")

    journey(tmp_path, steps)


def test_bars_are_aligned_ordered_and_windowed(tmp_path):
    async def steps(door):
        for minute in range(5):
            door.pass_s(60)
            door.quote("AAPL", f"15{minute}.00", f"15{minute}.02")
        bars = await door.get("/v1/bars/AAPL?timeframe=1m")
        for bar in bars:
            models.Bar.model_validate(bar)
            assert bar["timestamp"][17:19] == "00"
        stamps = [bar["timestamp"] for bar in bars]
        assert stamps == sorted(stamps)
        assert len(stamps) == 6
        assert [b["timestamp"] for b in await door.get("/bars/AAPL?timeframe=1m&limit=2")] == stamps[-2:]
        window = f"start={stamps[1]}&end={stamps[3]}"
        assert [b["timestamp"] for b in await door.get(f"/bars/AAPL?timeframe=1m&{window}")] == stamps[1:4]
        first = await door.get(f"/bars/AAPL?timeframe=1m&start={stamps[1]}&limit=1")
        assert [b["timestamp"] for b in first] == stamps[1:2]
        assert len(await door.get("/bars/AAPL?timeframe=1m&limit=99999999")) == 6
        for query in ("", "timeframe=3m", "timeframe=1m&limit=x", "timeframe=1m&start=then"):
            assert (await door.call("GET", f"/bars/AAPL?{query}")).status_code == 400, query
        assert (await door.call("GET", "/bars/NOPE?timeframe=1m")).status_code == 404
        assert [b["symbol"] for b in await door.get("/bars/S:AAPL?timeframe=1d")] == ["S:AAPL"]

    journey(tmp_path, steps)


def test_capabilities_and_status_are_what_the_sdk_reads(tmp_path):
    async def steps(door):
        capabilities = await door.get("/v1/capabilities")
        models.Capabilities.model_validate(capabilities)
        assert {"bracket_orders", "oco", "trailing_stop"} <= set(capabilities["features"])
        assert capabilities["supported_order_types"] == ["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"]
        assert capabilities["position_mode"] == "NETTING"
        assert capabilities["rate_limits"]["orders_per_second"] == 1000
        await door.place()
        status = await door.get("/v1/status")
        models.ConnectionStatus.model_validate(status)
        assert status["connected"] is True
        assert type(status["latency_ms"]) is int
        models.Account.model_validate(await door.get("/v1/account"))

    journey(tmp_path, steps)


def test_health_speaks_two_dialects(tmp_path):
    async def steps(door):
        assert await door.get("/health") == {"status": "ok"}
        detailed = await door.get("/health", **SDK)
        models.DetailedHealthStatus.model_validate(detailed)
        assert detailed["status"] == "connected"
        assert await door.get("/health?detail=1") == detailed
        door.pass_s(60)
        door.market.check_staleness(door.clock.now())
        stale = await door.get("/health", **SDK)
        assert stale["status"] == "degraded"
        assert "EUR/USD" in stale["providers"][0]["stale_instruments"]
        assert await door.get("/livez") == {"status": "ok"}
        for path in ("/ready", "/readyz"):
            models.ReadyStatus.model_validate(await door.get(path))
        for path in ("/v1/health", "/v1/ready", "/v1/metrics"):
            assert (await door.call("GET", path)).status_code == 404, "they live at the root alone"

    journey(tmp_path, steps)


def test_a_door_that_closes_takes_no_orders_and_says_so(tmp_path):
    async def steps(door):
        await door.place(order_type="LIMIT", limit_price="100")
        await door.stream.say_goodbye()
        for method, path, body in (("POST", "/orders", an_order()), ("DELETE", "/orders", None)):
            answer = await door.call(method, path, body)
            assert (answer.status_code, answer.json()["code"]) == (503, "SHUTTING_DOWN")
        assert (await door.call("POST", "/orders", an_order(quantity="0"))).status_code == 400, "400 comes first"
        ready = await door.call("GET", "/readyz")
        assert ready.status_code == 503
        assert ready.json() == {
            "ready": False, "providers": [], "provider_count": 0, "message": "Gateway is shutting down",
        }  # fmt: skip
        assert len(await door.get("/orders")) == 1, "reading goes on"

    journey(tmp_path, steps)


def test_circuit_breakers_open_block_and_are_reset_once_a_minute(tmp_path):
    async def steps(door):
        closed = {"state": "closed", "failure_count": 0}
        assert await door.get("/circuit-breakers") == {"adapter": closed, "exit_order": closed}
        for _ in range(3):
            door.gateway.breakers.adapter.fail(door.clock.now())
        status = await door.get("/v1/circuit-breakers")
        models.CircuitBreakerStatusResponse.model_validate(status)
        assert status["adapter"] == {"state": "open", "failure_count": 3}
        answer = await door.call("POST", "/orders", an_order())
        assert (answer.status_code, answer.json()["code"]) == (503, "PROVIDER_UNAVAILABLE")
        reset = await door.call("POST", "/v1/circuit-breakers/reset", content=b"")
        assert (reset.status_code, reset.json()["adapter"]) == (200, closed)
        await door.place()
        again = await door.call("POST", "/circuit-breakers/reset")
        assert (again.status_code, again.json()["code"]) == (409, "RESET_COOLDOWN")
        door.pass_s(60)
        assert (await door.call("POST", "/circuit-breakers/reset")).status_code == 200

    journey(tmp_path, steps)


def test_metrics_have_the_names_that_gateways_publish(tmp_path):
    async def steps(door):
        await door.place()
        text = (await door.call("GET", "/metrics")).text
        for line in (
            'gateway_orders_submitted_total{platform="simulated"} 1',
            'gateway_order_submit_duration_seconds_count{platform="simulated"} 1',
            'gateway_order_events_total{platform="simulated",event_type="created"} 1',
            'gateway_order_events_total{platform="simulated",event_type="filled"} 1',
            "gateway_ws_connections_active 0",
            'gateway_critical_notifications_dropped_total{platform="simulated"} 0',
        ):
            assert line in text

    journey(tmp_path, steps)


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET",    "/nowhere",             404, "NOT_FOUND"),
    ("GET",    "/v1/nowhere",          404, "NOT_FOUND"),
    ("GET",    "/swagger-ui",          404, "NOT_FOUND"),
    ("PUT",    "/orders",              405, "METHOD_NOT_ALLOWED"),
    ("POST",   "/orders/ord_7300001",  405, "METHOD_NOT_ALLOWED"),
    ("POST",   "/account",             405, "METHOD_NOT_ALLOWED"),
    ("DELETE", "/health",              405, "METHOD_NOT_ALLOWED"),
    ("GET",    "/ws",                  426, "UPGRADE_REQUIRED"),
    ("GET",    "/circuit-breakers/reset", 405, "METHOD_NOT_ALLOWED"),
])  # fmt: skip
def test_every_refusal_has_the_flat_shape(tmp_path, method, path, status, code):
    async def steps(door):
        answer = await door.call(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/json"
        assert answer.json().keys() == {"code", "message", "details"}
        assert answer.json()["code"] == code

    journey(tmp_path, steps)


def test_a_correlation_id_is_echoed_or_made(tmp_path):
    async def steps(door):
        answer = await door.call("GET", "/account", headers={"x-correlation-id": "mine-1"})
        assert answer.headers["x-correlation-id"] == "mine-1"
        assert len((await door.call("GET", "/account")).headers["x-correlation-id"]) == 36

    journey(tmp_path, steps)


def test_a_configured_key_is_needed_and_health_is_public(tmp_path):
    async def steps(door):
        for headers, status, code in (
            ({}, 401, "MISSING_API_KEY"),
            ({"authorization": "Bearer "}, 401, "MISSING_API_KEY"),
            ({"authorization": "Bearer wrong"}, 401, "INVALID_API_KEY"),
            ({"authorization": "Bearer wrong", "x-api-key": MASTER_KEY}, 401, "INVALID_API_KEY"),
            ({"authorization": "Bearer gw_unknown"}, 401, "INVALID_API_KEY"),
            ({"x-api-key": "gw_unknown"}, 401, "INVALID_API_KEY"),
        ):
            for path in ("/account", "/v1/orders", "/nowhere", "/swagger-ui"):
                answer = await door.call("GET", path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (status, "UNAUTHORIZED"), (headers, path)
                assert answer.json()["details"] == {"code": code}
        for headers in (
            {"authorization": f"Bearer {MASTER_KEY}"},
            {"x-api-key": MASTER_KEY},
            {"authorization": "Bearer ", "x-api-key": MASTER_KEY},
            {"authorization": f"Bearer {HEDGING_KEY}"},
        ):
            assert (await door.call("GET", "/account", headers=headers)).status_code == 200
        for path in ("/health", "/livez", "/ready", "/readyz", "/metrics"):
            assert (await door.call("GET", path)).status_code == 200

    journey(tmp_path, steps, master_key=MASTER_KEY)


def test_without_a_configured_key_account_keys_still_open_their_own_account(tmp_path):
    async def steps(door):
        assert (await door.get("/account"))["balance"] == "100000"
        assert (await door.get("/account", headers={"x-api-key": OTHER_KEY}))["balance"] == "1000"
        assert (await door.get("/account", headers={"authorization": "Bearer anything"}))["balance"] == "100000"
        answer = await door.call("GET", "/account", headers={"x-api-key": "gw_unknown"})
        assert (answer.status_code, answer.json()["details"]["code"]) == (401, "INVALID_API_KEY")

    journey(tmp_path, steps)


def test_a_reading_key_reads_and_does_not_trade(tmp_path):
    async def steps(door):
        reader = {"headers": {"x-api-key": READER_KEY}}
        assert (await door.call("GET", "/orders", **reader)).status_code == 200
        assert (await door.call("POST", "/orders/preview", an_order(), **reader)).status_code == 200
        answer = await door.call("POST", "/orders", an_order(), **reader)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")

    journey(tmp_path, steps)


def test_a_limited_caller_is_told_when_to_come_back(tmp_path):
    async def steps(door):
        answers = [await door.call("GET", "/status") for _ in range(2_002)]
        last = answers[-1]
        assert (last.status_code, last.json()["code"]) == (429, "RATE_LIMITED")
        assert last.headers["retry-after"] == "1"
        assert last.json()["details"]["retry_after_seconds"] == 1
        assert last.json()["details"]["reset_at"].endswith("Z")
        assert (await door.call("GET", "/status", headers={"x-api-key": OTHER_KEY})).status_code == 200

    journey(tmp_path, steps, limiter=a_stopped_limiter())


def a_stopped_limiter():
    return RateLimiter(clock=lambda: 0.0)


def test_swagger_is_there_only_when_asked_for(tmp_path):
    async def steps(door):
        assert (await door.call("GET", "/swagger-ui")).headers["content-type"].startswith("text/html")
        document = await door.get("/api-docs/openapi.json")
        assert document["openapi"].startswith("3.1")
        assert "/orders/{order_id}" in document["paths"]

    journey(tmp_path, steps, settings=GatewaySettings(enable_swagger=True))


@pytest.mark.parametrize("code", list(RejectCode))
def test_every_reason_has_its_place_here(code):
    problem = refusal_of_request(Rejection(code, "because"), {})
    assert problem.code in STATUS_OF_CODE
    assert REFUSALS[code].reject_code


@pytest.mark.parametrize(("text", "shown"), [
    ("api_key=abc123 was refused",              "api_key=*** was refused"),
    ("Authorization: Bearer abc.def",           "Authorization: ***"),
    ('{"token":"abc","quantity":"1"}',          '{"token":"***","quantity":"1"}'),
    ("password = hunter2, secret=x",            "password = ***, secret=***"),
    ("access_token=abc, API key: def",          "access_token=***, API key: ***"),
    ("quantity=1 is below 2",                   "quantity=1 is below 2"),
])  # fmt: skip
def test_secrets_are_wiped_from_what_is_said(text, shown):
    assert without_secrets(text) == shown


def test_a_correlation_id_follows_from_the_order_alone():
    assert correlation_id(7300451) == correlation_id(7300451)
    assert correlation_id(7300451) != correlation_id(7300452)
    assert len(correlation_id(1)) == 36
