"""The Temporal SDK's own download of the pinned server: minutes quicker than a build by Go."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from workers.servers.found import Unusable, show
from workers.servers.go_build import cli_version
from workers.servers.progress import Say

COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("sdk_download.py")))
BEAT = 5.0
"""Seconds between two progress lines."""
STALLED = 60.0
"""Seconds without a new byte after which a download is given up."""
UNFINISHED = ".downloading"
"""How the SDK ends the name of a file that it has not finished."""


def fetch_with_sdk(target: Path, say: Say, command: Sequence[str] = COMMAND) -> None:
    """Put the version that deploy/temporal pins at `target`.

    Raises:
        Unusable: The download failed, or came to a halt.
    """
    version = show(cli_version())
    say(f"temporal: downloading the server {version} by the Temporal SDK; first time only")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        why = _run([*command, folder, version], Path(folder), say)
        files = [path for path in Path(folder).iterdir() if _is_whole(path)]
        if len(files) != 1:
            raise Unusable(f"the download by the Temporal SDK failed: {why}")
        files[0].replace(target)


def _is_whole(path: Path) -> bool:
    return path.is_file() and not path.name.endswith(UNFINISHED) and os.access(path, os.X_OK)


def _run(command: Sequence[str], folder: Path, say: Say) -> str:
    """Run the download to its end, and return its last words."""
    with (
        tempfile.TemporaryFile() as said,
        # A session of its own: the server that the SDK starts ends with it.
        subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True) as process,
    ):
        try:
            stalled = not _ended(process, folder, say)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if stalled:
            return f"nothing arrived for {STALLED:.0f} s"
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"its process ended with {process.returncode}"


def _ended(process: "subprocess.Popen[bytes]", folder: Path, say: Say) -> bool:
    """Wait for the end while bytes arrive; return whether it came."""
    size, grew = 0, time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(BEAT, STALLED))
            return True
        if (now := _size(folder)) > size:
            size, grew = now, time.monotonic()
            say(f"temporal: {size / (1 << 20):.0f} MB downloaded")
        elif time.monotonic() - grew > STALLED:
            return False


def _size(folder: Path) -> int:
    size = 0
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # renamed meanwhile
            size += path.stat().st_size
    return size
