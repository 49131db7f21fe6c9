"""Who a credential is, and what becomes of keys."""

import asyncio

import pytest

from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.access import Access, AccessDenied, Denial, PrincipalKind
from tradehall.app.key_watch import KeyWatch
from tradehall.app.records.api_keys import KIND, SCOPES, ApiKeys, KeyRefused, digest_of
from tradehall.domain.time import NS_PER_HOUR
from tradehall.ports.records import RecordsFault

HOUSE = 700100
CLIENT = 700001
MASTER = "m" * 40


class OwnClock:
    """A clock that the test sets."""

    def __init__(self):
        self.at = 1_000_000_000

    def now(self):
        return self.at


@pytest.fixture
def clock():
    return OwnClock()


@pytest.fixture
def store(tmp_path):
    store = SqliteRecords(tmp_path / "records.db")
    yield store
    store.close()


@pytest.fixture
def keys(store, clock):
    return ApiKeys(store, clock, actor="tester")


def access_to(clock, keys, master=None):
    access = Access(clock, house_account=HOUSE, master_key=master)
    access.replace_keys(keys.all())
    return access


@pytest.mark.parametrize(("credential", "master", "account", "kind", "denial"), [
    # what was sent         GATEWAY_API_KEY   the account   how it was proved      or why not
    ("",                    None,             HOUSE,        PrincipalKind.OPEN,    None),
    ("anything",            None,             HOUSE,        PrincipalKind.OPEN,    None),
    ("gw_unknown",          None,             None,         None,                  Denial.INVALID_API_KEY),
    ("gw_",                 None,             None,         None,                  Denial.INVALID_API_KEY),
    ("gw_" + "x" * 5000,    None,             None,         None,                  Denial.INVALID_API_KEY),
    ("",                    MASTER,           None,         None,                  Denial.MISSING_API_KEY),
    ("anything",            MASTER,           None,         None,                  Denial.INVALID_API_KEY),
    (MASTER,                MASTER,           HOUSE,        PrincipalKind.MASTER,  None),
    (MASTER + "m",          MASTER,           None,         None,                  Denial.INVALID_API_KEY),
    (MASTER[:-1],           MASTER,           None,         None,                  Denial.INVALID_API_KEY),
    ("gw_" + MASTER,        "gw_" + MASTER,   HOUSE,        PrincipalKind.MASTER,  None),
    ("gw_unknown",          MASTER,           None,         None,                  Denial.INVALID_API_KEY),
    ("é\udce9",             MASTER,           None,         None,                  Denial.INVALID_API_KEY),
])  # fmt: skip
def test_a_credential_is_recognised_or_denied(clock, keys, credential, master, account, kind, denial):
    access = access_to(clock, keys, master)
    if denial is None:
        principal = access.gateway(credential)
        assert (principal.account_id, principal.kind) == (account, kind)
        assert principal.may("trade")
    else:
        with pytest.raises(AccessDenied) as denied:
            access.gateway(credential)
        assert denied.value.denial is denial


@pytest.mark.parametrize("master", [None, MASTER])
def test_a_key_of_an_account_opens_it_beside_the_master_key_and_without_one(clock, keys, master):
    key, secret = keys.create(CLIENT, scopes=("read",), strategy_id="s1")
    principal = access_to(clock, keys, master).gateway(secret)
    assert (principal.account_id, principal.key_id, principal.strategy_id) == (CLIENT, key.key_id, "s1")
    assert principal.may("read")
    assert principal.may("")
    assert not principal.may("trade")


def test_a_key_opens_nothing_once_it_is_expired(clock, keys):
    _, secret = keys.create(CLIENT, lifetime_ns=NS_PER_HOUR)
    access = access_to(clock, keys)
    principal = access.gateway(secret)
    clock.at += NS_PER_HOUR - 1
    assert access.gateway(secret).account_id == CLIENT
    assert access.is_still_valid(principal, clock.now())
    clock.at += 1
    with pytest.raises(AccessDenied):
        access.gateway(secret)
    assert not access.is_still_valid(principal, clock.now())


def test_a_key_opens_nothing_once_it_is_revoked(clock, keys):
    key, secret = keys.create(CLIENT)
    access = access_to(clock, keys)
    principal = access.gateway(secret)
    keys.revoke(key.key_id)
    access.replace_keys(keys.all())
    with pytest.raises(AccessDenied):
        access.gateway(secret)
    assert not access.is_still_valid(principal, clock.now())
    assert access.is_still_valid(access.gateway(""), clock.now())


@pytest.mark.parametrize(("door", "ask"), [
    ("gateway",   Access.gateway),
    ("terminal",  Access.terminal),
    ("dashboard", Access.operator),
])  # fmt: skip
def test_at_every_door_a_key_opens_nothing_from_elsewhere_than_it_may_be_used_from(clock, keys, door, ask):
    scopes = SCOPES[door][:1]
    key, secret = keys.create(CLIENT, door=door, scopes=scopes, ip_allow=("10.0.0.0/8", "2001:db8::/32"))
    access = access_to(clock, keys)
    for address in ("127.0.0.1", "::1", "11.0.0.1", "2001:db9::1", ""):
        with pytest.raises(AccessDenied) as denied:
            ask(access, secret, address)
        assert denied.value.denial is Denial.INVALID_API_KEY
    assert access.last_used_at(key.key_id) is None, "who was refused has not used it"
    for address in ("10.255.0.1", "::ffff:10.0.0.1", "2001:db8::7"):
        assert ask(access, secret, address).key_id == key.key_id
    assert access.last_used_at(key.key_id) == clock.now()


def test_a_rotated_key_works_for_its_grace_beside_the_new_one(clock, keys):
    old, old_secret = keys.create(CLIENT, name="robot", scopes=("read",))
    new, new_secret = keys.rotate(old.prefix, grace_ns=NS_PER_HOUR)
    access = access_to(clock, keys)
    assert access.gateway(old_secret).account_id == access.gateway(new_secret).account_id == CLIENT
    assert (new.name, new.scopes) == ("robot", ("read",))
    clock.at += NS_PER_HOUR
    with pytest.raises(AccessDenied):
        access.gateway(old_secret)
    assert access.gateway(new_secret).key_id == new.key_id


@pytest.mark.parametrize(("wish", "sentence"), [
    (lambda keys: keys.create(CLIENT, scopes=()),              "scopes were none"),
    (lambda keys: keys.create(CLIENT, scopes=("fly",)),        "scopes were fly, expected some of: read, trade"),
    (lambda keys: keys.create(CLIENT, name="x" * 101),         "at most 100 printable characters"),
    (lambda keys: keys.create(CLIENT, name="a\nb"),            "printable characters"),
    (lambda keys: keys.revoke("key_missing"),                  "no keys are named key_missing"),
    (lambda keys: keys.rotate("key_missing"),                  "no keys are named key_missing"),
    (lambda keys: keys.rotate(keys.revoke(keys.create(CLIENT)[0].key_id).key_id), "is revoked or rotated already"),
])  # fmt: skip
def test_a_wish_that_makes_no_sense_is_refused(keys, wish, sentence):
    with pytest.raises(KeyRefused, match=sentence):
        wish(keys)


class Overtaken:
    """A store in which somebody else does something right after the first look at the keys."""

    def __init__(self, store, meanwhile):
        self.store, self.meanwhile = store, [meanwhile]

    def __getattr__(self, name):
        return getattr(self.store, name)

    def all(self, kind):
        found = self.store.all(kind)
        if kind == KIND and self.meanwhile:
            self.meanwhile.pop()()
        return found


def test_a_key_that_somebody_revokes_meanwhile_is_not_revived_by_a_rotation(clock, store, keys):
    key, secret = keys.create(CLIENT)
    slower = ApiKeys(Overtaken(store, lambda: keys.revoke(key.key_id)), clock)
    with pytest.raises(KeyRefused, match="is revoked"):
        slower.rotate(key.key_id, grace_ns=NS_PER_HOUR)
    with pytest.raises(AccessDenied):
        access_to(clock, keys).gateway(secret)


def test_a_secret_is_kept_nowhere(tmp_path, store, keys):
    key, secret = keys.create(CLIENT)
    assert secret.startswith("gw_")
    assert len(secret) >= 3 + 32
    assert key.digest == digest_of(secret).hex()
    for file in tmp_path.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_every_change_of_a_key_has_its_audit_line(clock, store, keys):
    began = clock.at
    key, secret = keys.create(CLIENT)
    clock.at += 1
    keys.rotate(key.key_id, grace_ns=NS_PER_HOUR)
    clock.at += 1
    keys.revoke(key.key_id)
    keys.revoke(key.key_id)
    lines = store.audit_lines("api_key", key.key_id)
    told = [(line.actor, line.action, line.at - began) for line in reversed(lines)]
    assert told == [("tester", "create", 0), ("tester", "rotate", 1), ("tester", "revoke", 2)], (
        "revoking twice changes nothing"
    )
    assert all(secret not in line.note for line in lines)


def test_the_running_server_notices_what_the_command_line_did(tmp_path, clock, store, keys):
    elsewhere = SqliteRecords(tmp_path / "records.db")
    access = access_to(clock, keys)
    looks = []
    watch = KeyWatch(store, keys, access)
    watch.after_each_look(lambda: looks.append(clock.now()))
    watch.load()
    key, secret = ApiKeys(elsewhere, clock).create(CLIENT)
    asyncio.run(watch.look())
    assert access.gateway(secret).account_id == CLIENT
    asyncio.run(watch.note())
    assert keys.last_uses() == {key.key_id: clock.now()}
    ApiKeys(elsewhere, clock).revoke(key.key_id)
    asyncio.run(watch.look())
    with pytest.raises(AccessDenied):
        access.gateway(secret)
    assert len(looks) == 2
    elsewhere.close()


class FullKeys(ApiKeys):
    """Keys on a disk that is full."""

    def note_uses(self, uses):
        raise RecordsFault("the disk is full")


def test_uses_that_cannot_be_written_down_do_not_keep_a_server_from_stopping(clock, store, keys, caplog):
    _, secret = keys.create(CLIENT)
    access = access_to(clock, keys)
    access.gateway(secret)
    asyncio.run(KeyWatch(store, FullKeys(store, clock), access).note())
    assert "not written down: the disk is full" in caplog.text


def test_the_last_use_of_a_key_is_known_before_and_after_it_is_written_down(clock, store, keys):
    key, secret = keys.create(CLIENT)
    access = access_to(clock, keys)
    assert access.last_used_at(key.key_id) is None
    access.gateway(secret)
    used_at = clock.now()
    clock.at += NS_PER_HOUR
    assert access.last_used_at(key.key_id) == used_at
    asyncio.run(KeyWatch(store, keys, access).note())
    assert access.last_used_at(key.key_id) == used_at, "written down, and still known"
    after_a_restart = access_to(clock, keys)
    KeyWatch(store, keys, after_a_restart).load()
    assert after_a_restart.last_used_at(key.key_id) == used_at
