"""Deactivation: sessions, keys and sockets of every door are gone in one transaction, orders at once after."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app.identity.people import ADA, HERE, PASSWORD, Place, mira
from tests.app.shard import an_order, run
from tradehall.app.access import AccessDenied, TokenFault, TokenRefused
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.terminal_keys import NewTerminalKey
from tradehall.app.key_watch import KeyWatch
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.api_keys import ApiKeys
from tradehall.domain.account import AccountStatus
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.order import OrderRole
from tradehall.domain.rejection import RejectCode
from tradehall.engine.commands import ListInstrument, PlaceOrder, UpdateAccount
from tradehall.ports.records import RecordsFault


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.store.close()


class Told:
    def __init__(self):
        self.ids = set()

    def on_revoked(self, ids):
        self.ids |= ids


class Life:
    """A user who uses every door, and another whom all this does not concern."""

    def __init__(self, place):
        self.place = place

    async def begin(self):
        place = self.place
        self.identity, self.desk = place.identity(), place.desk()
        await self.desk.start()
        await self.desk.submit(ListInstrument(demo_instruments()["BTCUSD"]))
        await self.identity.attach(self.desk)
        self.access = place.access(self.identity)
        self.told = Told()
        self.identity.room.listen(self.told)
        self.user, self.login, *self.credentials = await self._person("mira@example.test")
        self.other, self.other_login, *self.others = await self._person("otto@example.test")
        return self

    async def _person(self, email):
        identity, place = self.identity, self.place
        made = await identity.users.sign_up(mira(email=email), PASSWORD, address=HERE)
        token = (await identity.signing_in.sign_in(made.login, PASSWORD, address=HERE)).token
        _, terminal = await identity.keys.create(made.login, NewTerminalKey(name="bot", scope="full"), by=ADA)
        _, gateway = ApiKeys(place.store, place.clock).create(made.login)
        await identity.reload()
        return made.user, made.login, token, terminal, gateway

    def opens(self, credentials):
        """At which of the three doors these credentials open."""
        token, terminal, gateway = credentials
        doors = []
        for name, enter in (
            ("client", lambda: self.access.client(token)),
            ("terminal", lambda: self.access.terminal(terminal, HERE)),
            ("gateway", lambda: self.access.gateway(gateway)),
        ):
            try:
                enter()
                doors.append(name)
            except (AccessDenied, TokenRefused):
                pass
        return doors

    def status_of(self, login):
        return self.desk.state.accounts[login].terms.status


def working(life):
    return list(life.desk.state.accounts[life.login].orders.values())


ALL = ["client", "terminal", "gateway"]


def test_the_inactive_lose_everything_at_once_and_others_nothing(place):
    async def story():
        life = await Life(place).begin()
        principals = [life.access.client(life.credentials[0]), life.access.terminal(life.credentials[1], HERE)]
        assert life.opens(life.credentials) == ALL
        effects = await life.identity.status.deactivate(life.user.user_id, by=ADA)
        assert (effects.sessions_revoked, effects.keys_revoked, effects.user.version) == (1, 2, 2)
        assert life.opens(life.credentials) == []
        assert life.opens(life.others) == ALL
        assert {principal.key_id for principal in principals} <= life.told.ids
        assert len(life.told.ids) == 3
        assert not any(life.access.is_still_valid(each, place.clock.now()) for each in principals)
        assert life.status_of(life.login) is AccountStatus.DISABLED
        assert life.status_of(life.other_login) is AccountStatus.ACTIVE
        outcome = await life.desk.submit(an_order(account=life.login))
        assert outcome.rejection.code is RejectCode.ACCOUNT_DISABLED
        with pytest.raises(TokenRefused) as refusal:
            life.access.client(life.credentials[0])
        assert refusal.value.fault is TokenFault.USER_DISABLED
        with pytest.raises(IdentityRefused) as sign_in:
            await life.identity.signing_in.sign_in(life.login, PASSWORD, address=HERE)
        assert sign_in.value.code is IdentityCode.USER_DISABLED
        await life.desk.stop()

    run(story())


def test_a_wrong_password_does_not_tell_that_somebody_is_inactive(place):
    async def story():
        life = await Life(place).begin()
        await life.identity.status.deactivate(life.user.user_id, by=ADA)
        with pytest.raises(IdentityRefused) as refusal:
            await life.identity.signing_in.sign_in(life.login, "wrong horse", address=HERE)
        assert refusal.value.code is IdentityCode.CREDENTIALS_WRONG
        await life.desk.stop()

    run(story())


def test_all_of_it_is_one_transaction_with_its_lines(place):
    async def story():
        life = await Life(place).begin()
        epoch = place.store.get("identity_epoch", "")
        writes: list[Any] = []
        life.identity.room.store = Watched(place.store, writes)
        await life.identity.status.deactivate(life.user.user_id, by=ADA)
        first = writes[0]
        kinds = sorted(change.kind for change in first)
        assert kinds == ["account_step", "api_key", "api_key", "identity_epoch", "session", "user"]
        assert first[-1].expects == epoch
        line, *_ = place.store.audit_lines("user", str(life.user.user_id))
        assert line.after == {"status": "inactive", "version": 2, "sessions_revoked": 1, "keys_revoked": 2}
        await life.desk.stop()

    run(story())


class Watched:
    def __init__(self, store, writes):
        self._store, self._writes = store, writes

    def __getattr__(self, name):
        return getattr(self._store, name)

    def write(self, changes, *audit):
        self._writes.append(changes)
        self._store.write(changes, *audit)


def test_a_second_time_changes_nothing(place):
    async def story():
        life = await Life(place).begin()
        await life.identity.status.deactivate(life.user.user_id, by=ADA)
        seq, lines = life.desk.state.seq, place.store.audit_lines("user", str(life.user.user_id))
        effects = await life.identity.status.deactivate(life.user.user_id, by=ADA)
        assert (effects.sessions_revoked, effects.keys_revoked, effects.user.version) == (0, 0, 2)
        assert life.desk.state.seq == seq
        assert place.store.audit_lines("user", str(life.user.user_id)) == lines
        await life.desk.stop()

    run(story())


def test_reactivation_gives_back_the_account_but_no_session_and_no_key(place):
    async def story():
        life = await Life(place).begin()
        await life.identity.status.deactivate(life.user.user_id, by=ADA)
        effects = await life.identity.status.reactivate(life.user.user_id, by=ADA, expected_version=2)
        assert effects.user.is_active
        assert life.opens(life.credentials) == []
        assert life.status_of(life.login) is AccountStatus.ACTIVE
        signed_in = await life.identity.signing_in.sign_in(life.login, PASSWORD, address=HERE)
        assert life.access.client(signed_in.token).account_id == life.login
        await life.desk.stop()

    run(story())


@pytest.mark.parametrize("before", [AccountStatus.READ_ONLY, AccountStatus.CLOSE_ONLY, AccountStatus.ACTIVE])
def test_an_account_that_was_restricted_before_is_restricted_after(place, before):
    async def story():
        life = await Life(place).begin()
        await life.desk.submit(UpdateAccount(life.login, status=before))
        for _ in range(2):
            await life.identity.status.deactivate(life.user.user_id, by=ADA)
            assert life.status_of(life.login) is AccountStatus.DISABLED
            await life.identity.status.reactivate(life.user.user_id, by=ADA)
            assert life.status_of(life.login) is before
        assert place.store.all("account_status_before") == {}
        await life.desk.stop()

    run(story())


def test_a_crash_before_the_engine_heard_of_it_is_made_good_at_the_next_start(place):
    async def story():
        life = await Life(place).begin()
        bought = an_order(account=life.login).terms
        await life.desk.submit(PlaceOrder(replace(bought, stop_loss=Decimal(40_000))))
        await life.desk.submit(an_order(account=life.login, limit="40000"))
        life.identity.steps._desk = None  # The server dies after the transaction.
        await life.identity.status.deactivate(life.user.user_id, by=ADA)
        assert [order.role for order in working(life)] == [OrderRole.STOP_LOSS, OrderRole.ENTRY]
        assert life.status_of(life.login) is AccountStatus.ACTIVE
        again = place.identity(place.elsewhere())
        await again.attach(life.desk)
        assert life.status_of(life.login) is AccountStatus.DISABLED
        assert [order.role for order in working(life)] == [OrderRole.STOP_LOSS], "what is open stays protected"
        assert again.book.steps == {}
        again.room.store.close()
        await life.desk.stop()

    run(story())


def test_a_user_who_is_deactivated_before_his_account_is_open_gets_it_disabled(place):
    async def story():
        before = place.identity()
        made = await before.users.sign_up(mira(), PASSWORD, address=HERE)
        await before.status.deactivate(made.user.user_id, by=ADA)
        identity, desk = place.identity(), place.desk()
        await desk.start()
        await identity.attach(desk)
        account = desk.state.accounts[made.login]
        assert (account.terms.status, account.balance) == (AccountStatus.DISABLED, 100_000)
        await identity.status.reactivate(made.user.user_id, by=ADA)
        assert desk.state.accounts[made.login].terms.status is AccountStatus.ACTIVE
        await desk.stop()

    run(story())


def test_when_the_engine_takes_no_wish_the_rest_is_done_and_the_engine_follows(place):
    async def story():
        life = await Life(place).begin()
        life.desk._closed_because = "a test says so"
        with pytest.raises(ShardUnavailable):
            await life.identity.status.deactivate(life.user.user_id, by=ADA)
        assert life.opens(life.credentials) == []
        await life.identity._do_steps()  # Still closed: tried again without an end.
        life.desk._closed_because = None
        await life.identity._do_steps()
        assert life.status_of(life.login) is AccountStatus.DISABLED
        await life.desk.stop()

    run(story())


def test_what_the_command_line_does_reaches_the_running_server(place):
    async def story():
        life = await Life(place).begin()
        watch = KeyWatch(place.store, ApiKeys(place.store, place.clock), life.access, reload=life.identity.reload)
        watch.load()
        elsewhere = place.identity(place.elsewhere())
        await elsewhere.status.deactivate(life.user.user_id, by=ADA)
        assert life.opens(life.credentials) == ALL
        await watch.look()
        assert life.opens(life.credentials) == []
        assert life.opens(life.others) == ALL
        assert len(life.told.ids) == 3
        assert life.status_of(life.login) is AccountStatus.DISABLED
        elsewhere.room.store.close()
        await life.desk.stop()

    run(story())


def test_a_listener_that_fails_does_not_keep_others_from_hearing(place, caplog):
    class Broken:
        def on_revoked(self, ids):
            raise ValueError("a bug")

    async def story():
        identity = place.identity()
        told = Told()
        identity.room.listen(Broken())
        identity.room.listen(told)
        made = await identity.users.create(mira(), by=ADA, password=PASSWORD)
        await identity.signing_in.sign_in(made.login, PASSWORD, address=HERE)
        await identity.signing_in.sign_out_everywhere(made.user.user_id, by=ADA)
        assert len(told.ids) == 1

    run(story())
    assert "could not close the sockets" in caplog.text


def test_a_waiting_reset_is_worth_nothing_any_more(place):
    async def story():
        identity = place.identity()
        made = await identity.users.create(mira(), by=ADA, password=PASSWORD)
        await identity.resets.start(made.user.user_id, ResetWish(), by=ADA)
        token = place_token(place, identity)
        await identity.status.deactivate(made.user.user_id, by=ADA)
        await identity.status.reactivate(made.user.user_id, by=ADA)
        with pytest.raises(IdentityRefused) as refusal:
            await identity.resets.complete(await token, "another password", address=HERE)
        assert refusal.value.code is IdentityCode.RESET_NOT_FOUND

    run(story())


async def place_token(place, identity):
    await identity.post.flush()
    return place.mailer.sent[-1].text.partition("?token=")[2].split()[0]


def test_what_could_not_be_written_revokes_nothing(place):
    class FullDisk:
        def __getattr__(self, name):
            return getattr(place.store, name)

        def write(self, changes, *audit):
            raise RecordsFault("records could not be written: the disk is full")

    async def story():
        life = await Life(place).begin()
        life.identity.room.store = FullDisk()
        with pytest.raises(RecordsFault):
            await life.identity.status.deactivate(life.user.user_id, by=ADA)
        assert life.opens(life.credentials) == ALL
        assert life.told.ids == set()
        await life.desk.stop()

    run(story())
