"""Keys of the terminal door: made, changed, rotated and revoked by their owner, and by nobody else."""

import asyncio
import re
from typing import Any

import pytest

from tests.app.identity.people import ADA, HERE, SECOND, Place, mira
from tests.app.shard import run
from tradehall.app.access import AccessDenied, Denial, PrincipalKind, TokenFault, TokenRefused
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.terminal_keys import KEYS_PER_ACCOUNT_MAX, NewTerminalKey, TerminalKeyPatch
from tradehall.app.records.api_keys import ApiKeys, KeyRefused

MINE, THEIRS = 700001, 700002


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


def wish(name="bot", scope="trade", **more):
    return NewTerminalKey(name=name, scope=scope, **more)


def opens(access, secret, address=HERE):
    try:
        return access.terminal(secret, address)
    except AccessDenied:
        return None


async def refused(awaitable) -> IdentityRefused:
    with pytest.raises(IdentityRefused) as refusal:
        await awaitable
    return refusal.value


@pytest.mark.parametrize(
    ("is_live", "shape"), [(False, r"tk_test_[0-9A-Za-z]{32}"), (True, r"tk_live_[0-9A-Za-z]{32}")]
)
def test_a_key_has_the_shape_of_its_contract_and_shows_twelve_characters(place, is_live, shape):
    async def story():
        identity = place.identity(is_live=is_live)
        key, secret = await identity.keys.create(MINE, wish(), by=ADA)
        assert re.fullmatch(shape, secret)
        assert key.prefix == secret[:12]
        assert opens(place.access(identity), secret).account_id == MINE
        rotated, again = await identity.keys.rotate(MINE, key.line, by=ADA)
        assert re.fullmatch(shape, again)
        assert rotated.prefix == again[:12]

    run(story())


@pytest.mark.parametrize(("scope", "may", "may_not"), [
    # scope    what it opens                          what it does not
    ("read",   ("", "read", "ticket"),                ("trade", "full")),
    ("trade",  ("", "trade", "ticket"),               ("read", "full")),
    ("full",   ("", "read", "trade", "ticket", "full"), ()),
])  # fmt: skip
def test_a_scope_opens_what_its_row_says(place, scope, may, may_not):
    async def story():
        identity = place.identity()
        key, secret = await identity.keys.create(MINE, wish(scope=scope), by=ADA)
        principal = opens(place.access(identity), secret)
        assert (principal.kind, principal.role, principal.key_id) == (PrincipalKind.TERMINAL_KEY, scope, key.key_id)
        assert all(principal.may(each) for each in may)
        assert not any(principal.may(each) for each in may_not)

    run(story())


def test_rotating_kills_the_old_secret_at_once_and_keeps_the_name_of_the_line(place):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        key, secret = await identity.keys.create(MINE, wish(ip_allow=("127.0.0.0/8",)), by=ADA)
        principal = opens(access, secret)
        told: list[frozenset[str]] = []
        identity.room.listen(Listener(told))
        new, again = await identity.keys.rotate(MINE, key.line, by=ADA)
        assert opens(access, secret) is None
        assert not access.is_still_valid(principal, place.clock.now())
        assert told == [frozenset({key.key_id})]
        assert (new.line, new.name, new.scopes, new.ip_allow) == (key.key_id, key.name, key.scopes, key.ip_allow)
        assert opens(access, again).account_id == MINE
        third, _ = await identity.keys.rotate(MINE, new.key_id, by=ADA)
        assert third.line == key.line
        assert [each.key_id for each in identity.keys.all(MINE)] == [third.key_id]
        await identity.keys.revoke(MINE, key.line, by=ADA)
        assert identity.keys.get(MINE, key.line).revoked_at is not None
        assert opens(access, again) is None

    run(story())


class Listener:
    def __init__(self, told):
        self._told = told

    def on_revoked(self, ids):
        self._told.append(ids)


@pytest.mark.parametrize("ends", ["revoke", "rotate"])
def test_what_the_command_line_gave_some_time_more_ends_with_its_line(place, ends):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        key, first = await identity.keys.create(MINE, wish(), by=ADA)
        _, second = ApiKeys(place.store, place.clock).rotate(key.key_id, grace_ns=60 * SECOND)
        await identity.reload()
        assert opens(access, first) and opens(access, second)
        await getattr(identity.keys, ends)(MINE, key.line, by=ADA)
        assert not opens(access, first) and not opens(access, second)

    run(story())


def test_rotations_at_once_leave_one_key_that_works(place):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        key, _ = await identity.keys.create(MINE, wish(), by=ADA)
        rotated = await asyncio.gather(*(identity.keys.rotate(MINE, key.line, by=ADA) for _ in range(5)))
        assert len([secret for _, secret in rotated if opens(access, secret)]) == 1

    run(story())


def test_another_persons_key_is_like_one_that_does_not_exist(place):
    async def story():
        identity = place.identity()
        key, secret = await identity.keys.create(MINE, wish(), by=ADA)
        for name in (key.line, "key_none", ""):
            for attempt in (
                identity.keys.rotate(THEIRS, name, by=ADA),
                identity.keys.change(THEIRS, name, TerminalKeyPatch(name="mine now"), by=ADA),
                identity.keys.revoke(THEIRS, name, by=ADA),
            ):
                refusal = await refused(attempt)
                assert (refusal.code, refusal.message) == (IdentityCode.KEY_NOT_FOUND, "there is no such key")
        with pytest.raises(IdentityRefused):
            identity.keys.get(THEIRS, key.line)
        assert identity.keys.all(THEIRS) == []
        assert identity.keys.all(None) == [key]
        assert (await identity.keys.revoke(None, key.line, by=ADA)).account_id == MINE
        assert opens(place.access(identity), secret) is None

    run(story())


def test_a_gateway_key_cannot_be_managed_at_this_door_nor_opens_it(place):
    async def story():
        gateway, secret = ApiKeys(place.store, place.clock).create(MINE)
        identity = place.identity()
        assert identity.keys.all(MINE) == []
        assert (await refused(identity.keys.revoke(MINE, gateway.key_id, by=ADA))).code is IdentityCode.KEY_NOT_FOUND
        access = place.access(identity)
        assert access.gateway(secret).account_id == MINE
        assert opens(access, secret) is None
        _, terminal = await identity.keys.create(MINE, wish(), by=ADA)
        with pytest.raises(AccessDenied):
            access.operator(terminal)

    run(story())


def test_a_changed_key_is_another_principal_for_its_sockets(place):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        key, secret = await identity.keys.create(MINE, wish(scope="full"), by=ADA)
        principal = opens(access, secret)
        renamed = await identity.keys.change(MINE, key.line, TerminalKeyPatch(name="robot"), by=ADA)
        assert (renamed.name, renamed.scopes) == ("robot", ("full",))
        assert access.is_still_valid(principal, place.clock.now())
        await identity.keys.change(MINE, key.line, TerminalKeyPatch(scope="read"), by=ADA)
        assert opens(access, secret).role == "read"
        assert not access.is_still_valid(principal, place.clock.now())

    run(story())


@pytest.mark.parametrize(("allowed", "address", "is_in"), [
    # networks of the key       caller                is let in
    ((),                        "203.0.113.9",        True),
    (("10.0.0.0/8",),           "10.255.0.1",         True),
    (("10.0.0.0/8",),           "11.0.0.1",           False),
    (("10.1.2.3",),             "10.1.2.3",           True),
    (("10.1.2.3/8",),           "10.9.9.9",           True),
    (("2001:db8::/32",),        "2001:db8::7",        True),
    (("2001:db8::/32",),        "10.0.0.1",           False),
    (("10.0.0.0/8",),           "::ffff:10.0.0.1",    True),
    (("127.0.0.1", "::1"),      "::1",                True),
    (("10.0.0.0/8",),           "",                   False),
    (("10.0.0.0/8",),           "unknown",            False),
])  # fmt: skip
def test_a_key_is_used_from_where_it_may_be(place, allowed, address, is_in):
    async def story():
        identity = place.identity()
        _, secret = await identity.keys.create(MINE, wish(ip_allow=allowed), by=ADA)
        assert (opens(place.access(identity), secret, address) is not None) == is_in

    run(story())


@pytest.mark.parametrize(("what", "fields", "field"), [
    ("no such scope",        dict(scope="fly"),                    "scope"),
    ("no scope",             dict(scope=""),                       "scope"),
    ("a name too long",      dict(name="x" * 101),                 "name"),
    ("a name with a break",  dict(name="a\nb"),                    "name"),
    ("no network",           dict(ip_allow=("localhost",)),        "ip_allow"),
    ("too many networks",    dict(ip_allow=("10.0.0.1",) * 51),    "ip_allow"),
    ("over before it began", dict(expires_at=1),                   "expires_at"),
])  # fmt: skip
def test_a_wish_for_a_key_is_refused(place, what, fields, field):
    async def story():
        identity = place.identity()
        refusal = await refused(identity.keys.create(MINE, wish(**fields), by=ADA))
        assert (refusal.code, refusal.field) == (IdentityCode.INVALID_FIELD, field)
        key, _ = await identity.keys.create(MINE, wish(), by=ADA)
        patch = identity.keys.change(MINE, key.line, TerminalKeyPatch(**fields), by=ADA)
        assert (await refused(patch)).field == field
        assert identity.keys.get(MINE, key.line) == key

    run(story())


def test_an_expired_and_a_revoked_key_are_neither_used_nor_rotated_nor_changed(place):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        mortal, secret = await identity.keys.create(MINE, wish(expires_at=place.clock.now() + SECOND), by=ADA)
        gone, _ = await identity.keys.create(MINE, wish(), by=ADA)
        await identity.keys.revoke(MINE, gone.line, by=ADA)
        assert opens(access, secret)
        place.clock.at += SECOND
        assert opens(access, secret) is None
        for key in (mortal, gone):
            assert (await refused(identity.keys.rotate(MINE, key.line, by=ADA))).code is IdentityCode.KEY_CLOSED
            change = identity.keys.change(MINE, key.line, TerminalKeyPatch(name="x"), by=ADA)
            assert (await refused(change)).code is IdentityCode.KEY_CLOSED

    run(story())


def test_an_account_has_so_many_keys_and_a_revoked_one_makes_room(place):
    async def story():
        identity = place.identity()
        keys = [await identity.keys.create(MINE, wish(), by=ADA) for _ in range(KEYS_PER_ACCOUNT_MAX)]
        assert (await refused(identity.keys.create(MINE, wish(), by=ADA))).code is IdentityCode.TOO_MANY_KEYS
        await identity.keys.revoke(MINE, keys[0][0].line, by=ADA)
        await identity.keys.create(MINE, wish(), by=ADA)

    run(story())


def test_nobody_makes_a_key_for_somebody_inactive(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(), by=ADA)
        answers: tuple[Any, ...] = await asyncio.gather(
            identity.status.deactivate(made.user.user_id, by=ADA),
            identity.keys.create(made.login, wish(), by=ADA),  # He was recognised a moment before.
            return_exceptions=True,
        )
        assert answers[0].is_changed and answers[1].code is IdentityCode.USER_DISABLED
        elsewhere = ApiKeys(place.store, place.clock)
        for door in ("gateway", "terminal"):
            with pytest.raises(KeyRefused, match="inactive"):
                elsewhere.create(made.login, door=door, scopes=("read",))
        assert identity.book.ring.of_account(made.login) == []
        await identity.status.reactivate(made.user.user_id, by=ADA)
        await identity.keys.create(made.login, wish(), by=ADA)
        elsewhere.create(made.login)

    run(story())


def test_use_is_noted_beside_the_request(place):
    async def story():
        identity = place.identity()
        access = place.access(identity)
        key, secret = await identity.keys.create(MINE, wish(), by=ADA)
        assert access.last_used_at(key.key_id) is None
        access.terminal(secret, HERE)
        assert access.last_used_at(key.key_id) == place.clock.now()
        ApiKeys(place.store, place.clock).note_uses(access.take_uses())
        assert ApiKeys(place.store, place.clock).last_uses() == {key.key_id: place.clock.now()}

    run(story())


@pytest.mark.parametrize(
    "credential", ["", "tk_test_", "tk_live_" + "x" * 32, "tk_test_" + "x" * 9000, "tk_test_\ud800é"]
)
def test_what_is_no_key_opens_nothing(place, credential):
    async def story():
        access = place.access(place.identity())
        with pytest.raises(AccessDenied) as denied:
            access.terminal(credential, HERE)
        assert denied.value.denial is (Denial.INVALID_API_KEY if credential else Denial.MISSING_API_KEY)

    run(story())


def test_operators_have_keys_of_their_own_door_and_may_manage_those_of_others(place):
    async def story():
        keys = ApiKeys(place.store, place.clock)
        _, viewer = keys.create(0, door="dashboard", scopes=("viewer",), name="Vera")
        _, operator = keys.create(0, door="dashboard", scopes=("operator",), name="Olaf")
        with pytest.raises(KeyRefused, match="has one"):
            keys.create(0, door="dashboard", scopes=("viewer", "operator"))
        identity = place.identity()
        access = place.access(identity)
        vera, olaf = access.operator(viewer), access.operator(operator)
        assert (vera.kind, vera.role, vera.may("trade")) == (PrincipalKind.OPERATOR, "viewer", False)
        assert (olaf.name, olaf.may("trade"), access.may_act_on(olaf, MINE)) == ("Olaf", True, True)
        assert access.key_owner(operator) == olaf
        for nobody in ("op_" + "x" * 43, "gw_x", "eyJ"):
            with pytest.raises(TokenRefused) as refusal:
                access.key_owner(nobody)
            assert refusal.value.fault is TokenFault.INVALID
        with pytest.raises(AccessDenied):
            access.operator("")

    run(story())


def test_every_change_of_a_key_has_its_line_without_the_secret(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(), by=ADA)
        key, secret = await identity.keys.create(made.login, wish(), by=ADA)
        await identity.keys.change(made.login, key.line, TerminalKeyPatch(scope="read"), by=ADA)
        _, again = await identity.keys.rotate(made.login, key.line, by=ADA)
        await identity.keys.revoke(made.login, key.line, by=ADA)
        lines = place.store.audit_lines("api_key", key.line)
        assert [line.action for line in reversed(lines)] == ["key.create", "key.change", "key.rotate", "key.revoke"]
        assert {line.user_id for line in lines} == {made.user.user_id}
        assert lines[2].after == {"scopes": ["read"]}
        assert not any(word in str(lines) for word in (secret, again, key.digest))

    run(story())
