"""Real processes on a real disk: killed under load, and with a disk that is full."""

import random
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing

import pytest

from tests.adapters.sqlite.house import findings_of, start
from tests.app.shard import ACCOUNT
from tests.house.source import ROOT
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.app.verification import replay

ROUNDS = 5


def python(*arguments):
    return [sys.executable, "-m", *map(str, arguments)]


def killed_under_load(folder, round_, after_s, *how):
    """Run a round, kill it `after_s` after its start; what it was told: client id → order id."""
    command = python("tests.simulation.under_load", folder, round_, *how)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"started\n"
        first = child.stdout.readline()  # However slow the machine: something was acknowledged.
        threading.Timer(after_s, child.kill).start()
        lines = (first + child.stdout.read()).decode().splitlines(keepends=True)
    assert child.returncode == -9
    return dict(line.split() for line in lines if line.endswith("\n"))


# Who writes: the journal's thread, or a process.
WRITERS = pytest.mark.parametrize("how", [(), ("dictated",)], ids=["thread", "scribe"])


@pytest.mark.slow
@WRITERS
def test_what_was_acknowledged_survives_any_kill_and_nothing_happens_twice(tmp_path, how):
    seed = random.randrange(10**6)
    print(f"seed={seed}")
    moments = random.Random(seed)
    told: dict[str, str] = {}
    for round_ in range(ROUNDS):
        heard = killed_under_load(tmp_path, round_, moments.uniform(0.05, 0.7), *how)
        assert all(told.setdefault(name, number) == number for name, number in heard.items())
        if round_ == ROUNDS // 2:
            subprocess.run(python("tests.simulation.under_load", tmp_path, "snapshot"), cwd=ROOT, check=True)
    store, state = start(tmp_path)
    for name, number in told.items():
        order = state.order(int(number)) or store.views.order(int(number))
        assert order is not None, f"order {number} of {name} was acknowledged and is lost"
        assert order.terms.client_order_id == name
    ended = Counter(name for _, name in store.views.client_order_ids())
    working = Counter(order.terms.client_order_id for order in state.accounts[ACCOUNT].orders.values())
    assert [name for name, count in (ended + working).items() if count > 1] == []
    store.close()
    assert findings_of(tmp_path) == []
    with closing(SqliteInspection(tmp_path)) as files:
        assert list(replay(files)) == []


@pytest.mark.slow
@WRITERS
def test_a_full_disk_refuses_orders_loses_none_and_passes(tmp_path, how):
    command = python("tests.simulation.full_disk", tmp_path, *how)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    refused = [line[1] for line in lines if line[0] == "refused"]
    kept = {line[1]: int(line[2]) for line in lines if line[0] == "kept"}
    assert len(refused) == 3
    store, _ = start(tmp_path)
    for name, number in kept.items():
        order = store.views.order_by_client_id(ACCOUNT, name)
        assert order is not None and order.order_id == number
    assert len(kept) == len(list(store.views.client_order_ids()))
    store.close()
    assert findings_of(tmp_path) == []
