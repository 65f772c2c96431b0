"""The lock: for every platform, by hash, from whatever index a site uses."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK, RUN_LOCK = (
    (ROOT / name).read_text() for name in ("requirements.lock", "requirements-run.lock")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def declared() -> list[str]:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return [requirement for group in groups for requirement in group]


both = pytest.mark.parametrize("lock", [LOCK, RUN_LOCK], ids=["all", "run"])


@both
def test_the_lock_carries_no_download_addresses(lock: str) -> None:
    assert re.findall(r"\S*(?:://|--(?:extra-)?index|--find-links)\S*", lock) == []


@both
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+)==(\S+)", lock, re.MULTILINE))


def test_what_runs_the_system_is_locked_once_and_without_tools_of_tests() -> None:
    run, every = pins(RUN_LOCK), pins(LOCK)
    assert run.items() < every.items()
    extras = PROJECT["optional-dependencies"]
    tools = {name_of(each) for each in extras["test"] + extras["check"]} - {"pyyaml"}
    assert tools & {name.split("[")[0] for name in run} == set()
    wanted = {name_of(each) for each in PROJECT["dependencies"] + extras["embedded"]}
    assert wanted <= {name.split("[")[0] for name in run}


def test_the_lock_covers_what_the_project_declares() -> None:
    locked = pins(LOCK)
    assert sorted({name_of(r) for r in declared()} - {name.split("[")[0] for name in locked}) == []


def test_no_dependency_is_declared_twice() -> None:
    counted = Counter(map(name_of, declared()))
    # hatchling builds the package, and stands in [build] so that the locks hold it too.
    assert [name for name, times in counted.items() if times > 1] == []
