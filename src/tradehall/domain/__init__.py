"""Nouns and their arithmetic: money, instruments, orders, positions, accounts. Pure."""
