"""Backtests through a door: past prices told step by step, as fast as those who trade on them acknowledge."""
