"""The lock: for every platform, by hash, from whatever index a site uses."""

import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def declared() -> list[str]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [requirement for group in groups for requirement in group]


def test_the_lock_carries_no_download_addresses() -> None:
    assert re.findall(r"\S*(?:://|--(?:extra-)?index|--find-links)\S*", LOCK) == []


def test_every_locked_package_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_covers_what_the_project_declares() -> None:
    locked = dict(re.findall(r"^(\S+)==(\S+)", LOCK, re.MULTILINE))
    assert sorted({name_of(r) for r in declared()} - {name.split("[")[0] for name in locked}) == []


def test_no_dependency_is_declared_twice() -> None:
    counted = Counter(map(name_of, declared()))
    # hatchling builds the package, and stands in [check] so that the lock holds it too.
    assert [name for name, times in counted.items() if times > 1] == []
