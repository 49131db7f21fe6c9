"""SQLite: journal, views and records of a house on one machine."""
