"""Configuration: one frozen Config, read once and handed down as arguments."""

from tradehall.config.reading import (
    FILE_NAME,
    ConfigMalformed,
    ConfigRefused,
    Configured,
    check_server,
    read_config,
)
from tradehall.config.settings import SETTINGS, Config, Setting

__all__ = [
    "FILE_NAME",
    "SETTINGS",
    "Config",
    "ConfigMalformed",
    "ConfigRefused",
    "Configured",
    "Setting",
    "check_server",
    "read_config",
]
