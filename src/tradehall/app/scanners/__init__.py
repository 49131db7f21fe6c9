"""Scanners: patterns looked for on many symbols, when asked for and whenever a bar closes."""
