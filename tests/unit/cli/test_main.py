"""The frame of the command line: options anywhere, one way to fail, data on stdout alone."""

import importlib
import io
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from nats.errors import NoServersError
from sqlalchemy.exc import OperationalError
from temporalio.service import RPCError, RPCStatusCode

from cli import main
from cli.frame import errors, output
from cli.frame.exits import Exit
from cli.frame.greeting import ADDRESSES
from cli.frame.known_errors import EXPLAINED
from cli.frame.options import Options, Output, begin, options
from models.cases.actors import Actor, Role
from models.refusals import Refused
from services.unavailable import Unavailable
from tests.factories import ROOT
from workers.folder import lock
from workers.folder.lock import FolderInUse
from workers.folder.places import Places
from workers.folder.report import NOWHERE, write_json
from workers.servers.found import ServerMissing
from workers.settings.environment import SettingsWrong
from workers.settings.worker import NotRunning
from workers.stack.child import StartFailed
from workers.stack.detach import DetachFailed, StillRunning
from workers.stack.external import Lack, ServersUnavailable
from workers.stack.ports import PortInUse


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUIXUAN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("TUIXUAN_DEBUG", raising=False)
    begin(Options())


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """A group `try` with the commands `it` and `fail`; `it` keeps the options that it saw."""
    kept: list[Options] = []
    app = typer.Typer()

    @app.command(help="试一试")
    def it(name: str, count: Annotated[int, typer.Option(help="几次")] = 1) -> None:
        kept.append(Options(**vars(options())))
        output.show({"name": name, "count": count})

    @app.command(help="失败")
    def fail(code: str) -> None:
        raise Refused(code, "不行")

    module = type(sys)("cli.try_it")
    module.app = app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cli.try_it", module)
    entry = main.Entry("cli.try_it", "试一试", group=True)
    monkeypatch.setattr(main, "COMMANDS", {**main.COMMANDS, "try": entry})
    return kept


def test_help_costs_little_more_than_python_itself() -> None:
    """In CPU time, which neighbours do not lengthen as they do the time of the clock."""

    def least(*arguments: str) -> float:
        took = []
        for _ in range(5):
            before = cpu_of_children()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            took.append(cpu_of_children() - before)
        return min(took)

    least("-m", "cli", "--help")  # compiles
    bare = "import argparse, asyncio, json"
    assert least("-m", "cli", "--help") < 4 * least("-c", bare)


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from cli.main import run; run(['--help']);"
        "heavy = {'temporalio', 'sqlalchemy', 'pydantic', 'nats', 'rich', 'structlog'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_can_be_imported_and_helps(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run([name, "--help"]) == 0
    said = capsys.readouterr().out
    for option in ("--state-dir", "--output", "--as", "--quiet", "--yes"):
        assert option in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--output", "json", "--as", "body:fujian", "--quiet", "--yes", "try", "it", "x"],
        ["try", "--output", "json", "--as", "body:fujian", "--quiet", "--yes", "it", "x"],
        ["try", "it", "--output", "json", "--as", "body:fujian", "x", "--quiet", "--yes"],
        [
            "--output",
            "csv",
            "--yes",
            "try",
            "--quiet",
            "it",
            "x",
            "--as=body:fujian",
            "--output=json",
        ],
    ],
)
def test_common_options_stand_anywhere_and_the_last_one_counts(
    arguments: list[str], seen: list[Options], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(arguments) == 0
    (given,) = seen
    assert given == Options(output=Output.JSON, actor_text="body:fujian", quiet=True, yes=True)
    assert given.actor() == Actor(role=Role.BODY, id="fujian")
    assert json.loads(capsys.readouterr().out) == {"name": "x", "count": 1}


def test_the_state_folder_is_an_option_of_every_command(
    seen: list[Options], tmp_path: Path
) -> None:
    assert main.run(["try", "it", "x", "--state-dir", str(tmp_path / "other")]) == 0
    assert seen[0].state_dir == tmp_path / "other"
    begin(seen[0])
    assert options().settings().state_dir == tmp_path / "other"


@pytest.mark.parametrize("text", ["fujian", "king:fujian", "body:", "body:a b", ":x"])
def test_a_wrong_actor_is_a_usage_error(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--as"):
        Options(actor_text=text).actor()


def test_without_an_actor_the_default_acts() -> None:
    default = Actor(role=Role.ORGANISER, id="desk")
    assert Options().actor(default) == default


@pytest.mark.usefixtures("seen")
def test_a_refusal_is_one_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["try", "fail", "not_yet"]) == 1
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "不行（not_yet）\n")


@pytest.mark.usefixtures("seen")
def test_a_refusal_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["try", "fail", "not_yet", "--output", "json"]) == 1
    written = capsys.readouterr()
    assert json.loads(written.err) == {"code": "not_yet", "message": "不行"}
    assert written.out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "没有命令 'nothing'"),
        (["stats"], "是不是 'status'"),
        (["try"], "缺少命令"),
        (["try", "it"], "缺少 'name'"),
        (["try", "it", "x", "y"], "多出的参数：y"),
        (["try", "it", "x", "--count"], "--count"),
        (["try", "it", "x", "--count", "many"], "'--count' 的值不对"),
        (["try", "it", "x", "--cuont", "2"], "没有选项 --cuont"),
        (["try", "it", "x", "--output", "xml"], "'--output' 的值 'xml' 不在下列之中"),
        (["--otput", "json", "status"], "没有选项 --otput"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.usefixtures("seen")
def test_wrong_usage_ends_with_2(
    arguments: list[str],
    says: str,
    as_json: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    json_first = ["--output", "json"] if as_json else []
    assert main.run([*json_first, *arguments]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    if as_json:
        told = json.loads(written.err)
        assert told["code"] == "usage"
        assert says in told["message"]
    else:
        assert says in written.err
        assert written.err.count("\n") == 1


def test_json_is_used_even_when_the_line_is_wrong_before_it_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.run(["status", "--nope", "--output", "json"]) == 2
    assert json.loads(capsys.readouterr().err)["code"] == "usage"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 2
    assert "case" in capsys.readouterr().err


def rpc_error(status: RPCStatusCode) -> RPCError:
    return RPCError("down", status, b"")


def sql_error(said: str) -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception(said))


@pytest.mark.parametrize(
    ("error", "code", "exit_code", "says"),
    [
        (Refused("late", "已过期"), "late", 1, "已过期"),
        (SettingsWrong("没有"), "settings_wrong", 78, "没有"),
        (NotRunning("未运行"), "stack_not_running", 69, "未运行"),
        (ServerMissing("no server"), "server_missing", 69, "no server"),
        (FolderInUse(Path("/s"), 12), "stack_running", 1, "12"),
        (PortInUse("nats", 4222), "port_taken", 69, "--nats-port"),
        (
            ServersUnavailable([Lack("NATS_URL", "nats://h", "no", "do")]),
            "server_unavailable",
            69,
            "NATS_URL 指定的 nats://h：no。办法：do。",
        ),
        (StartFailed("nats", "exit code 1", ["bad"]), "start_failed", 69, "bad"),
        (DetachFailed(78, ["bad"], Path("/log")), "start_failed", 78, "/log"),
        (DetachFailed(-9, [], Path("/log")), "start_failed", 1, "/log"),
        (StillRunning(12), "still_running", 75, "12"),
        (Unavailable("temporal_unavailable", "m", retry=True), "temporal_unavailable", 69, "m"),
        (Unavailable("no_answer_yet", "m", retry=True), "no_answer_yet", 75, "m"),
        (Unavailable("workflow_missing", "m"), "workflow_missing", 69, "m"),
        (rpc_error(RPCStatusCode.UNAVAILABLE), "temporal_unavailable", 69, "tuixuan up"),
        (rpc_error(RPCStatusCode.DEADLINE_EXCEEDED), "no_answer_yet", 75, "再试"),
        (RuntimeError("Failed client connect: x"), "temporal_unavailable", 69, "tuixuan up"),
        (NoServersError(), "nats_unavailable", 69, "NATS"),
        (sql_error("no such table: season"), "database_not_ready", 69, "db upgrade"),
        (sql_error("database is locked"), "database_busy", 75, "再试"),
        (sql_error("connection refused"), "database_unavailable", 69, "DATABASE_URL"),
        (FileNotFoundError(2, "No such file", "a.toml"), "file_error", 1, "a.toml"),
        (ConnectionRefusedError(111, "refused"), "unavailable", 69, "tuixuan up"),
        (RuntimeError("other"), "internal_error", 1, "TUIXUAN_DEBUG"),
        (ExceptionGroup("g", [Refused("late", "已过期")]), "late", 1, "已过期"),
    ],
)
def test_each_error_has_its_code_and_its_words(
    error: Exception, code: str, exit_code: int, says: str
) -> None:
    problem = errors.explain(error)
    assert (problem.code, int(problem.exit)) == (code, exit_code)
    assert says in problem.message


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_error_that_is_explained_by_its_name_exists(name: str) -> None:
    module, _, qualname = name.rpartition(".")
    found = getattr(importlib.import_module(module), qualname)
    assert f"{found.__module__}.{found.__qualname__}" == name


@pytest.mark.parametrize("entry", main.COMMANDS.values(), ids=main.COMMANDS)
def test_every_command_is_in_the_module_that_is_named(entry: main.Entry) -> None:
    app = importlib.import_module(entry.module).app
    assert isinstance(app, typer.Typer)
    if entry.name is not None:
        group: Any = typer.main.get_group(app)
        assert entry.name in group.commands


def test_a_person_sees_a_traceback_only_when_asking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errors.report(KeyError("x"), as_json=False) == 1
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("TUIXUAN_DEBUG", "1")
    try:
        raise KeyError("x")
    except KeyError as error:
        errors.report(error, as_json=False)
    assert "Traceback" in capsys.readouterr().err


def test_an_unknown_variable_is_named_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUIXUAN_NATS__PROT", "1")
    assert main.run(["status", "--output", "json"]) == Exit.CONFIG
    assert "TUIXUAN_NATS__PORT" in json.loads(capsys.readouterr().err)["message"]


@pytest.mark.parametrize(("limit", "cursor"), [(None, None), (3, None), (2, "gansu")])
def test_a_full_page_has_the_cursor_of_the_next(
    limit: int | None, cursor: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(Options(output=Output.JSON, quiet=True))
    bodies = [Actor(role=Role.BODY, id=name) for name in ("fujian", "gansu")]
    output.show_page(bodies, limit=limit)
    page = json.loads(capsys.readouterr().out)
    assert page == {"items": [each.model_dump() for each in bodies], "next_cursor": cursor}


def test_nobody_there_to_ask_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(Refused, match="confirmation_needed"):
        output.confirm("确定吗？")
    begin(Options(yes=True))
    output.confirm("确定吗？")


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    command = f"{sys.executable} -m cli --help | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""


def test_status_of_nothing_says_so_and_is_not_success(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main.run(["status", "--output", "json"]) == Exit.UNAVAILABLE
    told = json.loads(capsys.readouterr().out)
    assert told["ready"] is False
    assert told["state_dir"] == str(tmp_path / "state")
    assert told["processes"] == []
    assert set(told["addresses"]) >= {"temporal", "temporal_ui", "nats", "database", "portal"}
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(("ready", "code"), [(True, Exit.OK), (False, Exit.TRY_AGAIN)])
def test_status_ends_with_zero_only_when_all_is_ready(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ready: bool, code: Exit
) -> None:
    places = Places(tmp_path / "state")
    with lock.hold(places):
        ui = {**NOWHERE, "temporal_ui": "http://127.0.0.1:8233", "audit": "sqlite:////a.db"}
        report = {"ready": ready, "pid": lock.holder(places), "addresses": ui}
        write_json(places.report, {**report, "temporal_namespace": "tuixuan"})
        assert main.run(["status", "--output", "json"]) == code
        told = json.loads(capsys.readouterr().out)
        assert told["ready"] is ready
        assert told["addresses"]["temporal_ui"] == "http://127.0.0.1:8233"
        assert main.run(["status"]) == code
    page = "/namespaces/tuixuan/workflows?query=WorkflowType%3D%22Case%22"
    said = capsys.readouterr().out
    assert page in said
    assert "审计库\tsqlite:////a.db" in said
    assert set(ADDRESSES) == set(NOWHERE)


def test_down_says_that_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["down"]) == 0
    assert "没有系统在运行" in capsys.readouterr().err


def test_version_names_software_database_and_events(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["version", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == "v1"
    assert told["version"]
    assert told["database"]


def test_audit_deeds_is_audit_entries_by_its_earlier_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    call = ROOT / "programmes" / "2024-new-services.toml"
    for command in (["db", "upgrade"], ["season", "open", str(call)], ["inbox", "2024-organiser"]):
        assert main.run(command) == 0
    capsys.readouterr()
    told = []
    for name in ("entries", "deeds"):
        assert main.run(["audit", name, "--kind", "look", "--output", "json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert [entry["action"] for entry in told[0]["items"]] == ["inbox.seen"]

    assert main.run(["audit", "--help"]) == 0
    help_ = capsys.readouterr().out
    assert "entries" in help_
    assert "deeds" not in help_
