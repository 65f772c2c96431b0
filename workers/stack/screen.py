"""The lines of all processes: each to its log file, and to the terminal with a prefix."""

import contextlib
import io
import json
import os
from datetime import datetime
from typing import Any, TextIO

from workers.folder.places import Places
from workers.stack.log_file import USUAL, LogFile, Rotation

COLOURS = (36, 33, 32, 35, 34, 96, 93)
"""Colours of the prefixes, in the order in which processes first write."""
LEVELS = {"warning": 33, "warn": 33, "error": 31, "critical": 31}
WIDTH = 8
"""Length of the longest name."""


class Screen:
    """Writes lines to the log files of a folder and to a terminal, pipe or file."""

    def __init__(
        self, places: Places, stream: TextIO | LogFile, rotation: Rotation = USUAL
    ) -> None:
        self._places, self._rotation = places, rotation
        self._stream: TextIO | LogFile | None = stream
        self._pretty = stream.isatty()
        self._colours = self._pretty and not os.environ.get("NO_COLOR")
        self._files: dict[str, LogFile] = {}
        self._names: dict[str, int] = {}

    def line(self, name: str, text: str, *, shown: bool = True) -> None:
        """Keep one line of a process, and show it."""
        with contextlib.suppress(OSError):  # a full disk: if we stop reading, we block the process
            self._file(name).write(f"{text}\n")
        if shown:
            self._show(name, text)

    def reopen(self) -> None:
        """Open all log files anew: somebody moved them away."""
        for file in self._files.values():
            file.reopen()
        if isinstance(self._stream, LogFile):
            self._stream.reopen()

    def _file(self, name: str) -> LogFile:
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = LogFile(self._places.log_of(name), self._rotation)
        return file

    def said(self, name: str) -> io.TextIOBase:
        """Return a stream whose lines are shown under this name."""
        return _Said(self, name)

    def close(self) -> None:
        """Close the log files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _show(self, name: str, text: str) -> None:
        if self._stream is None:
            return
        colour = COLOURS[self._names.setdefault(name, len(self._names)) % len(COLOURS)]
        prefix = self._paint(f"{name:<{WIDTH}}", colour)
        shown = self._readable(text) if self._pretty else text
        try:
            self._stream.write(f"{prefix} | {shown}\n")
            self._stream.flush()
        except OSError:  # the terminal is gone; the processes go on
            self._stream = None

    def _readable(self, text: str) -> str:
        """Return a line of JSON as people read it, and any other line as it is."""
        try:
            fields = json.loads(text)
        except ValueError:
            return text
        if not isinstance(fields, dict):
            return text
        event = _first(fields, "event", "msg", "message")
        level = str(fields.pop("level", "info")).lower()
        at = _clock(_first(fields, "ts", "time"))
        for known in ("service", "version", "logger"):
            fields.pop(known, None)
        rest = " ".join(f"{key}={value}" for key, value in fields.items())
        painted = self._paint(f"{level:<7}", LEVELS[level]) if level in LEVELS else f"{level:<7}"
        return f"{at} {painted} {event} {self._paint(rest, 90)}".rstrip()

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and text else text


class _Said(io.TextIOBase):
    """A stream that passes on whole lines."""

    def __init__(self, screen: Screen, name: str) -> None:
        super().__init__()
        self._screen, self._name = screen, name
        self._rest = ""

    def write(self, text: str, /) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._screen.line(self._name, line)
        return len(text)


def _first(fields: dict[str, Any], *names: str) -> str:
    """Remove and return the value of the first of these fields that is there."""
    for name in names:
        if name in fields:
            return str(fields.pop(name))
    return ""


def _clock(at: str) -> str:
    """Return the local time of day of an instant in ISO format."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return at
