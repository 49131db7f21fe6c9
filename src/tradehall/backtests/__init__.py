"""Backtests: a strategy, past prices, and the engine and venue that trade on paper. Pure."""
