"""Where settings come from, which win, and what is refused."""

import json
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from cli.connections.viewer import login_name
from workers.folder import lock, places
from workers.folder.places import CHECKOUT, Places, config_file, default_state_dir
from workers.settings.environment import SettingsWrong
from workers.settings.stack import StackSettings
from workers.settings.urls import absolute_sqlite, audit_url, mask_password
from workers.settings.worker import NotRunning, WorkerSettings

KNOWN = ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "NATS_URL", "DATABASE_URL", "LOG_LEVEL")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUIXUAN_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a supervisor runs: this process."""
    folder = Places(tmp_path / "state")
    with lock.hold(folder):
        pid = lock.holder(folder)
        addresses = {
            "temporal": "127.0.0.1:7301",
            "nats": "nats://127.0.0.1:4301",
            "database": "sqlite:////elsewhere/tuixuan.db",
            "portal": "http://127.0.0.1:8301",
        }
        report = {"ready": True, "pid": pid, "temporal_namespace": "other", "addresses": addresses}
        folder.report.write_text(json.dumps(report), encoding="utf-8")
        yield folder.report


def test_known_names_and_our_own_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("NATS_URL", "nats://nats:4222")
    monkeypatch.setenv("TUIXUAN_TEMPORAL__UI_PORT", "8300")
    monkeypatch.setenv("LOG_LEVEL", "WARN")
    settings = StackSettings.load()
    assert settings.temporal.address == "temporal:7233"
    assert settings.nats.url == "nats://nats:4222"
    assert settings.temporal.ui_port == 8300
    assert settings.log_level == "warning"


def test_flags_win_over_environment_over_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config" / "tuixuan" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('log_level = "error"\n[nats]\nport = 4301\n[portal]\nport = 8301\n')
    monkeypatch.setenv("TUIXUAN_NATS__PORT", "4302")
    settings = StackSettings.load(nats={"port": 4303})
    assert (settings.nats.port, settings.portal.port) == (4303, 8301)
    assert StackSettings.load().nats.port == 4302
    assert settings.log_level == "error"


def test_our_name_wins_over_the_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://one")
    monkeypatch.setenv("TUIXUAN_DATABASE__URL", "postgresql://two")
    assert StackSettings.load().database.url == "postgresql://two"


@pytest.mark.parametrize("name", ["DATABASE_URL", "TUIXUAN_DATABASE__URL"])
def test_a_secret_may_lie_in_a_file(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("postgresql://u:p@host/db\n")
    monkeypatch.setenv(f"{name}_FILE", str(secret))
    assert StackSettings.load().database.url == "postgresql://u:p@host/db"


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere/secret")
    with pytest.raises(SettingsWrong, match=r"DATABASE_URL_FILE.*/nowhere/secret"):
        StackSettings.load()


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("TUIXUAN_TEMPORAL__PROT", "TUIXUAN_TEMPORAL__PORT"),
        ("TUIXUAN_STATEDIR", "TUIXUAN_STATE_DIR"),
        ("TUIXUAN_MAIL_HOST", "TUIXUAN_MAIL__HOST"),
        ("TUIXUAN_DEBUG_FILES", "TUIXUAN_DEBUG"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(
    wrong: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wrong, "1")
    with pytest.raises(SettingsWrong, match=f"{wrong}.* {nearest}。"):
        StackSettings.load()


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config" / "tuixuan" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[nats]\nprot = 1\n")
    with pytest.raises(SettingsWrong, match=r"nats\.prot"):
        StackSettings.load()


def test_a_wrong_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUIXUAN_MAIL__PORT", "secret-by-mistake")
    with pytest.raises(SettingsWrong) as refused:
        StackSettings.load()
    assert "TUIXUAN_MAIL__PORT（配置文件中为 mail.port）应为整数" in str(refused.value)
    assert "secret-by-mistake" not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "TUIXUAN_MAIL__PORT",
            "70000",
            "TUIXUAN_MAIL__PORT（配置文件中为 mail.port）应不大于 65535",
        ),
        ("TUIXUAN_MAIL__SECURITY", "ssl", "应为 none、starttls、tls 之一"),
        ("LOG_LEVEL", "loud", "TUIXUAN_LOG_LEVEL（配置文件中为 log_level）应为 debug、info、"),
        ("TUIXUAN_MAIL__HOST", "mail", "TUIXUAN_MAIL__…：设置了邮件服务器（host），还须设置发件人"),
        ("TUIXUAN_SMS__URL", "x y", "TUIXUAN_SMS__URL（配置文件中为 sms.url）应为完整的网址"),
        ("TUIXUAN_PORTAL__PUBLIC_URL", "ftp://x", "网址应以 http:// 或 https:// 开头"),
        (
            "TUIXUAN_METRICS__HOST",
            "nowhere",
            "TUIXUAN_METRICS__HOST（配置文件中为 metrics.host）应为 IP",
        ),
        ("TUIXUAN_DEBUG", "maybe", "TUIXUAN_DEBUG（配置文件中为 debug）应为 true 或 false"),
        (
            "DATABASE_URL",
            "mysql://x",
            "TUIXUAN_DATABASE__URL（配置文件中为 database.url）应为 sqlite:///",
        ),
        ("TUIXUAN_WEBHOOK__TIMEOUT", "0", "应大于 0"),
        ("TUIXUAN_WEBHOOK__ALLOWED_PORTS", "80,x", "TUIXUAN_WEBHOOK__ALLOWED_PORTS（配置文件中为"),
    ],
)
def test_a_wrong_value_is_explained_in_chinese(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsWrong) as refused:
        StackSettings.load()
    assert said in str(refused.value)
    assert not re.search("[Ii]nput should|[Vv]alue error", str(refused.value))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"log_level = info\n", "第 1 行不合 TOML 格式"),
        (b'log_level = "info"\n\n[nats\n', "第 3 行不合 TOML 格式"),
        ("# settings\n# 设置\n".encode("gbk"), "第 2 行不是 UTF-8 文本（看来是 GBK 编码）"),
        ('log_level = "info"\n'.encode("utf-16"), "第 1 行不是 UTF-8 文本（看来是 UTF-16 编码）"),
        (b"\xff\xff\xff", "第 1 行不是 UTF-8 文本，"),
        (b"nats = 1\n", "是一组设置"),
        (b"[nats]\nprot = 1\n", "nats.prot 不是一项设置，最接近的是 nats.port"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_place(
    content: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "config" / "tuixuan" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(SettingsWrong) as refused:
        StackSettings.load()
    assert said in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_file_with_a_bom_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config" / "tuixuan" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('log_level = "error"\n', encoding="utf-8-sig")
    assert StackSettings.load().log_level == "error"


def test_a_secret_in_a_file_is_text_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "url"
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    file.write_text("postgresql://one\r\n", encoding="utf-8-sig")
    assert StackSettings.load().database.url == "postgresql://one"
    file.write_bytes("postgresql://密码@one".encode("gbk"))
    with pytest.raises(SettingsWrong, match=r"DATABASE_URL_FILE 指向的文件 .* 第 1 行.*GBK"):
        StackSettings.load()


def test_passwords_stay_out_of_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:geheim@host/db")
    monkeypatch.setenv("NATS_URL", "nats://u:geheim@host:4222")
    settings = StackSettings.load()
    assert "geheim" not in repr(settings) + repr(WorkerSettings.of(settings))


def test_the_state_folder_of_a_checkout_and_of_an_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert default_state_dir() == CHECKOUT / "var" / "state"
    monkeypatch.setattr(places, "CHECKOUT", tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert default_state_dir() == tmp_path / "xdg" / "tuixuan"


def test_a_relative_state_folder_becomes_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUIXUAN_STATE_DIR", "here")
    assert StackSettings.load().state_dir == Path.cwd() / "here"


def test_a_worker_without_addresses_learns_those_of_the_running_stack(running: Path) -> None:
    settings = WorkerSettings.load(state_dir=running.parents[1])
    assert settings.temporal_address == "127.0.0.1:7301"
    assert settings.temporal_namespace == "other"
    assert settings.nats_url == "nats://127.0.0.1:4301"
    assert settings.database_url == "sqlite:////elsewhere/tuixuan.db"
    assert settings.portal_url == "http://127.0.0.1:8301"


def test_people_reach_the_portal_at_its_public_address(
    running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for given, expected in (
        ("https://tuixuan.example.invalid", "https://tuixuan.example.invalid"),
        ("https://example.invalid/tuixuan/", "https://example.invalid/tuixuan"),
    ):
        monkeypatch.setenv("TUIXUAN_PORTAL__PUBLIC_URL", given)
        assert WorkerSettings.load(state_dir=running.parents[1]).portal_url == expected


@pytest.mark.parametrize("url", ["example.invalid", "ftp://x", "https://x/?a=b", "https://x/#a"])
def test_a_public_address_that_cannot_be_continued_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUIXUAN_PORTAL__PUBLIC_URL", url)
    with pytest.raises(SettingsWrong, match="public_url"):
        StackSettings.load()


def test_what_was_set_wins_over_the_running_stack(
    running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal:7233")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "mine")
    settings = WorkerSettings.load(state_dir=running.parents[1])
    assert (settings.temporal_address, settings.temporal_namespace) == ("temporal:7233", "mine")


def test_without_a_stack_addresses_are_unknown_and_files_have_their_places(tmp_path: Path) -> None:
    settings = WorkerSettings.load()
    root = tmp_path / "state"
    assert settings.database_url == f"sqlite:///{root}/tuixuan.db"
    assert settings.audit_database_url == f"sqlite:///{root}/audit.db"
    assert settings.places.audit_anchor == root / "audit-anchor.jsonl"
    assert settings.mail.folder == root / "mail"
    assert settings.temporal_namespace == "tuixuan"
    with pytest.raises(NotRunning, match="tuixuan up"):
        _ = settings.temporal_address
    with pytest.raises(NotRunning, match="NATS_URL"):
        _ = settings.nats_url
    with pytest.raises(NotRunning, match="TUIXUAN_PORTAL__PUBLIC_URL"):
        _ = settings.portal_url


def test_the_report_of_a_dead_supervisor_does_not_count(tmp_path: Path) -> None:
    folder = Places(tmp_path / "state")
    folder.prepare()
    report = {"ready": True, "pid": 1, "addresses": {"temporal": "127.0.0.1:7301"}}
    folder.report.write_text(json.dumps(report), encoding="utf-8")
    assert WorkerSettings.load().temporal.address is None


def test_a_masked_password_is_asked_for_and_never_tried(running: Path) -> None:
    report = json.loads(running.read_text())
    report["addresses"]["database"] = mask_password("postgresql://u:geheim@host/db")
    running.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(SettingsWrong, match="DATABASE_URL"):
        WorkerSettings.load()


def test_the_audit_keeps_its_store_beside_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@host/db?sslmode=require")
    assert WorkerSettings.load().audit_database_url == (
        "postgresql://u:p@host/db?sslmode=require&options=-csearch_path%3Daudit"
    )
    monkeypatch.setenv("TUIXUAN_DATABASE__AUDIT_URL", "postgresql://other/audit")
    assert WorkerSettings.load().audit_database_url == "postgresql://other/audit"


def test_a_password_that_holds_what_parts_an_address_reaches_the_audit_too() -> None:
    record, audit = (make_url(url) for url in (HARD, audit_url(HARD)))
    assert (audit.host, audit.password, audit.database) == ("h", "p#w", "d")
    assert audit.set(query={}) == record.set(query={})
    assert dict(audit.query) == {"a": "b", "options": "-csearch_path=audit"}


HARD = "postgresql://u:p#w@h/d?a=b"


def test_options_of_the_record_are_kept_for_the_audit() -> None:
    assert audit_url("postgresql://h/d?options=-cwork_mem%3D1MB").endswith(
        "?options=-cwork_mem%3D1MB%20-csearch_path%3Daudit"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@host:5432/db", "postgresql://u:***@host:5432/db"),
        ("postgresql://u@host/db", "postgresql://u@host/db"),
        ("nats://token@host:4222", "nats://***@host:4222"),
        ("nats://u:p@host:4222", "nats://u:***@host:4222"),
        # passwords with characters that part an address, where a driver takes them
        ("postgresql://u:p/w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p#w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://u:p@w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://h/d?user=u&password=geheim", "postgresql://h/d?user=u&password=***"),
        ("sqlite:////tmp/a@b/tuixuan.db", "sqlite:////tmp/a@b/tuixuan.db"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert mask_password(url) == shown


def test_a_worker_has_every_setting_that_was_set() -> None:
    changed = {
        "audit": {"signing_key": "pem"},
        "sms": {"url": "https://sms.example.invalid/"},
        "cases": {"max_cached_workflows": 7},
        "webhook": {"timeout": 3.0},
        "metrics": {"port": 9999},
        "mail": {"folder": Path("/mail")},
        "log_level": "error",
        "debug": True,
    }
    given = StackSettings.load(**changed)
    completed = {"temporal", "nats", "database", "portal"}
    worker = WorkerSettings.of(given)
    assert worker.model_dump(exclude=completed) == given.model_dump(exclude=completed)
    assert worker.portal == given.portal


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that is a bare number, as containers give them: no HOME, no entry, no name."""

    def nobody(number: int) -> object:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("homeless")
def test_an_account_without_a_home_needs_only_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert StackSettings.load(state_dir=tmp_path).state_dir == tmp_path
    assert config_file() == Path("/etc/tuixuan/config.toml")
    assert login_name() == "unknown"
    monkeypatch.delenv("TUIXUAN_STATE_DIR")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(places, "CHECKOUT", tmp_path)
    with pytest.raises(SettingsWrong, match="--state-dir"):
        StackSettings.load()
    with pytest.raises(SettingsWrong, match="没有主目录，请写出完整路径"):
        StackSettings.load(state_dir="~/state")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///rel.db", "sqlite:////a folder/q%3Fx/rel.db"),
        ("sqlite:///../up.db?timeout=5", "sqlite:////a folder/q%3Fx/../up.db?timeout=5"),
        ("sqlite:////srv/own.db", "sqlite:////srv/own.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:own.db?uri=true", "sqlite:///file:own.db?uri=true"),
        ("postgresql://u@host/db", "postgresql://u@host/db"),
    ],
)
def test_a_relative_database_is_one_file_from_everywhere(url: str, expected: str) -> None:
    assert absolute_sqlite(url, Path("/a folder/q?x")) == expected


def test_relative_paths_are_meant_from_where_they_were_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the file's folder in a file; from the current one in a variable or a flag."""
    monkeypatch.delenv("TUIXUAN_STATE_DIR")
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "config" / "tuixuan" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(
        'state_dir = "own"\n[mail]\nfolder = "out"\n[database]\nurl = "sqlite:///rel.db"\n',
        encoding="utf-8",
    )
    settings = StackSettings.load()
    assert settings.state_dir == file.parent / "own"
    assert settings.mail.folder == file.parent / "out"
    assert settings.database.url == f"sqlite:///{file.parent}/rel.db"
    monkeypatch.setenv("DATABASE_URL", "sqlite:///here.db")
    monkeypatch.setenv("TUIXUAN_MAIL__FOLDER", "mails")
    settings = StackSettings.load(state_dir="state")
    assert settings.state_dir == tmp_path / "state"
    assert settings.mail.folder == tmp_path / "mails"
    assert settings.database.url == f"sqlite:///{tmp_path}/here.db"
