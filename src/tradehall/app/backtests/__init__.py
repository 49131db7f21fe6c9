"""Backtests of the studio: queued, run beside the server, kept with their figures."""
