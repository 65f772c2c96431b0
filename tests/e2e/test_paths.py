"""The ways that a case can go, each by the commands that people type."""

from datetime import timedelta

import pytest

from models.chain import GENESIS
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
    instant,
    lines,
    new_season,
    part,
    pass_cutoff,
    told,
)
from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack, case_file
from tests.factories import form
from workers.processes import WorkerRole

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

SHOWN = ("id", "title", "state", "seq", "season", "body", "category", "deadline")
"""The keys of a case that scripts rely on, in their order."""
LINE = ("seq", "action", "from", "to", "actor", "at", "reason", "hash")


def test_status_tells_what_runs(stack: Stack) -> None:
    status = stack.json("status")
    assert (status["ready"], status["state_dir"]) == (True, str(stack.places.root))
    for process in status["processes"]:
        assert isinstance(process["pid"], int)
        assert process["ready"] is True
    running = [process["name"] for process in status["processes"]]
    assert running == ["temporal", "nats", *WorkerRole]
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
    reconciled = stack.json("reconcile", "--all")
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

    assert ids("--state", "province_review") == ids("--state", "省级审核") == [made[1]]
    assert ids("--state", "province_review", "--state", "draft") == made
    assert ids("--category", "digital-culture") == [made[4]]
    assert ids("--body", "fujian") == ids("--body", "福建") == made
    assert ids("--body", "zhejiang") == []
    assert ids("--overdue") == []
    read = stack.run("case", "list", "--season", season, "--state", "draft").stdout
    assert "福建" in read
    assert "fujian" not in read
    for flag, code in (("--body", "unknown_body"), ("--category", "unknown_category")):
        told = stack.refused("case", "list", "--season", season, flag, "nowhere")
        assert told[:2] == (1, code)
        assert "可选：" in told[2]


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
