"""What a start needs on the disk is said before it starts, and `doctor` says the same."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.frame.errors import explain
from workers.doctor.folder import state_folder
from workers.folder.places import Places
from workers.folder.privacy import FolderOpen, require_private
from workers.folder.room import LEAST_ROOM, MIB, NoRoom, require_room

GIB = 1024 * MIB


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk whose free bytes the test sets."""
    known = SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: known)
    return known


def test_a_first_start_without_room_is_refused_with_the_numbers(
    tmp_path: Path, disk: SimpleNamespace
) -> None:
    places = Places(tmp_path / "not" / "yet")
    disk.free = LEAST_ROOM
    require_room(places)
    disk.free = 100 * MIB
    with pytest.raises(NoRoom) as refused:
        require_room(places)
    problem = explain(refused.value)
    assert (problem.code, problem.exit) == ("no_room", 69)
    for part in ("100 MB", "512 MB", "NATS 256 MB", str(places.root), "--state-dir"):
        assert part in problem.message
    found = state_folder(places)
    assert not found.ok
    assert "至少需要 512 MB" in found.found


def test_who_has_data_may_start_on_a_full_disk(tmp_path: Path, disk: SimpleNamespace) -> None:
    places = Places(tmp_path)
    places.prepare()
    (places.nats_store / "jetstream").mkdir()
    disk.free = 0
    require_room(places)


@pytest.mark.parametrize(("free", "most"), [(3 * GIB, 1024), (20 * GIB, 4096), (GIB, 512)])
def test_the_doctor_says_how_large_the_events_may_grow(
    tmp_path: Path, disk: SimpleNamespace, free: int, most: int
) -> None:
    disk.free = free
    assert f"事件流上限定为 {most} MB" in state_folder(Places(tmp_path)).found
    assert "事件流" not in state_folder(Places(tmp_path), own_nats=False).found


def test_a_folder_that_others_can_enter_is_refused_unless_that_is_meant(tmp_path: Path) -> None:
    places = Places(tmp_path / "state")
    require_private(places, allowed=False)  # not there yet
    places.prepare()
    require_private(places, allowed=False)
    assert state_folder(places).ok
    places.root.chmod(0o750)
    with pytest.raises(FolderOpen) as refused:
        require_private(places, allowed=False)
    problem = explain(refused.value)
    assert (problem.code, problem.exit) == ("folder_open", 78)
    for part in ("0750", f"chmod 700 {places.root}", "TUIXUAN_OPEN_FOLDER=true"):
        assert part in problem.message
    found = state_folder(places)
    assert (found.ok, found.advice) == (False, f"chmod 700 {places.root}")
    require_private(places, allowed=True)
