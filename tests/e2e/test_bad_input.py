"""Bad input of every kind: files, forms, names, lines, and the same thing twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driving import ACCEPT, SUBMIT, Command, act, new_season, side_by_side
from tests.e2e.stack import CALL, Stack, case_file
from tests.e2e.traces import cases_of, is_chinese, leaving_no_trace
from tests.factories import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

SECTIONS = form().sections
FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"title": ""}, "请填写案例名称"),
    "no category": ({"category": ""}, "请填写征集类别"),
    "no level": ({"level": ""}, "请填写案例层级"),
    "no contact": ({"contact_name": " "}, "请填写联系人"),
    "no position": ({"contact_position": ""}, "请填写职务"),
    "no phone": ({"contact_phone": ""}, "请填写联系电话"),
    "no mobile": ({"contact_mobile": ""}, "请填写手机"),
    "no summary": ({"summary": "\u200b"}, "请填写案例简介"),
    "no sections": ({"sections": ()}, "请填写申报材料"),
    "two categories": ({"category": "智慧家庭新场景和数字文化新应用"}, "现填了 2 个"),
    "unknown category": ({"category": "其他"}, "其他"),
    "unknown level": ({"level": "乡镇级"}, "没有“乡镇级”这个层级"),
    "long title": ({"title": "字" * 61}, "案例名称不得超过 60 字，现为 61 字，请删去 1 字"),
    "long summary": ({"summary": "字" * 501}, "案例简介不得超过 500 字，现为 501 字，请删去 1 字"),
    "long body": (
        {"sections": (SECTIONS[0].model_copy(update={"text": "字" * 4996}), *(
            section.model_copy(update={"text": "字"}) for section in SECTIONS[1:]
        ))},
        "申报材料不得超过 5000 字，现为 5001 字，请删去 1 字",
    ),
    "five sections": ({"sections": SECTIONS[:5]}, "缺少“下一步发展计划”一节"),
    "wrong order": ({"sections": SECTIONS[::-1]}, "各节应依次为"),
    "wrong mobile": ({"contact_mobile": "12345"}, "手机应为 11 位手机号码"),
}  # fmt: skip


def test_a_form_that_lacks_something_is_not_filed(stack: Stack) -> None:
    season = new_season(stack)

    def draft(name: str) -> str:
        return stack.create_case(season, **({"title": f"（虚构）{name}"} | FORMS[name][0]))

    made = side_by_side(draft, FORMS)
    with leaving_no_trace(stack, made):
        answers = side_by_side(lambda case_id: stack.refused("case", "submit", case_id), made)
    for name, (code, refusal, message) in zip(FORMS, answers, strict=True):
        assert (code, refusal) == (1, "form_incomplete"), name
        assert FORMS[name][1] in message, name

    # Exactly as long as it may be, it is filed.
    sections = tuple(section.model_copy(update={"text": "字" * 833}) for section in SECTIONS)
    last = sections[-1].model_copy(update={"text": "字" * 835})
    full: dict[str, Any] = {
        "summary": "字" * 500,
        "title": "字" * 60,
        "sections": (*sections[:-1], last),
    }
    assert act(stack, stack.create_case(season, **full), SUBMIT)["state"] == "province_review"
    # What is filed already is not filed twice by the same unit.
    twice = stack.create_case(season, **full)
    assert stack.refused("case", "submit", twice)[:2] == (1, "duplicate_filing")


def test_files_of_any_kind_are_read_or_refused(stack: Stack) -> None:
    season = new_season(stack)
    good = case_file(form(title="（虚构）好的文件"))
    two = 'category = ["智慧家庭新场景", "数字文化新应用"]'
    one = 'category = "智慧家庭新场景"'
    assert one in good
    files: dict[str, tuple[str | bytes, str, str]] = {
        "empty": ("", "unit_required", "申报单位"),
        "binary": (Path("/bin/sh").read_bytes()[:100_000], "not_text", "UTF-8"),
        "gbk": (good.encode("gb18030"), "not_text", "gbk.toml 第 "),
        "huge": (f'note = "{"字" * 7_000_000}"', "case_file_invalid", "note 过长"),
        "endless": ("a = " + "[" * 100_000, "case_file_invalid", "嵌套过深"),
        "nul": (
            'title = "a\\u0000b"',
            "case_file_invalid",
            "title 第 2 个字符是不显示的控制字符（U+0000）",
        ),
        "raw-nul": ('title = "a\x00b"', "case_file_invalid", "第 1 行第 11 列"),
        "no-toml": ("案例名称：示例", "case_file_invalid", "第 1 行第 1 列"),
        "two-categories": (good.replace(one, two), "case_file_invalid", "只能申报一个类别"),
        "misspelt": ('titel = "x"\n' + good, "case_file_invalid", "titel 不认识的键"),
        "number": ("title = 1", "case_file_invalid", "title 应为文本"),
        "nowhere": (case_file(form(location="亚特兰蒂斯")), "unknown_location", "亚特兰蒂斯"),
        "no-unit": (case_file(form(unit="")), "unit_required", "申报单位"),
    }
    for name, (content, wanted, words) in files.items():
        path = stack.places.root / f"{name}.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        told = stack.refused("case", "create", "--season", season, "--from", str(path))
        assert told[:2] == (1, wanted), (name, told)
        assert words in told[2], name
    # The programme of a call is read as carefully.
    for name in ("empty", "binary", "misspelt", "endless"):
        path = stack.places.root / f"{name}.toml"
        told = stack.refused("season", "open", str(path))
        assert told[0] == 1
        assert told[1] in {"programme_invalid", "not_text"}, (name, told)
    missing = ("case", "create", "--season", season, "--from")
    assert stack.refused(*missing, "/no/such/file.toml")[:2] == (1, "file_error")
    assert stack.refused(*missing, str(stack.places.root))[:2] == (2, "usage")
    assert cases_of(stack, season) == 0

    # As Windows writes it.
    path = stack.places.root / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + good.replace("\n", "\r\n").encode())
    stack.json(*missing, str(path))
    assert cases_of(stack, season) == 1


NAMES = (
    "", " ", "case_01，。", "“案例”", "case_'; DROP TABLE case_record;--", "../../etc/passwd",
    "*", "%", "\n", "😀", "x" * 10_000, "case_00000000000000000000000000", "case_01\tx",
)  # fmt: skip


def test_names_that_nothing_has_are_refused(stack: Stack) -> None:
    def try_it(command: Command) -> tuple[int, str, str]:
        return stack.refused(*command)

    commands: list[Command] = [("case", "show", name) for name in NAMES]
    commands += [("case", "submit", name) for name in NAMES]
    commands += [("case", "history", "“”"), ("case", "accept", "“”", "--all-yes")]
    for command, told in zip(commands, side_by_side(try_it, commands), strict=True):
        assert told[:2] == (1, "unknown_case"), command
        assert is_chinese(told[2])
    others: dict[Command, str] = {
        ("inbox", "没有这个人"): "unknown_user",
        ("season", "show", "２０２４"): "unknown_season",
        ("case", "show", "\udcff\udcfe"): "not_text",
        ("case", "create", "--season", "２０２４", "--from", str(CALL)): "case_file_invalid",
        ("season", "open", str(CALL), "--id", "二〇二四"): "bad_season_id",
        ("season", "open", str(CALL), "--id", "s", "--pace", "很快"): "pace_invalid",
        ("season", "open", str(CALL), "--id", "s", "--pace", "1d=0"): "pace_invalid",
        ("season", "open", str(CALL), "--id", "2024"): "season_exists",
        ("season", "move", "2024", "开始", "now", "--reason", "x"): "unknown_milestone",
        ("season", "move", "2024", "cutoff", "now", "--reason", "　"): "reason_required",
        ("season", "move", "2024", "cutoff", "0001-01-01", "--reason", "x"): "bad_date",
        ("season", "move", "2024", "cutoff", "2019-01-01", "--reason", "x"): "before_opening",
        ("season", "move", "2024", "cutoff", "+9d", "--reason", "x", "--as", "applicant:x"): (
            "role_not_allowed"
        ),
        ("season", "extend", "2024", "unit_x", "+9d", "--reason", "x"): "unknown_unit",
        ("delivery", "retry", "无此投递"): "unknown_delivery",
        ("user", "email", "无此人", "a@example.invalid"): "unknown_user",
        ("user", "email", "2024-fujian", "不是邮箱"): "bad_email",
    }
    before = stack.json("season", "show", "2024")["milestones"]
    for command, wanted in others.items():
        told = stack.refused(*command)
        assert told[:2] == (1, wanted), (command, told)
        assert is_chinese(told[2])
    assert stack.json("season", "show", "2024")["milestones"] == before


def test_a_wrong_line_ends_with_2(stack: Stack) -> None:
    season = new_season(stack)
    draft = stack.create_case(season, title="（虚构）无辜的案例")
    wrong: list[Command] = [
        ("case", "submit"),
        ("case", "submit", draft, "多余"),
        ("case", "submit", draft, "--nonsense"),
        ("case", "提交", draft),
        ("case", "submit", draft, "--as", "申报单位：甲"),
        ("case", "submit", draft, "--as", "god:x"),
        ("case", "submit", draft, "--as", "applicant:"),
        ("case", "submit", draft, "--as", "applicant:" + "x" * 65),
        ("case", "extend", draft, "明天"),
        ("case", "list", "--state", "无此状态"),
        ("case", "list", "--limit", "0"),
        ("case", "recommend", draft, "--rank", "-1"),
        ("case", "accept", draft, "--answer", "political：yes"),
        ("season", "move", "2024", "cutoff", "now"),
        ("season", "open", str(CALL), "--starting", "明天"),
        ("worker", "厨师"),
    ]
    with leaving_no_trace(stack, [draft]):
        for command, told in zip(
            wrong, side_by_side(lambda each: stack.refused(*each), wrong), strict=True
        ):
            assert told[:2] == (2, "usage"), command
            assert is_chinese(told[2]), (command, told[2])


def test_refusals_are_for_people_too(stack: Stack) -> None:
    told = stack.run("case", "show", "没有", check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("没有案例 没有。")
    assert told.stderr.endswith("tuixuan case list。（unknown_case）\n")


def test_the_same_command_twice(stack: Stack) -> None:
    season = new_season(stack)
    case_id = stack.create_case(season, title="（虚构）交了两次的案例")
    first = act(stack, case_id, (*SUBMIT, "--update-id", "web-1"))
    with leaving_no_trace(stack, [case_id]):
        # Sent again under its own id, it is the same request, and has the same answer.
        assert act(stack, case_id, (*SUBMIT, "--update-id", "web-1")) == first
        # Typed again, it is another one, and too late.
        assert stack.refused("case", "submit", case_id)[:2] == (1, "not_in_this_state")
        # An id that was used for one thing is not used for another.
        reused = stack.refused("case", *ACCEPT[:1], case_id, *ACCEPT[1:], "--update-id", "web-1")
        assert reused[:2] == (1, "update_id_reused")
        for odd in ("", "有 空格", "x" * 201, "timer:20240513T000000/T-0"):
            told = stack.refused("case", "withdraw", case_id, "--update-id", odd)
            assert told[:2] == (1, "bad_update_id")
    both = side_by_side(
        lambda _: stack.run("case", "withdraw", case_id, "--output", "json", check=False), range(4)
    )
    assert sorted(done.returncode for done in both) == [0, 1, 1, 1]
    history = stack.json("case", "history", case_id)["items"]
    assert [line["action"] for line in history] == ["submit", "withdraw"]


def test_a_stack_that_is_down_says_so(tmp_path: Path) -> None:
    nothing = Stack(tmp_path / "nothing")
    assert nothing.refused("case", "list")[:2] == (69, "no_record_yet")
    status = nothing.run("status", "--output", "json", check=False)
    assert (status.returncode, json.loads(status.stdout)["ready"]) == (69, False)
    assert not nothing.places.root.joinpath("tuixuan.db").exists()
