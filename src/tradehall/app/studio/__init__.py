"""The studio's records: strategies, deployments, scanners, listings and backtests, and the room where they change."""
