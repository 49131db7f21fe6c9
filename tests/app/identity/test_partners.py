"""Partner domains and their tokens."""

import hmac
import json

import jwt
import pytest

from tests.app.identity.people import ADA, SECOND, Place
from tests.app.shard import START, run
from tradehall.app.access import PrincipalKind, TokenFault, TokenRefused
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused

NOW_S = START / SECOND
DOMAIN, OTHER = "demo.example", "other.example"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def opened(place):
    identity = place.identity()
    for domain in (DOMAIN, OTHER):
        await identity.partners.create(domain, by=ADA)
    return identity, place.access(identity)


def signed(identity, claims, *, domain=DOMAIN, algorithm="HS256"):
    secret = identity.partners.secret(domain)
    return jwt.encode(claims, None if algorithm == "none" else secret, algorithm=algorithm)


def claims_of(**more):
    return {"domain": DOMAIN, "token_expiry": NOW_S + 3600.5, **more}


def without(name):
    return {key: value for key, value in claims_of().items() if key != name}


@pytest.mark.parametrize(("what", "claims", "name", "role"), [
    # what it says           the claims                                          who that is            and may
    ("what it must",         claims_of(),                                        "partner:demo.example", "admin"),
    ("a name",               claims_of(sub="ada@support.test"),                  "ada@support.test",     "admin"),
    ("a viewer",             claims_of(role="viewer"),                           "partner:demo.example", "viewer"),
    ("an agent",             claims_of(role="agent", sub="bo", jti="7"),         "bo",                   "agent"),
    ("whole seconds",        claims_of(token_expiry=int(NOW_S) + 1),             "partner:demo.example", "admin"),
    ("as long as may be",    claims_of(token_expiry=NOW_S + 10_860),             "partner:demo.example", "admin"),
    ("an exp of the past",   claims_of(exp=1, nbf=9e9, iat="x", aud="y"),        "partner:demo.example", "admin"),
])  # fmt: skip
def test_a_token_is_recognised(place, what, claims, name, role):
    async def story():
        identity, access = await opened(place)
        principal = access.partner(signed(identity, claims))
        assert (principal.kind, principal.domain) == (PrincipalKind.PARTNER, DOMAIN)
        assert (principal.name, principal.role) == (name, role)
        assert principal.may("viewer")
        assert principal.may("admin") == (role == "admin")
        assert principal.may("agent") == (role != "viewer")

    run(story())


@pytest.mark.parametrize(("what", "claims", "fault"), [
    ("no domain",              without("domain"),                           TokenFault.INVALID),
    ("an unknown domain",      claims_of(domain="nobody.example"),          TokenFault.INVALID),
    ("a domain that is a list", claims_of(domain=[DOMAIN]),                 TokenFault.INVALID),
    ("no expiry",              without("token_expiry"),                     TokenFault.INVALID),
    ("expiry as text",         claims_of(token_expiry=str(NOW_S + 60)),     TokenFault.INVALID),
    ("expiry that is true",    claims_of(token_expiry=True),                TokenFault.INVALID),
    ("expiry that is null",    claims_of(token_expiry=None),                TokenFault.INVALID),
    ("expired just now",       claims_of(token_expiry=NOW_S),               TokenFault.EXPIRED),
    ("expired long ago",       claims_of(token_expiry=-1e300),              TokenFault.EXPIRED),
    ("longer than 180 minutes", claims_of(token_expiry=NOW_S + 10_861),     TokenFault.TOO_LONG),
    ("181 minutes and skew",   claims_of(token_expiry=NOW_S + 181 * 60 + 1), TokenFault.TOO_LONG),
    ("for ever",               claims_of(token_expiry=1e300),               TokenFault.TOO_LONG),
    ("for ever, exactly",      claims_of(token_expiry=10**400),             TokenFault.TOO_LONG),
    ("an unknown role",        claims_of(role="root"),                      TokenFault.INVALID),
    ("a role that is a list",  claims_of(role=["admin"]),                   TokenFault.INVALID),
    ("a name that is a number", claims_of(sub=7),                           TokenFault.INVALID),
    ("a name with a break",    claims_of(sub="a\nb"),                       TokenFault.INVALID),
    ("an empty name",          claims_of(sub=""),                           TokenFault.INVALID),
    ("a jti that is a number", claims_of(jti=7),                            TokenFault.INVALID),
])  # fmt: skip
def test_a_token_is_refused(place, what, claims, fault):
    async def story():
        identity, access = await opened(place)
        token = raw(identity, claims)
        for _ in range(2):  # A refusal is not remembered as something else.
            with pytest.raises(TokenRefused) as refusal:
                access.partner(token)
            assert refusal.value.fault is fault

    run(story())


def raw(identity, claims):
    """Signed by hand: the library refuses to sign some of what others may send."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), identity.partners.secret(DOMAIN), algorithm="HS256")


@pytest.mark.parametrize(("what", "make"), [
    ("nothing",                 lambda identity: ""),
    ("two parts",               lambda identity: "a.b"),
    ("four parts",              lambda identity: signed(identity, claims_of()) + ".x"),
    ("no JSON",                 lambda identity: "a.b.c"),
    ("a claim set that is a list", lambda identity: jwt.PyJWS().encode(b"[]", "k" * 32, algorithm="HS256")),
    ("not signed",              lambda identity: signed(identity, claims_of(), algorithm="none")),
    ("signed by HS512",         lambda identity: signed_by_hs512(identity)),
    ("another domain's secret", lambda identity: signed(identity, claims_of(), domain=OTHER)),
    ("one bit of signature",    lambda identity: signed(identity, claims_of())[:-4] + "AAAA"),
])  # fmt: skip
def test_what_the_partner_did_not_sign_is_refused(place, what, make):
    async def story():
        identity, access = await opened(place)
        with pytest.raises(TokenRefused) as refusal:
            access.partner(make(identity))
        assert refusal.value.fault is (TokenFault.INVALID if what != "nothing" else TokenFault.MISSING)

    run(story())


def signed_by_hs512(identity):
    """With the right secret, by another algorithm."""
    head = jwt.utils.base64url_encode(b'{"alg":"HS512","typ":"JWT"}')
    text = head + b"." + jwt.utils.base64url_encode(json.dumps(claims_of()).encode())
    signature = hmac.digest(identity.partners.secret(DOMAIN).encode(), text, "sha512")
    return (text + b"." + jwt.utils.base64url_encode(signature)).decode()


def test_a_token_that_is_known_still_expires(place):
    async def story():
        identity, access = await opened(place)
        token = signed(identity, claims_of(token_expiry=NOW_S + 60))
        principal = access.partner(token)
        place.clock.at += 60 * SECOND - 1
        assert access.partner(token) is principal
        assert access.is_still_valid(principal, place.clock.now())
        place.clock.at += 1
        with pytest.raises(TokenRefused) as refusal:
            access.partner(token)
        assert refusal.value.fault is TokenFault.EXPIRED
        assert not access.is_still_valid(principal, place.clock.now())

    run(story())


def test_a_new_secret_ends_all_tokens_of_the_old_one_and_no_others(place):
    async def story():
        identity, access = await opened(place)
        token, other = identity.partner_tokens.mint(DOMAIN), identity.partner_tokens.mint(OTHER, role="viewer")
        assert access.partner(token).role == "admin"
        old = identity.partners.secret(DOMAIN)
        await identity.partners.renew_secret(DOMAIN, by=ADA)
        assert identity.partners.secret(DOMAIN) != old
        with pytest.raises(TokenRefused):
            access.partner(token)
        assert access.partner(other).role == "viewer"
        assert access.partner(identity.partner_tokens.mint(DOMAIN, name="ada")).name == "ada"

    run(story())


def test_a_domain_that_was_closed_comes_back_with_another_secret(place):
    async def story():
        identity, access = await opened(place)
        old, token = identity.partners.secret(DOMAIN), identity.partner_tokens.mint(DOMAIN)
        principal = access.partner(token)
        await identity.partners.revoke(DOMAIN, by=ADA)
        with pytest.raises(TokenRefused):
            access.partner(token)
        assert not access.is_still_valid(principal, place.clock.now())
        for attempt in (identity.partners.revoke(DOMAIN, by=ADA), identity.partners.renew_secret("no.example", by=ADA)):
            with pytest.raises(IdentityRefused) as refusal:
                await attempt
            assert refusal.value.code is IdentityCode.DOMAIN_NOT_FOUND
        await identity.partners.create(DOMAIN.upper(), by=ADA)
        assert identity.partners.secret(DOMAIN) != old
        with pytest.raises(TokenRefused):
            access.partner(token)
        with pytest.raises(IdentityRefused) as taken:
            await identity.partners.create(DOMAIN, by=ADA)
        assert taken.value.code is IdentityCode.DOMAIN_TAKEN

    run(story())


def test_secrets_are_the_same_after_a_restart_and_stand_in_no_file(place):
    async def story():
        identity, _ = await opened(place)
        secrets = [identity.partners.secret(domain) for domain in (DOMAIN, OTHER)]
        again = place.identity(place.elsewhere())
        assert [again.partners.secret(domain) for domain in (DOMAIN, OTHER)] == secrets
        assert len({*secrets, identity.sessions._secret}) == 3
        again.room.store.close()
        for file in place.folder.iterdir():
            assert not any(secret.encode() in file.read_bytes() for secret in secrets)

    run(story())


def test_a_minted_token_lives_as_long_as_one_may(place):
    async def story():
        identity, access = await opened(place)
        token = identity.partner_tokens.mint(DOMAIN)
        assert jwt.decode(token, options={"verify_signature": False})["token_expiry"] == NOW_S + 180 * 60
        assert access.partner(token).domain == DOMAIN

    run(story())
