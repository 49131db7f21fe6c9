"""Templates: definitions to begin with."""

from collections.abc import Mapping
from typing import Any, Final

EMA_CROSS: Final[Mapping[str, Any]] = {
    "inputs": {
        "fast": {"indicator": "EMA", "of": "close", "period": 20},
        "slow": {"indicator": "EMA", "of": "close", "period": 50},
        "vol": {"indicator": "ATR", "period": 14},
    },
    "rules": [
        {
            "when": {"crosses_above": ["fast", "slow"]},
            "do": [{"close": "short"}, {"open": "long", "stop_loss": {"atr": "2"}, "take_profit": {"atr": "4"}}],
        },
        {
            "when": {"crosses_below": ["fast", "slow"]},
            "do": [{"close": "long"}, {"open": "short", "stop_loss": {"atr": "2"}, "take_profit": {"atr": "4"}}],
        },
    ],
}
RSI_REVERSION: Final[Mapping[str, Any]] = {
    "inputs": {"rsi": {"indicator": "RSI", "of": "close", "period": 14}},
    "rules": [
        {
            "when": {"crosses_above": ["rsi", "30"]},
            "do": [{"open": "long", "stop_loss": {"percent": "1"}}],
        },
        {"when": {"above": ["rsi", "55"]}, "do": [{"close": "long"}]},
        {
            "when": {"crosses_below": ["rsi", "70"]},
            "do": [{"open": "short", "stop_loss": {"percent": "1"}}],
        },
        {"when": {"below": ["rsi", "45"]}, "do": [{"close": "short"}]},
    ],
}
BREAKOUT: Final[Mapping[str, Any]] = {
    "inputs": {
        "top": {"indicator": "MAX", "of": "high", "period": 20},
        "bottom": {"indicator": "MIN", "of": "low", "period": 20},
        "vol": {"indicator": "ATR", "period": 14},
    },
    "rules": [
        {
            "when": {"above": ["close", {"prev": ["top", 1]}]},
            "do": [{"close": "short"}, {"open": "long", "stop_loss": {"atr": "2"}, "take_profit": {"atr": "3"}}],
        },
        {
            "when": {"below": ["close", {"prev": ["bottom", 1]}]},
            "do": [{"close": "long"}, {"open": "short", "stop_loss": {"atr": "2"}, "take_profit": {"atr": "3"}}],
        },
    ],
}
# Opens and closes in turns, every few seconds: for demos and tests.
HEARTBEAT: Final[Mapping[str, Any]] = {
    "rules": [
        {"every": {"seconds": 5}, "do": [{"close": "long"}]},
        {"every": {"seconds": 5}, "do": [{"open": "long"}]},
    ],
}

TEMPLATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "ema_cross": EMA_CROSS,
    "rsi_reversion": RSI_REVERSION,
    "breakout": BREAKOUT,
    "heartbeat": HEARTBEAT,
}
