"""`tradehall demo`: what `serve --demo` made, and how to open it."""

import argparse
import json
import sys

import msgspec
from msgspec.structs import replace

from tradehall.app.demo import CLIENT_ACCOUNT, DemoSheet, sheet_from
from tradehall.app.demo_people import OTHER_DOMAIN, other_support_sheet, support_sheet
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, existing_folder
from tradehall.cli.output import Refused, say
from tradehall.cli.users import opened_identity


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "demo", run, summary=summary_of("demo"),
        example="tradehall demo --json",
    )  # fmt: skip
    add_json(parser)
    add_settings(parser, ["data"])


def run(options: argparse.Namespace) -> None:
    """Print the sheet. Refused where no demo was ever started."""
    path = existing_folder(options).demo_sheet
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"there is no {path}; `tradehall serve --demo` makes it") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    sheet = sheet_from(text)
    if sheet is None:
        raise Refused(f"{path} is not readable as a demo sheet; remove it and start `tradehall serve --demo` again")
    sheet = _with_fresh_tokens(options, sheet)
    if options.json:
        json.dump(json.loads(msgspec.json.encode(sheet)), sys.stdout, indent=2)
        say()
        return
    for line in describe(sheet):
        say(line)


def _with_fresh_tokens(options: argparse.Namespace, sheet: DemoSheet) -> DemoSheet:
    """The sheet with tokens of partners that live from now on; those of the file may be over."""
    with opened_identity(options) as identity:
        if identity.book.partners.keys() < {DEFAULT_DOMAIN, OTHER_DOMAIN}:
            return sheet
        return replace(sheet, support=support_sheet(identity, DEFAULT_DOMAIN), support2=other_support_sheet(identity))


def describe(sheet: DemoSheet) -> list[str]:
    """The sheet in lines for people."""
    gateway = sheet.gateway
    key = "with GATEWAY_API_KEY" if gateway.api_key else "without a key"
    lines = [
        f"gateway   {sheet.base_url}/v1   {key}: account {gateway.account}",
        f"          key of account {CLIENT_ACCOUNT}: {gateway.client_account_key}",
    ]
    lines += [
        f"client    {sheet.base_url}/client   login {client.login}, password {client.password}"
        for client in (sheet.client, sheet.client2)
        if client
    ]
    if sheet.terminal:
        keys = (("read", sheet.terminal.read), ("trade", sheet.terminal.trade), ("full", sheet.terminal.full))
        lines += [f"terminal  {sheet.base_url}/v1/api   {scope}: {key}" for scope, key in keys]
    if sheet.support:
        support = sheet.support
        roles = (("admin", support.admin_token), ("agent", support.agent_token), ("viewer", support.viewer_token))
        lines.append(f"support   {sheet.base_url}/api/support/v1   domain {support.domain}")
        lines += [f"          {role}: {token}" for role, token in roles]
    return [*lines, f"documents {sheet.base_url}/docs"]
