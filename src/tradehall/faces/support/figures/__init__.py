"""How well a user's orders were executed, and what a strategy brought."""
