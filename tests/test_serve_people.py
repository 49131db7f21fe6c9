"""People of a running server: the demo's can be used, and what the command line takes away is gone in a second."""

import email
import email.policy
import json
import signal
import time
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.adapters.mail.test_mail import Letterbox, mail_server
from tests.serving import Server, free_port, tradehall

GONE_WITHIN_S = 1.0


@pytest.fixture
def demo(tmp_path):
    with Server(tmp_path / "data", "--demo") as server:
        yield server


def sheet_of(server):
    return json.loads((server.data / "demo.json").read_text(encoding="utf8"))


def status_with(server, key):
    return server.http.get("/v1/account", headers={"x-api-key": key}).status_code


def test_the_demo_sheet_names_its_people_and_a_restart_keeps_them(tmp_path):
    with Server(tmp_path / "data", "--demo") as server:
        first = sheet_of(server)
        server.process.terminate()
        assert server.process.wait(10) == 0
    assert (first["client"]["login"], first["client2"]["login"]) == (700001, 700002)
    assert first["client"]["password"] != first["client2"]["password"]
    assert all(len(key) == len("tk_test_") + 32 for key in first["terminal"].values())
    with Server(tmp_path / "data", "--demo") as server:
        second = sheet_of(server)
        printed = tradehall("demo", "--data", str(server.data)).stdout
    assert [second[part] for part in ("client", "client2", "terminal")] == [
        first[part] for part in ("client", "client2", "terminal")
    ]
    assert first["client"]["password"] in printed
    assert (tmp_path / "data" / "house.key").stat().st_mode & 0o777 == 0o600


def test_who_is_deactivated_on_the_command_line_is_out_of_the_running_server_within_a_second(demo):
    key = sheet_of(demo)["gateway"]["client_account_key"]
    assert status_with(demo, key) == 200
    done = tradehall("users", "deactivate", "client@demo.example", "--data", str(demo.data), "--json")
    assert done.returncode == 0, done.stderr
    since = time.monotonic()
    while status_with(demo, key) != 401:
        assert time.monotonic() - since < GONE_WITHIN_S
    assert demo.process.poll() is None


class Person:
    """Somebody of the demo sheet who is in at all three doors, with a socket at each way in."""

    def __init__(self, server, sheet, sockets, *, who="client", gateway_key=None, terminal_key=None):
        self.server, self.credentials = server, {k: sheet[who][k] for k in ("login", "password")}
        token = self.signed_in().json()["__token"]
        self.ways = {"client": ("/client/account/me", {"authorization": token})}
        self.ways["owner of keys"] = ("/v1/keys", {"authorization": f"Bearer {token}"})
        self.sockets = {
            "client": self._socket(sockets, "/ws/client", {"authorization": token}),
            "client at the root": self._socket(sockets, "/", {"authorization": token}),
        }
        if gateway_key is not None:
            self.ways["gateway"] = ("/v1/account", {"x-api-key": gateway_key})
            self.sockets["gateway"] = self._socket(sockets, "/v1/ws", None, {"x-api-key": gateway_key})
        if terminal_key is not None:
            self.ways["terminal"] = ("/v1/api/account", {"authorization": f"Bearer {terminal_key}"})
            hello = {"type": "auth", "apiKey": terminal_key}
            self.sockets["terminal"] = self._socket(sockets, "/v1/api/ws", hello)
            self.sockets["terminal at the root"] = self._socket(sockets, "/", hello)

    def signed_in(self):
        return self.server.http.post("/client/sign/in", json=self.credentials)

    def _socket(self, sockets, path, hello, headers=None):
        socket = sockets.enter_context(
            connect(self.server.url.replace("http", "ws") + path, additional_headers=headers)
        )
        if hello is not None:
            socket.send(json.dumps(hello))
        assert socket.recv(timeout=5), "the door says hello"
        return socket

    def statuses(self):
        """What each way in answers."""
        return {
            name: self.server.http.get(path, headers=headers).status_code for name, (path, headers) in self.ways.items()
        }

    def closed_within(self, deadline):
        """The close codes of all sockets, "open" for those that stayed so."""
        codes: dict[str, int | str | None] = {}
        for name, socket in self.sockets.items():
            try:
                while True:
                    socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            except ConnectionClosed as closed:
                codes[name] = closed.rcvd.code if closed.rcvd else None
            except TimeoutError:
                codes[name] = "open"
        return codes


def test_who_is_deactivated_loses_sessions_keys_and_sockets_at_every_door_within_a_second(demo):
    sheet = sheet_of(demo)
    with ExitStack() as sockets:
        gone = Person(
            demo,
            sheet,
            sockets,
            gateway_key=sheet["gateway"]["client_account_key"],
            terminal_key=sheet["terminal"]["full"],
        )
        other = Person(demo, sheet, sockets, who="client2")
        assert set(gone.statuses().values()) == set(other.statuses().values()) == {200}
        done = tradehall("users", "deactivate", "client@demo.example", "--data", str(demo.data))
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + GONE_WITHIN_S
        codes = gone.closed_within(deadline)
        assert codes == {
            "client": 4401, "client at the root": 4401, "gateway": 1008, "terminal": 4403, "terminal at the root": 4403,
        }  # fmt: skip
        assert time.monotonic() < deadline
        refused = {"client": 402, "owner of keys": 403, "gateway": 401, "terminal": 403}
        assert gone.statuses() == refused and time.monotonic() < deadline
        assert (gone.signed_in().status_code, gone.signed_in().json()["error"]) == (402, "USER_DISABLED")
        assert set(other.statuses().values()) == {200}
        for name, socket in other.sockets.items():
            socket.ping()
            with pytest.raises(TimeoutError):
                while True:
                    assert socket.recv(timeout=0.05), name


WITH_NETWORKS: dict[str, tuple[str, tuple[str, ...], dict[str, str | None]]] = {
    # door        scopes       requests                                       streams, and what opens them
    "gateway":   ("read,trade", ("/v1/account",),                               {"/v1/ws": None}),
    "terminal":  ("full",     ("/v1/api/account",),                           {"/v1/api/ws": "apiKey", "/": "apiKey"}),
    "dashboard": ("operator", ("/api/trading/accounts", "/api/studio/v1/strategies", "/v1/keys?login=700001"),
                  {"/api/studio/v1/ws": "token", "/api/trading/ws": "token"}),
}  # fmt: skip


@pytest.mark.parametrize(("network", "is_in"), [("10.0.0.0/8", False), ("127.0.0.0/8", True)])
def test_a_key_for_other_networks_opens_no_request_and_no_stream_of_its_door(demo, network, is_in):
    claims = {"x-forwarded-for": "10.0.0.1", "forwarded": "for=10.0.0.1", "x-real-ip": "10.0.0.1"}
    secrets = {}
    for door, (scopes, _, _) in WITH_NETWORKS.items():
        wish = ("--door", door, "--scopes", scopes, "--allow", network)
        account = () if door == "dashboard" else ("--account", "700001")
        made = tradehall("keys", "create", *wish, *account, "--data", str(demo.data), "--json")
        secrets[door] = json.loads(made.stdout)["secret"]
    time.sleep(GONE_WITHIN_S)
    for door, (_, paths, streams) in WITH_NETWORKS.items():
        for path in paths:
            answer = demo.http.get(path, headers={"authorization": f"Bearer {secrets[door]}"} | claims)
            assert answer.status_code == 200 if is_in else answer.status_code in (401, 403), (path, answer.text)
        for path, field in streams.items():
            assert _is_let_in(demo, path, field, secrets[door], claims) == is_in, (door, path)


def _is_let_in(server, path, field, secret, claims):
    headers = claims if field else claims | {"x-api-key": secret}
    try:
        with connect(server.url.replace("http", "ws") + path, additional_headers=headers) as socket:
            if field:
                socket.send(json.dumps({"type": "auth", field: secret}))
            said = json.loads(socket.recv(timeout=5))
            return said["type"] != "error" and said.get("success") is not False
    except InvalidStatus as refused:
        assert refused.response.status_code == 401
        return False
    except ConnectionClosed as closed:
        assert closed.rcvd is not None and closed.rcvd.code == 4401
        return False


def test_a_user_made_on_the_command_line_gets_an_account_while_the_server_runs(demo):
    made = json.loads(
        tradehall(
            "users", "create", "--email", "mira@example.test", "--name", "Mira Vogel", "--demo",
            "--data", str(demo.data), "--json",
        ).stdout
    )  # fmt: skip
    key = json.loads(
        tradehall("keys", "create", "--account", str(made["login"]), "--data", str(demo.data), "--json").stdout
    )["secret"]
    since = time.monotonic()
    while status_with(demo, key) != 200:
        assert time.monotonic() - since < GONE_WITHIN_S
    account = demo.http.get("/v1/account", headers={"x-api-key": key}).json()
    assert account["balance"] == "100000"


def test_a_reset_that_was_answered_is_mailed_though_the_server_was_killed(tmp_path):
    letterbox, port = Letterbox(), free_port()
    mailed: dict[str, Any] = {
        "TRADEHALL_MAIL_SERVER": f"smtp+plain://127.0.0.1:{port}",
        "TRADEHALL_PUBLIC_URL": "https://desk.test",
    }
    with Server(tmp_path / "data", "--demo", **mailed) as server:
        sheet = sheet_of(server)
        desk = {"authorization": f"Bearer {sheet['support']['admin_token']}"}
        path = f"/api/support/v1/users/{sheet['client']['email']}/password-reset"
        assert server.http.post(path, json={"reason": "he asked"}, headers=desk).status_code == 202
        server.stop(signal.SIGKILL)
    with mail_server(letterbox, port), Server(tmp_path / "data", "--demo", **mailed) as server:
        since = time.monotonic()
        while not letterbox.envelopes:
            assert time.monotonic() - since < 10
            time.sleep(0.01)
        text = email.message_from_bytes(letterbox.envelopes[0].content, policy=email.policy.default).get_content()
        path, _, token = text.partition("https://desk.test")[2].split()[0].partition("?token=")
        assert server.http.get(path).headers["content-type"].startswith("text/html"), "it leads to a page"
        new = {"token": token, "new_password": "remembered-2"}
        assert server.http.post("/api/support/v1/password-resets/complete", json=new).status_code == 200
        who = {"login": sheet["client"]["login"], "password": "remembered-2"}
        assert server.http.post("/client/sign/in", json=who).status_code == 200
