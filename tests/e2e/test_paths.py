"""The ways that a case can go, each by the commands that people type."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from models.calendar import reminder_instants
from models.chain import GENESIS
from models.lifecycle import State
from models.pace import Pace
from models.wording import moment
from services.clock import new_id, now
from tests.e2e.driving import (
    ACCEPT,
    CORRECT,
    PASS,
    PUBLISH,
    REASON,
    RECOMMEND,
    REMARKS,
    RETURN,
    SELECT,
    SHORTLIST,
    SUBMIT,
    View,
    act,
    calendar,
    cases_in,
    first_cutoff,
    hurried_call,
    pass_cutoff,
    side_by_side,
)
from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack, case_file
from tests.factories import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

SHOWN = ("id", "title", "state", "seq", "season", "body", "category", "deadline")
"""The keys of a case that scripts rely on, in the order of DESIGN section 9."""
LINE = ("seq", "action", "from", "to", "actor", "at", "reason", "hash")


def new_season(stack: Stack) -> str:
    return stack.open_season(new_id("s")[-10:].lower())


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None
    return found


def part(view: View, *keys: str) -> View:
    return {key: view[key] for key in keys}


def lines(stack: Stack, case_id: str) -> list[View]:
    found: list[View] = stack.json("case", "history", case_id)["items"]
    return found


def told(stack: Stack, user: str, case_id: str, event: str) -> list[View]:
    """Wait until a user is told of an event of a case; return those messages, oldest first."""

    def found() -> list[View]:
        items = stack.json("inbox", user, "--limit", "200")["items"]
        return [each for each in items if (each["case_id"], each["event"]) == (case_id, event)]

    return stack.wait_until(found, what=f"{user} is told: {event}")[::-1]


def test_status_tells_what_runs(stack: Stack) -> None:
    status = stack.json("status")
    assert (status["ready"], status["state_dir"]) == (True, str(stack.places.root))
    for process in status["processes"]:
        assert isinstance(process["pid"], int)
        assert process["ready"] is True
    running = [process["name"] for process in status["processes"]]
    assert running == ["temporal", "nats", "cases", "relay", "audit", "notify"]
    addresses = status["addresses"]
    assert {"temporal", "temporal_ui", "nats", "database", "portal"} <= addresses.keys()
    assert addresses["database"] == stack.places.record_url


async def test_from_draft_to_published(stack: Stack) -> None:
    season = new_season(stack)
    made = stack.places.root / f"{season}.toml"
    made.write_text(case_file(form(title="（虚构）走完全程的案例")), encoding="utf-8")
    created = stack.json("case", "create", "--season", season, "--from", str(made))
    assert created.keys() == {"id"}
    case_id = created["id"]

    dates = stack.json("season", "show", season)["milestones"]
    shown = stack.json("case", "show", case_id)
    fujian = instant(dates["cutoff"]) - timedelta(days=17)  # its own cutoff: 04-25, not 05-12
    assert instant(shown["deadline"]) == fujian
    assert part(shown, *SHOWN[:-1]) == {
        "id": case_id,
        "title": "（虚构）走完全程的案例",
        "state": "draft",
        "seq": 0,
        "season": season,
        "body": "fujian",
        "category": "smart-home",
    }
    assert lines(stack, case_id) == []

    way = [
        (SUBMIT, "province_review", "body_review"),
        (ACCEPT, "recommendation", "cutoff"),
        (RECOMMEND, "formal_check", "formal_check"),
        (PASS, "expert_review", "expert_review"),
        (SHORTLIST, "oral_defense", "oral_defense"),
        (SELECT, "publication", "notice_end"),
    ]
    for seq, (command, state, milestone) in enumerate(way, start=1):
        if command is PASS:
            pass_cutoff(stack, season)  # moves no deadline of this case, so it takes no number
        view = act(stack, case_id, command)
        assert part(view, "id", "state", "seq") == {"id": case_id, "state": state, "seq": seq}
        assert instant(view["deadline"]) == instant(dates[milestone])
        assert view == stack.json("case", "show", case_id)
    view = act(stack, case_id, PUBLISH)
    assert part(view, "state", "seq", "deadline") == {
        "state": "published",
        "seq": 7,
        "deadline": None,
    }

    history = lines(stack, case_id)
    unit = view["unit"]
    assert [part(line, "seq", "action", "from", "to", "actor", "reason") for line in history] == [
        {"seq": seq, "action": action, "from": source, "to": to, "actor": actor, "reason": None}
        for seq, (action, source, to, actor) in enumerate(
            [
                ("submit", "draft", "province_review", f"applicant:{unit}"),
                ("accept", "province_review", "recommendation", "body:fujian"),
                ("recommend", "recommendation", "formal_check", "body:fujian"),
                ("pass_formal_check", "formal_check", "expert_review", "organiser:organiser"),
                ("shortlist", "expert_review", "oral_defense", "panel:panel"),
                ("select", "oral_defense", "publication", "panel:panel"),
                ("publish", "publication", "published", "season:season"),
            ],
            start=1,
        )
    ]
    assert all(set(LINE) <= line.keys() for line in history)
    assert [instant(line["at"]) for line in history] == sorted(instant(x["at"]) for x in history)
    hashes = [line["hash"] for line in history]
    assert len(set(hashes)) == len(hashes)
    assert all(text.startswith("sha256:") and text != GENESIS for text in hashes)

    assert [item["event"] for item in stack.json("inbox", unit)["items"]][-1] == "submitted"
    assert await assert_four_records_agree(stack, [case_id]) == 7
    verified = stack.json("audit", "verify")
    assert (verified["ok"], verified["problems"]) == (True, [])
    assert verified["records"] >= 7
    reconciled = stack.json("reconcile")
    assert (reconciled["ok"], reconciled["differences"]) == (True, [])
    assert reconciled["cases"] >= verified["cases"] >= 1


def test_lists_come_in_pages(stack: Stack) -> None:
    season = new_season(stack)
    titles = [f"（虚构）第 {number} 件" for number in range(1, 6)]
    made = [stack.create_case(season, title=title) for title in titles]
    act(stack, made[1], SUBMIT)
    stack.json("case", "edit", made[4], "--from", _file(stack, "digital-culture", titles[4]))

    def listed(*flags: str) -> View:
        found: View = stack.json("case", "list", "--season", season, *flags)
        return found

    whole = listed()
    assert whole["next_cursor"] is None
    assert whole["items"] == [stack.json("case", "show", case_id) for case_id in made]
    first = listed("--limit", "2")
    second = listed("--limit", "2", "--cursor", first["next_cursor"])
    third = listed("--limit", "2", "--cursor", second["next_cursor"])
    assert [len(page["items"]) for page in (first, second, third)] == [2, 2, 1]
    assert third["next_cursor"] is None
    assert first["items"] + second["items"] + third["items"] == whole["items"]

    def ids(*flags: str) -> list[str]:
        return [item["id"] for item in listed(*flags)["items"]]

    assert ids("--state", "province_review") == [made[1]]
    assert ids("--state", "province_review", "--state", "draft") == made
    assert ids("--category", "digital-culture") == [made[4]]
    assert ids("--body", "fujian") == made
    assert ids("--body", "zhejiang") == []
    assert ids("--overdue") == []
    assert listed("--body", "nowhere") == {"items": [], "next_cursor": None}


def _file(stack: Stack, category: str, title: str) -> str:
    path = stack.places.root / f"{new_id('f')}.toml"
    path.write_text(case_file(form(category=category, title=title)), encoding="utf-8")
    return str(path)


async def test_returned_corrected_and_filed_again(stack: Stack) -> None:
    season = new_season(stack)
    case_id = stack.create_case(season, title="（虚构）改过两次的案例")
    unit = act(stack, case_id, SUBMIT)["unit"]

    view = act(stack, case_id, (*RETURN, "--due", "+2d"))
    assert part(view, "state", "seq", "return_rounds", "revision") == {
        "state": "draft",
        "seq": 2,
        "return_rounds": 1,
        "revision": 1,
    }
    assert abs(instant(view["deadline"]) - now() - timedelta(days=2)) < timedelta(minutes=5)
    message = told(stack, unit, case_id, "returned")[0]
    assert REMARKS in message["text"]

    again = _file(stack, "digital-culture", "（虚构）改过两次的案例，第二稿")
    edited = stack.json("case", "edit", case_id, "--from", again)
    assert part(edited, "title", "category", "revision", "seq", "state") == {
        "title": "（虚构）改过两次的案例，第二稿",
        "category": "digital-culture",
        "revision": 2,
        "seq": 2,
        "state": "draft",
    }
    view = act(stack, case_id, SUBMIT, ACCEPT, ("send-back", "--reason", REASON), ACCEPT, RECOMMEND)
    assert (view["state"], view["seq"]) == ("formal_check", 7)

    view = act(stack, case_id, CORRECT)
    assert (view["state"], view["seq"], view["return_rounds"]) == ("correction", 8, 1)
    assert abs(instant(view["deadline"]) - now() - timedelta(days=3)) < timedelta(minutes=5)
    assert REMARKS in told(stack, unit, case_id, "correction_requested")[0]["text"]
    third = _file(stack, "smart-home", "（虚构）改过两次的案例，第三稿")
    assert stack.json("case", "edit", case_id, "--from", third)["revision"] == 3
    view = act(stack, case_id, ("resubmit",))
    assert (view["state"], view["seq"]) == ("formal_check", 9)
    assert view["title"] == "（虚构）改过两次的案例，第三稿"

    reasons = {line["action"]: line["reason"] for line in lines(stack, case_id)}
    assert reasons["return_for_revision"] == reasons["request_correction"] == REMARKS
    assert reasons["send_back"] == REASON
    assert await assert_four_records_agree(stack, [case_id]) == 9


async def test_the_other_ends(stack: Stack) -> None:
    season = new_season(stack)
    ends: dict[str, tuple[tuple[str, ...], ...]] = {
        "not_recommended": (SUBMIT, ("decline", "--reason", REASON)),
        "left_out": (SUBMIT, ACCEPT, ("leave-out",)),
        "ineligible": (SUBMIT, ACCEPT, RECOMMEND, ("fail", "--reason", REASON)),
        "withdrawn": (("withdraw", "--reason", REASON),),
        "after_submit": (SUBMIT, ("withdraw",)),
    }

    def drive(title: str) -> str:
        case_id = stack.create_case(season, title=f"（虚构）{title}")
        act(stack, case_id, *ends[title])
        return case_id

    made = dict(zip(ends, side_by_side(drive, ends), strict=True))
    states = {title: stack.json("case", "show", case_id) for title, case_id in made.items()}
    assert {title: view["state"] for title, view in states.items()} == {
        "not_recommended": "not_recommended",
        "left_out": "not_recommended",
        "ineligible": "ineligible",
        "withdrawn": "withdrawn",
        "after_submit": "withdrawn",
    }
    assert {view["deadline"] for view in states.values()} == {None}

    found = cases_in(stack, season, [State.EXPERT_REVIEW, State.ORAL_DEFENSE, State.PUBLISHED])
    act(stack, found[State.EXPERT_REVIEW], ("not-select",))
    act(stack, found[State.ORAL_DEFENSE], ("not-select",))
    struck = ("disqualify", "--reason", REASON, "--objection", "YY-2024-01")
    assert act(stack, found[State.PUBLISHED], struck)["state"] == "disqualified"
    assert await assert_four_records_agree(stack, [*made.values(), *found.values()]) == 35 - 5


async def test_withdrawn_before_and_after_the_list_is_sealed(stack: Stack) -> None:
    season = new_season(stack)
    found = cases_in(stack, season, [State.RECOMMENDATION, State.FORMAL_CHECK])
    assert act(stack, found[State.RECOMMENDATION], ("withdraw",))["state"] == "withdrawn"

    sealed = found[State.FORMAL_CHECK]
    code, name, message = stack.refused("case", "withdraw", sealed)
    assert (code, name) == (1, "consent_required")
    assert "同意" in message
    view = act(stack, sealed, ("withdraw", "--with-consent", "--reason", REASON))
    assert (view["state"], view["seq"]) == ("withdrawn", 4)
    organiser = told(stack, f"{season}-organiser", sealed, "withdrawn")
    assert len(organiser) == 1
    # What was withdrawn before it was handed in is none of the organiser's news.
    assert await assert_four_records_agree(stack, list(found.values())) == 7
    inbox = stack.json("inbox", f"{season}-organiser")["items"]
    assert found[State.RECOMMENDATION] not in {item["case_id"] for item in inbox}


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
        "season", "move", season, "cutoff", later.isoformat(), "--reason", "（示例）延期两天"
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
        "season", "move", season, "cutoff", body.isoformat(), "--body", "fujian",
        "--reason", "（示例）提前一天",
    )  # fmt: skip
    assert moved["cases"] == []
    assert instant(stack.json("case", "show", draft)["deadline"]) == own
    untouched = found[State.PROVINCE_REVIEW]
    assert stack.json("case", "show", untouched) == views[State.PROVINCE_REVIEW]
    assert await assert_four_records_agree(stack, list(found.values())) == 1 + 1 + 3 + 5


class Hurried:
    """A season whose days pass in two seconds, from now to its cutoff and beyond."""

    SECONDS = 2.0

    def __init__(self, stack: Stack) -> None:
        opens = now().replace(microsecond=0)
        work = calendar(stack, opens.year, (opens + timedelta(days=40)).year)
        # Five days: what it takes to file the cases before the first reminder.
        closes = first_cutoff(work, opens, lead=timedelta(days=5))
        self.id = new_id("s")[-10:].lower()
        call = stack.places.root / f"{self.id}.toml"
        call.write_text(hurried_call(opens, closes), encoding="utf-8")
        pace = f"1d={self.SECONDS}"
        shown = stack.json("season", "open", str(call), "--id", self.id, "--pace", pace)
        self.cutoff = instant(shown["milestones"]["cutoff"])
        self.opens = instant(shown["milestones"]["opens"])
        midnights = (closes + timedelta(days=1) - opens) / timedelta(days=1)
        assert self.opens == opens
        assert abs((self.cutoff - opens).total_seconds() - midnights * self.SECONDS) < 0.1


async def test_deadlines_come_and_cases_lapse(stack: Stack) -> None:
    hurried = Hurried(stack)
    season = hurried.id
    names = ("不交的草稿", "审核不完的", "补正不交的", "补正及时的", "退回后不改的")
    titles = [f"（虚构）{name}" for name in names]
    made = side_by_side(lambda title: stack.create_case(season, title=title), titles)
    draft, waiting, late, timely, returned = made
    act(stack, waiting, SUBMIT)
    act(stack, returned, SUBMIT, RETURN)
    unit = stack.json("case", "show", draft)["unit"]
    assert now() < hurried.opens + timedelta(seconds=5 * hurried.SECONDS), "too slow to begin"

    for case_id in (late, timely):
        act(stack, case_id, SUBMIT, ACCEPT, RECOMMEND)
        due = (now() + timedelta(seconds=8)).isoformat()
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
        assert timedelta() <= lateness < timedelta(seconds=5)
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


def planned(stack: Stack, season: str) -> list[datetime]:
    """Return when the reminders and the lapse of a draft are due, as real instants."""
    shown: dict[str, Any] = stack.json("season", "show", season)
    cutoff = instant(shown["milestones"]["cutoff"])
    opens = instant(shown["milestones"]["opens"])
    pace = Pace(anchor=opens, seconds_per_day=shown["seconds_per_day"])
    reminders = reminder_instants(pace.civil(cutoff), (7, 3, 1), calendar(stack))
    return [*(pace.real(reminders[offset]) for offset in (7, 3, 1)), cutoff]
