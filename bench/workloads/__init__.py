"""A file per workload."""
