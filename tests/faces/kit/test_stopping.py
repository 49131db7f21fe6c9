"""A server that stops, and peers that leave."""

from __future__ import annotations

import asyncio
import logging

from tests.faces.kit.wires import LIMIT, conversation, get, post, turns
from tradehall.faces.kit.http import LINGER_S


def test_a_server_that_stops_answers_what_was_asked():
    async def steps(peer):
        await peer.say(get("/later/a"))
        assert len(peer.state.tasks) == 1
        peer.protocol.shutdown()
        assert not peer.wire.is_closed
        await peer.say(get("/at/b"))
        await peer.let("a")
        assert (peer.heard, peer.wire.is_closed, peer.state.tasks) == ([(200, "a")], True, set())
        assert b"connection: close\r\n" in peer.wire.sent

    conversation(steps)


def test_a_server_that_stops_closes_where_nothing_was_asked():
    async def steps(peer):
        await peer.say(get("/at/a"))
        peer.protocol.shutdown()
        assert peer.wire.is_closed

    conversation(steps)


def test_what_takes_too_long_for_a_stop_is_cut_short(caplog):
    async def steps(peer):
        await peer.say(get("/later/a"))
        for task in set(peer.state.tasks):
            task.cancel(msg="enough")
        await turns()
        assert (peer.heard, peer.wire.is_closed) == ([(500, "Internal Server Error")], True)
        assert peer.state.tasks == set()

    conversation(steps)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_who_leaves_does_not_stop_what_he_asked_for():
    async def steps(peer):
        await peer.say(get("/later/a") + get("/at/b"))
        await peer.leave()
        assert len(peer.state.tasks) == 1
        await peer.let("a")
        assert (peer.begun, peer.heard, peer.state.tasks) == (["a"], [], set())

    conversation(steps)


def test_who_still_sends_what_was_refused_is_cut_off_in_the_end():
    async def steps(peer):
        loop = asyncio.get_running_loop()
        await peer.say(post("/sum", LIMIT + 1))
        [timer] = [each for each in loop._scheduled if each._callback == peer.wire.close]  # type: ignore[attr-defined]
        assert timer.when() - loop.time() <= LINGER_S
        timer._run()
        assert peer.wire.is_closed

    conversation(steps)
