"""A page that is shipped: found at its prefix and at `/`, packed, cached, and under a policy that lets nothing foreign in."""

from __future__ import annotations

import pytest

from tests.faces.kit.asgi import Caller
from tests.faces.kit.doors import a_door, an_app
from tradehall.faces.kit import page_door
from tradehall.wiring.doors import PAGE

SCRIPT = "console.log('as it was built');\n" * 100


@pytest.fixture
def caller(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><title>Page</title>")
    (tmp_path / "reset.html").write_text("<!doctype html><title>Another</title>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-abc.js").write_text(SCRIPT)
    page = page_door(tmp_path, "/ui", "Page", a_door().errors, script_sources=("'sha256-abc='",))
    return Caller(an_app(a_door(), page))


def test_the_page_is_at_its_prefix_and_a_browser_is_sent_there(caller):
    assert caller.get("/ui/").text == "<!doctype html><title>Page</title>"
    for path in ("/ui", "/"):
        sent = caller.get(path, headers={"accept": "text/html"})
        assert (sent.status_code, sent.headers["location"]) == (307, "/ui/"), path


def test_a_program_at_the_root_is_not_sent_to_a_page(caller):
    assert caller.get("/", headers={"accept": "application/json"}).status_code == 404


def test_nothing_foreign_may_be_loaded_and_the_page_may_not_be_framed(caller):
    policy = caller.get("/ui/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'sha256-abc=';" in policy  # No inline ones but those named, no others' hosts.
    assert "frame-ancestors 'none'" in policy


def test_another_page_is_at_its_bare_name_under_the_same_policy(caller):
    another = caller.get("/ui/reset", params={"token": "abc"})
    assert another.text == "<!doctype html><title>Another</title>"
    for header in ("content-security-policy", "referrer-policy", "content-type"):
        assert another.headers[header] == caller.get("/ui/").headers[header]


def test_assets_are_packed_for_those_who_can_unpack_and_kept_for_good(caller):
    packed = caller.get("/ui/assets/index-abc.js", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == SCRIPT  # httpx unpacks it.
    assert "immutable" in packed.headers["cache-control"]
    plain = caller.get("/ui/assets/index-abc.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT
    again = caller.get("/ui/assets/index-abc.js", headers={"if-none-match": plain.headers["etag"]})
    assert again.status_code == 304


def test_files_beside_the_page_cannot_be_reached(caller, tmp_path):
    (tmp_path.parent / "secret").write_text("not for the world")
    for path in ("/ui/../secret", "/ui/assets/%2e%2e/%2e%2e/secret", "/ui/%2e%2e%2fsecret"):
        answer = caller.get(path)
        assert answer.status_code in (401, 404), path
        assert "not for the world" not in answer.text


def test_the_built_page_is_shipped():
    index = (PAGE / "index.html").read_text()
    named = [name for name in index.split('"') if name.startswith("./assets/")]
    assert named, "index.html names no script"
    for name in named:
        assert (PAGE / name).is_file(), name
