"""The 2024 call says what its notice says, and a wrong file is refused by its place."""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cases.form_check import CaseForm
from models.dates.working_days import reminder_instants
from models.programme.bodies import BodyKind
from models.programme.definition import Programme
from models.programme.form import FieldKey
from models.programme.retention import LEAST_DAYS_KEPT, Retention
from models.refusals import Refused
from tests.working_days import official_working_days

TEXT = (
    Path(__file__)
    .resolve()
    .parents[3]
    .joinpath("programmes/2024-new-services.toml")
    .read_text("utf-8")
)
PROGRAMME = Programme.from_toml(TEXT)
WORKING_DAYS = official_working_days(2024, 2024)
BEIJING = ZoneInfo("Asia/Shanghai")


def test_the_facts_of_the_notice() -> None:
    assert (PROGRAMME.id, PROGRAMME.edition) == ("2024", "2024")
    assert (PROGRAMME.notice.number, PROGRAMME.notice.issued) == (
        "广电办发〔2024〕63号",
        date(2024, 3, 12),
    )
    assert [each.number for each in PROGRAMME.forwardings] == ["闽广〔2024〕74号"]
    assert [each.title for each in PROGRAMME.categories] == [
        "视听消费新体验",
        "智慧家庭新场景",
        "数字文化新应用",
        "政务商务新服务",
    ]
    assert [each.title for each in PROGRAMME.levels] == ["全国", "省级", "地市级", "县级"]
    assert len(PROGRAMME.applicant_types) == 5
    assert PROGRAMME.form.sections == (
        "基本情况",
        "创新做法与实践",
        "问题及破解办法",
        "新模式新业态新应用及成效",
        "经验启示或解决方案",
        "下一步发展计划",
    )
    assert (PROGRAMME.form.summary_limit, PROGRAMME.form.body_limit) == (500, 5000)
    assert PROGRAMME.form.counting == "word"


def test_the_words_of_the_notice() -> None:
    table, milestones = PROGRAMME.summary_table, PROGRAMME.milestones

    assert PROGRAMME.notice.issuer == "国家广播电视总局办公厅"
    assert "转发" in PROGRAMME.forwardings[0].about
    assert PROGRAMME.notice.number in PROGRAMME.basis
    assert PROGRAMME.principles == ("公开", "公平", "公正", "少而精", "宁缺毋滥")
    assert (table.columns[0], len(table.columns)) == ("序号", 7)
    assert table.contact == ("联系人", "部门及职务", "电话", "手机")
    assert "老" in PROGRAMME.category("smart-home").description
    assert "500 字" in {field.key: field.hint for field in PROGRAMME.form.fields}["summary"]
    assert any("对比" in line for line in PROGRAMME.form.guidance)
    assert [each.key for each in PROGRAMME.screening][:4] == [
        "political",
        "innovative",
        "effective",
        "typical",
    ]
    assert (milestones.body_review, milestones.formal_check) == (
        milestones.cutoff,
        date(2024, 5, 24),
    )
    assert milestones.expert_review < milestones.oral_defense < milestones.notice_start


def test_the_defaults_chosen_where_the_notice_is_silent() -> None:
    selection, period = PROGRAMME.selection, PROGRAMME.notice_period

    assert {each.key: each.points for each in selection.criteria} == {
        "political": 0,
        "innovative": 40,
        "effective": 35,
        "typical": 25,
    }
    assert [each.key for each in selection.criteria if each.gate] == ["political"]
    assert (selection.pass_mark, selection.defense_ratio) == (Decimal(75), Decimal("1.5"))
    assert (selection.experts_per_case, selection.experts_minimum) == (7, 5)
    assert (selection.trim, selection.trim_from, selection.decimals) == (1, 5, 2)
    assert (selection.seats_per_category, selection.may_stay_empty) == (10, True)
    assert selection.ties == ("effective", "innovative", "body_rank", "draw")
    assert (period.days, period.unit, period.first_day) == (5, "working_days", "next_day")
    assert (period.objections, period.answer_working_days, period.upheld) == (
        "named",
        15,
        "leave_empty",
    )
    assert PROGRAMME.reminders.working_days == (7, 3, 1)


def test_nothing_is_kept_for_less_than_any_six_months() -> None:
    longest = max(
        date(year + (month > 6), (month + 5) % 12 + 1, 1) - date(year, month, 1)
        for year in range(2023, 2028)
        for month in range(1, 13)
    )
    assert longest.days == LEAST_DAYS_KEPT
    shortest = dict.fromkeys(Retention.model_fields, LEAST_DAYS_KEPT)
    assert Retention(**shortest).model_dump() == shortest


def test_a_season_opened_before_there_were_retentions_has_the_defaults() -> None:
    stored = PROGRAMME.model_dump(mode="json")
    del stored["retention"]
    assert Programme.from_json(stored).retention == Retention() == PROGRAMME.retention
    assert any("保存期限" in line for line in PROGRAMME.synthetic)


def test_what_is_invented_says_so() -> None:
    assert any("strong_last_year" in line and "虚构" in line for line in PROGRAMME.synthetic)


def test_bodies_are_31_provinces_the_corps_and_central_units() -> None:
    kinds = [body.kind for body in PROGRAMME.bodies]

    assert kinds.count(BodyKind.PROVINCE) == 31
    assert [body.id for body in PROGRAMME.bodies if body.kind == BodyKind.CORPS] == [
        "xinjiang-bingtuan"
    ]
    assert {"cmg", "central"} <= {
        body.id for body in PROGRAMME.bodies if body.kind == BodyKind.CENTRAL
    }


def test_the_form_names_every_field_of_a_case() -> None:
    assert get_args(FieldKey) == tuple(CaseForm.model_fields)
    assert [field.key for field in PROGRAMME.form.fields] == list(CaseForm.model_fields)


@pytest.mark.parametrize(
    ("body", "per_category", "total"),
    [("zhejiang", 4, 12), ("fujian", 4, 10), ("xinjiang-bingtuan", 4, 10), ("cmg", 2, 5)],
)
def test_quotas(body: str, per_category: int, total: int) -> None:
    quota = PROGRAMME.quota_for(PROGRAMME.body(body))

    assert (quota.per_category, quota.total) == (per_category, total)


def test_a_bonus_widens_the_total() -> None:
    rewarded = PROGRAMME.body("fujian").model_copy(update={"bonus": 2})

    assert PROGRAMME.quota_for(rewarded).total == 12


def test_a_call_without_quotas_has_no_cap() -> None:
    free = PROGRAMME.model_copy(update={"quotas": ()})

    assert free.quota_for(free.body("fujian").model_copy(update={"bonus": 2})).total is None


@pytest.mark.parametrize(
    ("location", "body"),
    [
        ("福建", "fujian"),
        ("福建省", "fujian"),
        ("fujian", "fujian"),
        ("Fujian", "fujian"),
        ("福建省广播电视局", "fujian"),
        (" 福 建 省 ", "fujian"),
        ("福建省福州市鼓楼区", "fujian"),
        ("北京市", "beijing"),
        ("内蒙古", "neimenggu"),
        ("广西壮族自治区", "guangxi"),
        ("新疆", "xinjiang"),
        ("新疆维吾尔自治区喀什地区", "xinjiang"),
        ("兵团", "xinjiang-bingtuan"),
        ("新疆生产建设兵团", "xinjiang-bingtuan"),
        ("新疆生产建设兵团第八师", "xinjiang-bingtuan"),
        ("陕西省", "shaanxi"),
        ("山西省", "shanxi"),
        ("中央广播电视总台", "cmg"),
        ("中央广播电视总台办公厅", "cmg"),
        ("中央有关单位", "central"),
    ],
)
def test_finds_the_body_of_a_location(location: str, body: str) -> None:
    assert PROGRAMME.body_for(location).id == body


@pytest.mark.parametrize("location", ["", "海南藏族自治州", "福", "Atlantis", "省"])
def test_refuses_an_unknown_location_and_names_what_is_accepted(location: str) -> None:
    with pytest.raises(Refused) as refused:
        PROGRAMME.body_for(location)

    assert refused.value.code == "unknown_location"
    assert "福建、江西" in refused.value.message


def test_refuses_an_unknown_body() -> None:
    with pytest.raises(Refused, match="fujian") as refused:
        PROGRAMME.body("福建")

    assert refused.value.code == "unknown_body"


@pytest.mark.parametrize("name", ["smart-home", "智慧家庭新场景", " 智慧家庭新场景 "])
def test_finds_a_category_by_key_or_title(name: str) -> None:
    assert PROGRAMME.category(name).key == "smart-home"


@pytest.mark.parametrize("name", ["", "智慧家庭", "整合聚合新机制"])
def test_refuses_an_unknown_category(name: str) -> None:
    with pytest.raises(Refused, match="政务商务新服务") as refused:
        PROGRAMME.category(name)

    assert refused.value.code == "unknown_category"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, datetime(2024, 5, 13, tzinfo=BEIJING)),
        (date(2024, 4, 25), datetime(2024, 4, 26, tzinfo=BEIJING)),
        (datetime(2024, 4, 25, 17, 30), datetime(2024, 4, 25, 17, 30, tzinfo=BEIJING)),  # noqa: DTZ001
        (datetime(2024, 4, 25, 9, tzinfo=UTC), datetime(2024, 4, 25, 17, tzinfo=BEIJING)),
        (date(2024, 6, 1), datetime(2024, 5, 13, tzinfo=BEIJING)),
    ],
)
def test_the_earlier_cutoff_counts(own: date | datetime | None, expected: datetime) -> None:
    body = PROGRAMME.body("fujian").model_copy(update={"cutoff": own})

    assert PROGRAMME.cutoff_for(body) == expected


def test_fujian_closes_on_25_april_and_the_others_on_12_may() -> None:
    assert PROGRAMME.cutoff_for(PROGRAMME.body("fujian")) == datetime(2024, 4, 25, 16, tzinfo=UTC)
    assert PROGRAMME.cutoff_for(PROGRAMME.body("cmg")) == datetime(2024, 5, 12, 16, tzinfo=UTC)


def test_a_date_opens_at_its_midnight_and_ends_at_the_next() -> None:
    instants = PROGRAMME.instants()

    assert instants["opens"] == datetime(2024, 3, 25, tzinfo=BEIJING)
    assert instants["cutoff"] == datetime(2024, 5, 13, tzinfo=BEIJING)
    assert set(instants) == {
        "opens",
        "body_review",
        "cutoff",
        "formal_check",
        "expert_review",
        "oral_defense",
        "notice_start",
        "notice_end",
    }
    assert {at.tzinfo for at in instants.values()} == {UTC}


def test_the_notice_is_as_long_as_its_period_says() -> None:
    period, milestones = PROGRAMME.notice_period, PROGRAMME.milestones

    assert (
        WORKING_DAYS.add_working_days(milestones.notice_start, period.days) == milestones.notice_end
    )


def test_every_deadline_of_the_call_can_be_reminded_of() -> None:
    for name, at in PROGRAMME.instants().items():
        reminders = reminder_instants(at, PROGRAMME.reminders.working_days, WORKING_DAYS)
        assert list(reminders) == [7, 3, 1], name


@given(st.dates(date(2000, 1, 1), date(2094, 12, 31)))
def test_starting_on_another_day_keeps_every_distance(day: date) -> None:
    moved = PROGRAMME.starting(day)

    shift = day - date(2024, 3, 25)
    assert moved.milestones.opens == day
    assert {name: at + shift for name, at in PROGRAMME.milestones} == dict(moved.milestones)
    assert moved.body("fujian").cutoff == date(2024, 4, 25) + shift
    assert moved.body("cmg").cutoff is None
    assert moved.starting(date(2024, 3, 25)) == PROGRAMME


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2096, 1, 1), date(9999, 12, 31)])
def test_refuses_to_start_outside_the_calendar(day: date) -> None:
    with pytest.raises(Refused) as refused:
        PROGRAMME.starting(day)

    assert refused.value.code == "starting_invalid"


def test_survives_json() -> None:
    assert (
        Programme.from_json(json.loads(json.dumps(PROGRAMME.model_dump(mode="json")))) == PROGRAMME
    )


def test_a_stored_programme_that_is_wrong_is_refused() -> None:
    with pytest.raises(Refused, match="缺少这一项") as refused:
        Programme.from_json({"id": "2024"})

    assert refused.value.code == "programme_invalid"


type Edit = Callable[[dict], None]  # type: ignore[type-arg] # TOML as it comes


@pytest.mark.parametrize(
    ("edit", "place", "words"),
    [
        (lambda d: d.pop("title"), "title", "缺少这一项"),
        (lambda d: d.update(tittle="x"), "tittle", "不认识的键"),
        (lambda d: d["bodies"][12].update(kind="town"), "bodies[13].kind", "'province'"),
        (lambda d: d["bodies"][12].update(id="Fu Jian"), "bodies[13].id", "写法不对"),
        (lambda d: d["bodies"][12].update(cutoff="soon"), "bodies[13].cutoff", "应为日期"),
        (lambda d: d["bodies"][12].update(cutoff=5), "bodies[13].cutoff", "应为日期"),
        (lambda d: d["bodies"][12].update(short="北京"), "bodies", "“北京”重复"),
        (lambda d: d["bodies"][12].update(cutoff=date(2024, 3, 1)), "fujian", "早于"),
        (lambda d: d["bodies"][12].update(bonus=-1), "bodies[13].bonus", "不应小于 0"),
        (lambda d: d["form"].update(summary_limit=500.5), "form.summary_limit", "应为整数"),
        (lambda d: d["form"].update(summary_limit=0), "form.summary_limit", "应大于 0"),
        (lambda d: d["form"].update(counting="bytes"), "form.counting", "'word'"),
        (lambda d: d["form"].update(sections=[]), "form.sections", "至少要有 1 项"),
        (lambda d: d["form"]["sections"].append("基本情况"), "form.sections", "重复"),
        (lambda d: d["form"]["fields"][0].update(key="name"), "form.fields[1].key", "'title'"),
        (lambda d: d["milestones"].update(cutoff=date(2024, 3, 1)), "cutoff", "早于"),
        (lambda d: d["milestones"].update(body_review=date(2024, 6, 1)), "body_review", "不晚于"),
        (lambda d: d["milestones"].update(opens=date(9999, 12, 31)), "milestones.opens", "日期"),
        (lambda d: d["milestones"].pop("cutoff"), "milestones.cutoff", "缺少"),
        (lambda d: d.update(timezone="Asia/Fuzhou"), "timezone", "没有“Asia/Fuzhou”"),
        (lambda d: d.update(timezone="../etc"), "timezone", "时区"),
        (lambda d: d.update(timezone="Asia/Urumqi"), "timezone", "不是北京时间"),
        (lambda d: d.update(timezone="Asia/Tokyo"), "timezone", "应为 Asia/Shanghai"),
        (lambda d: d.update(timezone="Asia/Irkutsk"), "timezone", "不是北京时间"),  # until 2014
        (lambda d: d.update(categories=[]), "categories", "至少要有 1 项"),
        (lambda d: d["categories"][0].update(key="smart-home"), "categories", "重复"),
        (lambda d: d.update(title=5), "title", "加引号"),
        (lambda d: d.update(title="  "), "title", "不能为空"),
        (lambda d: d["selection"].update(ties=["luck"]), "selection", "luck"),
        (lambda d: d["selection"].update(trim=3), "selection", "trim_from"),
        (lambda d: d["selection"].update(experts_minimum=9), "selection", "experts_minimum"),
        (lambda d: d["selection"]["criteria"][1].update(points=41), "selection", "100"),
        (lambda d: d["selection"].update(defense_categories=["x"]), "defense_categories", "x"),
        (lambda d: d["selection"].update(pass_mark=Decimal("NaN")), "pass_mark", "有限的数"),
        (lambda d: d["selection"].update(pass_mark=[]), "selection.pass_mark", "应为数"),
        (lambda d: d["notice_period"].update(days="five"), "notice_period.days", "应为整数"),
        (
            lambda d: d["retention"].update(forms=183),
            "retention.forms",
            "不得少于 184 天（六个月）",
        ),
        (lambda d: d["retention"].update(forms=0), "retention.forms", "不得少于 184 天"),
        (lambda d: d["retention"].update(messages=36_501), "retention.messages", "不应大于 36500"),
        (lambda d: d["retention"].update(webhooks=365.5), "retention.webhooks", "应为整数"),
        (lambda d: d["retention"].update(history=365), "retention.history", "不认识的键"),
    ],
)
def test_a_wrong_file_is_refused_by_its_place(edit: Edit, place: str, words: str) -> None:
    data = tomllib.loads(TEXT)
    edit(data)

    with pytest.raises(Refused) as refused:
        Programme.from_json(data)

    assert refused.value.code == "programme_invalid"
    assert place in refused.value.message
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('id = "2024"\nid = "2025"', "第 2 行"),
        ("[[bodies", "TOML"),
        ("\nx = [", "第 2 行末尾"),
        ("x = 2024-02-30", "第 1 行第 5 列.*日期不存在"),
        ("x = " + "9" * 5000, "过长的数字"),
        ("x = " + "[" * 5000, "嵌套过深"),
        ("", "缺少这一项"),
    ],
)
def test_bad_toml_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        Programme.from_toml(text)

    assert refused.value.code == "programme_invalid"


def test_at_most_five_troubles_are_told_and_unknown_keys_come_first() -> None:
    with pytest.raises(Refused) as refused:
        Programme.from_toml('tittle = "x"')

    told = refused.value.message.split("：", 1)[1].split("；")
    assert told[0].startswith("tittle")
    assert (len(told), told[5][:2]) == (6, "另有")


def test_times_of_day_are_taken_as_they_stand() -> None:
    moved = Programme.from_toml(
        TEXT.replace("cutoff = 2024-05-12 ", "cutoff = 2024-05-13T18:00:00 ")
    )

    at = datetime(2024, 5, 13, 18, tzinfo=BEIJING)
    assert moved.instants()["cutoff"] == at
    assert moved.starting(date(2025, 3, 25)).instants()["cutoff"] == at + timedelta(days=365)
    assert Programme.from_json(moved.model_dump(mode="json")) == moved
