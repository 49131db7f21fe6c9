"""Reports of backtests: JSON for programs, one self-contained HTML page for people. docs/backtests.md"""
