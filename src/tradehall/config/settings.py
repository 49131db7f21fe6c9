"""The settings: their names, defaults, readers and meanings, each in one place."""

# ruff: noqa: RUF009  # `setting` makes a field: the default itself is immutable.

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradehall.config import values
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.ids import AccountId
from tradehall.domain.time import NS_PER_HOUR, NS_PER_MS, NS_PER_SECOND
from tradehall.venue.settings import Liquidity, VenueSettings

PREFIX: Final = "TRADEHALL_"


def setting(
    default: Any,
    read: Callable[[str], Any],
    meaning: str,
    *,
    twin: str = "",
    secret: bool = False,
    idle: str = "",
    group: str = "server",
) -> Any:
    """A field of Config.

    `twin`: the name under which other gateways know it; the variable with our prefix wins. `idle` says why
    a setting that is read and checked has no effect yet.
    """
    metadata = {"read": read, "meaning": meaning, "twin": twin, "secret": secret, "idle": idle, "group": group}
    return dataclasses.field(default=default, metadata=metadata)


_LIVE = "only live providers reconnect, and none is built in yet"
_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set, read once at the start. Spans in ns, money in the account's currency."""

    # Where it listens, and who may call.
    host: str = setting("127.0.0.1", values.host, "address to listen on", twin="GATEWAY_HOST")
    port: int = setting(8080, values.integer(0, 65535), "port of all doors; 0 takes a free one", twin="GATEWAY_PORT")
    dashboard_port: int = setting(8000, values.integer(0, 65535), "second port of the same server; 0 is none")
    allowed_hosts: frozenset[str] = setting(
        frozenset(), values.names("desk.example", values.is_host_name), "further names of this server, without port"
    )
    allowed_origins: frozenset[str] = setting(
        frozenset(), values.names("https://desk.example", values.is_origin), "pages of others that may call"
    )
    api_key: str | None = setting(
        None, values.api_key, "opens account 700100 at the gateway; callers without a key are refused then",
        twin="GATEWAY_API_KEY", secret=True,
    )  # fmt: skip
    rate_limits: bool = setting(True, values.switch, "off: no door limits its callers; on loopback only")
    dashboard_auth: str | None = setting(
        None, values.one_of("open", "token"), "open: to callers of this machine, its default on loopback; or token"
    )

    # What it is and keeps.
    mode: str = setting("paper", values.one_of("paper", "backtest", "live"), "paper, or backtest", twin="GATEWAY_MODE")
    data: Path = setting(Path("tradehall-data"), values.folder, "folder of everything durable")
    store: str = setting("sqlite", values.plain, "sqlite")
    record: Path | None = setting(
        None, values.folder, "folder to record the session in, for `tradehall parity`; unset: it is not recorded"
    )
    provider: str = setting("simulated", values.plain, "simulated, or mock, its other name", twin="GATEWAY_PROVIDER")
    busy_poll: bool = setting(
        True, values.switch, "off: the server sleeps between orders that come one by one, however fast"
    )

    # The market.
    feed: str = setting(
        "sim", values.plain, "sim, or replay:PATH[,PATH…]?speed=4&loop=1&shift=now&align=0", group="market"
    )
    sim_seed: int | None = setting(
        None, values.integer(0, 2**63 - 1), "makes the simulated market repeatable", group="market"
    )

    # The simulated venue.
    venue_liquidity: str = setting(
        "unlimited", values.one_of("unlimited", "displayed"), "unlimited, or displayed: quotes fill their size only",
        group="venue",
    )  # fmt: skip
    venue_latency_ms: Decimal = setting(
        Decimal(0), values.number("0", "60000"), "from acceptance to the book, ms", group="venue"
    )
    venue_slippage_ticks: int = setting(
        0, values.integer(0, 1_000_000), "against the trader, on market and stop fills, ticks", group="venue"
    )
    venue_slippage_bps: Decimal = setting(
        Decimal(0), values.number("0", "9999"), "the same, 1/10000 of the price; both add up", group="venue"
    )
    venue_max_quote_age_s: Decimal | None = setting(
        None, values.number("0", "604800", open_ends=True), "no fill on older quotes, s; unset: the instrument's limit",
        group="venue",
    )  # fmt: skip
    venue_partial_fill_ratio: Decimal | None = setting(
        None, values.number("0", "1", open_ends=True), "this share of an order fills first, the rest 500 ms later",
        twin="MOCK_PARTIAL_FILL_RATIO", group="venue",
    )  # fmt: skip
    venue_queueing: bool = setting(False, values.switch, "on: limits wait behind the displayed size", group="venue")

    # The account the gateway trades.
    account_deposit: Decimal = setting(
        Decimal(100_000), values.number("0", "1000000000000"), "first balance", group="account"
    )
    account_currency: str = setting("USD", values.currency, "currency", group="account")
    account_leverage: Decimal = setting(Decimal(20), values.number("1", "1000"), "notional ÷ margin", group="account")
    account_position_mode: str = setting(
        "netting", values.one_of("netting", "hedging"), "netting or hedging", group="account"
    )
    account_margin_call_level: Decimal = setting(
        Decimal(100), values.number("0", "1000"), "margin level of the margin call, percent", group="account"
    )
    account_stop_out_level: Decimal = setting(
        Decimal(50), values.number("0", "1000"), "margin level of the stop-out, percent", group="account"
    )

    # People and their mail.
    sign_up: str | None = setting(
        None, values.one_of("open", "closed"), "whether people may sign up at the client door; unset: in the demo",
        group="people",
    )  # fmt: skip
    public_url: str = setting(
        "", values.origin, "this server as others reach it, for links in mail; unset: where it listens", group="people"
    )
    mail_server: str = setting(
        "outbox", values.mail_server, "outbox: a file for each mail; or smtp://user:password@mail.example:587",
        secret=True, group="people",
    )  # fmt: skip
    mail_from: str = setting(
        "Tradehall <tradehall@localhost>", values.mail_sender, "who sends the mail", group="people"
    )

    # The gateway door.
    subscriptions: tuple[values.Subscription, ...] = setting(
        (), values.subscriptions, "which frames the stream sends; empty: all", twin="SUBSCRIPTIONS", group="gateway"
    )
    strict_subscriptions: bool = setting(
        False, values.switch, "on: trading events too pass only if subscribed", group="gateway"
    )
    health_detail: bool = setting(False, values.switch, "on: /health always answers in detail", group="gateway")
    sl_tp_ttl_hours: Decimal | None = setting(
        None, values.number("0", "87600", open_ends=True), "life of waiting exits; unset: that of their entry",
        twin="SL_TP_TTL_HOURS", group="gateway",
    )  # fmt: skip
    enable_swagger: bool = setting(
        False, values.switch, "on: /swagger-ui and /api-docs too", twin="ENABLE_SWAGGER", group="gateway"
    )
    git_sha: str = setting("unknown", values.plain, "shown in health", twin="GIT_SHA", group="gateway")

    # Mode backtest. `from` is a word of Python.
    from_: int | None = setting(None, values.instant, "start of the period; unset: of the recording", group="backtest")
    to: int | None = setting(None, values.instant, "end of the period; unset: of the recording", group="backtest")
    symbols: str | None = setting(
        None, values.plain, "symbols, by comma; unset: all that is recorded", group="backtest"
    )
    cash: Decimal | None = setting(
        None, values.number("0", "1000000000000"), "first balance; unset: account_deposit", group="backtest"
    )
    backtest_ack_timeout_s: Decimal | None = setting(
        None, values.number("0", "86400", open_ends=True), "a missed acknowledgement, s; unset: waits for ever",
        group="backtest",
    )  # fmt: skip
    backtest_misses_first: int = setting(
        24,
        values.integer(1, 1_000_000),
        "misses in a row that end the run before any acknowledgement",
        group="backtest",
    )
    backtest_misses: int = setting(
        5, values.integer(1, 1_000_000), "misses in a row that end the run after one", group="backtest"
    )

    # Logs.
    log_level: str = setting("info", values.log_level, "debug, info, warning or error", twin="RUST_LOG", group="logs")
    access_log: bool = setting(True, values.switch, "one line a request, on standard output", group="logs")

    # Read and checked, so that a wrong one is noticed; without effect for the reason they name.
    exit_state_file: str | None = setting(
        None, values.plain, "where others keep waiting exits", twin="EXIT_STATE_FILE",
        idle="waiting exits are in the journal", group="idle",
    )  # fmt: skip
    reconnect_initial_backoff_ms: int = setting(
        1_000,
        values.integer(1, _MS_PER_DAY),
        "first wait",
        twin="RECONNECT_INITIAL_BACKOFF_MS",
        idle=_LIVE,
        group="idle",
    )
    reconnect_max_backoff_ms: int = setting(
        60_000,
        values.integer(1, _MS_PER_DAY),
        "longest wait",
        twin="RECONNECT_MAX_BACKOFF_MS",
        idle=_LIVE,
        group="idle",
    )
    reconnect_max_duration_secs: int = setting(
        300, values.integer(1, _MS_PER_DAY), "patience", twin="RECONNECT_MAX_DURATION_SECS", idle=_LIVE, group="idle"
    )

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return values.is_loopback(self.host)

    @property
    def backtest_symbols(self) -> tuple[str, ...]:
        """The symbols of a backtest; none: all that is recorded."""
        return tuple(name.strip() for name in (self.symbols or "").split(",") if name.strip())

    def account_terms(self, account_id: AccountId) -> AccountTerms:
        """What the gateway's account is opened with."""
        return AccountTerms(
            account_id=account_id,
            currency=self.account_currency,
            position_mode=PositionMode(self.account_position_mode.upper()),
            leverage=self.account_leverage,
            margin_call_level=self.account_margin_call_level,
            stop_out_level=self.account_stop_out_level,
        )

    def venue_settings(self) -> VenueSettings:
        """How the simulated venue behaves. ValueError for settings that contradict each other."""
        age_s = self.venue_max_quote_age_s
        return VenueSettings(
            liquidity=Liquidity(self.venue_liquidity),
            latency_ns=int(self.venue_latency_ms * NS_PER_MS),
            slippage_ticks=self.venue_slippage_ticks,
            slippage_bps=self.venue_slippage_bps,
            max_quote_age_ns=None if age_s is None else int(age_s * NS_PER_SECOND),
            partial_fill_ratio=self.venue_partial_fill_ratio,
            queueing=self.venue_queueing,
        )

    @property
    def reachable_url(self) -> str:
        """Where a browser finds this server."""
        shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return self.public_url or f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"

    @property
    def sl_tp_ttl_ns(self) -> int | None:
        """Life of waiting exits [ns]; None: that of their entry."""
        return None if self.sl_tp_ttl_hours is None else int(self.sl_tp_ttl_hours * NS_PER_HOUR)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of Config, as the readers of flags, environment and file see it."""

    field: str
    default: Any
    read: Callable[[str], Any]
    meaning: str
    twin: str
    is_secret: bool
    idle: str
    group: str

    @property
    def key(self) -> str:
        """Its name in tradehall.toml."""
        return self.field.rstrip("_")

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.key.upper()

    @property
    def variables(self) -> tuple[str, ...]:
        """All its names in the environment, the one that wins first."""
        twins = (PREFIX + self.twin, self.twin) if self.twin else ()
        return tuple(dict.fromkeys((self.variable, *twins)))

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")


SETTINGS: Final[dict[str, Setting]] = {
    field.name.rstrip("_"): Setting(
        field.name, field.default, field.metadata["read"], field.metadata["meaning"], field.metadata["twin"],
        field.metadata["secret"], field.metadata["idle"], field.metadata["group"],
    )
    for field in dataclasses.fields(Config)
}  # fmt: skip
