"""The world: providers, stores, buses, files of history, the system's clock."""
