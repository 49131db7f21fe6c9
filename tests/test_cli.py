"""The command line: help, exit codes, and what programs can read."""

import argparse
import json
import logging
import subprocess
import sys

import pytest

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.cli.logs import KeyValueFormatter
from tradehall.cli.main import DONE, FAILED, WRONG_USAGE, main, make_parser
from tradehall.config import SETTINGS

COMMANDS = (
    "serve",
    "import",
    "backtest",
    "parity",
    "deploy",
    "verify",
    "audit",
    "replay",
    "bench",
    "demo",
    "keys",
    "users",
    "config",
    "openapi",
)
MASTER = "m" * 40
# What takes a second of CPU to load, and what only a server needs.
HEAVY = ("numpy", "talib", "numba", "pyarrow", "polars", "uvicorn", "tradehall.backtests", "tradehall.wiring.house")


@pytest.fixture(autouse=True)
def quiet_place(tmp_path, monkeypatch):
    """An empty folder, no settings in the environment, and the log of the tests as it was afterwards."""
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
        if setting.twin:
            monkeypatch.delenv(setting.twin, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run(capsys):
    """Runs a command in this process: exit code, what it printed, what it complained."""

    def run_command(*arguments):
        try:
            code: object = main(arguments)
        except SystemExit as left:  # argparse leaves this way.
            code = left.code
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return run_command


@pytest.fixture
def data(tmp_path):
    """A data folder as a server leaves it, as far as these commands look."""
    folder = tmp_path / "tradehall-data"
    folder.mkdir()
    return folder


def commands_and_actions():
    for name, parser in choices_of(make_parser()).items():
        yield (name,)
        for action in choices_of(parser):
            yield name, action


def choices_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands below a command, by name."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(groups[0].choices) if groups else {}


def test_every_command_of_the_contract_that_is_built_is_there():
    assert {words[0] for words in commands_and_actions()} == set(COMMANDS)


@pytest.mark.parametrize("words", list(commands_and_actions()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(run, words):
    code, out, _ = run(*words, "--help")
    assert code == DONE
    assert f"example: {'TRADEHALL_PORT=9000 ' if words == ('config',) else ''}tradehall {words[0]}" in out


@pytest.mark.parametrize(
    "words", [("--help",), ("config",), ("verify", "--help"), ("keys", "list", "--help")], ids=" ".join
)
def test_a_command_loads_nothing_that_only_others_need(words):
    asked = (
        "import sys; from tradehall.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('loaded:', *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", asked, *words], capture_output=True, text=True, check=True, timeout=60)
    loaded = ran.stdout.rpartition("loaded:")[2].split()
    assert "tradehall.cli.commands" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize(("what", "arguments", "code", "sentence"), [
    # what is asked                  the words                                            exit          the complaint holds
    ("no command",                   [],                                                  WRONG_USAGE,  "required: command"),
    ("an unknown command",           ["fly"],                                             WRONG_USAGE,  "invalid choice: 'fly'"),
    ("a command not yet built",      ["export"],                                          WRONG_USAGE,  "invalid choice: 'export'"),
    ("parity of no server",          ["parity", "--recording", "."],                      FAILED,       "there is no data folder tradehall-data"),
    ("a senseless assumption",       ["parity", "--assume", "fee"],                       WRONG_USAGE,  "expected WHAT=VALUE"),
    ("an abbreviated flag",          ["config", "--js"],                                  WRONG_USAGE,  "unrecognized arguments: --js"),
    ("a malformed flag",             ["config", "--port", "x"],                           WRONG_USAGE,  "--port was 'x', expected a whole number from 0 to 65535"),
    ("a file that is not there",     ["config", "--config", "missing.toml"],              WRONG_USAGE,  "missing.toml cannot be read"),
    ("settings no server may have",  ["config", "--mode", "live"],                        FAILED,       "mode live is not built in yet"),
    ("the demo of no server",        ["demo"],                                            FAILED,       "there is no data folder tradehall-data"),
    ("keys of no server",            ["keys", "list"],                                    FAILED,       "there is no data folder tradehall-data"),
    ("a key of no account",          ["keys", "create"],                                  WRONG_USAGE,  "--account is required for a key of the gateway door"),
    ("an operator's key of one",     ["keys", "create", "--door", "dashboard", "--account", "1"], WRONG_USAGE, "--account may not be given"),
    ("a user without a name",        ["users", "create", "--email", "a@b.test"],          WRONG_USAGE,  "required: --name"),
    ("users of no server",           ["users", "list"],                                   FAILED,       "there is no data folder tradehall-data"),
    ("a key of a strange account",   ["keys", "create", "--account", "me"],               WRONG_USAGE,  "me is no account number"),
    ("a key of strange scopes",      ["keys", "create", "--account", "1", "--scopes", "fly"], WRONG_USAGE, "expected read or read,trade"),
    ("a key of a strange span",      ["keys", "create", "--account", "1", "--expires", "soon"], WRONG_USAGE, "soon is no span such as 90m"),
    ("the journal of no server",     ["verify"],                                          FAILED,       "there is no data folder tradehall-data"),
    ("no export",                    ["verify", "--audit", "nowhere.ndjson"],             FAILED,       "nowhere.ndjson cannot be read: No such file"),
    ("a key that is none",           ["verify", "--audit", "a", "--key", "me"],           WRONG_USAGE,  "me is no public key: 64 hexadecimal digits"),
    ("a key for no export",          ["verify", "--key", "00" * 32],                      WRONG_USAGE,  "name them with --audit"),
    ("the audit of no server",       ["audit", "export"],                                 FAILED,       "there is no data folder tradehall-data"),
    ("an export of no time",         ["audit", "export", "--from", "soon"],               WRONG_USAGE,  "soon is no RFC 3339 time"),
    ("an export from nowhere on",    ["audit", "export", "--first", "0"],                 WRONG_USAGE,  "0 is no number of an entry"),
    ("the history of no server",     ["replay"],                                          FAILED,       "there is no data folder tradehall-data"),
    ("nothing to import",            ["import"],                                          WRONG_USAGE,  "required: PATH"),
    ("a recording that is not",      ["import", "nowhere.csv"],                           FAILED,       "nowhere.csv does not exist"),
    ("a door that is not",           ["openapi", "--door", "trap"],                       FAILED,       "there is no door trap; there is: gateway"),
])  # fmt: skip
def test_a_wish_that_cannot_be_is_answered_with_a_sentence_and_a_code(run, what, arguments, code, sentence):
    found = run(*arguments)
    assert found[0] == code, what
    assert sentence in found[2]


def test_config_tells_every_setting_its_value_and_where_it_comes_from(run, tmp_path, monkeypatch):
    (tmp_path / "tradehall.toml").write_text("port = 1234\n", encoding="utf8")
    monkeypatch.setenv("GATEWAY_HOST", "::1")
    monkeypatch.setenv("GATEWAY_API_KEY", MASTER)
    code, out, _ = run("config", "--json", "--sim-seed", "7")
    told = json.loads(out)
    assert (code, told.keys()) == (DONE, SETTINGS.keys())
    assert (told["port"]["value"], told["port"]["source"]) == ("1234", "file")
    assert (told["host"]["value"], told["host"]["source"], told["host"]["twin"]) == (
        "::1",
        "environment",
        "GATEWAY_HOST",
    )
    assert (told["sim_seed"]["value"], told["sim_seed"]["source"]) == ("7", "flag")
    assert told["exit_state_file"]["no_effect"]


def test_config_masks_secrets(run, monkeypatch):
    monkeypatch.setenv("GATEWAY_API_KEY", MASTER)
    for arguments in (["config"], ["config", "--json"]):
        code, out, _ = run(*arguments)
        assert code == DONE
        assert MASTER not in out
        assert "********" in out


def test_config_masks_the_password_of_a_database(run, monkeypatch):
    monkeypatch.setenv("TRADEHALL_STORE", "postgresql://me:hunter2@db/hall")
    code, out, err = run("config")
    assert code == FAILED
    assert "hunter2" not in out + err
    assert "postgresql://********@db/hall" in out


def test_a_key_is_made_listed_rotated_and_revoked(run, data):
    code, out, _ = run("keys", "create", "--account", "700001", "--name", "robot", "--expires", "30d", "--json")
    made = json.loads(out)
    assert (code, made["account"], made["name"], made["scopes"]) == (DONE, 700001, "robot", ["read", "trade"])
    assert made["secret"].startswith(made["prefix"])
    code, out, _ = run("keys", "rotate", made["prefix"], "--json")
    new = json.loads(out)
    assert (code, new["name"], new["expires_at"]) == (DONE, "robot", made["expires_at"])
    assert run("keys", "revoke", new["id"])[0] == DONE
    code, out, _ = run("keys", "list", "--account", "700001", "--json")
    assert [(key["id"], key["status"]) for key in json.loads(out)] == [(made["id"], "revoked"), (new["id"], "revoked")]
    assert made["secret"] not in out
    code, out, _ = run("keys", "list")
    assert new["prefix"] in out
    assert made["secret"] not in out


def test_a_key_that_is_not_there_is_named(run, data):
    assert (
        run("keys", "revoke", "key_x")[2]
        == "tradehall: no keys are named key_x; `tradehall keys list` shows them all\n"
    )


def test_who_changed_a_key_is_kept(run, data):
    made = json.loads(run("keys", "create", "--account", "700001", "--json")[1])
    store = SqliteRecords(DataFolder(data).records)
    (line,) = store.audit_lines("api_key", made["id"])
    store.close()
    assert line.actor.startswith("command line, ")


def test_a_record_store_that_is_none_is_a_sentence(run, data):
    (data / "records.db").write_bytes(b"x" * 4096)
    code, _, err = run("keys", "list")
    assert (code, "cannot be used as a record store" in err) == (FAILED, True)


@pytest.mark.parametrize(("sheet", "sentence"), [
    (None,     "`tradehall serve --demo` makes it"),
    ("{",      "is not readable as a demo sheet"),
    ("{}",     "is not readable as a demo sheet"),
])  # fmt: skip
def test_a_demo_without_a_good_sheet_is_a_sentence(run, data, sheet, sentence):
    if sheet is not None:
        (data / "demo.json").write_text(sheet, encoding="utf8")
    code, _, err = run("demo")
    assert (code, sentence in err) == (FAILED, True)


def test_recordings_are_imported_once_and_bad_rows_are_named(run, tmp_path):
    good, bad = tmp_path / "EURUSD.csv", tmp_path / "GBPUSD.csv"
    good.write_text("timestamp,bid,ask\n2024-03-04T10:00:00Z,1.1,1.2\n2024-03-04T10:00:01Z,1.1,1.2\n", encoding="utf8")
    bad.write_text("timestamp,bid,ask\n2024-03-04T10:00:00Z,1.1,1.2\n2024-03-04T10:00:01Z,1.3,1.2\n", encoding="utf8")
    code, out, _ = run("import", str(good), "--json")
    (report,) = json.loads(out)["files"]
    assert (code, report["outcome"], report["rows"], report["symbol"]) == (DONE, "imported", 2, "EURUSD")
    code, out, err = run("import", str(good), str(bad))
    assert code == FAILED
    assert "was imported before" in out
    assert f"{bad} row 2:" in out
    assert "2 of 2 files were refused" in err


def test_the_document_of_a_door_is_printed(run):
    code, out, _ = run("openapi", "--door", "gateway")
    assert code == DONE
    assert "/orders" in json.loads(out)["paths"]


def test_a_fault_is_one_line_of_keys_and_values():
    record = logging.LogRecord("a.b", logging.ERROR, "file", 1, 'said "%s"\nand left', ("no",), None)
    line = KeyValueFormatter().format(record)
    assert line.endswith(r'level=error logger=a.b msg="said \"no\"\nand left"')
    assert "\n" not in line


def test_a_user_is_made_listed_deactivated_and_let_in_again(run, data):
    made = json.loads(run("users", "create", "--email", "mira@example.test", "--name", "Mira Vogel", "--json")[1])
    assert (made["login"], made["status"], made["role"]) == (700003, "active", "user")
    assert len(made["password"]) >= 16
    assert made["password"] not in run("users", "list", "--json")[1]
    assert "mira@example.test" in run("users", "list", "--domain", "demo.example")[1]
    json.loads(run("keys", "create", "--account", "700003", "--door", "terminal", "--json")[1])
    code, out, _ = run("users", "deactivate", "Mira@example.test", "--reason", "asked for it", "--json")
    told = json.loads(out)
    assert (code, told["status"], told["effects"]) == (
        DONE, "inactive", {"sessions_revoked": 0, "keys_revoked": 1, "deployments_changed": []},
    )  # fmt: skip
    assert "is inactive already" in run("users", "deactivate", "1")[1]
    assert run("users", "reset-password", "1")[2] == "tradehall: the user is inactive\n"
    assert "may sign in" in run("users", "activate", "1")[1]
    assert "ui/reset?token=" in run("users", "reset-password", "mira@example.test")[1]
    assert "shown this once" in run("users", "set-password", "1")[1]
    code, _, err = run("users", "deactivate", "otto@example.test")
    assert (code, err) == (FAILED, "tradehall: there is no such user\n")
    code, _, err = run("users", "create", "--email", "MIRA@example.test", "--name", "Mira")
    assert (code, err) == (FAILED, "tradehall: this e-mail address is taken\n")


def test_a_partner_domain_has_its_secret_shown_until_it_is_closed(run, data):
    first = json.loads(run("users", "domains", "--create", "broker.example", "--json")[1])
    second = json.loads(run("users", "domains", "--renew", "broker.example", "--json")[1])
    assert [len(each["secret"]) for each in (*first, *second)] == [43, 43]
    assert first[0]["secret"] != second[0]["secret"]
    assert second[0]["secret"] in run("users", "domains")[1]
    closed = json.loads(run("users", "domains", "--revoke", "broker.example", "--json")[1])
    assert (closed[0]["status"], closed[0]["secret"]) == ("closed", None)


def test_an_operator_has_a_token_until_it_is_revoked(run, data):
    made = json.loads(run("users", "operators", "--create", "Olaf", "--role", "operator", "--json")[1])
    assert (made["token"][:3], made["role"]) == ("op_", "operator")
    assert "Olaf" in run("users", "operators")[1]
    assert made["token"] not in run("users", "operators", "--json")[1]
    assert json.loads(run("users", "operators", "--revoke", made["id"], "--json")[1])[0]["status"] == "revoked"


def test_a_terminal_key_is_made_with_its_scope_and_networks(run, data):
    arguments = ("--account", "700001", "--door", "terminal", "--scopes", "read", "--allow", "10.0.0.0/8", "--live")
    made = json.loads(run("keys", "create", *arguments, "--json")[1])
    assert made["secret"].startswith("tk_live_")
    assert (made["scopes"], made["ip_allow"], made["door"]) == (["read"], ["10.0.0.0/8"], "terminal")
    assert run("keys", "create", "--account", "1", "--door", "terminal", "--scopes", "viewer")[0] == FAILED
