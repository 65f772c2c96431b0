"""How a command ends."""

from enum import IntEnum
from typing import NamedTuple


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FOUND = 3
    UNAVAILABLE = 69
    TRY_AGAIN = 75
    CONFIG = 78
    INTERRUPTED = 130


class CommandError(NamedTuple):
    """An error as it is shown: a code for programs, a message for people, and the exit code."""

    code: str
    message: str
    exit: int
