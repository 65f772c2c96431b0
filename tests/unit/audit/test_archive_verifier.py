"""The verifier that ships with exports runs alone, and says how it is to be called."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from services.audit import archive_verifier
from services.audit.archive_verifier import FOUND, WRONG_USAGE, main

SCRIPT = Path(archive_verifier.__file__)


def test_it_runs_on_old_pythons_without_packages() -> None:
    tree = ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 9))
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {
        name
        for node in named
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert modules == {
        "__future__",
        "collections.abc",
        "hashlib",
        "json",
        "pathlib",
        "sys",
        "typing",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--key"], "--key 之后应写公钥编号"),
        (["--key="], "--key 之后应写公钥编号"),
        ([".", "--key"], "--key 之后应写公钥编号"),
        (["--key", "--key", "x"], "--key 之后应写公钥编号"),
        (["--key", "ed25519:1", "--key", "ed25519:2"], "都只能给出一个"),
        (["--key=ed25519:1", "--key", "ed25519:1"], "都只能给出一个"),
        (["--keys", "ed25519:1"], "没有选项 --keys"),
        (["-k"], "没有选项 -k"),
        ([".", "."], "都只能给出一个"),
        (["nowhere"], "没有文件夹 nowhere"),
    ],
)
def test_a_wrong_call_is_told_in_a_sentence(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    sentence, usage = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (WRONG_USAGE, "")
    assert said in sentence
    assert usage.endswith("verify.py [FOLDER] [--key ID]")


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_it_says_how_it_is_called(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([asked]) == 0
    assert capsys.readouterr().out.endswith("verify.py [FOLDER] [--key ID]\n")


@pytest.mark.parametrize("key", [["--key", "ed25519:1"], ["--key=ed25519:1"], []])
def test_a_folder_that_is_no_archive_is_a_finding(
    key: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*key, str(tmp_path)]) == FOUND
    assert capsys.readouterr().out.startswith(f"unreadable  {tmp_path}  无法读取")
