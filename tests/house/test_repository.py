"""What the repository may not hold, and what its two commands rest on."""

import re
import tomllib

import pytest

from tests.house.source import ROOT, committed_files, lines_matching

# Put together from parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
)
WORKPLACE = r"(?<![\w.~-])/" + "work" + "/"


def test_no_file_names_a_package_registry():
    """Where packages come from is the affair of whoever installs; the hashes say what they are."""
    hosts = re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))
    assert lines_matching(hosts, committed_files()) == []


def test_no_file_names_the_place_it_was_written_at():
    assert lines_matching(re.compile(WORKPLACE), committed_files()) == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_hashes(name: str):
    pins = pinned(name)
    assert pins
    assert [pin for pin, block in pins.items() if "--hash=sha256:" not in block] == []


def test_the_two_locks_agree():
    run, dev = versions("requirements.lock"), versions("requirements-dev.lock")
    assert run.items() <= dev.items(), "run `make lock`: make run and make test would install different versions"


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    run = {name_of(requirement) for requirement in project["dependencies"]}
    dev = {name_of(requirement) for requirement in project["optional-dependencies"]["dev"]}
    assert run <= versions("requirements.lock").keys(), "run `make lock`"
    assert dev <= versions("requirements-dev.lock").keys(), "run `make lock`"


def pinned(name: str) -> dict[str, str]:
    """`package==version` → its block of hashes."""
    blocks = re.split(r"^(?=[a-zA-Z0-9])", (ROOT / name).read_text(encoding="utf8"), flags=re.MULTILINE)
    return {block.split()[0]: block for block in blocks if "==" in block}


def versions(name: str) -> dict[str, str]:
    return {pin.partition("==")[0]: pin.partition("==")[2] for pin in pinned(name)}


def name_of(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match, f"{requirement!r} does not begin with a name"
    return match[0].lower().replace("_", "-")
