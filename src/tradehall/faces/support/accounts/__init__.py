"""A user's accounts, what they hold and what they asked for: as they stand, or as they stood."""
