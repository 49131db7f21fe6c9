"""A real server's audit as a file: exported over HTTP, proved by the command line where no house is, spoiled, refused."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.serving import Server, tradehall

AUDIT = "/api/support/v1/audit"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("audited"), "--demo", TRADEHALL_RATE_LIMITS="off") as server:
        desk = Desk(server)
        for number in range(5):
            desk.writes(number)
        yield desk


class Desk:
    """The support desks of two tenants, and what a third party does with their files."""

    def __init__(self, server: Server) -> None:
        self.server = server
        sheet = json.loads((server.data / "demo.json").read_text("utf8"))
        self.tokens = {sheet[name]["domain"]: sheet[name]["admin_token"] for name in ("support", "support2")}
        self.ours, self.theirs = self.tokens

    def ask(self, method: str, path: str, domain: str, **more) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens[domain]}"}
        answer = self.server.http.request(method, path, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer

    def writes(self, number: int) -> None:
        """A user at each tenant's; a line of the audit each."""
        for domain in self.tokens:
            wish = {"email": f"u{number}@example.test", "first_name": "U", "last_name": str(number), "country": "DE"}
            self.ask("POST", "/api/support/v1/users", domain, json=wish | {"reason": f"ticket {number}"})

    def file(self, path: Path, domain: str = "", **query) -> Path:
        answer = self.ask("GET", f"{AUDIT}/export", domain or self.ours, params=query)
        assert answer.headers["content-type"] == "application/x-ndjson"
        path.write_bytes(answer.content)
        return path

    def key(self) -> str:
        key: str = self.ask("GET", f"{AUDIT}/key", self.ours).json()["public_key"]
        return key


def verified(*arguments: object, at: Path) -> tuple[int, str, str]:
    """`tradehall verify --audit`, far from any house."""
    done = tradehall("verify", "--audit", *map(str, arguments), TRADEHALL_DATA=str(at / "no house"))
    return done.returncode, done.stdout, done.stderr


def test_a_third_party_proves_a_tenants_file_without_the_server(house: Desk, tmp_path: Path):
    file, key = house.file(tmp_path / "audit.ndjson", challenge="4711"), house.key()
    links = [json.loads(line) for line in file.read_text("utf8").splitlines()[1:]]
    assert [link["number"] for link in links] == list(range(1, len(links) + 1)) and len(links) >= 5
    assert {link["entry"]["domain"] for link in links} == {house.ours}
    code, said, _ = verified(file, "--key", key, "--challenge", "4711", at=tmp_path)
    assert code == 0
    assert f"{len(links)} entries of {house.ours} from the beginning to " in said
    assert f"numbers 1 to {len(links)} of {len(links)}" in said
    assert "none was altered, moved or left out" in said and f"with the house's key {key}" in said
    code, said, _ = verified(file, at=tmp_path)
    assert code == 0 and "name it here with --key" in said, "without the key one knows only that it is one's own work"
    code, said, _ = verified(file, "--json", "--key", key, at=tmp_path)
    found = json.loads(said)
    assert (code, found["is_sound"], found["key_is_known"]) == (0, True, True)
    assert found["files"][0]["entries"] == len(links)
    assert found["files"][0]["statement"]["challenge"] == "4711"


def with_another_byte(line: bytes) -> bytes:
    place = line.index(b'"actor":"') + len(b'"actor":"')
    return line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]


SPOILED: list[tuple[str, Callable[[list[bytes]], list[bytes]], str]] = [
    # what was done             how                                                                the complaint holds
    ("a byte was altered",      lambda file: [*file[:2], with_another_byte(file[2]), *file[3:]],   "entry 2 was altered"),
    ("the first is gone",       lambda file: [file[0], *file[2:]],                                 "entry 1 is missing or out of its place"),
    ("one is gone",             lambda file: [*file[:3], *file[4:]],                               "entry 3 is missing or out of its place"),
    ("the last is gone",        lambda file: file[:-1],                                            "missing at the end"),
    ("two changed places",      lambda file: [*file[:2], file[3], file[2], *file[4:]],             "entry 2 is missing or out of its place"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "spoil", "sentence"), SPOILED, ids=[row[0] for row in SPOILED])
def test_a_spoiled_file_is_refused_by_name(house: Desk, tmp_path: Path, what, spoil, sentence):
    file = house.file(tmp_path / "audit.ndjson")
    lines = file.read_bytes().splitlines(keepends=True)
    spoiled = spoil(list(lines))
    assert spoiled != lines, what
    file.write_bytes(b"".join(spoiled))
    code, said, complaint = verified(file, "--key", house.key(), at=tmp_path)
    assert (code, said) == (1, ""), what
    assert f"{file} is no proof: " in complaint and sentence in complaint


def test_an_older_head_a_gap_and_a_foreign_key_are_refused(house: Desk, tmp_path: Path):
    older = house.file(tmp_path / "older.ndjson")
    house.writes(5)
    newer = house.file(tmp_path / "newer.ndjson")
    assert verified(older, newer, "--key", house.key(), at=tmp_path)[0] == 0
    code, _, complaint = verified(newer, older, at=tmp_path)
    assert code == 1 and "is older than that of the file before it" in complaint
    mixed = tmp_path / "mixed.ndjson"
    mixed.write_bytes(older.read_bytes().splitlines(keepends=True)[0] + newer.read_bytes().split(b"\n", 1)[1])
    code, _, complaint = verified(mixed, at=tmp_path)
    assert code == 1 and "the statement is older than the entries" in complaint
    parts = [house.file(tmp_path / f"{number}.ndjson", first=number, last=number) for number in (1, 2, 3)]
    assert verified(*parts, at=tmp_path)[0] == 0
    assert "entry 2 is in neither" in verified(parts[0], parts[2], at=tmp_path)[2]
    code, _, complaint = verified(newer, "--key", "ab" * 32, at=tmp_path)
    assert code == 1 and "which is not the house's" in complaint


def test_the_house_exports_from_its_own_folder_and_knows_its_own_key(house: Desk, tmp_path: Path):
    data = str(house.server.data)
    assert tradehall("audit", "key", TRADEHALL_DATA=data).stdout.strip() == house.key()
    whole = tmp_path / "whole.ndjson"
    done = tradehall("audit", "export", "--out", str(whole), TRADEHALL_DATA=data)
    assert (done.returncode, done.stderr) == (0, "") and whole.stat().st_mode & 0o077 == 0
    entries = [json.loads(line)["entry"] for line in whole.read_text("utf8").splitlines()[1:]]
    assert {entry.get("domain", "") for entry in entries} >= {"", house.ours, house.theirs}
    done = tradehall("verify", "--audit", str(whole), TRADEHALL_DATA=data)
    assert done.returncode == 0 and "of the whole house" in done.stdout and "with the house's key" in done.stdout
    printed = tradehall("audit", "export", "--domain", house.theirs, TRADEHALL_DATA=data).stdout
    assert {json.loads(line)["entry"]["domain"] for line in printed.splitlines()[1:]} == {house.theirs}
