"""Who calls: people, sessions and keys, made through the doors and the command line of a running server."""

import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import Any

from bench.servers import Server

HOUSE_ACCOUNT = "700100"


@dataclass(frozen=True)
class Caller:
    """A person: what signs in, and the token of a session."""

    login: int
    password: str
    token: str


def gateway_key(server: Server, account: str = HOUSE_ACCOUNT) -> str:
    """A new key of the gateway's own account, or of `account`."""
    command = ["keys", "create", "--account", account, "--data", str(server.data), "--json"]
    made = subprocess.run([sys.executable, "-m", "tradehall", *command], check=True, capture_output=True, text=True)
    return str(json.loads(made.stdout)["secret"])


def sign_up(server: Server, number: int) -> Caller:
    """A new person with a demo account, and a session."""
    password = f"a password of {number}"
    wish = {"name": f"Caller {number}", "email": f"caller{number}@example.test", "password": password}
    profile = post(server, "/client/sign/up", wish)
    return Caller(int(profile["login"]), password, str(profile["__token"]))


def terminal_key(server: Server, token: str) -> str:
    """A key of the terminal with every scope, for who holds `token`."""
    made = post(server, "/v1/keys", {"name": "load", "scope": "full"}, authorization=token)
    return str(made["data"]["key"])


def post(server: Server, path: str, body: dict[str, Any], **headers: str) -> Any:
    """The JSON answer; urllib's HTTPError where it is a refusal."""
    headers["content-type"] = "application/json"
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
