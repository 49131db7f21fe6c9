"""The command line: `tradehall serve` and its sisters."""

from tradehall.cli.main import main

__all__ = ["main"]
