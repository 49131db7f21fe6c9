"""One demo server for a session of tests, one browser for a file of them."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.page.browser import Visitor, chromium, opened_browser
from tests.serving import Server

LINES_KEPT = 200


def listened_to(server: Server) -> deque[str]:
    """What it says, read as it comes: a server whose pipe is full stands still."""
    said: deque[str] = deque(maxlen=LINES_KEPT)
    out = server.process.stdout
    assert out is not None

    def listen() -> None:
        for line in out:
            said.append(line)

    Thread(target=listen, daemon=True).start()
    return said


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chromium()
    running = Server(tmp_path_factory.mktemp("page"), "--demo", TRADEHALL_SIM_SEED="7")
    listened_to(running)
    with running:
        yield running
        running.process.terminate()
        running.process.wait(20)


@pytest.fixture(scope="session")
def demo(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(server.data) / "demo.json").read_text())
    return found


# Not for the session: while it is open, no other test of the process could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with opened_browser() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Visitor]]:
    """Make visitors; at the end nothing may have gone wrong, and nobody else may have been asked."""
    visitors: list[Visitor] = []

    def make(**how: Any) -> Visitor:
        visitors.append(Visitor(browser, server.url, **how))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []
    assert [url for visitor in visitors for url in visitor.foreign] == []
