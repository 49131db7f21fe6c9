"""Letters: what is to be told by mail is told, though the server dies before it is."""

import pytest

from tests.app.identity.people import ADA, HERE, PASSWORD, Place, mira
from tests.app.shard import run
from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.users import ContactWish
from tradehall.app.records.resets import ResetStatus
from tradehall.domain.time import NS_PER_MINUTE
from tradehall.ports.mail import MailFault


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


async def person(place):
    identity = place.identity()
    return identity, (await identity.users.create(mira(), by=ADA, password=PASSWORD)).user


async def killed_before_the_mail_went_out(place):
    """A reset is started and answered, and that is all."""
    identity, user = await person(place)
    return user, (await identity.resets.start(user.user_id, ResetWish(), by=ADA)).reset


async def begun_again(place):
    """What a fresh process does with what it finds."""
    identity = place.identity()
    desk = place.desk()
    await desk.start()
    await identity.attach(desk)
    await identity.post.flush()
    await desk.stop()
    return identity


def test_a_reset_whose_mail_was_not_sent_is_mailed_after_the_next_start_and_once(place):
    async def story():
        user, reset = await killed_before_the_mail_went_out(place)
        assert place.mailer.sent == []
        identity = await begun_again(place)
        (mail,) = place.mailer.sent
        assert mail.to == user.email
        token = mail.text.partition("?token=")[2].split()[0]
        assert identity.resets.get(reset.reset_id).status is ResetStatus.PENDING
        for file in place.folder.iterdir():
            assert token.encode() not in file.read_bytes()
        await begun_again(place)
        assert len(place.mailer.sent) == 1 and place.store.all("letter") == {}
        await (await begun_again(place)).resets.complete(token, "a new password", address=HERE)

    run(story())


def test_a_reset_that_is_of_no_use_any_more_is_not_mailed_after_the_next_start(place):
    async def story():
        await killed_before_the_mail_went_out(place)
        place.clock.at += 61 * NS_PER_MINUTE
        await begun_again(place)
        assert place.mailer.sent == [] and place.store.all("letter") == {}

    run(story())


def test_an_old_address_is_told_though_the_server_died(place):
    async def story():
        identity, user = await person(place)
        await identity.users.change_contact(user.user_id, ContactWish(email="new@example.test"), by=ADA)
        await begun_again(place)
        assert [mail.to for mail in place.mailer.sent] == [user.email]
        await begun_again(place)
        assert len(place.mailer.sent) == 1

    run(story())


def test_a_letter_that_is_given_up_is_not_sent_after_the_next_start(place):
    async def story():
        await killed_before_the_mail_went_out(place)
        place.mailer.faults = [MailFault("no such address", may_help_again=False)]
        await begun_again(place)
        assert place.store.all("letter") == {}
        await begun_again(place)
        assert place.mailer.sent == []

    run(story())
