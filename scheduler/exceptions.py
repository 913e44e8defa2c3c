"""What can go wrong up here, each with the exit code of the command line."""

from __future__ import annotations


class TallywatchError(Exception):
    """An error that is told in one sentence, without a traceback. Exits 1: something is wrong in the world."""

    exit_code = 1


class WrongUse(TallywatchError):  # noqa: N818 - it reads as what it is: `raise WrongUse`
    """Raised by commands and by the configuration: what was asked for cannot be done. Exits 2."""

    exit_code = 2
