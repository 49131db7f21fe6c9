"""Tests of the house; the tree mirrors src/tradehall."""
