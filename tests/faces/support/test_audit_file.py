"""The audit as a file at the door: an admin's, of one tenant alone, never cut short."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.app.studio.world import run
from tests.faces.support.opened import ADMIN, AGENT, OTHER_DOMAIN, VIEWER, WHY, Opened, opened
from tradehall.adapters.signatures import is_signed
from tradehall.app.audit_export import EXPORT_LINES_MAX
from tradehall.app.audit_proof import Expected, prove
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.ports.records import AuditLine


async def file_of(desk: Opened, domain: str = DEFAULT_DOMAIN, **asked: Any) -> list[bytes]:
    """The file's lines, which prove themselves with the key that the door tells."""
    answer = await desk.call("GET", "/audit/export", domain=domain, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "attachment" in answer.headers["content-disposition"]
    key = (await desk.ok("GET", "/audit/key", role=VIEWER, domain=domain))["public_key"]
    lines = answer.content.splitlines(keepends=True)
    proof = prove(lines, is_signed, Expected(key=key))
    assert proof.is_sound, proof.fault
    assert proof.statement is not None and proof.statement.domain == domain
    return lines


async def locked(desk: Opened, email: str, domain: str, reason: str) -> None:
    await desk.ok("PUT", f"/users/{email}/status", WHY | {"status": "inactive", "reason": reason}, domain=domain)


def test_a_tenants_file_holds_what_its_audit_shows_and_nothing_of_another(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            await locked(desk, "mira@example.test", DEFAULT_DOMAIN, "ours alone")
            await locked(desk, "eva@example.test", OTHER_DOMAIN, "theirs alone")
            for domain, own, foreign in (
                (DEFAULT_DOMAIN, b"ours alone", b"theirs alone"), (OTHER_DOMAIN, b"theirs alone", b"ours alone"),
            ):  # fmt: skip
                lines = await file_of(desk, domain)
                whole = b"".join(lines)
                assert own in whole and foreign not in whole
                shown = await desk.ok("GET", "/audit", domain=domain, params={"size": 100})
                assert len(lines) - 1 == shown["total"]
                told = [msgspec.json.decode(line)["entry"]["action"] for line in lines[1:]]
                assert sorted(told) == sorted(entry["action"] for entry in shown["items"])
            assert len(await file_of(desk, first=1, last=1)) == 2

    run(story())


@pytest.mark.parametrize("role", [VIEWER, AGENT])
def test_only_admins_take_the_audit_away(tmp_path: Path, role: str):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            assert await desk.refused("GET", "/audit/export", role=role) == (403, "ROLE_FORBIDDEN")

    run(story())


def test_what_does_not_fit_is_refused_with_the_numbers_that_would(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            at = desk.world.clock.now()
            many = [AuditLine(at, "desk", "user.status", "user", "1", domain=DEFAULT_DOMAIN)] * EXPORT_LINES_MAX
            await desk.trail.note(*many)
            total = (await desk.ok("GET", "/audit"))["total"]
            answer = await desk.call("GET", "/audit/export")
            assert answer.status_code == 422
            assert f"found {total} entries, numbers 1 to {total}" in answer.json()["error"]["message"]
            assert len(await file_of(desk, last=EXPORT_LINES_MAX)) == EXPORT_LINES_MAX + 1
            assert len(await file_of(desk, first=EXPORT_LINES_MAX + 1)) == total - EXPORT_LINES_MAX + 1

    run(story())


@pytest.mark.parametrize(
    "asked",
    [
        {"first": "0"},
        {"last": "x"},
        {"from": "yesterday"},
        {"challenge": "x" * 65},
        {"user": "1"},
        {"first": str(10**16)},
    ],
)
def test_a_range_that_is_none_is_refused(tmp_path: Path, asked: dict[str, str]):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            refused = await desk.refused("GET", "/audit/export", params=asked, role=ADMIN)
            assert refused == (422, "VALIDATION_FAILED")

    run(story())
