"""A seeded world in which the loop, the journal's thread and the scribe take turns at any point where they can.

One seed makes everything: when an order comes, which handle of the loop is run, when the thread wakes, how long a
write takes, what is seen by who looks between two requests. A failure prints it.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest

from tradehall.app.writer import Writer
from tradehall.ports.journal import JournalRefused

SEEDS = 600
STEPS = 400
TERMS = SimpleNamespace(client_order_id=None, account_id=1)


class Loop:
    """As much of an event loop as a writer needs. It runs one handle at a time, when the world says so."""

    def __init__(self):
        self.ready: deque[Callable[[], object]] = deque()
        self.timers = []
        self.hear = None

    def call_soon(self, callback, *args, context=None):
        self.ready.append(partial(callback, *args))

    call_soon_threadsafe = call_soon

    def call_later(self, delay, callback):
        timer = SimpleNamespace(callback=callback)
        timer.cancel = partial(self.timers.remove, timer)
        self.timers.append(timer)
        return timer

    def add_reader(self, descriptor, hear):
        self.hear = hear

    def remove_reader(self, descriptor):
        self.hear = None

    def get_debug(self):
        return False


class Journal:
    """Payloads in order, and rows. `meanwhile`: called while one is written, as if by another thread."""

    def __init__(self):
        self.payloads, self.rows = [], []
        self.rows_until = 0
        self.is_writing = self.is_closed = False
        self.refusals = 0
        self.meanwhile = lambda: None

    @property
    def head(self):
        return SimpleNamespace(seq=len(self.payloads))

    def append(self, payloads, rows, rows_until):
        self.write(payloads, rows.orders, rows_until)

    def write_rows(self, rows):
        self.write([], rows.orders, self.rows_until)

    def write(self, payloads, rows, rows_until):
        assert not self.is_writing, "one writer at a time"
        assert not self.is_closed, "written between a refusal and what mends it"
        self.is_writing = True
        self.meanwhile()
        self.is_writing = False
        if self.refusals:
            self.refusals -= 1
            raise JournalRefused("the disk is full")
        self.payloads += payloads
        self.rows += rows
        self.rows_until = rows_until


class Scribe:
    """See the port. What it has in hand is done when the world says so."""

    def __init__(self, journal):
        self.journal = journal
        self.task: Any = None
        self.is_done = self.has_come = False

    def hire(self):
        self.has_come = True

    def greet(self):
        self.has_come = False

    def fileno(self):
        return 0

    def begin(self, payloads, rows, rows_until):
        assert self.task is None and not self.journal.is_writing, "one writer at a time"
        self.journal.is_writing = True
        self.task, self.is_done = (payloads, rows.orders, rows_until), False

    def has_finished(self):
        return self.is_done

    def is_readable(self):
        return self.has_come or self.is_done

    def finish(self):
        task, self.task, self.is_done = self.task, None, False
        self.journal.is_writing = False
        self.journal.write(*task)

    def dismiss(self):
        assert self.task is None


class World:
    """One seed's.

    `asked`: who waits for what was decided, and until which record; `released`: what listeners heard; `made`: the rows.
    """

    def __init__(self, seed):
        self.random = Random(seed)
        self.now = 100.0
        self.loop, self.journal = Loop(), Journal()
        self.scribe = Scribe(self.journal)
        self.journal.meanwhile = self.meanwhile
        self.is_in_thread = self.is_closed = self.is_ended = False
        self.decided = 0
        self.made = []
        self.asked, self.released, self.durable = [], [], [0]
        self.unknown: list[BaseException] = []
        journal, loop, scribe = cast(Any, (self.journal, self.loop, self.scribe))
        self.writer = cast(Any, Writer(journal, self.refused, self.unknown.append))
        self.writer.bind(loop)
        self.writer._thread = SimpleNamespace(join=self.thread)
        self.writer.employ(scribe)
        self.writer.hear_durable(self.durable.append)
        self.dearth = self.random.choice((0, 0, 1, 3))  # Of room on the disk.
        if self.random.random() < 0.8:
            self.writer._dictation._hire()

    def step(self):
        """Something happens; the journal's thread goes on only where it is not at work already."""
        deeds = {self.request: 5, self.run_one: 6, self.hear: 2, self.work: 4, self.pass_time: 3, self.fire: 1}
        deeds |= {self.fill_disk: self.dearth, self.reopen: 1, self.thread: 0 if self.is_in_thread else 4}
        self.random.choices(list(deeds), list(deeds.values()))[0]()
        assert self.are_rows_written(self.journal.rows_until), "the views do not hold what they say"

    def meanwhile(self):
        """Others go on while the journal's thread writes; while the loop writes, nobody does."""
        if self.is_in_thread:
            for _ in range(self.random.randrange(6)):
                self.step()

    def thread(self):
        """The journal's thread, until it sleeps again."""
        if self.writer._wake.acquire(blocking=False):
            self.is_in_thread = True
            self.writer._write_on()
            self.is_in_thread = False

    def run_one(self):
        if self.loop.ready:
            self.loop.ready.popleft()()

    def hear(self):
        if self.loop.hear is not None and self.scribe.is_readable():
            self.loop.hear()

    def work(self):
        self.scribe.is_done = self.scribe.task is not None

    def pass_time(self):
        self.now += self.random.choice((0.0001, 0.001, 0.01, 1))

    def fire(self):
        if self.loop.timers:
            timer = self.random.choice(self.loop.timers)
            timer.callback()  # Which cancels it.

    def fill_disk(self):
        self.journal.refusals = 1

    def refused(self, refusal):
        """What was decided and is not durable is lost; the same numbers are given out again."""
        self.is_closed = self.journal.is_closed = True
        self.decided = self.writer.durable_seq
        self.made = self.rows_until(self.decided)

    def reopen(self):
        if self.is_closed:
            self.is_closed = self.journal.is_closed = False
            self.writer.resume()

    def rows_until(self, seq):
        return [row for row in self.made if row.order_id <= seq]

    def are_rows_written(self, seq):
        """Whether the views hold what follows from the records up to this one."""
        rows = self.rows_until(seq)
        return self.journal.rows[: len(rows)] == rows

    def request(self, depth=0):
        """Somebody decides something, or reads; then it is looked whether others can go on."""
        if self.is_closed or self.is_ended:
            return
        writer, kind = self.writer, self.random.random()
        reads_rows = kind >= 0.8
        if kind < 0.6:
            self.decide()
            moment = writer.keep()
        else:
            moment = writer.when_written() if reads_rows else writer.when_durable()
        if moment is None:
            assert len(self.journal.payloads) >= self.decided, "answered before it was kept"
            assert not reads_rows or self.are_rows_written(self.decided), "read before its rows were written"
        else:
            self.wait_for(moment, depth, reads_rows=reads_rows)
        writer.look()

    def decide(self):
        turn = self.writer.turn
        for _ in range(self.random.randrange(1, 4)):
            self.decided += 1
            turn.decided.append((self.decided, b"%d" % self.decided))
            turn.releases.append((self.release, self.decided))
        if self.random.random() < 0.5:
            self.made.append(SimpleNamespace(order_id=self.decided, terms=TERMS))
            turn.rows.orders.append(self.made[-1])
            turn.has_rows = True
        self.writer.end_turn()

    def wait_for(self, moment, depth, *, reads_rows):
        """Whoever waits goes on at once, or when the loop gets to it; he may ask again, and looks as well."""
        asked = SimpleNamespace(moment=moment, seq=self.decided, is_answered=False)

        def heard(moment):
            if asked.is_answered:
                return
            asked.is_answered = True
            if moment.exception() is None:
                assert self.writer.durable_seq >= asked.seq, "answered before it was durable"
                assert not reads_rows or self.are_rows_written(asked.seq), "read before its rows were written"
            if depth < 3 and self.random.random() < 0.3:
                self.request(depth + 1)
            self.writer.look()

        if self.random.random() < 0.7:
            moment.at_once = heard
        moment.add_done_callback(heard)
        self.asked.append(asked)

    def release(self, seq):
        assert len(self.journal.payloads) >= seq, "told before it was kept"
        self.released.append(seq)

    def stop(self):
        """As at the end of the server: the loop runs what is left when the writer has ended, and nobody asks.

        What was refused, and the loop has not heard it yet, leaves rows to the next start.
        """
        self.reopen()
        self.journal.refusals = self.dearth = 0
        self.writer.stop()
        assert self.scribe.task is None
        self.is_ended = True
        while self.loop.ready:
            self.run_one()

    def come_to_rest(self):
        """Everything goes its way until there is nothing left to do."""
        self.journal.refusals = self.dearth = 0
        for _ in range(1_000):
            self.now += 1
            for deed in (self.reopen, self.work, self.hear, self.fire, self.thread, self.run_one):
                deed()
        assert not (self.loop.ready or self.loop.timers or self.scribe.task), "it never comes to rest"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whoever_writes_everything_is_told_once_and_in_order(seed):
    world = World(seed)
    with patch("tradehall.app.writer.time", SimpleNamespace(monotonic=lambda: world.now)):
        for _ in range(STEPS):
            world.step()
        if world.random.random() < 0.3:
            world.stop()
        else:
            world.come_to_rest()
    kept = [int(payload) for payload in world.journal.payloads]
    assert kept == world.released == list(range(1, world.decided + 1))
    assert world.are_rows_written(len(kept)) or world.is_closed, "whether anybody asks or not"
    assert world.journal.rows == world.made[: len(world.journal.rows)], "each row once, in order"
    assert world.writer.durable_seq == world.decided and world.writer.in_flight == 0
    assert world.durable == sorted(world.durable)
    assert all(asked.is_answered for asked in world.asked)
    assert world.unknown == []
