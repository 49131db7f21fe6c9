"""What the OpenAPI documents say of requests is what the doors ask for, no more and no less."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.contracts.asks import order, pending, ticket, trade
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, TERMINAL, journey
from tests.faces.client.opened import MIRA
from tests.faces.client.test_alerts import ALERT
from tests.faces.client.test_belongings import SCRIPT
from tests.serving import Server, clean_environment
from tradehall.faces.kit import document

NOTHING = 999_999_999
# Stand for the numbers of a position and of a pending order of the caller's, made anew for each request.
OPEN, RESTING = "an open one", "a pending one"
ENTRY = {"symbol": "AAPL", "side": "BUY", "quantity": "1"}
PENDING_AT_TERMINAL = {"symbol": "EURUSD", "volume": 0.1, "type": "buy_limit", "price": 1.05}

# Whole bodies of every route whose document has rules; each is then sent with one field less, and with one null.
BODIES: dict[tuple[str, str], list[dict[str, Any]]] = {
    (GATEWAY, "/orders"): [
        order().body or {},
        ENTRY | {"order_type": "LIMIT", "limit_price": "90"},
        ENTRY | {"order_type": "stop", "stop_price": "500"},
        ENTRY | {"order_type": "STOP_LIMIT", "stop_price": "500", "limit_price": "501"},
        ENTRY | {"order_type": "TRAILING_STOP", "trailing_distance": "5", "trailing_type": "percent"},
    ],
    (GATEWAY, "/orders/preview"): [ENTRY | {"order_type": "LIMIT", "limit_price": "90"}],
    (GATEWAY, "/positions/{position_id}"): [
        {"stop_loss": "1.07"}, {"order_type": "LIMIT", "limit_price": "2"}, {"order_type": "MARKET"}, {"limit_price": "1"},
    ],
    (CLIENT, "/sign/in"): [{"login": NOTHING, "password": "not the one"}],
    (CLIENT, "/sign/up"): [{"name": "Ada", "email": "ada@example.test", "password": "long enough"}],
    (CLIENT, "/sign/password"): [{"password": "not this one", "new_password": "another one"}],
    (CLIENT, "/trade/open"): [ticket().body or {}],
    (CLIENT, "/trade/open/pending"): [pending(2, 1.05).body or {}],
    (CLIENT, "/trade/close"): [{"order": OPEN, "volume": 1}],
    (CLIENT, "/trade/cancel"): [{"order": RESTING}],
    (CLIENT, "/trade/modify"): [{"order": RESTING, "open_price": 1.04}, {"order": OPEN, "tp": 1.3}],
    (CLIENT, "/trade/modify/open"): [{"order": OPEN, "sl": 1.01}],
    (CLIENT, "/trade/modify/pending"): [{"order": RESTING, "open_price": 1.04}, {"order": RESTING, "expiration": 0}],
    (CLIENT, "/market/watch"): [{"symbol": "EURUSD"}],
    (CLIENT, "/script"): [SCRIPT, SCRIPT | {"id": NOTHING}],
    (CLIENT, "/settings"): [{"key": "mine", "value": "dark"}, {"settings": {"theme": "dark"}}],
    (CLIENT, "/price_alert"): [
        ALERT,
        ALERT | {"condition": 4, "channel_low": 1.0, "channel_high": 1.1},
        ALERT | {"condition": 10, "move_threshold": 1.0},
    ],
    (CLIENT, "/notify/read"): [{"all": True}, {"id": NOTHING}],
    (TERMINAL, "/trade"): [trade().body or {}, PENDING_AT_TERMINAL, PENDING_AT_TERMINAL | {"action": "buy"}],
    (TERMINAL, "/orders"): [PENDING_AT_TERMINAL],
    (TERMINAL, "/positions/{ticket}"): [{"sl": 1.01}, {"tp": None}],
    (TERMINAL, "/orders/{ticket}"): [{"price": 1.04}, {"expiration": 0}],
    (TERMINAL, "/keys/{id}"): [{"name": "mine now"}, {"expires_at": None}],
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
def test_a_body_is_asked_for_what_its_document_asks_for(tmp_path, door):
    async def steps(house):
        paper = document([house.doors[door]], title="One", version="1")
        tried = 0
        for path, method, schema in bodies_of(paper, door):
            for whole in BODIES[door, path]:
                for body in (whole, *spoiled(whole)):
                    named, answer = await sent(house, door, method, path, body)
                    is_read = answer.status_code != 400
                    assert schema.is_valid(named) == is_read, (method, path, named, answer.status_code, answer.text)
                    tried += 1
        assert tried > 20

    journey(tmp_path, steps)


def bodies_of(paper, door):
    """Path below the door's prefix, method, and what must match it, of each body that has rules of its own."""
    for path, methods in paper["paths"].items():
        for method, operation in methods.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if "allOf" in schema:
                below = path.removeprefix("/v1").removeprefix("/api") if door == TERMINAL else path
                whole = schema | {"components": paper["components"]}
                yield below, method.upper(), jsonschema_rs.validator_for(whole)


def spoiled(body):
    """The body without each of its fields, and with each of them null."""
    for name in body:
        yield {field: value for field, value in body.items() if field != name}
        yield body | {name: None}


async def sent(house, door, method, path, body):
    """The body with the numbers of things of hers, and what was answered to it."""
    house.client.pass_s(2)  # The buckets are full again.
    for symbol, bid, ask in (("EURUSD", "1.08420", "1.08428"), ("AAPL", "150.00", "150.02")):
        house.quote(symbol, bid, ask)
    bought = await house.call(CLIENT, "POST", "/trade/open", ticket(volume=1).body, login=MIRA)
    placed = await house.call(CLIENT, "POST", "/trade/open/pending", pending(2, 1.05, volume=1).body, login=MIRA)
    assert bought.status_code == placed.status_code == 200, (bought.text, placed.text)
    numbers = {OPEN: bought.json()["order"], RESTING: placed.json()["order"]}
    body = {name: numbers.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    number = numbers[OPEN if "positions" in path else RESTING]
    path = path.replace("{position_id}", f"pos_{number}").replace("{ticket}", str(number))
    if path == "/keys/{id}":
        made = await house.call(TERMINAL, "POST", "/v1/keys", {"name": "hers", "scope": "full"}, login=MIRA)
        path = f"/v1/keys/{made.json()['data']['id']}"
    return body, await house.call(door, method, path, body, login=MIRA)


# What would end the session that asks, what a market that moved answers with 503, and what is not below /client.
LEFT_OUT = {
    GATEWAY: (),
    CLIENT: ("/sign/in", "/sign/out", "/sign/password", "/trade/open", "/ws/client"),
    TERMINAL: (),
}

# What is well formed may still be against the rules of trading: 400 and 422 are fine for it.
CHECKS_LEFT_OUT = dict.fromkeys(DOORS, "positive_data_acceptance")
# The contract counts 17 endpoints, so their aliases, among them PATCH, are not in the document.
CHECKS_LEFT_OUT[TERMINAL] += ",unsupported_method,allow_header_conformance"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("documents"), "--demo", TRADEHALL_RATE_LIMITS="off") as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_a_stranger_with_the_document_alone_finds_nothing_that_it_does_not_say(server, door, tmp_path):
    """Schemathesis: each field at its bounds, missing, of another type; statuses, bodies, methods, credentials."""
    left_out = [f"--exclude-path={path}" for path in LEFT_OUT[door]]
    command = [
        Path(sys.executable).with_name("schemathesis"), "run", f"{server.url}/openapi/{door}.json",
        f"--url={server.url}{'/client' if door == CLIENT else ''}", *credential(server, door), *left_out,
        f"--exclude-checks={CHECKS_LEFT_OUT[door]}", "--phases=examples,coverage", "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr


def credential(server, door):
    """Flags that open a door; the gateway is open on loopback."""
    sheet = json.loads((server.data / "demo.json").read_text())
    if door == GATEWAY:
        return []
    if door == TERMINAL:
        return ["--header", f"Authorization: Bearer {sheet['terminal']['full']}"]
    who = {name: sheet["client2"][name] for name in ("login", "password")}
    return ["--header", f"Authorization: {server.http.post('/sign/in', json=who).json()['__token']}"]
