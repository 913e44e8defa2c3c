"""What this package raises for a person: each message is one sentence, says what to do, and holds no secret."""
# ruff: noqa: N818 - each is named after what happened, so that a caller reads `except DatabaseUnreachable`

from __future__ import annotations


class PipelineError(Exception):
    """Base of all of them: whoever talks to a person (command line, daemon) prints the message and no traceback."""


class HomeUnusable(PipelineError):
    """Raised by `embedded` when the home directory cannot hold a server: not ours, read-only, or its disk is full."""


class ServerNotStarted(PipelineError):
    """Raised by `embedded` when PostgreSQL cannot be started in the home directory."""


class DatabaseUnreachable(PipelineError):
    """Raised by `database` when PostgreSQL cannot be reached, refuses us, or went away while it was used.

    Nothing of the transaction was kept: the same work can be done again later.
    """


class DatabaseFull(PipelineError):
    """Raised by `database` when PostgreSQL has no room left to write. Nothing of the transaction was kept."""


class Deposed(PipelineError):
    """Raised by `database` when another daemon has begun to lead. Nothing of the transaction was kept."""


class DatabaseUnsuitable(PipelineError):
    """Raised by `database` when the URL is malformed or the server is too old for our SQL."""


class MigrationRefused(PipelineError):
    """Raised by `migrations` when the database was migrated by other files than those of this program."""


class BackupFailed(PipelineError):
    """Raised by `backups` when a backup cannot be written or put back. A database that it was for is as it was."""


class QueryFileMalformed(PipelineError):
    """Raised by `queries` on import: the file ships with the program, so a mistake in it must stop the start."""
