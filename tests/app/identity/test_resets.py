"""Password resets: one token, one password, not for long."""

import asyncio
import logging

import pytest

from tests.app.identity.people import ADA, HERE, PASSWORD, Place, mira, until
from tests.app.shard import run
from tradehall.app.identity.letters import masked
from tradehall.app.identity.mail_post import WAITING_MAX, MailPost
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.users import ContactWish
from tradehall.app.records.resets import Delivery, ResetStatus
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MINUTE
from tradehall.ports.mail import Mail, MailFault

NEW = "battery staple"


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def refused(awaitable) -> IdentityRefused:
    with pytest.raises(IdentityRefused) as refusal:
        await awaitable
    return refusal.value


async def person(place, **fields):
    identity = place.identity(link_base="https://desk.example/ui/reset")
    made = await identity.users.create(mira(**fields), by=ADA, password=PASSWORD)
    return identity, made.user, made.login


async def begun(identity, user, **wish):
    """A reset by link, and its token."""
    started = await identity.resets.start(user.user_id, ResetWish(delivery=Delivery.LINK, **wish), by=ADA)
    return started.reset, started.link.partition("?token=")[2]


def test_a_reset_by_mail_gives_the_user_a_new_password(place):
    async def story():
        identity, user, login = await person(place)
        session = await identity.signing_in.sign_in(login, PASSWORD, address=HERE)
        started = await identity.resets.start(user.user_id, ResetWish(revoke_sessions=False), by=ADA)
        assert (started.link, started.reset.sent_to) == (None, "m***@example.test")
        assert session.session.jti in identity.book.sessions
        await identity.post.flush()
        mail = place.mailer.sent[0]
        assert mail.to == "mira@example.test"
        assert "https://desk.example/ui/reset?token=" in mail.text
        token = mail.text.partition("?token=")[2].split()[0]
        assert (await identity.resets.complete(token, NEW, address=HERE)) == user
        assert identity.book.sessions == {}
        assert identity.resets.get(started.reset.reset_id).status is ResetStatus.COMPLETED
        await identity.signing_in.sign_in(login, NEW, address=HERE)
        assert (await refused(identity.signing_in.sign_in(login, PASSWORD, address=HERE))).code is (
            IdentityCode.CREDENTIALS_WRONG
        )

    run(story())


def test_a_reset_ends_sessions_unless_it_is_asked_not_to(place):
    async def story():
        identity, user, login = await person(place)
        await identity.signing_in.sign_in(login, PASSWORD, address=HERE)
        await begun(identity, user)
        assert identity.book.sessions == {}

    run(story())


def test_used_unknown_expired_and_superseded_tokens_get_one_answer(place):
    async def story():
        identity, user, _ = await person(place)
        _, used = await begun(identity, user)
        await identity.resets.complete(used, NEW, address=HERE)
        old, superseded = await begun(identity, user)
        last, expired = await begun(identity, user, minutes=5)
        assert identity.resets.get(old.reset_id).status is ResetStatus.CANCELLED
        place.clock.at += 5 * NS_PER_MINUTE
        assert identity.resets.get(last.reset_id).status is ResetStatus.EXPIRED
        answers = set()
        for token in (used, superseded, expired, "x", "", "x" * 10_000, "\ud800"):
            refusal = await refused(identity.resets.complete(token, "another password", address=HERE))
            answers.add((refusal.code, refusal.message))
        assert answers == {(IdentityCode.RESET_NOT_FOUND, "this reset is unknown, used or expired")}

    run(story())


def test_of_completions_at_once_one_wins(place):
    async def story():
        identity, user, login = await person(place)
        _, token = await begun(identity, user)
        tries = [identity.resets.complete(token, f"password number {n}", address=HERE) for n in range(5)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        winners = [n for n, answer in enumerate(answers) if answer == user]
        assert len(winners) == 1
        await identity.signing_in.sign_in(login, f"password number {winners[0]}", address=HERE)

    run(story())


@pytest.mark.parametrize(("what", "password"), [
    ("too short",          "1234567"),
    ("too long",           "x" * 65),
    ("the address",        "MIRA@example.test"),
    ("the last password",  PASSWORD),
])  # fmt: skip
def test_a_password_that_cannot_be_leaves_the_token_good(place, what, password):
    async def story():
        identity, user, _ = await person(place)
        _, token = await begun(identity, user)
        refusal = await refused(identity.resets.complete(token, password, address=HERE))
        assert (refusal.code, refusal.field) == (IdentityCode.INVALID_FIELD, "new_password")
        await identity.resets.complete(token, NEW, address=HERE)

    run(story())


@pytest.mark.parametrize(("what", "wish", "code"), [
    ("4 minutes",            ResetWish(minutes=4),             IdentityCode.INVALID_FIELD),
    ("a day and a minute",   ResetWish(minutes=1441),          IdentityCode.INVALID_FIELD),
    ("an unverified phone",  ResetWish(delivery=Delivery.SMS), IdentityCode.PHONE_NOT_VERIFIED),
])  # fmt: skip
def test_a_reset_is_refused(place, what, wish, code):
    async def story():
        identity, user, _ = await person(place)
        assert (await refused(identity.resets.start(user.user_id, wish, by=ADA))).code is code
        assert place.store.all("password_reset") == {}

    run(story())


def test_the_inactive_get_no_reset_and_strangers_are_not_found(place):
    async def story():
        identity, user, _ = await person(place)
        await identity.status.deactivate(user.user_id, by=ADA)
        start = identity.resets.start(user.user_id, ResetWish(), by=ADA)
        assert (await refused(start)).code is IdentityCode.USER_INACTIVE
        assert (await refused(identity.resets.start(99, ResetWish(), by=ADA))).code is IdentityCode.USER_NOT_FOUND

    run(story())


def test_a_user_gets_three_resets_an_hour_and_a_restart_does_not_forget_them(place):
    async def story():
        identity, user, _ = await person(place)
        for _ in range(3):
            await begun(identity, user)
            place.clock.at += NS_PER_MINUTE
        again = place.identity(place.elsewhere())
        refusal = await refused(again.resets.start(user.user_id, ResetWish(), by=ADA))
        assert (refusal.code, refusal.retry_after_s) == (IdentityCode.RATE_LIMITED, 57 * 60)
        again.room.store.close()
        place.clock.at += NS_PER_HOUR - 3 * NS_PER_MINUTE
        await begun(identity, user)

    run(story())


def test_a_domain_gets_sixty_resets_an_hour(place):
    async def story():
        identity = place.identity()
        people = [(await identity.users.create(mira(email=f"{n}@b.test"), by=ADA)).user for n in range(61)]
        stranger = (await identity.users.create(mira(domain="other.example"), by=ADA)).user
        for user in people[:60]:
            await begun(identity, user)
        start = identity.resets.start(people[60].user_id, ResetWish(), by=ADA)
        assert (await refused(start)).code is IdentityCode.RATE_LIMITED
        await begun(identity, stranger)

    run(story())


def test_a_reset_of_another_domain_is_not_found(place):
    async def story():
        identity, user, _ = await person(place)
        reset, _ = await begun(identity, user)
        assert identity.resets.get(reset.reset_id, domain=user.domain) == reset
        with pytest.raises(IdentityRefused):
            identity.resets.get(reset.reset_id, domain="other.example")

    run(story())


def test_a_token_stands_in_no_file_no_line_and_no_text(place):
    async def story():
        identity, user, _ = await person(place)
        started = await identity.resets.start(user.user_id, ResetWish(delivery=Delivery.LINK), by=ADA)
        token = started.link.partition("?token=")[2]
        assert len(token) == 43
        for file in place.folder.iterdir():
            assert token.encode() not in file.read_bytes()
        lines = place.store.audit_lines("user", str(user.user_id))
        assert lines[0].action == "user.password_reset"
        assert token not in str(lines)
        assert started.reset.digest not in str(lines)
        assert token not in repr(started)

    run(story())


@pytest.mark.parametrize(("address", "shown"), [
    ("mira@example.test", "m***@example.test"), ("m@b.test", "m***@b.test"), ("+4930123456", "***56"),
])  # fmt: skip
def test_an_address_is_masked(address, shown):
    assert masked(address) == shown


# The post.


def a_mail(number=0):
    return Mail(f"{number}@b.test", "subject", "secret")


def test_mail_that_may_be_taken_later_is_tried_again_and_other_mail_is_not(place, caplog):
    async def story():
        post = MailPost(place.mailer, retry_after_s=(0, 0))
        place.mailer.faults = [MailFault("busy", may_help_again=True), MailFault("busy", may_help_again=True)]
        running = asyncio.ensure_future(post.run())
        post.post(a_mail())
        await until(lambda: place.mailer.sent)
        place.mailer.faults = [MailFault("no such address", may_help_again=False)]
        post.post(a_mail(1))
        post.post(a_mail(2))
        await until(lambda: not len(place.mailer.sent) < 2)
        running.cancel()
        assert [mail.to for mail in place.mailer.sent] == ["0@b.test", "2@b.test"]

    with caplog.at_level(logging.INFO):
        run(story())
    assert "no such address" in caplog.text
    assert "secret" not in caplog.text
    assert "@b.test" not in caplog.text


def test_mail_that_is_never_taken_is_given_up(place):
    async def story():
        post = MailPost(place.mailer, retry_after_s=(0,))
        place.mailer.faults = [MailFault("busy", may_help_again=True)] * 9
        running = asyncio.ensure_future(post.run())
        post.post(a_mail())
        await until(lambda: not len(place.mailer.faults) > 7)
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()
        assert len(place.mailer.faults) == 7

    run(story())


def test_one_mail_that_breaks_the_mailer_does_not_stop_the_others(place):
    async def story():
        post = MailPost(place.mailer)
        place.mailer.faults = [ValueError("a bug")]
        post.post(a_mail(1))
        post.post(a_mail(2))
        await post.flush()
        assert [mail.to for mail in place.mailer.sent] == ["2@b.test"]

    run(story())


def test_a_full_post_is_told_before_a_reset_is_made(place):
    async def story():
        identity, user, _ = await person(place)
        for _ in range(WAITING_MAX):
            identity.post.post(a_mail())
        refusal = await refused(identity.resets.start(user.user_id, ResetWish(), by=ADA))
        assert (refusal.code, refusal.retry_after_s > 0) == (IdentityCode.BUSY, True)
        assert place.store.all("password_reset") == {}
        identity.close()
        assert not identity.post.is_full

    run(story())


@pytest.mark.parametrize(("delivery", "status"), [
    (Delivery.EMAIL, ResetStatus.CANCELLED),
    (Delivery.LINK,  ResetStatus.PENDING),
])  # fmt: skip
def test_a_link_that_was_mailed_to_an_address_ends_with_it(place, delivery, status):
    async def story():
        identity, user, _ = await person(place)
        reset = (await identity.resets.start(user.user_id, ResetWish(delivery=delivery), by=ADA)).reset
        await identity.users.change_contact(user.user_id, ContactWish(phone="+4930"), by=ADA)
        assert identity.resets.get(reset.reset_id).status is ResetStatus.PENDING
        await identity.users.change_contact(user.user_id, ContactWish(email="new@example.test"), by=ADA)
        assert identity.resets.get(reset.reset_id).status is status
        await identity.post.flush()

    run(story())
