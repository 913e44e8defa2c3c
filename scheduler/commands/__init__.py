"""One module per command: each holds a Typer `app` with one command, or a group of them.

They are imported when they are called, so that reading a text does not pay for the web or the database.
"""
