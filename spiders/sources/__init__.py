"""One file per source, mostly declaration."""
