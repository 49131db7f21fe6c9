"""The simulated venue: orders and quotes become execution reports. Pure."""
