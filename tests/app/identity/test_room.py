"""The room: memory is what the store holds, whoever wrote it; and nothing secret is told by a text."""

import asyncio
import json
from operator import attrgetter
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app.identity.people import ADA, HERE, KEY, PASSWORD, Place, mira, until
from tests.app.shard import run
from tradehall.app.demo import DemoSheet, GatewaySheet, client_key
from tradehall.app.demo_people import CLIENT, demo_people
from tradehall.app.identity.book import read_book
from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.secrets import HouseSecrets
from tradehall.app.identity.terminal_keys import NewTerminalKey
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.audit import audit_line, differences
from tradehall.app.records.groups import Group
from tradehall.app.records.users import PasswordRecord
from tradehall.ports.records import RecordsFault


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def busy_day(place, identity):
    """A little of everything; the secrets that were made."""
    made = await identity.users.create(mira(), by=ADA, password=PASSWORD)
    other = await identity.users.create(mira(email="otto@example.test"), by=ADA, password="otto's own")
    signed_in = await identity.signing_in.sign_in(made.login, PASSWORD, address=HERE)
    key, secret = await identity.keys.create(made.login, NewTerminalKey(name="bot", scope="full"), by=ADA)
    _, again = await identity.keys.rotate(made.login, key.line, by=ADA)
    await identity.resets.start(other.user.user_id, ResetWish(), by=ADA)
    await identity.partners.create("demo.example", by=ADA)
    await identity.users.change_group(Group("vip", leverage_max=10))
    await identity.status.deactivate(other.user.user_id, by=ADA)
    return [PASSWORD, "otto's own", signed_in.token, secret, again, identity.partners.secret("demo.example")]


def pages(book):
    # Keys of one instant have no order of their own.
    keys = sorted(book.ring, key=attrgetter("key_id"))
    return {name: page for name, page in vars(book).items() if name != "ring"} | {"keys": keys}


def test_the_book_is_what_a_reader_of_the_store_finds(place):
    async def story():
        identity = place.identity()
        await busy_day(place, identity)
        assert pages(identity.book) == pages(read_book(place.store))
        book = identity.book
        await identity.reload()
        assert identity.book is book, "doors hold on to it"

    run(story())


def test_a_change_that_two_processes_want_at_once_is_decided_by_the_newer_state(place):
    async def story():
        here, there = place.identity(), place.identity(place.elsewhere())
        made = await here.users.create(mira(), by=ADA, password=PASSWORD)
        key, _ = await there.keys.create(made.login, NewTerminalKey(name="bot", scope="full"), by=ADA)
        assert there.book.users == here.book.users, "it looked again before it wrote"
        assert here.book.ring.get(key.key_id) is None
        effects = await here.status.deactivate(made.user.user_id, by=ADA)
        assert effects.keys_revoked == 1, "a key that only the other process knew is revoked as well"
        there.room.store.close()

    run(story())


def test_keys_made_by_the_command_line_are_seen_before_the_next_decision(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(), by=ADA)
        ApiKeys(place.elsewhere(), place.clock).create(made.login)
        effects = await identity.status.deactivate(made.user.user_id, by=ADA)
        assert effects.keys_revoked == 1

    run(story())


class Quarrel:
    """A store that somebody else always writes first."""

    def __init__(self, place):
        self._place = place

    def __getattr__(self, name):
        return getattr(self._place.store, name)

    def write(self, changes, *audit):
        ApiKeys(self._place.store, self._place.clock).create(700001)
        self._place.store.write(changes, *audit)


def test_who_is_never_fast_enough_gives_up(place):
    async def story():
        with pytest.raises(RecordsFault, match="others were faster 8 times"):
            await place.identity(Quarrel(place)).users.create(mira(), by=ADA)

    run(story())


def test_no_secret_stands_in_a_file_a_line_or_a_text(place):
    async def story():
        identity = place.identity()
        hidden = await busy_day(place, identity)
        lines = [line for kind in ("user", "session", "api_key", "partner") for line in all_lines(place, kind)]
        assert len(lines) > 6
        for secret in hidden:
            assert secret not in str(lines)
            assert secret not in repr([vars(identity.book), identity.sessions, list(identity.book.ring)])
            for file in place.folder.iterdir():
                assert secret.encode() not in file.read_bytes(), f"{secret} is in {file.name}"
        signed_in = await identity.signing_in.sign_in(700003, PASSWORD, address=HERE)
        assert signed_in.token not in repr(signed_in)
        assert repr(HouseSecrets(KEY)) == "HouseSecrets(…)"
        assert "hash" not in repr(PasswordRecord("hash", 1, 2))

    run(story())


def all_lines(place, kind):
    keys = {row[0] for row in place.store.rows("SELECT DISTINCT key FROM audit_trail WHERE kind = ?", (kind,))}
    return [line for key in keys for line in place.store.audit_lines(kind, key)]


def test_every_change_has_a_line(place):
    async def story():
        identity = place.identity()
        writes: list[Any] = []
        identity.room.store = Counted(place.store, writes)
        await busy_day(place, identity)
        assert writes
        assert all(len(audit) >= 1 for audit in writes)

    run(story())


class Counted:
    def __init__(self, store, writes):
        self._store, self._writes = store, writes

    def __getattr__(self, name):
        return getattr(self._store, name)

    def write(self, changes, *audit):
        self._writes.append(audit)
        self._store.write(changes, *audit)


def test_differences_leave_out_what_is_equal_and_what_is_secret():
    before, after = PasswordRecord("old", 1, 5), PasswordRecord("new", 2, 5)
    assert differences(before, after) == ({"version": 1}, {"version": 2})
    assert audit_line(ADA, 1, "create", ("x", 7), after=after).after == {"version": 2, "changed_at": 5}


# The demo's people.


def test_the_demo_makes_its_people_once_and_finds_them_again(place):
    async def story():
        identity = place.identity()
        first = await demo_people(identity, None)
        sheet = sheet_of(first)
        again = place.identity(place.elsewhere())
        assert await demo_people(again, sheet) == first
        access = place.access(again)
        for client in (first.client, first.client2):
            await again.signing_in.sign_in(client.login, client.password, address=HERE)
        assert [access.terminal(secret, HERE).role for secret in (first.terminal.read, first.terminal.full)] == [
            "read", "full",
        ]  # fmt: skip
        assert {partner.domain for partner in again.partners.all()} == {"demo.example", "other.example"}
        again.room.store.close()

    run(story())


def sheet_of(people):
    gateway = GatewaySheet(api_key=None, account=700100, client_account_key="gw_x")
    return DemoSheet(
        "http://127.0.0.1:8080", gateway, client=people.client, client2=people.client2, terminal=people.terminal
    )


def test_a_lost_sheet_means_new_passwords_and_keys(place):
    async def story():
        identity = place.identity()
        first = await demo_people(identity, None)
        second = await demo_people(identity, None)
        assert second.client.password != first.client.password
        await identity.signing_in.sign_in(CLIENT.login, second.client.password, address=HERE)
        assert second.terminal != first.terminal

    run(story())


def test_the_next_demo_does_not_let_in_who_was_deactivated(place):
    async def story():
        identity, keys = place.identity(), ApiKeys(place.store, place.clock)
        sheet = sheet_of(await demo_people(identity, None))
        sheet = replace(sheet, gateway=GatewaySheet(None, 700100, client_key(keys, sheet, place.clock.now())))
        await identity.room.reload()
        await identity.status.deactivate(identity.users.of_login(CLIENT.login).user_id, by=ADA)
        again = await demo_people(identity, sheet)
        assert again.terminal == sheet.terminal
        assert client_key(keys, sheet, place.clock.now()) == sheet.gateway.client_account_key
        assert not any(key.is_valid(place.clock.now()) for key in keys.all() if key.account_id == CLIENT.login)

    run(story())


def test_a_password_that_its_owner_changed_outlives_the_next_demo(place):
    async def story():
        identity = place.identity()
        first = await demo_people(identity, None)
        signed_in = await identity.signing_in.sign_in(CLIENT.login, first.client.password, address=HERE)
        principal = place.access(identity).client(signed_in.token)
        await identity.signing_in.change_password(principal, first.client.password, "my own now", address=HERE)
        await demo_people(identity, sheet_of(first))
        await identity.signing_in.sign_in(CLIENT.login, "my own now", address=HERE)

    run(story())


def test_a_demo_that_died_before_its_sheet_was_written_begins_again(place):
    async def story():
        identity = place.identity()
        dying = asyncio.ensure_future(demo_people(identity, None))
        await until(lambda: identity.book.users)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        people = await demo_people(place.identity(place.elsewhere()), None)
        assert json.dumps([people.client.login, people.client2.login]) == "[700001, 700002]"

    run(story())
