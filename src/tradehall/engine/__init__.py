"""Decisions: a state and a command become events. Pure."""
