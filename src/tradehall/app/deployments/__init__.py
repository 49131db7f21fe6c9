"""Deployments: strategies at work on an account. docs/deployments.md."""
