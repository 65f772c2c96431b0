"""What people read: words, times in Beijing with their weekday, cells that nothing obeys."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from cli import main
from cli.frame import output
from cli.frame.cells import Beginning, cell
from cli.frame.exits import Exit
from cli.frame.headings import HEADINGS, heading
from cli.frame.language import Language, language_of
from cli.frame.options import Options, Output, begin
from models.cases.actions.names import Action, EventName
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.notifications.delivery import Channel, DeliveryStatus
from models.programme.milestones import ProgrammeMilestones
from models.stream.dead_letters import DeadLetterStatus
from models.webhooks.status import REMOVED, EndpointStatus, WebhookStatus
from models.wording import brief_moment, moment
from services.audit.export import AuditExport
from services.cases.views import CaseView
from services.dates.moves import MilestoneMove
from services.dates.plan import Effect
from services.people.users import UserView
from services.stream.backlog import Backlog
from services.stream.dead_letters import DeadLetterView
from services.stream.event_views import EventView

ROWS = [
    {"id": "case_1", "title": "=1+1", "deadline": None, "tags": ["a"]},
    {"id": "case_2", "title": "第二\n件", "deadline": "2024-05-12", "tags": []},
]
DUE = datetime(2024, 12, 30, 16, tzinfo=UTC)
ID = "case_01M8AVRHCEPN6DV1VDWPS0PX9K"
UNIT = "unit_01M8AVRHCGX612MH1WEQ4PG7QX"
NUMBER = "2024-fujian-0012"


@pytest.fixture(autouse=True)
def chinese() -> None:
    begin(Options())


def test_json_has_everything_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    begin(Options(output=Output.JSON))
    output.show({"items": ROWS, "next_cursor": "abc"}, ["id"])
    written = capsys.readouterr()
    assert json.loads(written.out) == {"items": ROWS, "next_cursor": "abc"}
    assert "第二" in written.out


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8))])
def test_json_has_one_form_of_instant(zone: Any, capsys: pytest.CaptureFixture[str]) -> None:
    begin(Options(output=Output.JSON))
    shown = {"at": DUE.astimezone(zone), "in": [{"at": DUE.replace(microsecond=5)}]}
    output.show(shown)
    assert json.loads(capsys.readouterr().out) == {
        "at": "2024-12-30T16:00:00Z", "in": [{"at": "2024-12-30T16:00:00.000005Z"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("year", "shown"), [(2024, "12-30（周一）24:00"), (2026, "2024-12-30（周一）24:00")]
)
def test_a_time_is_beijings_with_its_weekday_and_another_year(year: int, shown: str) -> None:
    assert brief_moment(DUE, datetime(year, 6, 1, tzinfo=UTC)) == shown


def test_the_end_of_a_year_belongs_to_it() -> None:
    assert brief_moment(DUE + timedelta(days=1), DUE) == "12-31（周二）24:00"
    assert brief_moment(DUE + timedelta(days=1, minutes=1), DUE) == "2025-01-01（周三）00:01"


def test_a_time_in_english() -> None:
    assert brief_moment(DUE, DUE, english=True) == "12-30 (Mon) 24:00"
    assert cell("at", DUE, Language.EN) == "2024-12-30 (Mon) 24:00"


@pytest.mark.parametrize("chosen", [None, Output.TABLE, Output.CSV])
def test_only_json_has_machine_forms(
    chosen: Output | None, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(Options(output=chosen))
    output.show([{"state": State.PROVINCE_REVIEW, "deadline": DUE, "overdue": True}])
    written = capsys.readouterr().out
    assert [name for name in ("状态", "期限", "已逾期") if name not in written] == []
    assert "省级审核" in written
    assert "2024-12-30（周一）24:00" in written
    assert "是" in written
    assert "province_review" not in written
    assert "T16:00" not in written


def test_what_begins_at_midnight_is_shown_by_its_own_day(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begin(Options(output=Output.CSV))
    output.show([{"milestone": "opens", "at": Beginning(DUE)}, {"milestone": "cutoff", "at": DUE}])
    written = capsys.readouterr().out
    assert "开放申报,2024-12-31（周二）00:00" in written
    assert "申报推荐截止,2024-12-30（周一）24:00" in written


def test_a_file_names_the_year_also_of_this_one(capsys: pytest.CaptureFixture[str]) -> None:
    begin(Options(output=Output.CSV))
    at = datetime.now(UTC)
    output.show([{"at": at}])
    assert moment(at) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("state", State), ("from", State), ("to", State), ("action", Action),
        ("event", EventName), ("role", Role), ("awaited", Role), ("channel", Channel),
        ("milestone", ProgrammeMilestones.model_fields), ("effect", Effect),
        ("status", [*DeliveryStatus, *WebhookStatus, *EndpointStatus, *DeadLetterStatus, REMOVED]),
    ],
)  # fmt: skip
def test_every_code_name_has_words_in_both_languages(key: str, names: Sequence[str]) -> None:
    for name in names:
        assert cell(key, name, Language.ZH) != name
        assert cell(key, name, Language.EN)
        assert not cell(key, name, Language.EN).count("_"), name


def test_a_list_of_code_names_is_read_in_words() -> None:
    assert cell("events", ["submitted", "accepted"], Language.ZH) == "已提交、省级审核通过"
    assert cell("channels", ["mail", "sms"], Language.ZH) == "邮件、短信"
    assert cell("cases", [], Language.ZH) == ""


def test_an_actor_is_read_by_the_role() -> None:
    assert cell("actor", "applicant:unit_1", Language.ZH) == "申报单位 unit_1"
    assert cell("actor", "applicant:unit_1", Language.EN) == "applicant unit_1"
    assert cell("actor", "root", Language.ZH) == "root"


@pytest.mark.parametrize(
    "model",
    [CaseView, EventView, Backlog, DeadLetterView, AuditExport, MilestoneMove, UserView],
)
def test_every_key_that_a_command_shows_whole_has_a_heading(model: Any) -> None:
    shown_apart = {"state_label", "told", "webhooks", "stuck"}
    assert sorted(set(model.model_fields) - {*HEADINGS, *shown_apart}) == []


def test_headings_are_in_the_readers_language() -> None:
    assert heading("next_attempt_at", Language.ZH) == "下次"
    assert heading("next_attempt_at", Language.EN, "下次") == "next attempt at"
    assert heading("id", Language.ZH, "系统编号") == "系统编号"


@pytest.mark.parametrize(
    ("arguments", "environ", "language"),
    [
        ([], {}, "zh"),
        ([], {"LANG": "C.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "en_US.UTF-8"}, "en"),
        ([], {"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.GBK"}, "zh"),
        ([], {"LANG": "en_US.UTF-8", "LC_ALL": ""}, "en"),
        (["case", "list", "--lang", "en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["--help", "--lang=en"], {}, "en"),
        (["--lang", "zh"], {"LANG": "en_GB.UTF-8"}, "zh"),
        (["--lang", "fr"], {}, "zh"),
    ],
)
def test_the_line_decides_on_the_language_and_then_the_environment(
    arguments: list[str], environ: dict[str, str], language: str
) -> None:
    assert language_of(arguments, environ) == language


def test_csv_has_a_byte_order_mark_and_no_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    begin(Options(output=Output.CSV))
    output.show({"items": ROWS, "next_cursor": None}, {"id": "编号", "title": "标题"})
    written = capsys.readouterr().out
    assert written.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(written.removeprefix("\ufeff"))))
    assert rows == [["编号", "标题"], ["case_1", "'=1+1"], ["case_2", "第二\n件"]]


@pytest.mark.parametrize(
    "text",
    ["=1", "+1", "-1", "@a", "\ta", "\ra", "＝HYPERLINK(A1)", "＋1", "－1", "＠a", "\n=1",
     " =1", "\u3000=1", "\ufeff=1"],
)  # fmt: skip
def test_cells_that_a_spreadsheet_would_run_are_neutralised(text: str) -> None:
    assert output.neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "第二\n件", "\n件", "1-2"])
def test_other_cells_stay(text: str) -> None:
    assert output.neutral(text) == text


@pytest.mark.parametrize("chosen", [None, Output.TABLE, Output.CSV, Output.JSON])
@pytest.mark.parametrize("character", ["\x9b", "\u202e", "\u2066", "\x1b", "\x7f", "\u200f"])
def test_what_a_terminal_would_obey_is_visible(
    chosen: Output | None, character: str, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(Options(output=chosen))
    output.show([{"title": f"智慧{character}广电"}])
    written = capsys.readouterr().out
    assert character not in written
    assert f"智慧\\u{ord(character):04x}广电" in written


def test_messages_obey_nothing_either(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("案例《\x9b2J》\n第二行")
    assert capsys.readouterr().err == "案例《\\u009b2J》\n第二行\n"


def test_a_pipe_gets_one_line_for_each_record(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(ROWS)
    assert capsys.readouterr().out == (
        "编号\t名称\t期限\ncase_1\t=1+1\t\ncase_2\t第二 件\t2024-05-12\n"
    )


def test_a_pipe_gets_one_line_for_each_key_of_one_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.show(Actor(role=Role.BODY, id="fujian"))
    assert capsys.readouterr().out == "角色\t推荐单位\n编号\tfujian\n单位\t\n"


def test_a_table_shows_headings_and_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    begin(Options(output=Output.TABLE))
    output.show([{"title": "[red]名[/red]"}], {"title": "标题"})
    written = capsys.readouterr().out
    assert "标题" in written
    assert "[red]名[/red]" in written


@pytest.mark.parametrize("one", [False, True])
def test_ids_never_wrap_however_narrow_the_terminal(
    one: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    begin(Options(output=Output.TABLE))
    row = {"id": ID, "number": NUMBER, "event_id": f"{ID}:12", "actor": f"applicant:{UNIT}",
           "user": "2024-organiser", "title": "很长的名称" * 12}  # fmt: skip
    output.show(row if one else [row])
    written = capsys.readouterr().out
    lines = written.splitlines()
    for text in (ID, NUMBER, f"{ID}:12", f"申报单位 {UNIT}", "2024-organiser"):
        assert [line for line in lines if text in line], text
    assert sum(line.count("长") for line in lines) == 12


def test_an_empty_list_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    output.show({"items": [], "next_cursor": None}, ["id"])
    assert capsys.readouterr().out == "编号\n"


def test_more_pages_are_announced_beside_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    output.show({"items": [], "next_cursor": "abc"}, ["id"])
    assert "--cursor abc" in capsys.readouterr().err
    begin(Options(quiet=True))
    output.show({"items": [], "next_cursor": "abc"}, ["id"])
    assert capsys.readouterr().err == ""


SHOW = (
    "from cli.frame.options import *; from cli.frame import output;"
    "from cli.frame.standard_streams import *; prepare_streams();"
    "begin(Options(output=Output('{form}'))); output.show([dict(title='𠮷😀案')])"
)


@pytest.mark.parametrize("form", Output)
def test_a_terminal_of_gbk_gets_escapes_for_what_it_does_not_have(form: Output) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(form=form)],
        env={**os.environ, "PYTHONIOENCODING": "gbk"}, capture_output=True, check=True,
    )  # fmt: skip
    if form is Output.JSON:
        assert json.loads(done.stdout.decode("gbk")) == [{"title": "𠮷😀案"}]
    else:
        assert "\\U00020bb7\\U0001f600案" in done.stdout.decode("gbk")
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("version >&-", 0, ""),
        ("version --output json >&-", 0, ""),
        ("version 2>&-", 0, None),
        ("version <&- >&- 2>&-", 0, ""),
        ("case nothing >&-", Exit.USAGE, ""),
        ("case nothing >&- 2>&-", Exit.USAGE, ""),
        ("version >/dev/full", Exit.FAILED, ""),
    ],
)
def test_streams_that_are_closed_or_full_keep_the_exit_code(
    line: str, code: int, said: str | None, tmp_path: Path
) -> None:
    command = f"{sys.executable} -m cli {line}"
    env = {**os.environ, "TUIXUAN_STATE_DIR": str(tmp_path / "state")}
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, env=env)
    assert done.returncode == code, done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert "内部错误" not in done.stderr.decode()
    assert said is None or done.stdout.decode() == said


def _parameters() -> list[tuple[str, Any]]:
    """Every parameter of every command, with the command's name."""
    found: list[tuple[str, Any]] = []
    waiting = [(name, main.load(name)) for name in main.COMMANDS]
    while waiting:
        name, command = waiting.pop()
        found += [(name, each) for each in command.params]
        below: dict[str, Any] = getattr(command, "commands", {})
        waiting += [(f"{name} {other}", each) for other, each in below.items()]
    return found


def test_every_integer_is_bounded_as_the_databases_are() -> None:
    unbounded = [
        f"{name} {each.name}"
        for name, each in _parameters()
        if each.type_descriptor.annotation is int
        and not (each.min is not None and each.max is not None and each.max < 1 << 31)
    ]
    assert unbounded == []
