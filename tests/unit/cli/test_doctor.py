"""`doctor`: what it finds, what it advises, and that it changes nothing."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from cli.frame.greeting import greeting
from cli.main import run
from workers.folder.places import Places
from workers.folder.report import down_report
from workers.settings.stack import StackSettings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TEMPORAL_ADDRESS", "NATS_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUIXUAN_STATE_DIR", str(tmp_path / "state"))


def examined(capsys: pytest.CaptureFixture[str], exit_code: int) -> dict[str, dict[str, Any]]:
    assert run(["doctor", "--output", "json"]) == exit_code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is (exit_code == 0)
    return {check["name"]: check for check in told["checks"]}


def test_a_new_folder_is_in_order_and_stays_untouched(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    checks = examined(capsys, 0)
    assert {"版本", "Temporal", "NATS", "状态目录", "系统", "数据库", "邮件"} <= set(checks)
    assert checks["系统"]["advice"] == "tuixuan up"
    assert ".eml" in checks["邮件"]["found"] or str(tmp_path) in checks["邮件"]["found"]
    assert not (tmp_path / "state").exists()


def test_a_folder_that_cannot_be_made_is_reported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    assert "不可写" in examined(capsys, 3)["状态目录"]["found"]


def test_a_database_without_tables_is_reported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "tuixuan.db").touch()
    assert examined(capsys, 3)["数据库"]["advice"] == "tuixuan db upgrade"


def test_an_unavailable_database_is_reported_without_its_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:geheim@127.0.0.1:1/none")
    check = examined(capsys, 3)["数据库"]
    assert "DATABASE_URL" in check["advice"]
    assert "geheim" not in check["found"]


def test_a_port_that_is_asked_for_and_in_use_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("TUIXUAN_NATS__PORT", str(port))
        assert str(port) in examined(capsys, 3)["端口 nats"]["found"]


def test_unavailable_external_servers_are_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("NATS_URL", "nats://u:geheim@127.0.0.1:1")
    checks = examined(capsys, 3)
    assert (checks["Temporal"]["ok"], checks["NATS"]["ok"]) == (False, False)
    assert "geheim" not in checks["NATS"]["found"]


def test_a_mail_server_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUIXUAN_MAIL__HOST", "mail.example.invalid")
    monkeypatch.setenv("TUIXUAN_MAIL__SENDER", "推选 <noreply@example.invalid>")
    assert "mail.example.invalid:25" in examined(capsys, 0)["邮件"]["found"]
    places = Places(StackSettings.load().state_dir)
    assert "mail.example.invalid:25" in greeting(down_report(places), StackSettings.load())


def test_the_greeting_names_addresses_folder_mail_and_three_commands(tmp_path: Path) -> None:
    settings = StackSettings.load()
    report = down_report(Places(settings.state_dir))
    report["addresses"] = {**report["addresses"], "temporal_ui": "http://127.0.0.1:8233"}
    report["temporal_namespace"] = "two words"
    said = greeting(report, settings)
    page = "http://127.0.0.1:8233/namespaces/two%20words/workflows?query=WorkflowType%3D%22Case%22"
    for part in (page, f"{tmp_path / 'state'}", ".eml"):
        assert part in said
    assert said.count(f"--state-dir {tmp_path / 'state'}") == 3
