"""The report of a running stack: written by its supervisor, read by `status` and by commands."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any, TypedDict, cast

from workers.folder.lock import holder
from workers.folder.places import Places


class ProcessReport(TypedDict):
    """One process.

    Attributes:
        restarts: How often it was started again.
        health: Where it serves its health and metrics.
    """

    name: str
    pid: int | None
    ready: bool
    restarts: int
    health: str | None


class Addresses(TypedDict):
    """Where everything answers; None: not there. Passwords are masked."""

    temporal: str | None
    temporal_ui: str | None
    nats: str | None
    database: str | None
    audit: str | None
    portal: str | None


class StackReport(TypedDict):
    """The state of a stack, as `status` shows it."""

    ready: bool
    state_dir: str
    pid: int | None
    temporal_namespace: str | None
    processes: list[ProcessReport]
    addresses: Addresses


NOWHERE = Addresses(
    temporal=None,
    temporal_ui=None,
    nats=None,
    database=None,
    audit=None,
    portal=None,
)


def down_report(places: Places) -> StackReport:
    """Return the report of a folder in which nothing runs."""
    return StackReport(
        ready=False,
        state_dir=str(places.root),
        pid=None,
        temporal_namespace=None,
        processes=[],
        addresses=NOWHERE,
    )


def read_report(places: Places) -> StackReport:
    """Return what runs in the folder; ignore the report of a dead supervisor."""
    down = down_report(places)
    pid = holder(places)
    if pid is None:
        return down
    found = read_json(places.report)
    if found.get("pid") != pid:  # a new supervisor that has not written its report yet
        return {**down, "pid": pid}
    return cast("StackReport", {**down, **found})


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a file, or an empty one if there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def write_json(path: Path, content: object) -> None:
    """Replace a file in one step, so that readers see the old or the new one, whole."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    partial.replace(path)
