"""Filling windows of the past: what is missing, in units, fetched one way or another, each of them once."""
