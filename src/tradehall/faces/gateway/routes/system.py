"""What the door says of itself: capabilities, status, breakers, health, metrics, documents."""

from tradehall.app.breakers import Breaker, ResetTooSoon
from tradehall.domain.account import PositionMode
from tradehall.domain.order import OrderType
from tradehall.domain.time import NS_PER_MS, to_rfc3339
from tradehall.faces.gateway import requests, schemas
from tradehall.faces.gateway.errors import GatewayProblem
from tradehall.faces.gateway.gateway import LIMITS, ORDERS, READS, Gateway
from tradehall.faces.gateway.translate import number
from tradehall.faces.kit import Request, Response, decode_query, json_response
from tradehall.faces.kit.metrics import CONTENT_TYPE

SDK_AGENT = "tektii-python/"
FEATURES = (
    "bracket_orders", "oco", "trailing_stop", "reduce_only", "post_only", "hidden_orders", "iceberg_orders",
    "short_selling", "leverage", "cross_margin", "isolated_margin", "get_quote", "order_preview",
)  # fmt: skip


async def get_capabilities(gateway: Gateway, request: Request) -> Response:
    """What works here for this account."""
    terms = gateway.account(request).terms
    classes = {instrument.asset_class: None for instrument in gateway.instruments.values()}
    hedges = terms.position_mode is PositionMode.HEDGING
    return json_response(
        schemas.Capabilities(
            supported_asset_classes=list(classes),
            supported_order_types=list(OrderType),
            position_mode=terms.position_mode,
            features=[*FEATURES, *(("hedging",) if hedges else ())],
            max_leverage=number(terms.leverage),
            rate_limits=_rate_limits() if gateway.settings.limits_are_on else None,
            mode=gateway.settings.mode,
        )
    )


def _rate_limits() -> schemas.RateLimits:
    return schemas.RateLimits(
        requests_per_minute=int(LIMITS[READS].per_second * 60),
        orders_per_second=int(LIMITS[ORDERS].per_second),
        orders_per_day=None,
    )


async def get_status(gateway: Gateway, request: Request) -> Response:
    """Whether the provider is there, in which mode, and how long the latest order took inside."""
    now = gateway.desk.clock.now()
    heard = max((quote.received_at for quote in gateway.market.quotes.values()), default=now)
    return json_response(
        schemas.ConnectionStatus(
            connected=gateway.desk.closed_because is None and not gateway.breakers.adapter.is_open,
            latency_ms=0 if gateway.settings.mode == "backtest" else round(gateway.last_submit_ns / NS_PER_MS),
            last_heartbeat=to_rfc3339(heard),
            mode=gateway.settings.mode,
        )
    )


# Circuit breakers.


async def get_breakers(gateway: Gateway, request: Request) -> Response:
    """Both circuit breakers."""
    return json_response(_breakers(gateway))


async def reset_breakers(gateway: Gateway, request: Request) -> Response:
    """Close both circuit breakers; once a minute at most."""
    try:
        gateway.breakers.reset()
    except ResetTooSoon:
        raise GatewayProblem("RESET_COOLDOWN", "The last reset was less than 60 s ago") from None
    gateway.counters.breaker_resets.add()
    return json_response(_breakers(gateway))


def _breakers(gateway: Gateway) -> schemas.CircuitBreakerStatus:
    now = gateway.desk.clock.now()
    breakers = gateway.breakers
    return schemas.CircuitBreakerStatus(
        adapter=_snap(breakers.adapter, now), exit_order=_snap(breakers.exit_order, now)
    )


def _snap(breaker: Breaker, now: int) -> schemas.Snap:
    return schemas.Snap("open" if breaker.is_open else "closed", breaker.failure_count(now))


# Health.


async def get_health(gateway: Gateway, request: Request) -> Response:
    """Always 200. `{"status":"ok"}`, or the detailed form: for the SDK, or with `detail=1`."""
    wants_detail = decode_query(request, requests.HealthQuery).detail in ("1", "true")
    is_sdk = request.header(b"user-agent").startswith(SDK_AGENT)
    if not (wants_detail or is_sdk or gateway.settings.health_detail):
        return json_response(schemas.Health("ok"))
    stale = [gateway.instruments[symbol].display for symbol in gateway.market.stale_symbols()]
    settings = gateway.settings
    return json_response(
        schemas.Health(
            status="degraded" if stale else "connected",
            version=settings.version,
            git_sha=settings.git_sha,
            providers=[schemas.ProviderHealth(settings.platform, not stale, stale)],
        )
    )


async def get_live(gateway: Gateway, request: Request) -> Response:
    """The process answers."""
    return json_response(schemas.Health("ok"))


async def get_ready(gateway: Gateway, request: Request) -> Response:
    """Whether requests are taken: 200 with the providers, or 503 and why not."""
    reason = "Gateway is shutting down" if gateway.is_stopping else gateway.desk.closed_because
    if reason is not None:
        return json_response(schemas.ReadyStatus(False, [], 0, reason), 503, code="NOT_READY")
    return json_response(schemas.ReadyStatus(True, [gateway.settings.platform], 1))


async def get_metrics(gateway: Gateway, request: Request) -> Response:
    """Everything that is counted, as Prometheus reads it."""
    return Response(200, gateway.metrics.render(), content_type=CONTENT_TYPE)
