"""Workloads, one per promise. `python -m bench` runs them and prints a table; see docs/benchmarks.md."""
