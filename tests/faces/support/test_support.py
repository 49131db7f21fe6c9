"""The support door at work: what its contract asks to be checked, and what is told of it in the audit."""

import hashlib
import hmac
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt

from tests.app.identity.people import PASSWORD
from tests.app.studio.world import UP, opens_on, run
from tests.faces.support.opened import AGENT, MIRA, OTHER_DOMAIN, OTTO, VIEWER, WHY, Opened, opened
from tradehall.app.identity.signing_in import SigningIn
from tradehall.app.principal import TokenRefused
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND, to_rfc3339


def journey(folder: Path, steps: Any) -> None:
    async def story() -> None:
        async with opened(folder) as desk:
            await steps(desk)

    run(story())


def written_in(folder: Path) -> bytes:
    """All that stands in the files of a folder."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def signed(desk: Opened, secret: str, algorithm: str = "HS256", **claims: Any) -> dict[str, str]:
    """The headers of a token that a partner makes for itself."""
    now_s = desk.world.clock.now() / NS_PER_SECOND
    told = {"domain": DEFAULT_DOMAIN, "token_expiry": now_s + 60, **claims}
    return {"authorization": f"Bearer {jwt.encode(told, secret, algorithm=algorithm)}"}


def test_tokens_count_in_the_order_of_the_contract(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        secret = desk.world.identity.partners.secret(DEFAULT_DOMAIN)
        other = desk.world.identity.partners.secret(OTHER_DOMAIN)
        now_s = desk.world.clock.now() / NS_PER_SECOND
        table = [
            # what is wrong                  the headers                                             the answer
            ("nothing",                      signed(desk, secret),                                   200, ""),
            ("no token",                     {},                                                     401, "TOKEN_MISSING"),
            ("another scheme",               {"authorization": "Basic abc"},                         401, "TOKEN_MISSING"),
            ("no JWT",                       {"authorization": "Bearer abc"},                        401, "TOKEN_INVALID"),
            ("no signature",                 signed(desk, "", "none"),                               401, "TOKEN_INVALID"),
            ("another domain's secret",      signed(desk, other),                                    401, "TOKEN_INVALID"),
            ("an unknown domain",            signed(desk, secret, domain="nowhere.example"),         401, "TOKEN_INVALID"),
            ("it has expired",               signed(desk, secret, token_expiry=now_s - 1),           401, "TOKEN_EXPIRED"),
            ("it lives 182 minutes",         signed(desk, secret, token_expiry=now_s + 182 * 60),    401, "TOKEN_TOO_LONG"),
            ("an unknown role",              signed(desk, secret, role="king"),                      401, "TOKEN_INVALID"),
        ]  # fmt: skip
        for what, headers, status, code in table:
            answer = await desk.call("GET", "/users", role=None, headers=headers)
            assert answer.status_code == status, (what, answer.text)
            if status == 401:
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["error"]["code"] == code, what

    journey(tmp_path, steps)


def test_a_contact_changes_once_and_the_audit_knows_what_was(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        path = f"/users/{desk.user().user_id}/contact"
        changed = await desk.ok("PATCH", path, {"phone": "+4930123", **WHY}, role=AGENT)
        assert (changed["phone"], changed["phone_verified"]) == ("+4930123", False)
        await desk.ok("PATCH", path, {"phone": "+4930123", **WHY})
        assert await desk.refused("PATCH", path, {"email": "otto@example.test", **WHY}) == (409, "EMAIL_TAKEN")
        assert await desk.refused("PATCH", path, {"phone": None, **WHY}, headers={"if-match": '"99"'}) == (
            412, "VERSION_MISMATCH",
        )  # fmt: skip
        assert await desk.refused("PATCH", path, {"phone": None}) == (422, "VALIDATION_FAILED")
        assert await desk.refused("PATCH", path, {"fone": None, **WHY}) == (422, "VALIDATION_FAILED")
        told = [(each["outcome"], each["error_code"]) for each in await desk.audit(action="user.contact")]
        assert told == [
            ("refused", "VALIDATION_FAILED"), ("refused", "VALIDATION_FAILED"), ("refused", "VERSION_MISMATCH"),
            ("refused", "EMAIL_TAKEN"), ("noop", None), ("ok", None),
        ]  # fmt: skip
        first = (await desk.audit(action="user.contact", outcome="ok"))[0]
        assert (first["actor"], first["role"], first["reason"]) == ("agent@desk", "agent", WHY["reason"])
        assert first["after"]["phone"] == "+4930123"
        assert first["user_id"] == desk.user().user_id

    journey(tmp_path, steps)


def test_a_key_that_is_sent_again_gives_the_first_answer_and_one_entry(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        path, key = f"/users/{desk.user().user_id}/contact", {"idempotency-key": "once"}
        first = await desk.call("PATCH", path, {"phone": "+4930123", **WHY}, headers=key)
        again = await desk.call("PATCH", path, {"phone": "+4930123", **WHY}, headers=key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert len(await desk.audit(action="user.contact")) == 1
        other = await desk.refused("PATCH", path, {"phone": "+4930124", **WHY}, headers=key)
        assert other == (422, "IDEMPOTENCY_MISMATCH")
        # An answer is nothing for a role that may not ask.
        assert await desk.refused("PATCH", path, {"phone": "+4930123", **WHY}, headers=key, role=VIEWER) == (
            403, "ROLE_FORBIDDEN",
        )  # fmt: skip
        # Nor for another tenant, whose keys are its own.
        assert await desk.refused("PATCH", path, {"phone": "+4930123", **WHY}, headers=key, domain=OTHER_DOMAIN) == (
            404, "USER_NOT_FOUND",
        )  # fmt: skip

    journey(tmp_path, steps)


def test_a_reset_link_is_told_once_works_once_and_is_kept_nowhere(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        path, key = f"/users/{desk.user().user_id}/password-reset", {"idempotency-key": "link"}
        body = {"delivery": "link", **WHY}
        assert await desk.refused("POST", path, body, role=AGENT) == (403, "ROLE_FORBIDDEN")
        started = await desk.ok("POST", path, body, status=202, headers=key)
        token = started["link"].partition("?token=")[2]
        again = await desk.ok("POST", path, body, status=202, headers=key)
        assert {**again, "link": started["link"]} == started
        assert again["link"] is None
        assert token.encode() not in written_in(tmp_path)
        done = {"token": token, "new_password": "another-one-1"}
        assert await desk.ok("POST", "/password-resets/complete", done, role=None) == {"status": "completed"}
        used = await desk.refused("POST", "/password-resets/complete", done, role=None)
        unknown = await desk.refused("POST", "/password-resets/complete", {**done, "token": "x"}, role=None)
        assert used == unknown == (404, "RESET_NOT_FOUND")
        shown = await desk.ok("GET", f"/password-resets/{started['reset_id']}")
        assert shown["status"] == "completed"
        assert await desk.refused("GET", f"/password-resets/{started['reset_id']}", domain=OTHER_DOMAIN) == (
            404, "RESET_NOT_FOUND",
        )  # fmt: skip

    journey(tmp_path, steps)


def test_a_locked_user_loses_sessions_deployments_and_what_they_opened_in_one_answer(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world, user = desk.world, desk.user()
        await world.minute("1.1000", "1.1010")
        strategy = await world.strategy(opens_on(UP))
        deployment = await world.deploy(strategy)
        await world.minute("1.1010", "1.1020")
        await desk.order("1000", limit_price=Decimal("1.0"))
        assert world.held(deployment)["EURUSD"] > 0
        signing: SigningIn = world.identity.signing_in
        session = await signing.sign_in(MIRA, PASSWORD, address="10.0.0.1")
        body = {"status": "inactive", "deployments": "stop_and_close", **WHY}
        locked = await desk.ok("PUT", f"/users/{user.user_id}/status", body, role=AGENT)
        assert locked["status"] == "inactive"
        effects = locked["effects"]
        assert (effects["sessions_revoked"], effects["deployments_changed"]) == (1, [deployment.deployment_id])
        assert (effects["orders_cancelled"], effects["positions_closed"]) == (1, 1)
        assert world.deployment(deployment).state == "stopped"
        assert world.held(deployment) == {}
        try:
            world.access.client(session.token)
            raise AssertionError("the session still opens the door")
        except TokenRefused:
            pass
        assert world.rooms.desk.state.accounts[MIRA].terms.status == "DISABLED"
        line = next(each for each in await desk.audit(action="user.status"))
        assert line["after"]["deployments_changed"] == [str(deployment.deployment_id)]
        again = await desk.ok("PUT", f"/users/{user.user_id}/status", body)
        assert again["effects"]["deployments_changed"] == []
        active = await desk.ok("PUT", f"/users/{user.user_id}/status", {"status": "active", **WHY})
        assert active["status"] == "active"
        assert world.deployment(deployment).state == "stopped"

    journey(tmp_path, steps)


def test_a_lock_that_cannot_be_written_changes_nothing_at_all(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world, user = desk.world, desk.user()
        deployment = await world.deploy(await world.strategy(opens_on(UP)))
        body = {"status": "inactive", "deployments": "stop", **WHY}
        answer = await desk.refused("PUT", f"/users/{user.user_id}/status", body, headers={"if-match": '"99"'})
        assert answer == (412, "VERSION_MISMATCH")
        assert world.deployment(deployment).state == "running"
        assert desk.user().is_active

    journey(tmp_path, steps)


def test_a_strategy_with_a_running_deployment_is_deleted_only_where_that_stops_it(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        strategy = await desk.world.strategy(opens_on(UP))
        deployment = await desk.world.deploy(strategy)
        path = f"/strategies/{strategy.strategy_id}"
        answer = await desk.call("DELETE", path, params={"reason": "because"})
        assert answer.status_code == 409
        assert answer.json()["error"]["details"] == {"deployment_ids": [deployment.deployment_id]}
        gone = await desk.ok("DELETE", path, params={"reason": "because", "deployments": "stop"})
        assert gone["effects"]["deployments_stopped"] == [deployment.deployment_id]
        await desk.world.settle()
        assert desk.world.deployment(deployment).state == "stopped"
        again = await desk.ok("DELETE", path, params={"reason": "because"})
        assert again["strategy"] == gone["strategy"]
        restored = await desk.ok("POST", f"{path}/restore", WHY)
        assert (restored["status"], restored["is_published"]) == ("active", False)
        assert await desk.refused("POST", f"{path}/restore", WHY) == (409, "STRATEGY_NOT_DELETED")
        refused = await desk.call("PUT", f"{path}/publication", {"published": True, **WHY})
        assert refused.json()["error"]["details"] == {"problems": ["no_backtest"]}
        assert await desk.refused("DELETE", path) == (422, "VALIDATION_FAILED")

    journey(tmp_path, steps)


def test_pages_end_where_they_end_and_sizes_are_bounded(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        assert await desk.refused("GET", "/users", params={"size": 101}) == (422, "VALIDATION_FAILED")
        assert await desk.refused("GET", "/users", params={"page": 0}) == (422, "VALIDATION_FAILED")
        assert await desk.refused("GET", "/users", params={"sort": "phone"}) == (422, "VALIDATION_FAILED")
        beyond = await desk.ok("GET", "/users", params={"page": 9})
        assert (beyond["items"], beyond["total"], beyond["pages"]) == ([], 2, 1)
        named = await desk.ok("GET", "/users", params={"q": "MI"})
        assert [each["email"] for each in named["items"]] == ["mira@example.test"]

    journey(tmp_path, steps)


def test_a_trade_is_told_from_its_order_to_its_end_by_hand_and_by_a_deployment(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world = desk.world
        await world.minute("1.1000", "1.1010")
        bought = await desk.order("1000")
        assert bought.order is not None
        resting = await desk.order("2000", limit_price=Decimal("1.0"))
        assert resting.order is not None
        pending, held = await desk.trades()
        assert (pending["status"], held["status"]) == ("pending", "open")
        assert (held["entry_price"], held["current_price"], held["unrealized_pnl"]) == ("1.1011", "1.1010", "-0.10")
        await world.quote("1.1100")
        await desk.close(bought.order.order_id)
        [ended] = await desk.trades(status="closed")
        assert ended["id"] == held["id"]
        assert (ended["result"], ended["gross_pnl"], ended["exit_reason"]) == ("win", "8.90", "manual")
        assert (ended["deployment_id"], ended["tickets"]) == (None, [bought.order.order_id])
        deployment = await world.deploy(await world.strategy(opens_on(UP)))
        await world.minute("1.1100", "1.1110")
        [own] = await desk.trades(deployment_id=deployment.deployment_id)
        assert (own["status"], own["strategy_id"], own["side"]) == ("open", deployment.strategy_id, "long")
        await world.minute("1.1110", "1.1090")
        [own] = await desk.trades(deployment_id=deployment.deployment_id)
        assert (own["status"], own["exit_reason"], own["result"]) == ("closed", "signal", "loss")
        page = await desk.ok("GET", f"/users/{desk.user().user_id}/trades", params={"size": 1})
        assert (page["totals"]["wins"], page["totals"]["losses"], page["total"]) == (1, 1, 3)

    journey(tmp_path, steps)


def test_an_adjustment_moves_no_money_keeps_what_was_and_can_be_taken_back(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world = desk.world
        await world.quote("1.1000")
        bought = await desk.order("1000")
        assert bought.order is not None
        [held] = await desk.trades()
        assert await desk.refused("PATCH", f"/trades/{held['id']}", {"result": "win", **WHY}) == (
            409, "TRADE_HAS_OPEN_POSITION",
        )  # fmt: skip
        await world.quote("1.0900")
        await desk.close(bought.order.order_id)
        [before] = await desk.trades()
        head = world.store.journal.head
        balance = world.rooms.desk.state.accounts[MIRA].balance
        path = f"/trades/{before['id']}"
        changed = await desk.ok("PATCH", path, {"result": "win", "strike": "1.2", **WHY})
        assert (changed["result"], changed["strike"], changed["adjusted"]) == ("win", "1.2", True)
        assert changed["original"] == {name: before[name] for name in ("taken_at", "closed_at", "strike", "result")}
        assert changed["net_pnl"] == before["net_pnl"]
        assert world.rooms.desk.state.accounts[MIRA].balance == balance
        assert world.store.journal.head == head
        page = await desk.ok("GET", f"/users/{desk.user().user_id}/trades", params={"result": "win"})
        assert (page["totals"]["wins"], page["totals"]["adjusted"], page["items"][0]["id"]) == (1, 1, before["id"])
        table: list[tuple[dict[str, Any], int]] = [
            ({"closed_at": to_rfc3339(world.clock.now() + NS_PER_MINUTE)}, 422),
            ({"closed_at": "2001-01-01T00:00:00Z"}, 422),
            ({"strike": "1.000001"}, 422),
            ({"result": "draw"}, 422),
            ({}, 422),
            ({"revert": True, "result": "win"}, 422),
        ]
        for body, status in table:
            assert (await desk.refused("PATCH", path, {**body, **WHY}))[0] == status, body
        back = await desk.ok("PATCH", path, {"revert": True, **WHY})
        assert (back["result"], back["adjusted"], back["original"]) == (before["result"], False, None)
        assert {**back, "version": 0, "updated_at": ""} == {**before, "version": 0, "updated_at": ""}
        told = await desk.audit(entity_type="trade", outcome="ok")
        assert [each["after"].get("result") for each in told] == ["loss", "win"]

    journey(tmp_path, steps)


def test_stages_add_up_and_a_fill_above_the_ask_of_the_signal_is_worse(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world = desk.world
        await world.quote("1.1000")
        await desk.order("1000")
        await desk.order("1000", limit_price=Decimal("1.0"))
        path = f"/users/{desk.user().user_id}"
        latency = await desk.ok("GET", f"{path}/latency", params={"group_by": "symbol"})
        assert latency["total"] == 2
        resting, filled = latency["records"]
        assert resting["stages"]["fill_ms"] is None
        assert filled["latency_ms"] == sum(filled["stages"].values())
        assert latency["groups"]["EURUSD"] == latency["summary"]
        slippage = await desk.ok("GET", f"{path}/slippage", params={"against": "mid"})
        [row] = slippage["records"]
        assert (row["side"], row["slippage"], row["cost"]) == ("buy", "0.00005", "0.05")
        assert row["slippage_bps"] > 0
        assert slippage["summary"]["total_cost"] == {"USD": "0.05"}
        [row] = (await desk.ok("GET", f"{path}/slippage"))["records"]
        assert (row["reference_price"], row["slippage"]) == ("1.1001", "0")

    journey(tmp_path, steps)


def test_performance_is_that_of_the_trades_and_of_one_strategy_alone(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world = desk.world
        strategy = await world.strategy(opens_on(UP))
        deployment = await world.deploy(strategy)
        for _ in range(3):
            await world.minute("1.1000", "1.1010")
            await world.minute("1.1010", "1.1000")
        trades = await desk.trades(deployment_id=deployment.deployment_id, status="closed")
        found = await desk.ok("GET", f"/strategies/{strategy.strategy_id}/performance")
        metrics = found["metrics"]
        assert metrics["trade_count"] == len(trades) > 0
        assert Decimal(metrics["pnl"]) == sum(Decimal(each["net_pnl"]) for each in trades)
        assert len(found["equity_curve"]) == len(trades) + 1
        other = await world.strategy(opens_on(UP), login=OTTO)
        await world.deploy(other, login=OTTO)
        answer = await desk.refused(
            "GET", f"/strategies/{other.strategy_id}/performance", params={"deployment_id": deployment.deployment_id}
        )
        assert answer == (404, "DEPLOYMENT_NOT_FOUND")

    journey(tmp_path, steps)


def test_trips_survive_a_restart_in_the_midst_of_everything(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            await desk.world.quote("1.1000")
            bought = await desk.order("1000", stop_loss=Decimal("1.0900"))
            assert bought.order is not None
            before = await desk.trades()
            clock = desk.world.clock
        async with opened(tmp_path, clock=clock) as desk:
            assert [{**each, "unrealized_pnl": None, "current_price": None} for each in await desk.trades()] == [
                {**each, "unrealized_pnl": None, "current_price": None} for each in before
            ]
            await desk.world.quote("1.0850")
            [ended] = await desk.trades()
            assert (ended["status"], ended["exit_reason"], ended["id"]) == ("closed", "stop_loss", before[0]["id"])

    run(story())


def test_the_broker_layer_asks_the_same_services(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        world, email = desk.world, desk.user().email
        strategy = await world.strategy(opens_on(UP))
        deployment = await world.deploy(strategy)

        async def ask(method: str, name: str, **params: Any) -> Any:
            answer = await desk.call(method, f"/{name}", prefix="/broker", params=params)
            assert answer.status_code == 200, (name, answer.text)
            return answer.json()

        listed = await ask("GET", "get_user_strategies", user_email=email)
        assert listed["strategies"] == listed["items"]
        assert listed["items"][0]["strategy_keygen"] == strategy.keygen
        await ask("PUT", "update_user_deployment", user_email=email, deployment_id=deployment.deployment_id,
                  should_delete="true")  # fmt: skip
        await world.settle()
        assert world.deployment(deployment).state == "stopped"
        for _ in range(2):
            await ask("PUT", "update_user_strategy", user_email=email, strategy_id=strategy.strategy_id,
                      should_delete="true")  # fmt: skip
        foreign = await desk.call(
            "PUT", "/update_user_strategy", prefix="/broker",
            params={"user_email": "otto@example.test", "strategy_id": strategy.strategy_id, "should_delete": "false"},
        )  # fmt: skip
        assert (foreign.status_code, list(foreign.json())) == (404, ["error"])
        wrong = await desk.call("GET", "/get_user_strategies", prefix="/broker")
        assert (wrong.status_code, list(wrong.json())) == (422, ["detail"])
        told = await desk.audit(action="strategy.delete")
        assert [(each["outcome"], each["reason"]) for each in told] == [
            ("noop", "broker api"), ("ok", "broker api"),
        ]  # fmt: skip

    journey(tmp_path, steps)


def test_the_audit_is_exported_to_admins_as_a_table_that_runs_no_formula(tmp_path: Path):
    async def steps(desk: Opened) -> None:
        path = f"/users/{desk.user().user_id}/contact"
        await desk.ok("PATCH", path, {"phone": "+4930123", "reason": "=HYPERLINK(1)"})
        answer = await desk.call("GET", "/audit", headers={"accept": "text/csv"})
        assert answer.headers["content-type"].startswith("text/csv")
        assert "'=HYPERLINK(1)" in answer.text
        denied = await desk.call("GET", "/audit", headers={"accept": "text/csv"}, role=AGENT)
        assert denied.status_code == 403
        theirs = await desk.ok("GET", "/audit", domain=OTHER_DOMAIN)
        assert all(each["domain"] == OTHER_DOMAIN for each in theirs["items"])
        assert "4930123" not in json.dumps(theirs)

    journey(tmp_path, steps)


def test_no_guess_at_a_password_can_be_held_against_what_is_kept_of_its_request(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            wish = {"user_email": desk.user().email, "new_password": "battery staple"}
            headers = {"idempotency-key": "once"}
            path = "/reset_user_password"
            asked = [await desk.call("PUT", path, prefix="/broker", params=wish, headers=headers) for _ in range(2)]
            assert [answer.headers.get("idempotent-replayed") for answer in asked] == [None, "true"]
            [(kept,)] = desk.world.records.rows("SELECT fingerprint FROM kept_answer")
            parts = (b"PUT", b"/broker/reset_user_password", asked[0].request.url.query, b"")
            digests = [hashlib.sha256(part).digest() for part in parts]
            guesses = [hashlib.sha256(between.join(digests)).digest() for between in (b"", b"\0")]
            guesses.append(hmac.digest(b"", b"".join(digests), "sha256"))
            assert kept not in guesses

    run(story())
