"""Orchestration: the desk, the writers, the streams. It awaits, but knows no SQL and no HTTP."""
