"""COLLECT: knows the web; nothing of meaning, database or mail."""
