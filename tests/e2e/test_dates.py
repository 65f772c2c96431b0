"""Deadlines that come, and deadlines that are moved."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.cases.states import State
from models.dates.pace import Pace
from models.dates.working_days import reminder_instants
from models.wording import moment
from services.clock import new_id, now
from tests.e2e.driving import (
    ACCEPT,
    PASS,
    RECOMMEND,
    REMARKS,
    RETURN,
    SUBMIT,
    act,
    calendar,
    cases_in,
    first_cutoff,
    hurried_call,
    instant,
    lines,
    new_season,
    part,
    side_by_side,
    told,
)
from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack
from tests.slack import slack, stretch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]


async def test_moved_dates_reach_everybody_whom_they_touch(stack: Stack) -> None:
    season = new_season(stack)
    found = cases_in(
        stack, season, [State.DRAFT, State.PROVINCE_REVIEW, State.RECOMMENDATION, State.CORRECTION]
    )
    draft, pooled = found[State.DRAFT], found[State.RECOMMENDATION]
    views = {state: stack.json("case", "show", case_id) for state, case_id in found.items()}
    unit = views[State.DRAFT]["unit"]

    national = instant(stack.json("season", "show", season)["milestones"]["cutoff"])
    later = national + timedelta(days=2)
    moved = stack.json(
        "season", "move", season, "申报推荐截止", later.isoformat(), "--reason", "（示例）延期两天"
    )
    assert part(moved, "season", "milestone", "cases") == {
        "season": season,
        "milestone": "cutoff",
        "cases": [pooled],  # Fujian's drafts have their body's own, earlier cutoff
    }
    assert (instant(moved["before"]), instant(moved["after"])) == (national, later)
    after = stack.json("case", "show", pooled)
    assert (instant(after["deadline"]), after["seq"]) == (later, 3)
    message = told(stack, f"{season}-fujian", pooled, "deadline_moved")
    assert len(message) == 1
    assert f"原期限：{moment(national)}" in message[0]["text"]
    assert f"期限：{moment(later)}" in message[0]["text"]
    assert "（示例）延期两天" in message[0]["text"]

    # One unit gets longer: its drafts alone, whatever its body's cutoff is.
    own = instant(views[State.DRAFT]["deadline"]) + timedelta(days=3)
    given = stack.json(
        "season", "extend", season, unit, own.isoformat(), "--reason", "（示例）台风"
    )  # fmt: skip
    assert (given["unit"], given["cases"], instant(given["until"])) == (unit, [draft], own)
    assert instant(stack.json("case", "show", draft)["deadline"]) == own
    message = told(stack, unit, draft, "deadline_moved")
    assert f"原期限：{moment(instant(views[State.DRAFT]['deadline']))}" in message[0]["text"]
    assert f"期限：{moment(own)}" in message[0]["text"]
    assert "（示例）台风" in message[0]["text"]

    # One case gets longer.
    correction = found[State.CORRECTION]
    until = instant(views[State.CORRECTION]["deadline"]) + timedelta(days=1)
    view = act(stack, correction, ("extend", until.isoformat(), "--reason", "（示例）补材料"))
    assert (instant(view["deadline"]), view["seq"]) == (until, 5)
    told(stack, unit, correction, "deadline_moved")

    # A body moves its own cutoff; the extension of one unit stays.
    body = instant(views[State.DRAFT]["deadline"]) - timedelta(days=1)
    moved = stack.json(
        "season", "move", season, "cutoff", body.isoformat(), "--body", "福建",
        "--reason", "（示例）提前一天", "--yes",
    )  # fmt: skip
    assert moved["cases"] == []
    assert instant(stack.json("case", "show", draft)["deadline"]) == own
    untouched = found[State.PROVINCE_REVIEW]
    assert stack.json("case", "show", untouched) == views[State.PROVINCE_REVIEW]
    assert await assert_four_records_agree(stack, list(found.values())) == 1 + 1 + 3 + 5


class Hurried:
    """A season whose days pass in so many seconds, from now to its cutoff and beyond."""

    def __init__(self, stack: Stack, seconds: float) -> None:
        opens = now().replace(microsecond=0)
        work = calendar(stack, opens.year, (opens + timedelta(days=40)).year)
        # Five days: what it takes to file the cases before the first reminder.
        closes = first_cutoff(work, opens, lead=timedelta(days=5))
        self.id = new_id("s")[-10:].lower()
        call = stack.places.root / f"{self.id}.toml"
        call.write_text(hurried_call(opens, closes), encoding="utf-8")
        pace = f"1d={seconds:.1f}"
        shown = stack.json("season", "open", str(call), "--id", self.id, "--pace", pace)
        self.cutoff = instant(shown["milestones"]["cutoff"])
        self.opens = instant(shown["milestones"]["opens"])
        midnights = (closes + timedelta(days=1) - opens) / timedelta(days=1)
        assert self.opens == opens
        assert abs((self.cutoff - opens).total_seconds() - midnights * round(seconds, 1)) < 0.1
        self.first_reminder = opens + timedelta(seconds=5 * seconds)


async def test_deadlines_come_and_cases_lapse(stack: Stack) -> None:
    hurried, made = begun_in_time(stack)
    season = hurried.id
    draft, waiting, late, timely, returned = made
    unit = stack.json("case", "show", draft)["unit"]

    for case_id in (late, timely):
        act(stack, case_id, SUBMIT, ACCEPT, RECOMMEND)
        due = (now() + timedelta(seconds=stretch(8))).isoformat()
        act(stack, case_id, ("request-correction", "--remarks", REMARKS, "--due", due))
    assert act(stack, timely, ("resubmit",))["state"] == "formal_check"

    def ended() -> bool:
        views = [stack.json("case", "show", case_id) for case_id in (draft, late, returned)]
        return [view["state"] for view in views] == ["lapsed", "withdrawn", "lapsed"]

    stack.wait_until(ended, what="the cutoff comes")
    assert now() >= hurried.cutoff
    stack.wait_until(lambda: stack.json("case", "show", waiting)["overdue"], what="overdue")

    reminders = ["remind", "remind", "remind"]
    history = lines(stack, draft)
    assert [line["action"] for line in history] == [*reminders, "lapse"]
    assert {line["actor"] for line in history} == {"season:clock"}
    for line, item in zip(history, planned(stack, season), strict=True):
        lateness = instant(line["at"]) - item
        assert timedelta() <= lateness < timedelta(seconds=slack(5))
    subjects = [item["subject"] for item in told(stack, unit, draft, "deadline_approaching")]
    assert [left in subject for left, subject in zip("731", subjects, strict=True)] == [True] * 3
    assert len(told(stack, unit, draft, "lapsed")) == 1

    assert [line["action"] for line in lines(stack, returned)] == [
        "submit",
        "return_for_revision",
        *reminders,
        "lapse",
    ]
    # Whoever reviews is reminded as well, and the case waits on.
    view = stack.json("case", "show", waiting)
    assert (view["state"], view["awaited"], view["overdue"]) == ("province_review", "body", True)
    assert [line["action"] for line in lines(stack, waiting)] == ["submit", *reminders, "expire"]
    assert len(told(stack, f"{season}-fujian", waiting, "deadline_passed")) == 1
    overdue = stack.json("case", "list", "--season", season, "--overdue")["items"]
    assert [item["id"] for item in overdue] == [waiting]
    actions = [line["action"] for line in lines(stack, late)]
    assert (actions[3], actions[-1]) == ("request_correction", "lapse")
    assert lines(stack, late)[-1]["to"] == "withdrawn"

    # One second too late.
    assert stack.refused("case", "submit", draft)[:2] == (1, "case_closed")
    assert stack.refused("case", "resubmit", late)[:2] == (1, "case_closed")
    code, name, message = stack.refused("case", "return", waiting, "--remarks", REMARKS)
    assert (code, name) == (1, "cutoff_passed")
    assert moment(hurried.cutoff) in message
    # A late body may still go on.
    assert act(stack, waiting, ACCEPT, RECOMMEND, PASS)["state"] == "expert_review"
    await assert_four_records_agree(stack, made)


def begun_in_time(stack: Stack) -> tuple[Hurried, list[str]]:
    """Open a season and file its cases, at a pace at which the first reminder is still ahead."""
    names = ("不交的草稿", "审核不完的", "补正不交的", "补正及时的", "退回后不改的")
    titles = [f"（虚构）{name}" for name in names]
    seconds = stretch(1.5)
    while True:
        hurried = Hurried(stack, seconds)
        made = side_by_side(partial(create, stack, hurried.id), titles)
        _, waiting, *_, returned = made
        act(stack, waiting, SUBMIT)
        act(stack, returned, SUBMIT, RETURN)
        if now() < hurried.first_reminder:
            return hurried, made
        seconds *= 2


def create(stack: Stack, season: str, title: str) -> str:
    return stack.create_case(season, title=title)


def planned(stack: Stack, season: str) -> list[datetime]:
    """Return when the reminders and the lapse of a draft are due, as real instants."""
    shown: dict[str, Any] = stack.json("season", "show", season)
    cutoff = instant(shown["milestones"]["cutoff"])
    opens = instant(shown["milestones"]["opens"])
    pace = Pace(anchor=opens, seconds_per_day=shown["seconds_per_day"])
    reminders = reminder_instants(pace.civil(cutoff), (7, 3, 1), calendar(stack))
    return [*(pace.real(reminders[offset]) for offset in (7, 3, 1)), cutoff]


async def test_a_date_of_yesterday_ends_nothing_by_accident_and_what_it_ended_comes_back(
    stack: Stack,
) -> None:
    """One open draft; the cutoff is moved to a day before today, then to the right day."""
    season = new_season(stack)
    draft = stack.create_case(season, title="（虚构）被误截止的草稿", location="浙江省")
    shown = stack.json("season", "show", season)["milestones"]
    day = timedelta(days=1)
    before, yesterday = stack.json("case", "show", draft), f"{now() - day:%Y-%m-%d}"
    move = ("season", "move", season, "cutoff")
    reason = ("--reason", "x")

    code, name, message = stack.refused(*move, yesterday, *reason)
    assert (code, name) == (1, "date_passed")
    assert "影响 1 件案例：1 件随即逾期终止" in message
    code, name, message = stack.refused(*move, "--now", *reason)
    assert (code, name) == (1, "confirmation_needed")
    assert "1 件随即逾期终止" in message
    tried = stack.json(*move, "--now", *reason, "--dry-run")
    assert (tried["counts"], tried["dangerous"]) == ({"lapses": 1}, True)
    assert [(each["id"], each["effect"]) for each in tried["cases"]] == [(draft, "lapses")]
    too_late = (instant(shown["formal_check"]) + day).isoformat()
    code, name, message = stack.refused(*move, too_late, *reason)
    assert (code, name) == (1, "milestone_order")
    assert "formal_check（形式审查截止，" in message
    assert "cutoff（申报推荐截止，" in message
    assert stack.json("case", "show", draft) == before
    assert stack.json("season", "show", season)["milestones"] == shown

    assert stack.json(*move, "--now", *reason, "--yes")["cases"] == [draft]
    stack.wait_until(
        lambda: stack.json("case", "show", draft)["state"] == "lapsed", what="it lapses"
    )
    right = instant(shown["cutoff"]) + day
    moved = stack.json(*move, right.isoformat(), *reason)
    assert (moved["cases"], moved["reopened"]) == ([], [draft])
    after = stack.json("case", "show", draft)
    assert (after["state"], instant(after["deadline"])) == ("draft", right)
    assert len(told(stack, after["unit"], draft, "reopened")) == 1
    assert act(stack, draft, SUBMIT)["state"] == "province_review"
    assert await assert_four_records_agree(stack, [draft]) == 4
