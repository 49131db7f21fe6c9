"""Parity: a recorded paper session run again over its own market, and held against its journal; docs/parity.md."""
