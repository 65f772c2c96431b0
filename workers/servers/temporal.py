"""The Temporal server: where to find or make one, and its command."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from workers.servers import download, go_build
from workers.servers.found import (
    Binary,
    How,
    Running,
    ServerMissing,
    Unusable,
    Version,
    ask_version,
    show,
)
from workers.servers.ports import LOOPBACK
from workers.servers.progress import Say, tell
from workflows.names import NAMESPACE, SEARCH_ATTRIBUTES

NAME = "temporal"
OLDEST: Version = (1, 8, 0)
PRAGMAS = ("journal_mode=wal", "synchronous=2")
"""The database file survives a crash of the machine, as the record does."""
SETTINGS = (
    "system.enableActivityEagerExecution=true",
    # A workflow whose tasks fail is listed (TemporalReportedProblems) after seconds, and not
    # after the fifth attempt, a minute later.
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=3",
)


type Fetch = Callable[[Path, Say], None]
"""Puts a downloaded server at a path."""

FROM = "TUIXUAN_TEMPORAL__FROM"
BUILD = "build"
"""The value of `FROM` for whoever runs only what deploy/temporal/go.sum pins."""


def find_temporal(
    environ: Mapping[str, str] = os.environ,
    *,
    say: Say = tell,
    fetch: Fetch = download.fetch_with_sdk,
) -> Running | Binary:
    """Find a Temporal server, or make one.

    In this order: TEMPORAL_ADDRESS; `temporal` on PATH, 1.8 or newer; one built or downloaded
    before; the pinned one, downloaded by the Temporal SDK (`fetch`); one built by Go from
    deploy/temporal (minutes, progress goes to `say`). With `TUIXUAN_TEMPORAL__FROM=build`, only
    one that was or is built.

    Raises:
        ServerMissing: None of them works.
    """
    if address := environ.get("TEMPORAL_ADDRESS"):
        return Running(NAME, address, "TEMPORAL_ADDRESS")
    failures: list[str] = []
    for way in _ways_at_hand(environ) + _ways_to_make(environ):
        try:
            return way(environ, say, fetch)
        except Unusable as error:
            failures.append(str(error))
    raise ServerMissing(
        "no Temporal server: "
        + "; ".join(failures)
        + f". Install Go {show(go_build.needed())} or newer, or the Temporal CLI"
        f" {show(OLDEST)} or newer, on PATH; or set TEMPORAL_ADDRESS to a running server."
    )


def temporal_at_hand(environ: Mapping[str, str] = os.environ) -> Running | Binary | None:
    """Return the server that `find_temporal` would take at once, or None if it would make one."""
    if address := environ.get("TEMPORAL_ADDRESS"):
        return Running(NAME, address, "TEMPORAL_ADDRESS")
    for way in _ways_at_hand(environ):
        with contextlib.suppress(Unusable):
            return way(environ, tell, download.fetch_with_sdk)
    return None


def temporal_command(  # noqa: PLR0913 - one keyword per setting
    binary: Path,
    *,
    db_file: Path,
    port: int,
    ui_port: int,
    namespace: str = NAMESPACE,
    log_format: str = "text",
) -> list[str]:
    """Return the command that serves on loopback, with its state in one file.

    The schema in `db_file` belongs to the version of the binary and is never migrated.
    `log_format` is text or json.
    """
    command = [str(binary), "server", "start-dev", "--ip", LOOPBACK, "--port", str(port)]
    command += ["--ui-port", str(ui_port), "--namespace", namespace]
    command += ["--db-filename", str(db_file), "--ui-disable-news-fetch"]
    command += ["--log-level", "warn", "--log-format", log_format]
    for setting in SETTINGS:
        command += ["--dynamic-config-value", setting]
    for pragma in PRAGMAS:
        command += ["--sqlite-pragma", pragma]
    for name, kind in SEARCH_ATTRIBUTES.items():
        command += ["--search-attribute", f"{name}={kind}"]
    return command


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of binaries that checkouts and stacks share.

    Raises:
        Unusable: The account has no home folder, and none was named.
    """
    if base := environ.get("XDG_CACHE_HOME"):
        return Path(base, "tuixuan", "bin")
    try:
        home = Path(environ.get("HOME") or Path.home())
    except RuntimeError as error:  # a bare number in a container
        raise Unusable("no home folder to keep one in: set HOME or XDG_CACHE_HOME") from error
    return home / ".cache" / "tuixuan" / "bin"


def _usable(path: Path, how: How) -> Binary:
    version = ask_version(path)
    if not OLDEST <= version < (OLDEST[0] + 1, 0, 0):
        raise Unusable(f"{path} is {show(version)}, not {show(OLDEST)} or newer")
    return Binary(NAME, path, version, how)


def _on_path(environ: Mapping[str, str], _say: Say, _fetch: Fetch) -> Binary:
    path = shutil.which(NAME, path=environ.get("PATH", ""))
    if path is None:
        raise Unusable("no temporal on PATH")
    return _usable(Path(path), How.PATH)


def _places(environ: Mapping[str, str]) -> dict[How, Path]:
    stem = f"{NAME}-{show(go_build.cli_version())}"
    folder = cache_folder(environ)
    return {
        How.BUILT: folder / f"{stem}-{go_build.fingerprint()}",
        How.DOWNLOADED: folder / f"{stem}-download",
    }


def _cached(environ: Mapping[str, str], _say: Say, _fetch: Fetch) -> Binary:
    return _in_cache(_places(environ).values())


def _cached_build(environ: Mapping[str, str], _say: Say, _fetch: Fetch) -> Binary:
    return _in_cache([_places(environ)[How.BUILT]])


def _in_cache(paths: Iterable[Path]) -> Binary:
    for path in paths:
        with contextlib.suppress(Unusable):  # incomplete, or for another machine: it is made again
            return _usable(path, How.CACHE)
    raise Unusable("none built or downloaded before")


def _built(environ: Mapping[str, str], say: Say, _fetch: Fetch) -> Binary:
    path = _places(environ)[How.BUILT]
    with go_build.only_one(path):
        with contextlib.suppress(Unusable):  # another process built it while this one waited
            return _in_cache([path])
        go_build.build(path, environ, say)
    return _usable(path, How.BUILT)


def _downloaded(environ: Mapping[str, str], say: Say, fetch: Fetch) -> Binary:
    path = _places(environ)[How.DOWNLOADED]
    with go_build.only_one(path):
        with contextlib.suppress(Unusable):  # another process fetched it while this one waited
            return _in_cache([path])
        fetch(path, say)
    return _usable(path, How.DOWNLOADED)


type Way = Callable[[Mapping[str, str], Say, Fetch], Binary]


def _ways_at_hand(environ: Mapping[str, str]) -> tuple[Way, ...]:
    return (_cached_build,) if _only_built(environ) else (_on_path, _cached)


def _ways_to_make(environ: Mapping[str, str]) -> tuple[Way, ...]:
    return (_built,) if _only_built(environ) else (_downloaded, _built)


def _only_built(environ: Mapping[str, str]) -> bool:
    """Return whether only a build will do.

    Raises:
        ServerMissing: The variable says something else.
    """
    wanted = environ.get(FROM) or "any"
    if wanted not in ("any", BUILD):
        raise ServerMissing(f"{FROM} is {wanted}; it may be any or {BUILD}")
    return wanted == BUILD
