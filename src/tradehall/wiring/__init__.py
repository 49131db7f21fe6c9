"""Wiring: the only room that knows all others. Here the house is put together, opened and closed."""
