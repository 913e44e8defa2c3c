"""UNDERSTAND AND KEEP: knows meaning and PostgreSQL; nothing of schedules or mail."""
