"""Builds the Temporal CLI with its server by Go, from the pinned module in deploy/temporal."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from workers.servers.found import Unusable, Version, parse_version, show
from workers.servers.progress import Say

MODULE = Path(__file__).resolve().parents[2] / "deploy" / "temporal"
PACKAGE = "github.com/temporalio/cli/cmd/temporal"
VERSION_VARIABLE = "github.com/temporalio/cli/internal/temporalcli.Version"
USUAL_FOLDERS = ("/usr/local/go/bin", "/usr/lib/go/bin")
"""Where Go is if its installer did not change PATH."""
BEAT = 5.0
"""Seconds between two progress lines."""


def cli_version() -> Version:
    """Return the version of the Temporal CLI that go.mod pins."""
    return _pinned(r"github\.com/temporalio/cli v(\S+)")


def needed() -> Version:
    """Return the oldest version of Go that can build it."""
    return _pinned(r"^go (\S+)")


def fingerprint() -> str:
    """Return a short hash of everything that determines what is built."""
    pins = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))
    return hashlib.sha256(pins).hexdigest()[:12]


@contextlib.contextmanager
def only_one(target: Path) -> Iterator[None]:
    """Hold the exclusive right to make `target`; a second process waits."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(target: Path, environ: Mapping[str, str], say: Say) -> None:
    """Build the binary and put it at `target` in one step.

    Raises:
        Unusable: There is no Go, it is too old, or the build failed.
    """
    go = _find_go(environ)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    flags = f"-s -w -X {VERSION_VARIABLE}={show(cli_version())}"
    # osusergo: an account that is a bare number has no entry that C's library could find.
    command = [go, "build", "-v", "-mod=readonly", "-buildvcs=false", "-tags", "osusergo"]
    command += ["-ldflags", flags]
    say("temporal: building the server with Go; first time only, about five minutes")
    try:
        own = _folders(environ, target.parent)
        _run([*command, "-o", str(partial), PACKAGE], {**own, **environ}, say)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _pinned(pattern: str) -> Version:
    match = re.search(pattern, (MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise Unusable(f"{MODULE / 'go.mod'} does not say {pattern}")
    return parse_version(match[1])


def _find_go(environ: Mapping[str, str]) -> str:
    path = os.pathsep.join([environ.get("PATH", ""), *USUAL_FOLDERS])
    go = shutil.which("go", path=path)
    if go is None:
        raise Unusable("no Go to build one")
    try:  # in the folder of go.mod, where a Go that can fetch a newer one does so
        done = subprocess.run(
            [go, "version"], cwd=MODULE, env=environ, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unusable(f"{go} does not run") from error
    version = parse_version(done.stdout.replace("go version go", ""))
    if version < needed():
        raise Unusable(f"{go} is {show(version)}, and {show(needed())} is needed to build one")
    return go


def _folders(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return where Go keeps its own files: beside the binary for an account without a home."""
    if environ.get("HOME"):
        return {}
    return {name: str(folder / "go" / name.lower()) for name in ("GOPATH", "GOCACHE")}


def _run(command: list[str], environ: Mapping[str, str], say: Say) -> None:
    started = time.monotonic()
    progress = _Progress()
    with subprocess.Popen(
        command,
        cwd=MODULE,
        env={**environ, "GOWORK": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        reader = threading.Thread(target=progress.read, args=(process.stderr,))
        reader.start()
        try:
            while _still_running(process):
                say(f"temporal: {time.monotonic() - started:.0f} s, {progress}")
        except BaseException:
            process.kill()
            raise
        finally:
            reader.join()
    if process.returncode != 0:
        raise Unusable(f"the build by Go failed: {' / '.join(progress.other)}")


def _still_running(process: "subprocess.Popen[str]") -> bool:
    try:
        process.wait(timeout=BEAT)
    except subprocess.TimeoutExpired:
        return True
    return False


class _Progress:
    """Counts what `go build -v` reports, and keeps its other lines."""

    def __init__(self) -> None:
        self.downloaded = 0
        self.compiled = 0
        self.other: deque[str] = deque(maxlen=4)

    def read(self, lines: IO[str]) -> None:
        for line in map(str.strip, lines):
            if line.startswith("go: downloading "):
                self.downloaded += 1
            elif " " not in line:
                self.compiled += 1
            else:
                self.other.append(line)

    def __str__(self) -> str:
        return f"{self.downloaded} modules downloaded, {self.compiled} packages compiled"
