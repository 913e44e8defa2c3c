"""The checks: pure functions from observations to findings. No clock, no database, no mail."""
