"""A visitor with a real Chromium: signs in, walks pages, and remembers everything that went wrong meanwhile."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A browser that asks nobody for anything.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
WITHIN_MS = 8_000
expect.set_options(timeout=WITHIN_MS)


def chromium() -> str:
    """Where it is; the tests of the page are skipped where it is nowhere."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(
            "NO CHROMIUM, SO THE WEB PAGE IS NOT TESTED: install it (apt-get install chromium) or name it in CHROMIUM"
        )
    return found


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """A Chromium of its own."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Visitor:
    """Somebody at the page of `server`. What goes wrong is kept in `troubles`; calls to others in `foreign`."""

    def __init__(self, browser: Browser, url: str, *, theme: str = "dark", width: int = 1280, height: int = 800):
        self.url = url
        self.troubles: list[str] = []
        self.foreign: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="light" if theme == "light" else "dark"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(WITHIN_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)
        self.page.on("websocket", lambda socket: self._origin(socket.url))

    def go(self, page: str) -> Page:
        """Open a page of the rail and wait until it has its rows."""
        self.page.goto(f"{self.url}/ui/#/{page}")
        expect(self.page.get_by_text("Loading…")).to_have_count(0)
        return self.page

    def sign_in(self, person: dict[str, Any]) -> None:
        """As a client."""
        page = self.go("sign-in")
        page.get_by_label("Login").fill(str(person["login"]))
        page.get_by_label("Password").fill(person["password"])
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Client")).to_be_visible()
        expect(page.get_by_text("act for the client who is signed in")).to_be_visible()

    def use_account(self, account: int) -> None:
        """Look at one account."""
        self.page.get_by_label("Account", exact=True).select_option(str(account))

    def row(self, table: str, text: str) -> Locator:
        """The rows of a table that say so."""
        return self.page.get_by_role("table", name=table).get_by_role("row").filter(has_text=text)

    def close(self) -> None:
        """Go away."""
        self.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self._origin(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.request.method} {response.url}")

    def _origin(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != urlsplit(self.url).netloc:
            self.foreign.append(url)
