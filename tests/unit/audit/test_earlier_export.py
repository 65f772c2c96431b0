"""An export of an earlier release passes today's checks, and its entries are read as they were."""

import json
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from models.audit.chain_check import check_chain
from models.audit.digest_check import check_digests
from models.audit.entries import EntryKind
from services.audit import archive_verifier
from services.audit.json_lines import read_lines

ROOT = Path(__file__).resolve().parents[3]
EXPORT = ROOT / "tests/e2e/states/2026-11-26-export.tar.gz"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export, unpacked."""
    folder = tmp_path_factory.mktemp("export")
    with tarfile.open(EXPORT) as file:
        file.extractall(folder, filter="data")
    [inner] = folder.iterdir()
    return inner


@pytest.mark.parametrize("script", [Path(archive_verifier.__file__), Path("verify.py")])
def test_both_todays_script_and_its_own_verify_it(archive: Path, script: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(archive)],
        cwd=archive, capture_output=True, text=True, check=False, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok 核验无误\n", "")


def test_the_products_own_checks_find_nothing(archive: Path) -> None:
    lines = read_lines(archive / "audit.jsonl")
    hashes = {line["bound"]["n"]: line["hash"] for line in lines}
    assert list(check_chain(lines)) == []
    digests = read_lines(archive / "digests.jsonl")
    assert [line["kind"] for line in digests].count("key") == 2  # it was rotated
    assert list(check_digests(digests, hashes)) == []


def test_every_kind_in_it_is_still_known(archive: Path) -> None:
    kinds = Counter(line["bound"].get("kind", "event") for line in _lines(archive))
    assert kinds["look"] > 0
    assert {EntryKind(kind) for kind in kinds if kind != "event"} >= {
        EntryKind.ACCESS, EntryKind.CHANGE,
    }  # fmt: skip


def test_a_look_in_it_is_an_access_entry(archive: Path) -> None:
    [first, *_] = [line for line in _lines(archive) if line["bound"].get("kind") == "look"]
    said = json.loads(first["body"])
    assert EntryKind(first["bound"]["kind"]) is EntryKind.ACCESS
    assert said["type"] == "org.tuixuan.audit.look"
    assert said["data"]["before"] == said["data"]["after"]


def _lines(archive: Path) -> list[dict[str, Any]]:
    return [line for line in read_lines(archive / "audit.jsonl") if "body" in line]
