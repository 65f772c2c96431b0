"""Exported archives: unpacked, edited by a forger, verified by an inspector."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from models.chain import digest_bytes


def unpacked(file: Path, folder: Path) -> Path:
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    return inner


def inspected(folder: Path, *arguments: str) -> tuple[int, list[tuple[str, str]]]:
    """Run the archive's own verifier as an inspector would: no packages, no environment."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    rows = [line.split("  ") for line in done.stdout.splitlines()[:-1]]
    return done.returncode, [(row[0], row[1]) for row in rows]


def edit(folder: Path, name: str, change: Callable[[list[dict[str, object]]], None]) -> None:
    """Change lines of a file, and the manifest with it, as a forger would."""
    path = folder / name
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"][name]["sha256"] = digest_bytes(path.read_bytes())
    (folder / "manifest.json").write_text(json.dumps(manifest))
