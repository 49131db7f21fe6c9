"""Hashes of passwords, signed tokens, and the key of the house."""

import json
from contextlib import suppress

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradehall.adapters.house_key import HouseKeyRefused, house_key
from tradehall.adapters.passwords import Argon2Passwords
from tradehall.adapters.tokens import JwtTokens
from tradehall.ports.tokens import TokenMalformed

SECRET = b"s" * 32
CHEAP = Argon2Passwords(time_cost=1, memory_kib=8)


def test_a_hash_says_with_which_costs_it_was_made():
    hashed = Argon2Passwords().hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2Passwords().verify(hashed, "correct horse")
    assert not Argon2Passwords().verify(hashed, "wrong horse")
    assert not Argon2Passwords().is_outdated(hashed)
    assert CHEAP.is_outdated(hashed)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(), max_size=64), st.text(st.characters(), max_size=64))
def test_any_text_is_its_own_password_and_nobody_elses(password, other):
    hashed = CHEAP.hash(password)
    assert hashed != CHEAP.hash(password), "each has its own salt"
    assert CHEAP.verify(hashed, password)
    assert CHEAP.verify(hashed, other) == (CHEAP.verify(CHEAP.hash(other), password))


@pytest.mark.parametrize(("stored", "typed"), [
    ("caf\u00e9", "cafe\u0301"),  # Two keyboards, one é.
    ("\ud800", "\ud800"),
])  # fmt: skip
def test_a_password_is_what_a_person_typed(stored, typed):
    assert CHEAP.verify(CHEAP.hash(stored), typed)


@pytest.mark.parametrize("hashed", ["", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_what_is_no_hash_matches_nothing(hashed):
    assert not CHEAP.verify(hashed, "plain")


def test_a_token_is_read_by_others_and_theirs_by_us():
    tokens = JwtTokens()
    ours = tokens.sign({"sub": "700001", "exp": 9_999_999_999}, SECRET)
    assert jwt.decode(ours, SECRET, algorithms=["HS256"])["sub"] == "700001"
    theirs = jwt.encode({"domain": "demo.example"}, SECRET, algorithm="HS256")
    assert tokens.peek(theirs).claims == {"domain": "demo.example"}
    assert tokens.peek(theirs).algorithm == "HS256"
    assert tokens.is_signed(theirs, SECRET)
    assert not tokens.is_signed(theirs, b"x" * 32)


@given(
    st.text(st.characters(), max_size=200)
    | st.lists(st.sampled_from(["e30", "bnVsbA", "W10", "", "=", "é"]), min_size=3, max_size=3).map(".".join)
)
def test_any_text_is_a_token_or_malformed_and_never_an_error_of_ours(text):
    tokens = JwtTokens()
    with suppress(TokenMalformed):
        tokens.peek(text)
    assert not tokens.is_signed(text, SECRET)


@pytest.mark.parametrize("payload", ["[]", "7", "null", '"text"', "not json", '{"a":' * 5000 + "1" + "}" * 5000])
def test_claims_that_are_no_object_are_malformed(payload):
    token = jwt.PyJWS().encode(payload.encode(), SECRET, algorithm="HS256")
    with pytest.raises(TokenMalformed):
        JwtTokens().peek(token)


def test_the_house_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "house.key"
    key = house_key(path)
    assert len(key) == 32
    assert house_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["house.key"]
    assert house_key(tmp_path / "other.key") != key


@pytest.mark.parametrize(("what", "spoil", "sentence"), [
    ("others may read it", lambda path: path.chmod(0o644),                   "chmod 600"),
    ("it is cut off",      lambda path: path.write_text("abcd"),             "damaged"),
    ("it is no hex",       lambda path: path.write_text("x" * 64),           "damaged"),
    ("it is no text",      lambda path: path.write_bytes(b"\xff" * 64),      "damaged"),
    ("it is a folder",     lambda path: (path.unlink(), path.mkdir(0o700)),  "cannot be read or made"),
])  # fmt: skip
def test_a_house_key_that_is_not_whole_or_not_private_stops_the_start(tmp_path, what, spoil, sentence):
    path = tmp_path / "house.key"
    key = house_key(path)
    spoil(path)
    with pytest.raises(HouseKeyRefused, match=sentence) as refused:
        house_key(path)
    assert key.hex() not in str(refused.value)
    assert json.dumps(str(refused.value))
