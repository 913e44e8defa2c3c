"""WATCH AND TELL: knows time, checks, incidents, mail and the command line."""
