"""Tradehall: a self-hosted trading-platform server. One pure engine, five API doors."""

__version__ = "0.1.0"
