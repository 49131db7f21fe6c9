"""The doors: each translates its own words into commands and events back into its words."""
