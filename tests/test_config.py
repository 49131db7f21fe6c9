"""Configuration: what is read, from where, and what stops the start."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.house.source import ROOT
from tradehall.config import SETTINGS, ConfigMalformed, ConfigRefused, check_server, read_config
from tradehall.domain.account import PositionMode

KEY = "k" * 32


def read(flags=None, environment=None, toml=None, folder=Path("/nowhere")):
    if toml is not None:
        (folder / "tradehall.toml").write_text(toml, encoding="utf8")
    return read_config(flags, environment=environment or {}, folder=folder)


def test_without_any_setting_the_documented_defaults_are_in_force():
    config = read().config
    assert (config.host, config.port, config.dashboard_port) == ("127.0.0.1", 8080, 8000)
    assert (str(config.data), config.store, config.mode, config.feed) == ("tradehall-data", "sqlite", "paper", "sim")
    assert config.sim_seed is None
    assert config.rate_limits
    terms = config.account_terms(700100)
    assert (terms.currency, terms.leverage, terms.position_mode) == ("USD", Decimal(20), PositionMode.NETTING)
    check_server(config, demo=True)


@pytest.mark.parametrize(("what", "flag", "environment", "toml", "port", "source"), [
    # what is asked                      flag     environment                                           tradehall.toml   in force  and its source
    ("nothing",                          None,    {},                                                   "",              8080,     "default"),
    ("a file",                           None,    {},                                                   "port = 1",      1,        "file"),
    ("a twin beats the file",            None,    {"GATEWAY_PORT": "2"},                                "port = 1",      2,        "environment"),
    ("our own variable beats its twin",  None,    {"GATEWAY_PORT": "2", "TRADEHALL_PORT": "3"},         "port = 1",      3,        "environment"),
    ("the twin with our prefix, too",    None,    {"GATEWAY_PORT": "2", "TRADEHALL_GATEWAY_PORT": "3"}, "port = 1",      3,        "environment"),
    ("a flag beats all",                 "4",     {"GATEWAY_PORT": "2", "TRADEHALL_PORT": "3"},         "port = 1",      4,        "flag"),
    ("an empty variable is none",        None,    {"TRADEHALL_PORT": ""},                               "port = 1",      1,        "file"),
])  # fmt: skip
def test_flags_beat_environment_beat_file_beat_default(tmp_path, what, flag, environment, toml, port, source):
    found = read({"port": flag} if flag else {}, environment, toml, tmp_path)
    assert (found.config.port, found.sources["port"]) == (port, source), what


@pytest.mark.parametrize(("variable", "text", "field", "value"), [
    ("GATEWAY_HOST",               "::1",                 "host",                 "::1"),
    ("GATEWAY_API_KEY",            KEY,                   "api_key",              KEY),
    ("GATEWAY_PROVIDER",           "mock",                "provider",             "mock"),
    ("GATEWAY_MODE",               "PAPER",               "mode",                 "paper"),
    ("SUBSCRIPTIONS",              "[]",                  "subscriptions",        ()),
    ("SL_TP_TTL_HOURS",            "1.5",                 "sl_tp_ttl_hours",      Decimal("1.5")),
    ("ENABLE_SWAGGER",             "true",                "enable_swagger",       True),
    ("ENABLE_SWAGGER",             "0",                   "enable_swagger",       False),
    ("GIT_SHA",                    "abc123",              "git_sha",              "abc123"),
    ("RUST_LOG",                   "warn",                "log_level",            "warning"),
    ("RUST_LOG",                   "hyper=debug,warn",    "log_level",            "info"),
    ("RECONNECT_MAX_BACKOFF_MS",   "5",                   "reconnect_max_backoff_ms", 5),
    ("TRADEHALL_RATE_LIMITS",      "off",                 "rate_limits",          False),
    ("TRADEHALL_BUSY_POLL",        "off",                 "busy_poll",            False),
    ("TRADEHALL_ALLOWED_HOSTS",    "Desk.example, b",     "allowed_hosts",        frozenset({"desk.example", "b"})),
    ("TRADEHALL_ALLOWED_ORIGINS",  "https://a.b:8443",    "allowed_origins",      frozenset({"https://a.b:8443"})),
    ("TRADEHALL_SIM_SEED",         "7",                   "sim_seed",             7),
    ("TRADEHALL_DATA",             "/srv/x",              "data",                 Path("/srv/x")),
    ("TRADEHALL_FROM",             "1970-01-01T00:00:01Z", "from_",               1_000_000_000),
    ("TRADEHALL_ACCOUNT_LEVERAGE", "100",                 "account_leverage",     Decimal(100)),
    ("MOCK_PARTIAL_FILL_RATIO",    "0.4",                 "venue_partial_fill_ratio", Decimal("0.4")),
    ("TRADEHALL_VENUE_LATENCY_MS", "2.5",                 "venue_latency_ms",     Decimal("2.5")),
])  # fmt: skip
def test_a_variable_is_read(variable, text, field, value):
    assert getattr(read(environment={variable: text}).config, field) == value


@pytest.mark.parametrize(("variable", "text", "expected"), [
    ("TRADEHALL_PORT",                "http",            "TRADEHALL_PORT was 'http', expected a whole number from 0 to 65535"),
    ("TRADEHALL_PORT",                "65536",           "from 0 to 65535"),
    ("GATEWAY_PORT",                  "tcp://10.0.0.1",  "GATEWAY_PORT was"),
    ("TRADEHALL_HOST",                "http://x",        "expected an address"),
    ("TRADEHALL_MODE",                "dream",           "expected paper, backtest or live"),
    ("TRADEHALL_RATE_LIMITS",         "maybe",           "expected on or off"),
    ("TRADEHALL_SIM_SEED",            "-1",              "expected a whole number from 0"),
    ("TRADEHALL_ALLOWED_HOSTS",       "a b",             "expected names such as desk.example"),
    ("TRADEHALL_ALLOWED_ORIGINS",     "desk.example",    "expected names such as https://desk.example"),
    ("TRADEHALL_FROM",                "yesterday",       "expected a time such as 2025-01-15T10:30:00Z"),
    ("TRADEHALL_ACCOUNT_LEVERAGE",    "0",               "expected a number from 1 to 1000"),
    ("TRADEHALL_ACCOUNT_DEPOSIT",     "1e9",             "expected a number from 0"),
    ("TRADEHALL_ACCOUNT_DEPOSIT",     "NaN",             "expected a number from 0"),
    ("MOCK_PARTIAL_FILL_RATIO",       "1",               "expected a number between 0 and 1"),
    ("MOCK_PARTIAL_FILL_RATIO",       "half",            "expected a number between 0 and 1"),
    ("SL_TP_TTL_HOURS",               "soon",            "expected a number between 0"),
    ("RECONNECT_INITIAL_BACKOFF_MS",  "x",               "expected a whole number"),
    ("SUBSCRIPTIONS",                 "{",               "expected a JSON list"),
    ("SUBSCRIPTIONS",                 "{}",              "expected a JSON list"),
    ("SUBSCRIPTIONS",                 '[{"platform":"mock"}]', "instrument"),
    ("SUBSCRIPTIONS",                 '[{"platform":"mock","instrument":"*","events":["qoute"]}]', "'qoute' is not known"),
    ("GATEWAY_API_KEY",               "short",           "expected from 32 to 512 characters, found 5"),
    ("GATEWAY_API_KEY",               "k" * 31 + "\n",   "GATEWAY_API_KEY"),
])  # fmt: skip
def test_a_malformed_value_is_named_with_what_was_expected(variable, text, expected):
    with pytest.raises(ConfigMalformed, match=r"^\S+") as refused:
        read(environment={variable: text})
    assert expected in str(refused.value)
    assert variable in str(refused.value)


def test_a_secret_is_not_repeated_in_a_complaint():
    with pytest.raises(ConfigMalformed) as refused:
        read(environment={"GATEWAY_API_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("environment", "toml", "sentence"), [
    ({"TRADEHALL_PROT": "1"}, "",              "TRADEHALL_PROT in the environment is no setting; did you mean TRADEHALL_PORT?"),
    ({"TRADEHALL_ZZZ": "1"},  "",              "TRADEHALL_ZZZ in the environment is no setting"),
    ({},                      "prot = 1",      "prot in {folder}/tradehall.toml is no setting; did you mean port?"),
    ({},                      "[account]\nx=1", "account.x in {folder}/tradehall.toml is no setting"),
    ({},                      "port = ",       "tradehall.toml is not valid TOML"),
    ({},                      "port = 'x'",    "port in {folder}/tradehall.toml was 'x', expected a whole number"),
    ({},                      "port = 1.5",    "expected a whole number"),
    ({},                      "host = 1979-05-27", "is neither text nor a number"),
    ({"TRADEHALL_CONFIG": "missing.toml"}, "", "missing.toml cannot be read"),
])  # fmt: skip
def test_an_unknown_or_unreadable_key_stops_the_start(tmp_path, environment, toml, sentence):
    with pytest.raises(ConfigMalformed) as refused:
        read({}, environment, toml, tmp_path)
    assert sentence.format(folder=tmp_path) in str(refused.value)


def test_a_table_of_the_file_is_a_prefix(tmp_path):
    toml = """
        allowed_hosts = ["a.example", "b.example"]
        rate_limits = false
        [account]
        deposit = 5000
        leverage = 2.5
        [[subscriptions]]
        platform = "mock"
        instrument = "*"
        events = ["quote"]
    """
    config = read({}, {}, toml, tmp_path).config
    assert config.account_deposit == 5000
    assert config.account_leverage == Decimal("2.5")
    assert config.allowed_hosts == {"a.example", "b.example"}
    assert not config.rate_limits
    assert config.subscriptions[0].events == ("quote",)


@pytest.mark.parametrize(("what", "environment", "demo", "sentence"), [
    # what is refused              settings                                                               demo    the sentence holds
    ("a mode to come",             {"TRADEHALL_MODE": "live"},                                            False,  "mode live is not built in yet"),
    ("a past that is made up",     {"GATEWAY_MODE": "backtest"},                                          False,  "mode backtest runs through recorded prices"),
    ("a store to come",            {"TRADEHALL_STORE": "postgresql://u:secret@h/d"},                      False,  "PostgreSQL store is not built in yet"),
    ("a store unheard of",         {"TRADEHALL_STORE": "papyrus"},                                        False,  "store papyrus is unknown"),
    ("a provider to come",         {"GATEWAY_PROVIDER": "alpaca"},                                        False,  "provider alpaca is not built in yet"),
    ("a provider unheard of",      {"GATEWAY_PROVIDER": "acme"},                                          False,  "provider acme is unknown"),
    ("a feed unheard of",          {"TRADEHALL_FEED": "ticker"},                                          False,  "feed ticker is unknown"),
    ("call below the stop-out",    {"TRADEHALL_ACCOUNT_STOP_OUT_LEVEL": "120"},                           False,  "the call comes first"),
    ("a queue nobody shows",       {"TRADEHALL_VENUE_QUEUEING": "on"},                                    False,  "queueing needs displayed liquidity"),
    ("an open door to the world",  {"TRADEHALL_HOST": "0.0.0.0"},                                         False,  "the gateway door has no key"),
    ("demo before the world",      {"TRADEHALL_HOST": "0.0.0.0", "GATEWAY_API_KEY": KEY},                 True,   "--demo"),
    ("no limits for the world",    {"TRADEHALL_HOST": "::", "GATEWAY_API_KEY": KEY, "TRADEHALL_RATE_LIMITS": "off"}, False, "on loopback only"),
])  # fmt: skip
def test_the_server_refuses_what_it_cannot_or_may_not_do(what, environment, demo, sentence):
    with pytest.raises(ConfigRefused) as refused:
        check_server(read(environment=environment).config, demo=demo)
    assert sentence in str(refused.value), what
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("environment", [
    {"TRADEHALL_HOST": "0.0.0.0", "GATEWAY_API_KEY": KEY},
    {"TRADEHALL_HOST": "localhost", "TRADEHALL_RATE_LIMITS": "off"},
    {"TRADEHALL_HOST": "127.0.0.2"},
    {"TRADEHALL_HOST": "::1"},
])  # fmt: skip
def test_the_server_accepts_what_is_safe(environment):
    check_server(read(environment=environment).config, demo=False)


def test_the_venue_behaves_as_configured(tmp_path):
    toml = """
        [venue]
        liquidity = "displayed"
        latency_ms = 2.5
        slippage_ticks = 3
        max_quote_age_s = 5
        queueing = true
    """
    settings = read({}, {}, toml, tmp_path).config.venue_settings()
    assert (settings.liquidity, settings.latency_ns, settings.slippage_ticks) == ("displayed", 2_500_000, 3)
    assert (settings.max_quote_age_ns, settings.queueing) == (5_000_000_000, True)


def test_no_two_settings_share_a_name():
    names = [name for setting in SETTINGS.values() for name in setting.variables]
    assert len(names) == len(set(names))


def test_the_document_has_a_row_for_every_setting():
    rows = (ROOT / "docs" / "configuration.md").read_text(encoding="utf8").splitlines()
    for setting in SETTINGS.values():
        twin = f"`{setting.twin}`" if setting.twin else ""
        start = f"| `{setting.variable}` | {twin} | "
        assert [row for row in rows if row.startswith(start)], f"docs/configuration.md has no row {start}"
