"""Markets we listen to: the simulated one and recorded ones."""
