"""Users: signing up, accounts in the engine, contact data; and a server that dies in between."""

import asyncio
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.identity.people import ADA, HERE, PASSWORD, Place, mira
from tests.app.shard import run
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.users import ContactWish, split_name
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.groups import HEDGING_GROUP, NETTING_GROUP, Group
from tradehall.app.records.users import Contact, SessionType
from tradehall.domain.account import PositionMode
from tradehall.ports.records import RecordsFault


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def refused(awaitable) -> IdentityRefused:
    with pytest.raises(IdentityRefused) as refusal:
        await awaitable
    return refusal.value


async def open_place(place):
    identity, desk = place.identity(), place.desk()
    await desk.start()
    await identity.attach(desk)
    return identity, desk


def sign_up(identity, password=PASSWORD, **fields):
    return identity.users.sign_up(mira(**fields), password, address=HERE)


def test_signing_up_makes_a_user_and_an_account_with_the_deposit(place):
    async def story():
        identity, desk = await open_place(place)
        made = await sign_up(identity, email="Mira@Example.TEST", leverage=200, contact=Contact(city="Berlin"))
        account = desk.state.accounts[made.login]
        assert (made.login, made.user.email, made.user.contact.city) == (700003, "mira@example.test", "Berlin")
        assert account.balance == 100_000
        assert (account.terms.position_mode, account.terms.leverage) == (PositionMode.HEDGING, Decimal(200))
        assert (account.terms.owner, account.terms.name) == (str(made.user.user_id), "Mira Vogel")
        assert account.terms.group == HEDGING_GROUP
        assert identity.book.steps == {}
        assert identity.users.of_login(made.login) == made.user
        await desk.stop()

    run(story())


def test_without_a_demo_an_account_begins_empty(place):
    async def story():
        identity, desk = await open_place(place)
        made = await sign_up(identity, is_demo=False)
        assert desk.state.accounts[made.login].balance == 0
        await desk.stop()

    run(story())


@pytest.mark.parametrize(("what", "fields", "password", "code", "field"), [
    # what is wrong              the wish                            password   the code                        the field
    ("no address",               dict(email="mira"),                 PASSWORD,  IdentityCode.INVALID_FIELD,     "email"),
    ("two addresses",            dict(email="a@b.test,c@d.test"),    PASSWORD,  IdentityCode.INVALID_FIELD,     "email"),
    ("a line break",             dict(email="a@b.test\nBcc: x@y.z"), PASSWORD,  IdentityCode.INVALID_FIELD,     "email"),
    ("an address too long",      dict(email="a@" + "b" * 253),       PASSWORD,  IdentityCode.INVALID_FIELD,     "email"),
    ("no name",                  dict(first_name=" "),               PASSWORD,  IdentityCode.INVALID_FIELD,     "name"),
    ("a name too long",          dict(first_name="x" * 65),          PASSWORD,  IdentityCode.INVALID_FIELD,     "first_name"),
    ("a name that rings bells",  dict(last_name="\a"),               PASSWORD,  IdentityCode.INVALID_FIELD,     "last_name"),
    ("a city too long",          dict(contact=Contact(city="x"*201)),PASSWORD,  IdentityCode.INVALID_FIELD,     "city"),
    ("a phone like a novel",     dict(phone="1" * 33),               PASSWORD,  IdentityCode.INVALID_FIELD,     "phone"),
    ("a password too short",     dict(),                             "12345",   IdentityCode.INVALID_FIELD,     "password"),
    ("a password too long",      dict(),                             "x" * 65,  IdentityCode.INVALID_FIELD,     "password"),
    ("leverage of nothing",      dict(leverage=0),                   PASSWORD,  IdentityCode.INVALID_FIELD,     "leverage"),
    ("leverage beyond the group",dict(leverage=501),                 PASSWORD,  IdentityCode.INVALID_FIELD,     "leverage"),
    ("another currency",         dict(group=HEDGING_GROUP, currency="EUR"), PASSWORD, IdentityCode.INVALID_FIELD, "currency"),
    ("no group of the currency", dict(currency="EUR"),               PASSWORD,  IdentityCode.GROUP_NOT_FOUND,   ""),
    ("no such group",            dict(group="vip"),                  PASSWORD,  IdentityCode.GROUP_NOT_FOUND,   ""),
])  # fmt: skip
def test_a_wish_to_sign_up_is_refused(place, what, fields, password, code, field):
    async def story():
        identity = place.identity()
        refusal = await refused(sign_up(identity, password, **fields))
        assert (refusal.code, refusal.field) == (code, field)
        assert place.store.all("user") == {}
        assert password not in str(refusal)

    run(story())


def test_a_closed_house_and_a_closed_group_take_nobody(place):
    async def story():
        identity = place.identity()
        await identity.users.change_group(Group(HEDGING_GROUP, is_open=False))
        assert (await refused(sign_up(identity, group=HEDGING_GROUP))).code is IdentityCode.GROUP_NOT_FOUND
        made = await identity.users.create(mira(group=HEDGING_GROUP), by=ADA)
        assert made.user.group_of(made.login) == HEDGING_GROUP
        closed = Place(place.folder, clock=place.clock)
        shut = closed.identity()
        shut.users._sign_up_is_open = False
        assert (await refused(sign_up(shut))).code is IdentityCode.SIGN_UP_DISABLED
        closed.store.close()

    run(story())


def test_of_sign_ups_at_once_with_one_address_one_wins(place):
    async def story():
        identity, desk = await open_place(place)
        spellings = ["mira@example.test", "Mira@example.test", "MIRA@EXAMPLE.TEST"] * 4
        answers = await asyncio.gather(*(sign_up(identity, email=each) for each in spellings), return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, IdentityRefused)]
        assert {refusal.code for refusal in refusals} == {IdentityCode.EMAIL_TAKEN}
        assert len(refusals) == len(spellings) - 1
        assert len(desk.state.accounts) == 1
        await desk.stop()

    run(story())


def test_two_processes_never_give_out_one_address_or_one_number_twice(place):
    async def story():
        here, there = place.identity(), place.identity(place.elsewhere())
        same = [sign_up(each) for each in (here, there)]
        answers = await asyncio.gather(*same, return_exceptions=True)
        assert [isinstance(answer, IdentityRefused) for answer in answers].count(True) == 1
        many = [sign_up(each, email=f"{n}@{i}.test") for n in range(5) for i, each in enumerate((here, there))]
        made = [*await asyncio.gather(*many), *(answer for answer in answers if not isinstance(answer, Exception))]
        assert len({each.login for each in made}) == len({each.user.user_id for each in made}) == 11
        await here.reload()
        await there.reload()
        assert here.book.users == there.book.users
        there.room.store.close()

    run(story())


def test_one_address_may_belong_to_people_of_two_domains(place):
    async def story():
        identity = place.identity()
        first = await sign_up(identity)
        second = await sign_up(identity, domain="other.example")
        assert first.user.user_id != second.user.user_id
        assert identity.users.find("MIRA@example.test", domain="other.example") == second.user
        with pytest.raises(IdentityRefused):
            identity.users.find(str(first.user.user_id), domain="other.example")
        assert identity.users.all(domain="other.example") == [second.user]

    run(story())


def test_a_group_of_several_accounts_gives_its_owner_and_nobody_else_a_second_one(place):
    async def story():
        identity, desk = await open_place(place)
        first = await sign_up(identity)
        assert (await refused(sign_up(identity, "stranger's", group=NETTING_GROUP))).code is IdentityCode.EMAIL_TAKEN
        second = await sign_up(identity, group=NETTING_GROUP)
        assert second.user.logins == (first.login, second.login)
        assert desk.state.accounts[second.login].terms.position_mode is PositionMode.NETTING
        assert (await refused(sign_up(identity, group=HEDGING_GROUP))).code is IdentityCode.EMAIL_TAKEN
        await desk.stop()

    run(story())


def test_numbers_that_the_house_keeps_for_itself_are_not_given_out(place):
    async def story():
        identity = place.identity()
        logins = [(await identity.users.create(mira(email=f"{n}@b.test"), by=ADA)).login for n in range(100)]
        assert logins[0] == 700003
        assert 700100 not in logins
        assert len(set(logins)) == 100
        mine = await identity.users.create(mira(email="x@b.test", login=700001), by=ADA)
        assert mine.login == 700001
        taken = identity.users.create(mira(email="y@b.test", login=700001), by=ADA)
        assert (await refused(taken)).code is IdentityCode.LOGIN_TAKEN

    run(story())


# A server that dies, or cannot write, between two steps.


def test_a_number_that_a_key_was_made_for_is_not_given_out(place):
    async def story():
        identity = place.identity()
        first = (await sign_up(identity)).login
        _, secret = ApiKeys(place.store, place.clock).create(first + 1)
        await identity.reload()
        assert (await sign_up(identity, email="otto@example.test")).login == first + 2
        assert place.access(identity).gateway(secret).account_id == first + 1

    run(story())


def test_an_account_that_was_promised_is_opened_at_the_next_start(place):
    async def story():
        before = place.identity()  # Dies before it tells the engine.
        made = await sign_up(before)
        assert made.login in before.book.steps
        identity, desk = await open_place(place)
        assert desk.state.accounts[made.login].balance == 100_000
        assert identity.book.steps == {}
        assert place.store.all("account_step") == {}
        await desk.stop()

    run(story())


def test_an_account_that_was_opened_before_the_crash_is_not_opened_or_paid_for_again(place):
    async def story():
        identity, desk = await open_place(place)
        made = await sign_up(identity)
        step = [change for change in [identity.book.steps.get(made.login)] if change]
        assert step == []
        dying = place.identity()
        await sign_up(dying, email="otto@example.test")
        promised = dict(dying.book.steps)
        await identity.reload()
        assert identity.book.steps == {}
        seq = desk.state.seq
        # As if the crash had come after the engine's part and before ours.
        identity.book.steps.update(promised)
        await identity.steps.do()
        assert desk.state.seq == seq
        assert all(account.balance == 100_000 for account in desk.state.accounts.values())
        await desk.stop()

    run(story())


def test_when_the_engine_takes_no_wish_the_user_stays_and_the_account_follows(place):
    async def story():
        identity, desk = await open_place(place)
        desk._closed_because = "a test says so"
        with pytest.raises(ShardUnavailable):
            await sign_up(identity)
        assert (await refused(sign_up(identity))).code is IdentityCode.EMAIL_TAKEN
        desk._closed_because = None
        signed_in = await identity.signing_in.sign_in(700003, PASSWORD, address=HERE)
        assert desk.state.accounts[signed_in.session.login].balance == 100_000
        await desk.stop()

    run(story())


class FullDisk:
    """A store that cannot be written any more."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def write(self, changes, audit, *more):
        raise RecordsFault("records could not be written: the disk is full")


def test_what_could_not_be_written_has_not_happened(place):
    async def story():
        identity = place.identity(FullDisk(place.store))
        with pytest.raises(RecordsFault):
            await sign_up(identity)
        assert identity.book.users == {}
        assert identity.book.steps == {}
        await sign_up(place.identity())

    run(story())


def test_who_hangs_up_does_not_stop_a_change_half_way(place):
    async def story():
        identity, desk = await open_place(place)
        user = (await sign_up(identity)).user
        change = asyncio.ensure_future(
            identity.users.change_contact(user.user_id, ContactWish(email="new@example.test"), by=ADA)
        )
        await asyncio.sleep(0)
        change.cancel()
        with suppress(asyncio.CancelledError):
            await change
        await identity.users.change_contact(user.user_id, ContactWish(phone="+4930"), by=ADA)
        again = place.identity(place.elsewhere())
        assert again.book.users == identity.book.users
        assert again.book.emails == identity.book.emails
        again.room.store.close()
        await desk.stop()

    run(story())


# Contact data.


def test_a_changed_address_is_unverified_unless_said_otherwise_and_the_version_grows(place):
    async def story():
        identity = place.identity()
        user = (await identity.users.create(mira(email_verified=True), by=ADA)).user
        before, after = await identity.users.change_contact(
            user.user_id, ContactWish(email="New@Example.test", phone="+4930123456"), by=ADA, expected_version=1
        )
        assert before == user
        assert (after.email, after.email_verified, after.phone_verified, after.version) == (
            "new@example.test", False, False, 2,
        )  # fmt: skip
        _, verified = await identity.users.change_contact(
            user.user_id, ContactWish(phone="+4930654321", verified=True), by=ADA
        )
        assert (verified.phone_verified, verified.email_verified) == (True, False)
        assert identity.users.find("new@example.test") == verified
        with pytest.raises(IdentityRefused):
            identity.users.find("mira@example.test")

    run(story())


def test_the_old_address_is_told_where_it_is_to_be(place):
    async def story():
        identity = place.identity()
        user = (await identity.users.create(mira(), by=ADA)).user
        for wish in (
            ContactWish(phone="+4930"),
            ContactWish(email="second@example.test"),
            ContactWish(email="third@example.test", notify_old=False),
        ):
            await identity.users.change_contact(user.user_id, wish, by=ADA)
        await identity.post.flush()
        assert [mail.to for mail in place.mailer.sent] == ["mira@example.test"]
        assert "s***@example.test" in place.mailer.sent[0].text

    run(story())


def test_the_same_contact_changes_nothing_and_leaves_no_line(place):
    async def story():
        identity = place.identity()
        user = (await identity.users.create(mira(), by=ADA)).user
        lines = place.store.audit_lines("user", "1")
        before, after = await identity.users.change_contact(
            user.user_id, ContactWish(email="MIRA@example.test", phone="", verified=True), by=ADA
        )
        assert before == after == user
        assert place.store.audit_lines("user", "1") == lines

    run(story())


@pytest.mark.parametrize(("what", "wish", "version", "code"), [
    ("another's address", ContactWish(email="otto@example.test"), None, IdentityCode.EMAIL_TAKEN),
    ("no address",        ContactWish(email="otto"),              None, IdentityCode.INVALID_FIELD),
    ("no phone",          ContactWish(phone="030 123"),           None, IdentityCode.INVALID_FIELD),
    ("an old version",    ContactWish(phone="+4930"),             7,    IdentityCode.VERSION_MISMATCH),
])  # fmt: skip
def test_a_change_of_contact_is_refused(place, what, wish, version, code):
    async def story():
        identity = place.identity()
        user = (await identity.users.create(mira(), by=ADA)).user
        await identity.users.create(mira(email="otto@example.test"), by=ADA)
        change = identity.users.change_contact(user.user_id, wish, by=ADA, expected_version=version)
        assert (await refused(change)).code is code
        assert identity.users.get(user.user_id) == user

    run(story())


def test_every_write_leaves_a_line_with_who_why_and_what_changed(place):
    async def story():
        identity = place.identity()
        user = (await identity.users.create(mira(), by=ADA, password=PASSWORD)).user
        await identity.users.change_contact(user.user_id, ContactWish(phone="+4930"), by=ADA)
        changed, created = place.store.audit_lines("user", "1")
        assert (changed.actor, changed.role, changed.reason) == ("ada@support.test", "admin", "a test asked for it")
        assert (changed.action, changed.domain, changed.user_id) == ("user.contact", "demo.example", 1)
        assert changed.before == {"phone": "", "version": 1}
        assert changed.after == {"phone": "+4930", "version": 2}
        assert created.after["email"] == "mira@example.test"

    run(story())


def test_staff_is_made_as_staff(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(session_type=SessionType.MANAGER), by=ADA, password=PASSWORD)
        client = await identity.users.create(mira(email="c@example.test"), by=ADA)
        stranger = await identity.users.create(mira(email="s@example.test", domain="other.example"), by=ADA)
        access = place.access(identity)
        signed_in = await identity.signing_in.sign_in(made.login, PASSWORD, address=HERE)
        principal = access.client(signed_in.token)
        assert principal.session_type == 1
        assert access.may_act_on(principal, client.login)
        assert not access.may_act_on(principal, stranger.login)
        assert not access.may_act_on(principal, 123)

    run(story())


@given(st.text(min_size=1, max_size=64).filter(lambda name: name.strip()))
def test_a_name_that_is_split_can_be_put_together_again(name):
    first, last = split_name(name)
    assert (f"{first} {last}" if last else first) == name.strip()
