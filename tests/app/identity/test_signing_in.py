"""Signing in and out: passwords in, tokens out; who guesses is locked out."""

import asyncio
import json
from base64 import urlsafe_b64decode

import jwt
import pytest

from tests.app.identity.people import ADA, HERE, PASSWORD, SECOND, Place, mira, until
from tests.app.shard import run
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.sessions import SESSIONS_PER_USER_MAX
from tradehall.app.identity.sign_in_limits import KIND as LIMITS_KIND
from tradehall.app.identity.sign_in_limits import network_of
from tradehall.app.principal import PrincipalKind, TokenFault, TokenRefused
from tradehall.app.records.users import PASSWORD_KIND
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE

WRONG = "wrong horse"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def refused(awaitable) -> IdentityRefused:
    with pytest.raises(IdentityRefused) as refusal:
        await awaitable
    return refusal.value


def fault_of(access, token) -> TokenFault:
    with pytest.raises(TokenRefused) as refusal:
        access.client(token)
    return refusal.value.fault


async def people(place, *wishes):
    """Identity with users who have PASSWORD; their logins."""
    identity = place.identity()
    made = [await identity.users.create(wish, by=ADA, password=PASSWORD) for wish in wishes or (mira(),)]
    return identity, *[each.login for each in made]


def sign_in(identity, login, password=PASSWORD, address=HERE):
    return identity.signing_in.sign_in(login, password, address=address)


def test_the_token_says_who_when_and_nothing_else(place):
    async def story():
        identity, login = await people(place)
        signed_in = await sign_in(identity, login)
        head, body, _ = (urlsafe_b64decode(part + "==") for part in signed_in.token.split("."))
        now = place.clock.now() // SECOND
        assert json.loads(head)["alg"] == "HS256"
        assert json.loads(body) == {
            "sub": str(login), "st": 0, "jti": signed_in.session.jti, "iat": now, "exp": now + 24 * 3600,
        }  # fmt: skip
        principal = place.access(identity).client(signed_in.token)
        assert (principal.kind, principal.account_id, principal.session_type) == (PrincipalKind.SESSION, login, 0)
        assert principal.may("trade")
        assert identity.users.signed_in_at(signed_in.user.user_id) == place.clock.now()

    run(story())


def test_an_unknown_login_and_a_wrong_password_get_one_answer_for_one_amount_of_work(place):
    async def story():
        identity, login = await people(place)
        identity.passwords.warm()
        costs, answers = [], []
        for name in (login, 999_999, 0):
            hashes, checks = place.hasher.hashes, place.hasher.checks
            refusal = await refused(sign_in(identity, name, WRONG))
            answers.append((refusal.code, refusal.message, refusal.field, refusal.retry_after_s))
            costs.append((place.hasher.hashes - hashes, place.hasher.checks - checks))
        assert costs == [(0, 1)] * 3
        assert len(set(answers)) == 1
        assert answers[0][0] is IdentityCode.CREDENTIALS_WRONG

    run(story())


def test_a_user_without_a_password_cannot_sign_in_with_any(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(), by=ADA)
        assert (await refused(sign_in(identity, made.login, ""))).code is IdentityCode.CREDENTIALS_WRONG

    run(story())


def test_five_failures_lock_a_login_for_the_right_password_too_and_time_unlocks_it(place):
    async def story():
        identity, login, other = await people(place, mira(), mira(email="otto@example.test"))
        for _ in range(5):
            assert (await refused(sign_in(identity, login, WRONG))).code is IdentityCode.CREDENTIALS_WRONG
            place.clock.at += NS_PER_MINUTE
        checks = place.hasher.checks
        refusal = await refused(sign_in(identity, login))
        assert (refusal.code, refusal.retry_after_s) == (IdentityCode.SIGN_IN_LOCKED, 10 * 60)
        assert place.hasher.checks == checks, "who is locked out costs no hash"
        await sign_in(identity, other)
        place.clock.at += 10 * NS_PER_MINUTE - 1
        assert (await refused(sign_in(identity, login))).retry_after_s == 1
        place.clock.at += 1
        await sign_in(identity, login)

    run(story())


def test_a_success_clears_the_failures_of_the_login_but_not_of_the_address(place):
    async def story():
        identity, login = await people(place)
        for _ in range(4):
            for _ in range(4):
                await refused(sign_in(identity, login, WRONG))
            await sign_in(identity, login)
        for _ in range(4):
            await refused(sign_in(identity, login, WRONG))
        assert (await refused(sign_in(identity, login))).code is IdentityCode.SIGN_IN_LOCKED
        await sign_in(identity, login, address="127.0.0.2")

    run(story())


def test_a_restart_gives_nobody_new_guesses(place):
    async def story():
        identity, login, other = await people(place, mira(), mira(email="otto@example.test"))
        for _ in range(3):
            await refused(sign_in(identity, login, WRONG))
        await refused(sign_in(identity, other, WRONG))
        await sign_in(identity, other)
        identity = place.identity()
        place.clock.at += NS_PER_MINUTE
        for _ in range(2):
            assert (await refused(sign_in(identity, login, WRONG))).code is IdentityCode.CREDENTIALS_WRONG
        refusal = await refused(sign_in(place.identity(), login))
        assert (refusal.code, refusal.retry_after_s) == (IdentityCode.SIGN_IN_LOCKED, 14 * 60)
        for number in range(14):
            await refused(sign_in(place.identity(), 1_000 + number, WRONG))
        assert (await refused(sign_in(place.identity(), other))).code is IdentityCode.SIGN_IN_LOCKED
        assert set(place.store.all(LIMITS_KIND)) >= {f"login:{login}", f"address:{HERE}"}
        assert f"login:{other}" not in place.store.all(LIMITS_KIND)
        place.clock.at += 15 * NS_PER_MINUTE
        await sign_in(place.identity(), login)
        await place.identity().limits.forget()
        assert place.store.all(LIMITS_KIND) == {}

    run(story())


@pytest.mark.parametrize(("address", "counted"), [
    # an address            what its failures are counted under
    ("10.1.2.3",             "10.1.2.3"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ("2001:db8:1:2::9",      "2001:db8:1:2::"),
    ("::ffff:10.1.2.3",      "10.1.2.3"),
    ("",                     ""),
    ("unix",                 "unix"),
])  # fmt: skip
def test_an_address_is_counted_as_its_network(address, counted):
    assert network_of(address) == counted


def test_guessing_at_once_gives_no_more_guesses_than_one_after_the_other(place):
    async def story():
        identity, login = await people(place)
        tries = [sign_in(identity, login, f"guess {number}", address=f"10.0.0.{number}") for number in range(60)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        codes = [getattr(answer, "code", None) for answer in answers]
        assert codes.count(IdentityCode.CREDENTIALS_WRONG) == 5
        assert codes.count(IdentityCode.SIGN_IN_LOCKED) == 55
        assert place.hasher.checks == 5

    run(story())


def test_many_right_sign_ins_at_once_are_all_let_in(place):
    async def story():
        identity, login = await people(place)
        answers = await asyncio.gather(*(sign_in(identity, login) for _ in range(60)))
        assert len({answer.token for answer in answers}) == 60

    run(story())


def test_a_storm_of_sign_ins_is_told_to_come_later_instead_of_waiting_for_ever(place):
    async def story():
        identity, *_ = await people(place)
        tries = [sign_in(identity, 900_000 + number, address="") for number in range(300)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, IdentityRefused)]
        busy = [refusal for refusal in refusals if refusal.code is IdentityCode.BUSY]
        assert len(busy) == 100
        assert busy[0].retry_after_s > 0

    run(story())


@pytest.mark.parametrize(("what", "change", "fault"), [
    # what is wrong               what becomes of a good token                                               why it is refused
    ("nothing was sent",          lambda token, place: "",                                                    TokenFault.MISSING),
    ("no token at all",           lambda token, place: "abc",                                                 TokenFault.INVALID),
    ("two parts",                 lambda token, place: token.rpartition(".")[0],                              TokenFault.INVALID),
    ("signature of nothing",      lambda token, place: token.rpartition(".")[0] + ".",                        TokenFault.INVALID),
    ("very long",                 lambda token, place: token + "x" * 10_000,                                  TokenFault.INVALID),
    ("a lone surrogate",          lambda token, place: token + "\ud800",                                      TokenFault.INVALID),
    ("signed by somebody else",   lambda token, place: resigned(token, b"x" * 32),                            TokenFault.INVALID),
    ("not signed",                lambda token, place: resigned(token, None),                                 TokenFault.INVALID),
    ("somebody else's login",     lambda token, place: relabelled(token, {"sub": "700001"}),                  TokenFault.INVALID),
])  # fmt: skip
def test_a_token_that_is_not_ours_opens_nothing(place, what, change, fault):
    async def story():
        identity, login = await people(place)
        token = (await sign_in(identity, login)).token
        access = place.access(identity)
        assert fault_of(access, change(token, place)) is fault
        assert access.client(token).account_id == login

    run(story())


def resigned(token, secret):
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, secret, algorithm="HS256" if secret else "none")


def relabelled(token, claims):
    head, _, signature = token.split(".")
    body = jwt.decode(token, options={"verify_signature": False}) | claims
    return ".".join([head, jwt.utils.base64url_encode(json.dumps(body).encode()).decode(), signature])


def test_a_session_ends_after_a_day_known_or_not(place):
    async def story():
        identity, login = await people(place)
        token = (await sign_in(identity, login)).token
        known, fresh = place.access(identity), place.access(identity)
        principal = known.client(token)
        place.clock.at += 24 * NS_PER_HOUR - 1
        assert known.client(token) == principal
        assert known.is_still_valid(principal, place.clock.now())
        place.clock.at += 1
        assert fault_of(known, token) is TokenFault.EXPIRED
        assert fault_of(fresh, token) is TokenFault.EXPIRED
        assert not known.is_still_valid(principal, place.clock.now())

    run(story())


def test_who_signs_out_is_out_at_once_and_only_there(place):
    async def story():
        identity, login = await people(place)
        access = place.access(identity)
        here, there = await sign_in(identity, login), await sign_in(identity, login)
        told = Told()
        identity.room.listen(told)
        await identity.signing_in.sign_out(access.client(here.token))
        assert fault_of(access, here.token) is TokenFault.INVALID
        assert access.client(there.token).account_id == login
        assert told.ids == [frozenset({here.session.jti})]

    run(story())


class Told:
    """Remembers what was revoked."""

    def __init__(self):
        self.ids = []

    def on_revoked(self, ids):
        self.ids.append(ids)


def test_sessions_outlive_the_server(place):
    async def story():
        identity, login = await people(place)
        token = (await sign_in(identity, login)).token
        again = place.identity(place.elsewhere())
        assert place.access(again).client(token).account_id == login
        again.room.store.close()

    run(story())


def test_with_too_many_sessions_the_oldest_ends(place):
    async def story():
        identity, login = await people(place)
        first = await sign_in(identity, login)
        place.clock.at += SECOND
        for _ in range(SESSIONS_PER_USER_MAX):
            await identity.signing_in.begin(first.user, login, address=HERE)
        assert len(identity.book.sessions) == SESSIONS_PER_USER_MAX
        assert first.session.jti not in identity.book.sessions

    run(story())


def test_changing_the_password_ends_all_other_sessions(place):
    async def story():
        identity, login = await people(place)
        access = place.access(identity)
        mine, other = await sign_in(identity, login), await sign_in(identity, login)
        principal = access.client(mine.token)
        await identity.signing_in.change_password(principal, PASSWORD, "new password", address=HERE)
        assert access.client(mine.token) == principal
        assert fault_of(access, other.token) is TokenFault.INVALID
        assert (await refused(sign_in(identity, login))).code is IdentityCode.CREDENTIALS_WRONG
        await sign_in(identity, login, "new password")

    run(story())


def test_wrong_present_passwords_count_as_failures(place):
    async def story():
        identity, login = await people(place)
        principal = place.access(identity).client((await sign_in(identity, login)).token)
        for _ in range(5):
            refusal = await refused(identity.signing_in.change_password(principal, WRONG, "new password", address=HERE))
            assert refusal.code is IdentityCode.PASSWORD_WRONG
        change = identity.signing_in.change_password(principal, PASSWORD, "new password", address=HERE)
        assert (await refused(change)).code is IdentityCode.SIGN_IN_LOCKED
        assert (await refused(sign_in(identity, login))).code is IdentityCode.SIGN_IN_LOCKED

    run(story())


@pytest.mark.parametrize(("what", "present", "new", "code"), [
    ("too short",       PASSWORD, "12345",          IdentityCode.INVALID_FIELD),
    ("too long",        PASSWORD, "x" * 65,         IdentityCode.INVALID_FIELD),
    ("the present one", PASSWORD, PASSWORD,         IdentityCode.INVALID_FIELD),
    ("a wrong present", WRONG,    "new password",   IdentityCode.PASSWORD_WRONG),
])  # fmt: skip
def test_a_change_of_password_is_refused(place, what, present, new, code):
    async def story():
        identity, login = await people(place)
        principal = place.access(identity).client((await sign_in(identity, login)).token)
        change = identity.signing_in.change_password(principal, present, new, address=HERE)
        assert (await refused(change)).code is code
        await sign_in(identity, login)

    run(story())


def test_a_sign_in_that_was_under_way_when_the_password_changed_does_not_succeed(place):
    async def story():
        identity, login = await people(place)
        user = identity.users.of_login(login)
        under_way = asyncio.ensure_future(sign_in(identity, login))
        await asyncio.sleep(0)  # The old password is being checked.
        await identity.signing_in.set_password(user.user_id, "new password", by=ADA)
        answers = await asyncio.gather(under_way, return_exceptions=True)
        if isinstance(answers[0], IdentityRefused):
            assert answers[0].code is IdentityCode.CREDENTIALS_WRONG
        assert identity.book.sessions == {}, "a session by the old password would have outlived it"

    run(story())


def test_an_old_hash_is_renewed_at_the_next_sign_in(place):
    async def story():
        identity, login = await people(place)
        place.hasher.marker = "v2"
        await sign_in(identity, login)
        assert b"v2$" in place.store.get(PASSWORD_KIND, "1")
        checks = place.hasher.hashes
        await sign_in(identity, login)
        assert place.hasher.hashes == checks

    run(story())


def test_a_group_that_is_gone_is_told_apart_from_a_wrong_password(place):
    async def story():
        identity, login = await people(place)
        del identity.book.groups["demo-usd"]
        assert (await refused(sign_in(identity, login))).code is IdentityCode.GROUP_NOT_FOUND
        assert (await refused(sign_in(identity, login, WRONG))).code is IdentityCode.CREDENTIALS_WRONG

    run(story())


def test_expired_sessions_are_forgotten(place):
    async def story():
        identity, login = await people(place)
        await sign_in(identity, login)
        place.clock.at += 25 * NS_PER_HOUR
        running = asyncio.ensure_future(identity.run())
        await until(lambda: not identity.book.sessions)
        running.cancel()
        assert place.store.all("session") == {}

    run(story())
